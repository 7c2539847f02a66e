/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making images.
 *
 * Each file is made under a name of its own beside the place it is for, and takes its place when all are done: after an error
 * nothing has changed, and who opens the image meanwhile sees the old one or none.
 */
#pragma once

#include "block/blk.h"
#include "block/driver_option.h"
#include "block/registry.h"

struct node;

struct blk_create {
    const char *filename;         /* a path, perhaps with "file:" in front */
    const char *format;           /* NULL: raw */
    const struct options *options; /* those of the format, see blk_create_options(); may be NULL */
    const char *backing;          /* wins over the option backing_file; NULL: that, or none */
    const char *backing_format;   /* the same of backing_fmt */
    int64_t size;                 /* bytes, -1: the option `size`, else that of the backing file */
    bool unsafe;                  /* the backing file is not looked at */
    bool replace;                 /* a file that is there is replaced; else it is an error */
    const struct blk *open;       /* no file of this image is replaced; may be NULL */
    enum blk_refs refs;           /* for what the backing file names */
    struct aio *aio;
    /* Once it is known what will be made: "Formatting 'NAME', fmt=... ..." with every option that holds, names raw.  May be NULL. */
    void (*announce)(void *data, const char *line);
    void *data;
};

/*
 * Makes the image.  0, or a negative errno and error; the message may have more than one line, and names in it are raw.
 */
int blk_create_co(const struct blk_create *how, GError **error);

/* What images of a format take, up to a row without name; NULL and error: there are no new images of it. */
const struct driver_option *blk_create_options(const char *format, GError **error);

/* ---- for drivers: struct driver's create_co ---- */

struct create {
    struct options *options; /* as the table checked them */
    const char *file;        /* the file to fill, made and empty */
    const char *path;        /* where the image will be */
    int64_t size;            /* bytes, as asked for: 0..INT64_MAX */
    const char *backing, *backing_format; /* as the image shall name them; NULL: none */
    const struct blk_create *how;
    struct blk *backing_open; /* NULL: none, or not looked at */
    /* create_file.c */
    GPtrArray *staged;
    struct registry registry;
};

/*
 * Makes one more file, for that path; *ret_file is its name until then, valid as long as create.  0, or a negative errno and error.
 */
int create_stage_co(struct create *create, const char *path, const char **ret_file, GError **error);
/* Puts all that was made into its place (0 or a negative errno and error), or takes it away.  Either ends the use of create's files. */
int create_publish_co(struct create *create, GError **error);
void create_discard_co(struct create *create);

/* Whether path is a file that the open image needs. */
bool create_needs_co(struct create *create, const char *path);

/* Opens a file that was staged, to be written and resized; flushes do nothing, as all of it is flushed in the end. */
int create_open_file_co(struct create *create, const char *staged, struct node **ret_node, GError **error);
/* Opens any node for the same; options is consumed. */
int create_open_co(struct create *create, struct options *options, struct node **ret_node, GError **error);
/* Adds to options what opens a staged file as this child. */
void create_set_child(struct options *options, const char *child, const char *staged);
/* Opens a staged file, gives it its size and closes it. */
int create_resize_co(struct create *create, const char *staged, int64_t size, enum blk_prealloc prealloc, GError **error);
