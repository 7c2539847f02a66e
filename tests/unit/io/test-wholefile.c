/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file is there whole or not at all, and what it replaces stays until then. */
#include "io/wholefile.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder, *path;
static unsigned syncs;
static int sync_errno; /* 0: it succeeds */

/* In place of the C library's. */
int fdatasync(int fd)
{
    syncs++;
    errno = sync_errno;
    return sync_errno ? -1 : 0;
}

static void make(void)
{
    folder = g_dir_make_tmp("blkscope-XXXXXX", NULL);
    path = g_build_filename(folder, "file", NULL);
}

/* Nothing else was left in the folder. */
static void drop(void)
{
    g_unlink(path);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    g_free(folder);
    g_free(path);
}

static void assert_holds(const char *text)
{
    g_autofree char *found = NULL;
    g_assert_true(g_file_get_contents(path, &found, NULL, NULL));
    g_assert_cmpstr(found, ==, text);
}

static void test_named_when_it_is_complete(void)
{
    struct wholefile file;
    make();
    g_assert_cmpint(wholefile_begin(&file, path, false), ==, 0);
    g_assert_cmpint(wholefile_write(&file, "one ", 4), ==, 0);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    g_assert_cmpint(wholefile_write(&file, "two", 3), ==, 0);
    g_assert_cmpint(wholefile_end(&file, 0), ==, 0);
    assert_holds("one two");
    g_assert_cmpint(wholefile_begin(&file, path, false), ==, -EEXIST);
    drop();
}

static void test_a_failure_leaves_what_was_there(void)
{
    struct wholefile file;
    make();
    g_assert_cmpint(wholefile_begin(&file, path, true), ==, 0);
    g_assert_cmpint(wholefile_end(&file, -ECANCELED), ==, -ECANCELED);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    g_assert_true(g_file_set_contents(path, "old", -1, NULL));
    g_assert_cmpint(wholefile_begin(&file, path, true), ==, 0);
    g_assert_cmpint(wholefile_write(&file, "new", 3), ==, 0);
    assert_holds("old");
    g_assert_cmpint(wholefile_end(&file, -EIO), ==, -EIO);
    assert_holds("old");
    drop();
}

/* As on a disk that is full. */
static void test_no_room(void)
{
    struct wholefile file;
    struct rlimit before, small;
    make();
    g_assert_true(g_file_set_contents(path, "old", -1, NULL));
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
    small = (struct rlimit){4, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    g_assert_cmpint(wholefile_begin(&file, path, true), ==, 0);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
    int ret = wholefile_write(&file, "longer", 6);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
    g_assert_cmpint(ret, ==, -EFBIG);
    g_assert_cmpint(wholefile_end(&file, ret), ==, -EFBIG);
    assert_holds("old");
    drop();
}

/* What was there is given up for bytes on the disk only; who had nothing does not wait for it. */
static void test_what_replaces_is_on_the_disk(void)
{
    struct wholefile file;
    make();
    syncs = 0;
    g_assert_cmpint(wholefile_begin(&file, path, true), ==, 0);
    g_assert_cmpint(wholefile_write(&file, "old", 3), ==, 0);
    g_assert_cmpint(wholefile_end(&file, 0), ==, 0);
    g_assert_cmpuint(syncs, ==, 0);
    sync_errno = EIO;
    g_assert_cmpint(wholefile_begin(&file, path, true), ==, 0);
    g_assert_cmpint(wholefile_write(&file, "new", 3), ==, 0);
    g_assert_cmpint(wholefile_end(&file, 0), ==, -EIO);
    assert_holds("old");
    sync_errno = 0;
    g_assert_cmpint(wholefile_begin(&file, path, true), ==, 0);
    g_assert_cmpint(wholefile_write(&file, "new", 3), ==, 0);
    g_assert_cmpint(wholefile_end(&file, 0), ==, 0);
    assert_holds("new");
    g_assert_cmpuint(syncs, ==, 2);
    drop();
}

static void test_somebody_takes_the_name_meanwhile(void)
{
    struct wholefile file;
    make();
    g_assert_cmpint(wholefile_begin(&file, path, false), ==, 0);
    g_assert_true(g_file_set_contents(path, "theirs", -1, NULL));
    g_assert_cmpint(wholefile_end(&file, 0), ==, -EEXIST);
    assert_holds("theirs");
    drop();
}

static void test_what_is_replaced_keeps_its_mode_and_links(void)
{
    struct wholefile file;
    struct stat st;
    make();
    g_autofree char *link = g_build_filename(folder, "link", NULL);
    g_assert_true(g_file_set_contents(path, "old", -1, NULL));
    g_assert_cmpint(g_chmod(path, 0640), ==, 0);
    g_assert_cmpint(symlink("file", link), ==, 0);
    g_assert_cmpint(wholefile_begin(&file, link, true), ==, 0);
    g_assert_cmpint(wholefile_write(&file, "new", 3), ==, 0);
    g_assert_cmpint(wholefile_end(&file, 0), ==, 0);
    assert_holds("new");
    g_assert_true(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
    g_assert_cmpint(g_stat(path, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 0777, ==, 0640);
    g_unlink(link);
    g_unlink(path);
    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    g_assert_cmpint(wholefile_begin(&file, path, true), ==, -EINVAL);
    drop();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wholefile/named-when-it-is-complete", test_named_when_it_is_complete);
    g_test_add_func("/wholefile/a-failure-leaves-what-was-there", test_a_failure_leaves_what_was_there);
    g_test_add_func("/wholefile/no-room", test_no_room);
    g_test_add_func("/wholefile/what-replaces-is-on-the-disk", test_what_replaces_is_on_the_disk);
    g_test_add_func("/wholefile/somebody-takes-the-name", test_somebody_takes_the_name_meanwhile);
    g_test_add_func("/wholefile/mode-and-links", test_what_is_replaced_keeps_its_mode_and_links);
    return g_test_run();
}
