/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What goes to the server for the requests: mostly one message for each.
 *
 * A server's price is that of a message much more than that of its bytes: qemu-nbd hands each to a thread and gets it back.  So reads are held
 * until the loop would wait, and neighbours among them that were asked for in that turn are one message.
 *
 * The opposite is a large read from a server that answers at once.  In pieces, one is read from the file while another is on its way, and
 * both sides find memory for it that is in the processor's cache; for the same reason no more is asked for than a window, which is what
 * such a server sends in the time it takes to answer.  A server that takes its time over each message (an object store is behind it) gets
 * everything at once and whole.  A new one is taken for quick until it shows.
 *
 * waiter: a coroutine with its request.  held -> sent -> answered; it has one message, a part of one, or some.
 */
#include <errno.h>
#include <string.h>

#include "block/nbd/connection-private.h"
#include "util/intervals.h"

enum {
    SHARED_MAX = 64 * 1024, /* bytes of neighbours in one message */
    SHARERS_MAX = SHARED_MAX / 512,
    PIECE = 256 * 1024,
    WINDOW = 2 * 1024 * 1024,
    QUICK_US = 2000,
    SLOW_US = 20000,
};

/* The list is in the order of sending. */
struct message {
    unsigned refs; /* libnbd's, and who sends it */
    struct nbd_connection *connection;
    struct nbd_request request;
    GList link; /* in connection->sent until it is answered */
    bool submitting; /* by libnbd's call, which may refuse it */
    bool done;
    int64_t since_us;
    int64_t received; /* READ: bytes */
    uint64_t covers;  /* FLUSH: connection->written when it was sent */
    struct intervals *scattered; /* READ: those that have arrived, from the request's start; NULL while they come in order */
    bool overlaps;    /* READ: some came twice, or do not belong to it */
    void *shared;     /* request.buf, if it is for several */
    unsigned n_waiters;
    struct nbd_waiter *waiters[]; /* in the order of their offsets */
};

static void message_unref(struct message *message)
{
    if (--message->refs > 0)
        return;
    intervals_free(message->scattered);
    g_free(message->shared);
    g_free(message);
}

/* ---- what libnbd calls ---- */

static void part_answered(struct nbd_waiter *waiter, int error)
{
    if (!waiter->error)
        waiter->error = error;
    if (--waiter->pending == 0 && !waiter->held && waiter->suspended)
        co_wake(waiter->co, 0);
}

static void hand_out(struct message *message)
{
    const uint8_t *from = message->shared;

    for (unsigned i = 0; i < message->n_waiters; i++) {
        const struct nbd_request *request = message->waiters[i]->request;

        memcpy(request->buf, from, request->bytes);
        from += request->bytes;
    }
}

/* What is on the server's disk for certain, and what is not. */
static void count_written(const struct message *message)
{
    struct nbd_connection *connection = message->connection;

    switch (message->request.operation) {
    case NBD_FLUSH:
        connection->flushed = MAX(connection->flushed, message->covers);
        break;
    case NBD_WRITE:
    case NBD_TRIM:
    case NBD_ZERO:
        connection->written += !(message->request.flags & LIBNBD_CMD_FLAG_FUA);
        break;
    case NBD_READ:
    case NBD_STATUS:
        break;
    }
}

static void answered(struct message *message, int error)
{
    /* A server may say that it is done and have sent less than all, or the same twice: libnbd 1.14 takes its word. */
    if (!error && message->request.operation == NBD_READ && (message->overlaps || message->received != message->request.bytes))
        error = EPROTO;
    g_queue_unlink(&message->connection->sent, &message->link);
    if (message->request.operation == NBD_READ)
        message->connection->reading -= message->request.bytes;
    if (message->request.operation == NBD_STATUS && error && error != ENOTCONN) /* that is libnbd's, of what had no answer */
        message->connection->status_failed = true;
    message->done = true;
    if (!error)
        count_written(message);
    if (message->shared && !error)
        hand_out(message);
    for (unsigned i = 0; i < message->n_waiters; i++)
        part_answered(message->waiters[i], error);
}

/*
 * Servers may answer in any order; but one that answers what was sent a whole time-out later will not answer at all.  Time alone does not
 * tell: much that was sent at once takes its time, in turn.
 */
static void look_for_forgotten(const struct message *latest)
{
    struct nbd_connection *connection = latest->connection;
    int64_t patience_us = connection->settings.request_timeout_s * G_USEC_PER_SEC;
    const struct message *oldest = g_queue_peek_head(&connection->sent);

    if (oldest && patience_us > 0 && latest->since_us - oldest->since_us > patience_us)
        connection->forgotten = true;
}

