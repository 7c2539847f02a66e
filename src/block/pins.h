/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that are opened once more: what was looked at first is what is opened then, whatever its name has come to mean meanwhile.
 *
 * A pin is a descriptor of a file that a node has open.  It holds no locks of its own, and keeps the file's inode from being given to another file;
 * the file driver opens through it what it is told to open by that name.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct blk;
struct driver;
struct node;
struct pins;

/* outer: looked into as well, not owned; NULL: nothing.  whole: these are for the files of all layers, see pins_below_image(). */
struct pins *pins_new(const struct pins *outer, bool whole);
/* NULL is fine. */
void pins_free(struct pins *pins);

typedef struct pins pins;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(pins, pins_free)

/*
 * Pins the files that node is made of; if whole, those of its backing and data files, too.  0, -ESTALE (one name, two files) or what dup(2) fails
 * with; then some of them may be pinned.
 */
int pins_add(struct pins *pins, const struct node *node, GError **error);
/* The same of an open image, without its temporary layer: new pins, or NULL and error. */
struct pins *pins_of_image(const struct blk *blk, bool whole, GError **error);

struct pin {
    int fd;                      /* the pins' own */
    const struct driver *driver; /* that had it open */
};

/* The file that was open by that name, or NULL; pins may be NULL. */
const struct pin *pins_find(const struct pins *pins, const char *filename);

/*
 * Those that are for files which an image names: a name in the image may be the image's own and is none of what was looked at, unless the whole
 * chain was.
 */
const struct pins *pins_below_image(const struct pins *pins);
