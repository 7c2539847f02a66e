/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/co-stack.h"
#include "io/co.h"

/* What happened, in order, as letters. */
static GString *story;

static void say(const char *word)
{
    g_string_append(story, word);
}

static void turn_until_nobody_lives(void)
{
    while (co_live())
        g_main_context_iteration(NULL, TRUE);
}

/* ---- starting, suspending, waking ---- */

static void end_at_once(void *data)
{
    say(data);
    g_assert_nonnull(co_self());
}

static void test_start_runs_until_the_end(void)
{
    g_assert_null(co_start(end_at_once, (char *)"a"));
    g_assert_null(co_self());
    g_assert_cmpuint(co_live(), ==, 0);
    g_assert_cmpstr(story->str, ==, "a");
}

static void suspend_once(void *data)
{
    say("a");
    *(int *)data = co_suspend_co();
    say("c");
}

static void test_wake_does_not_run_inside_the_call(void)
{
    int value = 0;
    struct co *co = co_start(suspend_once, &value);
    say("b");
    g_assert_nonnull(co);
    co_wake(co, 7);
    g_assert_cmpint(value, ==, 0);
    co_wake(co, 8); /* one with the first */
    turn_until_nobody_lives();
    g_assert_cmpint(value, ==, 7);
    g_assert_cmpstr(story->str, ==, "abc");
}

static void start_inner(void *data)
{
    say("1");
    struct co *inner = co_start(suspend_once, data);
    g_assert_nonnull(inner);
    g_assert_true(co_self() != inner);
    say("2");
    co_wake(inner, 3);
    co_yield_co();
    say("3");
}

static void test_nested_start_returns_when_the_inner_suspends(void)
{
    int value = 0;
    co_start(start_inner, &value);
    turn_until_nobody_lives();
    g_assert_cmpint(value, ==, 3);
    g_assert_cmpstr(story->str, ==, "1a2c3");
}

static void wake_self_then_suspend(void *data)
{
    co_wake(co_self(), 5);
    g_assert_cmpint(co_suspend_co(), ==, 5);
    co_wake(co_self(), 6);
    co_yield_co(); /* a yield does not use the wake up */
    g_assert_cmpint(co_suspend_co(), ==, 6);
    say("x");
}

static void test_wake_before_suspending_is_not_lost(void)
{
    co_start(wake_self_then_suspend, NULL);
    turn_until_nobody_lives();
    g_assert_cmpstr(story->str, ==, "x");
}

/* ---- cancelling ---- */

static void suspend_cancellably_twice(void *data)
{
    int *values = data;
    values[0] = co_suspend_cancellable_co();
    g_assert_true(co_cancelled());
    values[1] = co_suspend_cancellable_co();
    values[2] = co_suspend_co();
}

static void test_cancel_is_sticky_and_leaves_plain_waits_alone(void)
{
    int values[3] = {0};
    struct co *co = co_start(suspend_cancellably_twice, values);
    co_cancel(co);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpint(values[0], ==, -ECANCELED);
    g_assert_cmpint(values[1], ==, -ECANCELED);
    g_assert_cmpuint(co_live(), ==, 1);
    co_cancel(co);
    g_assert_false(g_main_context_iteration(NULL, FALSE));
    co_wake(co, 4);
    turn_until_nobody_lives();
    g_assert_cmpint(values[2], ==, 4);
    g_assert_false(co_cancelled());
}

static void suspend_cancellably(void *data)
{
    *(int *)data = co_suspend_cancellable_co();
}

static void test_wake_beats_a_cancellation_not_yet_seen(void)
{
    int value = 0;
    struct co *co = co_start(suspend_cancellably, &value);
    co_cancel(co);
    co_wake(co, 9);
    turn_until_nobody_lives();
    g_assert_cmpint(value, ==, 9);
}

static void test_pooled_coroutine_is_not_born_cancelled(void)
{
    int value = 0;
    co_cancel(co_start(suspend_cancellably, &value));
    turn_until_nobody_lives();
    struct co *co = co_start(suspend_cancellably, &value);
    co_wake(co, 1);
    turn_until_nobody_lives();
    g_assert_cmpint(value, ==, 1);
}

