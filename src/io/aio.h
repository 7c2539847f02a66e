/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asynchronous file I/O: io_uring, a thread pool, or a test's own hand, behind one table. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

struct aio;

/*
 * Makes a back end on the thread-default main context.  name is "io_uring", "threads", "manual" or NULL for the best
 * one that a probe finds to work, chosen when the first request needs it; the environment variable BLKSCOPE_AIO
 * overrides NULL.  NULL and error when a named one can't be had.  Free after the last request completed.
 */
struct aio *aio_new(const char *name, GError **error);
void aio_free(struct aio *aio);
const char *aio_name(struct aio *aio);

/*
 * Nobody watches (batch modes): what is faster that way may be done on the calling thread: short blocking calls, fallocate and buffered
 * writes, and, while nothing is in flight, fdatasync and what waits for the device when its caller says AIO_ALONE. Off to begin with:
 * a screen must never wait for the disk.  The manual back end never does.
 */
void aio_set_inline_calls(struct aio *aio, bool allowed);
/* Whether somebody watches.  The kernel's own read-ahead then is the wrong thoughtfulness: see POSIX_FADV_RANDOM in block/file_open.c. */
bool aio_is_watched(const struct aio *aio);
/*
 * Requests are under way whose submitter does not wait for them: fdatasync is not called on this thread meanwhile, so that one serves all who
 * want it.  Off to begin with.
 */
void aio_set_sharing(struct aio *aio, bool sharing);
bool aio_is_sharing(const struct aio *aio);

/*
 * The sandbox (io/sandbox.h) is about to close: threads of the pool end, and the back end that a request would choose is made now, if ring says
 * that it may be worth it: a ring can't be made later, and requests are then carried out by threads.
 */
void aio_retire(struct aio *aio, bool ring);

/* Requests submitted and not completed. */
unsigned aio_in_flight(const struct aio *aio);

enum aio_flags {
    AIO_FUA = 1 << 0,    /* write: on stable storage before it completes (RWF_DSYNC) */
    AIO_DIRECT = 1 << 1, /* fd is O_DIRECT: don't try the page cache first */
    AIO_ALONE = 1 << 2,  /* the caller has nothing else to submit until this completes (not for aio_* commands) */
};

/*
 * All of these suspend until the operation completed and return its result: a number of bytes or 0, or a
 * negative errno.  Short reads and writes are the caller's to continue: the kernel's own, a part that was in the page
 * cache (at most 1 MiB a call; co_relax_co() between them), and of more than IOV_MAX buffers only so many.  Buffers
 * stay valid until the return. Not cancellable; only the manual back end is sure to suspend. Sources: preadv2(2),
 * pwritev2(2), fsync(2), fallocate(2), io_uring(7).
 */
ssize_t aio_preadv_co(struct aio *aio, int fd, const struct iovec *iov, int niov, int64_t offset, unsigned flags);
ssize_t aio_pwritev_co(struct aio *aio, int fd, const struct iovec *iov, int niov, int64_t offset, unsigned flags);
int aio_fdatasync_co(struct aio *aio, int fd);
int aio_fallocate_co(struct aio *aio, int fd, int mode, int64_t offset, int64_t bytes);

/*
 * Runs fn(data) where it may block: on a pool thread (every back end has one), or here if inline calls are allowed and
 * quick says it is a short call.  Returns what fn returns.  fn touches nothing but data.
 */
int aio_call_co(struct aio *aio, int (*fn)(void *data), void *data, bool quick);
/* stat(2): 0, or a negative errno. */
int aio_stat_co(struct aio *aio, const char *path, struct stat *ret_st);

/* The manual back end, for tests: requests wait, oldest first, until completed by hand. */
enum aio_op { AIO_READ, AIO_WRITE, AIO_FSYNC, AIO_FALLOCATE, AIO_CALL };
struct aio_manual_view {
    enum aio_op op;
    int fd;
    int64_t offset, bytes;
};
unsigned aio_manual_count(struct aio *aio);
struct aio_manual_view aio_manual_peek(struct aio *aio, unsigned index);
/* Carries the request out with blocking calls and completes it, or completes it with result if that is negative. */
void aio_manual_complete(struct aio *aio, unsigned index, int result);
/* Carries it out, and tells of an error all the same (negative errno). */
void aio_manual_complete_failing(struct aio *aio, unsigned index, int error);
/* Carries out a read or write that comes to an end early: after at most so many bytes (at least one). */
void aio_manual_complete_short(struct aio *aio, unsigned index, int64_t bytes);
