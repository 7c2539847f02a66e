/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/nbd/connection-private.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/source.h"

enum {
    RETRY_US = G_USEC_PER_SEC / 2, /* between attempts */
    REPLIES_MAX = 64,              /* taken before the loop's other sources have their turn */
};

#define HUNG_UP "the server closed the connection"

/* ---- the socket ---- */

struct nbd_source {
    GSource source;
    struct nbd_connection *connection;
};

void nbd_tell(const struct nbd_connection *connection, const char *line)
{
    if (connection->tell)
        connection->tell(connection->tell_data, line);
}

static bool has_bytes(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/*
 * libnbd reads one reply and returns: where others are waited for, the next may be there already.  It is told so only if it is: of what
 * turns out to be no reply, it waits for the rest and sends nothing meanwhile.
 */
static void take_replies(struct nbd_connection *connection)
{
    const struct nbd_library *lib = connection->library;

    for (unsigned i = 0; i < REPLIES_MAX; i++) {
        unsigned before = connection->answers;

        if (lib->aio_notify_read(connection->handle) < 0 || connection->answers == before || g_queue_is_empty(&connection->sent) ||
            connection->export.tls || !lib->aio_is_ready(connection->handle) || !has_bytes(connection->fd))
            return;
    }
}

static void pump(struct nbd_connection *connection, GIOCondition events)
{
    const struct nbd_library *lib = connection->library;
    unsigned direction = lib->aio_get_direction(connection->handle);
    bool broken = events & (G_IO_HUP | G_IO_ERR);

    if (direction & LIBNBD_AIO_DIRECTION_READ && (events & G_IO_IN || broken)) {
        nbd_watchdog_hear(connection);
        take_replies(connection);
        direction = lib->aio_get_direction(connection->handle);
        broken = false;
    }
    if (direction & LIBNBD_AIO_DIRECTION_WRITE && (events & G_IO_OUT || broken)) {
        connection->progress++;
        lib->aio_notify_write(connection->handle);
    }
    nbd_watch(connection);
    if (connection->forgotten && connection->handle)
        nbd_drop(connection, "the server answers later requests but not an earlier one", ETIMEDOUT);
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
        nbd_watchdog_bark(connection);
    g_source_unref(source);
    co_run_ready(); /* who got a reply asks on without another turn of the loop */
    return G_SOURCE_CONTINUE;
}

/* Nothing else will be asked for in this turn. */
static gboolean prepare(GSource *source, int *timeout_ms)
{
    *timeout_ms = -1;
    nbd_send_held(((struct nbd_source *)source)->connection);
    return FALSE;
}

static GSourceFuncs source_funcs = {.prepare = prepare, .dispatch = dispatch};

void nbd_attach(struct nbd_connection *connection)
{
    connection->source = g_source_new(&source_funcs, sizeof(struct nbd_source));
    ((struct nbd_source *)connection->source)->connection = connection;
    g_source_set_static_name(connection->source, "nbd");
    g_source_set_can_recurse(connection->source, TRUE); /* it does not; but else each dispatch wakes the context up, twice */
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

/*
 * When it can't find out what is where, qemu-nbd (7.2) says so once for each context that it was asked for, and libnbd takes the second time for nonsense.
 * Nothing else is wrong with the server: what was under way is sent again, on a connection with one context.
 */
static bool answered_twice(const struct nbd_connection *connection)
{
    const struct nbd_export *export = &connection->export;

    return connection->state == NBD_UP && connection->status_failed && (export->has_depth || export->bitmaps->len > 0);
}

static void die(struct nbd_connection *connection)
{
    if (answered_twice(connection)) {
        connection->one_context = true;
        connection->hung_up = connection->generation;
        nbd_drop(connection, "it failed to tell what is where, and said so twice", EPROTO);
    } else {
        nbd_drop(connection, NULL, 0);
    }
}

void nbd_watch(struct nbd_connection *connection)
{
    const struct nbd_library *lib = connection->library;
    struct nbd_handle *handle = connection->handle;
    GIOCondition condition = 0;
    unsigned direction;
    int fd;

    if (lib->aio_is_closed(handle)) { /* of who hangs up after the handshake it says nothing: its last message is about something else */
        nbd_drop(connection, connection->state == NBD_UP ? HUNG_UP : NULL, 0);
        return;
    }
    if (lib->aio_is_dead(handle)) {
        die(connection);
        return;
    }
    if (connection->connector && (lib->aio_is_ready(handle) || (lib->aio_is_negotiating(handle) && !connection->choosing)))
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

char *nbd_plain_error(const char *text)
{
    const char *colon;

    if (!text)
        return g_strdup(HUNG_UP);
    colon = strstr(text, ": ");
    return g_strdup(g_str_has_prefix(text, "nbd_") && colon ? colon + 2 : text);
}

/* Whether anything was answered that may be gone now; it is counted once. */
static bool count_loss(struct nbd_connection *connection)
{
    bool any = connection->written > connection->flushed && !connection->of_helper; /* there is no other process to come back */

    connection->flushed = connection->written;
    if (any && connection->settings.losses)
        ++*connection->settings.losses;
    return any;
}

void nbd_drop(struct nbd_connection *connection, const char *why, int error)
{
    bool was_up = connection->state == NBD_UP, is_news = was_up && !nbd_is_done_with(connection);
    g_autofree char *said = why ? g_strdup(why) : nbd_plain_error(connection->library->get_error());

    connection->why_errno = why ? error : connection->library->get_errno();
    g_free(connection->why);
    connection->why = g_steal_pointer(&said);
    source_clear(&connection->source);
    connection->armed = connection->forgotten = connection->stalled = connection->status_failed = false;
    connection->lost_us = g_get_monotonic_time();
    connection->retry_us = 0;
    if (was_up)
        connection->state = NBD_DOWN;
    /* What was under way is told through the callbacks. */
    g_clear_pointer(&connection->handle, connection->library->close);
    nbd_fail_held(connection);
    if (connection->connector)
        co_wake(connection->connector, -EIO);
    bool any_lost = was_up && count_loss(connection);
    if (any_lost || is_news) {
        const char *doubt = any_lost ? "; what was written after the last flush may be lost" : "";
        g_autofree char *line = g_strdup_printf("NBD: the connection to %s is lost: %s%s", connection->settings.address.peer,
                                                connection->why, doubt);
        nbd_tell(connection, line);
    }
}

/* ---- life ---- */

struct nbd_connection *nbd_connection_new(const struct nbd_library *library, struct nbd_settings *settings, struct aio *aio,
                                          void (*tell)(void *data, const char *line), void *data)
{
    struct nbd_connection *connection = g_new0(struct nbd_connection, 1);

    connection->library = library;
    connection->settings = *settings;
    *settings = (struct nbd_settings){0};
    connection->aio = aio;
    connection->tell = tell;
    connection->tell_data = data;
    return connection;
}

void nbd_connection_free(struct nbd_connection *connection)
{
    g_assert(connection->in_flight == 0 && connection->trying == 0 && connection->state != NBD_CONNECTING);
    if (connection->state == NBD_UP) {
        connection->state = NBD_DOWN; /* not lost */
        connection->library->aio_disconnect(connection->handle, 0);
        nbd_drop(connection, "closed", 0);
    }
    nbd_address_clear(&connection->settings.address);
    g_free(connection->settings.dirty_bitmap);
    g_free(connection->why);
    g_free(connection->told);
    g_free(connection->said);
    g_free(connection->refused);
    g_clear_pointer(&connection->listed, g_ptr_array_unref);
    g_clear_pointer(&connection->export.bitmaps, g_ptr_array_unref);
    g_free(connection);
}

const struct nbd_export *nbd_connection_export(const struct nbd_connection *connection)
{
    return &connection->export;
}

void nbd_connection_describe(const struct nbd_connection *connection, struct blk_connection *ret_description)
{
    *ret_description = (struct blk_connection){
        .server = g_strdup(connection->settings.address.name),
        .why = connection->state == NBD_UP ? NULL : g_strdup(connection->why),
        .up = connection->state == NBD_UP,
        .trying = connection->trying > 0,
        .stalled_s = nbd_watchdog_stalled_s(connection),
        .encrypted = connection->export.tls,
        .reconnects = connection->generation > 0 ? connection->generation - 1 : 0,
    };
}

void nbd_connection_needs(const struct nbd_connection *connection, struct blk_needs *needs)
{
    const struct nbd_address *address = &connection->settings.address;
    guint64 number;

    if (address->path) {
        needs->network = needs->network || access(address->path, F_OK) == 0;
        return;
    }
    if (!g_ascii_string_to_unsigned(address->port, 10, 1, 65535, &number, NULL))
        needs->tcp_port = -1;
    else if (needs->tcp_port == 0)
        needs->tcp_port = (int)number;
    else if (needs->tcp_port != (int)number)
        needs->tcp_port = -1;
    needs->network = true;
}

void nbd_connection_set_patience(struct nbd_connection *connection, uint64_t reconnect_delay_s, uint64_t request_timeout_s)
{
    connection->settings.reconnect_delay_s = reconnect_delay_s;
    connection->settings.request_timeout_s = request_timeout_s;
    if (connection->state == NBD_UP)
        nbd_arm(connection);
}

/* ---- connecting again ---- */

static bool reconnects_until(const struct nbd_connection *connection, int64_t now_us)
{
    int64_t left_us = now_us - connection->lost_us;

    if (connection->hopeless)
        return false;
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
    else if ((before->can_flush && !now->can_flush) || (before->can_fua && !now->can_fua))
        what = "it does not say any more when bytes are on the disk";
    else if ((before->can_trim && !now->can_trim) || (before->can_zero && !now->can_zero) || (before->can_fast_zero && !now->can_fast_zero))
        what = "it does not take all requests any more";
    if (!what)
        return 0;
    g_set_error(error, OPTIONS_ERROR, EIO, "the export is not what it was: %s", what);
    return -EIO;
}

/* One line of why connecting failed. */
static void keep_reason(struct nbd_connection *connection, const GError *error)
{
    g_auto(GStrv) lines = g_strsplit(error->message, "\n", -1);

    g_free(connection->why);
    connection->why = g_strjoinv("; ", lines);
}

/* Requests fail of it, or wait: people want to know why, once. */
static void tell_reason(struct nbd_connection *connection)
{
    g_autofree char *line = g_strdup_printf("NBD: connecting again failed: %s", connection->why);

    if (g_strcmp0(connection->why, connection->told) == 0)
        return;
    g_free(connection->told);
    connection->told = g_strdup(connection->why);
    nbd_tell(connection, line);
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
        if (connection->export.bitmaps != before.bitmaps)
            g_ptr_array_unref(connection->export.bitmaps);
        connection->export = before;
        if (connection->state == NBD_UP) {
            connection->state = NBD_CONNECTING; /* said below */
            nbd_drop(connection, error->message, EIO);
        }
        if (error)
            keep_reason(connection, error);
        connection->state = NBD_DOWN;
        connection->lost_us = lost_us; /* the delay counts from the loss */
        connection->retry_us = g_get_monotonic_time() + RETRY_US;
        if (ret == -ECANCELED) /* it says nothing of the server: the next one tries */
            connection->retry_us = 0;
        else
            tell_reason(connection);
    } else {
        int64_t size = connection->export.size;
        g_autofree char *change = size == before.size ? NULL : g_strdup_printf(": the export has %" PRId64 " bytes now, not %" PRId64, size, before.size);
        g_autofree char *line = g_strdup_printf("NBD: connected to %s again%s%s", connection->settings.address.peer,
                                                connection->one_context && before.has_depth ? "; from now on it tells zeroes and data apart, and no layers" : "",
                                                change ? change : "");

        g_ptr_array_unref(before.bitmaps);
        connection->generation++;
        g_clear_pointer(&connection->told, g_free);
        nbd_tell(connection, line);
    }
    co_queue_wake_all(&connection->waiting);
    return ret;
}

static int become_up_co(struct nbd_connection *connection)
{
    while (connection->state != NBD_UP) {
        int64_t now_us = g_get_monotonic_time();

        if (co_cancelled())
            return -ECANCELED;
        if (connection->state == NBD_CONNECTING) {
            if (co_queue_wait_co(&connection->waiting) < 0)
                return -ECANCELED;
        } else if (now_us < connection->retry_us) {
            if (!reconnects_until(connection, now_us))
                return -EIO;
            if (co_sleep_co(connection->retry_us - now_us) < 0)
                return -ECANCELED;
        } else {
            int ret = reconnect_co(connection);

            if (ret == -ECANCELED || (ret < 0 && !reconnects_until(connection, g_get_monotonic_time())))
                return ret == -ECANCELED ? ret : -EIO;
        }
    }
    return 0;
}

int nbd_ensure_up_co(struct nbd_connection *connection)
{
    int ret;

    if (connection->state == NBD_UP)
        return 0;
    if (connection->trying++ == 0)
        nbd_tell(connection, NULL);
    ret = become_up_co(connection);
    if (--connection->trying == 0)
        nbd_tell(connection, NULL);
    return ret;
}

int nbd_connection_open_co(struct nbd_connection *connection, GError **error)
{
    int64_t until_us = g_get_monotonic_time() + connection->settings.open_timeout_s * G_USEC_PER_SEC;

    for (;;) {
        int ret;

        connection->state = NBD_CONNECTING;
        g_clear_error(error);
        ret = nbd_connect_co(connection, error);
        connection->generation += ret == 0;
        if (ret == 0 || ret == -ECANCELED || g_get_monotonic_time() + RETRY_US > until_us)
            return ret;
        if (co_sleep_co(RETRY_US) < 0)
            return -ECANCELED; /* with the last attempt's message */
    }
}
