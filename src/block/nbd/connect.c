/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making an NBD connection: resolving the host, the handshake, and checking what the server says of its export. */
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "block/nbd/connection-private.h"
#include "block/nbd/server.h"
#include "block/nbd/tls.h"
#include "io/sandbox.h"
#include "util/source.h"

enum {
    HANDSHAKE_S = 30, /* at most; less where requests get less */
    BITMAPS_MAX = 64, /* whose names are kept */
};

/* ---- the handshake ---- */

/* On one line, so that no part of it is taken for a message of ours; whoever shows it may not escape it (the reference program does not). */
static char *printable(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *out = g_string_new(NULL);

    for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        g_string_append_unichar(out, g_unichar_isprint(c) ? c : 0xfffd);
    }
    return g_string_free(out, FALSE);
}

/* libnbd passes on what the server says only here. */
static int take_debug(void *data, const char *context, const char *message)
{
    static const char mark[] = "server error message: ";
    struct nbd_connection *connection = data;
    const char *found = strstr(message, mark);

    if (found) {
        g_free(connection->said);
        connection->said = printable(found + strlen(mark));
    }
    return 0;
}

static int set_up(struct nbd_connection *connection)
{
    const struct nbd_library *lib = connection->library;
    const struct nbd_settings *settings = &connection->settings;
    const struct nbd_address *address = &settings->address;
    struct nbd_handle *h = connection->handle;
    nbd_debug_callback listen = {.callback = take_debug, .user_data = connection};
    bool good = lib->set_debug_callback(h, listen) == 0 && lib->set_debug(h, true) == 0 && lib->set_export_name(h, address->export_name) == 0 &&
                lib->add_meta_context(h, NBD_BITMAP_PREFIX) == 0 && lib->set_opt_mode(h, true) == 0 &&
                lib->set_pread_initialize(h, false) == 0; /* a reply that is not complete is an error: message.c */

    return good && nbd_tls_set_up(address, lib, h) ? 0 : -EIO;
}

/* ---- options: which dirty bitmaps there are, then the export with all that is to be asked about ---- */

static int take_context(void *data, const char *name)
{
    struct nbd_connection *connection = data;
    size_t prefix = strlen(NBD_BITMAP_PREFIX);

    if (strncmp(name, NBD_BITMAP_PREFIX, prefix) != 0 || !name[prefix] || strlen(name) > NBD_STRING_MAX ||
        connection->listed->len == BITMAPS_MAX || g_ptr_array_find_with_equal_func(connection->listed, name + prefix, g_str_equal, NULL))
        return 0;
    g_ptr_array_add(connection->listed, g_strdup(name + prefix));
    return 0;
}

/* A server that has no such list, or none at this time, has no bitmaps. */
static int take_listed(void *data, int *error)
{
    ((struct nbd_connection *)data)->choosing = false;
    return 0;
}

/* Ready, or libnbd waits for another choice: there is none. */
static int take_chosen(void *data, int *error)
{
    struct nbd_connection *connection = data;

    connection->choosing = false;
    if (*error) {
        g_free(connection->refused);
        connection->refused = nbd_plain_error(connection->library->get_error());
        connection->why_errno = *error;
    }
    return 0;
}

static bool ask_for_bitmaps(struct nbd_connection *connection)
{
    nbd_context_callback context = {.callback = take_context, .user_data = connection};
    nbd_completion_callback done = {.callback = take_listed, .user_data = connection};

    connection->choosing = true;
    return connection->library->aio_opt_list_meta_context(connection->handle, context, done) == 0;
}

static bool ask_for_export(struct nbd_connection *connection)
{
    const struct nbd_library *lib = connection->library;
    const char *shown = connection->settings.dirty_bitmap;
    nbd_completion_callback done = {.callback = take_chosen, .user_data = connection};
    struct nbd_handle *h = connection->handle;
    bool all = !connection->one_context;
    bool good = lib->clear_meta_contexts(h) == 0 && lib->add_meta_context(h, shown ? shown : "base:allocation") == 0 &&
                (!all || lib->add_meta_context(h, "qemu:allocation-depth") == 0);

    for (unsigned i = 0; good && all && i < connection->listed->len; i++) {
        g_autofree char *name = g_strconcat(NBD_BITMAP_PREFIX, connection->listed->pdata[i], NULL);

        good = g_strcmp0(name, shown) == 0 || lib->add_meta_context(h, name) == 0;
    }
    connection->choosing = true;
    return good && lib->aio_opt_go(h, done) == 0;
}

/* libnbd waits for the next option; asked: how many there were before. */
static void choose(struct nbd_connection *connection, unsigned asked)
{
    if (connection->refused) {
        nbd_drop(connection, connection->refused, connection->why_errno);
    } else if (asked > 1 || !(asked == 0 ? ask_for_bitmaps(connection) : ask_for_export(connection))) {
        connection->choosing = false;
        if (asked > 0)
            nbd_drop(connection, NULL, 0);
    } else {
        nbd_watch(connection);
    }
}

/* -1: it is none of ours. */
static int claim_helper(struct nbd_connection *connection)
{
    struct nbd_address *address = &connection->settings.address;
    char *name;
    int helper = address->path ? nbd_server_claim(address->path, &name) : -1;

    if (helper >= 0) {
        connection->of_helper = true;
        g_free(address->peer);
        address->peer = name;
    }
    return helper;
}

