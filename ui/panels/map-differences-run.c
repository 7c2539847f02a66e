/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One run of a comparison: the other image is opened, all of it compared, or what changed, and it is closed again.  Whoever it is for may let go
 * of it whenever it is suspended: then it touches neither that nor the image any more.
 */
#include <errno.h>
#include <string.h>

#include "block/inspect.h"
#include "engine/session.h"
#include "io/clock.h"
#include "ui/panels/map-differences-private.h"
#include "ui/panels/map-other.h"
#include "util/safetext.h"

enum {
    HOSTS_MAX = 1 << 16,   /* ranges whose places in the file are looked for */
    PARTS = 64,            /* in which all is compared again, each known when it was */
    PART_MIN = 64 << 20,
    TOLD_PART = 16 << 20,
};

static int on_range(void *data, int64_t offset, int64_t bytes, enum compare_kind kind)
{
    struct differences_run *run = data;
    struct map_range range = {offset, offset + bytes, kind};

    if (!run->owner) {
        return -ECANCELED;
    }
    if (!map_ranges_append(run->into, range, MAP_DIFFERENCES_MAX)) {
        run->owner->cut = true;
    }
    if (kind == COMPARE_UNREADABLE && run->into == run->owner->found) {
        map_ranges_append(run->owner->unreadable, range, MAP_DIFFERENCES_MAX);
    }
    return 0;
}

static int compare_pass_co(struct differences_run *run, struct blk *other, bool metadata_only)
{
    struct compare compare = {.a = run->blk, .b = other, .metadata_only = metadata_only, .part = TOLD_PART};

    run->into = metadata_only ? run->owner->perhaps : run->owner->found;
    return compare_co(&compare, &run->progress, on_range, run);
}

/* ---- where in the file ---- */

struct hosts {
    struct differences_run *run;
    GArray *ranges;
    const char *file; /* the one whose order there is */
};

static int on_extent(void *data, const struct blk_extent *extent)
{
    struct hosts *hosts = data;
    struct map_range range = {extent->host_offset, extent->host_offset + extent->length, COMPARE_DIFFERENT};

    if (!hosts->run->owner) {
        return -ECANCELED;
    }
    if (extent->depth == 0 && extent->host_offset >= 0 && g_strcmp0(extent->host, hosts->file) == 0) {
        g_array_append_val(hosts->ranges, range);
    }
    return hosts->ranges->len > HOSTS_MAX;
}

/* Finds the places of the differences; a copy of these, since they may change meanwhile. */
static void find_hosts_co(struct differences_run *run, const GArray *differences)
{
    g_auto(GStrv) files = inspect_host_size(run->blk) > 0 ? blk_files(run->blk, BLK_FILES_ALL) : NULL;
    g_autoptr(GArray) ranges = g_array_new(FALSE, FALSE, sizeof(struct map_range));
    struct hosts hosts = {run, ranges, files ? files[0] : NULL};
    unsigned count = MIN(differences->len, HOSTS_MAX);
    g_autofree struct map_range *copy = g_memdup2(differences->data, count * sizeof(*copy));
    int ret = 0;

    for (unsigned i = 0; hosts.file && i < count && ret == 0 && run->owner; i++) {
        int64_t size = blk_length(run->blk);

        if (copy[i].start < size) {
            ret = blk_status_bulk_co(run->blk, copy[i].start, MIN(copy[i].end, size) - copy[i].start, on_extent, &hosts);
        }
        co_relax_co();
    }
    if (run->owner) {
        map_ranges_merge(ranges);
        g_array_set_size(run->owner->hosts, 0);
        g_array_append_vals(run->owner->hosts, ranges->data, ranges->len);
    }
}

/* ---- again ---- */

/* What was found of [start, end) gives way to what is found now. */
static void replace(struct map_differences *differences, int64_t start, int64_t end, const GArray *fresh)
{
    GArray *ranges = map_ranges_replace(differences->found, start, end, fresh);

    if (ranges->len > MAP_DIFFERENCES_MAX) {
        g_array_set_size(ranges, MAP_DIFFERENCES_MAX);
        differences->cut = true;
    }
    g_array_unref(differences->found);
    differences->found = ranges;
    memset(differences->progress.bytes, 0, sizeof(differences->progress.bytes));
    g_array_set_size(differences->unreadable, 0);
    for (unsigned i = 0; i < ranges->len; i++) {
        const struct map_range *range = &g_array_index(ranges, struct map_range, i);

        if (range->kind == COMPARE_UNREADABLE) {
            g_array_append_vals(differences->unreadable, range, 1);
        }
        differences->progress.bytes[range->kind] += range->end - range->start;
    }
}

