/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Refcounts of host clusters as the image has them ("Host cluster management"). */
#pragma once

#include "block/qcow2/qcow2.h"

/* The refcount table in memory: entries in the machine's order; those not there are 0 (the file ends before them). */
struct qcow2_refcounts {
    uint64_t *table;
    uint64_t count;
};
/* 0, or a negative errno.  Freed with qcow2_refcounts_clear(). */
int qcow2_refcounts_open_co(struct node *node, struct qcow2_refcounts *ret_refcounts);
void qcow2_refcounts_clear(struct qcow2_refcounts *refcounts);

/* Clusters that one block counts. */
uint64_t qcow2_refcounts_per_block(const struct qcow2 *qcow2);
/* The i-th refcount in a block, or a piece of one; widths below a byte begin at the least significant bit. */
uint64_t qcow2_refcounts_value(const uint8_t *block, unsigned order, uint64_t i);
/* One refcount.  -EIO if its block can't be where the table says. */
int qcow2_refcounts_get_co(struct node *node, const struct qcow2_refcounts *refcounts, uint64_t cluster, uint64_t *ret_refcount);

enum { QCOW2_REFCOUNT_MANY = 254, QCOW2_REFCOUNT_UNKNOWN = 255 };
/*
 * As struct driver's is_sparse_co: whether the file occupies so much less than what the refcounts say is in use that data clusters may be
 * holes, as those of an image that was preallocated.  The border is the reference program's.
 */
int qcow2_refcounts_is_sparse_co(struct node *node);

/*
 * Refcounts of count clusters from first on, a byte each: MANY for that and more, UNKNOWN where the block can't be read.
 * 0, or -ECANCELED.
 */
int qcow2_refcounts_load_co(struct node *node, const struct qcow2_refcounts *refcounts, uint64_t first, uint64_t count, uint8_t *out);
