/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests are numbered in the order they come, so entries are sorted by id and a binary search finds one.  They lie in pieces, so that
 * one of a hundred thousand leaves as fast as one of ten; what sorting needs of a request is kept beside it, as requests lie far apart.
 */
#include "ui/panels/pending-list.h"

#include <string.h>

enum { PIECE_MAX = 256 };

struct piece {
    unsigned count; /* never 0 */
    struct pending_entry entries[PIECE_MAX];
};

struct pending_list {
    GPtrArray *pieces;
    size_t count;
    size_t by_state[BLK_REQUEST_DONE + 1];
    struct pending_done done[PENDING_RECENT_MAX];
    size_t done_next, done_count;
};

struct pending_list *pending_list_new(void)
{
    struct pending_list *list = g_new0(struct pending_list, 1);

    list->pieces = g_ptr_array_new_with_free_func(g_free);
    return list;
}

void pending_list_free(struct pending_list *list)
{
    if (list) {
        g_ptr_array_unref(list->pieces);
        g_free(list);
    }
}

/* ---- pieces ---- */

/* Where an entry is, or belongs. */
struct place {
    unsigned piece;
    unsigned index; /* in it */
};

static struct piece *piece_at(const struct pending_list *list, unsigned index)
{
    return list->pieces->pdata[index];
}

/* Of a list that is not empty: in the last piece that begins at or before id, or in the first. */
static struct place search(const struct pending_list *list, uint64_t id)
{
    unsigned low = 0, high = list->pieces->len, piece;

    while (high - low > 1) {
        unsigned middle = low + (high - low) / 2;

        if (piece_at(list, middle)->entries[0].id <= id) {
            low = middle;
        } else {
            high = middle;
        }
    }
    piece = low;
    low = 0;
    high = piece_at(list, piece)->count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (piece_at(list, piece)->entries[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return (struct place){piece, low};
}

/* NULL: there is none of that number. */
static struct pending_entry *find(const struct pending_list *list, uint64_t id, struct place *ret_place)
{
    struct piece *piece;

    if (list->count == 0) {
        return NULL;
    }
    *ret_place = search(list, id);
    piece = piece_at(list, ret_place->piece);
    return ret_place->index < piece->count && piece->entries[ret_place->index].id == id ? &piece->entries[ret_place->index] : NULL;
}

/* Makes room in a full piece: what lies behind the place goes to a new one. */
static struct place split(struct pending_list *list, struct place place)
{
    struct piece *full = piece_at(list, place.piece), *next = g_new(struct piece, 1);

    next->count = full->count - place.index;
    memcpy(next->entries, full->entries + place.index, next->count * sizeof(next->entries[0]));
    full->count = place.index;
    g_ptr_array_insert(list->pieces, (int)place.piece + 1, next);
    return place.index < PIECE_MAX ? place : (struct place){place.piece + 1, 0};
}

static void insert(struct pending_list *list, const struct blk_request *request)
{
    struct place place = {0, 0};
    struct piece *piece;

    if (list->count == 0) {
        g_ptr_array_add(list->pieces, g_new0(struct piece, 1));
    } else {
        place = search(list, request->id);
    }
    if (piece_at(list, place.piece)->count == PIECE_MAX) {
        place = split(list, place);
    }
    piece = piece_at(list, place.piece);
    memmove(piece->entries + place.index + 1, piece->entries + place.index, (piece->count - place.index) * sizeof(piece->entries[0]));
    piece->entries[place.index] = (struct pending_entry){request->id, request, request->offset, request->bytes, request->op, request->state};
    piece->count++;
    list->count++;
    list->by_state[request->state]++;
}

static void take_out(struct pending_list *list, struct place place)
{
    struct piece *piece = piece_at(list, place.piece);

    list->by_state[piece->entries[place.index].state]--;
    list->count--;
    if (--piece->count == 0) {
        g_ptr_array_remove_index(list->pieces, place.piece);
        return;
    }
    memmove(piece->entries + place.index, piece->entries + place.index + 1, (piece->count - place.index) * sizeof(piece->entries[0]));
}

/* ---- what is done ---- */

static void keep_done(struct pending_list *list, const struct blk_request *request)
{
    struct pending_done *done = &list->done[list->done_next];

    done->id = request->id;
    done->op = request->op;
    done->offset = request->offset;
    done->bytes = request->bytes;
    done->took_us = request->done_us - request->started_us;
    done->ret = request->ret;
    g_strlcpy(done->issuer, request->issuer ? request->issuer : "", sizeof(done->issuer));
    list->done_next = (list->done_next + 1) % PENDING_RECENT_MAX;
    list->done_count = MIN(list->done_count + 1, PENDING_RECENT_MAX);
}

void pending_list_sync(struct pending_list *list, const struct blk *blk)
{
    g_ptr_array_set_size(list->pieces, 0);
    list->count = list->done_count = 0;
    memset(list->by_state, 0, sizeof(list->by_state));
    for (const GList *link = blk ? blk_requests(blk)->head : NULL; link; link = link->next) {
        insert(list, link->data);
    }
}

void pending_list_update(struct pending_list *list, const struct blk_request *request)
{
    struct place place;
    struct pending_entry *entry = find(list, request->id, &place);

    if (request->state == BLK_REQUEST_DONE) {
        if (entry) {
            take_out(list, place);
        }
        keep_done(list, request);
    } else if (entry) {
        list->by_state[entry->state]--;
        list->by_state[request->state]++;
        entry->state = request->state;
    } else {
        insert(list, request);
    }
}

/* ---- looking ---- */

size_t pending_list_count(const struct pending_list *list)
{
    return list->count;
}

size_t pending_list_count_state(const struct pending_list *list, enum blk_request_state state)
{
    return list->by_state[state];
}

const struct blk_request *pending_list_at(const struct pending_list *list, size_t index)
{
    unsigned piece = 0;

    for (; index >= piece_at(list, piece)->count; piece++) {
        index -= piece_at(list, piece)->count;
    }
    return piece_at(list, piece)->entries[index].request;
}

void pending_list_each(const struct pending_list *list, void (*take)(void *data, const struct pending_entry *entry, size_t row), void *data)
{
    size_t row = 0;

    for (unsigned i = 0; i < list->pieces->len; i++) {
        const struct piece *piece = piece_at(list, i);

        for (unsigned j = 0; j < piece->count; j++) {
            take(data, &piece->entries[j], row++);
        }
    }
}

size_t pending_list_done_count(const struct pending_list *list)
{
    return list->done_count;
}

const struct pending_done *pending_list_done_at(const struct pending_list *list, size_t index)
{
    return &list->done[(list->done_next + PENDING_RECENT_MAX - 1 - index) % PENDING_RECENT_MAX];
}

bool pending_list_find(const struct pending_list *list, uint64_t id, size_t *ret_row)
{
    struct place place;

    if (find(list, id, &place)) {
        *ret_row = place.index;
        for (unsigned i = 0; i < place.piece; i++) {
            *ret_row += piece_at(list, i)->count;
        }
        return true;
    }
    for (size_t i = 0; i < list->done_count; i++) {
        if (pending_list_done_at(list, i)->id == id) {
            *ret_row = list->count + i;
            return true;
        }
    }
    return false;
}
