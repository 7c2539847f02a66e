/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { BYTES = 1 << 20 };

static void *read_all(void *data)
{
    const int *fd = data;
    GByteArray *all = g_byte_array_new();
    uint8_t piece[4096];
    for (ssize_t n; (n = read(*fd, piece, sizeof(piece))) > 0;)
        g_byte_array_append(all, piece, (guint)n);
    return all;
}

/* As a terminal that another program left so: what does not fit is not lost. */
static void what_does_not_wait_is_waited_for(void)
{
    int ends[2];
    g_autofree uint8_t *bytes = g_malloc(BYTES);
    memset(bytes, 'x', BYTES);
    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    g_assert_cmpint(fcntl(ends[1], F_SETFL, O_NONBLOCK), ==, 0);
    GThread *reader = g_thread_new("reader", read_all, &ends[0]);
    g_assert_cmpint(fd_write_all(ends[1], bytes, BYTES), ==, 0);
    close(ends[1]);
    g_autoptr(GByteArray) all = g_thread_join(reader);
    g_assert_cmpmem(all->data, all->len, bytes, BYTES);
    close(ends[0]);
}

static void failures_are_told(void)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    g_assert_cmpint(full, >=, 0);
    g_assert_cmpint(fd_write_all(full, "x", 1), ==, -ENOSPC);
    g_assert_cmpint(fd_write_all(full, "", 0), ==, 0);
    close(full);
    g_assert_cmpint(fd_write_all(-1, "x", 1), ==, -EBADF);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fd/waited-for", what_does_not_wait_is_waited_for);
    g_test_add_func("/fd/failures", failures_are_told);
    return g_test_run();
}
