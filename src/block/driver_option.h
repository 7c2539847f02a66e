/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A driver's table of options: what its keys may hold. */
#pragma once

#include <stdbool.h>

#include "block/options.h"

enum driver_option_type {
    DRIVER_OPTION_STRING,
    DRIVER_OPTION_BOOL,   /* on, off (yes, no, true, false) */
    DRIVER_OPTION_SIZE,   /* bytes, with the engine's suffixes */
    DRIVER_OPTION_NUMBER, /* 0..2^64-1, no suffix needed */
    DRIVER_OPTION_ENUM,   /* one of .values */
    DRIVER_OPTION_CHILD,  /* a node: "NAME" alone (a node-name) or "NAME.xxx" */
    DRIVER_OPTION_GROUP,  /* every key "NAME.xxx"; the driver itself refuses what it does not know */
};

/* A row of a driver's option table; the options of every node (driver, read-only, cache.direct, ...) are not in it. */
struct driver_option {
    const char *name;
    enum driver_option_type type;
    const char *const *values; /* DRIVER_OPTION_ENUM: NULL-terminated */
    const char *help;          /* for people, one line */
    bool huge;                 /* DRIVER_OPTION_SIZE: up to 2^64 - 1 instead of 2^63 - 1; options_take_huge_size() takes it */
    bool required;             /* must be there where nodes are described in full (block/described.h) */
    bool reopen;               /* blk_reopen_co() may change it */
    const char *fallback;      /* of options of new images: what holds when it is not given, where that is worth telling */
};

/*
 * Whether every option that the table (NULL: an empty one) knows has a value of its type; keys it does not know are not looked at.
 * The message is "Parameter 'KEY' expects ...", perhaps with lines of hints after the first.
 */
bool driver_option_check(const struct options *options, const struct driver_option *table, GError **error);
/* The row that key belongs to (for CHILD and GROUP also "NAME.xxx"), or NULL. */
const struct driver_option *driver_option_find(const struct driver_option *table, const char *key);
