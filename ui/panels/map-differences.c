/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/map-differences.h"

#include <errno.h>
#include <string.h>

#include "block/inspect.h"
#include "engine/session.h"
#include "io/clock.h"
#include "io/co.h"
#include "util/safetext.h"

enum {
    NOTIFY_INTERVAL_US = 100 * 1000,
    AGAIN_US = 200 * 1000, /* what changes meanwhile is compared again together */
    CHANGED_MAX = 64,      /* ranges; more of them become one */
    HOSTS_MAX = 1 << 16,   /* ranges whose places in the file are looked for */
};

/* A comparison under way. */
struct diff_run {
    struct map_differences *owner; /* NULL: let go, or done */
    unsigned refs;                 /* its own, and those who wait */
    struct co *co;
    struct co_queue waiters;
    struct blk *blk;
    struct aio *aio;
    enum blk_refs refs_policy;
    char *what;
    struct compare_progress progress;
    GArray *into;
    bool again; /* only what changed */
};

struct map_differences {
    void (*updated)(void *data);
    void *data;
    struct diff_run *run;
    char *with, *error;
    struct session *session;
    char *what;
    GArray *found, *perhaps; /* struct map_range */
    GArray *changed;         /* struct map_range, to be compared again */
    GArray *unreadable;      /* struct map_range, those of found that are */
    GArray *hosts;           /* struct map_range in the file, sorted, none touching the next */
    unsigned perhaps_first;  /* those before are behind the comparison */
    struct compare_progress progress;
    bool cut, stale;
    int64_t since_us;
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
           g_array_index(differences->perhaps, struct map_range, differences->perhaps_first).end <= progress->done) {
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
    if (run->into->len >= MAP_DIFFERENCES_MAX) {
        run->owner->cut = true;
    } else {
        g_array_append_val(run->into, range);
    }
    if (kind == COMPARE_UNREADABLE && run->into == run->owner->found) {
        g_array_append_val(run->owner->unreadable, range);
    }
    return 0;
}

static int compare_pass_co(struct diff_run *run, struct blk *other, bool metadata_only)
{
    struct compare compare = {run->blk, other, metadata_only};

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

static int by_start(const void *a, const void *b)
{
    const struct map_range *left = a, *right = b;

    return left->start < right->start ? -1 : left->start > right->start;
}

static void merge(GArray *ranges)
{
    unsigned kept = 0;

    g_array_sort(ranges, by_start);
    for (unsigned i = 0; i < ranges->len; i++) {
        struct map_range range = g_array_index(ranges, struct map_range, i);
        struct map_range *last = kept > 0 ? &g_array_index(ranges, struct map_range, kept - 1) : NULL;

        if (last && range.start <= last->end) {
            last->end = MAX(last->end, range.end);
        } else {
            g_array_index(ranges, struct map_range, kept++) = range;
        }
    }
    g_array_set_size(ranges, kept);
}

/* Finds the places of the differences; a copy of these, since they may change meanwhile. */
static void find_hosts_co(struct diff_run *run, const GArray *differences)
{
    g_auto(GStrv) files = inspect_host_size(run->blk) > 0 ? blk_files(run->blk) : NULL;
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
        merge(ranges);
        g_array_set_size(run->owner->hosts, 0);
        g_array_append_vals(run->owner->hosts, ranges->data, ranges->len);
    }
}

/* Whether one of the sorted ranges has a part in [start, end). */
static bool touches(const GArray *ranges, int64_t start, int64_t end)
{
    unsigned low = 0, high = ranges->len;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (g_array_index(ranges, struct map_range, middle).end <= start) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < ranges->len && g_array_index(ranges, struct map_range, low).start < end;
}

bool map_differences_touch_host(const struct map_differences *differences, int64_t start, int64_t end)
{
    return touches(differences->hosts, start, end);
}

bool map_differences_unreadable(const struct map_differences *differences, int64_t start, int64_t end)
{
    return touches(differences->unreadable, start, end);
}

/* ---- again ---- */

static void append(GArray *ranges, struct map_range range)
{
    struct map_range *last = ranges->len > 0 ? &g_array_index(ranges, struct map_range, ranges->len - 1) : NULL;

    if (last && last->end == range.start && last->kind == range.kind) {
        last->end = range.end;
    } else if (range.start < range.end) {
        g_array_append_val(ranges, range);
    }
}

/* What was found of [start, end) gives way to what is found now. */
static void replace(struct map_differences *differences, int64_t start, int64_t end, const GArray *fresh)
{
    GArray *ranges = g_array_new(FALSE, FALSE, sizeof(struct map_range));
    unsigned i = 0;

    for (; i < differences->found->len && g_array_index(differences->found, struct map_range, i).start < start; i++) {
        struct map_range range = g_array_index(differences->found, struct map_range, i);

        append(ranges, (struct map_range){range.start, MIN(range.end, start), range.kind});
    }
    for (unsigned k = 0; k < fresh->len; k++) {
        append(ranges, g_array_index(fresh, struct map_range, k));
    }
    for (i = i > 0 ? i - 1 : 0; i < differences->found->len; i++) {
        struct map_range range = g_array_index(differences->found, struct map_range, i);

        if (range.end > end) {
            append(ranges, (struct map_range){MAX(range.start, end), range.end, range.kind});
        }
    }
    g_array_unref(differences->found);
    differences->found = ranges;
    memset(differences->progress.bytes, 0, sizeof(differences->progress.bytes));
    g_array_set_size(differences->unreadable, 0);
    for (i = 0; i < ranges->len; i++) {
        const struct map_range *range = &g_array_index(ranges, struct map_range, i);

        if (range->kind == COMPARE_UNREADABLE) {
            g_array_append_vals(differences->unreadable, range, 1);
        }
        differences->progress.bytes[range->kind] += range->end - range->start;
    }
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
        notify(run->owner, false);
    }
    return ret;
}

