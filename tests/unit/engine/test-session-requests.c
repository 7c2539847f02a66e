/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What takes long: how it is ended, how far it is, and what goes on beside it; what hangs does so at a breakpoint or in the manual back end. */
#include <errno.h>
#include <string.h>

#include "session-fixture.h"

/* ---- cancelling ---- */

static void a_cancelled_sleep_ends_at_once(struct fixture *fixture, const void *data)
{
    struct ticket sleep, next;
    start(fixture, &sleep, "s", "sleep 60000; help help", 0);
    start(fixture, &next, "n", "sleep 0", 0);
    g_assert_true(session_is_busy(fixture->session));
    session_cancel(fixture->session);
    wait_for(&sleep);
    wait_for(&next);
    g_assert_cmpint(sleep.ret, ==, -ECANCELED);
    g_assert_cmpint(next.ret, ==, 0);
    g_assert_cmpstr(text(fixture), ==, "blkscope: cancelled: sleep 60000; help help\n");
}

static void cancelling_nothing_is_nothing(struct fixture *fixture, const void *data)
{
    session_cancel(fixture->session);
    g_assert_cmpint(run(fixture, "sleep 0"), ==, 0);
    g_assert_cmpstr(text(fixture), ==, "");
}

static void wait_break_can_be_cancelled(struct fixture *fixture, const void *data)
{
    struct ticket wait;
    open_blkdebug(fixture);
    start(fixture, &wait, "w", "wait_break A", 0);
    g_assert_false(wait.done);
    session_cancel(fixture->session);
    wait_for(&wait);
    g_assert_cmpint(wait.ret, ==, -ECANCELED);
}

static void aio_flush_can_be_cancelled(struct fixture *fixture, const void *data)
{
    struct ticket flush;
    open_blkdebug(fixture);
    g_assert_cmpint(run(fixture, "break read_aio A; aio_read -q 0 512; wait_break A"), ==, 0);
    start(fixture, &flush, "f", "aio_flush", 0);
    g_assert_false(flush.done);
    session_cancel(fixture->session);
    wait_for(&flush);
    g_assert_cmpint(flush.ret, ==, -ECANCELED);
    g_assert_cmpint(run(fixture, "resume A; aio_flush"), ==, 0);
}

static void a_request_at_a_breakpoint_can_be_cancelled(struct fixture *fixture, const void *data)
{
    struct ticket read;
    open_blkdebug(fixture);
    g_assert_cmpint(run(fixture, "break read_aio A"), ==, 0);
    start(fixture, &read, "r", "read 0 512", 0);
    g_assert_false(read.done);
    session_cancel(fixture->session);
    wait_for(&read);
    g_assert_cmpint(read.ret, ==, -ECANCELED);
    g_assert_nonnull(strstr(text(fixture), "cancelled: read 0 512"));
    g_assert_cmpint(run(fixture, "read -q 0 512"), ==, 0);
}

/* Runs a line on the manual back end, whose requests are completed here one after the other. */
static int run_by_hand(struct fixture *fixture, const char *line)
{
    struct ticket ticket;
    start(fixture, &ticket, "", line, 0);
    while (!ticket.done) {
        if (aio_manual_count(fixture->aio))
            aio_manual_complete(fixture->aio, 0, 0);
        g_main_context_iteration(NULL, FALSE);
    }
    return ticket.ret;
}

static void a_request_that_hangs_is_left_behind(void)
{
    struct fixture fixture;
    struct ticket read;
    set_up_with(&fixture, "manual", (struct session_config){.writable = true});
    g_autofree char *path = g_strdup("/tmp/blkscope-XXXXXX");
    int fd = g_mkstemp(path);
    g_assert_cmpint(ftruncate(fd, 1 << 20), ==, 0);
    g_autofree char *line = g_strconcat("open -o driver=raw ", path, NULL);
    g_assert_cmpint(run_by_hand(&fixture, line), ==, 0);

    start(&fixture, &read, "r", "read -P 1 0 512", 0);
    g_assert_cmpuint(aio_manual_count(fixture.aio), ==, 1);
    session_cancel(fixture.session);
    wait_for(&read);
    g_assert_cmpint(read.ret, ==, -ECANCELED);
    g_assert_nonnull(strstr(text(&fixture), "cancelled: read -P 1 0 512 (a request of it can't be stopped"));

    /* The next line runs although the request is still there; what it brings is not shown. */
    g_assert_cmpint(batch_run_line(fixture.session, "help help", fixture.sink), ==, 0);
    g_assert_cmpuint(session_outstanding(fixture.session), ==, 1);
    aio_manual_complete(fixture.aio, 0, 0);
    while (session_outstanding(fixture.session))
        g_main_context_iteration(NULL, TRUE);
    g_assert_null(strstr(text(&fixture), "512/512"));
    g_assert_null(strstr(text(&fixture), "Pattern"));

    run_by_hand(&fixture, "close");
    tear_down(&fixture, NULL);
    close(fd);
    g_unlink(path);
}

/* ---- how far a command is ---- */

enum { LARGE = 32 << 20, FILE_PIECE = 4 << 20 }; /* as block/file.c has it */

