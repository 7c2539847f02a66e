/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows as they are shown.  In the usual order, by age, a row is a row of the list and nothing is built; sorted or filtered ones are found anew
 * when something happened, once a frame.
 */
#include <stdlib.h>

#include "ui/panels/pending-panel.h"

struct key {
    int64_t value;
    size_t row;
};

static size_t list_count(const struct pending_panel *pending)
{
    return pending_list_count(pending->list) + pending_list_done_count(pending->list);
}

static enum role role_of(enum blk_request_state state)
{
    static const enum role roles[] = {
        [BLK_REQUEST_QUEUED] = ROLE_STATE_QUEUED,
        [BLK_REQUEST_IN_FLIGHT] = ROLE_STATE_IN_FLIGHT,
        [BLK_REQUEST_SUSPENDED] = ROLE_STATE_SUSPENDED,
        [BLK_REQUEST_DONE] = ROLE_STATE_DONE,
    };

    return roles[state];
}

static struct pending_row list_row(const struct pending_panel *pending, size_t index)
{
    size_t live = pending_list_count(pending->list);

    if (index < live) {
        const struct blk_request *request = pending_list_at(pending->list, index);

        return (struct pending_row){
            .id = request->id,
            .op = request->op,
            .offset = request->offset,
            .bytes = request->bytes,
            .age_us = MAX(0, pending->drawn_us - request->started_us),
            .role = role_of(request->state),
            .state = blk_request_state_name(request->state),
            .tag = request->tag,
            .event = request->last_event,
            .issuer = request->issuer,
        };
    } else {
        const struct pending_done *done = pending_list_done_at(pending->list, index - live);

        return (struct pending_row){
            .id = done->id,
            .op = done->op,
            .offset = done->offset,
            .bytes = done->bytes,
            .age_us = MAX(0, done->took_us),
            .role = done->ret < 0 ? ROLE_STATE_FAILED : ROLE_STATE_DONE,
            .state = done->ret < 0 ? "failed" : "done",
            .event = done->ret < 0 ? g_strerror(-done->ret) : NULL,
            .issuer = done->issuer,
        };
    }
}

/* ---- sorting and filtering ---- */

static bool is_plain(const struct pending_panel *pending)
{
    return pending->sort == PENDING_BY_AGE && pending->filter == PENDING_ALL;
}

static bool is_wanted(const struct pending_panel *pending, const struct pending_row *row)
{
    static const enum role roles[PENDING_FILTERS] = {
        [PENDING_SUSPENDED] = ROLE_STATE_SUSPENDED, [PENDING_IN_FLIGHT] = ROLE_STATE_IN_FLIGHT, [PENDING_QUEUED] = ROLE_STATE_QUEUED,
        [PENDING_DONE] = ROLE_STATE_DONE,           [PENDING_FAILED] = ROLE_STATE_FAILED,
    };

    return pending->filter == PENDING_ALL || row->role == roles[pending->filter];
}

/* Largest first by size, smallest first by all else. */
static int64_t sort_value(const struct pending_panel *pending, const struct pending_row *row)
{
    switch (pending->sort) {
    case PENDING_BY_OFFSET:
        return row->offset;
    case PENDING_BY_SIZE:
        return -row->bytes;
    case PENDING_BY_OPERATION:
        return row->op;
    case PENDING_BY_STATE:
        return -(int64_t)row->role;
    default:
        return 0;
    }
}

static int by_key(const void *a, const void *b)
{
    const struct key *left = a, *right = b;

    if (left->value != right->value) {
        return left->value < right->value ? -1 : 1;
    }
    return left->row < right->row ? -1 : left->row > right->row;
}

static void refresh(struct pending_panel *pending)
{
    size_t count = list_count(pending), wanted = 0;
    g_autofree struct key *keys = NULL;

    if (is_plain(pending) || !pending->order_is_old) {
        return;
    }
    keys = g_new(struct key, count + 1);
    for (size_t i = 0; i < count; i++) {
        struct pending_row row = list_row(pending, i);

        if (is_wanted(pending, &row)) {
            keys[wanted++] = (struct key){sort_value(pending, &row), i};
        }
    }
    if (pending->sort != PENDING_BY_AGE) {
        qsort(keys, wanted, sizeof(*keys), by_key);
    }
    g_array_set_size(pending->order, (guint)wanted);
    for (size_t i = 0; i < wanted; i++) {
        g_array_index(pending->order, size_t, i) = keys[i].row;
    }
    pending->order_is_old = false;
}

static size_t list_index(struct pending_panel *pending, size_t index)
{
    return is_plain(pending) ? index : g_array_index(pending->order, size_t, index);
}

size_t pending_view_count(struct pending_panel *pending)
{
    refresh(pending);
    return is_plain(pending) ? list_count(pending) : pending->order->len;
}

struct pending_row pending_view_row(struct pending_panel *pending, size_t index)
{
    return list_row(pending, list_index(pending, index));
}

const struct blk_request *pending_view_request(struct pending_panel *pending, size_t index)
{
    size_t row = list_index(pending, index);

    return row < pending_list_count(pending->list) ? pending_list_at(pending->list, row) : NULL;
}

bool pending_view_find(struct pending_panel *pending, uint64_t id, size_t *ret_index)
{
    size_t row;

    if (!pending_list_find(pending->list, id, &row)) {
        return false;
    }
    refresh(pending);
    for (size_t i = 0; !is_plain(pending) && i < pending->order->len; i++) {
        if (g_array_index(pending->order, size_t, i) == row) {
            *ret_index = i;
            return true;
        }
    }
    *ret_index = row;
    return is_plain(pending);
}

const char *pending_sort_name(enum pending_sort sort)
{
    static const char *const names[PENDING_SORTS] = {"age", "offset", "size", "operation", "state"};

    return names[sort];
}

const char *pending_filter_name(enum pending_filter filter)
{
    static const char *const names[PENDING_FILTERS] = {"all", "suspended", "in flight", "queued", "done", "failed"};

    return names[filter];
}
