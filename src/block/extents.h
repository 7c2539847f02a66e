/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A vmdk image that is a text, and the files that it names, for qemu-nbd: opened here, so that it is known what they are.
 *
 * What qemu-nbd gets is a text of ours, with the numbers of descriptors in the place of names: nothing that was in the image's own text, and no name that
 * somebody gives to another file meanwhile.
 */
#pragma once

#include <glib.h>

struct node;

struct extents {
    GArray *files;      /* int, descriptors, closed with it: the text's, then those of the extents that have a file */
    GPtrArray *options; /* char *: what the image's options need beside, name and value in turn */
};

/*
 * file: the text, opened; path: its own.  Only regular files and block devices are opened, for reading, and of these none that would name others in
 * turn.  0, or a negative errno and error.  Suspends.
 */
int extents_open_co(struct node *node, struct node *file, const char *path, struct extents **ret_extents, GError **error);
void extents_free(struct extents *extents);
typedef struct extents extents;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(extents, extents_free)

/* Whether the first bytes of a vmdk file are those of one whose bytes are all in itself. */
gboolean extents_is_whole(const guint8 *bytes, gsize n);
