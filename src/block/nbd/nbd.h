/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The NBD driver's state. */
#pragma once

#include <string.h>

#include "block/inspect.h"
#include "block/nbd/connection.h"
#include "block/node.h"

struct nbd {
    struct nbd_connection *connection;
    uint64_t next_reconnect_delay_s, next_request_timeout_s; /* between reopen's prepare and commit */
};

/* In bytes: the whole blocks of the export, as of the last time that the connection was up. */
int64_t nbd_length_co(struct node *node);
/* status.c: slots of struct driver. */
int nbd_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status);
int nbd_status_bulk_co(struct node *node, int64_t offset, int64_t bytes, node_status_fn *fn, void *data);
int nbd_bitmaps_co(struct node *node, inspect_bitmap_fn *fn, void *data);
int nbd_bitmap_co(struct node *node, const char *name, inspect_dirty_fn *fn, void *data);
/* Whether the server tells which layer of its own supplies what: such runs have a depth, and those that none does are UNALLOCATED. */
bool nbd_tells_layers(const struct node *node);
