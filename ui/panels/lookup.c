/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/lookup.h"

#include <errno.h>
#include <glib.h>
#include <limits.h>

#include "block/inspect.h"
#include "io/co.h"
#include "ui/panel.h"

enum {
    FIRST_STEP = 64 * 1024,
    STEPS_MAX = 64, /* to be made one after the other, a count as one */
};

struct lookup_run {
    struct lookup *lookup; /* NULL: nobody wants to know any more */
    struct co *co;
    struct blk *blk;
    struct lookup_answer answer;
};

struct step {
    struct blk *blk;
    enum lookup_question question;
    enum lookup_sort sort;
    int64_t offset;
    int count;
};

struct lookup {
    lookup_fn *fn;
    void *data;
    struct lookup_run *run;
    struct co_queue waiters; /* for run to be NULL */
    /* What is asked next, when the run is back; NULL: nothing. */
    struct blk *next_blk;
    enum lookup_question next_question;
    enum lookup_sort next_sort;
    int64_t next_offset;
    GArray *steps; /* struct step: the first is under way */
};

/* First byte behind the run of one kind and layer that offset is in: 0 or a negative errno. */
static int run_end_co(struct blk *blk, int64_t offset, int64_t *ret_end)
{
    int64_t size = blk_length(blk), end;
    struct blk_extent first, extent;
    int ret = blk_status_co(blk, offset, size - offset, &first);

    if (ret < 0 || first.length <= 0) {
        return ret < 0 ? ret : -ENOENT;
    }
    for (end = offset + first.length; end < size; end += extent.length) {
        if (co_cancelled()) {
            return -ECANCELED;
        }
        ret = blk_status_co(blk, end, size - end, &extent);
        if (ret < 0) {
            return ret;
        }
        if (extent.length <= 0 || extent.kind != first.kind || extent.depth != first.depth) {
            break;
        }
        co_relax_co();
    }
    *ret_end = end;
    return 0;
}

/* The last run of the wanted kind that a visit saw, while it went on to the visit's end. */
struct last_run {
    struct blk_extent like;
    int64_t start; /* -1: what came last was something else */
};

static int keep_last_run(void *data, const struct blk_extent *extent)
{
    struct last_run *last = data;

    if (extent->kind != last->like.kind || extent->depth != last->like.depth) {
        last->start = -1;
    } else if (last->start < 0) {
        last->start = extent->start;
    }
    return 0;
}

int lookup_run_start_co(struct blk *blk, int64_t offset, int64_t *ret_start)
{
    int64_t start = offset, step = FIRST_STEP;
    struct last_run last;
    int ret = blk_status_co(blk, offset, 1, &last.like);

    if (ret < 0 || last.like.length <= 0) {
        return ret < 0 ? ret : -ENOENT;
    }
    while (start > 0) {
        int64_t from = MAX(start - step, 0);

        last.start = -1;
        ret = blk_status_bulk_co(blk, from, start - from, keep_last_run, &last);
        if (ret < 0) {
            return ret;
        }
        if (last.start < 0) {
            break;
        }
        start = last.start;
        if (start > from) {
            break;
        }
        step = step > INT64_MAX / 2 ? step : step * 2;
    }
    *ret_start = start;
    return 0;
}

static int find_previous_co(struct blk *blk, int64_t offset, int64_t *ret_found)
{
    int ret;

    if (offset <= 0) {
        return -ENOENT;
    }
    ret = lookup_run_start_co(blk, offset, ret_found);
    if (ret == 0 && *ret_found == offset) {
        ret = lookup_run_start_co(blk, offset - 1, ret_found);
    }
    return ret;
}

/* ---- stretches of a sort ---- */

struct sorting {
    enum lookup_sort sort;
    struct blk_extent like; /* LOOKUP_SAME */
    int64_t after;          /* a stretch that begins there or before does not count */
    bool first;             /* ends with the first one */
    bool inside;            /* what came last was of the sort */
    int64_t found;          /* -1: none yet */
};

