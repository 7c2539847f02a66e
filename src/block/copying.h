/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For filters that copy: who does what where, so that a copy and what changes the same bytes keep their order. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "io/co.h"

/* Under way; on the stack of who does it. */
struct copying_flight {
    int64_t start, end;
    bool copy; /* else it is something that must not meet a copy: a write below copy-on-read, a look at what is still to be copied */
    struct co_queue waiters;
    struct copying_flight *older;
};

/* All of a filter; zero-initialised is none. */
struct copying {
    struct copying_flight *newest;
};

/* Waits for older ones that it overlaps, of which one at least is a copy.  Waiting for older ones alone can't deadlock; nothing cancels it. */
void copying_begin_co(struct copying *copying, struct copying_flight *flight, int64_t start, int64_t end, bool copy);
void copying_end(struct copying *copying, struct copying_flight *flight);
