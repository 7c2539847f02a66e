/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making an NBD connection: resolving the host, the handshake, and checking what the server says of its export. */
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "block/nbd/connection-private.h"

enum { HANDSHAKE_S = 30 }; /* at most; less where requests get less */

/* ---- the handshake ---- */

static int set_up(struct nbd_connection *connection)
{
    const struct nbd_library *lib = connection->library;
    const struct nbd_settings *settings = &connection->settings;
    const struct nbd_address *address = &settings->address;
    struct nbd_handle *h = connection->handle;
    bool good = lib->set_export_name(h, address->export_name) == 0 &&
                lib->add_meta_context(h, settings->dirty_bitmap ? settings->dirty_bitmap : "base:allocation") == 0 &&
                lib->add_meta_context(h, "qemu:allocation-depth") == 0 &&
                lib->set_pread_initialize(h, false) == 0; /* a reply that is not complete is an error: message.c */

    if (good && address->tls)
        good = lib->set_tls(h, LIBNBD_TLS_REQUIRE) == 0 && lib->set_tls_verify_peer(h, address->tls_verify) == 0;
    if (good && address->tls_certificates)
        good = lib->set_tls_certificates(h, address->tls_certificates) == 0;
    if (good && address->tls_psk_file)
        good = lib->set_tls_psk_file(h, address->tls_psk_file) == 0;
    if (good && address->tls_username)
        good = lib->set_tls_username(h, address->tls_username) == 0;
    return good ? 0 : -EIO;
}

static int start(struct nbd_connection *connection, const struct addrinfo *at)
{
    const struct nbd_library *lib = connection->library;
    const struct nbd_address *address = &connection->settings.address;

    if (address->path)
        return lib->aio_connect_unix(connection->handle, address->path);
    return lib->aio_connect(connection->handle, at->ai_addr, at->ai_addrlen);
}

static gboolean time_out(gpointer co)
{
    co_wake(co, -ETIMEDOUT);
    return G_SOURCE_REMOVE;
}

/* Until libnbd says ready or the connection was dropped. */
static int await_ready_co(struct nbd_connection *connection)
{
    uint64_t patience_s = connection->settings.request_timeout_s;
    unsigned seconds = patience_s > 0 && patience_s < HANDSHAKE_S ? patience_s : HANDSHAKE_S;
    GSource *timer = g_timeout_source_new(seconds * 1000);
    int ret = 0;

    g_source_set_callback(timer, time_out, co_self(), NULL);
    g_source_attach(timer, g_main_context_get_thread_default());
    connection->connector = co_self();
    while (connection->handle && !connection->library->aio_is_ready(connection->handle) && ret == 0)
        ret = co_suspend_cancellable_co();
    connection->connector = NULL;
    g_source_destroy(timer);
    g_source_unref(timer);
    if (connection->handle && ret == -ETIMEDOUT)
        nbd_drop(connection, "the server did not finish the handshake in time", ETIMEDOUT);
    else if (connection->handle && ret == -ECANCELED)
        nbd_drop(connection, "cancelled", ECANCELED);
    return connection->handle ? 0 : ret == -ECANCELED ? ret : -EIO;
}

/* ---- what the server says ---- */

static bool yes(int answer)
{
    return answer > 0;
}

static int check_export(const struct nbd_connection *connection, struct nbd_export *export, GError **error)
{
    const struct nbd_library *lib = connection->library;
    struct nbd_handle *h = connection->handle;
    int64_t minimum = lib->get_block_size(h, LIBNBD_SIZE_MINIMUM), maximum = lib->get_block_size(h, LIBNBD_SIZE_MAXIMUM);
    int64_t preferred = lib->get_block_size(h, LIBNBD_SIZE_PREFERRED);
    const char *bitmap = connection->settings.dirty_bitmap;

    *export = (struct nbd_export){
        .size = lib->get_size(h),
        .minimum_block = CLAMP(minimum, 1, 1 << 30),
        .maximum_block = 32 << 20, /* what every server takes (NBD protocol, "Block size constraints") */
        .read_only = lib->is_read_only(h) != 0,
        .can_flush = yes(lib->can_flush(h)),
        .can_fua = yes(lib->can_fua(h)),
        .can_trim = yes(lib->can_trim(h)),
        .can_zero = yes(lib->can_zero(h)),
        .can_fast_zero = yes(lib->can_fast_zero(h)),
        .can_df = yes(lib->can_df(h)),
        .has_allocation = yes(lib->can_meta_context(h, bitmap ? bitmap : "base:allocation")),
        .is_dirty_bitmap = bitmap != NULL,
        .has_depth = !bitmap && yes(lib->can_meta_context(h, "qemu:allocation-depth")),
        .tls = yes(lib->get_tls_negotiated(h)),
    };
    if (export->size < 0) {
        g_set_error_literal(error, OPTIONS_ERROR, EFBIG, "the server announced an impossible size");
        return -EFBIG;
    }
    if ((export->minimum_block & (export->minimum_block - 1)) || export->minimum_block > 64 * 1024) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "the server announced an impossible minimum block size of %u bytes",
                    export->minimum_block);
        return -EINVAL;
    }
    if (maximum > 0)
        export->maximum_block = MIN(export->maximum_block, MAX(maximum, export->minimum_block));
    export->maximum_block &= ~(export->minimum_block - 1);
    export->preferred_block = CLAMP(preferred, export->minimum_block, export->maximum_block) & ~(export->minimum_block - 1);
    if (bitmap && !export->has_allocation) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "requested x-dirty-bitmap %s not found", bitmap);
        return -EINVAL;
    }
    return 0;
}

