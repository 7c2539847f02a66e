/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way of a request, until one of these has an answer:
 *   1. a buffered read asks the page cache (RWF_NOWAIT), a slice at a time, unless that could be seen on a screen;
 *   2. where nobody watches, a call that is faster than a change of threads is made right here;
 *   3. the back end gets it, and the coroutine suspends until it completed.
 */
#include "config.h"

#include "io/aio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "io/aio-backend.h"
#include "io/co.h"
#include "io/workers.h"

#if HAVE_VALGRIND
#include <valgrind/memcheck.h>
#endif

enum {
    CACHED_SLICE = 1 << 20,
    /*
     * The kernel copies what is in the page cache, fills pages of holes, and goes on copying what arrives, on the thread that asks: in memory that
     * its host has to supply first, half a megabyte is a frame's time, and a read of one cluster may have it fill the read-ahead behind it, too.
     * Where somebody watches, longer requests are another thread's from the start; tables are read in shorter ones.
     */
    HERE_MAX = 32 << 10,
    CACHED_IOV = 16,        /* buffers of a slice, when the request is longer than one */
    WORKERS_MAX = 64,
};

/* Best first. */
static const struct aio_ops *const backends[] = {
#if HAVE_LIBURING
    &aio_uring_ops,
#endif
    &aio_threads_ops,
    &aio_manual_ops,
};

/* ---- choosing a back end ---- */

static bool open_backend(struct aio *aio, const struct aio_ops *ops, GError **error)
{
    aio->ops = ops;
    if (!ops->open || ops->open(aio, error))
        return true;
    aio->ops = NULL;
    return false;
}

/* A batch run may never need one: setting up a ring takes longer than many a command. */
static void need_backend(struct aio *aio)
{
    for (unsigned i = 0; !aio->ops; i++)
        open_backend(aio, backends[i], NULL);
}

static const struct aio_ops *find_backend(const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(backends); i++) {
        if (!g_strcmp0(backends[i]->name, name))
            return backends[i];
    }
    return NULL;
}

struct aio *aio_new(const char *name, GError **error)
{
    if (!name)
        name = g_getenv("BLKSCOPE_AIO");
    const struct aio_ops *ops = find_backend(name);
    if (name && !ops) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "AIO back end '%s' does not exist in this build", name);
        return NULL;
    }
    struct aio *aio = g_new0(struct aio, 1);
    aio->context = g_main_context_ref_thread_default();
    if (ops && !open_backend(aio, ops, error))
        g_clear_pointer(&aio, aio_free);
    return aio;
}

void aio_free(struct aio *aio)
{
    if (!aio)
        return;
    g_assert(!aio->in_flight);
    if (aio->ops && aio->ops->close)
        aio->ops->close(aio);
    workers_free(aio->workers);
    g_main_context_unref(aio->context);
    g_free(aio);
}

const char *aio_name(struct aio *aio)
{
    need_backend(aio);
    return aio->ops->name;
}

struct workers *aio_workers(struct aio *aio)
{
    if (!aio->workers)
        aio->workers = workers_new(aio->context, WORKERS_MAX);
    return aio->workers;
}

void aio_retire(struct aio *aio, bool ring)
{
    if (ring)
        need_backend(aio);
    if (aio->workers)
        workers_retire(aio->workers);
}

void aio_set_inline_calls(struct aio *aio, bool allowed)
{
    aio->inline_calls = allowed;
}

bool aio_is_watched(const struct aio *aio)
{
    return !aio->inline_calls;
}

void aio_set_sharing(struct aio *aio, bool sharing)
{
    aio->sharing = sharing;
}

bool aio_is_sharing(const struct aio *aio)
{
    return aio->sharing;
}

unsigned aio_in_flight(const struct aio *aio)
{
    return aio->in_flight;
}

/* ---- carrying out ---- */

