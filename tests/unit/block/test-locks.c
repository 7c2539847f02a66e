/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/locks.h"

#include <sys/wait.h>

#include "block/node.h"
#include "harness.h"

enum { SIZE = 64 * 1024, READ_WRITE = NODE_PERM_READ | NODE_PERM_WRITE };

/* As a virtual machine that lets nobody else write. */
static int hold(const char *name, unsigned perm, unsigned shared)
{
    int fd = open(name, O_RDWR | O_CLOEXEC);
    g_assert_cmpint(fd, >=, 0);
    locks_set(fd, perm, shared);
    return fd;
}

static int try_open_co(const char *name, const char *options, unsigned flags)
{
    struct blk *blk;
    int ret = harness_try_open_co(name, "raw", options, flags, BLK_CACHE_WRITEBACK, &blk);
    if (ret == 0)
        harness_close_co(blk);
    return ret;
}

static void writer_meets_exclusive_writer(void)
{
    char *name = harness_file(SIZE);
    int fd = hold(name, READ_WRITE, NODE_PERM_ALL & ~NODE_PERM_WRITE);
    g_autofree char *expected = g_strdup_printf("Failed to get \"write\" lock\nIs another process using the image [%s]?", name);
    g_assert_cmpint(try_open_co(name, NULL, BLK_OPEN_WRITABLE), <, 0);
    g_assert_cmpstr(harness_error->message, ==, expected);
    g_assert_cmpint(try_open_co(name, "file.locking=off", BLK_OPEN_WRITABLE), ==, 0);
    g_assert_cmpint(try_open_co(name, NULL, 0), ==, 0);
    close(fd);
    g_assert_cmpint(try_open_co(name, NULL, BLK_OPEN_WRITABLE), ==, 0);
    harness_remove(name);
}

static void reader_meets_one_who_shares_nothing(void)
{
    char *name = harness_file(SIZE);
    int fd = hold(name, READ_WRITE, 0);
    g_assert_cmpint(try_open_co(name, NULL, 0), <, 0);
    g_assert_true(g_str_has_prefix(harness_error->message, "Failed to get \"consistent read\" lock\n"));
    g_assert_cmpint(try_open_co(name, NULL, BLK_OPEN_NO_LOCK_IF_READ_ONLY), <, 0);
    g_assert_cmpint(try_open_co(name, NULL, BLK_OPEN_FORCE_SHARE), <, 0); /* it tells that it reads */
    g_assert_cmpint(try_open_co(name, NULL, BLK_OPEN_FORCE_SHARE | BLK_OPEN_NO_LOCK_IF_READ_ONLY), ==, 0);
    close(fd);
    harness_remove(name);
}

static void wanting_nobody_to_write_fails_beside_a_writer(void)
{
    char *name = harness_file(SIZE);
    int other = hold(name, READ_WRITE, NODE_PERM_ALL);
    int fd = open(name, O_RDWR | O_CLOEXEC);
    g_autoptr(GError) error = NULL;
    unsigned perm, unshared;
    g_assert_cmpint(locks_take(fd, NODE_PERM_READ, NODE_PERM_ALL & ~NODE_PERM_WRITE, "x", &error), ==, -EAGAIN);
    g_assert_cmpstr(error->message, ==, "Failed to get shared \"write\" lock\nIs another process using the image [x]?");
    locks_set(fd, 0, NODE_PERM_ALL);
    locks_others(other, &perm, &unshared);
    g_assert_cmpuint(perm | unshared, ==, 0);
    close(fd);
    close(other);
    harness_remove(name);
}

/* Whoever has the image may rule out that its length changes; those who change it tell. */
static void truncation_asks_first(void)
{
    char *name = harness_file(SIZE);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE);
    g_autoptr(GError) error = NULL;
    unsigned perm, unshared;
    int fd = hold(name, NODE_PERM_READ, NODE_PERM_ALL & ~NODE_PERM_RESIZE);
    g_assert_cmpint(blk_truncate_co(blk, 2 * SIZE, BLK_PREALLOC_OFF, NULL, &error), ==, -EAGAIN);
    g_assert_true(g_str_has_prefix(error->message, "Failed to get \"resize\" lock\n"));
    g_assert_cmpint(blk_length(blk), ==, SIZE);
    locks_others(fd, &perm, &unshared);
    g_assert_cmpuint(perm, ==, READ_WRITE);
    locks_set(fd, 0, NODE_PERM_ALL);
    g_assert_cmpint(blk_truncate_co(blk, 2 * SIZE, BLK_PREALLOC_OFF, NULL, NULL), ==, 0);
    locks_others(fd, &perm, &unshared);
    g_assert_cmpuint(perm, ==, READ_WRITE | NODE_PERM_RESIZE);
    g_assert_cmpint(blk_reopen_co(blk, 0, -1, NULL, NULL), ==, 0);
    locks_others(fd, &perm, &unshared);
    g_assert_cmpuint(perm, ==, NODE_PERM_READ);
    close(fd);
    harness_close_co(blk);
    harness_remove(name);
}