/* It is the time of the server, as there is no more than a window before it. */
static void time_answer(const struct message *message)
{
    struct nbd_connection *connection = message->connection;
    int64_t taken_us = g_get_monotonic_time() - message->since_us;

    if (connection->quick ? taken_us > SLOW_US : taken_us < QUICK_US)
        connection->quick = !connection->quick;
}

static int completed(void *data, int *error)
{
    struct message *message = data;
    struct nbd_connection *connection = message->connection;

    connection->answers++;
    if (message->request.operation == NBD_READ)
        time_answer(message);
    answered(message, *error);
    look_for_forgotten(message);
    return 1; /* libnbd forgets it */
}

/* The last call for a message; the only one if its connection was closed. */
static void released(void *data)
{
    struct message *message = data;

    if (!message->done && !message->submitting)
        answered(message, ENOTCONN);
    message_unref(message);
}

static void note_scattered(struct message *message, int64_t start, int64_t end)
{
    int64_t gap_end;

    if (!message->scattered) {
        message->scattered = intervals_new();
        intervals_add(message->scattered, 0, message->received);
    }
    if (start < 0 || end > message->request.bytes || intervals_at(message->scattered, start, &gap_end) || gap_end < end)
        message->overlaps = true;
    else
        intervals_add(message->scattered, start, end);
}

/* The pieces of a reply may come in any order. */
static int received(void *data, const void *part, size_t count, uint64_t offset, unsigned status, int *error)
{
    struct message *message = data;
    int64_t start = offset - message->request.offset;

    if (status == LIBNBD_READ_ERROR || count == 0)
        return 0;
    if (message->scattered || start != message->received)
        note_scattered(message, start, start + count);
    message->received += count;
    return 0;
}

/* ---- sending ---- */

/*
 * A short read is asked for in one piece: servers then don't look for holes in it first, which costs more than the bytes.  All
 * take that for so many (NBD protocol, NBD_CMD_FLAG_DF), if this server, which may be another one than before, knows it at all.
 */
static unsigned read_flags(const struct nbd_connection *connection, const struct nbd_request *request)
{
    enum { ONE_PIECE_MAX = 65536 };

    return request->flags | (request->bytes <= ONE_PIECE_MAX && connection->export.can_df ? LIBNBD_CMD_FLAG_DF : 0);
}

static int64_t submit(struct message *message)
{
    const struct nbd_library *lib = message->connection->library;
    struct nbd_handle *handle = message->connection->handle;
    const struct nbd_request *r = &message->request;
    nbd_completion_callback done = {.callback = completed, .user_data = message, .free = released};

    switch (r->operation) {
    case NBD_READ:
        return lib->aio_pread_structured(handle, r->buf, r->bytes, r->offset,
                                         (nbd_chunk_callback){.callback = received, .user_data = message}, done,
                                         read_flags(message->connection, r));
    case NBD_WRITE:
        return lib->aio_pwrite(handle, r->buf, r->bytes, r->offset, done, r->flags);
    case NBD_FLUSH:
        return lib->aio_flush(handle, done, r->flags);
    case NBD_TRIM:
        return lib->aio_trim(handle, r->bytes, r->offset, done, r->flags);
    case NBD_ZERO:
        return lib->aio_zero(handle, r->bytes, r->offset, done, r->flags);
    case NBD_STATUS:
        return lib->aio_block_status(handle, r->bytes, r->offset, r->extent, done, r->flags);
    }
    g_assert_not_reached();
}

static void send_message(struct nbd_connection *connection, const struct nbd_request *request, void *shared, struct nbd_waiter **waiters, unsigned n)
{
    struct message *message = g_malloc(sizeof(*message) + n * sizeof(*waiters));
    bool refused;

    *message = (struct message){.refs = 2, .connection = connection, .request = *request, .link.data = message, .since_us = g_get_monotonic_time(),
                                .covers = connection->written, .shared = shared, .n_waiters = n};
    memcpy(message->waiters, waiters, n * sizeof(*waiters));
    for (unsigned i = 0; i < n; i++)
        waiters[i]->pending++;
    g_queue_push_tail_link(&connection->sent, &message->link);
    if (request->operation == NBD_READ)
        connection->reading += request->bytes;
    message->submitting = true;
    refused = submit(message) < 0;
    message->submitting = false;
    if (!message->done && message->refs == 1) { /* libnbd has forgotten it */
        int error = refused ? connection->library->get_errno() : ENOTCONN;

        answered(message, error > 0 ? error : EIO);
    }
    message_unref(message);
}

static int64_t piece_size(const struct nbd_connection *connection)
{
    int64_t piece = connection->settings.one_at_a_time ? INT64_MAX / 2 : MAX(PIECE, connection->export.preferred_block);

    return MIN(piece, connection->export.maximum_block);
}

