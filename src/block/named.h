/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nodes that are used once more, by the names users gave them: `file.node-name=x,target.backing=x`. */
#pragma once

#include "block/node.h"

/*
 * Only nodes that were opened before, of the same image, are found: what is being opened is not, so that nobody is below itself.
 */

/* The open node that users call so, among the children of parent and of those above it; NULL: none. */
struct node *named_find(const struct node *parent, const char *name);

/*
 * A reference to the node called name, for the child child_name in that role of a parent opened as parent says; child is what the
 * child would be opened as.  -ENODEV: there is none.  -EPERM: another user of the node keeps it from what this one does, or the
 * other way round.
 */
int named_use(const char *name, const struct node_how *child, const struct node_how *parent, const char *child_name, enum node_role role,
              struct node **ret_node, GError **error);

/* Who uses a node: permissions are enum node_perm. */
struct named_user {
    const char *parent_name, *child_name;
    unsigned perm, shared;
};

/* Whether one does what the other keeps everybody from: -EPERM, and the message names both. */
int named_check_pair(const struct node *node, const struct named_user *does, const struct named_user *keeps, GError **error);
