/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Block options: a flat list of dotted keys, from key=value text, json: names or a command's switches. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A set of dotted keys ("file.filename") with string values, in the order they were given.  Owned by one user. */
struct options;
typedef struct options options; /* for g_autoptr(options) */

struct options *options_new(void);
struct options *options_copy(const struct options *options);
void options_free(struct options *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(options, options_free)

/* Value, or NULL; owned by the options. */
const char *options_get(const struct options *options, const char *key);
void options_set(struct options *options, const char *key, const char *value);
/* Removes it: whether it was there. */
bool options_remove(struct options *options, const char *key);
unsigned options_count(const struct options *options);
/* i-th key and value in order of insertion. */
void options_at(const struct options *options, unsigned i, const char **ret_key, const char **ret_value);
/* Moves every key under "prefix." out into a new set, without the prefix.  May be empty. */
struct options *options_take_child(struct options *options, const char *prefix);

/*
 * Adds "key=value,key=value": a comma in a value is doubled; a first word without '=' gets the key implied (or is
 * an error when that is NULL).  Later keys override.  On error nothing was added.
 */
bool options_parse(struct options *options, const char *text, const char *implied, GError **error);
/* Adds a JSON object, nested objects and arrays flattened to dotted keys ("children.0.driver"). */
bool options_parse_json(struct options *options, const char *text, GError **error);
