/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Leaves that are to be scanned are bits in a set.  One coroutine at a time (a run) takes the first stretch of them, the
 * visible ones before others, asks for its extents in bulk and sets leaf after leaf as soon as all of a leaf is known: a record is
 * either unknown or exact, never half full.
 *
 * A bit is cleared before its bytes are looked at.  Whatever changes from then on sets it again, so the leaf
 * is looked at once more; and what a run did not get to (its visit was ended, or the view moved) it sets again itself.
 *
 * The run outlives its scan when the owner goes away or turns to another image while it is suspended: the scan lets go
 * of it (run->scan is NULL) and cancels it, and it returns without a look at anything.
 */
#include "ui/panels/map-scan.h"

#include <errno.h>
#include <string.h>

#include "io/clock.h"
#include "io/co.h"
#include "ui/panels/updates.h"
#include "util/checked.h"

enum {
    TELL_INTERVAL_US = 50 * 1000,    /* while a scan goes on, twenty pictures a second are enough */
    CHANGE_INTERVAL_US = 100 * 1000, /* writes in a row are looked at together */
    REST_SHARE = 4,                  /* a source that is costly to visit rests for as many times what a visit took */
    REST_MAX_US = 60 * 1000 * 1000,
};

/* One coroutine's work. */
struct scan_run {
    struct map_scan *scan; /* NULL: let go */
    struct co *co;
    /* of the stretch in hand */
    size_t leaf, behind;      /* next leaf to set, first one that is not in the stretch */
    struct map_counts counts; /* of leaf, from its start up to position */
    int64_t position;
};

struct map_scan {
    struct updates updates;
    struct blk *blk;
    const struct map_source *source;
    struct map_pyramid pyramid;
    uint64_t *dirty; /* a bit a leaf: to be scanned */
    size_t dirty_count;
    int64_t prefer_start, prefer_end;
    bool prefer_moved; /* since the run last looked */
    struct scan_run *run;
    int64_t again_us; /* when a leaf was last scanned again; 0: never */
    int64_t took_us;  /* the last visit */
};

/* ---- the set of leaves to be scanned ---- */

static bool is_dirty(const struct map_scan *scan, size_t leaf)
{
    return scan->dirty[leaf / 64] >> (leaf % 64) & 1;
}

static void set_dirty(struct map_scan *scan, size_t first, size_t behind)
{
    for (size_t i = first; i < behind; i++) {
        if (!is_dirty(scan, i)) {
            scan->dirty[i / 64] |= UINT64_C(1) << (i % 64);
            scan->dirty_count++;
        }
    }
}

static void clear_dirty(struct map_scan *scan, size_t first, size_t behind)
{
    for (size_t i = first; i < behind; i++) {
        if (is_dirty(scan, i)) {
            scan->dirty[i / 64] &= ~(UINT64_C(1) << (i % 64));
            scan->dirty_count--;
        }
    }
}

/* The first stretch of dirty leaves in [first, behind). */
static bool find_dirty(const struct map_scan *scan, size_t first, size_t behind, size_t *ret_first, size_t *ret_behind)
{
    while (first < behind && !is_dirty(scan, first)) {
        first = scan->dirty[first / 64] == 0 ? MIN(behind, (first / 64 + 1) * 64) : first + 1;
    }
    if (first >= behind) {
        return false;
    }
    *ret_first = first;
    while (first < behind && is_dirty(scan, first)) {
        first++;
    }
    *ret_behind = first;
    return true;
}

/* The leaves that [start, end) touches, clipped; false if there are none. */
static bool leaves_of(const struct map_scan *scan, int64_t start, int64_t end, size_t *ret_first, size_t *ret_behind)
{
    start = MAX(start, scan->pyramid.start);
    end = MIN(end, scan->pyramid.end);
    if (start >= end) {
        return false;
    }
    *ret_first = map_pyramid_leaf_at(&scan->pyramid, start);
    *ret_behind = map_pyramid_leaf_at(&scan->pyramid, end - 1) + 1;
    return true;
}

static bool next_stretch(const struct map_scan *scan, size_t *ret_first, size_t *ret_behind)
{
    size_t first, behind;

    if (scan->dirty_count == 0) {
        return false;
    }
    if (leaves_of(scan, scan->prefer_start, scan->prefer_end, &first, &behind) &&
        find_dirty(scan, first, behind, ret_first, ret_behind)) {
        return true;
    }
    return find_dirty(scan, 0, map_pyramid_leaves(&scan->pyramid), ret_first, ret_behind);
}

