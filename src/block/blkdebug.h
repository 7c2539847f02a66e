/* SPDX-License-Identifier: GPL-3.0-or-later */
/* blkdebug's state, shared by its way of opening and its requests. */
#pragma once

#include "block/blkdebug_rules.h"
#include "block/node.h"

struct blkdebug {
    struct blkdebug_rules rules;
    GQueue active;       /* struct blkdebug_rule of rules */
    int64_t state;       /* from 1 */
    GQueue breakpoints;  /* struct breakpoint, owned, newest first */
    GQueue suspensions;  /* struct suspension, owned, newest first */
    struct co_queue watchers; /* who waits for a request to be suspended */
};

extern const char *const blkdebug_protocols[];
extern const struct driver_option blkdebug_options[];

/* Slots of the driver: see struct driver. */
int blkdebug_open_co(struct node *node, struct options *options, GError **error);
int blkdebug_parse_filename(const char *filename, struct options *options, GError **error);

/* What an event does to the active rules and to the state. */
void blkdebug_apply_event(struct blkdebug *debug, enum blk_event event);
/* Frees rules and breakpoints. */
void blkdebug_clear(struct blkdebug *debug);
