/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state of a session and of its image, and what observers see of them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "session-fixture.h"

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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    SESSION_TEST("state/exit-status", failures_make_the_exit_status);
    g_test_add_func("/session/state/old-dialect", the_old_dialect_forgives);
    g_test_add_func("/session/state/read-only", a_read_only_image_is_not_written);
    SESSION_TEST("state/busy-line", the_busy_line_is_the_one_that_runs);
    SESSION_TEST("state/end", a_session_may_end_while_a_line_runs);
    SESSION_TEST("state/end-of-opening", what_was_opened_at_the_end_is_closed);
    SESSION_TEST("state/in-use", the_image_stays_while_it_is_used);
    SESSION_TEST("state/pipe", a_pipe_is_waited_for);
    SESSION_TEST("state/no-name-any-more", a_file_without_a_name_is_opened_again);
    SESSION_TEST("state/not-open-any-more", it_is_told_when_nothing_is_open_any_more);
    SESSION_TEST("observers/all", observers_see_what_happens);
    SESSION_TEST("observers/buffer", the_last_buffer_is_kept_on_demand);
    SESSION_TEST("observers/large-buffer", only_the_start_of_a_large_buffer_is_kept);
    return run_session_tests();
}