/* ---- a run ---- */

/* Adds bytes of one kind from the run's position on, and sets each leaf that is complete by that. */
static void take(struct scan_run *run, unsigned kind, int64_t end)
{
    struct map_pyramid *pyramid = &run->scan->pyramid;

    while (run->leaf < run->behind && run->position < end) {
        int64_t leaf_end = map_pyramid_leaf_end(pyramid, run->leaf);
        int64_t to = MIN(end, leaf_end);

        run->counts.bytes[kind] += to - run->position;
        run->position = to;
        if (to == leaf_end) {
            map_pyramid_set(pyramid, run->leaf++, &run->counts);
            run->counts = (struct map_counts){0};
        }
    }
}

/* Whether the view turned to leaves that are unknown while the run is busy elsewhere. */
static bool has_better_work(struct scan_run *run)
{
    struct map_scan *scan = run->scan;
    size_t first, behind, found, found_behind;

    if (!scan->prefer_moved) {
        return false;
    }
    scan->prefer_moved = false;
    if (!leaves_of(scan, scan->prefer_start, scan->prefer_end, &first, &behind)) {
        return false;
    }
    if (run->leaf < behind && first < run->behind) {
        return run->leaf < first; /* it would get there, but late */
    }
    return find_dirty(scan, first, behind, &found, &found_behind);
}

enum { VISIT_OTHER_WORK = 1 };

static int on_run(void *data, const struct map_run *found)
{
    struct scan_run *run = data;
    size_t leaf = run->leaf;
    int64_t end;

    if (!run->scan) {
        return -ECANCELED;
    }
    /* A driver's mistake must not become ours: no gaps, nothing backwards. */
    if (found->start > run->position || found->length <= 0 || !checked_add(found->start, found->length, &end)) {
        return -EIO;
    }
    take(run, found->kind, end);
    if (!run->scan->source->whole && has_better_work(run)) {
        return VISIT_OTHER_WORK;
    }
    if (run->leaf != leaf) { /* else there is nothing new to see, and the clock costs more than the run */
        updates_tell(&run->scan->updates, false);
    }
    return 0;
}

/* Scans a stretch of leaves; whether the run still has an owner. */
static bool scan_stretch_co(struct scan_run *run, size_t first, size_t behind)
{
    struct map_scan *scan = run->scan;
    int64_t start = map_pyramid_leaf_start(&scan->pyramid, first);
    int64_t end = map_pyramid_leaf_end(&scan->pyramid, behind - 1);
    int64_t begun_us = clock_now_us();
    int ret;

    clear_dirty(scan, first, behind);
    run->leaf = first;
    run->behind = behind;
    run->position = start;
    run->counts = (struct map_counts){0};
    ret = scan->source->visit_co(scan->source, scan->blk, start, end, on_run, run);
    if (!run->scan) {
        return false;
    }
    scan->took_us = clock_now_us() - begun_us;
    if (ret == VISIT_OTHER_WORK) {
        set_dirty(scan, run->leaf, run->behind);
    } else if (ret < 0 && run->leaf < run->behind) {
        /* This leaf can't be told; whether the next one can is seen when it is asked for, if that costs no more than that. */
        bool all = scan->source->whole;

        take(run, scan->source->space->error, map_pyramid_leaf_end(&scan->pyramid, all ? run->behind - 1 : run->leaf));
        set_dirty(scan, run->leaf, run->behind);
    }
    /* 0 and leaves left: the image ended before, they stay unknown. */
    return true;
}

/* How long a stretch has to wait: not at all if it is new, a little if such a one was just scanned again. */
static int64_t rest_before(struct map_scan *scan, size_t leaf)
{
    int64_t now = clock_now_us(), rest_us = 0;
    int64_t interval_us = scan->source->whole ? MAX(CHANGE_INTERVAL_US, MIN(REST_MAX_US, REST_SHARE * scan->took_us)) : CHANGE_INTERVAL_US;

    if (map_counts_known(&scan->pyramid.level[0][leaf]) > 0) {
        rest_us = scan->again_us > 0 ? scan->again_us + interval_us - now : 0;
        scan->again_us = now;
    }
    return rest_us;
}

