/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The image of the command line opens before the screen, or behind it. */
#include "ui/opening.h"

#include <errno.h>
#include <string.h>

#include "engine/sink.h"
#include "io/aio.h"
#include "io/co.h"

static struct co_queue disk;

static int open_slowly_co(void *data, struct session *session, struct sink *sink)
{
    sink_printf(sink, SINK_ERR, "before\n");
    co_queue_wait_uncancellable_co(&disk);
    sink_printf(sink, SINK_ERR, "after\n");
    return 0;
}

static int open_nothing_co(void *data, struct session *session, struct sink *sink)
{
    sink_printf(sink, SINK_ERR, "no such image\n");
    return -ENOENT;
}

static struct session *new_session(struct aio *aio)
{
    struct session_config config = {.prog = "blkscope", .aio = aio};
    return session_new(&config);
}

static void test_slow_open_does_not_wait(struct aio *aio)
{
    struct session *session = new_session(aio);
    struct app_open open = {.line = "open slow", .task = open_slowly_co};
    struct sink *sink = sink_new_buffer();
    int64_t since_us;
    g_assert_true(opening_start(session, &open));
    g_assert_cmpstr(session_busy_line(session, &since_us), ==, "open slow");
    opening_forward(sink);
    g_assert_cmpstr(sink_buffer_text(sink), ==, "before\n");
    co_queue_wake_one(&disk);
    while (session_is_busy(session))
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpstr(sink_buffer_text(sink), ==, "before\nafter\n");
    opening_forward(sink_null());
    session_free(session);
    sink_free(sink);
}

static void test_failure_is_told_at_once(struct aio *aio)
{
    struct session *session = new_session(aio);
    struct app_open open = {.line = "open nothing", .task = open_nothing_co};
    struct sink *sink = sink_new_buffer();
    g_assert_false(opening_start(session, &open));
    opening_forward(sink);
    g_assert_cmpstr(sink_buffer_text(sink), ==, "no such image\n");
    g_assert_cmpint(session_exit_status(session), ==, 1);
    opening_forward(sink_null());
    session_free(session);
    sink_free(sink);
}

static void run(gconstpointer test)
{
    if (g_test_subprocess()) {
        co_init();
        struct aio *aio = aio_new("threads", NULL);
        ((void (*)(struct aio *))test)(aio);
        aio_free(aio);
        co_done();
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0); /* opening is once in a process */
    g_test_trap_assert_passed();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/opening/slow-open-does-not-wait", test_slow_open_does_not_wait, run);
    g_test_add_data_func("/opening/failure-is-told-at-once", test_failure_is_told_at_once, run);
    return g_test_run();
}
