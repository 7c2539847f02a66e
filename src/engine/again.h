/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening the image once more in another way: with a file it names, with another one in place of that, as another format. */
#pragma once

#include <glib.h>

#include "block/blk.h"

struct command_call;
struct session;

/* How an image was opened. */
struct again {
    char *filename, *format;
    struct options *options;
    GPtrArray *approved; /* struct reference */
    unsigned flags;
    enum blk_cache cache;
    enum blk_refs refs;
};

/* Keeps how the session opens an image. */
void again_note(struct session *session, const struct blk_open *how);
void again_free(struct again *again);

/*
 * A copy of how the image was opened, or was to be opened last, as it is open now (for reading or writing), to be changed.  NULL,
 * having said so: none was, or closing it would lose what was written to a temporary layer.
 */
struct again *again_begin(const struct command_call *call);
/* Closes the image and opens it like this; where that fails, as it was before.  again is consumed.  0 or a negative errno, having said it. */
int again_open_co(const struct command_call *call, struct again *again);
