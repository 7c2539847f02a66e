/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A walk over everything in an image that names host clusters: for check.c, hostmap.c and explain.c.
 *
 * It begins at the header, whatever state of the image is open, and goes on where tables are wrong, as far as they can be read.  Callbacks
 * that are NULL are left out; a result other than 0 ends the walk.
 */
#pragma once

#include "block/inspect.h"
#include "block/qcow2/qcow2.h"

enum { QCOW2_WALK_ACTIVE = -1 }; /* the number of the active state among those of snapshots */

/* A place that something other than an L2 entry names. */
struct qcow2_walk_region {
    enum inspect_role role;
    int64_t host, bytes;
    int snapshot;       /* L1, L2: index in qcow2->snapshots, or ACTIVE */
    int bitmap;         /* BITMAP_TABLE, BITMAP_DATA: index in qcow2->bitmaps */
    uint64_t index;     /* L2: in the L1 table; REFCOUNT_BLOCK: in the refcount table; BITMAP_DATA: in its table */
    uint64_t entry;     /* that names it; 0: the header, or an entry of the snapshot table or bitmap directory */
    int64_t entry_host; /* where it lies, -1: none */
};

/* An L2 table, all of it in memory. */
struct qcow2_walk_table {
    int snapshot;
    uint64_t l1_index;
    int64_t host;
    const uint64_t *words; /* as on disk */
};

struct qcow2_walk_ops {
    int (*region)(void *data, const struct qcow2_walk_region *region);
    int (*table)(void *data, const struct qcow2_walk_table *table);
    int (*problem)(void *data, int64_t host, const char *text);
};

/* All of the metadata but refcount blocks.  0, the callback's result, or a negative errno. */
int qcow2_walk_co(struct node *node, const struct qcow2_walk_ops *ops, void *data);

/* What an L2 entry names in the image's own file. */
struct qcow2_walk_use {
    enum inspect_role role; /* DATA, COMPRESSED */
    int64_t host, bytes;
    uint64_t entry;
    int64_t entry_host;
    int64_t guest; /* of the cluster */
};
/* The i-th entry of a table: whether it names anything there. */
bool qcow2_walk_entry(const struct qcow2 *qcow2, const struct qcow2_walk_table *table, unsigned i, struct qcow2_walk_use *ret_use);
