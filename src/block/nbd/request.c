/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A request on an NBD connection: sent, waited for, and sent again when the connection broke. */
#include <errno.h>

#include "block/nbd/connection-private.h"

/* One that is under way; the list is in the order of sending. */
struct sent {
    struct nbd_connection *connection;
    struct co *co;
    GList link;
    int64_t since_us;
    int error;
    bool done;
    int64_t received; /* READ: bytes */
};

/* ---- what libnbd calls ---- */

static void finish(struct sent *sent, int error)
{
    g_queue_unlink(&sent->connection->sent, &sent->link);
    sent->error = error;
    sent->done = true;
    co_wake(sent->co, 0);
}

/*
 * Servers may answer in any order; but one that answers what was sent a whole time-out later will not answer at all.  Time alone does not
 * tell: much that was sent at once takes its time, in turn.
 */
static void look_for_forgotten(const struct sent *answered)
{
    struct nbd_connection *connection = answered->connection;
    int64_t patience_us = connection->settings.request_timeout_s * G_USEC_PER_SEC;
    const struct sent *oldest = g_queue_peek_head(&connection->sent);

    if (oldest && patience_us > 0 && answered->since_us - oldest->since_us > patience_us)
        connection->forgotten = true;
}

static int completed(void *data, int *error)
{
    struct sent *sent = data;

    finish(sent, *error);
    look_for_forgotten(sent);
    return 1; /* libnbd forgets it */
}

/* The last call for a request; the only one if its connection was closed. */
static void released(void *data)
{
    struct sent *sent = data;

    if (!sent->done)
        finish(sent, ENOTCONN);
}

/* A server may say that it is done and have sent less than all: libnbd 1.14 takes its word. */
static int received(void *data, const void *part, size_t count, uint64_t offset, unsigned status, int *error)
{
    struct sent *sent = data;

    if (status != LIBNBD_READ_ERROR)
        sent->received += count;
    return 0;
}

/* ---- once ---- */

static int64_t submit(struct nbd_connection *connection, const struct nbd_request *r, struct sent *sent)
{
    const struct nbd_library *lib = connection->library;
    nbd_completion_callback done = {.callback = completed, .user_data = sent, .free = released};

    switch (r->operation) {
    case NBD_READ:
        return lib->aio_pread_structured(connection->handle, r->buf, r->bytes, r->offset,
                                         (nbd_chunk_callback){.callback = received, .user_data = sent}, done, r->flags);
    case NBD_WRITE:
        return lib->aio_pwrite(connection->handle, r->buf, r->bytes, r->offset, done, r->flags);
    case NBD_FLUSH:
        return lib->aio_flush(connection->handle, done, r->flags);
    case NBD_TRIM:
        return lib->aio_trim(connection->handle, r->bytes, r->offset, done, r->flags);
    case NBD_ZERO:
        return lib->aio_zero(connection->handle, r->bytes, r->offset, done, r->flags);
    case NBD_STATUS:
        return lib->aio_block_status(connection->handle, r->bytes, r->offset, r->extent, done, r->flags);
    }
    g_assert_not_reached();
}

static void lose_patience(struct nbd_connection *connection)
{
    if (connection->cancelled++ == 0)
        connection->cancelled_us = g_get_monotonic_time();
    nbd_arm(connection);
}

static void regain_patience(struct nbd_connection *connection)
{
    if (--connection->cancelled == 0 && connection->state == NBD_UP)
        nbd_arm(connection);
}

/* The memory belongs to libnbd until the reply; whoever cancels gets the connection dropped if it stands still. */
static void await_reply_co(struct nbd_connection *connection, struct sent *sent)
{
    bool impatient = false;

    while (!sent->done) {
        if (impatient) {
            co_suspend_co();
        } else if (co_suspend_cancellable_co() == -ECANCELED && !sent->done) {
            impatient = true;
            lose_patience(connection);
        }
    }
    if (impatient)
        regain_patience(connection);
}

/* Sends once.  *ret_lost: it is not known what became of it. */
static int send_co(struct nbd_connection *connection, const struct nbd_request *request, bool *ret_lost)
{
    struct sent sent = {.connection = connection, .co = co_self(), .since_us = g_get_monotonic_time()};
    unsigned generation = connection->generation;

    sent.link.data = &sent;
    g_queue_push_tail_link(&connection->sent, &sent.link);
    connection->in_flight++;
    if (submit(connection, request, &sent) < 0) {
        int error = connection->library->get_errno();

        if (!sent.done)
            finish(&sent, 0);
        sent.error = error > 0 ? error : EIO;
    }
    nbd_watch(connection);
    if (!connection->armed && connection->state == NBD_UP)
        nbd_arm(connection);
    await_reply_co(connection, &sent);
    if (!sent.error && request->operation == NBD_READ && sent.received != request->bytes)
        sent.error = EPROTO;
    connection->in_flight--;
    *ret_lost = sent.error && (connection->state != NBD_UP || connection->generation != generation);
    return -sent.error;
}

/* ---- until it is known what became of it ---- */

int nbd_connection_request_co(struct nbd_connection *connection, const struct nbd_request *request)
{
    for (;;) {
        int ret = nbd_ensure_up_co(connection);
        unsigned generation = connection->generation;
        bool lost;

        if (ret < 0)
            return ret;
        ret = send_co(connection, request, &lost);
        if (!lost)
            return ret;
        if (co_cancelled())
            return -ECANCELED;
        if (!connection->settings.reconnect_delay_s && connection->hung_up != generation)
            return -EIO;
        if (request->restart)
            request->restart(request->extent.user_data);
    }
}
