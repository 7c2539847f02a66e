/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/lookup.h"

#include <errno.h>
#include <glib.h>

#include "io/co.h"
#include "ui/panel.h"

enum { FIRST_STEP = 64 * 1024 };

struct lookup_run {
    struct lookup *lookup; /* NULL: nobody wants to know any more */
    struct co *co;
    struct blk *blk;
    struct lookup_answer answer;
};

struct lookup {
    lookup_fn *fn;
    void *data;
    struct lookup_run *run;
    /* What is asked next, when the run is back; NULL: nothing. */
    struct blk *next_blk;
    enum lookup_question next_question;
    int64_t next_offset;
};

int lookup_run_end_co(struct blk *blk, int64_t offset, int64_t *ret_end)
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

static void answer_co(struct blk *blk, struct lookup_answer *answer)
{
    switch (answer->question) {
    case LOOKUP_AT:
        answer->ret = blk_status_co(blk, answer->offset, blk_length(blk) - answer->offset, &answer->extent);
        answer->extent.host = NULL;
        break;
    case LOOKUP_NEXT:
        answer->ret = lookup_run_end_co(blk, answer->offset, &answer->found);
        if (answer->ret == 0 && answer->found >= blk_length(blk)) {
            answer->ret = -ENOENT;
        }
        break;
    case LOOKUP_PREVIOUS:
        answer->ret = find_previous_co(blk, answer->offset, &answer->found);
        break;
    }
}

static void start_next(struct lookup *lookup);

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
    run->answer.offset = lookup->next_offset;
    lookup->next_blk = NULL;
    lookup->run = run;
    co_start(run_co, run);
}

void lookup_remark(struct panel *panel, const struct lookup_answer *answer)
{
    if (answer->ret == -ENOENT) {
        panel_remark(panel, answer->question == LOOKUP_NEXT ? "no next extent" : "no previous extent");
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
    return lookup;
}

void lookup_free(struct lookup *lookup)
{
    if (lookup) {
        lookup_reset(lookup);
        g_free(lookup);
    }
}

void lookup_ask(struct lookup *lookup, struct blk *blk, enum lookup_question question, int64_t offset)
{
    lookup->next_blk = blk;
    lookup->next_question = question;
    lookup->next_offset = offset;
    /* However many questions there are while a disk hangs, one coroutine at most hangs with it. */
    if (lookup->run) {
        co_cancel(lookup->run->co);
    } else {
        start_next(lookup);
    }
}

void lookup_reset(struct lookup *lookup)
{
    lookup->next_blk = NULL;
    if (lookup->run) {
        lookup->run->lookup = NULL;
        co_cancel(lookup->run->co);
        lookup->run = NULL;
    }
}
