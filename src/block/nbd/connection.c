/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/nbd/connection-private.h"

#include <errno.h>
#include <string.h>

#include "io/clock.h"

enum {
    IMPATIENT_US = 2 * G_USEC_PER_SEC, /* after a cancellation */
    RETRY_US = G_USEC_PER_SEC / 2,     /* between attempts */
};

/* ---- the socket ---- */

struct nbd_source {
    GSource source;
    struct nbd_connection *connection;
};

static int64_t patience_us(const struct nbd_connection *connection)
{
    if (connection->impatient)
        return IMPATIENT_US;
    return connection->settings.request_timeout_s * G_USEC_PER_SEC;
}

static void arm(struct nbd_connection *connection)
{
    int64_t patience = patience_us(connection);

    connection->armed = patience > 0;
    connection->watched = connection->progress;
    if (connection->armed)
        g_source_set_ready_time(connection->source, g_get_monotonic_time() + patience);
}

/* Runs once after the last reply at the latest, so that an idle connection makes no wake-ups. */
static void bark(struct nbd_connection *connection)
{
    g_source_set_ready_time(connection->source, -1);
    connection->armed = false;
    if (connection->in_flight == 0)
        return;
    if (connection->progress != connection->watched) {
        arm(connection);
        return;
    }
    g_autofree char *why = g_strdup_printf("the server did not answer for %" G_GINT64_FORMAT " seconds",
                                           patience_us(connection) / G_USEC_PER_SEC);
    nbd_drop(connection, why, ETIMEDOUT);
}

static void pump(struct nbd_connection *connection, GIOCondition events)
{
    const struct nbd_library *lib = connection->library;
    unsigned direction = lib->aio_get_direction(connection->handle);
    bool broken = events & (G_IO_HUP | G_IO_ERR);

    if (direction & LIBNBD_AIO_DIRECTION_READ && (events & G_IO_IN || broken)) {
        connection->progress++;
        lib->aio_notify_read(connection->handle);
        direction = lib->aio_get_direction(connection->handle);
        broken = false;
    }
    if (direction & LIBNBD_AIO_DIRECTION_WRITE && (events & G_IO_OUT || broken)) {
        connection->progress++;
        lib->aio_notify_write(connection->handle);
    }
    nbd_watch(connection);
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    struct nbd_connection *connection = ((struct nbd_source *)source)->connection;
    GIOCondition events = connection->tag ? g_source_query_unix_fd(source, connection->tag) : 0;
    int64_t ready = g_source_get_ready_time(source);

    g_source_ref(source); /* either may end the connection */
    if (events)
        pump(connection, events);
    if (!g_source_is_destroyed(source) && ready >= 0 && ready <= g_get_monotonic_time())
        bark(connection);
    g_source_unref(source);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.dispatch = dispatch};

void nbd_attach(struct nbd_connection *connection)
{
    connection->source = g_source_new(&source_funcs, sizeof(struct nbd_source));
    ((struct nbd_source *)connection->source)->connection = connection;
    g_source_set_static_name(connection->source, "nbd");
    connection->fd = -1;
    connection->tag = NULL;
    g_source_attach(connection->source, g_main_context_get_thread_default());
}

static void follow(struct nbd_connection *connection, int fd, GIOCondition condition)
{
    if (fd != connection->fd) { /* the next of the host's addresses */
        if (connection->tag)
            g_source_remove_unix_fd(connection->source, connection->tag);
        connection->tag = g_source_add_unix_fd(connection->source, fd, condition);
    } else if (condition != connection->condition) {
        g_source_modify_unix_fd(connection->source, connection->tag, condition);
    }
    connection->fd = fd;
    connection->condition = condition;
}

void nbd_watch(struct nbd_connection *connection)
{
    const struct nbd_library *lib = connection->library;
    struct nbd_handle *handle = connection->handle;
    GIOCondition condition = 0;
    unsigned direction;
    int fd;

    if (lib->aio_is_dead(handle) || lib->aio_is_closed(handle)) {
        nbd_drop(connection, NULL, 0);
        return;
    }
    if (connection->connector && lib->aio_is_ready(handle))
        co_wake(connection->connector, 0);
    direction = lib->aio_get_direction(handle);
    if (direction & LIBNBD_AIO_DIRECTION_READ)
        condition |= G_IO_IN | G_IO_HUP | G_IO_ERR;
    if (direction & LIBNBD_AIO_DIRECTION_WRITE)
        condition |= G_IO_OUT | G_IO_HUP | G_IO_ERR;
    fd = lib->aio_get_fd(handle);
    if (fd >= 0)
        follow(connection, fd, condition);
}