static int start(struct nbd_connection *connection, const struct addrinfo *at)
{
    const struct nbd_library *lib = connection->library;
    const struct nbd_address *address = &connection->settings.address;
    int helper = claim_helper(connection);

    if (helper >= 0)
        return lib->aio_connect_socket(connection->handle, helper);
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
    for (unsigned asked = 0; ret == 0 && connection->handle && !connection->library->aio_is_ready(connection->handle);) {
        if (!connection->library->aio_is_negotiating(connection->handle) || connection->choosing)
            ret = co_suspend_cancellable_co();
        else
            choose(connection, asked++);
    }
    connection->connector = NULL;
    source_clear(&timer);
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
        .context = bitmap ? bitmap : "base:allocation",
        .has_allocation = yes(lib->can_meta_context(h, bitmap ? bitmap : "base:allocation")),
        .has_depth = yes(lib->can_meta_context(h, "qemu:allocation-depth")),
        .is_dirty_bitmap = bitmap != NULL,
        .tls = yes(lib->get_tls_negotiated(h)),
        .bitmaps = connection->listed,
    };
    for (unsigned i = connection->listed->len; i-- > 0;) {
        g_autofree char *name = g_strconcat(NBD_BITMAP_PREFIX, connection->listed->pdata[i], NULL);

        if (!yes(lib->can_meta_context(h, name)))
            g_ptr_array_remove_index(connection->listed, i);
    }
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
    int ret;

    g_clear_pointer(&connection->said, g_free);
    g_clear_pointer(&connection->refused, g_free);
    g_clear_pointer(&connection->listed, g_ptr_array_unref);
    connection->listed = g_ptr_array_new_with_free_func(g_free);
    connection->choosing = false;
    connection->handle = connection->library->create();
    if (!connection->handle)
        return -ENOMEM;
    if (set_up(connection) < 0) {
        nbd_attach(connection);
        nbd_drop(connection, NULL, 0);
        return -EIO;
    }
    ret = start_at(connection, at);
    if (ret < 0)
        return ret;
    nbd_watch(connection);
    ret = connection->handle ? await_ready_co(connection) : -EIO;
    if (ret == 0) {
        connection->library->set_debug(connection->handle, false);
        connection->state = NBD_UP;
    }
    return ret;
}

/* In the reference program's words where it has any for that; NULL: it has not. */
static const char *common_reason(const char *why)
{
    if (strstr(why, "server has no export named"))
        return "Requested export not available";
    if (strstr(why, "server requires TLS encryption"))
        return "TLS negotiation required before option 7 (go)\nDid you forget a valid tls-creds?";
    if (strstr(why, "server refused TLS"))
        return "Denied by server for option 5 (starttls)";
    return NULL;
}

/* The message for why the last attempt failed. */
static void explain(const struct nbd_connection *connection, GError **error)
{
    const struct nbd_address *address = &connection->settings.address;
    const char *why = connection->why ? connection->why : "out of memory", *reason = common_reason(why);
    g_autofree char *advice = nbd_tls_advice(address, why);
    g_autoptr(GString) text = g_string_new(reason);

    if (strstr(why, "connect:") || strstr(why, "connect_") || connection->why_errno == ETIMEDOUT)
        g_string_printf(text, "Failed to connect to '%s': %s", address->peer,
                        connection->why_errno && !strstr(why, "in time") ? g_strerror(connection->why_errno) : why);
    else if (!reason)
        g_string_printf(text, "NBD server at '%s': %s", address->peer, why);
    if (advice)
        g_string_append_printf(text, "\n%s", advice);
    if (connection->said)
        g_string_append_printf(text, "\nserver reported: %s", connection->said);
    g_set_error_literal(error, OPTIONS_ERROR, reason && connection->why_errno > 0 ? connection->why_errno : EIO, text->str);
}

static int try_addresses_co(struct nbd_connection *connection, GError **error)
{
    const struct nbd_address *address = &connection->settings.address;
    struct addrinfo *found = NULL;
    int ret = nbd_tls_check(address, error);

    if (ret == 0 && !address->path)
        ret = nbd_resolve_co(address->host, address->port, &found, error);
    if (ret < 0)
        return ret;
    for (const struct addrinfo *at = found;; at = at->ai_next) {
        ret = attempt_co(connection, at);
        if (ret == 0 || ret == -ECANCELED || address->path || !at->ai_next)
            break;
    }
    if (found)
        freeaddrinfo(found);
    if (ret < 0)
        explain(connection, error);
    return ret;
}

/* A server of ours does not come back.  failed: it has just hung up on us, and may be about to end.  error is replaced. */
static int check_hope_co(struct nbd_connection *connection, bool failed, GError **error)
{
    const char *socket = connection->settings.address.path;
    g_autofree char *why = connection->of_helper ? nbd_server_why_unreachable_co(socket, failed) : NULL;

    if (!why)
        return 0;
    connection->hopeless = true;
    g_clear_error(error);
    g_set_error(error, OPTIONS_ERROR, EIO, "%s: %s", why,
                sandbox_forbids_programs() ? "leave, and start again with the image" : "close the image and open it again");
    return -EIO;
}

int nbd_connect_co(struct nbd_connection *connection, GError **error)
{
    struct nbd_export export;
    bool again = connection->of_helper;
    int ret = check_hope_co(connection, false, error);

    if (ret == 0)
        ret = try_addresses_co(connection, error);
    if (ret == -EIO && again && !connection->hopeless)
        check_hope_co(connection, true, error);
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
    g_ptr_array_ref(export.bitmaps);
    connection->quick = true;
    return 0;
}
