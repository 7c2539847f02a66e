/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/map-list.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "io/clock.h"
#include "io/co.h"
#include "ui/panels/updates.h"

enum {
    FIRST_STEP = 1 << 20,
    TELL_INTERVAL_US = 50 * 1000,
    AGAIN_INTERVAL_US = 1000 * 1000, /* an image that changes all the time is not counted all the time */
};

/* A visit under way, for the list or for the sizes. */
struct visit {
    struct map_list *list; /* NULL: let go */
    struct co *co;
    struct map_run runs[MAP_LIST_ROWS];
    unsigned count, next; /* a ring when it is full */
    unsigned limit;       /* runs to take at most, the last ones if ring */
    bool ring;
    struct map_sizes sizes;
};

struct map_list {
    struct updates updates;
    struct blk *blk;
    const struct map_source *source;
    int64_t size;
    struct map_run runs[MAP_LIST_ROWS];
    unsigned count;
    bool stale;
    int64_t wanted; /* -1: nothing is */
    int error;      /* with which the last look around ended; 0: it did not */
    struct visit *around, *sizing;
    struct map_sizes sizes;
    bool sizes_stale;
    int64_t sized_us;
};

/* ---- those around a place ---- */

static int keep_run(void *data, const struct map_run *run)
{
    struct visit *visit = data;
    struct map_run *last = visit->count > 0 ? &visit->runs[(visit->next + MAP_LIST_ROWS - 1) % MAP_LIST_ROWS] : NULL;

    if (!visit->list) {
        return -ECANCELED;
    }
    if (last && map_run_goes_on(last, run)) { /* cut by where visits begin */
        last->length += run->length;
        return 0;
    }
    if (!visit->ring && visit->count >= visit->limit) {
        return 1;
    }
    visit->runs[visit->next] = *run;
    visit->next = (visit->next + 1) % MAP_LIST_ROWS;
    visit->count = MIN(visit->count + 1, MAP_LIST_ROWS);
    return 0;
}

/* The last runs before offset: visits that double in length, until there are enough of them. */
static int look_before_co(struct visit *visit, int64_t offset)
{
    const struct map_list *list = visit->list;
    int64_t step = list->source->whole ? INT64_MAX : FIRST_STEP, from = offset;
    int ret = 0;

    visit->ring = true;
    while (ret == 0 && from > 0 && visit->count <= visit->limit) {
        from = MAX(0, offset - step);
        visit->count = visit->next = 0;
        ret = list->source->visit_co(list->source, list->blk, from, offset, keep_run, visit);
        if (!visit->list) {
            return -ECANCELED;
        }
        step = step > INT64_MAX / 4 ? step : step * 4;
    }
    /* Only the newest of the ring, in order, and the first of them is perhaps cut: only whole ones are taken if more were met. */
    unsigned keep = MIN(visit->limit, visit->count);
    struct map_run sorted[MAP_LIST_ROWS];

    for (unsigned i = 0; i < keep; i++) {
        sorted[i] = visit->runs[(visit->next + MAP_LIST_ROWS - keep + i) % MAP_LIST_ROWS];
    }
    memcpy(visit->runs, sorted, keep * sizeof(sorted[0]));
    visit->count = visit->next = keep;
    visit->ring = false;
    return ret;
}

static void finish_around(struct visit *visit, int ret)
{
    struct map_list *list = visit->list;

    list->error = MIN(ret, 0);
    if (ret >= 0) {
        memcpy(list->runs, visit->runs, visit->count * sizeof(list->runs[0]));
        list->count = visit->count;
    }
    updates_tell(&list->updates, true);
}

static void start_around(struct map_list *list);

static void around_co(void *data)
{
    struct visit *visit = data;
    int64_t offset = visit->list->wanted;
    struct map_list *list;
    int ret;

    visit->co = co_self();
    co_yield_co();
    if (!visit->list) {
        g_free(visit);
        return;
    }
    visit->limit = MAP_LIST_ROWS / 2;
    ret = look_before_co(visit, offset);
    if (ret == 0 && visit->list) {
        visit->limit = MAP_LIST_ROWS - 1;
        ret = visit->list->source->visit_co(visit->list->source, visit->list->blk, offset, visit->list->size, keep_run, visit);
    }
    list = visit->list;
    if (list) {
        list->around = NULL;
        if (list->wanted == offset && ret != -ECANCELED) { /* cancelled: another place was wanted in between */
            finish_around(visit, ret);
        } else {
            start_around(list);
        }
    }
    g_free(visit);
}

static void start_around(struct map_list *list)
{
    struct visit *visit = g_new0(struct visit, 1);

    visit->list = list;
    list->around = visit;
    list->stale = false; /* what changes from now on makes it that again */
    co_start(around_co, visit);
}

