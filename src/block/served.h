/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nodes whose image a qemu-nbd of our own opens: what it is told, and the slots that these drivers have in common. */
#pragma once

#include "block/nbd/server.h"
#include "block/node.h"

/* The state of such a node. */
struct served {
    struct nbd_server *server;
    bool one_at_a_time;
};

/* Members of the object that describes the image, of which json has the beginning; value NULL: null. */
void served_add_member(GString *json, const char *key, const char *value);
void served_add_switch(GString *json, const char *key, bool on);
/* All of options, which are taken, with prefix in front of their keys; ids of secrets among them are added to secrets (the NULL is the caller's). */
void served_add_options(GString *json, const char *prefix, struct options *options, GPtrArray *secrets);

/* Before it is started: qemu-nbd's own client of http and its like (7.2 at least) never answers one of several requests now and then. */
void served_forgets(struct node *node, const char *protocol);
/*
 * Starts a qemu-nbd as how says (but writable, which the node says) and opens what it exports as the node's `file`.  0, or a negative errno and an
 * error with what it says.
 */
int served_start_co(struct node *node, const struct nbd_server_how *how, GError **error);

int served_close_co(struct node *node);
int served_reopen_prepare_co(struct node *node, unsigned flags, struct options *options, GError **error);
int served_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error);
void served_connection(const struct node *node, struct blk_connection *ret_connection);
void served_hurry(struct node *node);
void served_needs(const struct node *node, struct blk_needs *needs);
int served_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status);
int served_status_bulk_co(struct node *node, int64_t offset, int64_t bytes, node_status_fn *fn, void *data);

/* Without those of what is where, and what closes it. */
#define SERVED_SLOTS                                                                                                    \
    .reopen_prepare_co = served_reopen_prepare_co, .truncate_co = served_truncate_co, .connection = served_connection,  \
    .hurry = served_hurry, .needs = served_needs