/* The next piece of a large read: whether it was the last. */
static bool send_piece(struct nbd_connection *connection, struct nbd_waiter *waiter)
{
    struct nbd_request piece = *waiter->request;
    int64_t end = piece.offset + piece.bytes, size = piece_size(connection);

    piece.offset += waiter->sent;
    piece.buf = (uint8_t *)piece.buf + waiter->sent;
    piece.bytes = connection->quick ? MIN(end, piece.offset - piece.offset % size + size) - piece.offset : end - piece.offset;
    waiter->sent += piece.bytes;
    send_message(connection, &piece, NULL, &waiter, 1);
    return piece.offset + piece.bytes == end;
}

static void send_shared(struct nbd_connection *connection, struct nbd_waiter **waiters, unsigned n, int64_t bytes)
{
    struct nbd_request all = *waiters[0]->request;

    all.bytes = bytes;
    all.buf = g_malloc(bytes);
    for (unsigned i = 0; i < n; i++)
        waiters[i]->shares = true;
    send_message(connection, &all, all.buf, waiters, n);
}

static bool may_share(const struct nbd_waiter *waiter, const struct nbd_waiter *next, int64_t bytes)
{
    const struct nbd_request *a = waiter->request, *b = next->request;

    return !waiter->alone && !next->alone && a->offset + a->bytes == b->offset && a->flags == b->flags && bytes + b->bytes <= SHARED_MAX;
}

static void leave_held(struct nbd_connection *connection, struct nbd_waiter *waiter)
{
    g_queue_unlink(&connection->held, &waiter->link);
    waiter->held = false;
}

/* The first of those that are held, and those that go with it. */
static void send_together(struct nbd_connection *connection)
{
    struct nbd_waiter *waiters[SHARERS_MAX], *next;
    unsigned n = 0;
    int64_t bytes = 0;

    do {
        waiters[n] = g_queue_peek_head(&connection->held);
        leave_held(connection, waiters[n]);
        bytes += waiters[n]->request->bytes;
        next = g_queue_peek_head(&connection->held);
        n++;
    } while (next && n < SHARERS_MAX && may_share(waiters[n - 1], next, bytes));
    if (n > 1)
        send_shared(connection, waiters, n, bytes);
    else
        send_message(connection, waiters[0]->request, NULL, waiters, 1);
}

static void send_first(struct nbd_connection *connection)
{
    struct nbd_waiter *first = g_queue_peek_head(&connection->held);

    if (first->request->bytes < 2 * piece_size(connection)) {
        send_together(connection);
        return;
    }
    first->pending++; /* it is not woken between two pieces */
    if (send_piece(connection, first))
        leave_held(connection, first);
    part_answered(first, 0);
}

int64_t nbd_unanswered_since_us(const struct nbd_connection *connection)
{
    const struct message *oldest = connection->sent.head ? connection->sent.head->data : NULL;

    return oldest ? oldest->since_us : 0;
}

bool nbd_only_reads(const struct nbd_connection *connection)
{
    for (const GList *l = connection->sent.head; l; l = l->next) {
        const struct message *message = l->data;

        if (message->request.operation != NBD_READ && message->request.operation != NBD_STATUS)
            return false;
    }
    return true;
}

static void watch(struct nbd_connection *connection)
{
    nbd_watch(connection);
    if (!connection->armed && connection->state == NBD_UP)
        nbd_arm(connection);
}

void nbd_send_held(struct nbd_connection *connection)
{
    bool any = false;

    while (!g_queue_is_empty(&connection->held) && (!connection->quick || connection->reading < WINDOW)) {
        send_first(connection);
        any = true;
    }
    if (any)
        watch(connection);
}

void nbd_send(struct nbd_connection *connection, struct nbd_waiter *waiter)
{
    waiter->link.data = waiter;
    if (waiter->request->operation == NBD_READ) {
        waiter->held = true;
        g_queue_push_tail_link(&connection->held, &waiter->link);
        return;
    }
    nbd_send_held(connection);
    if (connection->state != NBD_UP) {
        waiter->error = ENOTCONN;
        return;
    }
    send_message(connection, waiter->request, NULL, &waiter, 1);
    watch(connection);
}

void nbd_take_back(struct nbd_connection *connection, struct nbd_waiter *waiter, int error)
{
    leave_held(connection, waiter);
    if (!waiter->error)
        waiter->error = error;
}

void nbd_fail_held(struct nbd_connection *connection)
{
    while (!g_queue_is_empty(&connection->held)) {
        struct nbd_waiter *waiter = g_queue_peek_head(&connection->held);

        nbd_take_back(connection, waiter, ENOTCONN);
        if (!waiter->pending && waiter->suspended)
            co_wake(waiter->co, 0);
    }
}
