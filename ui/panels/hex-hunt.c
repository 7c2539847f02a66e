/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/hex-hunt.h"

#include <errno.h>

#include "io/clock.h"

struct hunt {
    struct hex_hunt hunt;
    unsigned refs;
    struct blk *blk;
    void (*ended)(void *data);
    void *data;
    int64_t left; /* matches still to be met */
    struct co *co; /* NULL: it has returned */
    struct co_queue waiters;
};

static int on_match(void *data, int64_t offset, int64_t count)
{
    struct hunt *hunt = data;
    int64_t taken = MIN(count, hunt->left);
    hunt->hunt.found = hunt->hunt.quarry.backward ? offset - (taken - 1) : offset + (taken - 1);
    hunt->left -= taken;
    return hunt->left == 0 ? 1 : 0;
}

/* The part from..to: 1 when there was a match. */
static int search_co(struct hunt *hunt, int64_t from, int64_t to)
{
    const struct hex_quarry *quarry = &hunt->hunt.quarry;
    struct find find = {.search = quarry->search, .against = quarry->against, .from = from, .to = to, .backward = quarry->backward};
    return find_co(hunt->blk, &find, &hunt->hunt.progress, on_match, hunt);
}

/* From the cursor to the end and, if it wraps, from the beginning to the cursor: 1 when there was the last match it wants. */
static int once_around_co(struct hunt *hunt)
{
    const struct hex_quarry *quarry = &hunt->hunt.quarry;
    int64_t size = hunt->hunt.size, behind = MIN(quarry->from + 1, size);
    int ret = quarry->backward ? search_co(hunt, 0, quarry->from) : search_co(hunt, behind, size);
    if (ret == 0 && quarry->wraps && !hunt->hunt.done) {
        hunt->hunt.before = hunt->hunt.progress.done;
        hunt->hunt.unreadable = hunt->hunt.progress.unreadable;
        hunt->hunt.wrapped = true;
        ret = quarry->backward ? search_co(hunt, quarry->from, size) : search_co(hunt, 0, behind);
    }
    hunt->hunt.unreadable += hunt->hunt.progress.unreadable;
    return ret;
}

static int hunt_matches_co(struct hunt *hunt)
{
    const struct hex_quarry *quarry = &hunt->hunt.quarry;
    hunt->left = MAX(quarry->count, 1);
    int ret = once_around_co(hunt);
    int64_t met = MAX(quarry->count, 1) - hunt->left;
    if (ret != 0 || met == 0 || hunt->hunt.done) {
        return ret;
    }
    if (!quarry->wraps) {
        return 1; /* as far as one gets */
    }
    hunt->left = (hunt->left - 1) % met + 1; /* every other round meets the same ones */
    return once_around_co(hunt);
}

static void end(struct hunt *hunt, int ret)
{
    hunt->hunt.ret = ret == 1 ? 0 : ret == 0 ? -ENOENT : ret;
    hunt->hunt.done = true;
    co_queue_wake_all(&hunt->waiters);
}

static void hunt_co(void *data)
{
    struct hunt *hunt = data;
    hunt->co = co_self();
    co_yield_co(); /* never ends inside of the call that starts it */
    int ret = hunt->hunt.done ? -ECANCELED : hunt_matches_co(hunt);
    hunt->co = NULL;
    if (!hunt->hunt.done) {
        end(hunt, ret);
        hunt->ended(hunt->data);
    }
    hex_hunt_unref(&hunt->hunt);
}

struct hex_hunt *hex_hunt_new(struct blk *blk, const struct hex_quarry *quarry, void (*ended)(void *data), void *data)
{
    struct hunt *hunt = g_new0(struct hunt, 1);
    hunt->hunt.quarry = *quarry;
    hunt->hunt.size = blk_length(blk);
    hunt->hunt.since_us = clock_now_us();
    hunt->refs = 2; /* the caller's and the coroutine's */
    hunt->blk = blk;
    hunt->ended = ended;
    hunt->data = data;
    co_start(hunt_co, hunt);
    return &hunt->hunt;
}

struct hex_hunt *hex_hunt_ref(struct hex_hunt *hunt)
{
    ((struct hunt *)hunt)->refs++;
    return hunt;
}

void hex_hunt_unref(struct hex_hunt *hunt)
{
    if (hunt && --((struct hunt *)hunt)->refs == 0) {
        g_free(hunt);
    }
}

void hex_hunt_stop(struct hex_hunt *hex_hunt)
{
    struct hunt *hunt = (struct hunt *)hex_hunt;
    if (!hunt->hunt.done) {
        end(hunt, -ECANCELED);
        co_cancel(hunt->co);
    }
}

int hex_hunt_wait_co(struct hex_hunt *hex_hunt)
{
    struct hunt *hunt = (struct hunt *)hex_hunt;
    while (!hunt->hunt.done) {
        if (co_queue_wait_co(&hunt->waiters) == -ECANCELED) {
            return -ECANCELED;
        }
    }
    return 0;
}
