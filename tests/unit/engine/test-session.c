/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines, their order and their end, on null images; what hangs does so at a breakpoint or in the manual back end. */
#include "engine/session.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/batch.h"
#include "io/aio.h"
#include "io/co.h"

struct fixture {
    struct aio *aio;
    struct session *session;
    struct sink *sink;
    GString *ended; /* names of the lines that are done, in order */
};

static void set_up_with(struct fixture *fixture, const char *aio, struct session_config config)
{
    fixture->aio = aio_new(aio, NULL);
    g_assert_nonnull(fixture->aio);
    config.aio = fixture->aio;
    config.prog = config.drop_in ? "qemu-io" : "blkscope";
    fixture->session = session_new(&config);
    fixture->sink = sink_new_buffer();
    fixture->ended = g_string_new(NULL);
}

static void set_up(struct fixture *fixture, const void *data)
{
    set_up_with(fixture, "threads", (struct session_config){.writable = true});
}

static void tear_down(struct fixture *fixture, const void *data)
{
    session_free(fixture->session);
    sink_free(fixture->sink);
    aio_free(fixture->aio);
    g_string_free(fixture->ended, TRUE);
    g_assert_cmpuint(co_live(), ==, 0);
}

static int run(struct fixture *fixture, const char *line)
{
    return batch_run_line(fixture->session, line, fixture->sink);
}

static void open_null(struct fixture *fixture)
{
    g_assert_cmpint(run(fixture, "open -o driver=null-co,size=1M,read-zeroes=on"), ==, 0);
}

