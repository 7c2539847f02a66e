/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What opening and reopening share: the options of every node, and what a node hands on to its children. */
#pragma once

#include "block/driver_option.h"
#include "block/node.h"

/*
 * Nodes below each other: opening and requests recurse through them on one coroutine's stack, of which opening takes most: about 700 bytes for each
 * node, 1,100 in a build that is not optimised, 2,200 under AddressSanitizer.  io/co-stack.h has room for nearly twice that.
 */
enum { OPEN_DEPTH_MAX = 1024 };

/* The table of every node's options; `discard` has words of its own and is a string here. */
extern const struct driver_option open_node_options[];

/*
 * Takes the options of every node (but driver and node-name) out of options and applies them to flags (enum node_flags).
 * 0, or -EINVAL.
 */
int open_take_flags(struct options *options, unsigned flags, unsigned *ret_flags, GError **error);

/* The driver of that name, or NULL and error. */
const struct driver *open_find_driver(const char *name, GError **error);

/*
 * The driver for options (`driver` is taken out), or NULL and error.  Where the image's bytes decided, *ret_probed is the node they
 * were read from, open as the image's `file`; else it is untouched.
 */
const struct driver *open_choose_driver_co(struct options *options, const struct node_how *how, struct node **ret_probed,
                                           GError **error);

/* Opens the child that options (taken out) describe under name, for a parent opened as how says. */
int open_below_co(struct options *options, const struct node_how *how, const char *name, enum node_role role,
                  struct node **ret_child, GError **error);

/* Who may write but not resize needs whole blocks: the last could not be written without making the image longer.  0 or -EPERM. */
int open_check_alignment(const struct node *node, unsigned perm, GError **error);

/* Flags of the top node for what a user asked: enum blk_open_flags. */
unsigned open_top_flags(unsigned flags, enum blk_cache cache);

/* Flags and permissions that a child in this role is given by a node with these. */
unsigned open_child_flags(enum node_role role, unsigned flags);
unsigned open_child_perm(enum node_role role, unsigned perm, bool writable);
unsigned open_child_shared(enum node_role role, unsigned shared);

/* Whether a user may name a node so; names that were made up are none of these. */
bool open_is_node_name(const char *name);
