/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/copying.h"

#include <stddef.h>

static struct copying_flight *find_conflict(const struct copying_flight *flight)
{
    for (struct copying_flight *older = flight->older; older; older = older->older)
        if ((flight->copy || older->copy) && older->start < flight->end && flight->start < older->end)
            return older;
    return NULL;
}

void copying_begin_co(struct copying *copying, struct copying_flight *flight, int64_t start, int64_t end, bool copy)
{
    *flight = (struct copying_flight){.start = start, .end = end, .copy = copy, .older = copying->newest};
    copying->newest = flight;
    for (struct copying_flight *older; (older = find_conflict(flight));)
        co_queue_wait_uncancellable_co(&older->waiters);
}

void copying_end(struct copying *copying, struct copying_flight *flight)
{
    struct copying_flight **link = &copying->newest;
    while (*link != flight)
        link = &(*link)->older;
    *link = flight->older;
    co_queue_wake_all(&flight->waiters);
}