static bool is_of_sort(const struct sorting *sorting, const struct blk_extent *extent)
{
    switch (sorting->sort) {
    case LOOKUP_SAME:
        return extent->kind == sorting->like.kind && extent->depth == sorting->like.depth;
    case LOOKUP_COMPRESSED:
        return extent->kind == BLK_KIND_COMPRESSED;
    case LOOKUP_DATA:
        return !blk_kind_is_zeroes(extent->kind);
    case LOOKUP_ZERO:
        break;
    }
    return blk_kind_is_zeroes(extent->kind);
}

static int look_for_sort(void *data, const struct blk_extent *extent)
{
    struct sorting *sorting = data;
    bool inside = is_of_sort(sorting, extent);

    if (inside && !sorting->inside && extent->start > sorting->after) {
        sorting->found = extent->start;
    }
    sorting->inside = inside;
    return sorting->first && sorting->found >= 0 ? 1 : 0;
}

/* Stretches cut off by the visit's start count in none but the one that starts at the image's. */
static int find_sort_before_co(struct blk *blk, int64_t offset, struct sorting *sorting)
{
    int64_t from = offset, step = FIRST_STEP;
    int ret = 0;

    while (from > 0 && sorting->found < 0 && ret == 0) {
        from = MAX(offset - step, 0);
        sorting->after = from > 0 ? from : -1;
        sorting->inside = false;
        ret = blk_status_bulk_co(blk, from, offset - from, look_for_sort, sorting);
        step = step > INT64_MAX / 2 ? step : step * 2;
    }
    return ret;
}

static int find_sort_co(struct blk *blk, struct lookup_answer *answer)
{
    struct sorting sorting = {.sort = answer->sort, .after = answer->offset, .found = -1};
    int64_t offset = answer->offset;
    int ret = blk_status_co(blk, offset, 1, &sorting.like);

    if (ret < 0) {
        return ret;
    }
    if (answer->question == LOOKUP_NEXT_SORT) {
        sorting.first = true;
        ret = blk_status_bulk_co(blk, offset, blk_length(blk) - offset, look_for_sort, &sorting);
    } else {
        ret = find_sort_before_co(blk, offset, &sorting);
    }
    answer->found = sorting.found;
    return ret < 0 ? ret : sorting.found < 0 ? -ENOENT : 0;
}

/* ---- faults of the file ---- */

struct faults {
    int64_t offset, found; /* found is -1: none yet */
    bool next;
};

/* Corrupt and leaked clusters in a row are one place to go to each. */
static int look_for_fault(void *data, const struct inspect_host_run *run)
{
    struct faults *faults = data;
    enum inspect_share share = inspect_share_of(run);
    bool fault = share == INSPECT_SHARE_LEAKED || share == INSPECT_SHARE_CORRUPT || share == INSPECT_SHARE_ERROR;

    if (co_cancelled()) {
        return -ECANCELED;
    }
    if (fault && (faults->next ? run->start > faults->offset : run->start < faults->offset)) {
        faults->found = run->start;
    }
    return faults->next ? faults->found >= 0 : run->start >= faults->offset;
}

static int find_fault_co(struct blk *blk, struct lookup_answer *answer)
{
    struct faults faults = {.offset = answer->offset, .found = -1, .next = answer->question == LOOKUP_NEXT_FAULT};
    struct inspect_look look;
    int ret;

    inspect_look_begin(blk, &look);
    ret = inspect_host_map_co(blk, look_for_fault, &faults);
    inspect_look_end(blk, &look);
    answer->found = faults.found;
    return ret < 0 ? ret : faults.found < 0 ? -ENOENT : 0;
}

static bool is_in_own_file(struct blk *blk, const struct blk_extent *extent)
{
    struct blk *file = extent->depth >= 0 ? blk_layer(blk, (unsigned)extent->depth, BLK_PART_FILE) : NULL;

    return file && extent->host_offset >= 0 && g_strcmp0(blk_filename(file), extent->host) == 0;
}

