/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests are numbered in the order they come, so the array is sorted by id and a binary search finds one.  The oldest mostly leave
 * first: what lies before the array's first element is room that they left.
 */
#include "ui/panels/pending-list.h"

#include <string.h>

struct entry {
    uint64_t id;
    const struct blk_request *request;
    enum blk_request_state state; /* under which it is counted */
};

struct pending_list {
    struct entry *entries; /* [first, behind) are in use */
    size_t first, behind, room;
    size_t by_state[BLK_REQUEST_DONE + 1];
    struct pending_done done[PENDING_RECENT_MAX];
    size_t done_next, done_count;
};

struct pending_list *pending_list_new(void)
{
    return g_new0(struct pending_list, 1);
}

void pending_list_free(struct pending_list *list)
{
    if (list) {
        g_free(list->entries);
        g_free(list);
    }
}

/* Where id is or belongs. */
static size_t search(const struct pending_list *list, uint64_t id)
{
    size_t low = list->first, high = list->behind;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (list->entries[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_at(const struct pending_list *list, size_t index, uint64_t id)
{
    return index < list->behind && list->entries[index].id == id;
}

static void make_room(struct pending_list *list)
{
    size_t count = list->behind - list->first;

    if (list->behind < list->room) {
        return;
    }
    if (list->first <= list->room / 2) {
        list->room = MAX(64, list->room * 2);
        list->entries = g_renew(struct entry, list->entries, list->room);
    }
    memmove(list->entries, list->entries + list->first, count * sizeof(struct entry));
    list->first = 0;
    list->behind = count;
}

static void insert(struct pending_list *list, const struct blk_request *request)
{
    size_t index;

    make_room(list);
    index = search(list, request->id);
    memmove(list->entries + index + 1, list->entries + index, (list->behind - index) * sizeof(struct entry));
    list->entries[index] = (struct entry){request->id, request, request->state};
    list->behind++;
    list->by_state[request->state]++;
}

static void take_out(struct pending_list *list, size_t index)
{
    size_t before = index - list->first, after = list->behind - index - 1;

    list->by_state[list->entries[index].state]--;
    if (before < after) {
        memmove(list->entries + list->first + 1, list->entries + list->first, before * sizeof(struct entry));
        list->first++;
    } else {
        memmove(list->entries + index, list->entries + index + 1, after * sizeof(struct entry));
        list->behind--;
    }
    if (list->first == list->behind) {
        list->first = list->behind = 0;
    }
}

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
    list->first = list->behind = 0;
    list->done_count = 0;
    memset(list->by_state, 0, sizeof(list->by_state));
    for (const GList *link = blk ? blk_requests(blk)->head : NULL; link; link = link->next) {
        insert(list, link->data);
    }
}

void pending_list_update(struct pending_list *list, const struct blk_request *request)
{
    size_t index = search(list, request->id);
    bool known = is_at(list, index, request->id);

    if (request->state == BLK_REQUEST_DONE) {
        if (known) {
            take_out(list, index);
        }
        keep_done(list, request);
    } else if (known) {
        list->by_state[list->entries[index].state]--;
        list->by_state[request->state]++;
        list->entries[index].state = request->state;
    } else {
        insert(list, request);
    }
}

size_t pending_list_count(const struct pending_list *list)
{
    return list->behind - list->first;
}

size_t pending_list_count_state(const struct pending_list *list, enum blk_request_state state)
{
    return list->by_state[state];
}

const struct blk_request *pending_list_at(const struct pending_list *list, size_t index)
{
    return list->entries[list->first + index].request;
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
    size_t index = search(list, id);

    if (is_at(list, index, id)) {
        *ret_row = index - list->first;
        return true;
    }
    for (size_t i = 0; i < list->done_count; i++) {
        if (pending_list_done_at(list, i)->id == id) {
            *ret_row = pending_list_count(list) + i;
            return true;
        }
    }
    return false;
}