static ssize_t execute_write(const struct aio_request *request)
{
    ssize_t n;
    do
        n = pwritev2(request->fd, request->iov, request->niov, request->offset,
                     request->flags & AIO_FUA ? RWF_DSYNC : 0);
    while (n < 0 && errno == EINTR);
    if (n >= 0 || !(request->flags & AIO_FUA) || (errno != EOPNOTSUPP && errno != ENOSYS))
        return n;
    n = pwritev(request->fd, request->iov, request->niov, request->offset);
    return n >= 0 && fdatasync(request->fd) < 0 ? -1 : n;
}

ssize_t aio_request_execute(const struct aio_request *request)
{
    ssize_t n = -1;
    switch (request->op) {
    case AIO_READ:
        do
            n = preadv(request->fd, request->iov, request->niov, request->offset);
        while (n < 0 && errno == EINTR);
        break;
    case AIO_WRITE:
        n = execute_write(request);
        break;
    case AIO_FSYNC:
        n = fdatasync(request->fd);
        break;
    case AIO_FALLOCATE:
        do
            n = fallocate(request->fd, request->mode, request->offset, request->bytes);
        while (n < 0 && errno == EINTR);
        break;
    case AIO_CALL:
        return request->fn(request->data);
    }
    return n < 0 ? -errno : n;
}

void aio_request_complete(struct aio_request *request, ssize_t result)
{
    request->result = result;
    request->done = true;
    co_wake(request->co, 0);
}

ssize_t aio_request_submit_co(struct aio *aio, struct aio_request *request)
{
    need_backend(aio);
    request->co = co_self();
    aio->in_flight++;
    if (request->op == AIO_CALL && !aio->ops->literal)
        workers_submit(aio_workers(aio), request);
    else
        aio->ops->submit(aio, request);
    while (!request->done)
        co_suspend_co();
    aio->in_flight--;
    return request->result;
}

static bool is_literal(const struct aio *aio)
{
    return aio->ops && aio->ops->literal;
}

bool aio_holds_up(const struct aio *aio, const struct iovec *iov, int niov)
{
    size_t bytes = 0;
    for (int i = 0; i < niov && bytes <= HERE_MAX; i++)
        bytes += iov[i].iov_len;
    return bytes > HERE_MAX && aio_is_watched(aio);
}

/* Whether a blocking call on this thread, which does not wait for the device, may stand in for a request. */
static bool may_run_here(const struct aio *aio)
{
    return aio->inline_calls && !is_literal(aio);
}

/*
 * The same for one that does: only for a caller with nothing else to do.  aio_* commands are submitted one by one, and with none in flight
 * yet the first must not hold up the second.
 */
static bool may_wait_here(const struct aio *aio, bool alone)
{
    return may_run_here(aio) && !aio->in_flight && alone;
}

/* ---- reads from the page cache ---- */

/* Up to a slice of iov, without its empty tail: the number of buffers in part. */
static int slice(const struct iovec *iov, int niov, struct iovec part[static CACHED_IOV])
{
    size_t left = CACHED_SLICE;
    int n = 0;
    for (; n < niov && n < CACHED_IOV && left; n++) {
        part[n] = iov[n];
        part[n].iov_len = MIN(iov[n].iov_len, left);
        left -= part[n].iov_len;
    }
    return n;
}

static ssize_t read_cached(int fd, const struct iovec *iov, int niov, int64_t offset)
{
    struct iovec part[CACHED_IOV];
    bool whole = niov == 1 && iov->iov_len <= CACHED_SLICE;
    if (!whole) {
        niov = slice(iov, niov, part);
        iov = part;
    }
    ssize_t n = preadv2(fd, iov, niov, offset, RWF_NOWAIT);
    return n < 0 ? -errno : n;
}

/* Memcheck knows neither preadv2() nor what a ring writes to. */
static ssize_t was_read(const struct iovec *iov, ssize_t n)
{
#if HAVE_VALGRIND
    if (RUNNING_ON_VALGRIND) {
        for (ssize_t left = n; left > 0; left -= iov->iov_len, iov++)
            VALGRIND_MAKE_MEM_DEFINED(iov->iov_base, MIN(iov->iov_len, (size_t)left));
    }
#endif
    return n;
}

