/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/batch.h"
#include "engine/session.h"
#include "io/aio.h"
#include "io/co.h"

struct fixture {
    struct aio *aio;
    struct session *session;
    struct sink *sink;
    char *folder, *path;
};

static void start(struct fixture *fixture, struct session_config config)
{
    fixture->aio = aio_new("threads", NULL);
    config.aio = fixture->aio;
    config.prog = "blkscope";
    fixture->session = session_new(&config);
    fixture->sink = sink_new_buffer();
    fixture->folder = g_dir_make_tmp("blkscope-XXXXXX", NULL);
    fixture->path = g_build_filename(fixture->folder, "file", NULL);
}

static void set_up(struct fixture *fixture, const void *data)
{
    start(fixture, *(const struct session_config *)data);
}

static void tear_down(struct fixture *fixture, const void *data)
{
    session_free(fixture->session);
    sink_free(fixture->sink);
    aio_free(fixture->aio);
    g_remove(fixture->path);
    g_assert_cmpint(g_rmdir(fixture->folder), ==, 0);
    g_free(fixture->folder);
    g_free(fixture->path);
    g_assert_cmpuint(co_live(), ==, 0);
}

static void write_text(struct fixture *fixture, const char *text)
{
    g_assert_true(g_file_set_contents(fixture->path, text, -1, NULL));
}

static int source(struct fixture *fixture, const char *after)
{
    g_autofree char *line = g_strdup_printf("source %s%s", fixture->path, after);
    return batch_run_line(fixture->session, line, fixture->sink);
}

/* The output, without the folder. */
static void assert_text(struct fixture *fixture, const char *expected)
{
    g_autofree char *folder = g_strconcat(fixture->folder, "/", NULL);
    g_auto(GStrv) parts = g_strsplit(sink_buffer_text(fixture->sink), folder, -1);
    g_autofree char *text = g_strjoinv("", parts);
    g_assert_cmpstr(text, ==, expected);
}

static const char image[] = "open -o driver=null-co,size=1M\n";

static void lines_run_in_order(struct fixture *fixture, const void *data)
{
    g_autofree char *text = g_strconcat(image, "# a comment\n\nlength; length", NULL);
    write_text(fixture, text);
    g_assert_cmpint(source(fixture, "; length"), ==, 0);
    assert_text(fixture, "1 MiB\n1 MiB\n1 MiB\n");
}

static void failures_tell_file_and_line(struct fixture *fixture, const void *data)
{
    write_text(fixture, "\nlength 'x\nopen -o driver=null-co,size=1M\nsleep x\nlength\n");
    g_assert_cmpint(source(fixture, ""), <, 0);
    assert_text(fixture, "blkscope: a quote is not closed: this command was not run\n"
                         "file:2: this command failed\n"
                         "x is not a valid number\n"
                         "file:4: this command failed\n"
                         "1 MiB\n");
    g_assert_cmpint(session_exit_status(fixture->session), ==, 1);
}

static void the_first_failure_stops_if_asked(struct fixture *fixture, const void *data)
{
    write_text(fixture, "sleep x\nopen -o driver=null-co,size=1M\nlength\n");
    g_assert_cmpint(source(fixture, "; help length"), <, 0);
    assert_text(fixture, "x is not a valid number\nfile:1: this command failed\n");
}

static void quit_ends_it(struct fixture *fixture, const void *data)
{
    write_text(fixture, "quit\nhelp length\n");
    g_assert_cmpint(source(fixture, "; help length"), ==, 0);
    assert_text(fixture, "");
    g_assert_true(session_wants_quit(fixture->session));
}

static void a_file_that_sources_itself_ends(struct fixture *fixture, const void *data)
{
    g_autofree char *text = g_strdup_printf("source %s\nsource %s\n", fixture->path, fixture->path);
    write_text(fixture, text);
    g_assert_cmpint(source(fixture, ""), ==, -ELOOP);
    g_auto(GStrv) told = g_strsplit(sink_buffer_text(fixture->sink), ":1: this command failed\n", -1);
    g_assert_cmpuint(g_strv_length(told), ==, 16 + 1);
    g_assert_nonnull(strstr(told[0], "more than 16 files"));
}

/* That a name leads nowhere is a failure like any other. */
static void a_loop_of_links_ends_no_file(struct fixture *fixture, const void *data)
{
    g_autofree char *link = g_build_filename(fixture->folder, "link", NULL);
    g_autofree char *text = g_strdup_printf("open -o driver=file,filename=%s\nopen -o driver=null-co,size=1M\nlength\n", link);
    g_assert_cmpint(symlink("link", link), ==, 0);
    write_text(fixture, text);
    g_assert_cmpint(source(fixture, ""), ==, -ELOOP);
    g_assert_nonnull(strstr(sink_buffer_text(fixture->sink), ":1: this command failed\n1 MiB\n"));
    g_remove(link);
}

static gboolean cancel(void *data)
{
    session_cancel(data);
    return G_SOURCE_REMOVE;
}

static void cancelling_ends_all_of_it(struct fixture *fixture, const void *data)
{
    write_text(fixture, "sleep 1000000\nhelp length\n");
    g_timeout_add(1, cancel, fixture->session);
    g_assert_cmpint(source(fixture, "; help length"), ==, -ECANCELED);
    g_assert_nonnull(strstr(sink_buffer_text(fixture->sink), "blkscope: cancelled: source"));
    g_assert_null(strchr(strchr(sink_buffer_text(fixture->sink), '\n'), 'h'));
}

static void what_is_no_text_is_refused(struct fixture *fixture, const void *data)
{
    g_assert_cmpint(source(fixture, ""), ==, -ENOENT);
    g_assert_cmpint(mkfifo(fixture->path, 0600), ==, 0);
    g_assert_cmpint(source(fixture, ""), ==, -EINVAL);
    g_remove(fixture->path);
    g_assert_true(g_file_set_contents(fixture->path, "help\0help", 9, NULL));
    g_assert_cmpint(source(fixture, ""), ==, -EILSEQ);
    g_assert_cmpint(batch_run_line(fixture->session, "source /", fixture->sink), ==, -EISDIR);
    assert_text(fixture, "blkscope: file: No such file or directory\n"
                         "blkscope: file: not a regular file\n"
                         "blkscope: file: not a text: there is a nul byte in it\n"
                         "blkscope: /: Is a directory\n");
}

static void a_drop_in_does_not_know_it(struct fixture *fixture, const void *data)
{
    write_text(fixture, "sleep x\n");
    g_assert_cmpint(source(fixture, ""), ==, -EINVAL);
    batch_run_line(fixture->session, "help source", fixture->sink);
    assert_text(fixture, "command \"source\" not found\ncommand source not found\n");
}

int main(int argc, char **argv)
{
    static const struct session_config own, stopping = {.stop_on_error = true}, drop_in = {.drop_in = true};
    g_test_init(&argc, &argv, NULL);
    co_init();
#define ADD(name, config, fn) g_test_add("/source/" name, struct fixture, &config, set_up, fn, tear_down)
    ADD("order", own, lines_run_in_order);
    ADD("failures", own, failures_tell_file_and_line);
    ADD("stop", stopping, the_first_failure_stops_if_asked);
    ADD("quit", own, quit_ends_it);
    ADD("itself", own, a_file_that_sources_itself_ends);
    ADD("loop-of-links", own, a_loop_of_links_ends_no_file);
    ADD("cancel", own, cancelling_ends_all_of_it);
    ADD("no-text", own, what_is_no_text_is_refused);
    ADD("drop-in", drop_in, a_drop_in_does_not_know_it);
    int ret = g_test_run();
    co_done();
    return ret;
}
