/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nodes that share the limits of one throttle-group object (`--object throttle-group,...`), and whose turn it is. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct throttle_group;

/* A node in a group; embedded in the node's state. */
struct throttle_member {
    struct throttle_group *group;
    GQueue waiting[2]; /* reads, writes: who waits, oldest first; on the stack of who does */
};

/* The group of that object, which lives as long as the program; NULL: there is no such object. */
struct throttle_group *throttle_group_find(const char *id);
/*
 * Waits until a request of so many bytes may go, in turns with other members.  0, or -ECANCELED: it counts as one that was never asked for.
 */
int throttle_group_pass_co(struct throttle_member *member, bool write, int64_t bytes);
/* Who waits goes at once, and counts as if it had waited. */
void throttle_group_hurry(struct throttle_member *member);