/* ---- fairness ---- */

static void yield_until_told(void *data)
{
    while (!*(bool *)data)
        co_yield_co();
}

static gboolean tell(void *data)
{
    *(bool *)data = true;
    return G_SOURCE_REMOVE;
}

static void test_other_sources_run_beside_yielding_coroutines(void)
{
    bool told = false;
    co_start(yield_until_told, &told);
    co_start(yield_until_told, &told);
    g_timeout_add_full(G_PRIORITY_DEFAULT, 1, tell, &told, NULL);
    turn_until_nobody_lives();
}

static gboolean count(void *data)
{
    ++*(unsigned *)data;
    return G_SOURCE_CONTINUE;
}

static void yield_ten_times(void *data)
{
    for (unsigned i = 0; i < 10; i++) {
        unsigned before = *(unsigned *)data;
        co_yield_co();
        if (i)
            g_assert_cmpuint(*(unsigned *)data, >, before);
    }
}

static void test_every_yield_lets_other_sources_go_first(void)
{
    unsigned turns = 0, source = g_idle_add_full(G_PRIORITY_DEFAULT, count, &turns, NULL);
    co_start(yield_ten_times, &turns);
    turn_until_nobody_lives();
    g_source_remove(source);
}

struct ping {
    struct co *self;
    struct ping *other;
    bool *stop;
    bool ended;
};

static void ping(void *data)
{
    struct ping *p = data;
    p->self = co_self();
    while (!*p->stop) {
        co_suspend_co();
        if (!p->other->ended)
            co_wake(p->other->self, 0);
    }
    p->ended = true;
}

/* They are always ready for each other: without a bound on a dispatch nothing else ever runs. */
static void test_other_sources_run_beside_a_ping_pong(void)
{
    bool stop = false;
    struct ping a = {.stop = &stop}, b = {.stop = &stop, .other = &a};
    a.other = &b;
    co_start(ping, &a);
    co_start(ping, &b);
    g_timeout_add_full(G_PRIORITY_DEFAULT, 1, tell, &stop, NULL);
    co_wake(a.self, 0);
    turn_until_nobody_lives();
}

static void compute(void *data)
{
    bool *told = data;
    while (!*told)
        co_relax_co();
    say("relaxed");
}

static void test_relax_gives_way_in_time(void)
{
    bool told = false;
    g_timeout_add_full(G_PRIORITY_DEFAULT, 1, tell, &told, NULL);
    co_start(compute, &told);
    turn_until_nobody_lives();
    g_assert_cmpstr(story->str, ==, "relaxed");
}

static void test_nothing_to_do_makes_no_turn(void)
{
    int value = 0;
    struct co *co = co_start(suspend_once, &value);
    int timeout = 0, priority;
    g_assert_false(g_main_context_prepare(NULL, &priority));
    GPollFD fds[8];
    g_main_context_query(g_main_context_default(), priority, &timeout, fds, G_N_ELEMENTS(fds));
    g_assert_cmpint(timeout, ==, -1);
    co_wake(co, 0);
    turn_until_nobody_lives();
}

/* ---- queues ---- */

struct queue_case {
    struct co_queue queue;
    int result;
    const char *name;
    struct queue_case *shared;
};

static void wait_in_queue(void *data)
{
    struct queue_case *c = data;
    c->result = co_queue_wait_co(c->shared ? &c->shared->queue : &c->queue);
    say(c->name);
}

static void test_queue_wakes_in_order(void)
{
    struct queue_case a = {.name = "a", .result = 1}, b = {.name = "b", .shared = &a}, c = {.name = "c", .shared = &a};
    co_start(wait_in_queue, &a);
    co_start(wait_in_queue, &b);
    co_start(wait_in_queue, &c);
    g_assert_true(co_queue_wake_one(&a.queue));
    co_queue_wake_all(&a.queue);
    g_assert_true(co_queue_is_empty(&a.queue));
    g_assert_false(co_queue_wake_one(&a.queue));
    turn_until_nobody_lives();
    g_assert_cmpstr(story->str, ==, "abc");
    g_assert_cmpint(a.result, ==, 0);
}

