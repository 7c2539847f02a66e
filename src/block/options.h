/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Block options: a flat list of dotted keys, from key=value text, json: names or a command's switches. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A set of dotted keys ("file.filename") with string values, in the order they were given.  Owned by one user.
 * A value is NULL for JSON's null: the key is there, and says "none".
 */
struct options;
typedef struct options options; /* for g_autoptr(options) */

/* Domain of the errors here; the code is a positive errno. */
#define OPTIONS_ERROR options_error_quark()
GQuark options_error_quark(void);
/* Sets an error of that domain; returns -code. */
int options_refuse(GError **error, int code, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* The same for who returns whether all is well: EINVAL; returns false. */
bool options_deny(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

struct options *options_new(void);
struct options *options_copy(const struct options *options);
void options_free(struct options *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(options, options_free)

/* Value, or NULL (also for a null); owned by the options. */
const char *options_get(const struct options *options, const char *key);
/* Whether the key is there, as a null too. */
bool options_has(const struct options *options, const char *key);
/* Adds it, or gives the key a new value in its old place. */
void options_set(struct options *options, const char *key, const char *value);
/* Removes it: whether it was there. */
bool options_remove(struct options *options, const char *key);
unsigned options_count(const struct options *options);
/* i-th key and value in order of insertion. */
void options_at(const struct options *options, unsigned i, const char **ret_key, const char **ret_value);
/* Whether there is an option of that name, or one below it ("name.x"): a child by its node's name, or described. */
bool options_has_child(const struct options *options, const char *name);
/* Moves every key under "prefix." out into a new set, without the prefix.  May be empty. */
struct options *options_take_child(struct options *options, const char *prefix);
/* Sets every key of other, overriding. */
void options_merge(struct options *options, const struct options *other);

/*
 * Adds "key=value,key=value": a comma in a value is doubled; a first word without '=' gets the key implied.  Without
 * that, and further on, a word without '=' is a switch: "key" is key=on, "nokey" key=off.  Later keys override; one comma
 * at the end is ignored.  The only error is a key too long; then nothing was added.
 */
bool options_parse(struct options *options, const char *text, const char *implied, GError **error);
/*
 * Adds a JSON object, nested objects and arrays flattened to dotted keys ("children.0.driver"); true and false become
 * on and off, an empty object or array an empty value.  Strings may be quoted by ' as well.  On error nothing was added.
 */
bool options_parse_json(struct options *options, const char *text, GError **error);

/* Keys longer than this are refused: nested JSON can't multiply its own size. */
enum { OPTIONS_KEY_MAX = 1024 };

/* ---- values by type ---- */

/*
 * Take a key off the options and return its value; fallback when it is absent, null, or not of the type, which
 * driver_option_check() rules out.
 */
bool options_take_bool(struct options *options, const char *key, bool fallback); /* on yes true y, off no false n */
int64_t options_take_size(struct options *options, const char *key, int64_t fallback); /* bytes, with suffixes; below 2^63 */
uint64_t options_take_huge_size(struct options *options, const char *key, uint64_t fallback); /* the same, below 2^64 */
uint64_t options_take_number(struct options *options, const char *key, uint64_t fallback); /* decimal or 0x; "-1" is 2^64 - 1 */
int options_take_enum(struct options *options, const char *key, const char *const *values, int fallback); /* index in values */
char *options_take_string(struct options *options, const char *key); /* NULL when absent (g_free) */

/* One value: 0 or 1, -EINVAL. */
int options_parse_bool(const char *text);
/* 0, -EINVAL, -ERANGE. */
int options_parse_number(const char *text, uint64_t *ret_value);
/* Index in values, or -EINVAL. */
int options_parse_enum(const char *text, const char *const *values);
