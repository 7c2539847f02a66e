/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/pending-stats.h"

enum { FINE_SHIFT = 5 };

/* Below PENDING_FINE a bucket is a microsecond; from there on each power of two has PENDING_FINE buckets. */
static unsigned bucket_of(int64_t us)
{
    uint64_t value = us < 0 ? 0 : (uint64_t)us;
    unsigned power;

    if (value < PENDING_FINE) {
        return (unsigned)value;
    }
    power = 63 - (unsigned)__builtin_clzll(value);
    return MIN(PENDING_BUCKETS - 1, (power - FINE_SHIFT + 1) * PENDING_FINE + (unsigned)(value >> (power - FINE_SHIFT)) - PENDING_FINE);
}

/* The largest time in it. */
static int64_t bucket_end(unsigned bucket)
{
    unsigned power = bucket / PENDING_FINE, fine = bucket % PENDING_FINE;

    return power == 0 ? (int64_t)bucket : ((int64_t)(PENDING_FINE + fine + 1) << (power - 1)) - 1;
}

void pending_times_add(struct pending_times *times, int64_t us, bool failed)
{
    us = MAX(us, 0);
    times->least_us = times->count == 0 ? us : MIN(times->least_us, us);
    times->most_us = MAX(times->most_us, us);
    times->count++;
    times->failed += failed;
    times->bucket[bucket_of(us)]++;
}

int64_t pending_times_share(const struct pending_times *times, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)times->count), sum = 0;

    wanted = CLAMP(wanted + ((double)wanted < share * (double)times->count), 1, MAX(1, times->count));
    for (unsigned i = 0; i < PENDING_BUCKETS; i++) {
        sum += times->bucket[i];
        if (sum >= wanted) {
            return CLAMP(bucket_end(i), times->least_us, times->most_us);
        }
    }
    return -1;
}

uint64_t pending_times_power(const struct pending_times *times, unsigned power)
{
    uint64_t sum = 0;
    unsigned first = power == 0 ? 0 : bucket_of(INT64_C(1) << power), behind = bucket_of(INT64_C(2) << power);

    for (unsigned i = first; i < behind; i++) {
        sum += times->bucket[i];
    }
    return sum;
}
