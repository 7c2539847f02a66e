/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kinds of bytes a map tells apart.  There are two orders to look at an image in, each with kinds of its own: the guest's
 * (what a byte of the disk is) and the host's (what a byte of the image's file is for).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "block/blk.h"
#include "block/inspect.h"
#include "ui/role.h"

/* The block layer's shares, and one more. */
enum map_kind {
    MAP_DATA = BLK_KIND_DATA,
    MAP_ZERO_PLAIN = BLK_KIND_ZERO_PLAIN,
    MAP_ZERO_ALLOCATED = BLK_KIND_ZERO_ALLOCATED,
    MAP_COMPRESSED = BLK_KIND_COMPRESSED,
    MAP_UNALLOCATED = BLK_KIND_UNALLOCATED,
    MAP_MISSING = BLK_KIND_MISSING,
    MAP_BACKING = BLK_SHARE_BACKING, /* data that the layer below supplies */
    MAP_BACKING_2 = BLK_SHARE_BACKING_2, /* the one below that */
    MAP_BACKING_3 = BLK_SHARE_BACKING_3,
    MAP_BACKING_DEEPER = BLK_SHARE_BACKING_DEEPER,
    MAP_ERROR = BLK_SHARE_COUNT, /* asking for the status failed */
    MAP_GUEST_KINDS,
};

/* The same of the file. */
enum map_host_kind {
    MAP_HOST_DATA = INSPECT_SHARE_DATA,
    MAP_HOST_COMPRESSED = INSPECT_SHARE_COMPRESSED,
    MAP_HOST_SNAPSHOT = INSPECT_SHARE_SNAPSHOT,
    MAP_HOST_BITMAP = INSPECT_SHARE_BITMAP,
    MAP_HOST_HEADER = INSPECT_SHARE_HEADER,
    MAP_HOST_REFCOUNT = INSPECT_SHARE_REFCOUNT,
    MAP_HOST_L1 = INSPECT_SHARE_L1,
    MAP_HOST_L2 = INSPECT_SHARE_L2,
    MAP_HOST_FREE = INSPECT_SHARE_FREE,
    MAP_HOST_LEAKED = INSPECT_SHARE_LEAKED,
    MAP_HOST_CORRUPT = INSPECT_SHARE_CORRUPT,
    MAP_HOST_ERROR = INSPECT_SHARE_ERROR,
    MAP_HOST_KINDS,
};

enum { MAP_KIND_COUNT = MAP_HOST_KINDS }; /* of the order that has more */

struct map_kind_info {
    const char *name; /* "data" */
    enum role role;
    bool full;        /* counts as something that is there: makes cells fuller */
    char rank;        /* above 0: one byte of it decides what a cell looks like, the highest of all */
    uint32_t empty;   /* glyph of a cell that is all of it, where it is not full; UTF-8 */
    char empty_ascii;
    char whole, some; /* letters of cells that are all of it, or mostly, where there are no colours */
    char mark;        /* instead of a full block, also where there are colours; 0: none */
};

struct map_space {
    const char *name; /* "guest", "host" */
    const struct map_kind_info *kinds;
    unsigned count;
    unsigned error; /* the kind of what cannot be told */
};

extern const struct map_space map_space_guest, map_space_host;

/* Of an extent in guest order. */
enum map_kind map_kind_of(const struct blk_extent *extent);
/* "data", "zero", ... */
const char *map_kind_name(enum map_kind kind);
/* Of a run in host order. */
enum map_host_kind map_host_kind_of(const struct inspect_host_run *run);
