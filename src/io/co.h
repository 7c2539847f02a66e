/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Coroutines on one thread: whatever may wait is written as straight code and suspends. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * One thread (the one that called co_init()) runs all coroutines, on its thread-default GMainContext.  A function
 * whose name ends in _co may suspend the coroutine that calls it, and must be called from one; no other function
 * may.  A coroutine that started always runs to its end: cancelling only makes its cancellable waits return
 * -ECANCELED.
 *
 * A stack is 2 MiB (twice that under AddressSanitizer) of address space above a guard page; memory is used as it is
 * touched, so tens of thousands of suspended coroutines cost two or three pages each, and one of page tables (before Linux 6.13 those beyond
 * 16,384 go without the guard: a process has no more mappings).  Big buffers belong on the heap, recursion is bounded.
 * Starting a coroutine that ends without suspending costs about as much as a few function calls.
 *
 * The ready queue is a source of priority G_PRIORITY_DEFAULT which gives way to the context's other sources twice in
 * a millisecond; a source of lower priority (an idle) waits until no coroutine is ready.
 */
struct co;
typedef void co_fn(void *data);

/* Attaches the ready queue to the thread-default main context; once, before anything else here. */
void co_init(void);
/* Ends it: frees pooled stacks and detaches.  Every coroutine has ended by then. */
void co_done(void);

/*
 * Starts fn(data) in a new coroutine and runs it at once until it first suspends or ends.  May be called from a
 * coroutine (the caller goes on when the new one suspends) or from outside.  The handle is valid while the
 * coroutine runs; the return value is NULL when it already ended.
 */
struct co *co_start(co_fn *fn, void *data);

/*
 * Whether there is memory for this coroutine and some that it may start: where a user can ask for any number of them, who
 * starts one asks first, and refuses with -ENOMEM.  A start without memory ends the program.
 */
bool co_affordable(void);

/* The running coroutine, NULL outside of one. */
struct co *co_self(void);
/* A pointer of the running coroutine, NULL when it starts: the block layer's, which finds the request again that it carries out. */
void **co_local(void);
/* That of another one. */
void **co_local_of(struct co *co);

/*
 * Suspends the running coroutine until co_wake(); returns the value given there.  A wake that came since the last
 * suspension returns at once.  The plain form is for waits somebody else owns the end of (a request in the
 * kernel); the cancellable form also ends, with -ECANCELED, when co_cancel() is or was called: the caller then takes
 * itself off whatever it was waiting on.
 */
int co_suspend_co(void);
int co_suspend_cancellable_co(void);

/*
 * Ends a suspension: the coroutine runs again on the next turn of the ready queue, never inside this call.  Wakes that
 * come before it runs count as one, with the first one's value; a wake beats a cancellation that was not seen yet, so
 * whoever gets -ECANCELED knows that nobody woke it.  Only on the thread of co_init().
 */
void co_wake(struct co *co, int value);

/*
 * Runs what is ready, as the ready queue's own dispatch does: for a source that has just woken coroutines, to save a
 * turn of the loop.  Not from a coroutine.
 */
void co_run_ready(void);

/* Sticky: this and all later cancellable waits of the coroutine return -ECANCELED. */
void co_cancel(struct co *co);
/* Whether the running coroutine was cancelled; false outside of one. */
bool co_cancelled(void);

/* Lets everything else that is ready, and the main context's other sources, go first. */
void co_yield_co(void);
/* co_yield_co() if the coroutine has run for about half a millisecond since it was last resumed. */
void co_relax_co(void);

/*
 * Sleeps at least so many microseconds on the real monotonic clock (the fake one does not move); main context timeouts
 * are whole milliseconds, rounded up.  0, or -ECANCELED.  Zero or less: a co_yield_co().
 */
int co_sleep_co(int64_t time_us);

/* Whether it waits in a co_queue, or for a co_mutex: for another coroutine, then, and not for the kernel or for time. */
bool co_is_queued(const struct co *co);

/* Whether any but the running one would go on at the next turn of the loop. */
bool co_others_ready(void);

/* Number of coroutines that started and have not ended (tests, leaks). */
unsigned co_live(void);

/* A first-come-first-served list of suspended coroutines; zero-initialised is empty. */
struct co_queue {
    struct co_waiter *head, *tail;
};
/* 0 once woken, or -ECANCELED (and off the queue). */
int co_queue_wait_co(struct co_queue *queue);
/* As above, but nothing cancels it. */
void co_queue_wait_uncancellable_co(struct co_queue *queue);
/* Wakes the first, if any: whether there was one. */
bool co_queue_wake_one(struct co_queue *queue);
void co_queue_wake_all(struct co_queue *queue);
bool co_queue_is_empty(const struct co_queue *queue);

/* Mutual exclusion between coroutines, fair: unlocking hands it to the first waiter.  Zero-initialised is unlocked. */
struct co_mutex {
    struct co *owner;
    struct co_queue waiters;
};
void co_mutex_lock_co(struct co_mutex *mutex);
/* Gives up when `other` wakes first: whether it has the mutex.  Nothing cancels it. */
bool co_mutex_lock_unless_co(struct co_mutex *mutex, struct co_queue *other);
void co_mutex_unlock(struct co_mutex *mutex);
