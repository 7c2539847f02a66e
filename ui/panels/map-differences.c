/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/map-differences.h"

#include <errno.h>
#include <string.h>

#include "block/inspect.h"
#include "engine/session.h"
#include "io/clock.h"
#include "io/co.h"
#include "ui/panels/map-other.h"
#include "util/safetext.h"

enum {
    NOTIFY_INTERVAL_US = 100 * 1000,
    AGAIN_US = 200 * 1000, /* what changes meanwhile is compared again together */
    SHOWN_AFTER_US = 1000 * 1000, /* what takes longer than that is a comparison of its own: it has a progress and can be ended */
    CHANGED_MAX = 64,      /* ranges; more of them become one */
    HOSTS_MAX = 1 << 16,   /* ranges whose places in the file are looked for */
    PARTS = 64,            /* in which all is compared again, each known when it was */
    PART_MIN = 64 << 20,
    TOLD_PART = 16 << 20,
};

#define ALL_BYTES (INT64_MAX - COMPARE_GRAIN)

/* A comparison under way. */
struct diff_run {
    struct map_differences *owner; /* NULL: let go, or done */
    unsigned refs;                 /* its own, and those who wait */
    struct co *co;
    struct co_queue waiters;
    struct blk *blk;
    struct compare_how how;
    GPtrArray *approved; /* of it */
    char *what;
    struct compare_progress progress;
    GArray *into;
    bool again; /* only what changed */
    int64_t delay_us, begun_us;
    int64_t again_done, again_total;
};

struct map_differences {
    void (*updated)(void *data);
    void *data;
    struct diff_run *run;
    char *with, *error;
    struct session *session;
    struct map_other *other; /* is watched */
    char *what;
    GArray *found, *perhaps; /* struct map_range */
    GArray *changed;         /* struct map_range, to be compared again */
    GArray *unreadable;      /* struct map_range, those of found that are */
    GArray *hosts;           /* struct map_range in the file, sorted, none touching the next */
    unsigned perhaps_first;  /* those before are behind the comparison */
    struct compare_progress progress;
    bool cut, stale;
    bool stopped; /* as it was asked for: what changes is not followed any more */
    int64_t view_start, view_end; /* compared again first */
    int64_t since_us, ended_us, took_us; /* of the last time something was compared again */
    int64_t notified_us;
};

static void notify(struct map_differences *differences, bool at_once)
{
    int64_t now = clock_now_us();

    if (at_once || now - differences->notified_us >= NOTIFY_INTERVAL_US) {
        differences->notified_us = now;
        differences->updated(differences->data);
    }
}

/* What was compared needs no guess any more. */
static void advance(struct map_differences *differences, const struct compare_progress *progress)
{
    differences->progress = *progress;
    while (differences->perhaps_first < differences->perhaps->len &&
           g_array_index(differences->perhaps, struct map_range, differences->perhaps_first).end <= progress->told) {
        differences->perhaps_first++;
    }
}

