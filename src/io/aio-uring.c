/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A ring is a source of the main context, which polls the ring's own descriptor.  What was submitted in a turn of the
 * loop enters the kernel in one call when the loop is about to wait, or when the submission queue is full; completions
 * are drained in batches.  What a ring does goes round the filter of system calls (io/seccomp.h): it is made so that it can only do what is asked
 * of it here.  No more requests than the completion queue holds are in the kernel at once, the others wait
 * here, so that there may be any number.
 */
#include "config.h"

#if HAVE_LIBURING

#include <errno.h>
#include <liburing.h>

#include "io/aio-backend.h"
#include "io/co.h"
#include "io/workers.h"
#include "util/source.h"

enum {
    SQ_ENTRIES = 128,
    DRAIN_MAX = 128,
};

struct uring {
    struct aio *aio;
    struct io_uring ring;
    GSource *source;
    struct aio_request *waiting, *waiting_last; /* for a place in the ring */
    unsigned in_ring;                           /* queued or in the kernel */
    unsigned in_ring_max;
};

struct source {
    GSource base;
    struct uring *uring;
};

static void fill(struct io_uring_sqe *sqe, const struct aio_request *request)
{
    switch (request->op) {
    case AIO_READ:
        io_uring_prep_readv(sqe, request->fd, request->iov, request->niov, request->offset);
        break;
    case AIO_WRITE:
        io_uring_prep_writev2(sqe, request->fd, request->iov, request->niov, request->offset,
                              request->flags & AIO_FUA ? RWF_DSYNC : 0);
        break;
    case AIO_FSYNC:
        io_uring_prep_fsync(sqe, request->fd, IORING_FSYNC_DATASYNC);
        break;
    case AIO_FALLOCATE:
        io_uring_prep_fallocate(sqe, request->fd, request->mode, request->offset, request->bytes);
        break;
    case AIO_CALL:
        g_assert_not_reached();
    }
    io_uring_sqe_set_data(sqe, (void *)request);
}

static bool try_queue(struct uring *uring, const struct aio_request *request)
{
    if (uring->in_ring == uring->in_ring_max)
        return false;
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
    if (!sqe && io_uring_submit(&uring->ring) > 0)
        sqe = io_uring_get_sqe(&uring->ring);
    if (!sqe)
        return false;
    fill(sqe, request);
    if (!(request->flags & AIO_DIRECT) && aio_holds_up(uring->aio, request->iov, request->niov))
        io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
    uring->in_ring++;
    return true;
}

static void uring_submit(struct aio *aio, struct aio_request *request)
{
    struct uring *uring = aio->backend;
    request->next = NULL;
    if (!uring->waiting && try_queue(uring, request))
        return;
    if (uring->waiting)
        uring->waiting_last->next = request;
    else
        uring->waiting = request;
    uring->waiting_last = request;
}

static void queue_waiting(struct uring *uring)
{
    for (struct aio_request *request; (request = uring->waiting);) {
        struct aio_request *next = request->next;
        if (!try_queue(uring, request))
            return;
        uring->waiting = next;
    }
}

/* ---- the source ---- */

static gboolean prepare(GSource *source, int *timeout_ms)
{
    struct uring *uring = ((struct source *)source)->uring;
    *timeout_ms = -1;
    /* The kernel may be short of memory for now: then again soon. */
    if (io_uring_sq_ready(&uring->ring) && io_uring_submit(&uring->ring) < 0)
        *timeout_ms = 1;
    return io_uring_cq_ready(&uring->ring) > 0;
}

/* What the kernel could not put into a full completion queue comes with the next look at it, which liburing makes. */
static gboolean check(GSource *source)
{
    struct uring *uring = ((struct source *)source)->uring;
    return io_uring_cq_ready(&uring->ring) > 0 || io_uring_cq_has_overflow(&uring->ring);
}