static void run_co(void *data)
{
    struct scan_run *run = data;
    size_t first, behind;

    run->co = co_self();
    co_yield_co(); /* whoever started this is in the middle of something */
    while (run->scan && next_stretch(run->scan, &first, &behind)) {
        int64_t rest_us = rest_before(run->scan, first);

        if (rest_us > 0) {
            co_sleep_co(rest_us);
            if (run->scan) {
                run->scan->again_us = 0;
            }
            continue;
        }
        run->scan->prefer_moved = false;
        if (!scan_stretch_co(run, first, behind)) {
            break;
        }
        updates_tell(&run->scan->updates, false);
        co_relax_co();
    }
    if (run->scan) {
        run->scan->run = NULL;
        updates_tell(&run->scan->updates, true);
    }
    g_free(run);
}

static void start_run(struct map_scan *scan)
{
    struct scan_run *run;

    if (scan->run || scan->dirty_count == 0 || !scan->blk) {
        return;
    }
    run = g_new0(struct scan_run, 1);
    run->scan = scan;
    scan->run = run;
    co_start(run_co, run);
}

static void let_go(struct map_scan *scan)
{
    if (scan->run) {
        scan->run->scan = NULL;
        co_cancel(scan->run->co);
        scan->run = NULL;
    }
}

/* ---- for the owner ---- */

struct map_scan *map_scan_new(void (*updated)(void *data), void *data)
{
    struct map_scan *scan = g_new0(struct map_scan, 1);

    scan->updates = (struct updates){updated, data, TELL_INTERVAL_US};
    return scan;
}

void map_scan_free(struct map_scan *scan)
{
    if (!scan) {
        return;
    }
    let_go(scan);
    map_pyramid_done(&scan->pyramid);
    g_free(scan->dirty);
    g_free(scan);
}

void map_scan_start(struct map_scan *scan, struct blk *blk, const struct map_source *source, int64_t start, int64_t end,
                    unsigned shift)
{
    size_t leaves;

    let_go(scan);
    map_pyramid_done(&scan->pyramid);
    g_clear_pointer(&scan->dirty, g_free);
    scan->dirty_count = 0;
    scan->blk = blk;
    scan->source = source;
    scan->again_us = scan->took_us = 0;
    if (!blk) {
        return;
    }
    map_pyramid_init(&scan->pyramid, start, end, shift);
    leaves = map_pyramid_leaves(&scan->pyramid);
    scan->dirty = g_new0(uint64_t, leaves / 64 + 1);
    set_dirty(scan, 0, leaves);
    start_run(scan);
}

void map_scan_grow(struct map_scan *scan, int64_t end)
{
    size_t before = map_pyramid_leaves(&scan->pyramid), words = before / 64 + 1, now;

    if (!scan->blk || end <= scan->pyramid.end) {
        return;
    }
    map_pyramid_grow(&scan->pyramid, end);
    now = map_pyramid_leaves(&scan->pyramid);
    scan->dirty = g_renew(uint64_t, scan->dirty, now / 64 + 1);
    memset(scan->dirty + words, 0, (now / 64 + 1 - words) * sizeof(*scan->dirty));
    set_dirty(scan, before > 0 ? before - 1 : 0, now);
    start_run(scan);
}

void map_scan_prefer(struct map_scan *scan, int64_t start, int64_t end)
{
    if (start != scan->prefer_start || end != scan->prefer_end) {
        scan->prefer_start = start;
        scan->prefer_end = end;
        scan->prefer_moved = true;
    }
}

void map_scan_changed(struct map_scan *scan, int64_t offset, int64_t bytes)
{
    int64_t end;
    size_t first, behind;

    if (!checked_add(offset, bytes, &end)) {
        end = INT64_MAX;
    }
    if (!scan->blk || !leaves_of(scan, offset, end, &first, &behind)) {
        return;
    }
    set_dirty(scan, first, behind);
    start_run(scan);
}

bool map_scan_is_busy(const struct map_scan *scan)
{
    return scan->run != NULL;
}

const struct map_pyramid *map_scan_pyramid(const struct map_scan *scan)
{
    return &scan->pyramid;
}
