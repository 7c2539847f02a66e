/* SPDX-License-Identifier: GPL-3.0-or-later */
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
    char *folder, *old;
};

/* The tests run in a folder of their own, so that names and messages are short. */
static void set_up(struct fixture *fixture, const void *data)
{
    fixture->old = g_get_current_dir();
    fixture->folder = g_dir_make_tmp("blkscope-XXXXXX", NULL);
    g_assert_cmpint(g_chdir(fixture->folder), ==, 0);
    fixture->aio = aio_new("threads", NULL);
    struct session_config config = {.prog = "blkscope", .aio = fixture->aio, .refs = BLK_REFS_FOLLOW};
    fixture->session = session_new(&config);
    fixture->sink = sink_new_buffer();
}

static void tear_down(struct fixture *fixture, const void *data)
{
    session_free(fixture->session);
    sink_free(fixture->sink);
    aio_free(fixture->aio);
    GDir *dir = g_dir_open(".", 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir));) {
        /* Nothing that was begun is left. */
        g_assert_false(g_str_has_prefix(name, ".blkscope"));
        g_unlink(name);
    }
    g_dir_close(dir);
    g_assert_cmpint(g_chdir(fixture->old), ==, 0);
    g_assert_cmpint(g_rmdir(fixture->folder), ==, 0);
    g_free(fixture->folder);
    g_free(fixture->old);
    g_assert_cmpuint(co_live(), ==, 0);
}

static bool run(struct fixture *fixture, const char *line)
{
    return batch_run_line(fixture->session, line, fixture->sink) == 0;
}

static void assert_said(struct fixture *fixture, const char *text)
{
    if (!strstr(sink_buffer_text(fixture->sink), text))
        g_error("'%s' is not in: %s", text, sink_buffer_text(fixture->sink));
}

static int64_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) < 0 ? -1 : st.st_size;
}

static void raw_and_qcow2_are_made(struct fixture *fixture, const void *data)
{
    g_assert_true(run(fixture, "create a 3M; create -f qcow2 b 10G"));
    assert_said(fixture, "Formatting 'a', fmt=raw size=3145728\nFormatting 'b', fmt=qcow2 cluster_size=65536 ");
    g_assert_cmpint(size_of("a"), ==, 3 << 20);
    g_assert_true(run(fixture, "open b; length; check"));
    assert_said(fixture, "10 GiB");
}

static void a_new_image_can_be_written_at_once(struct fixture *fixture, const void *data)
{
    g_assert_true(run(fixture, "create -q -f qcow2 -o extended_l2=on b 10M; open -w b; write -q -P 3 5M 1k; read -q -P 3 5M 1k; check"));
}

static void what_is_there_is_kept_unless_told_otherwise(struct fixture *fixture, const void *data)
{
    g_assert_true(g_file_set_contents("a", "mine", -1, NULL));
    g_assert_cmpint(g_chmod("a", 0600), ==, 0);
    g_assert_false(run(fixture, "create a 1M"));
    assert_said(fixture, "blkscope: a: Could not create 'a': File exists\n");
    assert_said(fixture, "create -y replaces a file that is there");
    g_assert_cmpint(size_of("a"), ==, 4);
    g_assert_true(run(fixture, "create -y a 1M"));
    g_assert_cmpint(size_of("a"), ==, 1 << 20);
    struct stat st;
    g_assert_cmpint(stat("a", &st), ==, 0);
    g_assert_cmpint(st.st_mode & 0777, ==, 0600);
}

static void after_an_error_the_old_file_is_there(struct fixture *fixture, const void *data)
{
    g_assert_true(g_file_set_contents("a", "mine", -1, NULL));
    g_assert_false(run(fixture, "create -y -f qcow2 a 4000P"));
    assert_said(fixture, "The image size is too large for file format 'qcow2' (try using a larger cluster size)");
    g_assert_cmpint(size_of("a"), ==, 4);
    g_assert_false(run(fixture, "create -f qcow2 -o cluster_size=5 b 1M"));
    g_assert_cmpint(size_of("b"), ==, -1);
}