/* Each piece that comes back counts, until the command is done; a short request says nothing. */
static void a_large_request_tells_how_far_it_is(void)
{
    struct fixture fixture;
    struct ticket ticket;
    struct session_progress progress;
    set_up_with(&fixture, "manual", (struct session_config){.writable = true});
    g_autofree char *path = g_strdup("/tmp/blkscope-XXXXXX");
    int fd = g_mkstemp(path);
    g_assert_cmpint(ftruncate(fd, LARGE), ==, 0);
    g_autofree char *line = g_strconcat("open -o driver=raw ", path, NULL);
    g_assert_cmpint(run_by_hand(&fixture, line), ==, 0);
    g_assert_false(session_progress(fixture.session, &progress));

    static const char *const lines[] = {"read -q 0 32M", "write -q 0 32M"};
    for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++) {
        start(&fixture, &ticket, "l", lines[i], 0);
        for (int64_t done = 0; done < LARGE; done += FILE_PIECE) {
            while (!aio_manual_count(fixture.aio))
                g_main_context_iteration(NULL, TRUE);
            g_assert_true(session_progress(fixture.session, &progress));
            g_assert_cmpint(progress.done, ==, done);
            g_assert_cmpint(progress.total, ==, LARGE);
            aio_manual_complete(fixture.aio, 0, 0);
        }
        while (!ticket.done) {
            g_main_context_iteration(NULL, TRUE);
            if (aio_manual_count(fixture.aio)) /* a flush */
                aio_manual_complete(fixture.aio, 0, 0);
        }
        g_assert_cmpint(ticket.ret, ==, 0);
        g_assert_false(session_progress(fixture.session, &progress));
    }
    start(&fixture, &ticket, "s", "read -q 0 64k", 0);
    g_assert_cmpuint(aio_manual_count(fixture.aio), ==, 1);
    g_assert_false(session_progress(fixture.session, &progress));
    aio_manual_complete(fixture.aio, 0, 0);
    wait_for(&ticket);

    run_by_hand(&fixture, "close");
    tear_down(&fixture, NULL);
    close(fd);
    g_unlink(path);
}

/* ---- asynchronous requests ---- */

static void an_aio_request_reports_when_it_completes(struct fixture *fixture, const void *data)
{
    open_blkdebug(fixture);
    g_assert_cmpint(run(fixture, "break read_aio A; aio_read 0 512; length"), ==, 0);
    g_assert_null(strstr(text(fixture), "read 512/512"));
    g_assert_cmpint(run(fixture, "wait_break A; resume A; aio_flush"), ==, 0);
    g_assert_nonnull(strstr(text(fixture), "read 512/512 bytes at offset 0\n"));
}

static void aio_failures_do_not_count(struct fixture *fixture, const void *data)
{
    open_null(fixture);
    g_assert_cmpint(run(fixture, "aio_read 2M 512; aio_write 2M 512; aio_flush"), ==, 0);
    g_assert_nonnull(strstr(text(fixture), "readv failed: the range ends at 2097664, beyond the image's 1048576 bytes\n"));
    g_assert_nonnull(strstr(text(fixture), "aio_write failed: the range ends at 2097664, beyond the image's 1048576 bytes\n"));
    g_assert_cmpint(session_exit_status(fixture->session), ==, 0);
}

static void closing_resumes_what_is_suspended(struct fixture *fixture, const void *data)
{
    open_blkdebug(fixture);
    g_assert_cmpint(run(fixture, "break read_aio A; aio_read 0 512; wait_break A; close"), ==, 0);
    g_assert_nonnull(strstr(text(fixture), "read 512/512 bytes at offset 0\n"));
    g_assert_null(session_blk(fixture->session));
}

/* Closing lets requests go on from one breakpoint past the next, and however many there are. */
static void closing_passes_every_breakpoint(struct fixture *fixture, const void *data)
{
    open_blkdebug(fixture);
    g_assert_cmpint(run(fixture, "break write_aio A; break pwritev_done B"), ==, 0);
    g_assert_cmpint(run(fixture, "aio_write -q 0 512"), ==, 0);
    for (int i = 0; i < 1000; i++) {
        g_autofree char *line = g_strdup_printf("break read_aio T%d; aio_read -q 0 512", i);
        g_assert_cmpint(run(fixture, line), ==, 0);
    }
    g_assert_cmpint(run(fixture, "close"), ==, 0);
    g_assert_cmpuint(session_outstanding(fixture->session), ==, 0);
}

static void cancel_it(void *data)
{
    session_cancel(data);
}

static const struct session_observer refusing = {.busy = cancel_it};

static void a_line_can_be_cancelled_before_it_begins(struct fixture *fixture, const void *data)
{
    open_null(fixture);
    session_add_observer(fixture->session, &refusing, fixture->session);
    g_assert_cmpint(run(fixture, "write 0 512"), ==, -ECANCELED);
    session_remove_observer(fixture->session, &refusing, fixture->session);
    g_assert_nonnull(strstr(text(fixture), "cancelled: write 0 512"));
    g_assert_null(strstr(text(fixture), "wrote"));
    g_assert_cmpint(run(fixture, "write -q 0 512"), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    SESSION_TEST("cancel/sleep", a_cancelled_sleep_ends_at_once);
    SESSION_TEST("cancel/nothing", cancelling_nothing_is_nothing);
    SESSION_TEST("cancel/wait-break", wait_break_can_be_cancelled);
    SESSION_TEST("cancel/aio-flush", aio_flush_can_be_cancelled);
    SESSION_TEST("cancel/breakpoint", a_request_at_a_breakpoint_can_be_cancelled);
    g_test_add_func("/session/cancel/hangs", a_request_that_hangs_is_left_behind);
    g_test_add_func("/session/progress", a_large_request_tells_how_far_it_is);
    SESSION_TEST("aio/reports", an_aio_request_reports_when_it_completes);
    SESSION_TEST("aio/failures", aio_failures_do_not_count);
    SESSION_TEST("aio/close", closing_resumes_what_is_suspended);
    SESSION_TEST("cancel/before-it-begins", a_line_can_be_cancelled_before_it_begins);
    SESSION_TEST("aio/closing", closing_passes_every_breakpoint);
    return run_session_tests();
}
