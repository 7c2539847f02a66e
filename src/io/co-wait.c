/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/co.h"

#include <errno.h>
#include <glib.h>

#include "io/co-internal.h"

/* ---- queues: a waiter is on the stack of who waits ---- */

struct co_waiter {
    struct co_waiter *prev, *next;
    struct co *co;
    bool woken; /* and off the queue */
};

/* Not inlined: gcc would not see that a waiter leaves the queue before its frame ends. */
static __attribute__((noinline)) void append(struct co_queue *queue, struct co_waiter *waiter)
{
    waiter->prev = queue->tail;
    if (queue->tail)
        queue->tail->next = waiter;
    else
        queue->head = waiter;
    queue->tail = waiter;
}

static void take_off(struct co_queue *queue, struct co_waiter *waiter)
{
    if (waiter->prev)
        waiter->prev->next = waiter->next;
    else
        queue->head = waiter->next;
    if (waiter->next)
        waiter->next->prev = waiter->prev;
    else
        queue->tail = waiter->prev;
}

int co_queue_wait_co(struct co_queue *queue)
{
    struct co_waiter waiter = {.co = co_self()};
    bool cancelled = false;
    append(queue, &waiter);
    co_note_queued(true);
    /* Cancelled means that nobody woke us; anything but our own wake is somebody else's that came late. */
    while (!waiter.woken && !cancelled)
        cancelled = co_suspend_cancellable_co() == -ECANCELED;
    co_note_queued(false);
    if (cancelled)
        take_off(queue, &waiter);
    return cancelled ? -ECANCELED : 0;
}

void co_queue_wait_uncancellable_co(struct co_queue *queue)
{
    struct co_waiter waiter = {.co = co_self()};
    append(queue, &waiter);
    co_note_queued(true);
    while (!waiter.woken)
        co_suspend_co();
    co_note_queued(false);
}

bool co_queue_wake_one(struct co_queue *queue)
{
    struct co_waiter *waiter = queue->head;
    if (!waiter)
        return false;
    take_off(queue, waiter);
    waiter->woken = true;
    co_wake(waiter->co, 0);
    return true;
}

void co_queue_wake_all(struct co_queue *queue)
{
    while (co_queue_wake_one(queue))
        ;
}

bool co_queue_is_empty(const struct co_queue *queue)
{
    return !queue->head;
}

/* ---- mutex ---- */

void co_mutex_lock_co(struct co_mutex *mutex)
{
    if (!mutex->owner) {
        mutex->owner = co_self();
        return;
    }
    g_assert(mutex->owner != co_self());
    co_queue_wait_uncancellable_co(&mutex->waiters);
    g_assert(mutex->owner == co_self());
}

bool co_mutex_lock_unless_co(struct co_mutex *mutex, struct co_queue *other)
{
    if (!mutex->owner) {
        mutex->owner = co_self();
        return true;
    }
    g_assert(mutex->owner != co_self());
    struct co_waiter turn = {.co = co_self()}, end = {.co = co_self()};
    append(&mutex->waiters, &turn);
    append(other, &end);
    while (!turn.woken && !end.woken)
        co_suspend_co();
    /* Both may have come before this ran: what was handed over is ours. */
    if (!end.woken)
        take_off(other, &end);
    if (!turn.woken)
        take_off(&mutex->waiters, &turn);
    return turn.woken;
}

void co_mutex_unlock(struct co_mutex *mutex)
{
    g_assert(mutex->owner == co_self());
    /* Handed over, not thrown into the ring: whoever asked first gets it. */
    mutex->owner = mutex->waiters.head ? mutex->waiters.head->co : NULL;
    co_queue_wake_one(&mutex->waiters);
}

/* ---- sleepers, sorted by deadline ---- */

struct sleeper {
    int64_t deadline_us;
    uint64_t sequence; /* equal deadlines: first come, first served */
    struct co *co;
    bool expired; /* and out of the tree */
};

static GTree *sleepers; /* struct sleeper * as key and value; NULL: nobody ever slept */

static int compare_sleepers(const void *a, const void *b, void *data)
{
    const struct sleeper *x = a, *y = b;
    if (x->deadline_us != y->deadline_us)
        return x->deadline_us < y->deadline_us ? -1 : 1;
    return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

static struct sleeper *first_sleeper(void)
{
    GTreeNode *node = sleepers ? g_tree_node_first(sleepers) : NULL;
    return node ? g_tree_node_key(node) : NULL;
}

int co_sleep_co(int64_t time_us)
{
    static uint64_t sequence;
    if (time_us <= 0) {
        co_yield_co();
        return co_cancelled() ? -ECANCELED : 0;
    }
    if (!sleepers)
        sleepers = g_tree_new_full(compare_sleepers, NULL, NULL, NULL);
    int64_t now_us = g_get_monotonic_time();
    struct sleeper sleeper = {
        .deadline_us = time_us > INT64_MAX - 1 - now_us ? INT64_MAX - 1 : now_us + time_us,
        .sequence = sequence++,
        .co = co_self(),
    };
    g_tree_insert(sleepers, &sleeper, &sleeper);
    while (!sleeper.expired) {
        if (co_suspend_cancellable_co() == -ECANCELED) {
            g_tree_remove(sleepers, &sleeper);
            return -ECANCELED;
        }
    }
    return 0;
}

int64_t co_wait_first_deadline_us(void)
{
    const struct sleeper *first = first_sleeper();
    return first ? first->deadline_us : INT64_MAX;
}

void co_wait_expire(int64_t now_us)
{
    for (struct sleeper *first; (first = first_sleeper()) && first->deadline_us <= now_us;) {
        g_tree_remove(sleepers, first);
        first->expired = true;
        co_wake(first->co, 0);
    }
}

void co_wait_done(void)
{
    g_clear_pointer(&sleepers, g_tree_unref);
}
