/* SPDX-License-Identifier: GPL-3.0-or-later */
/* blkdebug's state, shared by its way of opening and its requests. */
#pragma once

#include "block/blkdebug_rules.h"
#include "block/debug.h"
#include "block/node.h"

struct blkdebug {
    struct blkdebug_rules rules;
    GQueue active;       /* struct blkdebug_rule of rules */
    int64_t state;       /* from 1 */
    GQueue breakpoints;  /* struct breakpoint, owned, newest first */
    GQueue suspensions;  /* struct suspension, owned, newest first */
    GQueue points;       /* struct point, owned, newest first: what was hit how often, of the last BLK_DEBUG_PAST_MAX */
    GQueue spent;        /* struct blkdebug_rule, owned, newest first: those good for one error that they have injected */
    struct co_queue watchers; /* who waits for a request to be suspended */
};

struct breakpoint {
    char *tag;
    enum blk_event event;
};

/* A request at one or more breakpoints; on its coroutine's stack. */
struct stop {
    struct co *co;
    unsigned left; /* resumes it still needs */
};

struct suspension {
    char *tag;
    enum blk_event event;
    struct stop *stop;
};

struct point {
    char *tag;
    enum blk_event event;
    uint64_t hits;
};

extern const char *const blkdebug_protocols[];
extern const struct driver_option blkdebug_options[];

/* Slots of the driver: see struct driver. */
void blkdebug_file_changed(struct node *node);
int blkdebug_open_co(struct node *node, struct options *options, GError **error);
int blkdebug_parse_filename(const char *filename, struct options *options, GError **error);

/* What an event does to the active rules and to the state. */
void blkdebug_apply_event(struct blkdebug *debug, enum blk_event event);
/* A breakpoint has stopped a request. */
void blkdebug_count_hit(struct blkdebug *debug, const char *tag, enum blk_event event);
/* Breakpoints of that tag are not told any more once they are used up. */
void blkdebug_forget_hits(struct blkdebug *debug, const char *tag);
/* Takes over a rule that is used up. */
void blkdebug_keep_spent(struct blkdebug *debug, struct blkdebug_rule *rule);
void blkdebug_clear_past(struct blkdebug *debug);

int blkdebug_list(struct node *node, struct blk_debug *ret_debug);
int blkdebug_inject(struct node *node, const char *text, GError **error);
int blkdebug_remove_rule(struct node *node, uint64_t id);

/* Frees rules and breakpoints. */
void blkdebug_clear(struct blkdebug *debug);