static void who_locks_what(void)
{
    char *name = harness_file(SIZE);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    unsigned perm, unshared;
    struct blk *writer = harness_open_co(name, "raw", BLK_OPEN_WRITABLE);
    locks_others(fd, &perm, &unshared);
    g_assert_cmpuint(perm, ==, READ_WRITE);
    g_assert_cmpuint(unshared, ==, 0);
    harness_close_co(writer);
    struct blk *reader = harness_open_co(name, "raw", 0);
    locks_others(fd, &perm, &unshared);
    g_assert_cmpuint(perm, ==, NODE_PERM_READ);
    harness_close_co(reader);
    struct blk *silent = harness_open_co(name, "raw", BLK_OPEN_NO_LOCK_IF_READ_ONLY);
    locks_others(fd, &perm, &unshared);
    g_assert_cmpuint(perm | unshared, ==, 0);
    harness_close_co(silent);
    close(fd);
    harness_remove(name);
}

static void holders_are_told(void)
{
    char *name = harness_file(SIZE);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_NO_LOCK_IF_READ_ONLY);
    g_assert_null(blk_lock_holders(blk));
    int fd = hold(name, READ_WRITE, NODE_PERM_ALL & ~NODE_PERM_WRITE);
    g_autofree char *holders = blk_lock_holders(blk);
    g_assert_nonnull(strstr(holders, "is writing to"));
    g_assert_nonnull(strstr(holders, "lets nobody else write"));
    g_assert_nonnull(strstr(holders, name));
    close(fd);
    harness_close_co(blk);
    harness_remove(name);
}

/*
 * Holds locks on the file until the pipe says that nobody needs it any more.  Ends at once then: what a leak check finds in a copy of
 * half a test means nothing.
 */
static G_NORETURN void be_another_process(const char *name, int ready, int end)
{
    char byte;
    hold(name, READ_WRITE, NODE_PERM_ALL);
    if (write(ready, "", 1) == 1 && read(end, &byte, 1) == 0)
        raise(SIGKILL);
    _exit(1);
}

static void other_processes_are_named(void)
{
    char *name = harness_file(SIZE);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_NO_LOCK_IF_READ_ONLY);
    int ready[2], end[2], status;
    char byte;
    g_assert_cmpint(pipe(ready), ==, 0);
    g_assert_cmpint(pipe(end), ==, 0);
    pid_t child = fork();
    if (child == 0) {
        close(end[1]);
        be_another_process(name, ready[1], end[0]);
    }
    g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);
    g_autofree char *holders = blk_lock_holders(blk), *expected = g_strdup_printf("(pid %d) is writing to %s", (int)child, name);
    g_assert_nonnull(strstr(holders, expected));
    close(end[0]);
    close(end[1]);
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFSIGNALED(status));
    close(ready[0]);
    close(ready[1]);
    harness_close_co(blk);
    harness_remove(name);
}

/* A second descriptor of what the process has open under that name. */
static int another_descriptor(const char *name)
{
    for (int fd = 3; fd < 256; fd++) {
        g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
        g_autofree char *path = g_file_read_link(link, NULL);
        if (g_strcmp0(path, name) == 0)
            return dup(fd);
    }
    g_assert_not_reached();
}

/* Whoever else still holds the open file, as the kernel may for a moment. */
static void closing_unlocks(void)
{
    char *name = harness_file(SIZE);
    struct blk *blk;
    unsigned perm, unshared;
    int other = open(name, O_RDWR | O_CLOEXEC);
    g_assert_cmpint(harness_try_open_co(name, "raw", NULL, BLK_OPEN_WRITABLE, BLK_CACHE_WRITEBACK, &blk), ==, 0);
    close(other);
    int kept = another_descriptor(name);
    other = open(name, O_RDWR | O_CLOEXEC);
    locks_others(other, &perm, &unshared);
    g_assert_cmpuint(perm & NODE_PERM_WRITE, ==, NODE_PERM_WRITE);
    harness_close_co(blk);
    locks_others(other, &perm, &unshared);
    g_assert_cmpuint(perm | unshared, ==, 0);
    close(kept);
    close(other);
    harness_remove(name);
}

static void add_tests(void)
{
    harness_add("/block/locks/closing-unlocks", closing_unlocks);
    harness_add("/block/locks/writer-meets-exclusive-writer", writer_meets_exclusive_writer);
    harness_add("/block/locks/reader-meets-one-who-shares-nothing", reader_meets_one_who_shares_nothing);
    harness_add("/block/locks/wanting-nobody-to-write", wanting_nobody_to_write_fails_beside_a_writer);
    harness_add("/block/locks/truncation-asks-first", truncation_asks_first);
    harness_add("/block/locks/who-locks-what", who_locks_what);
    harness_add("/block/locks/holders-are-told", holders_are_told);
    harness_add("/block/locks/other-processes-are-named", other_processes_are_named);
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, NULL, add_tests);
}