static void let_go(struct visit **visit)
{
    if (*visit) {
        (*visit)->list = NULL;
        co_cancel((*visit)->co);
        *visit = NULL;
    }
}

int map_list_find(const struct map_list *list, int64_t offset)
{
    unsigned low = 0, high = list->count;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (list->runs[middle].start + list->runs[middle].length <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < list->count && list->runs[low].start <= offset ? (int)low : -1;
}

bool map_list_knows(const struct map_list *list, int64_t offset, unsigned rows)
{
    int at = map_list_find(list, offset);
    bool first = at >= 0 && ((unsigned)at >= rows || list->runs[0].start == 0);
    bool last = at >= 0 && ((unsigned)at + rows < list->count ||
                            list->runs[list->count - 1].start + list->runs[list->count - 1].length >= list->size);

    return !list->stale && first && last;
}

bool map_list_has_looked(const struct map_list *list, int64_t offset)
{
    return !list->around && !list->stale && list->wanted == offset;
}

void map_list_want(struct map_list *list, int64_t offset, unsigned rows)
{
    if (!list->blk || (list->around && list->wanted == offset)) {
        return;
    }
    if (map_list_knows(list, offset, rows) || (!list->stale && list->error < 0 && list->wanted == offset)) {
        return;
    }
    list->wanted = offset;
    if (!list->around) {
        start_around(list);
    } else if (map_list_find(list, offset) < 0) {
        co_cancel(list->around->co);
    }
}

const struct map_run *map_list_runs(const struct map_list *list, unsigned *ret_count)
{
    *ret_count = list->count;
    return list->runs;
}

/* ---- sizes ---- */

static int count_size(void *data, const struct map_run *run)
{
    struct visit *visit = data;
    int bucket = 63 - __builtin_clzll((unsigned long long)run->length);

    if (!visit->list) {
        return -ECANCELED;
    }
    visit->sizes.runs[bucket]++;
    visit->sizes.bytes[bucket] += run->length;
    visit->sizes.count++;
    visit->sizes.position = run->start + run->length;
    if (!visit->list->sizes.done) {
        visit->list->sizes = visit->sizes; /* the first time, what is there is better than nothing */
        updates_tell(&visit->list->updates, false);
    }
    return 0;
}

static void sizes_co(void *data)
{
    struct visit *visit = data;
    int ret = 0;

    visit->co = co_self();
    co_yield_co();
    if (visit->list) {
        ret = visit->list->source->visit_co(visit->list->source, visit->list->blk, 0, visit->list->size, count_size, visit);
    }
    if (visit->list) {
        visit->list->sizing = NULL;
        visit->sizes.done = true;
        if (ret == 0) {
            visit->list->sizes = visit->sizes;
        }
        visit->list->sizes.done = true;
        visit->list->sizes.error = ret;
        visit->list->sized_us = clock_now_us();
        updates_tell(&visit->list->updates, true);
    }
    g_free(visit);
}

const struct map_sizes *map_list_sizes(struct map_list *list)
{
    bool again = list->sizes.done && list->sizes_stale && clock_now_us() - list->sized_us >= AGAIN_INTERVAL_US;

    if (list->blk && list->size > 0 && !list->sizing && (!list->sizes.done || again)) {
        struct visit *visit = g_new0(struct visit, 1);

        visit->list = list;
        list->sizing = visit;
        list->sizes_stale = false;
        co_start(sizes_co, visit);
    }
    return &list->sizes;
}

int64_t map_list_sizes_due_us(const struct map_list *list)
{
    return list->sizes.done && list->sizes_stale && !list->sizing ? list->sized_us + AGAIN_INTERVAL_US : -1;
}

/* ---- life ---- */

struct map_list *map_list_new(void (*updated)(void *data), void *data)
{
    struct map_list *list = g_new0(struct map_list, 1);

    list->updates = (struct updates){updated, data, TELL_INTERVAL_US};
    list->wanted = -1;
    return list;
}

void map_list_free(struct map_list *list)
{
    if (list) {
        let_go(&list->around);
        let_go(&list->sizing);
        g_free(list);
    }
}

void map_list_open(struct map_list *list, struct blk *blk, const struct map_source *source, int64_t size)
{
    let_go(&list->around);
    let_go(&list->sizing);
    list->blk = blk;
    list->source = source;
    list->size = size;
    list->count = 0;
    list->wanted = -1;
    list->error = 0;
    list->stale = list->sizes_stale = false;
    list->sizes = (struct map_sizes){0};
}

void map_list_stale(struct map_list *list)
{
    list->stale = list->sizes_stale = true;
}

void map_list_resized(struct map_list *list, int64_t size)
{
    list->size = size;
    map_list_stale(list);
}

int map_list_error(const struct map_list *list)
{
    return list->error;
}
