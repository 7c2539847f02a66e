/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/map-differences.h"

#include <errno.h>

#include "engine/session.h"
#include "io/clock.h"
#include "ui/panels/map-differences-private.h"
#include "ui/panels/map-other.h"
#include "util/safetext.h"

enum {
    TELL_INTERVAL_US = 100 * 1000,
    AGAIN_US = 200 * 1000, /* what changes meanwhile is compared again together */
    SHOWN_AFTER_US = 1000 * 1000, /* what takes longer than that is a comparison of its own: it has a progress and can be ended */
    CHANGED_MAX = 64,      /* ranges; more of them become one */
};

void map_differences_advance(struct map_differences *differences, const struct compare_progress *progress)
{
    differences->progress = *progress;
    while (differences->perhaps_first < differences->perhaps->len &&
           g_array_index(differences->perhaps, struct map_range, differences->perhaps_first).end <= progress->told) {
        differences->perhaps_first++;
    }
}

void map_differences_forget_found(struct map_differences *differences)
{
    g_array_set_size(differences->found, 0);
    g_array_set_size(differences->unreadable, 0);
    g_array_set_size(differences->hosts, 0);
    g_array_set_size(differences->perhaps, 0);
    differences->perhaps_first = 0;
    differences->progress = (struct compare_progress){0};
    differences->cut = false;
}

static void on_other(void *data)
{
    struct map_differences *differences = data;

    if (differences->run && differences->run->reads_other) {
        differences->other_changed = differences->stale = true;
    } else {
        map_differences_changed(differences, 0, MAP_DIFFERENCES_ALL_BYTES);
    }
    updates_tell(&differences->updates, true);
}

struct map_differences *map_differences_new(void (*updated)(void *data), void *data)
{
    struct map_differences *differences = g_new0(struct map_differences, 1);

    differences->updates = (struct updates){updated, data, TELL_INTERVAL_US};
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
    map_differences_forget_found(differences);
    differences->stale = differences->stopped = differences->unseen = differences->other_changed = false;
    differences->ended_us = differences->took_us = 0;
}

void map_differences_start(struct map_differences *differences, struct session *session, const char *what)
{
    map_differences_clear(differences);
    differences->with = what ? safetext_escape(what, -1) : g_strdup("the backing file");
    differences->session = session;
    differences->what = g_strdup(what);
    differences->since_us = clock_now_us();
    differences_run_start(differences, false, 0);
}

/* Where one takes its time, it rests as long before the next. */
static int64_t delay_of(const struct map_differences *differences)
{
    return MAX(AGAIN_US, differences->ended_us + differences->took_us - clock_now_us());
}

void map_differences_compare_again(struct map_differences *differences)
{
    bool whole = differences->progress.size > 0 && differences->progress.done >= differences->progress.size;

    if (differences->changed->len == 0 || differences->run || differences->stopped) {
        return;
    }
    if (whole && !differences->error) {
        differences_run_start(differences, true, delay_of(differences));
        return;
    }
    g_clear_pointer(&differences->error, g_free);
    g_array_set_size(differences->changed, 0);
    map_differences_forget_found(differences);
    differences->stale = false;
    differences->since_us = clock_now_us();
    differences_run_start(differences, false, delay_of(differences));
}

void map_differences_changed(struct map_differences *differences, int64_t offset, int64_t bytes)
{
    struct map_range range = {MAX(0, offset), bytes > MAP_DIFFERENCES_ALL_BYTES - offset ? MAP_DIFFERENCES_ALL_BYTES : offset + bytes, COMPARE_DIFFERENT};

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
    map_differences_compare_again(differences);
}

void map_differences_resized(struct map_differences *differences)
{
    if (differences->with && map_differences_is_busy(differences)) {
        g_autofree char *what = g_strdup(differences->what);

        map_differences_start(differences, differences->session, what);
    } else if (differences->with) {
        map_differences_changed(differences, 0, MAP_DIFFERENCES_ALL_BYTES);
    }
}

void map_differences_prefer(struct map_differences *differences, int64_t start, int64_t end)
{
    differences->view_start = start;
    differences->view_end = end;
}

int map_differences_wait_co(struct map_differences *differences)
{
    struct differences_run *run = differences->run;
    int ret = 0;

    if (!run) {
        return 0;
    }
    run->refs++;
    while (run->owner && ret == 0) {
        ret = co_queue_wait_co(&run->waiters) == -ECANCELED ? -ECANCELED : 0;
    }
    differences_run_unref(run);
    return ret;
}

bool map_differences_is_busy(const struct map_differences *differences)
{
    return differences->run && !differences->run->again;
}

bool map_differences_is_unfinished(const struct map_differences *differences)
{
    return differences->run != NULL;
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
        map_differences_advance(differences, &differences->run->progress);
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

bool map_differences_touch_host(const struct map_differences *differences, int64_t start, int64_t end)
{
    return map_ranges_touch(differences->hosts, start, end);
}

bool map_differences_unreadable(const struct map_differences *differences, int64_t start, int64_t end)
{
    return map_ranges_touch(differences->unreadable, start, end);
}

bool map_differences_is_cut(const struct map_differences *differences)
{
    return differences->cut;
}

bool map_differences_work(struct map_differences *differences, struct map_differences_work *ret_work)
{
    const struct differences_run *run = differences->run;

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

bool map_differences_is_unseen(const struct map_differences *differences)
{
    return differences->unseen;
}

bool map_differences_is_stopped(const struct map_differences *differences)
{
    return differences->stopped;
}

bool map_differences_is_stale(const struct map_differences *differences)
{
    return differences->stale;
}