static void test_cancelled_waiter_leaves_the_queue(void)
{
    struct queue_case a = {.name = "a"}, b = {.name = "b", .shared = &a}, c = {.name = "c", .shared = &a};
    co_start(wait_in_queue, &a);
    struct co *second = co_start(wait_in_queue, &b);
    co_start(wait_in_queue, &c);
    co_cancel(second);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpint(b.result, ==, -ECANCELED);
    co_queue_wake_all(&a.queue);
    turn_until_nobody_lives();
    g_assert_cmpstr(story->str, ==, "bac");
}

static void test_a_wake_is_not_lost_with_a_cancelled_waiter(void)
{
    struct queue_case a = {.name = "a", .result = 1};
    struct co *co = co_start(wait_in_queue, &a);
    co_cancel(co);
    g_assert_true(co_queue_wake_one(&a.queue));
    turn_until_nobody_lives();
    g_assert_cmpint(a.result, ==, 0);
}

/* ---- mutex ---- */

struct mutex_case {
    struct co_mutex *mutex;
    const char *name;
    int inside;
    int *shared;
};

static void lock_twice(void *data)
{
    struct mutex_case *c = data;
    for (int i = 0; i < 2; i++) {
        co_mutex_lock_co(c->mutex);
        g_assert_cmpint((*c->shared)++, ==, 0);
        say(c->name);
        co_yield_co();
        (*c->shared)--;
        co_mutex_unlock(c->mutex);
    }
}

static void test_mutex_is_exclusive_and_fair(void)
{
    struct co_mutex mutex = {0};
    int inside = 0;
    struct mutex_case cases[] = {{&mutex, "a", 0, &inside}, {&mutex, "b", 0, &inside}, {&mutex, "c", 0, &inside}};
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++)
        co_start(lock_twice, &cases[i]);
    turn_until_nobody_lives();
    g_assert_cmpstr(story->str, ==, "abcabc");
    g_assert_null(mutex.owner);
}

struct unless_case {
    struct co_mutex mutex;
    struct co_queue other;
    bool both; /* who unlocks wakes the other queue, too */
    bool locked, done;
};

static void lock_unless(void *data)
{
    struct unless_case *c = data;
    c->locked = co_mutex_lock_unless_co(&c->mutex, &c->other);
    c->done = true;
    if (c->locked)
        co_mutex_unlock(&c->mutex);
}

static void hold_until_woken(void *data)
{
    struct unless_case *c = data;
    co_mutex_lock_co(&c->mutex);
    co_suspend_co();
    co_mutex_unlock(&c->mutex);
    if (c->both)
        co_queue_wake_all(&c->other);
}

static void check_unless(bool unlock, bool wake, bool locked)
{
    struct unless_case c = {.both = unlock && wake};
    struct co *holder = co_start(hold_until_woken, &c);
    co_start(lock_unless, &c);
    g_assert_false(c.done);
    if (unlock)
        co_wake(holder, 0);
    else
        co_queue_wake_all(&c.other);
    while (!c.done)
        g_main_context_iteration(NULL, TRUE);
    if (!unlock)
        co_wake(holder, 0);
    turn_until_nobody_lives();
    g_assert_true(c.locked == locked);
    g_assert_null(c.mutex.owner);
    g_assert_true(co_queue_is_empty(&c.mutex.waiters));
    g_assert_true(co_queue_is_empty(&c.other));
}

static void test_mutex_is_given_up_for_another_wake(void)
{
    check_unless(true, false, true);
    check_unless(false, true, false);
    check_unless(true, true, true);
}

/* ---- sleeping ---- */

struct nap {
    int64_t time_us;
    int result;
    int64_t earliest_us, latest_us; /* bounds of its deadline */
    unsigned woken;                 /* its place in the order */
};

