/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Life of a coroutine
 *
 *     co_start() --> RUNNING --suspend--> SUSPENDED | CANCELLABLE --wake, cancel--> READY --dispatch--> RUNNING
 *                       |   \--yield--> YIELDED --next dispatch--> RUNNING
 *                       \--fn returned--> ENDED: back to the pool
 *
 * Resuming is a call: the resumed coroutine remembers who resumed it (`caller`, a coroutine or the thread's own stack)
 * and suspending or ending is the return from that call.  Only co_start() and the dispatch of the ready queue resume.
 *
 * A pooled coroutine keeps its stack with the loop of entry() on it, so that starting one is a switch and nothing else.
 * More than POOL_MAX idle ones give their memory back.
 */
#include "config.h"

#include "io/co.h"

#include <errno.h>

#include "io/co-internal.h"
#include "io/co-stack.h"
#include "io/co-switch.h"
#include "util/source.h"

#if CO_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#if CO_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#if HAVE_VALGRIND
#include <valgrind/valgrind.h>
#endif

enum {
    POOL_MAX = 256,     /* idle coroutines that keep their memory */
    RESERVE = 32,       /* of co_affordable() */
    DISPATCH_US = 500, /* then the context's other sources have their turn: a key waits for no longer than both */
    RELAX_US = 500,
};

enum state { RUNNING, SUSPENDED, CANCELLABLE, READY, YIELDED, ENDED };

struct co {
    struct co_context context; /* valid unless it runs */
    enum state state;
    int value;         /* what its suspension returns; valid in READY and when wake_pending */
    bool wake_pending; /* woken while it was not suspended */
    bool cancelled;
    bool by_cancel; /* READY because of a cancellation */
    bool queued;    /* see co_is_queued() */
    co_fn *fn;
    void *data;
    void *local;
    struct co *caller;
    struct co *next;  /* in the ready queue, the yielded ones, or the pool */
    int64_t since_us; /* when co_relax_co() was first called since it was resumed; 0: not yet */
    void *stack;
#if CO_ASAN
    void *fake_stack;         /* of AddressSanitizer, while switched away */
    const void *caller_stack; /* bounds of what to return to */
    size_t caller_stack_size;
#endif
#if CO_TSAN
    void *fiber;
#endif
#if HAVE_VALGRIND
    unsigned valgrind_id;
#endif
};

struct list {
    struct co *head, *tail;
};

static struct co outside = {.state = RUNNING}; /* the thread's own stack */
static struct co *running = &outside;
static struct list ready, yielded;
static struct co *pool;
static unsigned pooled, live;
static GSource *source;

static void push(struct list *list, struct co *co)
{
    co->next = NULL;
    if (list->head)
        list->tail->next = co;
    else
        list->head = co;
    list->tail = co;
}

static struct co *pop(struct list *list)
{
    struct co *co = list->head;
    if (co)
        list->head = co->next;
    return co;
}

/* ---- switching ---- */

#if CO_ASAN
/* A fresh stack arrives here, everything else after its own co_context_switch(). */
static void arrived(struct co *co)
{
    __sanitizer_finish_switch_fiber(co->fake_stack, &co->caller_stack, &co->caller_stack_size);
    co->fake_stack = NULL;
}
#else
static inline void arrived(struct co *co)
{
}
#endif

/* From the running coroutine back to who resumed it. */
__attribute__((no_sanitize("address"))) static void leave(struct co *co)
{
    running = co->caller;
#if CO_ASAN
    __sanitizer_start_switch_fiber(co->state == ENDED ? NULL : &co->fake_stack, co->caller_stack,
                                   co->caller_stack_size);
#endif
#if CO_TSAN
    __tsan_switch_to_fiber(co->caller->fiber, 0);
#endif
    co_context_switch(&co->context, &co->caller->context);
    arrived(co);
}

__attribute__((no_sanitize("address"))) static void entry(void)
{
    struct co *co = running;
    arrived(co);
    for (;;) {
        co->fn(co->data);
        co->state = ENDED;
        leave(co);
    }
}

static struct co *take_coroutine(void)
{
    struct co *co = pool;
    if (co) {
        pool = co->next;
        pooled--;
        return co;
    }
    char *stack = co_stack_new();
    /* Its own description is on top of its stack: on a page that is touched anyway. */
    co = (struct co *)((uintptr_t)(stack + CO_STACK_SIZE - sizeof *co) & -(uintptr_t)64);
    co->stack = stack;
    co_context_init(&co->context, stack, co, entry);
#if CO_TSAN
    co->fiber = __tsan_create_fiber(0);
#endif
#if HAVE_VALGRIND
    co->valgrind_id = VALGRIND_STACK_REGISTER(stack, stack + CO_STACK_SIZE);
#endif
    return co;
}

static void free_coroutine(struct co *co)
{
#if CO_TSAN
    __tsan_destroy_fiber(co->fiber);
#endif
#if HAVE_VALGRIND
    VALGRIND_STACK_DEREGISTER(co->valgrind_id);
#endif
    co_stack_free(co->stack);
}

static void ended(struct co *co)
{
    live--;
    if (pooled == POOL_MAX) {
        free_coroutine(co);
        return;
    }
    co->next = pool;
    pool = co;
    pooled++;
}

/* Runs it until it suspends or ends: whether it still lives. */
static bool resume(struct co *co)
{
    struct co *caller = running;
    co->caller = caller;
    co->state = RUNNING;
    co->since_us = 0;
    running = co;
#if CO_ASAN
    __sanitizer_start_switch_fiber(&caller->fake_stack, co->stack, CO_STACK_SIZE);
#endif
#if CO_TSAN
    caller->fiber = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(co->fiber, 0);
#endif
    co_context_switch(&caller->context, &co->context);
#if CO_ASAN
    __sanitizer_finish_switch_fiber(caller->fake_stack, NULL, NULL);
#endif
    if (co->state != ENDED)
        return true;
    ended(co);
    return false;
}

struct co *co_start(co_fn *fn, void *data)
{
    struct co *co = take_coroutine();
    co->fn = fn;
    co->data = data;
    co->local = NULL;
    co->wake_pending = co->cancelled = co->by_cancel = co->queued = false;
    live++;
    return resume(co) ? co : NULL;
}

bool co_affordable(void)
{
    return pooled >= RESERVE || co_stack_reserve(RESERVE);
}

struct co *co_self(void)
{
    return running == &outside ? NULL : running;
}

void **co_local(void)
{
    return &running->local;
}

void **co_local_of(struct co *co)
{
    return &co->local;
}

unsigned co_live(void)
{
    return live;
}

/* ---- suspending and waking ---- */

static int suspend(enum state how)
{
    struct co *co = running;
    g_assert(co != &outside);
    if (co->wake_pending) {
        co->wake_pending = false;
        return co->value;
    }
    if (how == CANCELLABLE && co->cancelled)
        return -ECANCELED;
    co->state = how;
    leave(co);
    return co->value;
}

int co_suspend_co(void)
{
    return suspend(SUSPENDED);
}

int co_suspend_cancellable_co(void)
{
    return suspend(CANCELLABLE);
}

static void make_ready(struct co *co, int value, bool by_cancel)
{
    co->value = value;
    co->by_cancel = by_cancel;
    co->state = READY;
    push(&ready, co);
}

void co_wake(struct co *co, int value)
{
    switch (co->state) {
    case SUSPENDED:
    case CANCELLABLE:
        make_ready(co, value, false);
        break;
    case READY:
        if (co->by_cancel)
            co->value = value;
        co->by_cancel = false;
        break;
    case RUNNING:
    case YIELDED:
        if (!co->wake_pending)
            co->value = value;
        co->wake_pending = true;
        break;
    case ENDED:
        g_assert_not_reached();
    }
}

void co_cancel(struct co *co)
{
    co->cancelled = true;
    if (co->state == CANCELLABLE)
        make_ready(co, -ECANCELED, true);
}

bool co_cancelled(void)
{
    return running->cancelled;
}

void co_yield_co(void)
{
    struct co *co = running;
    g_assert(co != &outside);
    co->state = YIELDED;
    push(&yielded, co);
    leave(co);
}

void co_relax_co(void)
{
    int64_t now_us = g_get_monotonic_time();
    if (!running->since_us)
        running->since_us = now_us;
    else if (now_us - running->since_us > RELAX_US)
        co_yield_co();
}

bool co_is_queued(const struct co *co)
{
    return co->queued;
}

void co_note_queued(bool queued)
{
    running->queued = queued;
}

bool co_others_ready(void)
{
    return ready.head || yielded.head;
}

/* ---- the ready queue, and the clock of those that sleep ---- */

static gboolean prepare(GSource *self, int *timeout_ms)
{
    *timeout_ms = -1;
    if (ready.head || yielded.head)
        return TRUE;
    int64_t deadline_us = co_wait_first_deadline_us();
    if (deadline_us == INT64_MAX)
        return FALSE;
    int64_t left_us = deadline_us - g_get_monotonic_time();
    *timeout_ms = left_us <= 0 ? 0 : MIN((left_us + 999) / 1000, G_MAXINT);
    return left_us <= 0;
}

static gboolean check(GSource *self)
{
    if (ready.head || yielded.head)
        return TRUE;
    int64_t deadline_us = co_wait_first_deadline_us();
    return deadline_us != INT64_MAX && deadline_us <= g_get_monotonic_time();
}

void co_run_ready(void)
{
    int64_t started_us = 0; /* one coroutine needs no clock */
    for (struct co *co; (co = pop(&ready));) {
        resume(co);
        if (!ready.head)
            break;
        int64_t now_us = g_get_monotonic_time();
        if (!started_us)
            started_us = now_us;
        else if (now_us - started_us > DISPATCH_US)
            break;
    }
}

static gboolean dispatch(GSource *self, GSourceFunc callback, void *data)
{
    if (co_wait_first_deadline_us() != INT64_MAX)
        co_wait_expire(g_get_monotonic_time());
    for (struct co *co; (co = pop(&yielded));)
        push(&ready, co);
    co_run_ready();
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.prepare = prepare, .check = check, .dispatch = dispatch};

void co_init(void)
{
    g_assert(!source);
    source = g_source_new(&source_funcs, sizeof(GSource));
    g_source_set_static_name(source, "coroutines");
    g_source_attach(source, g_main_context_get_thread_default());
}

void co_done(void)
{
    g_assert(source && !live);
    source_clear(&source);
    co_wait_done();
    for (struct co *co = pool, *next; co; co = next) {
        next = co->next;
        free_coroutine(co);
    }
    pool = NULL;
    pooled = 0;
    co_stack_done();
}