/* ---- all together ---- */

/*
 * libnbd compares the certificate with the name only where it looked the name up itself, and the first of the addresses is tried in
 * that call: on a thread, as a name server may keep it waiting.  The rest goes on here.
 */
static int start_by_name_co(struct nbd_connection *connection)
{
    const struct nbd_address *address = &connection->settings.address;
    struct nbd_handle *handle = g_steal_pointer(&connection->handle);
    g_autofree char *text = NULL, *why = NULL;
    int error = 0, ret = nbd_connect_by_name_co(connection->library, &handle, address->host, address->port, &text, &error);

    if (!handle) {
        g_free(connection->why);
        connection->why = g_strdup(ret == -ECANCELED ? "cancelled" : text);
        connection->why_errno = ret == -ECANCELED ? ECANCELED : error;
        return ret;
    }
    connection->handle = handle;
    nbd_attach(connection);
    if (ret < 0) {
        why = nbd_plain_error(text);
        nbd_drop(connection, why, error);
    }
    return ret;
}

static int start_at(struct nbd_connection *connection, const struct addrinfo *at)
{
    nbd_attach(connection);
    if (start(connection, at) == 0)
        return 0;
    nbd_drop(connection, NULL, 0);
    return -EIO;
}

static int attempt_co(struct nbd_connection *connection, const struct addrinfo *at)
{
    const struct nbd_address *address = &connection->settings.address;
    int ret;

    connection->handle = connection->library->create();
    if (!connection->handle)
        return -ENOMEM;
    if (set_up(connection) < 0) {
        nbd_attach(connection);
        nbd_drop(connection, NULL, 0);
        return -EIO;
    }
    ret = address->tls && !address->path ? start_by_name_co(connection) : start_at(connection, at);
    if (ret < 0)
        return ret;
    nbd_watch(connection);
    ret = connection->handle ? await_ready_co(connection) : -EIO;
    if (ret == 0)
        connection->state = NBD_UP;
    return ret;
}

/* The message for why the last attempt failed. */
static void explain(const struct nbd_connection *connection, GError **error)
{
    const char *why = connection->why ? connection->why : "out of memory", *peer = connection->settings.address.peer;
    const char *export = connection->settings.address.export_name;

    if (strstr(why, "connect:") || strstr(why, "connect_") || connection->why_errno == ETIMEDOUT)
        g_set_error(error, OPTIONS_ERROR, EIO, "Failed to connect to '%s': %s", peer,
                    connection->why_errno && !strstr(why, "in time") ? g_strerror(connection->why_errno) : why);
    else if (connection->why_errno == ENOENT)
        g_set_error(error, OPTIONS_ERROR, ENOENT, "Requested export not available\nserver reported: export '%s' not present", export);
    else
        g_set_error(error, OPTIONS_ERROR, EIO, "NBD server at '%s': %s", peer, why);
}

static int try_addresses_co(struct nbd_connection *connection, GError **error)
{
    const struct nbd_address *address = &connection->settings.address;
    struct addrinfo *found = NULL;
    int ret = address->path ? 0 : nbd_resolve_co(address->host, address->port, &found, error);

    if (ret < 0)
        return ret;
    for (const struct addrinfo *at = found;; at = at->ai_next) {
        ret = attempt_co(connection, at);
        if (ret == 0 || ret == -ECANCELED || address->path || address->tls || !at->ai_next)
            break;
    }
    if (found)
        freeaddrinfo(found);
    if (ret < 0)
        explain(connection, error);
    return ret;
}

int nbd_connect_co(struct nbd_connection *connection, GError **error)
{
    struct nbd_export export;
    int ret = try_addresses_co(connection, error);

    if (ret == 0) {
        ret = check_export(connection, &export, error);
        if (ret < 0) {
            connection->state = NBD_CONNECTING; /* not lost: refused */
            nbd_drop(connection, (*error)->message, -ret);
        }
    }
    if (ret < 0) {
        connection->state = NBD_DOWN;
        return ret;
    }
    connection->export = export;
    connection->quick = true;
    connection->generation++;
    return 0;
}