/* libnbd's message, without the name of the function in front, or the kernel's. */
static char *last_error(const struct nbd_connection *connection)
{
    const char *text = connection->library->get_error(), *colon;

    if (!text)
        return g_strdup("the server closed the connection");
    colon = strstr(text, ": ");
    return g_strdup(g_str_has_prefix(text, "nbd_") && colon ? colon + 2 : text);
}

void nbd_drop(struct nbd_connection *connection, const char *why, int error)
{
    bool was_up = connection->state == NBD_UP;
    g_autofree char *said = why ? g_strdup(why) : last_error(connection);

    connection->why_errno = why ? error : connection->library->get_errno();
    g_free(connection->why);
    connection->why = g_steal_pointer(&said);
    g_source_destroy(connection->source);
    g_clear_pointer(&connection->source, g_source_unref);
    connection->armed = connection->impatient = false;
    connection->lost_us = g_get_monotonic_time();
    connection->retry_us = 0;
    if (was_up)
        connection->state = NBD_DOWN;
    /* What was under way is told through the callbacks. */
    g_clear_pointer(&connection->handle, connection->library->close);
    if (connection->connector)
        co_wake(connection->connector, -EIO);
    if (was_up && connection->warn) {
        g_autofree char *line = g_strdup_printf("NBD: the connection to %s is lost: %s", connection->settings.address.peer,
                                                connection->why);
        connection->warn(connection->warn_data, line);
    }
}

/* ---- life ---- */

struct nbd_connection *nbd_connection_new(const struct nbd_library *library, struct nbd_settings *settings, struct aio *aio,
                                          void (*warn)(void *data, const char *line), void *data)
{
    struct nbd_connection *connection = g_new0(struct nbd_connection, 1);

    connection->library = library;
    connection->settings = *settings;
    *settings = (struct nbd_settings){0};
    connection->aio = aio;
    connection->warn = warn;
    connection->warn_data = data;
    return connection;
}

void nbd_connection_free(struct nbd_connection *connection)
{
    g_assert(connection->in_flight == 0 && connection->state != NBD_CONNECTING);
    if (connection->state == NBD_UP) {
        connection->state = NBD_DOWN; /* not lost */
        connection->library->aio_disconnect(connection->handle, 0);
        nbd_drop(connection, "closed", 0);
    }
    nbd_address_clear(&connection->settings.address);
    g_free(connection->settings.dirty_bitmap);
    g_free(connection->why);
    g_free(connection);
}

const struct nbd_export *nbd_connection_export(const struct nbd_connection *connection)
{
    return &connection->export;
}

bool nbd_connection_is_up(const struct nbd_connection *connection, const char **ret_why)
{
    *ret_why = connection->why;
    return connection->state == NBD_UP;
}

unsigned nbd_connection_generation(const struct nbd_connection *connection)
{
    return connection->generation;
}

/* ---- connecting again ---- */

static bool reconnects_until(const struct nbd_connection *connection, int64_t now_us)
{
    int64_t left_us = now_us - connection->lost_us;

    return (uint64_t)left_us / G_USEC_PER_SEC < connection->settings.reconnect_delay_s;
}

/* The export may be another one by now: it must still be what the image above was told. */
static int check_same(const struct nbd_export *before, const struct nbd_export *now, GError **error)
{
    const char *what = NULL;

    if (now->read_only && !before->read_only)
        what = "it has become read-only";
    else if (now->minimum_block > before->minimum_block)
        what = "it takes larger blocks only";
    else if (now->maximum_block < before->maximum_block)
        what = "it takes smaller requests only";
    if (!what)
        return 0;
    g_set_error(error, OPTIONS_ERROR, EIO, "the export is not what it was: %s", what);
    return -EIO;
}

