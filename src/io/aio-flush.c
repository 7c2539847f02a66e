/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Concurrent flushes of a descriptor become one.  A flush covers every write that completed before it started, so
 * whoever asks while one is running waits for the next, and the first of these to wake runs it for all: n durable
 * writes at once cost two flushes, not n.
 */
#include "io/aio-backend.h"
#include "io/co.h"

struct aio_flush {
    struct aio_flush *next; /* in aio->flushes */
    int fd;
    unsigned users;              /* coroutines inside aio_flush_merged_co() */
    uint64_t started, completed; /* flushes so far; unequal: one is running */
    uint64_t failed;             /* the last one that failed, 0 for none */
    int error;                   /* of that one */
    struct co_queue waiters;
};

static struct aio_flush *get_flush(struct aio *aio, int fd)
{
    for (struct aio_flush *flush = aio->flushes; flush; flush = flush->next) {
        if (flush->fd == fd)
            return flush;
    }
    struct aio_flush *flush = g_new0(struct aio_flush, 1);
    flush->fd = fd;
    flush->next = aio->flushes;
    aio->flushes = flush;
    return flush;
}

static void put_flush(struct aio *aio, struct aio_flush *flush)
{
    if (--flush->users)
        return;
    struct aio_flush **link = &aio->flushes;
    while (*link != flush)
        link = &(*link)->next;
    *link = flush->next;
    g_free(flush);
}

static void run_one_co(struct aio *aio, struct aio_flush *flush)
{
    uint64_t number = ++flush->started;
    struct aio_request request = {.op = AIO_FSYNC, .fd = flush->fd};
    int ret = aio_request_submit_co(aio, &request);
    if (ret < 0) {
        flush->failed = number;
        flush->error = ret;
    }
    flush->completed = number;
    co_queue_wake_all(&flush->waiters);
}

int aio_flush_merged_co(struct aio *aio, int fd)
{
    struct aio_flush *flush = get_flush(aio, fd);
    uint64_t mine = flush->started + 1;
    flush->users++;
    while (flush->completed < mine) {
        if (flush->started == flush->completed) {
            run_one_co(aio, flush);
            continue;
        }
        aio->in_flight++;
        co_queue_wait_uncancellable_co(&flush->waiters);
        aio->in_flight--;
    }
    /* Should a later one have failed meanwhile, its error is as true for us. */
    int ret = flush->failed >= mine ? flush->error : 0;
    put_flush(aio, flush);
    return ret;
}
