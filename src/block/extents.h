/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A vmdk image that is a text, and the files that it names, for qemu-nbd: opened here, so that it is known what they are.
 *
 * What qemu-nbd gets is a text of ours, with the numbers of descriptors in the place of names: nothing that was in the image's own text, and no name that
 * somebody gives to another file meanwhile.
 */
#pragma once

#include <glib.h>

#include "block/handed.h"

struct node;
struct reference;

/*
 * file: the text, opened; path: its own.  Only regular files and block devices are opened, for reading, and of these none that would name others in
 * turn; the first of *ret_handed is the text of ours.  agreed: they have to be these files; NULL: any.  0, or a negative errno and error.  Suspends.
 */
int extents_open_co(struct node *node, struct node *file, const char *path, const struct reference *agreed, struct handed **ret_handed, GError **error);

/*
 * What such a text names, for a question (reference_free), and the size of the disk in bytes; opens nothing.  0, or a negative errno and error.
 * Suspends.
 */
int extents_look_co(struct node *node, struct node *file, const char *path, struct reference **ret_reference, int64_t *ret_size, GError **error);

/* Whether the first bytes of a vmdk file are those of one whose bytes are all in itself. */
gboolean extents_is_whole(const guint8 *bytes, gsize n);