static int on_range(void *data, int64_t offset, int64_t bytes, enum compare_kind kind)
{
    struct diff_run *run = data;
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

static int compare_pass_co(struct diff_run *run, struct blk *other, bool metadata_only)
{
    struct compare compare = {.a = run->blk, .b = other, .metadata_only = metadata_only, .part = TOLD_PART};

    run->into = metadata_only ? run->owner->perhaps : run->owner->found;
    return compare_co(&compare, &run->progress, on_range, run);
}

/* ---- where in the file ---- */

struct hosts {
    struct diff_run *run;
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
static void find_hosts_co(struct diff_run *run, const GArray *differences)
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

bool map_differences_touch_host(const struct map_differences *differences, int64_t start, int64_t end)
{
    return map_ranges_touch(differences->hosts, start, end);
}

bool map_differences_unreadable(const struct map_differences *differences, int64_t start, int64_t end)
{
    return map_ranges_touch(differences->unreadable, start, end);
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

static int compare_range_co(struct diff_run *run, struct blk *other, struct map_range range)
{
    g_autoptr(GArray) fresh = g_array_new(FALSE, FALSE, sizeof(struct map_range));
    struct compare compare = {.a = run->blk, .b = other, .start = range.start, .end = range.end};
    int ret;

    run->into = fresh;
    ret = compare_co(&compare, &run->progress, on_range, run);
    if (run->owner && ret == 0) {
        replace(run->owner, range.start, range.end, fresh);
        run->again_done += range.end - range.start;
        notify(run->owner, false);
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

static int compare_changed_co(struct diff_run *run, struct blk *other)
{
    int64_t size = MAX(blk_length(run->blk), blk_length(other));
    int64_t part = MAX(PART_MIN, size / PARTS - size / PARTS % COMPARE_GRAIN);
    int ret = 0;

    cut_off(run->owner, size);
    run->again_total = changed_bytes(run->owner);
    run->owner->cut = run->owner->cut && run->again_total < size; /* all of it is found anew */
    while (run->owner && ret == 0 && run->owner->changed->len > 0) {
        ret = compare_range_co(run, other, take_changed(run->owner, part));
    }
    if (run->owner && ret == 0) {
        find_hosts_co(run, run->owner->found);
    }
    if (run->owner && ret == 0) {
        run->owner->stale = run->owner->changed->len > 0;
    }
    return ret;
}

/* ---- the comparison ---- */

static void forget_found(struct map_differences *differences)
{
    g_array_set_size(differences->found, 0);
    g_array_set_size(differences->unreadable, 0);
    g_array_set_size(differences->hosts, 0);
    g_array_set_size(differences->perhaps, 0);
    differences->perhaps_first = 0;
    differences->progress = (struct compare_progress){0};
    differences->cut = false;
}

/* What was found is of before, if it was to be found again. */
static void fail(struct diff_run *run, const char *message)
{
    struct map_differences *differences = run->owner;

    g_free(differences->error);
    differences->error = safetext_escape(message, -1);
    if (run->again) {
        forget_found(differences);
    }
}

/* From before its tables are read it is watched, so that no change is missed in between. */
static int open_other_co(struct diff_run *run, struct compare_other *ret_other, GError **error)
{
    int ret;

    if (run->what) {
        inspect_settle_co(run->blk); /* perhaps it is read through the other one, too */
    }
    ret = compare_open_co(run->blk, &run->how, run->what, NULL, ret_other, error);
    if (!run->owner) {
        return ret;
    }
    if (ret < 0) {
        map_other_await(run->owner->other);
    } else if (ret_other->opened && run->what[0] != '@' && map_other_watch(run->owner->other, ret_other->blk)) {
        int refreshed = blk_refresh_co(ret_other->blk);

        if (refreshed < 0 && run->owner) {
            map_differences_changed(run->owner, 0, ALL_BYTES); /* it is just being written */
        }
    }
    return ret;
}

static int compare_anew_co(struct diff_run *run, struct blk *other)
{
    int ret = compare_pass_co(run, other, true);

    if (run->owner && ret == 0) {
        notify(run->owner, true);
        find_hosts_co(run, run->owner->perhaps);
    }
    if (run->owner && ret == 0) {
        ret = compare_pass_co(run, other, false);
        if (run->owner) {
            advance(run->owner, &run->progress);
            find_hosts_co(run, run->owner->found);
        }
    }
    return ret;
}

static void compare_both_co(struct diff_run *run)
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

static void run_unref(struct diff_run *run)
{
    if (--run->refs == 0) {
        g_clear_pointer(&run->approved, g_ptr_array_unref);
        g_free(run->what);
        g_free(run);
    }
}

static void compare_again(struct map_differences *differences);

static void end_run(struct diff_run *run)
{
    struct map_differences *owner = run->owner;

    owner->run = NULL;
    owner->ended_us = clock_now_us();
    owner->took_us = owner->ended_us - run->begun_us;
    run->owner = NULL;
    compare_again(owner); /* what was written meanwhile */
    notify(owner, true);
}

static void run_co(void *data)
{
    struct diff_run *run = data;

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
    run_unref(run);
}

static void on_other(void *data)
{
    map_differences_changed(data, 0, ALL_BYTES);
    notify(data, true);
}

struct map_differences *map_differences_new(void (*updated)(void *data), void *data)
{
    struct map_differences *differences = g_new0(struct map_differences, 1);

    differences->updated = updated;
    differences->data = data;
    differences->found = g_array_new(FALSE, FALSE, sizeof(struct map_range));
    differences->perhaps = g_array_new(FALSE, FALSE, sizeof(struct map_range));
    differences->changed = g_array_new(FALSE, FALSE, sizeof(struct map_range));
    differences->unreadable = g_array_new(FALSE, FALSE, sizeof(struct map_range));
    differences->hosts = g_array_new(FALSE, FALSE, sizeof(struct map_range));
    differences->other = map_other_new(on_other, differences);
    return differences;
}

void map_differences_free(struct map_differences *differences)
{
    if (differences) {
        map_differences_clear(differences);
        map_other_free(differences->other);
        g_array_unref(differences->found);
        g_array_unref(differences->perhaps);
        g_array_unref(differences->changed);
        g_array_unref(differences->unreadable);
        g_array_unref(differences->hosts);
        g_free(differences);
    }
}

/* The run goes on alone to its end. */
static void let_go(struct map_differences *differences)
{
    if (differences->run) {
        map_differences_progress(differences); /* as far as it got */
        differences->run->owner = NULL;
        co_queue_wake_all(&differences->run->waiters);
        co_cancel(differences->run->co);
        differences->run = NULL;
    }
}

void map_differences_stop(struct map_differences *differences)
{
    differences->stopped = differences->stopped || differences->run;
    let_go(differences);
}

void map_differences_clear(struct map_differences *differences)
{
    let_go(differences);
    map_other_forget(differences->other);
    g_clear_pointer(&differences->with, g_free);
    g_clear_pointer(&differences->error, g_free);
    g_clear_pointer(&differences->what, g_free);
    g_array_set_size(differences->changed, 0);
    forget_found(differences);
    differences->stale = differences->stopped = false;
    differences->ended_us = differences->took_us = 0;
}

static void start(struct map_differences *differences, bool again, int64_t delay_us)
{
    struct diff_run *run = g_new0(struct diff_run, 1);

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

void map_differences_start(struct map_differences *differences, struct session *session, const char *what)
{
    map_differences_clear(differences);
    differences->with = what ? safetext_escape(what, -1) : g_strdup("the backing file");
    differences->session = session;
    differences->what = g_strdup(what);
    differences->since_us = clock_now_us();
    start(differences, false, 0);
}

/* Where one takes its time, it rests as long before the next. */
static int64_t delay_of(const struct map_differences *differences)
{
    return MAX(AGAIN_US, differences->ended_us + differences->took_us - clock_now_us());
}

/* What changed; all of it, where there is nothing it could be put into. */
static void compare_again(struct map_differences *differences)
{
    bool whole = differences->progress.size > 0 && differences->progress.done >= differences->progress.size;

    if (differences->changed->len == 0 || differences->run || differences->stopped) {
        return;
    }
    if (whole && !differences->error) {
        start(differences, true, delay_of(differences));
        return;
    }
    g_clear_pointer(&differences->error, g_free);
    g_array_set_size(differences->changed, 0);
    forget_found(differences);
    differences->stale = false;
    differences->since_us = clock_now_us();
    start(differences, false, delay_of(differences));
}

void map_differences_changed(struct map_differences *differences, int64_t offset, int64_t bytes)
{
    struct map_range range = {MAX(0, offset), bytes > ALL_BYTES - offset ? ALL_BYTES : offset + bytes, COMPARE_DIFFERENT};

    if (!differences->with || range.start >= range.end) {
        return;
    }
    range.start -= range.start % COMPARE_GRAIN; /* as it is compared */
    range.end += (COMPARE_GRAIN - range.end % COMPARE_GRAIN) % COMPARE_GRAIN;
    differences->stale = true;
    g_array_append_val(differences->changed, range);
    map_ranges_merge(differences->changed);
    if (differences->changed->len > CHANGED_MAX) {
        int64_t end = g_array_index(differences->changed, struct map_range, differences->changed->len - 1).end;

        g_array_set_size(differences->changed, 1);
        g_array_index(differences->changed, struct map_range, 0).end = end;
    }
    compare_again(differences);
}

void map_differences_resized(struct map_differences *differences)
{
    if (differences->with && map_differences_is_busy(differences)) {
        g_autofree char *what = g_strdup(differences->what);

        map_differences_start(differences, differences->session, what);
    } else if (differences->with) {
        map_differences_changed(differences, 0, ALL_BYTES);
    }
}

void map_differences_prefer(struct map_differences *differences, int64_t start, int64_t end)
{
    differences->view_start = start;
    differences->view_end = end;
}

int map_differences_wait_co(struct map_differences *differences)
{
    struct diff_run *run = differences->run;
    int ret = 0;

    if (!run) {
        return 0;
    }
    run->refs++;
    while (run->owner && ret == 0) {
        ret = co_queue_wait_co(&run->waiters) == -ECANCELED ? -ECANCELED : 0;
    }
    run_unref(run);
    return ret;
}

bool map_differences_is_busy(const struct map_differences *differences)
{
    return differences->run && !differences->run->again;
}

const char *map_differences_with(const struct map_differences *differences)
{
    return differences->with;
}

const char *map_differences_error(const struct map_differences *differences)
{
    return differences->error;
}

const struct compare_progress *map_differences_progress(struct map_differences *differences)
{
    if (map_differences_is_busy(differences) && differences->run->into == differences->found) {
        advance(differences, &differences->run->progress);
    }
    return &differences->progress;
}

unsigned map_differences_count(const struct map_differences *differences)
{
    return differences->found->len + differences->perhaps->len - differences->perhaps_first;
}

struct map_range map_differences_at(const struct map_differences *differences, unsigned index)
{
    unsigned found = differences->found->len;
    struct map_range range;

    if (index < found) {
        return g_array_index(differences->found, struct map_range, index);
    }
    range = g_array_index(differences->perhaps, struct map_range, differences->perhaps_first + index - found);
    range.start = MAX(range.start, differences->progress.told);
    return range;
}

unsigned map_differences_find(const struct map_differences *differences, int64_t offset)
{
    unsigned low = 0, high = map_differences_count(differences);

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (map_differences_at(differences, middle).end <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool map_differences_is_cut(const struct map_differences *differences)
{
    return differences->cut;
}

bool map_differences_work(struct map_differences *differences, struct map_differences_work *ret_work)
{
    const struct diff_run *run = differences->run;

    if (run && !run->again) {
        const struct compare_progress *progress = map_differences_progress(differences);

        *ret_work = (struct map_differences_work){progress->done, progress->size, differences->since_us};
        return true;
    }
    if (run && clock_now_us() - run->begun_us >= SHOWN_AFTER_US) {
        *ret_work = (struct map_differences_work){run->again_done, run->again_total, run->begun_us};
        return true;
    }
    return false;
}

bool map_differences_is_stopped(const struct map_differences *differences)
{
    return differences->stopped;
}

bool map_differences_is_stale(const struct map_differences *differences)
{
    return differences->stale;
}
