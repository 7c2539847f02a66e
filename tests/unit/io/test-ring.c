/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A ring goes round the filter of system calls: what it was not made for, it refuses.  The back end's own file is in here, for its ring. */
#include "io/aio-uring.c"

#include <fcntl.h>
#include <glib.h>

#if HAVE_LIBURING

static struct aio aio;

static int try(void (*prepare)(struct io_uring_sqe *sqe))
{
    struct uring *uring = aio.backend;
    struct io_uring_cqe *cqe;
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
    prepare(sqe);
    int ret = io_uring_submit_and_wait(&uring->ring, 1);
    g_assert_cmpint(ret, ==, 1);
    g_assert_cmpint(io_uring_peek_cqe(&uring->ring, &cqe), ==, 0);
    ret = cqe->res;
    io_uring_cqe_seen(&uring->ring, cqe);
    return ret;
}

static void nothing(struct io_uring_sqe *sqe)
{
    io_uring_prep_nop(sqe);
}

static void open_file(struct io_uring_sqe *sqe)
{
    io_uring_prep_openat(sqe, AT_FDCWD, "/dev/null", O_RDONLY, 0);
}

static void remove_file(struct io_uring_sqe *sqe)
{
    io_uring_prep_unlinkat(sqe, AT_FDCWD, "/nonexistent/file", 0);
}

static void connect_socket(struct io_uring_sqe *sqe)
{
    io_uring_prep_connect(sqe, 0, NULL, 0);
}

static void send_message(struct io_uring_sqe *sqe)
{
    io_uring_prep_sendmsg(sqe, 0, NULL, 0);
}

static void linked_nothing(struct io_uring_sqe *sqe)
{
    io_uring_prep_nop(sqe);
    io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
}

static void test_ring(void)
{
    static void (*const refused[])(struct io_uring_sqe *sqe) = {open_file, remove_file, connect_socket, send_message, linked_nothing};
    g_autoptr(GError) error = NULL;
    aio.context = g_main_context_default();
    if (!uring_open(&aio, &error)) {
        g_test_skip(error->message);
        return;
    }
    struct uring *uring = aio.backend;
    g_assert_cmpint(try(nothing), ==, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(refused); i++)
        g_assert_cmpint(try(refused[i]), ==, -EACCES);
    g_assert_cmpint(io_uring_register_eventfd(&uring->ring, 0), ==, -EACCES);
    g_assert_cmpint(try(nothing), ==, 0);
    uring_close(&aio);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ring/refuses", test_ring);
    return g_test_run();
}

#else

int main(void)
{
    return 77;
}

#endif
