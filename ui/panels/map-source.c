/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/map-source.h"

#include <errno.h>
#include <glib.h>

#include "util/intervals.h"
#include "util/safetext.h"

struct visit {
    map_run_fn *fn;
    void *data;
    int only; /* see struct map_source; it may change meanwhile */
    struct map_marked *marked; /* the same, counted */
    int64_t start, end;
    struct map_run held; /* goes out once the next one differs; length 0: none */
};

enum { BEHIND = 1 }; /* all of the range was told; larger results are the caller's own, one more */

bool map_run_goes_on(const struct map_run *a, const struct map_run *b)
{
    return a->start + a->length == b->start && a->kind == b->kind && a->depth == b->depth &&
           (a->host < 0 ? b->host < 0 : a->host + a->length == b->host);
}

struct map_marked *map_marked_new(const char *name, struct intervals *ranges)
{
    struct map_marked *marked = g_rc_box_new(struct map_marked);

    *marked = (struct map_marked){.name = safetext_escape(name, -1), .ranges = ranges};
    return marked;
}

struct map_marked *map_marked_ref(struct map_marked *marked)
{
    return marked ? g_rc_box_acquire(marked) : NULL;
}

static void clear_marked(void *data)
{
    struct map_marked *marked = data;

    g_free(marked->name);
    intervals_free(marked->ranges);
}

void map_marked_unref(struct map_marked *marked)
{
    if (marked) {
        g_rc_box_release_full(marked, clear_marked);
    }
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

/* And so is what is not marked. */
static int on_extent_marked(void *data, const struct blk_extent *extent)
{
    struct visit *visit = data;
    int64_t at = extent->start, end = extent->start + extent->length;
    int ret = 0;

    while (ret == 0 && at < end) {
        int64_t part_end, skipped = at - extent->start;
        bool there = intervals_at(visit->marked->ranges, at, &part_end);

        part_end = MIN(part_end, end);
        ret = hold(visit, &(struct map_run){at, part_end - at, there ? map_kind_of(extent) : MAP_UNALLOCATED, there ? extent->depth : 0,
                                             there && extent->host_offset >= 0 ? extent->host_offset + skipped : -1});
        at = part_end;
    }
    return ret;
}

static int visit_guest_co(const struct map_source *source, struct blk *blk, int64_t start, int64_t end, map_run_fn *fn, void *data)
{
    struct visit visit = {.fn = fn, .data = data, .only = source->only, .marked = map_marked_ref(source->marked)};
    blk_extent_fn *on = visit.marked ? on_extent_marked : visit.only > 0 ? on_extent_of_layer : on_extent;
    int ret = blk_status_bulk_co(blk, start, end - start, on, &visit);

    map_marked_unref(visit.marked);
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
