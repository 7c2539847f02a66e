/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long requests took, by operation: least, median, 99th percentile and a histogram, in a memory that does not grow. */
#pragma once

#include "block/blk.h"

enum { PENDING_FINE = 32, PENDING_POWERS = 48, PENDING_BUCKETS = PENDING_FINE * PENDING_POWERS };

/* Zero-initialised: none. */
struct pending_times {
    uint64_t count, failed;
    int64_t least_us, most_us;
    uint32_t bucket[PENDING_BUCKETS]; /* PENDING_FINE of them for each power of two from there on */
};

void pending_times_add(struct pending_times *times, int64_t us, bool failed);
/*
 * What share (0..1) of the requests took at most: exact below PENDING_FINE microseconds, above that at most a thirty-second too much.  -1: there
 * were none.
 */
int64_t pending_times_share(const struct pending_times *times, double share);
/* Requests that took from 1 << power to twice that microseconds; power 0: less than two. */
uint64_t pending_times_power(const struct pending_times *times, unsigned power);
