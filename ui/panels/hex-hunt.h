/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A search in the background of the hex panel, and whoever waits for its end. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/find.h"
#include "io/co.h"

/* What it looks for, from a place on. */
struct hex_quarry {
    struct search search;
    struct blk *against; /* see struct find */
    int64_t from;        /* of the bytes behind this one, or before it */
    bool backward;
    bool wraps;          /* goes on at the other end */
    int64_t count;       /* the count-th match, round and round; without wraps the last one when there are fewer */
};

struct hex_hunt {
    struct hex_quarry quarry;
    int64_t size;         /* of what is searched */
    int64_t since_us;
    int64_t before;       /* bytes dealt with before it wrapped */
    struct find_progress progress; /* of the part that runs */
    bool done;            /* then: */
    int ret;              /* 0: found; -ENOENT, -ECANCELED, or another negative errno */
    int64_t found;
    bool wrapped;
    int64_t unreadable;
};

/* ended is called once, from a coroutine, unless it is stopped before. */
struct hex_hunt *hex_hunt_new(struct blk *blk, const struct hex_quarry *quarry, void (*ended)(void *data), void *data);
struct hex_hunt *hex_hunt_ref(struct hex_hunt *hunt);
/* hunt may be NULL. */
void hex_hunt_unref(struct hex_hunt *hunt);
/* It is done now, with -ECANCELED, whatever still hangs; the image is left alone. */
void hex_hunt_stop(struct hex_hunt *hunt);
/* Until it is done: 0, or -ECANCELED when the waiter was cancelled. */
int hex_hunt_wait_co(struct hex_hunt *hunt);