/* Takes the next range from those that changed, what is seen first; none is longer than length. */
static struct map_range take_changed(struct map_differences *differences, int64_t length)
{
    GArray *changed = differences->changed;
    struct map_range range = g_array_index(changed, struct map_range, 0), taken = range;
    unsigned at = 0;

    for (unsigned i = 0; i < changed->len; i++) {
        const struct map_range *seen = &g_array_index(changed, struct map_range, i);

        if (seen->start < differences->view_end && differences->view_start < seen->end) {
            at = i;
            range = *seen;
            taken = (struct map_range){MAX(seen->start, differences->view_start), MIN(seen->end, differences->view_end), COMPARE_DIFFERENT};
            break;
        }
    }
    taken.end = taken.end - taken.start > length ? taken.start + length : taken.end;
    g_array_remove_index(changed, at);
    if (taken.end < range.end) {
        g_array_insert_val(changed, at, ((struct map_range){taken.end, range.end, COMPARE_DIFFERENT}));
    }
    if (range.start < taken.start) {
        g_array_insert_val(changed, at, ((struct map_range){range.start, taken.start, COMPARE_DIFFERENT}));
    }
    return taken;
}

static int compare_range_co(struct differences_run *run, struct blk *other, struct map_range range)
{
    g_autoptr(GArray) fresh = g_array_new(FALSE, FALSE, sizeof(struct map_range));
    struct compare compare = {.a = run->blk, .b = other, .start = range.start, .end = range.end};
    int ret;

    run->into = fresh;
    ret = compare_co(&compare, &run->progress, on_range, run);
    if (run->owner && ret == 0) {
        replace(run->owner, range.start, range.end, fresh);
        run->again_done += range.end - range.start;
        updates_tell(&run->owner->updates, false);
    }
    return ret;
}

/* Nothing is behind the longer one's end any more. */
static void cut_off(struct map_differences *differences, int64_t size)
{
    g_autoptr(GArray) none = g_array_new(FALSE, FALSE, sizeof(struct map_range));
    int64_t end = size + (COMPARE_GRAIN - size % COMPARE_GRAIN) % COMPARE_GRAIN;
    GArray *changed = differences->changed;

    while (changed->len > 0 && g_array_index(changed, struct map_range, changed->len - 1).start >= end) {
        g_array_set_size(changed, changed->len - 1);
    }
    if (changed->len > 0) {
        struct map_range *last = &g_array_index(changed, struct map_range, changed->len - 1);

        last->end = MIN(last->end, end);
    }
    if (size != differences->progress.size) {
        replace(differences, end, INT64_MAX, none);
    }
    differences->progress.size = differences->progress.done = size;
}

static int64_t changed_bytes(const struct map_differences *differences)
{
    int64_t bytes = 0;

    for (unsigned i = 0; i < differences->changed->len; i++) {
        const struct map_range *range = &g_array_index(differences->changed, struct map_range, i);

        bytes += range->end - range->start;
    }
    return bytes;
}

static int64_t longer_of(const struct blk *one, const struct blk *other)
{
    return MAX(blk_length(one), blk_length(other));
}

static int compare_changed_co(struct differences_run *run, struct blk *other)
{
    int64_t size = longer_of(run->blk, other);
    int64_t part = MAX(PART_MIN, size / PARTS - size / PARTS % COMPARE_GRAIN);
    int ret = 0;

    cut_off(run->owner, size);
    run->again_total = changed_bytes(run->owner);
    run->owner->cut = run->owner->cut && run->again_total < size; /* all of it is found anew */
    while (run->owner && ret == 0 && run->owner->changed->len > 0) {
        ret = compare_range_co(run, other, take_changed(run->owner, part));
        if (run->owner) {
            cut_off(run->owner, longer_of(run->blk, other)); /* meanwhile all bytes may have changed, and that has no end */
        }
    }
    if (run->owner && ret == 0) {
        find_hosts_co(run, run->owner->found);
    }
    if (run->owner && ret == 0) {
        run->owner->stale = run->owner->changed->len > 0 || run->owner->other_changed;
    }
    return ret;
}

/* ---- the comparison ---- */

