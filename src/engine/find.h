/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looks for bytes in an image: several reads in flight, and none where the allocation status says that nothing can be found. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "block/blk.h"
#include "util/search.h"

struct find {
    struct search search;
    int64_t from, to; /* matches begin in [from, to); within the image */
    struct blk *against; /* looks for bytes that differ from those of this layer below instead; NULL: for search */
    bool backward;    /* the last one first */
};

/* How far it is; written by find_co() as it goes. */
struct find_progress {
    int64_t done;       /* bytes of [from, to) that are dealt with, read or not */
    int64_t read;       /* bytes that had to be read */
    int64_t unreadable; /* bytes that could not be read, and where nothing was found therefore */
};

/*
 * Matches at offset and at each of the count - 1 bytes after it (before it, backwards).  0 to go on; anything else ends the search and
 * is its result.
 */
typedef int find_fn(void *data, int64_t offset, int64_t count);

/*
 * 0 at the end, what fn returned, -ECANCELED, or another negative errno.  Suspends; when it is cancelled it cancels its reads, and returns when
 * they are back: from a server at once, from a local disk that hangs perhaps long after.
 */
int find_co(struct blk *blk, const struct find *find, struct find_progress *progress, find_fn *fn, void *data);
