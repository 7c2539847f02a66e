/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long a request has to wait so that no more happens in a second than limits allow: leaky buckets.  Arithmetic only, no clock. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "block/options.h"

enum throttle_kind { /* those of requests, then those of bytes: of all, of reads, of writes */
    THROTTLE_IOPS_TOTAL,
    THROTTLE_IOPS_READ,
    THROTTLE_IOPS_WRITE,
    THROTTLE_BPS_TOTAL,
    THROTTLE_BPS_READ,
    THROTTLE_BPS_WRITE,
    THROTTLE_KINDS,
};

struct throttle_limits {
    struct {
        uint64_t rate;   /* a second; 0: no limit */
        uint64_t burst;  /* a second, while it lasts; 0: no bursts but those of a tenth of a second */
        uint64_t length; /* seconds that a burst may last */
    } kinds[THROTTLE_KINDS];
    uint64_t request_bytes; /* a longer request counts as many of this size; 0: as one */
};

struct throttle {
    struct throttle_limits limits;
    double level[THROTTLE_KINDS]; /* what is in each bucket */
    double burst[THROTTLE_KINDS]; /* the same of the bucket that keeps bursts to their rate */
    int64_t leaked_ns;            /* time up to which they have leaked */
};

/*
 * Reads the limits of a throttle-group object, given as "x-KIND" or "limits.KIND" (doc/drivers.md); nothing is written on error.  Whether
 * they are limits that make sense together.
 */
bool throttle_limits_parse(const struct options *object, struct throttle_limits *ret_limits, GError **error);

/* Adds a line "  x-KIND" for each of them. */
void throttle_limits_list(GString *lines);

/* All buckets are empty at now_ns. */
void throttle_init(struct throttle *throttle, const struct throttle_limits *limits, int64_t now_ns);
/* Nanoseconds from now_ns until the next request may go; 0: it may now. */
int64_t throttle_delay_ns(struct throttle *throttle, bool write, int64_t now_ns);
/* One of so many bytes goes. */
void throttle_account(struct throttle *throttle, bool write, int64_t bytes);