static void answer_co(struct blk *blk, struct lookup_answer *answer)
{
    switch (answer->question) {
    case LOOKUP_AT:
        answer->ret = blk_status_co(blk, answer->offset, blk_length(blk) - answer->offset, &answer->extent);
        answer->elsewhere = answer->ret == 0 && !is_in_own_file(blk, &answer->extent);
        answer->extent.host = NULL;
        break;
    case LOOKUP_NEXT:
        answer->ret = run_end_co(blk, answer->offset, &answer->found);
        if (answer->ret == 0 && answer->found >= blk_length(blk)) {
            answer->ret = -ENOENT;
        }
        break;
    case LOOKUP_PREVIOUS:
        answer->ret = find_previous_co(blk, answer->offset, &answer->found);
        break;
    case LOOKUP_NEXT_SORT:
    case LOOKUP_PREVIOUS_SORT:
        answer->ret = find_sort_co(blk, answer);
        break;
    case LOOKUP_NEXT_FAULT:
    case LOOKUP_PREVIOUS_FAULT:
        answer->ret = find_fault_co(blk, answer);
        break;
    }
}

static void start_next(struct lookup *lookup);
static void ask(struct lookup *lookup, struct blk *blk, enum lookup_question question, enum lookup_sort sort, int64_t offset);

static bool is_about_file(enum lookup_question question)
{
    return question == LOOKUP_NEXT_FAULT || question == LOOKUP_PREVIOUS_FAULT;
}

static void ask_step(struct lookup *lookup)
{
    const struct step *step = &g_array_index(lookup->steps, struct step, 0);

    ask(lookup, step->blk, step->question, step->sort, step->offset);
}

/* The first step has an answer: the next one, if there is one, goes on from there. */
static void go_on(struct lookup *lookup, const struct lookup_answer *answer)
{
    GArray *steps = lookup->steps;
    struct step *step = &g_array_index(steps, struct step, 0);
    int64_t at = answer->ret < 0 ? answer->offset : answer->found;

    if (answer->ret < 0 && answer->ret != -ENOENT) {
        g_array_set_size(steps, 0);
        return;
    }
    if (answer->ret < 0 || --step->count == 0) {
        g_array_remove_index(steps, 0);
    }
    if (steps->len > 0 && at >= 0 && at < INT64_MAX && is_about_file(step->question) == is_about_file(answer->question)) {
        step->offset = at;
    }
    if (steps->len > 0) {
        ask_step(lookup);
    }
}

static void run_co(void *data)
{
    struct lookup_run *run = data;
    struct lookup *lookup;

    run->co = co_self();
    co_yield_co(); /* the answer never comes from inside the question */
    if (run->lookup) {
        answer_co(run->blk, &run->answer);
    }
    lookup = run->lookup;
    if (lookup) {
        lookup->run = NULL;
        if (lookup->next_blk) {
            start_next(lookup);
        } else {
            lookup->fn(lookup->data, &run->answer);
            if (!lookup->run && lookup->steps->len > 0) {
                go_on(lookup, &run->answer);
            }
            if (!lookup->run) { /* unless the answer led to the next question */
                co_queue_wake_all(&lookup->waiters);
            }
        }
    }
    g_free(run);
}

static void start_next(struct lookup *lookup)
{
    struct lookup_run *run = g_new0(struct lookup_run, 1);

    run->lookup = lookup;
    run->blk = lookup->next_blk;
    run->answer.question = lookup->next_question;
    run->answer.sort = lookup->next_sort;
    run->answer.offset = lookup->next_offset;
    lookup->next_blk = NULL;
    lookup->run = run;
    co_start(run_co, run);
}