/* blkdebug over a file of ours; the file is gone when this returns, but for the descriptor. */
static void open_blkdebug(struct fixture *fixture)
{
    g_autofree char *dir = g_dir_make_tmp("blkscope-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "disk.img", NULL);
    g_autofree char *zeroes = g_malloc0(1 << 20);
    g_assert_true(g_file_set_contents(path, zeroes, 1 << 20, NULL));
    g_autofree char *line = g_strdup_printf("open -o driver=raw blkdebug::%s", path);
    g_assert_cmpint(run(fixture, line), ==, 0);
    g_unlink(path);
    g_rmdir(dir);
}

static const char *text(struct fixture *fixture)
{
    return sink_buffer_text(fixture->sink);
}

struct ticket {
    struct fixture *fixture;
    const char *name;
    int ret;
    bool done;
};

static void on_done(void *data, int ret)
{
    struct ticket *ticket = data;
    g_assert_false(ticket->done);
    ticket->done = true;
    ticket->ret = ret;
    g_string_append(ticket->fixture->ended, ticket->name);
}

static void start(struct fixture *fixture, struct ticket *ticket, const char *name, const char *line, unsigned flags)
{
    *ticket = (struct ticket){.fixture = fixture, .name = name};
    session_run(fixture->session, line, fixture->sink, flags, on_done, ticket);
}

static void wait_for(struct ticket *ticket)
{
    while (!ticket->done)
        g_main_context_iteration(NULL, TRUE);
}

/* ---- order ---- */

static void lines_run_one_after_the_other(struct fixture *fixture, const void *data)
{
    struct ticket a, b, c;
    start(fixture, &a, "a", "sleep 5", 0);
    start(fixture, &b, "b", "sleep 1", 0);
    start(fixture, &c, "c", "help help", 0);
    g_assert_false(a.done || b.done || c.done);
    g_assert_cmpstr(text(fixture), ==, "");
    wait_for(&c);
    g_assert_cmpstr(fixture->ended->str, ==, "abc");
}

static void a_line_may_run_beside(struct fixture *fixture, const void *data)
{
    struct ticket slow, beside;
    start(fixture, &slow, "s", "sleep 60000", 0);
    start(fixture, &beside, "b", "help help", SESSION_RUN_NOW);
    g_assert_true(beside.done);
    g_assert_false(slow.done);
    session_cancel(fixture->session);
    wait_for(&slow);
}

/* Filling, comparing and freeing 256 MiB takes a long time for a screen: others have their turn in between. */
static void a_large_request_lets_others_go_on(struct fixture *fixture, const void *data)
{
    struct ticket ticket;
    int turns = 0;
    session_keep_buffers(fixture->session, true);
    g_assert_cmpint(run(fixture, "open -o driver=null-co,size=256M,read-zeroes=off"), ==, 0);
    start(fixture, &ticket, "r", "read -q -P 0xab 0 256M", 0);
    for (; !ticket.done; turns++)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpint(ticket.ret, ==, 0);
    g_assert_cmpint(turns, >, 40); /* each is about a millisecond; with pauses only where memory is freed there are a dozen */
    start(fixture, &ticket, "c", "read -q -P 0xab 0 256M", 0);
    g_assert_false(ticket.done);
    session_cancel(fixture->session);
    wait_for(&ticket);
    g_assert_cmpint(ticket.ret, ==, -ECANCELED);
}

static void many_lines_may_wait(struct fixture *fixture, const void *data)
{
    enum { N = 20000 };
    struct ticket first, last;
    g_autofree struct ticket *tickets = g_new(struct ticket, N);
    start(fixture, &first, "", "sleep 1", 0);
    for (int i = 0; i < N; i++)
        start(fixture, &tickets[i], "", "sleep 0", 0);
    start(fixture, &last, "z", "sleep 0", 0);
    wait_for(&last);
    for (int i = 0; i < N; i++)
        g_assert_true(tickets[i].done);
    g_assert_cmpuint(session_outstanding(fixture->session), ==, 0);
}

static void again(void *data, int ret)
{
    struct fixture *fixture = data;
    if (fixture->ended->len < 10000) {
        g_string_append_c(fixture->ended, '.');
        session_run(fixture->session, "aio_flush; help help", fixture->sink, 0, again, fixture);
    }
}

static void a_line_may_be_given_when_one_ends(struct fixture *fixture, const void *data)
{
    session_run(fixture->session, "", fixture->sink, 0, again, fixture);
    g_assert_cmpuint(fixture->ended->len, ==, 10000);
}

static void one_line_may_hold_several_commands(struct fixture *fixture, const void *data)
{
    g_assert_cmpint(run(fixture, "open -o driver=null-co,size=1M; length; length # twice"), ==, 0);
    g_assert_cmpstr(text(fixture), ==, "1 MiB\n1 MiB\n");
}

static void a_failed_command_does_not_end_its_line(struct fixture *fixture, const void *data)
{
    open_null(fixture);
    g_assert_cmpint(run(fixture, "nonsense; length"), <, 0);
    g_assert_nonnull(strstr(text(fixture), "1 MiB\n"));
}

static void unless_it_is_to_stop_on_errors(void)
{
    struct fixture fixture;
    set_up_with(&fixture, "threads", (struct session_config){.stop_on_error = true});
    open_null(&fixture);
    g_assert_cmpint(run(&fixture, "nonsense; length"), <, 0);
    g_assert_null(strstr(text(&fixture), "1 MiB\n"));
    tear_down(&fixture, NULL);
}

static void quit_ends_its_line(struct fixture *fixture, const void *data)
{
    open_null(fixture);
    g_assert_cmpint(run(fixture, "quit; length"), ==, 0);
    g_assert_true(session_wants_quit(fixture->session));
    g_assert_cmpstr(text(fixture), ==, "");
}

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

/* ---- state ---- */

static void failures_make_the_exit_status(struct fixture *fixture, const void *data)
{
    g_assert_cmpint(session_exit_status(fixture->session), ==, 0);
    g_assert_cmpint(run(fixture, "length"), <, 0);
    g_assert_cmpint(run(fixture, "help"), ==, 0);
    g_assert_cmpint(session_exit_status(fixture->session), ==, 1);
}

static void the_old_dialect_forgives(void)
{
    struct fixture fixture;
    set_up_with(&fixture, "threads", (struct session_config){.dialect = SESSION_DIALECT_2_4});
    g_assert_cmpint(run(&fixture, "length"), <, 0);
    g_assert_cmpint(session_exit_status(fixture.session), ==, 0);
    tear_down(&fixture, NULL);
}

static void a_read_only_image_is_not_written(void)
{
    struct fixture fixture;
    set_up_with(&fixture, "threads", (struct session_config){.writable = false});
    open_null(&fixture);
    g_assert_cmpint(run(&fixture, "write 0 512"), <, 0);
    g_assert_cmpstr(text(&fixture), ==, "blkscope: Block node is read-only\n  'reopen -w' opens it for writing\n");
    tear_down(&fixture, NULL);
}

static void the_busy_line_is_the_one_that_runs(struct fixture *fixture, const void *data)
{
    struct ticket sleep;
    int64_t since;
    g_assert_null(session_busy_line(fixture->session, &since));
    start(fixture, &sleep, "s", "sleep 60000", 0);
    g_assert_cmpstr(session_busy_line(fixture->session, &since), ==, "sleep 60000");
    session_cancel(fixture->session);
    wait_for(&sleep);
    g_assert_false(session_is_busy(fixture->session));
}

static void a_session_may_end_while_a_line_runs(struct fixture *fixture, const void *data)
{
    static struct ticket sleep, waiting;
    open_null(fixture);
    start(fixture, &sleep, "s", "sleep 60000", 0);
    start(fixture, &waiting, "w", "sleep 60000", 0);
}

static int open_all_the_same_co(void *data, struct session *session, struct sink *sink)
{
    g_autoptr(options) options = options_new();
    options_set(options, "driver", "null-co");
    struct blk_open how = {.options = options};
    g_assert_cmpint(co_sleep_co(INT64_MAX / 2), ==, -ECANCELED);
    return session_open_co(session, &how, sink);
}

/* What the kernel does can't be cancelled. */
static void what_was_opened_at_the_end_is_closed(struct fixture *fixture, const void *data)
{
    session_run_task(fixture->session, "open", open_all_the_same_co, NULL, fixture->sink, NULL, NULL);
    session_end(fixture->session);
    g_assert_null(session_blk(fixture->session));
}

/* Commands that also work without an image: they don't take it away from others. */
static void the_image_stays_while_it_is_used(struct fixture *fixture, const void *data)
{
    struct ticket waiting, other, request;
    open_blkdebug(fixture);
    struct blk *blk = session_blk(fixture->session);
    start(fixture, &waiting, "w", "wait_break A", SESSION_RUN_NOW);
    start(fixture, &other, "o", "read-as raw", 0);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_false(other.done);
    session_cancel(fixture->session);
    wait_for(&other);
    g_assert_cmpint(other.ret, ==, -ECANCELED);
    g_assert_true(session_blk(fixture->session) == blk);
    g_assert_cmpint(run(fixture, "break read_aio A"), ==, 0);
    start(fixture, &request, "r", "aio_read 0 512", 0);
    wait_for(&waiting);
    g_assert_cmpint(waiting.ret, ==, 0);
    g_assert_cmpint(run(fixture, "resume A; aio_flush"), ==, 0);
}

static gboolean feed_pipe(void *data)
{
    int fd = open(data, O_WRONLY | O_NONBLOCK);
    if (fd < 0) /* nobody reads yet */
        return G_SOURCE_CONTINUE;
    g_assert_cmpint(write(fd, "\x11\x22", 2), ==, 2);
    close(fd);
    return G_SOURCE_REMOVE;
}

/* Bytes from a pipe come when somebody writes to it; nobody has to. */
static void a_pipe_is_waited_for(struct fixture *fixture, const void *data)
{
    g_autofree char *dir = g_dir_make_tmp("blkscope-XXXXXX", NULL), *path = g_build_filename(dir, "pipe", NULL);
    g_autofree char *line = g_strdup_printf("write -q -s %s 0 4", path);
    struct ticket fed, never;
    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    open_blkdebug(fixture);
    g_timeout_add(1, feed_pipe, path);
    start(fixture, &fed, "f", line, 0);
    wait_for(&fed);
    g_assert_cmpint(fed.ret, ==, 0);
    g_assert_cmpint(run(fixture, "read -P 0x11 0 1; read -P 0x22 1 1; read -P 0x11 2 1"), ==, 0);
    start(fixture, &never, "n", line, 0);
    session_cancel(fixture->session);
    wait_for(&never);
    g_assert_cmpint(never.ret, ==, -ECANCELED);
    session_end(fixture->session); /* it has an end, though nobody ever writes */
    g_unlink(path);
    g_rmdir(dir);
}

static void a_file_without_a_name_is_opened_again(struct fixture *fixture, const void *data)
{
    open_blkdebug(fixture);
    g_assert_cmpint(run(fixture, "read-as qcow2"), <, 0);
    g_assert_nonnull(session_blk(fixture->session));
    g_assert_null(strstr(text(fixture), "the image is closed"));
    g_assert_cmpint(run(fixture, "read -P 0 0 1m"), ==, 0);
}

/* The rules of its blkdebug are a file, too, which is read anew. */
static void it_is_told_when_nothing_is_open_any_more(struct fixture *fixture, const void *data)
{
    g_autofree char *dir = g_dir_make_tmp("blkscope-XXXXXX", NULL), *path = g_build_filename(dir, "disk.img", NULL);
    g_autofree char *rules = g_build_filename(dir, "rules", NULL), *line = g_strdup_printf("open -o driver=raw blkdebug:%s:%s", rules, path);
    g_assert_true(g_file_set_contents(path, "", 0, NULL) && g_file_set_contents(rules, "", 0, NULL));
    g_assert_cmpint(run(fixture, line), ==, 0);
    g_unlink(rules);
    g_assert_cmpint(run(fixture, "read-as qcow2"), <, 0);
    g_unlink(path);
    g_rmdir(dir);
    g_assert_null(session_blk(fixture->session));
    g_assert_nonnull(strstr(text(fixture), "blkscope: the image is closed: it can't be opened again as it was ("));
}

/* ---- observers ---- */

struct seen {
    int image, buffer, changed, busy, request;
};

static void saw_image(void *data)
{
    ((struct seen *)data)->image++;
}
static void saw_buffer(void *data)
{
    ((struct seen *)data)->buffer++;
}
static void saw_busy(void *data)
{
    ((struct seen *)data)->busy++;
}
static void saw_changed(void *data, int64_t offset, int64_t bytes)
{
    ((struct seen *)data)->changed++;
    /* and what shares blocks with it */
    g_assert_cmpint(offset, <=, 512);
    g_assert_cmpint(offset + bytes, >=, 512 + 1024);
}
static void saw_request(void *data, const struct blk_request *request)
{
    ((struct seen *)data)->request++;
    g_assert_nonnull(request->issuer);
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

static const struct session_observer everything = {saw_image, saw_buffer, saw_request, saw_changed, saw_busy};
static const struct session_observer nothing = {0};

static void observers_see_what_happens(struct fixture *fixture, const void *data)
{
    struct seen seen = {0};
    session_add_observer(fixture->session, &nothing, NULL);
    session_add_observer(fixture->session, &everything, &seen);
    open_null(fixture);
    g_assert_cmpint(seen.image, ==, 1);
    g_assert_cmpint(seen.busy, ==, 2);
    g_assert_cmpint(run(fixture, "write -q 512 1024"), ==, 0);
    g_assert_cmpint(seen.changed, ==, 1);
    g_assert_cmpint(seen.request, >=, 2);
    g_assert_cmpint(seen.buffer, ==, 0);
    g_assert_cmpint(run(fixture, "close"), ==, 0);
    g_assert_cmpint(seen.image, ==, 2);
    session_remove_observer(fixture->session, &everything, &seen);
    open_null(fixture);
    g_assert_cmpint(seen.image, ==, 2);
    session_remove_observer(fixture->session, &nothing, NULL);
}

static void the_last_buffer_is_kept_on_demand(struct fixture *fixture, const void *data)
{
    struct seen seen = {0};
    static const struct session_observer observer = {.buffer = saw_buffer};
    open_null(fixture);
    g_assert_cmpint(run(fixture, "write -q -P 7 4096 512"), ==, 0);
    g_assert_null(session_last_buffer(fixture->session)->bytes);
    session_keep_buffers(fixture->session, true);
    session_add_observer(fixture->session, &observer, &seen);
    g_assert_cmpint(run(fixture, "write -q -P 7 4096 512"), ==, 0);
    const struct session_buffer *last = session_last_buffer(fixture->session);
    g_assert_cmpint(seen.buffer, ==, 1);
    g_assert_cmpint(last->offset, ==, 4096);
    g_assert_cmpint(last->length, ==, 512);
    g_assert_cmpint(last->op, ==, BLK_OP_WRITE);
    gsize size;
    const uint8_t *bytes = g_bytes_get_data(last->bytes, &size);
    g_assert_cmpuint(size, ==, 512);
    g_assert_cmpuint(bytes[511], ==, 7);
    GBytes *mine = g_bytes_ref(last->bytes);
    g_assert_cmpint(run(fixture, "read -q 0 512"), ==, 0);
    g_assert_cmpint(session_last_buffer(fixture->session)->op, ==, BLK_OP_READ);
    g_assert_cmpuint(bytes[511], ==, 7);
    g_bytes_unref(mine);
    g_assert_cmpint(run(fixture, "close"), ==, 0);
    g_assert_null(session_last_buffer(fixture->session)->bytes);
    session_remove_observer(fixture->session, &observer, &seen);
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

/* What lies behind the part that is kept goes through one small piece of memory, and must not get into that part. */
static void only_the_start_of_a_large_buffer_is_kept(struct fixture *fixture, const void *data)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("blkscope-XXXXXX", &path, NULL);
    g_assert_cmpint(ftruncate(fd, SESSION_BUFFER_MAX + (8 << 20)), ==, 0);
    g_assert_cmpint(pwrite(fd, "first", 5, 0), ==, 5);
    g_assert_cmpint(pwrite(fd, "last", 4, SESSION_BUFFER_MAX - 4), ==, 4);
    g_assert_cmpint(pwrite(fd, "behind", 6, SESSION_BUFFER_MAX), ==, 6);
    close(fd);
    g_autofree char *line = g_strdup_printf("open -t unsafe -o driver=raw %s", path);
    g_assert_cmpint(run(fixture, line), ==, 0);
    g_unlink(path);
    session_keep_buffers(fixture->session, true);
    for (int vector = 0; vector < 2; vector++) {
        g_assert_cmpint(run(fixture, vector ? "readv -q 0 72M" : "read -q 0 72M"), ==, 0);
        gsize size;
        const struct session_buffer *last = session_last_buffer(fixture->session);
        const char *bytes = g_bytes_get_data(last->bytes, &size);
        g_assert_cmpint(last->length, ==, 72 << 20);
        g_assert_cmpuint(size, ==, SESSION_BUFFER_MAX);
        g_assert_cmpmem(bytes, 5, "first", 5);
        g_assert_cmpmem(bytes + size - 4, 4, "last", 4);
    }
    g_assert_cmpint(run(fixture, "write -q -P 0x5a 0 72M; read -q -P 0x5a 0 72M"), ==, 0);
}

/* ---- hostile input ---- */

static void a_line_of_a_mebibyte_is_a_line(struct fixture *fixture, const void *data)
{
    g_autofree char *long_word = g_strnfill(1 << 20, 'x');
    g_assert_cmpint(run(fixture, long_word), <, 0);
    GString *many = g_string_new("readv -q 0");
    for (int i = 0; i < 1 << 18; i++)
        g_string_append(many, " 0 0");
    open_null(fixture);
    run(fixture, many->str);
    g_string_free(many, TRUE);
    g_assert_cmpint(run(fixture, "length"), ==, 0);
}

static void rubbish_is_refused(struct fixture *fixture, const void *data)
{
    GRand *rand = g_rand_new_with_seed(1);
    open_null(fixture);
    for (int i = 0; i < 2000; i++) {
        char line[64];
        int n = g_rand_int_range(rand, 0, sizeof(line));
        for (int j = 0; j < n; j++)
            line[j] = g_rand_int_range(rand, 1, 256);
        line[n] = '\0';
        run(fixture, line);
    }
    g_rand_free(rand);
    g_assert_cmpint(run(fixture, "help help"), ==, 0);
}

static void names_are_shown_escaped(struct fixture *fixture, const void *data)
{
    open_null(fixture);
    g_assert_cmpint(run(fixture, "compare '/no/such\033[31m'"), <, 0);
    g_assert_nonnull(strstr(text(fixture), "/no/such"));
    g_assert_null(strchr(text(fixture), '\033'));
}

/* ---- lines from a descriptor ---- */

static void feed(struct fixture *fixture, const char *input, size_t len, const char *expected)
{
    int fds[2];
    g_assert_cmpint(pipe(fds), ==, 0);
    g_assert_cmpint(write(fds[1], input, len), ==, len);
    close(fds[1]);
    g_assert_cmpint(batch_run_fd(fixture->session, fds[0], "> ", fixture->sink), ==, 0);
    close(fds[0]);
    g_assert_cmpstr(text(fixture), ==, expected);
}

static void lines_of_a_descriptor_are_prompted(struct fixture *fixture, const void *data)
{
    open_null(fixture);
    feed(fixture, "length\n\nlength\n", 15, "> 1 MiB\n> > 1 MiB\n> ");
}

static void the_last_line_needs_no_newline(struct fixture *fixture, const void *data)
{
    open_null(fixture);
    feed(fixture, "length", 6, "> 1 MiB\n> ");
}

static void a_nul_byte_ends_a_line_early(struct fixture *fixture, const void *data)
{
    open_null(fixture);
    feed(fixture, "length\0 x\nlength\n", 17, "> 1 MiB\n> 1 MiB\n> ");
}

static void nothing_follows_quit(struct fixture *fixture, const void *data)
{
    open_null(fixture);
    feed(fixture, "quit\nlength\n", 12, "> ");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    co_init();
#define ADD(path, fn) g_test_add("/session/" path, struct fixture, NULL, set_up, fn, tear_down)
    ADD("order/foreground", lines_run_one_after_the_other);
    ADD("order/beside", a_line_may_run_beside);
    ADD("order/many", many_lines_may_wait);
    ADD("order/large", a_large_request_lets_others_go_on);
    ADD("order/from-done", a_line_may_be_given_when_one_ends);
    ADD("order/several", one_line_may_hold_several_commands);
    ADD("order/failure", a_failed_command_does_not_end_its_line);
    g_test_add_func("/session/order/stop-on-error", unless_it_is_to_stop_on_errors);
    ADD("order/quit", quit_ends_its_line);
    ADD("cancel/sleep", a_cancelled_sleep_ends_at_once);
    ADD("cancel/nothing", cancelling_nothing_is_nothing);
    ADD("cancel/wait-break", wait_break_can_be_cancelled);
    ADD("cancel/aio-flush", aio_flush_can_be_cancelled);
    ADD("cancel/breakpoint", a_request_at_a_breakpoint_can_be_cancelled);
    g_test_add_func("/session/cancel/hangs", a_request_that_hangs_is_left_behind);
    g_test_add_func("/session/progress", a_large_request_tells_how_far_it_is);
    ADD("aio/reports", an_aio_request_reports_when_it_completes);
    ADD("aio/failures", aio_failures_do_not_count);
    ADD("aio/close", closing_resumes_what_is_suspended);
    ADD("state/exit-status", failures_make_the_exit_status);
    g_test_add_func("/session/state/old-dialect", the_old_dialect_forgives);
    g_test_add_func("/session/state/read-only", a_read_only_image_is_not_written);
    ADD("state/busy-line", the_busy_line_is_the_one_that_runs);
    ADD("cancel/before-it-begins", a_line_can_be_cancelled_before_it_begins);
    ADD("state/end", a_session_may_end_while_a_line_runs);
    ADD("state/end-of-opening", what_was_opened_at_the_end_is_closed);
    ADD("state/in-use", the_image_stays_while_it_is_used);
    ADD("state/pipe", a_pipe_is_waited_for);
    ADD("state/no-name-any-more", a_file_without_a_name_is_opened_again);
    ADD("state/not-open-any-more", it_is_told_when_nothing_is_open_any_more);
    ADD("observers/all", observers_see_what_happens);
    ADD("observers/buffer", the_last_buffer_is_kept_on_demand);
    ADD("aio/closing", closing_passes_every_breakpoint);
    ADD("observers/large-buffer", only_the_start_of_a_large_buffer_is_kept);
    ADD("hostile/long", a_line_of_a_mebibyte_is_a_line);
    ADD("hostile/rubbish", rubbish_is_refused);
    ADD("hostile/names", names_are_shown_escaped);
    ADD("descriptor/prompt", lines_of_a_descriptor_are_prompted);
    ADD("descriptor/no-newline", the_last_line_needs_no_newline);
    ADD("descriptor/nul", a_nul_byte_ends_a_line_early);
    ADD("descriptor/quit", nothing_follows_quit);
    int status = g_test_run();
    co_done();
    return status;
}