/* What was found is of before, if it was to be found again. */
static void fail(struct differences_run *run, const char *message)
{
    struct map_differences *differences = run->owner;

    g_free(differences->error);
    differences->error = safetext_escape(message, -1);
    if (run->again) {
        map_differences_forget_found(differences);
    } else if (!run->reads_other && !map_other_was_open(differences->other)) {
        differences->stopped = true; /* there is nothing that could be compared again, and to say so once is enough */
    }
}

/* Whether it is told when others write to the image: of files it is, of a server's and of devices it is not. */
static bool is_seen(const struct blk *blk)
{
    g_auto(GStrv) files = blk_files(blk, BLK_FILES_ALL);

    return files[0] != NULL;
}

/* From before its tables are read it is watched, so that no change is missed in between. */
static int open_other_co(struct differences_run *run, struct compare_other *ret_other, GError **error)
{
    int ret;

    if (run->what) {
        inspect_settle_co(run->blk); /* perhaps it is read through the other one, too */
    }
    ret = compare_open_co(run->blk, &run->how, run->what, NULL, ret_other, error);
    if (!run->owner) {
        return ret;
    }
    run->reads_other = ret == 0;
    run->owner->unseen = !is_seen(run->blk);
    if (ret < 0) {
        map_other_await(run->owner->other);
    } else if (ret_other->opened && run->what[0] != '@') {
        bool watched = map_other_watch(run->owner->other, ret_other->blk);
        run->owner->unseen = run->owner->unseen || !watched;
        int refreshed = watched ? blk_refresh_co(ret_other->blk) : 0;

        if (refreshed < 0 && run->owner) {
            map_differences_changed(run->owner, 0, MAP_DIFFERENCES_ALL_BYTES); /* it is just being written */
        }
    }
    return ret;
}

static int compare_anew_co(struct differences_run *run, struct blk *other)
{
    int ret = compare_pass_co(run, other, true);

    if (run->owner && ret == 0) {
        updates_tell(&run->owner->updates, true);
        find_hosts_co(run, run->owner->perhaps);
    }
    if (run->owner && ret == 0) {
        ret = compare_pass_co(run, other, false);
        if (run->owner) {
            map_differences_advance(run->owner, &run->progress);
            find_hosts_co(run, run->owner->found);
        }
    }
    return ret;
}

static void compare_both_co(struct differences_run *run)
{
    struct compare_other other = {0};
    g_autoptr(GError) error = NULL;
    int ret = open_other_co(run, &other, &error);

    if (ret == 0 && run->owner) {
        ret = run->again ? compare_changed_co(run, other.blk) : compare_anew_co(run, other.blk);
    }
    if (run->owner && ret < 0 && ret != -ECANCELED) {
        fail(run, error ? error->message : g_strerror(-ret));
    }
    compare_close_co(&other);
}

void differences_run_unref(struct differences_run *run)
{
    if (--run->refs == 0) {
        g_clear_pointer(&run->approved, g_ptr_array_unref);
        g_free(run->what);
        g_free(run);
    }
}

static void end_run(struct differences_run *run)
{
    struct map_differences *owner = run->owner;

    owner->run = NULL;
    owner->ended_us = clock_now_us();
    owner->took_us = owner->ended_us - run->begun_us;
    run->owner = NULL;
    if (owner->other_changed) {
        owner->other_changed = false;
        map_differences_changed(owner, 0, MAP_DIFFERENCES_ALL_BYTES);
    }
    map_differences_compare_again(owner); /* what was written meanwhile */
    updates_tell(&owner->updates, true);
}

static void run_co(void *data)
{
    struct differences_run *run = data;

    run->co = co_self();
    if (run->delay_us > 0) {
        co_sleep_co(run->delay_us);
    } else {
        co_yield_co();
    }
    run->begun_us = clock_now_us();
    if (run->owner) {
        compare_both_co(run);
    }
    if (run->owner) {
        end_run(run);
    }
    co_queue_wake_all(&run->waiters);
    differences_run_unref(run);
}

void differences_run_start(struct map_differences *differences, bool again, int64_t delay_us)
{
    struct differences_run *run = g_new0(struct differences_run, 1);

    run->owner = differences;
    run->refs = 1;
    run->blk = session_blk(differences->session);
    run->how = compare_how_in(differences->session);
    run->approved = run->how.approved ? g_ptr_array_ref((GPtrArray *)run->how.approved) : NULL;
    run->what = g_strdup(differences->what);
    run->again = again;
    run->delay_us = delay_us;
    run->begun_us = clock_now_us() + delay_us;
    differences->run = run;
    co_start(run_co, run);
}
