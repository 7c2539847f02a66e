/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The events and states requests passed, with their times: of those pending, and of the last few hundred done. */
#pragma once

#include "block/blk.h"

enum { PENDING_TRACE_DONE_MAX = 256, PENDING_TRACE_EVENTS_MAX = 256 };

struct pending_trace_event {
    const char *what; /* static: an event's name, a state's, or the error it ended with */
    bool state;
    int64_t at_us; /* clock_now_us() */
};

struct pending_trace;

struct pending_trace *pending_trace_new(void);
void pending_trace_free(struct pending_trace *trace);
/* As struct blk_observer's request. */
void pending_trace_update(struct pending_trace *trace, const struct blk_request *request);
/* Those of a request in order, NULL: none is known.  Valid until the next update.  *ret_cut: there were more. */
const struct pending_trace_event *pending_trace_events(const struct pending_trace *trace, uint64_t id, unsigned *ret_count, bool *ret_cut);
