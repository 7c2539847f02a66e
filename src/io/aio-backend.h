/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the back ends of aio.c implement, and share. */
#pragma once

#include "config.h"

#include <glib.h>
#include <stdbool.h>

#include "io/aio.h"

struct aio_flush;
struct co;
struct workers;

/*
 * One request, on the stack of the coroutine that waits for it.  Submitted, it belongs to the back end until
 * aio_request_complete().
 */
struct aio_request {
    enum aio_op op;
    unsigned flags; /* enum aio_flags; AIO_READ, AIO_WRITE */
    int fd;
    const struct iovec *iov; /* AIO_READ, AIO_WRITE: at most IOV_MAX of them */
    int niov;
    int mode;              /* AIO_FALLOCATE */
    int64_t offset, bytes; /* bytes: AIO_FALLOCATE */
    int (*fn)(void *data); /* AIO_CALL */
    void *data;

    struct aio_request *next; /* in a back end's list */
    unsigned generation;      /* in the pool's */
    struct co *co;
    ssize_t result; /* valid when done */
    bool done;
};

struct aio_ops {
    const char *name;
    /* Wants every request, as it was asked: no look into the page cache first, no flushes merged, calls too (others
     * don't get any). */
    bool literal;
    /* Sets aio->backend; NULL: nothing to set up. */
    bool (*open)(struct aio *aio, GError **error);
    void (*close)(struct aio *aio);
    /* Takes any number of requests, never blocks and never completes inside this call. */
    void (*submit)(struct aio *aio, struct aio_request *request);
};

struct aio {
    const struct aio_ops *ops; /* NULL: not needed yet, the best one is chosen then */
    void *backend;             /* of ops */
    struct workers *workers;   /* NULL: not needed yet */
    GMainContext *context;
    unsigned in_flight;
    bool inline_calls, sharing;
    struct aio_flush *flushes; /* running and waited for; aio-flush.c */
};

/* Carries it out with blocking calls; a number of bytes or 0, or a negative errno.  On any thread. */
ssize_t aio_request_execute(const struct aio_request *request);
/* Its coroutine goes on at the next turn of the ready queue. */
void aio_request_complete(struct aio_request *request, ssize_t result);

/* Hands it to the back end and suspends until it is complete. */
ssize_t aio_request_submit_co(struct aio *aio, struct aio_request *request);

/* fdatasync() of everything written so far, shared with whoever else asks for it now.  0 or a negative errno. */
int aio_flush_merged_co(struct aio *aio, int fd);

/* The pool for calls, started at first need. */
struct workers *aio_workers(struct aio *aio);

/* Whether somebody watches, and what the kernel does for these buffers on the thread that asks would be seen. */
bool aio_holds_up(const struct aio *aio, const struct iovec *iov, int niov);

extern const struct aio_ops aio_threads_ops, aio_manual_ops;
#if HAVE_LIBURING
extern const struct aio_ops aio_uring_ops;
#endif
