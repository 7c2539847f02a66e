/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How often each host cluster of a part of the file (a window) is named, and as what.  An image is gone through once for each window,
 * so that memory does not grow with it.
 */
#pragma once

#include "block/inspect.h"
#include "block/qcow2/qcow2.h"

enum { QCOW2_TALLY_WINDOW = 8 << 20 }; /* clusters */

struct qcow2_tally {
    unsigned cluster_bits;
    uint64_t total;       /* clusters of the file */
    uint64_t first, count;/* the window */
    uint8_t *references;  /* 255: see many */
    uint16_t *roles;      /* bits of enum inspect_role, ACTIVE and SNAPSHOT; NULL: not kept */
    GHashTable *many;     /* cluster in the window -> references of 255 and more */
};
enum { QCOW2_TALLY_ACTIVE = 1 << 14, QCOW2_TALLY_SNAPSHOT = 1 << 15 };

/* For a file of size bytes; window: clusters, 0 for the default.  The first window begins at once.  0, or -ENOMEM: then there is nothing to end. */
int qcow2_tally_init(struct qcow2_tally *tally, unsigned cluster_bits, int64_t size, bool roles, uint64_t window);
void qcow2_tally_done(struct qcow2_tally *tally);
/* The next window, empty; false after the last. */
bool qcow2_tally_next(struct qcow2_tally *tally);

/* The file is so many clusters long now, the new ones are not named.  Only while the window is all of it. */
void qcow2_tally_grow(struct qcow2_tally *tally, uint64_t total);

static inline bool qcow2_tally_has(const struct qcow2_tally *tally, uint64_t cluster)
{
    return cluster - tally->first < tally->count;
}

enum qcow2_tally_add { QCOW2_TALLY_COUNTED, QCOW2_TALLY_OUTSIDE /* a cluster or more past the end of the file */ };
/*
 * Counts a reference to every cluster of a range; those outside of the window are left out.  bytes > 0.  limit: references a
 * cluster may have; *ret_overflow is the first one beyond it, not counted, else UINT64_MAX.
 */
enum qcow2_tally_add qcow2_tally_add(struct qcow2_tally *tally, int64_t file_size, uint64_t host, uint64_t bytes, unsigned roles, uint64_t limit,
                                     uint64_t *ret_overflow);
/* Of a cluster in the window. */
uint64_t qcow2_tally_get(const struct qcow2_tally *tally, uint64_t cluster);
