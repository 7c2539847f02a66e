/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What blkdebug has in store for an image's requests, listed; errors are injected and taken back while it is open. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct blk;

enum { BLK_DEBUG_PAST_MAX = 64 }; /* breakpoints and rules that are used up and still told, each */

/* Breakpoints of one tag at one event. */
struct blk_debug_break {
    char *tag;
    const char *event; /* static */
    unsigned armed;    /* that wait for a request */
    unsigned held;     /* requests suspended there */
    uint64_t hits;     /* requests they have stopped so far */
};

/* A rule: it injects an error, or sets a state. */
struct blk_debug_rule {
    uint64_t id;       /* from 1, in the order they were given */
    const char *event; /* static */
    char *text;        /* all of it, as blk_inject() takes it */
    int error;         /* a positive errno; 0: it injects none */
    uint64_t hits;     /* errors it has injected so far */
    bool spent;        /* was good for one error (once), and that has been */
};

struct blk_debug {
    GArray *breaks; /* struct blk_debug_break, those that hold requests first, those that are used up last */
    GArray *rules;  /* struct blk_debug_rule by id */
    int64_t state;  /* from 1; rules may be for one only */
};

/* 0, or -ENOTSUP: there is no blkdebug in the chain.  debug is to be cleared. */
int blk_debug_list(struct blk *blk, struct blk_debug *ret_debug);
/* Fine on an all-zero one. */
void blk_debug_clear(struct blk_debug *debug);

/*
 * Adds a rule, written as blkdebug's options are: "event=write_aio,errno=28,once=on"; one with new_state sets a state.  0, -ENOTSUP as
 * above, or -EINVAL.
 */
int blk_inject(struct blk *blk, const char *text, GError **error);
/* Takes a rule away: 0, -ENOENT, -ENOTSUP. */
int blk_remove_rule(struct blk *blk, uint64_t id);