static void a_symbolic_link_stays_one(struct fixture *fixture, const void *data)
{
    g_assert_true(g_file_set_contents("a", "mine", -1, NULL));
    g_assert_cmpint(symlink("a", "link"), ==, 0);
    g_assert_true(run(fixture, "create -qy link 1M"));
    g_assert_true(g_file_test("link", G_FILE_TEST_IS_SYMLINK));
    g_assert_cmpint(size_of("a"), ==, 1 << 20);
}

static void no_file_of_the_open_image_is_replaced(struct fixture *fixture, const void *data)
{
    g_assert_true(run(fixture, "create -q base 1M; create -q -f qcow2 -b base -F raw top; open top"));
    g_assert_false(run(fixture, "create -y top 2M"));
    g_assert_false(run(fixture, "create -y ./base 2M"));
    assert_said(fixture, "Could not create 'top': the open image needs it");
    assert_said(fixture, "Could not create './base': the open image needs it");
    g_assert_cmpint(size_of("base"), ==, 1 << 20);
    g_assert_true(run(fixture, "length"));
}

static void the_backing_file_is_not_replaced_by_its_own_overlay(struct fixture *fixture, const void *data)
{
    g_assert_true(run(fixture, "create -q base 1M; create -q -f qcow2 -b base -F raw top"));
    g_assert_false(run(fixture, "create -y -f qcow2 -b top -F qcow2 base"));
    assert_said(fixture, "Could not create 'base': the backing file needs it");
    g_assert_false(run(fixture, "create -y -f qcow2 -b base -F raw ./base"));
    g_assert_cmpint(size_of("base"), ==, 1 << 20);
}

static void what_is_no_file_is_refused(struct fixture *fixture, const void *data)
{
    g_assert_false(run(fixture, "create -y . 1M"));
    g_assert_false(run(fixture, "create -y /dev/null 1M"));
    g_assert_false(run(fixture, "create -y nowhere/a 1M"));
    g_assert_false(run(fixture, "create nbd:a 1M"));
    assert_said(fixture, "Could not create '.': Is a directory");
    assert_said(fixture, "Could not create '/dev/null': it is there and no regular file");
    assert_said(fixture, "Could not create 'nowhere/a': No such file or directory");
}

static void wrong_words_are_misuse(struct fixture *fixture, const void *data)
{
    g_assert_false(run(fixture, "create a 1M 2M"));
    assert_said(fixture, "create [-quy] [-f format]");
    g_assert_false(run(fixture, "create a 1X"));
    assert_said(fixture, "blkscope: Invalid image size specified. You may use k, M, G, T, P or E suffixes for\n");
    g_assert_false(run(fixture, "create -o a=b, a 1M"));
    assert_said(fixture, "blkscope: Invalid option list: a=b,\n");
    g_assert_cmpint(size_of("a"), ==, -1);
}

static void options_are_listed(struct fixture *fixture, const void *data)
{
    g_assert_true(run(fixture, "create -f qcow2 -o help"));
    assert_said(fixture, "compression_type  zlib|zstd");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    co_init();
#define ADD(name, test) g_test_add("/create/" name, struct fixture, NULL, set_up, test, tear_down)
    ADD("formats", raw_and_qcow2_are_made);
    ADD("write", a_new_image_can_be_written_at_once);
    ADD("replace", what_is_there_is_kept_unless_told_otherwise);
    ADD("error", after_an_error_the_old_file_is_there);
    ADD("link", a_symbolic_link_stays_one);
    ADD("open", no_file_of_the_open_image_is_replaced);
    ADD("backing", the_backing_file_is_not_replaced_by_its_own_overlay);
    ADD("no-file", what_is_no_file_is_refused);
    ADD("misuse", wrong_words_are_misuse);
    ADD("options", options_are_listed);
    int ret = g_test_run();
    co_done();
    return ret;
}
