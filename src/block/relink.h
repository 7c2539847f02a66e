/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Another node as the backing file or the file of one: what `reopen -o backing=NODE` and `file=NODE` do to the links between nodes. */
#pragma once

#include "block/node.h"

/* The links that were changed, and how they were. */
struct relink;

/*
 * Carries out every `backing=NAME` and `file=NAME`, at any depth, that given has below root and that names another node of the same image.  No request is under way.
 * The drivers know nothing of it until relink_commit_co(): what comes between is planning.  0 and what relink_commit_co() or relink_undo_co() takes
 * over (NULL: nothing is to change); or an error, and all is as it was: -ENODEV, there is no such node; -EINVAL, it would be below itself, or has
 * options beside its name; -ENOTSUP, the driver has no backing file, or keeps what it read of its file; -EACCES, it would be written and is read-only;
 * -EBUSY, what is left out may still write; -EPERM, another user keeps the node from being read; -ELOOP, too many nodes.
 */
int relink_co(struct node *root, const struct options *given, struct relink **ret_relink, GError **error);

/* Tells the drivers.  Nodes that are left out stay open, as others may have pointers to them: their references go to left_out. */
void relink_commit_co(struct relink *relink, GPtrArray *left_out);

/* Puts the links back. */
void relink_undo_co(struct relink *relink);
