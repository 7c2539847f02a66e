/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/map-source.h"

#include <errno.h>
#include <glib.h>

struct visit {
    map_run_fn *fn;
    void *data;
    int only; /* see struct map_source; it may change meanwhile */
    int64_t start, end;
    struct map_run held; /* goes out once the next one differs; length 0: none */
};

enum { BEHIND = 1 }; /* all of the range was told; larger results are the caller's own, one more */

bool map_run_goes_on(const struct map_run *a, const struct map_run *b)
{
    return a->start + a->length == b->start && a->kind == b->kind && a->depth == b->depth &&
           (a->host < 0 ? b->host < 0 : a->host + a->length == b->host);
}

/* What a map does not tell apart is one run. */
static int hold(struct visit *visit, const struct map_run *run)
{
    int ret = 0;

    if (visit->held.length > 0 && map_run_goes_on(&visit->held, run)) {
        visit->held.length += run->length;
        return 0;
    }
    if (visit->held.length > 0) {
        ret = visit->fn(visit->data, &visit->held);
    }
    visit->held = *run;
    return ret;
}

static int on_extent(void *data, const struct blk_extent *extent)
{
    const struct visit *visit = data;

    return visit->fn(visit->data, &(struct map_run){extent->start, extent->length, map_kind_of(extent), extent->depth, extent->host_offset});
}

/* What another layer supplies is nowhere. */
static int on_extent_of_layer(void *data, const struct blk_extent *extent)
{
    struct visit *visit = data;
    bool there = extent->depth == visit->only - 1;

    return hold(visit, &(struct map_run){extent->start, extent->length, there ? (unsigned)extent->kind : MAP_UNALLOCATED,
                                         there ? extent->depth : 0, there ? extent->host_offset : -1});
}

static int visit_guest_co(const struct map_source *source, struct blk *blk, int64_t start, int64_t end, map_run_fn *fn, void *data)
{
    struct visit visit = {.fn = fn, .data = data, .only = source->only};
    int ret = blk_status_bulk_co(blk, start, end - start, visit.only > 0 ? on_extent_of_layer : on_extent, &visit);

    return ret == 0 && visit.held.length > 0 ? fn(data, &visit.held) : ret;
}

static int on_host_run(void *data, const struct inspect_host_run *host_run)
{
    struct visit *visit = data;
    int64_t start = MAX(host_run->start, visit->start), end = MIN(host_run->start + host_run->bytes, visit->end);
    int ret;

    if (host_run->start >= visit->end) {
        return BEHIND;
    }
    if (start >= end) {
        return 0;
    }
    ret = hold(visit, &(struct map_run){start, end - start, map_host_kind_of(host_run), 0, -1});
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