/* ---- the interface ---- */

ssize_t aio_preadv_co(struct aio *aio, int fd, const struct iovec *iov, int niov, int64_t offset, unsigned flags)
{
    if (!(flags & AIO_DIRECT) && !is_literal(aio) && !aio_holds_up(aio, iov, niov)) {
        /*
         * A file system that can't tell (EOPNOTSUPP) says so in a fraction of what the request takes: nothing to
         * remember. 0 may be the end of the file, or a kernel (5.9) that means EAGAIN: the request proper knows.
         */
        ssize_t n = read_cached(fd, iov, niov, offset);
        if (n && n != -EAGAIN && n != -EOPNOTSUPP && n != -ENOSYS && n != -EINTR)
            return was_read(iov, n);
    }
    struct aio_request request = {
        .op = AIO_READ,
        .flags = flags,
        .fd = fd,
        .iov = iov,
        .niov = MIN(niov, IOV_MAX),
        .offset = offset,
    };
    if (may_wait_here(aio, flags & AIO_ALONE))
        return aio_request_execute(&request);
    return was_read(iov, aio_request_submit_co(aio, &request));
}

ssize_t aio_pwritev_co(struct aio *aio, int fd, const struct iovec *iov, int niov, int64_t offset, unsigned flags)
{
    /* Beside other requests a flush is likely to be shared; the device's own FUA (O_DIRECT) is cheaper than any. */
    bool flush_after = flags & AIO_FUA && !(flags & AIO_DIRECT) && aio->in_flight && !is_literal(aio);
    struct aio_request request = {
        .op = AIO_WRITE,
        .flags = flush_after ? flags & ~AIO_FUA : flags,
        .fd = fd,
        .iov = iov,
        .niov = MIN(niov, IOV_MAX),
        .offset = offset,
    };
    bool waits_for_device = request.flags & (AIO_FUA | AIO_DIRECT);
    bool here = waits_for_device ? may_wait_here(aio, flags & AIO_ALONE) : may_run_here(aio);
    ssize_t n = here ? aio_request_execute(&request) : aio_request_submit_co(aio, &request);
    int ret = n > 0 && flush_after ? aio_flush_merged_co(aio, fd) : 0;
    return ret < 0 ? ret : n;
}

int aio_fdatasync_co(struct aio *aio, int fd)
{
    struct aio_request request = {.op = AIO_FSYNC, .fd = fd};
    if (may_wait_here(aio, !aio->sharing))
        return aio_request_execute(&request);
    return is_literal(aio) ? (int)aio_request_submit_co(aio, &request) : aio_flush_merged_co(aio, fd);
}

int aio_fallocate_co(struct aio *aio, int fd, int mode, int64_t offset, int64_t bytes)
{
    struct aio_request request = {.op = AIO_FALLOCATE, .fd = fd, .mode = mode, .offset = offset, .bytes = bytes};
    if (may_run_here(aio))
        return aio_request_execute(&request);
    return aio_request_submit_co(aio, &request);
}

int aio_call_co(struct aio *aio, int (*fn)(void *data), void *data, bool quick)
{
    struct aio_request request = {.op = AIO_CALL, .fd = -1, .fn = fn, .data = data};
    if (quick && may_run_here(aio))
        return aio_request_execute(&request);
    return aio_request_submit_co(aio, &request);
}

struct stat_call {
    const char *path;
    struct stat *st;
};

static int call_stat(void *data)
{
    const struct stat_call *call = data;
    return stat(call->path, call->st) < 0 ? -errno : 0;
}

int aio_stat_co(struct aio *aio, const char *path, struct stat *ret_st)
{
    struct stat_call call = {path, ret_st};
    return aio_call_co(aio, call_stat, &call, true);
}
