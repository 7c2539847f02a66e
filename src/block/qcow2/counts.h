/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What counting (counts.c) and making refcount blocks and tables (refgrow.c) share; lock held. */
#pragma once

#include "block/qcow2/inflate.h"
#include "block/qcow2/writer.h"

/* Offset of the block that counts a cluster, 0: none, or -EIO. */
int64_t qcow2_counts_block(struct node *node, uint64_t cluster);
/* In a whole block in memory. */
void qcow2_counts_put_value(const struct qcow2 *qcow2, void *block, uint64_t index, uint64_t value);

/* The refcount table as it is in memory.  0: it is on stable storage; or a negative errno. */
int qcow2_counts_write_table_co(struct node *node);

/* The first of the clusters before `end` behind which none of them is counted: 0, or a negative errno. */
int qcow2_counts_find_end_co(struct node *node, uint64_t end, uint64_t *ret_end);

/*
 * Makes the block with that index in the table, or one that has to come first, in a free cluster from `from` on.  The caller looks again
 * at what is free.  0, or a negative errno.
 */
int qcow2_refgrow_make_block_co(struct node *node, uint64_t index, uint64_t from);

/*
 * Makes a refcount table and the blocks that are missing, in a row from cluster `from` or one behind it on, so that as many free clusters
 * right behind the table can be counted: *ret_first is the first of those.  The file must not reach beyond `from`.  0, or a negative errno.
 */
int qcow2_refgrow_make_area_co(struct node *node, uint64_t from, uint64_t clusters, uint64_t *ret_first);
