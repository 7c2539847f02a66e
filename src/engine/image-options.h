/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How an image is to be opened: what the program's options and the command `open` have in common. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "block/blk.h"

struct session;
struct sink;

struct image_options {
    bool read_only, writable; /* -r, -w */
    bool native_aio;          /* -k, -i native */
    bool ignore_discard;      /* -d ignore; else discards reach the file */
    unsigned flags;           /* the others of enum blk_open_flags */
    enum blk_cache cache;
    const char *aio; /* -i, NULL: not given */
};

/*
 * Takes one of the options r s n C k U w t d i, with its value: 1 if it was one of them, 0 if not, -1 and an error for a
 * wrong value.  The value must stay valid.
 */
int image_options_take(struct image_options *image, int letter, const char *value, GError **error);

/*
 * What is to be said about "key" and "nokey" in option text, where "key=on" and "key=off" are meant: a warning each, NULL-terminated
 * (g_strfreev), perhaps none.
 */
char **image_options_short_forms(const char *text);

/*
 * Opens an image: by name, by options (may be NULL), or both.  Says what is wrong to the sink; 0 or a negative errno.
 */
int image_options_open_co(const struct image_options *image, struct session *session, const char *filename,
                          const char *format, const struct options *options, struct sink *sink);
