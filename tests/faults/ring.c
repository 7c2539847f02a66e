/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Linked into a program of its own, ring-faults, between the back end and liburing (ld --wrap): with faults.so preloaded, each request that goes
 * through the ring counts as a call, ring_read and so on, and can fail like one.
 *
 * One that fails is not carried out: a request that does nothing goes to the kernel in its place, with the same data, and what comes back for it is
 * the error.  One that does a part goes with a part of its first buffer.  So completions arrive as they would, in the order and the batches of the
 * kernel.  What the program does without the ring where that is faster goes through it here.
 */
#include <dlfcn.h>
#include <errno.h>
#include <glib.h>
#include <liburing.h>
#include <sys/uio.h>

#include "io/aio.h"

enum { FAILING_MAX = 1024 };

typedef int ring_fault_fn(int *slot, const char *name, int *ret_error);

/* Requests that the kernel has in place of others, by their data, and what they end with. */
static struct {
    uint64_t data;
    int error;
} failing[FAILING_MAX];
static unsigned n_failing;
static struct iovec parts[FAILING_MAX]; /* each longer of use than the ring has places */

static int fails(int *slot, const char *name, int *ret_error)
{
    static ring_fault_fn *fault;
    if (!fault)
        *(void **)&fault = dlsym(RTLD_DEFAULT, "ring_fault");
    return fault && fault(slot, name, ret_error);
}

static const char *name_of(const struct io_uring_sqe *sqe, int **ret_slot)
{
    static int read, write, fsync, fallocate;
    switch (sqe->opcode) {
    case IORING_OP_READV:
        *ret_slot = &read;
        return "ring_read";
    case IORING_OP_WRITEV:
        *ret_slot = &write;
        return "ring_write";
    case IORING_OP_FSYNC:
        *ret_slot = &fsync;
        return "ring_fsync";
    case IORING_OP_FALLOCATE:
        *ret_slot = &fallocate;
        return "ring_fallocate";
    default:
        return NULL;
    }
}

static void shorten(struct io_uring_sqe *sqe)
{
    static unsigned next;
    struct iovec *part = &parts[next++ % FAILING_MAX];
    *part = *(const struct iovec *)(uintptr_t)sqe->addr;
    part->iov_len = part->iov_len > 1 ? part->iov_len / 2 : part->iov_len;
    sqe->addr = (uintptr_t)part;
    sqe->len = 1;
}

static void replace(struct io_uring_sqe *sqe, int error)
{
    uint64_t data = sqe->user_data;
    g_assert(n_failing < FAILING_MAX);
    failing[n_failing].data = data;
    failing[n_failing++].error = error;
    io_uring_prep_nop(sqe);
    sqe->user_data = data;
}

/* ---- what liburing's stand behind; the linker gives them these names ---- */

int __real_io_uring_submit(struct io_uring *ring);
int __wrap_io_uring_submit(struct io_uring *ring);
unsigned __real_io_uring_peek_batch_cqe(struct io_uring *ring, struct io_uring_cqe **cqes, unsigned count);
unsigned __wrap_io_uring_peek_batch_cqe(struct io_uring *ring, struct io_uring_cqe **cqes, unsigned count);
ssize_t __wrap_preadv64v2(int fd, const struct iovec *iov, int niov, off_t offset, int flags);
ssize_t __real_preadv64v2(int fd, const struct iovec *iov, int niov, off_t offset, int flags);
void __wrap_aio_set_inline_calls(struct aio *aio, bool allowed);
void __real_aio_set_inline_calls(struct aio *aio, bool allowed);

int __wrap_io_uring_submit(struct io_uring *ring)
{
    for (unsigned at = ring->sq.sqe_head; at != ring->sq.sqe_tail; at++) {
        struct io_uring_sqe *sqe = &ring->sq.sqes[at & *ring->sq.kring_mask];
        int *slot, error;
        const char *name = name_of(sqe, &slot);
        if (!name || !fails(slot, name, &error))
            continue;
        if (error)
            replace(sqe, error);
        else
            shorten(sqe);
    }
    return __real_io_uring_submit(ring);
}

unsigned __wrap_io_uring_peek_batch_cqe(struct io_uring *ring, struct io_uring_cqe **cqes, unsigned count)
{
    unsigned n = __real_io_uring_peek_batch_cqe(ring, cqes, count);
    for (unsigned i = 0; i < n; i++) {
        for (unsigned j = 0; j < n_failing; j++) {
            if (failing[j].data != cqes[i]->user_data)
                continue;
            cqes[i]->res = -failing[j].error;
            failing[j] = failing[--n_failing];
            break;
        }
    }
    return n;
}

/* The page cache never has it. */
ssize_t __wrap_preadv64v2(int fd, const struct iovec *iov, int niov, off_t offset, int flags)
{
    if (!(flags & RWF_NOWAIT))
        return __real_preadv64v2(fd, iov, niov, offset, flags);
    errno = EAGAIN;
    return -1;
}

/* Nor is a call ever faster. */
void __wrap_aio_set_inline_calls(struct aio *aio, bool allowed)
{
    __real_aio_set_inline_calls(aio, false);
}
