/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/pending-trace.h"

#include <glib.h>

#include "io/clock.h"

struct history {
    uint64_t id;
    enum blk_request_state state; /* the last noted */
    bool cut;
    GArray *events; /* struct pending_trace_event */
};

struct pending_trace {
    GHashTable *histories; /* id in the history -> struct history, owned */
    GQueue done;           /* those of requests done, oldest first */
};

static void history_free(void *data)
{
    struct history *history = data;

    g_array_unref(history->events);
    g_free(history);
}

struct pending_trace *pending_trace_new(void)
{
    struct pending_trace *trace = g_new0(struct pending_trace, 1);

    trace->histories = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, history_free);
    g_queue_init(&trace->done);
    return trace;
}

void pending_trace_free(struct pending_trace *trace)
{
    if (trace) {
        g_queue_clear(&trace->done);
        g_hash_table_destroy(trace->histories);
        g_free(trace);
    }
}

static void note(struct history *history, const char *what, bool state)
{
    struct pending_trace_event event = {what, state, clock_now_us()};

    if (history->events->len >= PENDING_TRACE_EVENTS_MAX && !state) {
        history->cut = true; /* how it ends is noted all the same */
    } else {
        g_array_append_val(history->events, event);
    }
}

void pending_trace_update(struct pending_trace *trace, const struct blk_request *request)
{
    struct history *history = g_hash_table_lookup(trace->histories, &request->id);

    if (!history) {
        history = g_new0(struct history, 1);
        history->id = request->id;
        history->state = request->state;
        history->events = g_array_new(FALSE, FALSE, sizeof(struct pending_trace_event));
        g_hash_table_insert(trace->histories, &history->id, history);
        note(history, blk_request_state_name(request->state), true);
    } else if (history->state != request->state) {
        history->state = request->state;
        note(history, request->state == BLK_REQUEST_DONE && request->ret < 0 ? g_strerror(-request->ret) : blk_request_state_name(request->state), true);
    } else if (request->last_event) {
        note(history, request->last_event, false);
    }
    if (request->state == BLK_REQUEST_DONE) {
        g_queue_push_tail(&trace->done, history);
        if (trace->done.length > PENDING_TRACE_DONE_MAX) {
            struct history *oldest = g_queue_pop_head(&trace->done);

            g_hash_table_remove(trace->histories, &oldest->id);
        }
    }
}

const struct pending_trace_event *pending_trace_events(const struct pending_trace *trace, uint64_t id, unsigned *ret_count, bool *ret_cut)
{
    const struct history *history = g_hash_table_lookup(trace->histories, &id);

    *ret_count = history ? history->events->len : 0;
    *ret_cut = history && history->cut;
    return history ? (const struct pending_trace_event *)(const void *)history->events->data : NULL;
}