static int reconnect_co(struct nbd_connection *connection)
{
    g_autoptr(GError) error = NULL;
    struct nbd_export before = connection->export;
    int64_t lost_us = connection->lost_us;
    int ret;

    connection->state = NBD_CONNECTING;
    ret = nbd_connect_co(connection, &error);
    if (ret == 0)
        ret = check_same(&before, &connection->export, &error);
    if (ret < 0) {
        connection->export = before;
        if (connection->state == NBD_UP) {
            connection->state = NBD_CONNECTING; /* said below */
            nbd_drop(connection, error->message, EIO);
        }
        connection->state = NBD_DOWN;
        connection->lost_us = lost_us; /* the delay counts from the loss */
        connection->retry_us = g_get_monotonic_time() + RETRY_US;
    } else if (connection->warn) {
        g_autofree char *line = g_strdup_printf("NBD: connected to %s again", connection->settings.address.peer);

        connection->warn(connection->warn_data, line);
    }
    co_queue_wake_all(&connection->waiting);
    return ret;
}

/* Waits until the connection is up: 0, or why not. */
static int ensure_up_co(struct nbd_connection *connection)
{
    int ret = 0;

    while (connection->state != NBD_UP) {
        int64_t now_us = g_get_monotonic_time();

        if (co_cancelled())
            return -ECANCELED;
        if (connection->state == NBD_CONNECTING) {
            if (co_queue_wait_co(&connection->waiting) < 0)
                return -ECANCELED;
            if (connection->state == NBD_DOWN && !reconnects_until(connection, g_get_monotonic_time()))
                return -EIO;
            continue;
        }
        if (now_us < connection->retry_us) {
            if (!reconnects_until(connection, now_us))
                return -EIO;
            if (co_sleep_co(connection->retry_us - now_us) < 0)
                return -ECANCELED;
            continue;
        }
        ret = reconnect_co(connection);
        if (ret < 0 && !reconnects_until(connection, g_get_monotonic_time()))
            return ret == -ECANCELED ? ret : -EIO;
    }
    return 0;
}

int nbd_connection_open_co(struct nbd_connection *connection, GError **error)
{
    int64_t until_us = g_get_monotonic_time() + connection->settings.open_timeout_s * G_USEC_PER_SEC;

    for (;;) {
        int ret;

        connection->state = NBD_CONNECTING;
        g_clear_error(error);
        ret = nbd_connect_co(connection, error);
        if (ret == 0 || ret == -ECANCELED || g_get_monotonic_time() + RETRY_US > until_us)
            return ret;
        if (co_sleep_co(RETRY_US) < 0)
            return -ECANCELED; /* with the last attempt's message */
    }
}

/* ---- requests ---- */

struct sent {
    struct co *co;
    int error;
    bool done;
    int64_t received; /* READ: bytes */
};

static void finish(struct sent *sent, int error)
{
    sent->error = error;
    sent->done = true;
    co_wake(sent->co, 0);
}

static int completed(void *data, int *error)
{
    finish(data, *error);
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

/* The memory belongs to libnbd until the reply; whoever cancels gets the connection dropped if it stands still. */
static void await_reply_co(struct nbd_connection *connection, struct sent *sent)
{
    unsigned generation = connection->generation;
    bool cancelled = false;

    while (!sent->done) {
        if (cancelled) {
            co_suspend_co();
        } else if (co_suspend_cancellable_co() == -ECANCELED) {
            cancelled = true;
            if (!sent->done && connection->state == NBD_UP && connection->generation == generation) {
                connection->impatient = true;
                arm(connection);
            }
        }
    }
}

/* Sends once.  *ret_lost: it is not known what became of it. */
static int send_co(struct nbd_connection *connection, const struct nbd_request *request, bool *ret_lost)
{
    struct sent sent = {.co = co_self()};
    unsigned generation = connection->generation;

    connection->in_flight++;
    if (submit(connection, request, &sent) < 0) {
        int error = connection->library->get_errno();

        sent.done = true;
        sent.error = error > 0 ? error : EIO;
    }
    nbd_watch(connection);
    if (!connection->armed && connection->state == NBD_UP)
        arm(connection);
    await_reply_co(connection, &sent);
    if (!sent.error && request->operation == NBD_READ && sent.received != request->bytes)
        sent.error = EPROTO;
    connection->in_flight--;
    *ret_lost = sent.error && (connection->state != NBD_UP || connection->generation != generation);
    return -sent.error;
}

int nbd_connection_request_co(struct nbd_connection *connection, const struct nbd_request *request)
{
    for (;;) {
        bool lost;
        int ret = ensure_up_co(connection);

        if (ret < 0)
            return ret;
        ret = send_co(connection, request, &lost);
        if (!lost)
            return ret;
        if (co_cancelled())
            return -ECANCELED;
        if (!connection->settings.reconnect_delay_s)
            return -EIO;
        if (request->restart)
            request->restart(request->extent.user_data);
    }
}
