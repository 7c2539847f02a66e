/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many bytes of each kind lie in any part of a range: exact counts per leaf, merged upwards. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "ui/panels/map-kind.h"

/* Bytes of each kind of one order; what is missing from the size of the range is not known yet. */
struct map_counts {
    int64_t bytes[MAP_KIND_COUNT];
};

int64_t map_counts_known(const struct map_counts *counts);
void map_counts_add(struct map_counts *sum, const struct map_counts *more);

enum {
    MAP_LEAVES_MAX = 1 << 16, /* bounds the memory: 96 bytes a leaf, a fifteenth of that for all parents */
    MAP_LEAF_SHIFT_MIN = 9,
    MAP_FAN_SHIFT = 4, /* children a parent, as a power of two */
    MAP_LEVELS_MAX = 6,
};

/* Open inside ui/panels: a test looks at every level. */
struct map_pyramid {
    int64_t start, end; /* the range; start is a multiple of the leaf span, the last leaf ends at end */
    unsigned shift;     /* a leaf spans 1 << shift bytes */
    unsigned levels;
    size_t count[MAP_LEVELS_MAX];
    struct map_counts *level[MAP_LEVELS_MAX]; /* 0: leaves; the last has one record */
};

/* Smallest leaf span, as a power of two, with which size bytes need no more than MAP_LEAVES_MAX leaves. */
unsigned map_pyramid_fit(int64_t size);

/* Nothing is known yet.  The range must fit into MAP_LEAVES_MAX leaves; an empty one has none. */
void map_pyramid_init(struct map_pyramid *pyramid, int64_t start, int64_t end, unsigned shift);
/* The range ends later now: what was known of whole leaves stays, the rest is not known yet.  It must still fit. */
void map_pyramid_grow(struct map_pyramid *pyramid, int64_t end);
/* Frees the records; all zero afterwards.  Fine on an all-zero one. */
void map_pyramid_done(struct map_pyramid *pyramid);

size_t map_pyramid_leaves(const struct map_pyramid *pyramid);
/* The leaf with this byte, which must be in the range. */
size_t map_pyramid_leaf_at(const struct map_pyramid *pyramid, int64_t offset);
int64_t map_pyramid_leaf_start(const struct map_pyramid *pyramid, size_t leaf);
int64_t map_pyramid_leaf_end(const struct map_pyramid *pyramid, size_t leaf);

/* These are the leaf's counts from now on, in it and in its parents. */
void map_pyramid_set(struct map_pyramid *pyramid, size_t leaf, const struct map_counts *counts);

/* Sum over [start, end) clipped to the range: each end on a leaf's boundary, or at or beyond the range's end. */
struct map_counts map_pyramid_count(const struct map_pyramid *pyramid, int64_t start, int64_t end);