void lookup_remark(struct panel *panel, const struct lookup_answer *answer)
{
    static const char *const sorts[] = {
        [LOOKUP_SAME] = "of this kind", [LOOKUP_DATA] = "of data", [LOOKUP_ZERO] = "of zeroes", [LOOKUP_COMPRESSED] = "that is compressed"};
    bool next = answer->question == LOOKUP_NEXT || answer->question == LOOKUP_NEXT_SORT;
    bool sort = answer->question == LOOKUP_NEXT_SORT || answer->question == LOOKUP_PREVIOUS_SORT;

    if (answer->ret == -ENOENT && (answer->question == LOOKUP_NEXT_FAULT || answer->question == LOOKUP_PREVIOUS_FAULT)) {
        bool any = answer->offset >= 0 && answer->offset < INT64_MAX;

        panel_remark(panel, !any ? "no cluster of the file is corrupt or leaked"
                            : answer->question == LOOKUP_NEXT_FAULT ? "no cluster behind this one is corrupt or leaked"
                                                                    : "no cluster before this one is corrupt or leaked");
    } else if (answer->ret == -ENOENT) {
        g_autofree char *text = g_strdup_printf("no %s extent%s%s", next ? "next" : "previous", sort ? " " : "", sort ? sorts[answer->sort] : "");

        panel_remark(panel, text);
    } else if (answer->ret != -ECANCELED) {
        g_autofree char *text = g_strdup_printf("cannot find extents: %s", g_strerror(-answer->ret));

        panel_remark(panel, text);
    }
}

struct lookup *lookup_new(lookup_fn *fn, void *data)
{
    struct lookup *lookup = g_new0(struct lookup, 1);

    lookup->fn = fn;
    lookup->data = data;
    lookup->steps = g_array_new(FALSE, FALSE, sizeof(struct step));
    return lookup;
}

void lookup_free(struct lookup *lookup)
{
    if (lookup) {
        lookup_reset(lookup);
        g_array_unref(lookup->steps);
        g_free(lookup);
    }
}

static void ask(struct lookup *lookup, struct blk *blk, enum lookup_question question, enum lookup_sort sort, int64_t offset)
{
    lookup->next_blk = blk;
    lookup->next_question = question;
    lookup->next_sort = sort;
    lookup->next_offset = offset;
    /* However many questions there are while a disk hangs, one coroutine at most hangs with it. */
    if (lookup->run) {
        co_cancel(lookup->run->co);
    } else {
        start_next(lookup);
    }
}

void lookup_ask(struct lookup *lookup, struct blk *blk, enum lookup_question question, int64_t offset)
{
    g_array_set_size(lookup->steps, 0);
    ask(lookup, blk, question, LOOKUP_SAME, offset);
}

void lookup_step(struct lookup *lookup, struct blk *blk, enum lookup_question question, enum lookup_sort sort, int64_t offset, int count)
{
    struct step step = {blk, question, sort, offset, count};
    unsigned before = lookup->steps->len;
    struct step *last = before > 0 ? &g_array_index(lookup->steps, struct step, before - 1) : NULL;

    if (last && last->question == question && last->sort == sort) {
        last->count = (int)MIN((int64_t)last->count + count, INT_MAX);
    } else if (before < STEPS_MAX) {
        g_array_append_val(lookup->steps, step);
    }
    if (before == 0) {
        ask_step(lookup);
    }
}

bool lookup_is_stepping(const struct lookup *lookup)
{
    return lookup->steps->len > 0;
}

void lookup_reset(struct lookup *lookup)
{
    lookup->next_blk = NULL;
    g_array_set_size(lookup->steps, 0);
    if (lookup->run) {
        lookup->run->lookup = NULL;
        co_cancel(lookup->run->co);
        lookup->run = NULL;
    }
    co_queue_wake_all(&lookup->waiters);
}

bool lookup_is_busy(const struct lookup *lookup)
{
    return lookup->run != NULL;
}

int lookup_wait_co(struct lookup *lookup)
{
    return lookup->run ? co_queue_wait_co(&lookup->waiters) : 0;
}