static int compare_changed_co(struct diff_run *run, struct blk *other)
{
    int ret = 0;

    while (run->owner && ret == 0 && run->owner->changed->len > 0) {
        struct map_range range = g_array_index(run->owner->changed, struct map_range, 0);

        g_array_remove_index(run->owner->changed, 0);
        ret = compare_range_co(run, other, range);
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

static void fail(struct map_differences *differences, const char *message)
{
    g_free(differences->error);
    differences->error = safetext_escape(message, -1);
}

static void compare_both_co(struct diff_run *run)
{
    struct compare_other other = {0};
    g_autoptr(GError) error = NULL;
    int ret = compare_open_co(run->blk, run->aio, run->refs_policy, run->what, NULL, &other, &error);

    if (ret < 0) {
        if (run->owner) {
            fail(run->owner, error->message);
        }
        return;
    }
    if (run->owner && run->again) {
        ret = compare_changed_co(run, other.blk);
    } else if (run->owner) {
        ret = compare_pass_co(run, other.blk, true);
    }
    if (run->again) {
        compare_close_co(&other);
        return;
    }
    if (run->owner && ret == 0) {
        notify(run->owner, true);
        find_hosts_co(run, run->owner->perhaps);
    }
    if (run->owner && ret == 0) {
        ret = compare_pass_co(run, other.blk, false);
        if (run->owner) {
            advance(run->owner, &run->progress);
            find_hosts_co(run, run->owner->found);
        }
    }
    if (run->owner && ret < 0 && ret != -ECANCELED) {
        fail(run->owner, g_strerror(-ret));
    }
    compare_close_co(&other);
}

static void run_unref(struct diff_run *run)
{
    if (--run->refs == 0) {
        g_free(run->what);
        g_free(run);
    }
}

static void compare_again(struct map_differences *differences);

static void run_co(void *data)
{
    struct diff_run *run = data;

    run->co = co_self();
    if (run->again) {
        co_sleep_co(AGAIN_US);
    } else {
        co_yield_co();
    }
    if (run->owner) {
        compare_both_co(run);
    }
    if (run->owner) {
        struct map_differences *owner = run->owner;

        owner->run = NULL;
        run->owner = NULL;
        compare_again(owner); /* what was written meanwhile */
        notify(owner, true);
    }
    co_queue_wake_all(&run->waiters);
    run_unref(run);
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
    return differences;
}

void map_differences_free(struct map_differences *differences)
{
    if (differences) {
        map_differences_clear(differences);
        g_array_unref(differences->found);
        g_array_unref(differences->perhaps);
        g_array_unref(differences->changed);
        g_array_unref(differences->unreadable);
        g_array_unref(differences->hosts);
        g_free(differences);
    }
}

void map_differences_stop(struct map_differences *differences)
{
    if (differences->run) {
        if (!differences->run->again) {
            advance(differences, &differences->run->progress);
        }
        differences->run->owner = NULL;
        co_queue_wake_all(&differences->run->waiters);
        co_cancel(differences->run->co);
        differences->run = NULL;
    }
}

void map_differences_clear(struct map_differences *differences)
{
    map_differences_stop(differences);
    g_clear_pointer(&differences->with, g_free);
    g_clear_pointer(&differences->error, g_free);
    g_clear_pointer(&differences->what, g_free);
    g_array_set_size(differences->found, 0);
    g_array_set_size(differences->changed, 0);
    g_array_set_size(differences->unreadable, 0);
    g_array_set_size(differences->hosts, 0);
    g_array_set_size(differences->perhaps, 0);
    differences->perhaps_first = 0;
    differences->progress = (struct compare_progress){0};
    differences->cut = differences->stale = false;
}

static void start(struct map_differences *differences, bool again)
{
    const struct session_config *config = session_config(differences->session);
    struct diff_run *run = g_new0(struct diff_run, 1);

    run->owner = differences;
    run->refs = 1;
    run->blk = session_blk(differences->session);
    run->aio = config->aio;
    run->refs_policy = config->refs;
    run->what = g_strdup(differences->what);
    run->again = again;
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
    start(differences, false);
}

static void compare_again(struct map_differences *differences)
{
    bool whole = differences->progress.size > 0 && differences->progress.done >= differences->progress.size;

    if (differences->changed->len > 0 && !differences->run && !differences->error && whole) {
        start(differences, true);
    }
}

void map_differences_changed(struct map_differences *differences, int64_t offset, int64_t bytes)
{
    struct map_range range = {MAX(0, offset), bytes > INT64_MAX - offset - COMPARE_GRAIN ? INT64_MAX - COMPARE_GRAIN : offset + bytes, COMPARE_DIFFERENT};

    if (!differences->with || range.start >= range.end) {
        return;
    }
    range.start -= range.start % COMPARE_GRAIN; /* as it is compared */
    range.end += (COMPARE_GRAIN - range.end % COMPARE_GRAIN) % COMPARE_GRAIN;
    differences->stale = true;
    g_array_append_val(differences->changed, range);
    merge(differences->changed);
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
        map_differences_changed(differences, 0, INT64_MAX - COMPARE_GRAIN);
    }
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

    return index < found ? g_array_index(differences->found, struct map_range, index)
                         : g_array_index(differences->perhaps, struct map_range, differences->perhaps_first + index - found);
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

int64_t map_differences_since(const struct map_differences *differences)
{
    return differences->since_us;
}

bool map_differences_is_stale(const struct map_differences *differences)
{
    return differences->stale;
}
