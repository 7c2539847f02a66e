/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The broker: what it makes, and what it does not touch. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/broker.h"
#include "io/sandbox.h"

static char *folder, *there, *fresh, *other, *way;

static void make_folder(void)
{
    folder = g_dir_make_tmp("blkscope-broker-XXXXXX", NULL);
    there = g_build_filename(folder, "there", NULL);
    fresh = g_build_filename(folder, "fresh", NULL);
    other = g_build_filename(folder, "other", NULL);
    way = g_build_filename(folder, "way", NULL); /* a symbolic link to nothing */
    g_assert_true(g_file_set_contents(there, "there", 5, NULL));
    g_assert_cmpint(symlink(other, way), ==, 0);
}

static void check_and_remove_folder(void)
{
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(there, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "there");
    g_unlink(there);
    g_unlink(way);
    g_unlink(fresh);
    g_unlink(other);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    char **const names[] = {&folder, &there, &fresh, &other, &way};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
        g_clear_pointer(names[i], g_free);
}

/* try() with the broker, in a sandbox that lets nothing be written: its result, as an exit status. */
static void behind_sandbox(int (*try)(void), int expected)
{
    make_folder();
    pid_t child = fork();
    if (child == 0) {
        struct sandbox_how how = {0};
        umask(022);
        if (broker_start() < 0)
            _exit(100);
        sandbox_close(&how);
        int ret = try();
        broker_stop();
        _exit(ret < 0 ? -ret : ret > 0 ? 99 : 0);
    }
    int status;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, expected);
    check_and_remove_folder();
}

static int make_it(const char *path)
{
    int fd = broker_open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0)
        return fd;
    int ret = write(fd, "fresh", 5) == 5 && ftruncate(fd, 3) == 0 ? 0 : -EIO;
    close(fd);
    return ret;
}

static int makes_new(void)
{
    struct stat st;
    int ret = make_it(fresh);
    return ret < 0 ? ret : stat(fresh, &st) == 0 && st.st_size == 3 && (st.st_mode & 0777) == 0640 ? 0 : -EIO;
}

static int opens_again(void)
{
    char text[3];
    int ret = make_it(fresh);
    int fd = ret < 0 ? ret : broker_open(fresh, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    return pread(fd, text, 3, 0) == 3 && pwrite(fd, "F", 1, 0) == 1 ? 0 : -EIO;
}

static int moves_and_removes(void)
{
    int ret = make_it(fresh);
    ret = ret < 0 ? ret : broker_rename_new(fresh, other);
    if (ret < 0 || access(fresh, F_OK) == 0 || access(other, F_OK) < 0)
        return ret < 0 ? ret : -EIO;
    ret = broker_remove(other);
    return ret < 0 ? ret : access(other, F_OK) == 0 ? -EIO : 0;
}

static int makes_temporary(void)
{
    g_autofree char *name = g_build_filename(folder, "x-XXXXXX", NULL);
    int fd = broker_make_temporary(name, 0600, true);
    if (fd < 0)
        return fd;
    int ret = pwrite(fd, "x", 1, 1000) == 1 ? 0 : -EIO;
    return ret < 0 ? ret : broker_remove(name);
}

static int makes_what_is_there(void)
{
    return broker_open(there, O_RDWR | O_CREAT | O_EXCL, 0600);
}

static int replaces_what_is_there(void)
{
    return broker_open(there, O_WRONLY | O_CREAT | O_TRUNC, 0600);
}

static int opens_what_is_there(void)
{
    return broker_open(there, O_RDWR, 0);
}

static int follows_a_link(void)
{
    return broker_open(way, O_RDWR | O_CREAT | O_EXCL, 0600);
}

static int removes_what_is_there(void)
{
    return broker_remove(there);
}

static int renames_what_is_there(void)
{
    return broker_rename_new(there, fresh);
}

static int renames_onto_what_is_there(void)
{
    int ret = make_it(fresh);
    return ret < 0 ? ret : broker_rename_new(fresh, there);
}

/* Another file took its name meanwhile: the broker is not told by names. */
static int opens_what_took_its_name(void)
{
    int ret = make_it(fresh);
    ret = ret < 0 ? ret : broker_rename_new(fresh, other);
    return ret < 0 ? ret : broker_open(way, O_RDWR, 0); /* a symbolic link to it: not followed either */
}

static int long_names(void)
{
    g_autofree char *name = g_strnfill(5000, 'x');
    return broker_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
}

/* However long the session: what is gone does not count. */
static int makes_one_after_another(void)
{
    int ret = 0;
    for (int i = 0; ret == 0 && i < 2000; i++) {
        ret = make_it(fresh);
        if (ret == 0)
            ret = broker_remove(fresh);
    }
    return ret;
}

static int too_many(void)
{
    for (int i = 0; i < 1000; i++) {
        g_autofree char *name = g_strdup_printf("%s/x-%d", folder, i);
        int fd = broker_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (fd < 0) {
            for (int j = 0; j < i; j++) {
                g_autofree char *made = g_strdup_printf("%s/x-%d", folder, j);
                int ret = broker_remove(made);
                if (ret < 0)
                    return ret;
            }
            return fd;
        }
        close(fd);
    }
    return 0;
}

static const struct {
    const char *name;
    int (*try)(void);
    int expected;
} cases[] = {
    {"makes-new", makes_new, 0},
    {"opens-again", opens_again, 0},
    {"moves-and-removes", moves_and_removes, 0},
    {"makes-temporary", makes_temporary, 0},
    {"makes-what-is-there", makes_what_is_there, EEXIST},
    {"replaces-what-is-there", replaces_what_is_there, EROFS},
    {"opens-what-is-there", opens_what_is_there, EROFS},
    {"follows-a-link", follows_a_link, EEXIST},
    {"removes-what-is-there", removes_what_is_there, EROFS},
    {"renames-what-is-there", renames_what_is_there, EROFS},
    {"renames-onto-what-is-there", renames_onto_what_is_there, EEXIST},
    {"opens-what-took-its-name", opens_what_took_its_name, EROFS},
    {"long-names", long_names, ENAMETOOLONG},
    {"makes-one-after-another", makes_one_after_another, 0},
    {"too-many", too_many, EMFILE},
};

static void test_case(const void *data)
{
    size_t i = GPOINTER_TO_SIZE(data);
    behind_sandbox(cases[i].try, cases[i].expected);
}

/* ---- its end ---- */

/* A program that is killed: the end of its connection is the broker's, which held the pipe open had it kept it. */
static void test_ends_with_the_program(void)
{
    int ends[2];
    char byte;
    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    pid_t child = fork();
    if (child == 0) {
        if (broker_start() == 0 && write(ends[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    close(ends[1]);
    g_assert_cmpint(read(ends[0], &byte, 1), ==, 1);
    kill(child, SIGKILL);
    g_assert_cmpint(waitpid(child, NULL, 0), ==, child);
    g_assert_cmpint(read(ends[0], &byte, 1), ==, 0);
    close(ends[0]);
}

static void test_without(void)
{
    make_folder();
    pid_t child = fork();
    if (child == 0) {
        struct sandbox_how how = {0};
        sandbox_close(&how);
        _exit(broker_open(fresh, O_RDWR | O_CREAT, 0600) == -EROFS && broker_remove(there) == -EROFS ? 0 : 1);
    }
    int status;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    check_and_remove_folder();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = g_strconcat("/broker/", cases[i].name, NULL);
        g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_case);
    }
    g_test_add_func("/broker/ends-with-the-program", test_ends_with_the_program);
    g_test_add_func("/broker/without", test_without);
    return g_test_run();
}
