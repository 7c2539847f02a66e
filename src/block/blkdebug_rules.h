/* SPDX-License-Identifier: GPL-3.0-or-later */
/* blkdebug's rules, and how they are written in options and in a configuration file. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "block/event.h"
#include "block/options.h"

enum blkdebug_iotype {
    BLKDEBUG_READ = 1 << 0,
    BLKDEBUG_WRITE = 1 << 1,
    BLKDEBUG_WRITE_ZEROES = 1 << 2,
    BLKDEBUG_DISCARD = 1 << 3,
    BLKDEBUG_FLUSH = 1 << 4,
    BLKDEBUG_BLOCK_STATUS = 1 << 5,
};

struct blkdebug_rule {
    uint64_t id;       /* from 1, in the order they were given */
    uint64_t hits;     /* errors it has injected */
    enum blk_event event;
    int64_t state;     /* applies in this state only; 0: in any */
    bool inject;       /* else it sets a state */
    int64_t new_state; /* valid if not inject, as nothing below is */
    unsigned iotypes;  /* enum blkdebug_iotype */
    int error;         /* a positive errno; 0: requests it matches pass, and later rules are not asked */
    int64_t offset;    /* of the byte a request must touch; -1: any, -2: none there could be */
    bool once;         /* gone after its first error */
    bool immediately;  /* the error comes without giving way first */
};

/* Rules by their event, in the order they were given. */
struct blkdebug_rules {
    GQueue by_event[BLK_EVENT_COUNT]; /* struct blkdebug_rule, owned */
    uint64_t last_id;
};

void blkdebug_rules_clear(struct blkdebug_rules *rules);

/* Takes inject-error.* and set-state.* out of options and adds what they say.  0 or -EINVAL. */
int blkdebug_rules_take(struct blkdebug_rules *rules, struct options *options, GError **error);

/*
 * Adds the rules of a configuration file's text: sections [inject-error] and [set-state] of lines `key = "value"`, lines that
 * begin with # are comments.  0 or -EINVAL.
 */
int blkdebug_rules_parse(struct blkdebug_rules *rules, const char *text, GError **error);

/*
 * Adds one rule: the keys of inject-error.N.*, without that in front, or with new_state those of set-state.N.*.  0 or
 * -EINVAL.
 */
int blkdebug_rules_add(struct blkdebug_rules *rules, const struct options *options, GError **error);

/* The rule as it is written there, without what goes without saying; g_free. */
char *blkdebug_rule_text(const struct blkdebug_rule *rule);