static void complete(struct uring *uring, struct aio_request *request, int result)
{
    /* "Not like this": a blocking call can always do it. */
    if (result == -EAGAIN || result == -EINTR)
        workers_submit(aio_workers(uring->aio), request);
    else
        aio_request_complete(request, result);
}

static gboolean dispatch(GSource *source, GSourceFunc callback, void *data)
{
    struct uring *uring = ((struct source *)source)->uring;
    struct io_uring_cqe *cqes[DRAIN_MAX];
    unsigned n = io_uring_peek_batch_cqe(&uring->ring, cqes, DRAIN_MAX);
    for (unsigned i = 0; i < n; i++)
        complete(uring, io_uring_cqe_get_data(cqes[i]), cqes[i]->res);
    io_uring_cq_advance(&uring->ring, n);
    uring->in_ring -= n;
    queue_waiting(uring);
    co_run_ready();
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.prepare = prepare, .check = check, .dispatch = dispatch};

/* ---- opening ---- */

static const uint8_t operations[] = {IORING_OP_NOP, IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC, IORING_OP_FALLOCATE};

static bool can_all(struct io_uring *ring)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    bool can = probe != NULL;
    for (unsigned i = 0; can && i < G_N_ELEMENTS(operations); i++)
        can = io_uring_opcode_supported(probe, operations[i]);
    io_uring_free_probe(probe);
    return can;
}

/* Nothing but these operations and flags, and nothing more is registered. */
static bool restrict_ring(struct io_uring *ring)
{
    struct io_uring_restriction allowed[G_N_ELEMENTS(operations) + 1] = {
        {.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_ASYNC},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(operations); i++)
        allowed[i + 1] = (struct io_uring_restriction){.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = operations[i]};
    return io_uring_register_restrictions(ring, allowed, G_N_ELEMENTS(allowed)) == 0 && io_uring_enable_rings(ring) == 0;
}

/* A sandbox may allow a ring to be made and nothing to be done with it. */
static bool works(struct io_uring *ring)
{
    struct io_uring_cqe *cqe;
    io_uring_prep_nop(io_uring_get_sqe(ring));
    if (io_uring_submit_and_wait(ring, 1) != 1 || io_uring_peek_cqe(ring, &cqe) < 0)
        return false;
    io_uring_cqe_seen(ring, cqe);
    return true;
}

static bool uring_open(struct aio *aio, GError **error)
{
    struct uring *uring = g_new0(struct uring, 1);
    int ret = io_uring_queue_init(SQ_ENTRIES, &uring->ring, IORING_SETUP_R_DISABLED);
    if (ret < 0) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(-ret), "io_uring can't be used here: %s",
                    g_strerror(-ret));
        g_free(uring);
        return false;
    }
    if (!can_all(&uring->ring) || !restrict_ring(&uring->ring) || !works(&uring->ring)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSYS,
                    "io_uring can't be used here: this kernel lacks some of its operations");
        io_uring_queue_exit(&uring->ring);
        g_free(uring);
        return false;
    }
    uring->aio = aio;
    uring->in_ring_max = uring->ring.cq.ring_entries;
    uring->source = g_source_new(&source_funcs, sizeof(struct source));
    ((struct source *)uring->source)->uring = uring;
    g_source_set_static_name(uring->source, "io_uring");
    g_source_set_can_recurse(uring->source, TRUE); /* it does not; but else each dispatch wakes the context up, twice */
    g_source_add_unix_fd(uring->source, uring->ring.ring_fd, G_IO_IN);
    g_source_attach(uring->source, aio->context);
    aio->backend = uring;
    return true;
}

static void uring_close(struct aio *aio)
{
    struct uring *uring = aio->backend;
    source_clear(&uring->source);
    io_uring_queue_exit(&uring->ring);
    g_free(uring);
}

const struct aio_ops aio_uring_ops = {
    .name = "io_uring",
    .open = uring_open,
    .close = uring_close,
    .submit = uring_submit,
};

#endif
