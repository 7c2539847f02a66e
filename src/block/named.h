/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nodes that are used once more, by the names users gave them: `file.node-name=x,target.backing=x`. */
#pragma once

#include "block/node.h"

/*
 * Only nodes that were opened before, of the same image, are found: what is being opened is not, so that nobody is below itself.
 */

/*
 * Requests go down every way: a chain in which each of n layers is used twice has 2^n of them.  More than this many second uses are
 * refused.
 */
enum { NAMED_REUSES_MAX = 16 };

/* node itself or one below it that users call so; NULL: none. */
struct node *named_find_below(struct node *node, const char *name);

/* The open node that users call so, among the children of parent and of those above it; NULL: none. */
struct node *named_find(const struct node *parent, const char *name);

/*
 * A reference to the node called name, for the child child_name in that role of a parent opened as parent says; child is what the
 * child would be opened as.  -ENODEV: there is none.  -EPERM: another user of the node keeps it from what this one does, or the
 * other way round.
 */
int named_use(const char *name, const struct node_how *child, const struct node_how *parent, const char *child_name, enum node_role role,
              struct node **ret_node, GError **error);

/*
 * The same for a node below root that parent uses already as its child child_name: what it does is allowed by the node's other users, and it is
 * locked for it.  0, or -EPERM; then locks that were taken stay.
 */
int named_share(struct node *root, struct node *node, const struct node *parent, const char *child_name, enum node_role role, GError **error);

/* Who uses a node: permissions are enum node_perm. */
struct named_user {
    const char *parent_name, *child_name;
    unsigned perm, shared;
};

/* Whether one does what the other keeps everybody from: -EPERM, and the message names both. */
int named_check_pair(const struct node *node, const struct named_user *does, const struct named_user *keeps, GError **error);