static unsigned naps_over;

static void nap(void *data)
{
    struct nap *n = data;
    n->earliest_us = g_get_monotonic_time() + n->time_us;
    n->result = co_sleep_co(n->time_us);
    if (!n->result)
        g_assert_cmpint(g_get_monotonic_time(), >=, n->earliest_us);
    n->woken = naps_over++;
}

static void test_sleepers_wake_by_deadline(void)
{
    struct nap naps[] = {{9000}, {1000}, {5000}, {1000}, {7000}};
    for (unsigned i = 0; i < G_N_ELEMENTS(naps); i++) {
        co_start(nap, &naps[i]);
        naps[i].latest_us = g_get_monotonic_time() + naps[i].time_us;
    }
    turn_until_nobody_lives();
    for (unsigned i = 0; i < G_N_ELEMENTS(naps); i++) {
        for (unsigned j = 0; j < G_N_ELEMENTS(naps); j++)
            g_assert_true(naps[i].woken >= naps[j].woken || naps[i].earliest_us <= naps[j].latest_us);
    }
}

static void test_sleeping_for_no_time_yields(void)
{
    struct nap n = {0};
    g_assert_nonnull(co_start(nap, &n));
    turn_until_nobody_lives();
    g_assert_cmpint(n.result, ==, 0);
}

static void test_sleep_is_cancellable(void)
{
    struct nap n = {G_MAXINT64 / 2};
    struct co *co = co_start(nap, &n);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    co_cancel(co);
    turn_until_nobody_lives();
    g_assert_cmpint(n.result, ==, -ECANCELED);
}

/* ---- many ---- */

enum { MANY = CO_TSAN ? 4000 : 40000 }; /* ThreadSanitizer knows 8128 fibers at most */

static void fill_stack(void *data)
{
    char mark[2000];
    memset(mark, GPOINTER_TO_INT(data), sizeof mark);
    co_suspend_co();
    for (unsigned i = 0; i < sizeof mark; i++)
        g_assert_cmpint(mark[i], ==, (char)GPOINTER_TO_INT(data));
}

static void test_many_live_at_once(void)
{
    g_autofree struct co **cos = g_new(struct co *, MANY);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++)
            cos[i] = co_start(fill_stack, GINT_TO_POINTER(i % 100));
        g_assert_cmpuint(co_live(), ==, MANY);
        for (int i = 0; i < MANY; i++)
            co_wake(cos[i], 0);
        turn_until_nobody_lives();
    }
}

enum { FRAME = 4096, BEYOND = CO_STACK_SIZE + (32 << 10) };

static int recurse(int depth)
{
    volatile char frame[FRAME];
    frame[0] = depth;
    return depth > 0 ? recurse(depth - 1) + frame[0] : 0;
}

static void overflow(void *data)
{
    g_print("%d", recurse(BEYOND / FRAME));
}

/* Not so far that it would leave the slab: without a guard it ends well, having written over the stack below. */
static void test_guard_page_stops_an_overflow(void)
{
    if (g_test_subprocess()) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        co_start(fill_stack, NULL);
        co_start(overflow, NULL);
        _exit(0);
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
}

static void wait_in(void *data)
{
    co_queue_wait_uncancellable_co(data);
}

/* Where the address space ends, one is told so before a start, and everything that runs goes on. */
static void test_no_memory_is_told_before_a_start(void)
{
    if (g_test_subprocess()) {
        struct co_queue queue = {0};
        struct rlimit no_more = {128 << 20, 128 << 20};
        g_assert_true(co_affordable());
        setrlimit(RLIMIT_AS, &no_more);
        while (co_affordable())
            co_start(wait_in, &queue);
        g_assert_cmpuint(co_live(), >, 0);
        co_queue_wake_all(&queue);
        while (co_live())
            g_main_context_iteration(NULL, TRUE);
        g_assert_true(co_affordable());
        return;
    }
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    g_test_skip("a sanitizer's own memory is beyond any limit");
#else
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
#endif
}

