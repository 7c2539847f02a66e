/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/map-source.h"

#include <errno.h>
#include <glib.h>

struct visit {
    map_run_fn *fn;
    void *data;
    int only; /* see struct map_source; it may change meanwhile */
    int64_t start, end;
    struct map_run held; /* host order: goes out once the next one differs; length 0: none */
};

enum { BEHIND = 1 }; /* all of the range was told; larger results are the caller's own, one more */

bool map_run_goes_on(const struct map_run *a, const struct map_run *b)
{
    return a->start + a->length == b->start && a->kind == b->kind && a->depth == b->depth &&
           (a->host < 0 ? b->host < 0 : a->host + a->length == b->host);
}

static int on_extent(void *data, const struct blk_extent *extent)
{
    const struct visit *visit = data;

    if (visit->only > 0) {
        unsigned kind = extent->depth == visit->only - 1 ? (unsigned)extent->kind : MAP_UNALLOCATED;

        return visit->fn(visit->data, &(struct map_run){extent->start, extent->length, kind, extent->depth, extent->host_offset});
    }
    return visit->fn(visit->data, &(struct map_run){extent->start, extent->length, map_kind_of(extent), extent->depth, extent->host_offset});
}

static int visit_guest_co(const struct map_source *source, struct blk *blk, int64_t start, int64_t end, map_run_fn *fn, void *data)
{
    struct visit visit = {.fn = fn, .data = data, .only = source->only};

    return blk_status_bulk_co(blk, start, end - start, on_extent, &visit);
}

/* Clusters that differ in what a map does not show are one run. */
static int on_host_run(void *data, const struct inspect_host_run *host_run)
{
    struct visit *visit = data;
    int64_t start = MAX(host_run->start, visit->start), end = MIN(host_run->start + host_run->bytes, visit->end);
    struct map_run run = {start, end - start, map_host_kind_of(host_run), 0, -1};
    int ret = 0;

    if (host_run->start >= visit->end) {
        return BEHIND;
    }
    if (start >= end) {
        return 0;
    }
    if (visit->held.length > 0 && map_run_goes_on(&visit->held, &run)) {
        visit->held.length += run.length;
        return 0;
    }
    if (visit->held.length > 0) {
        ret = visit->fn(visit->data, &visit->held);
    }
    visit->held = run;
    return ret > 0 ? ret + BEHIND : ret;
}

static int visit_host_co(const struct map_source *source, struct blk *blk, int64_t start, int64_t end, map_run_fn *fn, void *data)
{
    struct visit visit = {.fn = fn, .data = data, .start = start, .end = end};
    struct inspect_look look;
    int ret;

    inspect_look_begin(blk, &look);
    ret = inspect_host_map_co(blk, on_host_run, &visit);
    inspect_look_end(blk, &look);
    if ((ret == 0 || ret == BEHIND) && visit.held.length > 0) {
        return fn(data, &visit.held);
    }
    return ret > 0 ? ret - BEHIND : ret;
}

const struct map_source map_source_guest = {.space = &map_space_guest, .visit_co = visit_guest_co};
const struct map_source map_source_host = {.space = &map_space_host, .whole = true, .visit_co = visit_host_co};
