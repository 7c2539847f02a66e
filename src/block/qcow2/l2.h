/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What guest offsets map to: the one place that reads L1 and L2 entries ("Cluster mapping", "Extended L2 Entries").
 *
 * An entry speaks of one cluster, with extended entries of 32 subclusters; either is called a unit here.  Runs of units of one kind
 * whose bytes lie one after the other in the file are put together.
 */
#pragma once

#include "block/qcow2/qcow2.h"

enum qcow2_kind {
    QCOW2_UNALLOCATED,    /* the backing file's, or zeroes */
    QCOW2_ZERO_PLAIN,
    QCOW2_ZERO_ALLOCATED, /* host has what is reserved */
    QCOW2_DATA,
    QCOW2_COMPRESSED,     /* always one whole cluster */
    QCOW2_INVALID,        /* qcow2_l2_invalid() says why */
};

struct qcow2_run {
    enum qcow2_kind kind;
    bool reserved;   /* UNALLOCATED: the cluster has a place, and this subcluster's is host */
    uint32_t stored; /* COMPRESSED: bytes of compressed data at most, beginning at host */
    int64_t bytes;   /* of the guest, from the offset that was asked for; >= 1 */
    int64_t host;    /* DATA, ZERO_ALLOCATED, reserved: of the first byte; COMPRESSED: of the compressed data */
};

/* Some entries of one L2 table, as on disk. */
struct qcow2_entries {
    const uint64_t *words; /* count * qcow2->entry_words of them */
    unsigned first;        /* index in the table of the first of them */
    unsigned count;
};

/* An L1 entry, for any index; 0 for those that are not there. */
uint64_t qcow2_l2_l1_entry(const struct qcow2 *qcow2, uint64_t index);

/* The run at guest offset, which entries cover, of at most bytes and not beyond entries.  INVALID is one unit. */
void qcow2_l2_run(const struct qcow2 *qcow2, const struct qcow2_entries *entries, int64_t offset, int64_t bytes, struct qcow2_run *ret_run);

/*
 * The same with the L2 table found and read.  0, or a negative errno: -EIO and a message to the user for what is invalid.
 * Suspends only to read a table.
 */
int qcow2_l2_find_co(struct node *node, int64_t offset, int64_t bytes, struct qcow2_run *ret_run);

/* Says what is wrong with the invalid entry that speaks of guest offset; -EIO. */
int qcow2_l2_invalid(struct node *node, const struct qcow2_entries *entries, int64_t table, int64_t offset);

/* Where an L2 table that an L1 entry names begins (0: none), or -EIO and a message if that can't be. */
int64_t qcow2_l2_table(struct node *node, uint64_t l1_index);

/* Host offset and length of the compressed data that an L2 entry names. */
void qcow2_l2_compressed(const struct qcow2 *qcow2, uint64_t entry, int64_t *ret_host, uint32_t *ret_stored);
/* The entry that names stored bytes of compressed data at host, which lie below qcow2_l2_compressed_end(). */
uint64_t qcow2_l2_compressed_entry(const struct qcow2 *qcow2, int64_t host, int64_t stored);
/* Where compressed data has to end: an entry has no room for offsets from there on. */
int64_t qcow2_l2_compressed_end(const struct qcow2 *qcow2);
