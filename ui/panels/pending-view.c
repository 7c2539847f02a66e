/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows as they are shown.  In the usual order, by age, a row is a row of the list and nothing is built; sorted or filtered ones are found anew
 * when something happened, once a frame, and sorted as far as they are looked at.
 */
#include "ui/panels/pending-panel.h"

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

/* How far a request is that takes long enough for that to matter. */
static int percent_of(const struct blk_request *request)
{
    enum { LARGE = 8 << 20 };

    return request->counts && request->total >= LARGE ? (int)(CLAMP(request->done, 0, request->total) * 100.0 / (double)request->total) : -1;
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
            .percent = percent_of(request),
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
            .percent = -1,
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

/* What sorting and filtering look at, of a request that is pending or done. */
struct traits {
    enum role role;
    int64_t offset, bytes;
    enum blk_op op;
};

static struct traits traits_of_done(const struct pending_done *done)
{
    return (struct traits){done->ret < 0 ? ROLE_STATE_FAILED : ROLE_STATE_DONE, done->offset, done->bytes, done->op};
}

static bool is_wanted(const struct pending_panel *pending, struct traits traits)
{
    static const enum role roles[PENDING_FILTERS] = {
        [PENDING_SUSPENDED] = ROLE_STATE_SUSPENDED, [PENDING_IN_FLIGHT] = ROLE_STATE_IN_FLIGHT, [PENDING_QUEUED] = ROLE_STATE_QUEUED,
        [PENDING_DONE] = ROLE_STATE_DONE,           [PENDING_FAILED] = ROLE_STATE_FAILED,
    };

    return pending->filter == PENDING_ALL || traits.role == roles[pending->filter];
}

/* Largest first by size, smallest first by all else. */
static int64_t sort_value(const struct pending_panel *pending, struct traits traits)
{
    switch (pending->sort) {
    case PENDING_BY_OFFSET:
        return traits.offset;
    case PENDING_BY_SIZE:
        return -traits.bytes;
    case PENDING_BY_OPERATION:
        return traits.op;
    case PENDING_BY_STATE:
        return -(int64_t)traits.role;
    default:
        return 0;
    }
}

static void take(struct pending_panel *pending, struct traits traits, size_t row)
{
    if (is_wanted(pending, traits)) {
        pending_order_add(pending->order, (struct pending_key){sort_value(pending, traits), row});
    }
}

static void take_entry(void *data, const struct pending_entry *entry, size_t row)
{
    take(data, (struct traits){role_of(entry->state), entry->offset, entry->bytes, entry->op}, row);
}

static void refresh(struct pending_panel *pending)
{
    if (is_plain(pending) || !pending->order_is_old) {
        return;
    }
    pending_order_clear(pending->order);
    pending_list_each(pending->list, take_entry, pending);
    for (size_t i = 0; i < pending_list_done_count(pending->list); i++) {
        take(pending, traits_of_done(pending_list_done_at(pending->list, i)), pending_list_count(pending->list) + i);
    }
    pending->order_is_old = false;
}

static size_t list_index(struct pending_panel *pending, size_t index)
{
    return is_plain(pending) ? index : pending_order_at(pending->order, index);
}

size_t pending_view_count(struct pending_panel *pending)
{
    refresh(pending);
    return is_plain(pending) ? list_count(pending) : pending_order_count(pending->order);
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

static struct traits list_traits(const struct pending_panel *pending, size_t row)
{
    size_t live = pending_list_count(pending->list);
    const struct blk_request *request;

    if (row >= live) {
        return traits_of_done(pending_list_done_at(pending->list, row - live));
    }
    request = pending_list_at(pending->list, row);
    return (struct traits){role_of(request->state), request->offset, request->bytes, request->op};
}

bool pending_view_find(struct pending_panel *pending, uint64_t id, size_t *ret_index)
{
    size_t row;

    if (!pending_list_find(pending->list, id, &row)) {
        return false;
    }
    if (is_plain(pending)) {
        *ret_index = row;
        return true;
    }
    refresh(pending);
    return pending_order_find(pending->order, (struct pending_key){sort_value(pending, list_traits(pending, row)), row}, ret_index);
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
