/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/map-differences.h"

#include <errno.h>

#include "engine/session.h"
#include "io/clock.h"
#include "io/co.h"
#include "util/safetext.h"

enum { NOTIFY_INTERVAL_US = 100 * 1000 };

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
};

struct map_differences {
    void (*updated)(void *data);
    void *data;
    struct diff_run *run;
    char *with, *error;
    GArray *found, *perhaps; /* struct map_range */
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
    return 0;
}

static int compare_pass_co(struct diff_run *run, struct blk *other, bool metadata_only)
{
    struct compare compare = {run->blk, other, metadata_only};

    run->into = metadata_only ? run->owner->perhaps : run->owner->found;
    return compare_co(&compare, &run->progress, on_range, run);
}

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
    if (run->owner) {
        ret = compare_pass_co(run, other.blk, true);
    }
    if (run->owner && ret == 0) {
        notify(run->owner, true);
        ret = compare_pass_co(run, other.blk, false);
        if (run->owner) {
            advance(run->owner, &run->progress);
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

static void run_co(void *data)
{
    struct diff_run *run = data;

    run->co = co_self();
    co_yield_co();
    if (run->owner) {
        compare_both_co(run);
    }
    if (run->owner) {
        struct map_differences *owner = run->owner;

        owner->run = NULL;
        run->owner = NULL;
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
    return differences;
}

void map_differences_free(struct map_differences *differences)
{
    if (differences) {
        map_differences_clear(differences);
        g_array_unref(differences->found);
        g_array_unref(differences->perhaps);
        g_free(differences);
    }
}

void map_differences_stop(struct map_differences *differences)
{
    if (differences->run) {
        advance(differences, &differences->run->progress);
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
    g_array_set_size(differences->found, 0);
    g_array_set_size(differences->perhaps, 0);
    differences->perhaps_first = 0;
    differences->progress = (struct compare_progress){0};
    differences->cut = differences->stale = false;
}

void map_differences_start(struct map_differences *differences, struct session *session, const char *what)
{
    const struct session_config *config = session_config(session);
    struct diff_run *run = g_new0(struct diff_run, 1);

    map_differences_clear(differences);
    differences->with = what ? safetext_escape(what, -1) : g_strdup("the backing file");
    run->owner = differences;
    run->refs = 1;
    run->blk = session_blk(session);
    run->aio = config->aio;
    run->refs_policy = config->refs;
    run->what = g_strdup(what);
    differences->run = run;
    differences->since_us = clock_now_us();
    co_start(run_co, run);
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
    if (differences->run && differences->run->into == differences->found) {
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

void map_differences_stale(struct map_differences *differences)
{
    differences->stale = differences->with != NULL;
}

bool map_differences_is_stale(const struct map_differences *differences)
{
    return differences->stale;
}