static void nothing(void *data)
{
}

static void test_start_is_cheap(void)
{
    if (!g_test_perf()) {
        g_test_skip("measures only with -m perf");
        return;
    }
    enum { ROUNDS = 10000000 };
    g_test_timer_start();
    for (int i = 0; i < ROUNDS; i++)
        co_start(nothing, NULL);
    double each_ns = g_test_timer_elapsed() / ROUNDS * 1e9;
    g_test_minimized_result(each_ns, "start to end: %.1f ns", each_ns);
}

/* Each test starts with a clean runtime and must leave nothing alive. */
static void run(const void *test)
{
    co_init();
    story = g_string_new(NULL);
    ((void (*)(void))test)();
    g_assert_cmpuint(co_live(), ==, 0);
    g_string_free(story, TRUE);
    co_done();
}

static void keep_local(void *data)
{
    g_assert_null(*co_local());
    *co_local() = data;
    co_yield_co();
    g_assert_true(*co_local() == data);
}

static void test_local_is_each_ones_own(void)
{
    int one, two;
    co_start(keep_local, &one);
    co_start(keep_local, &two);
    while (co_live())
        g_main_context_iteration(NULL, TRUE);
    /* Nothing of it is left for the next one on the same stack. */
    co_start(keep_local, &one);
    while (co_live())
        g_main_context_iteration(NULL, TRUE);
}

static void add(const char *path, void (*test)(void))
{
    g_test_add_data_func(path, test, run);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/co/start-runs-until-the-end", test_start_runs_until_the_end);
    add("/co/wake-does-not-run-inside-the-call", test_wake_does_not_run_inside_the_call);
    add("/co/nested-start-returns-when-the-inner-suspends", test_nested_start_returns_when_the_inner_suspends);
    add("/co/wake-before-suspending-is-not-lost", test_wake_before_suspending_is_not_lost);
    add("/co/cancel-is-sticky-and-leaves-plain-waits-alone", test_cancel_is_sticky_and_leaves_plain_waits_alone);
    add("/co/wake-beats-a-cancellation-not-yet-seen", test_wake_beats_a_cancellation_not_yet_seen);
    add("/co/pooled-coroutine-is-not-born-cancelled", test_pooled_coroutine_is_not_born_cancelled);
    add("/co/other-sources-run-beside-yielding-coroutines", test_other_sources_run_beside_yielding_coroutines);
    add("/co/every-yield-lets-other-sources-go-first", test_every_yield_lets_other_sources_go_first);
    add("/co/other-sources-run-beside-a-ping-pong", test_other_sources_run_beside_a_ping_pong);
    add("/co/relax-gives-way-in-time", test_relax_gives_way_in_time);
    add("/co/nothing-to-do-makes-no-turn", test_nothing_to_do_makes_no_turn);
    add("/co/queue-wakes-in-order", test_queue_wakes_in_order);
    add("/co/cancelled-waiter-leaves-the-queue", test_cancelled_waiter_leaves_the_queue);
    add("/co/a-wake-is-not-lost-with-a-cancelled-waiter", test_a_wake_is_not_lost_with_a_cancelled_waiter);
    add("/co/mutex-is-exclusive-and-fair", test_mutex_is_exclusive_and_fair);
    add("/co/mutex-is-given-up-for-another-wake", test_mutex_is_given_up_for_another_wake);
    add("/co/sleepers-wake-by-deadline", test_sleepers_wake_by_deadline);
    add("/co/sleeping-for-no-time-yields", test_sleeping_for_no_time_yields);
    add("/co/sleep-is-cancellable", test_sleep_is_cancellable);
    add("/co/local-is-each-ones-own", test_local_is_each_ones_own);
    add("/co/many-live-at-once", test_many_live_at_once);
    add("/co/no-memory-is-told-before-a-start", test_no_memory_is_told_before_a_start);
    add("/co/guard-page-stops-an-overflow", test_guard_page_stops_an_overflow);
    add("/co/start-is-cheap", test_start_is_cheap);
    return g_test_run();
}
