/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What reopening an image makes of each of its nodes, children before parents.
 *
 * A node's options stay as they were opened but for those given now.  What a node does not say itself it inherits
 * again, so that a change at the top reaches the file.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "block/node.h"
#include "block/options.h"

struct reopen_step {
    struct node *node;
    unsigned flags, perm;
    struct options *options; /* node->options to be */
    struct options *own;     /* those the driver reads */
};

struct reopen_plan {
    GPtrArray *steps; /* struct reopen_step, owned, children first; the last is the root's */
    const struct node *root;
    bool needs_write; /* the user must be able to write */
};

/*
 * Plans root, which is opened with these flags, and what is below it; needs_write: its user must be able to write.  given (consumed) are the
 * options that change.  Nothing is changed yet.  0 and a plan, or an error and none.
 */
int reopen_plan_make(struct node *root, unsigned flags, bool needs_write, struct options *given, struct reopen_plan **ret_plan, GError **error);
/* plan may be NULL. */
void reopen_plan_free(struct reopen_plan *plan);
