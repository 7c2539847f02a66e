/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that an image names: opened, or left out, as the user's policy says (enum blk_refs).  What formats whose images name others have in common.
 *
 * Whoever made the image chose these names.  What the user names with options is opened in any case.
 */
#pragma once

#include "block/node.h"

/* Keeps for whoever shows the chain what the node's image, at that path (NULL: at none), names; the node's own. */
struct reference *referring_add(struct node *node, enum reference_role role, const char *image, const char *name, const char *format);

/* The same of one that is there already, which is taken. */
void referring_keep(struct node *node, struct reference *reference);

/*
 * What is done with it: 1: it is to be opened, which node->named goes with; 0: left out, which was told and reference->state says; or a negative
 * errno.  image as above.  Suspends.
 */
int referring_decide_co(struct node *node, struct reference *reference, const char *image, GError **error);

/* -ELOOP and error where path is the file of the node's image or of one above (node->image_inode), 0 otherwise.  Suspends. */
int referring_check_loop_co(const struct node *node, const char *path, GError **error);

/* Puts options of a child back under "NAME.". */
void referring_put_child(struct options *options, const char *name, const struct options *child);

/* What an image says of its backing file. */
struct referring_backing {
    const char *image;        /* its own path, NULL: it has none */
    const char *name, *format; /* name NULL: it names none; format NULL: it says none */
};

/* What came of that; also left_out: it is named, and not open. */
struct referring_result {
    struct node *backing; /* the child, NULL: none */
    bool left_out;
};

/*
 * Opens the child "backing" by what options say of it ("backing", "backing.NAME", which are taken out), else by its name and the policy.  0, or a negative
 * errno and error.  Suspends.
 */
int referring_open_backing_co(struct node *node, struct options *options, const struct referring_backing *named, struct referring_result *ret_result,
                              GError **error);
