/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a guest range can be written: where it goes, and what around it has to be copied along. */
#pragma once

#include "block/qcow2/writer.h"

enum qcow2_plan_kind {
    QCOW2_PLAN_IN_PLACE, /* the entries stay as they are */
    QCOW2_PLAN_KEEP,     /* the clusters stay, what their entries say of them changes */
    QCOW2_PLAN_FRESH,    /* new clusters */
};

/* A range of one kind whose entries lie in one L2 table and whose clusters lie in a row. */
struct qcow2_plan {
    enum qcow2_plan_kind kind;
    int64_t offset, bytes; /* of the guest: the bytes that are given */
    int64_t start, end;    /* of the guest: all that is written; what the request lacks is copied */
    int64_t cluster;       /* guest offset of the first cluster */
    uint64_t clusters;
    int64_t host;          /* of the first cluster */
    int64_t table;         /* the L2 table; FRESH, KEEP */
    bool zero_around;      /* what is copied is zeroes */
    bool reserve;          /* nothing is given: extended entries go on saying what they say of their subclusters */
    struct qcow2_flight flight;
};

/*
 * Plans the beginning of a write of bytes at offset, waits for what it must not overlap, and makes clusters and table it needs, new clusters
 * at host offset wanted (0: anywhere) if those are free.  wait: who holds another plan must not wait, and gets -EAGAIN instead.  0, and the
 * plan ends with qcow2_plan_end(); or a negative errno.  Lock held; let go of while waiting.
 */
int qcow2_plan_begin_co(struct node *node, int64_t offset, int64_t bytes, int64_t wanted, bool wait, struct qcow2_plan *plan);
/* Others may go on. */
void qcow2_plan_end(struct node *node, struct qcow2_plan *plan);

/*
 * Enters what was written into the L2 table, and gives back what was there; if written is an error, gives back the new clusters.  No lock
 * held.  0, or a negative errno.
 */
int qcow2_link_co(struct node *node, const struct qcow2_plan *plan, int written);

/* Clusters that an entry named. */
struct qcow2_extent {
    int64_t host, bytes;
};
/* Whether an entry, not a compressed one, names a cluster. */
bool qcow2_link_names_host(const struct qcow2 *qcow2, uint64_t entry);
/* Those of the entry for guest offset, from one that is not UNALLOCATED or ZERO_PLAIN; bytes 0: none. */
struct qcow2_extent qcow2_link_extent(const struct qcow2 *qcow2, uint64_t entry);
/*
 * Gives them back when nobody reads guest [start, end) through them any more.  extents: struct qcow2_extent; discard:
 * the guest asked for it, and the file may give up the space.  No lock held.
 */
void qcow2_link_release_co(struct node *node, int64_t start, int64_t end, const GArray *extents, enum qcow2_discard discard);
