/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The NBD driver: an export of another program as an image.  Sources: the NBD protocol (doc/proto.md of NBD), libnbd(3).
 *
 * connection.c owns the connection and outlives its breaks; this file turns the block layer's requests into its, and status.c
 * the server's block status into runs.
 */
#include <errno.h>
#include <inttypes.h>

#include "block/iov.h"
#include "block/nbd/nbd.h"
#include "io/sandbox.h"

enum {
    REQUEST_TIMEOUT_S = 120,
    SPAN_MAX = 1 << 30, /* of a request without data: so that its reply can come within the time-out */
};

static const struct driver_option nbd_options[] = {
    {.name = "server", .type = DRIVER_OPTION_GROUP, .required = true, .help = "server.type=inet|unix with .host and .port or .path"},
    {.name = "host", .type = DRIVER_OPTION_STRING, .help = "old form of server.host"},
    {.name = "port", .type = DRIVER_OPTION_STRING, .help = "old form of server.port, 10809 by default"},
    {.name = "path", .type = DRIVER_OPTION_STRING, .help = "old form of server.path: a Unix socket"},
    {.name = "export", .type = DRIVER_OPTION_STRING, .help = "name of the export"},
    {.name = "tls-creds", .type = DRIVER_OPTION_STRING, .help = "id of a tls-creds-x509 or tls-creds-psk object"},
    {.name = "tls-hostname", .type = DRIVER_OPTION_STRING, .help = "name in the server's certificate, if it is not the host's"},
    {.name = "tls", .type = DRIVER_OPTION_BOOL, .help = "only an encrypted connection will do"},
    {.name = "tls-certificates", .type = DRIVER_OPTION_STRING, .help = "folder with ca-cert.pem, also client-cert.pem and client-key.pem"},
    {.name = "tls-psk-file", .type = DRIVER_OPTION_STRING, .help = "file with pre-shared keys"},
    {.name = "tls-username", .type = DRIVER_OPTION_STRING, .help = "name of the key in tls-psk-file"},
    {.name = "tls-verify-peer", .type = DRIVER_OPTION_BOOL, .help = "off: any certificate will do"},
    {.name = "x-dirty-bitmap", .type = DRIVER_OPTION_STRING, .help = "metadata context that the map shows: qemu:dirty-bitmap:NAME"},
    {.name = "one-at-a-time", .type = DRIVER_OPTION_BOOL, .help = "a request is sent when the one before it is answered"},
    {.name = "reconnect-delay", .type = DRIVER_OPTION_NUMBER, .help = "seconds for which a lost connection holds requests back", .reopen = true},
    {.name = "open-timeout", .type = DRIVER_OPTION_NUMBER, .help = "seconds for which the first connection is tried again"},
    {.name = "request-timeout", .type = DRIVER_OPTION_NUMBER, .help = "seconds without an answer until the server is given up, 0: none",
     .reopen = true},
    {},
};

/* ---- life ---- */

#define DELAY_MAX (UINT64_C(365) * 24 * 60 * 60)

static uint64_t take_seconds(struct options *options, const char *key, uint64_t fallback)
{
    uint64_t seconds = options_take_number(options, key, fallback);

    return MIN(seconds, DELAY_MAX);
}

static int take_settings(struct options *options, struct nbd_settings *settings, GError **error)
{
    int ret = nbd_address_take(options, &settings->address, error);

    if (ret < 0)
        return ret;
    settings->dirty_bitmap = options_take_string(options, "x-dirty-bitmap");
    settings->one_at_a_time = options_take_bool(options, "one-at-a-time", false);
    settings->reconnect_delay_s = take_seconds(options, "reconnect-delay", 0);
    settings->open_timeout_s = take_seconds(options, "open-timeout", 0);
    settings->request_timeout_s = take_seconds(options, "request-timeout", REQUEST_TIMEOUT_S);
    if (settings->dirty_bitmap && strlen(settings->dirty_bitmap) > NBD_STRING_MAX) {
        g_set_error_literal(error, OPTIONS_ERROR, EINVAL, "x-dirty-bitmap query too long to send to server");
        return -EINVAL;
    }
    return 0;
}

static void clear_settings(struct nbd_settings *settings)
{
    nbd_address_clear(&settings->address);
    g_free(settings->dirty_bitmap);
}

static int check_writable(const struct nbd_export *export, unsigned flags, const char *message, GError **error)
{
    if (!(flags & NODE_WRITABLE) || !export->read_only)
        return 0;
    g_set_error_literal(error, OPTIONS_ERROR, EACCES, message);
    return -EACCES;
}

static void set_limits(struct node *node, const struct nbd_export *export)
{
    uint32_t block = export->minimum_block;

    node->limits.request_alignment = block;
    node->limits.memory_alignment = 1;
    node->limits.max_transfer = export->maximum_block;
    node->limits.max_zeroes = node->limits.max_discard = SPAN_MAX;
    node->limits.zeroes_alignment = node->limits.discard_alignment = block;
    node->write_flags = export->can_fua ? BLK_FUA : 0;
    node->zero_flags = BLK_MAY_UNMAP | (export->can_fua ? BLK_FUA : 0) | (export->can_fast_zero ? BLK_NO_FALLBACK : 0);
}

static void tell_of_rest(struct node *node, const struct nbd_export *export)
{
    int64_t rest = export->size & (export->minimum_block - 1);

    if (rest > 0)
        node_warn(node, "NBD: the last %" PRId64 " bytes of the export can't be read: the server takes whole blocks of %u bytes only", rest,
                  export->minimum_block);
}

static void tell_user(void *data, const char *line)
{
    struct node *node = data;

    if (line)
        node_warn(node, "%s", line);
    if (node->registry)
        registry_connection(node->registry);
}

static int connect_co(struct node *node, struct nbd_settings *settings, GError **error)
{
    struct nbd *nbd = node->opaque;
    const struct nbd_library *library;
    int ret;

    if (sandbox_forbids_network()) {
        g_set_error_literal(error, OPTIONS_ERROR, EPERM, "no server can be connected to any more (sandbox): " SANDBOX_ADVICE_OTHER);
        return -EPERM;
    }
    library = nbd_library_load(error);
    if (!library)
        return -ENOTSUP;
    node->filename = g_strdup(settings->address.name);
    nbd->connection = nbd_connection_new(library, settings, node->aio, tell_user, node);
    ret = nbd_connection_open_co(nbd->connection, error);
    if (ret == 0 && (node->flags & NODE_AUTO_READ_ONLY) && nbd_connection_export(nbd->connection)->read_only) {
        node->flags &= ~NODE_WRITABLE;
        node->perm &= ~(NODE_PERM_WRITE | NODE_PERM_RESIZE);
    }
    if (ret == 0)
        ret = check_writable(nbd_connection_export(nbd->connection), node->flags,
                             "Permission denied: the server exports it read-only", error);
    if (ret < 0)
        nbd_connection_free(nbd->connection);
    return ret;
}

static int nbd_open_co(struct node *node, struct options *options, GError **error)
{
    struct nbd *nbd = node->opaque;
    struct nbd_settings settings = {.closing = &node->registry->closing, .losses = &node->losses};
    int ret = take_settings(options, &settings, error);

    if (ret == 0)
        ret = connect_co(node, &settings, error);
    clear_settings(&settings); /* what connect_co() did not take over */
    if (ret < 0)
        return ret;
    set_limits(node, nbd_connection_export(nbd->connection));
    tell_of_rest(node, nbd_connection_export(nbd->connection));
    node->variable_length = true; /* it may be another after the connection was lost */
    return 0;
}

static int nbd_close_co(struct node *node)
{
    struct nbd *nbd = node->opaque;

    nbd_connection_free(nbd->connection);
    return 0;
}

/* Whether it is written to can change, and how long requests wait: the rest is the same as before, or reopening was refused. */
static int nbd_reopen_prepare_co(struct node *node, unsigned flags, struct options *options, GError **error)
{
    struct nbd *nbd = node->opaque;
    struct nbd_settings settings = {0};
    int ret = take_settings(options, &settings, error);

    nbd->next_reconnect_delay_s = settings.reconnect_delay_s;
    nbd->next_request_timeout_s = settings.request_timeout_s;
    clear_settings(&settings);
    return ret < 0 ? ret
                   : check_writable(nbd_connection_export(nbd->connection), flags,
                                    "Can't reopen read-only NBD mount as read/write", error);
}

static void nbd_reopen_commit_co(struct node *node)
{
    struct nbd *nbd = node->opaque;

    nbd_connection_set_patience(nbd->connection, nbd->next_reconnect_delay_s, nbd->next_request_timeout_s);
}

/* ---- requests ---- */

/* What does not fill a block can't be asked for. */
int64_t nbd_length_co(struct node *node)
{
    struct nbd *nbd = node->opaque;
    const struct nbd_export *export = nbd_connection_export(nbd->connection);

    return export->size & ~((int64_t)export->minimum_block - 1);
}

/*
 * The block layer counts in sectors, so that a request may reach beyond the end of an odd export, up to its sector's: *ret_inside is what is before
 * the end.  What is further out was inside until the export became smaller.
 */
static int find_inside(struct node *node, int64_t offset, int64_t bytes, int64_t *ret_inside)
{
    enum { SECTOR = 512 };
    int64_t size = nbd_length_co(node), tail = size % SECTOR ? SECTOR - size % SECTOR : 0;

    *ret_inside = CLAMP(size - offset, 0, bytes);
    return offset + bytes - size > tail ? -EIO : 0;
}

/* Of what writes: nothing is beyond the end.  error is what servers say (NBD protocol, "Error values"). */
static int check_inside(struct node *node, int64_t offset, int64_t bytes, int error)
{
    int64_t inside;
    int ret = find_inside(node, offset, bytes, &inside);

    return ret < 0 ? ret : inside < bytes ? error : 0;
}

static int request_co(struct node *node, enum nbd_operation operation, int64_t offset, int64_t bytes, void *buf, unsigned flags)
{
    struct nbd *nbd = node->opaque;
    struct nbd_request request = {.operation = operation, .offset = offset, .bytes = bytes, .buf = buf, .flags = flags};
    int ret = nbd_connection_request_co(nbd->connection, &request);

    registry_count(node, ret < 0 ? 0 : bytes);
    return ret;
}

/* Behind an odd end are zeroes. */
static int read_co(struct node *node, int64_t offset, int64_t bytes, void *buf)
{
    int64_t inside;
    int ret = find_inside(node, offset, bytes, &inside);

    if (ret == 0 && inside > 0)
        ret = request_co(node, NBD_READ, offset, inside, buf, 0);
    if (ret == 0)
        memset((uint8_t *)buf + inside, 0, bytes - inside);
    return ret;
}

static int nbd_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    g_autofree void *bounce = NULL;
    int ret;

    if (bytes == 0)
        return 0;
    if (niov == 1)
        return read_co(node, offset, bytes, iov->iov_base);
    bounce = g_try_malloc(bytes);
    if (!bounce)
        return -ENOMEM;
    ret = read_co(node, offset, bytes, bounce);
    if (ret == 0)
        iov_copy_in(iov, niov, 0, bounce, bytes);
    return ret;
}

static int nbd_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    unsigned fua = flags & BLK_FUA ? LIBNBD_CMD_FLAG_FUA : 0;
    g_autofree void *bounce = NULL;
    int ret = check_inside(node, offset, bytes, -ENOSPC);

    if (ret < 0 || bytes == 0)
        return ret;
    if (niov == 1)
        return request_co(node, NBD_WRITE, offset, bytes, iov->iov_base, fua);
    bounce = g_try_malloc(bytes);
    if (!bounce)
        return -ENOMEM;
    iov_copy_out(iov, niov, 0, bounce, bytes);
    return request_co(node, NBD_WRITE, offset, bytes, bounce, fua);
}

static int nbd_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    struct nbd *nbd = node->opaque;
    unsigned how = (flags & BLK_FUA ? LIBNBD_CMD_FLAG_FUA : 0) | (flags & BLK_MAY_UNMAP ? 0 : LIBNBD_CMD_FLAG_NO_HOLE) |
                   (flags & BLK_NO_FALLBACK ? LIBNBD_CMD_FLAG_FAST_ZERO : 0);
    int ret = check_inside(node, offset, bytes, -ENOSPC);

    if (!nbd_connection_export(nbd->connection)->can_zero)
        return -ENOTSUP;
    return ret == 0 && bytes ? request_co(node, NBD_ZERO, offset, bytes, NULL, how) : ret;
}

static int nbd_pdiscard_co(struct node *node, int64_t offset, int64_t bytes)
{
    struct nbd *nbd = node->opaque;
    int ret = check_inside(node, offset, bytes, -EINVAL);

    if (!nbd_connection_export(nbd->connection)->can_trim)
        return -ENOTSUP;
    return ret == 0 && bytes ? request_co(node, NBD_TRIM, offset, bytes, NULL, 0) : ret;
}

static int nbd_flush_to_disk_co(struct node *node)
{
    struct nbd *nbd = node->opaque;

    if (!nbd_connection_export(nbd->connection)->can_flush)
        return 0;
    return request_co(node, NBD_FLUSH, 0, 0, NULL, 0);
}

/* An export has the size it has: shorter is nothing to do, unless it must be exact. */
static int nbd_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error)
{
    struct nbd *nbd = node->opaque;
    int64_t now = nbd_connection_export(nbd->connection)->size;

    if (exact && size != now) {
        g_set_error_literal(error, OPTIONS_ERROR, ENOTSUP, "Cannot resize NBD nodes");
        return -ENOTSUP;
    }
    if (size > now) {
        g_set_error_literal(error, OPTIONS_ERROR, EINVAL, "Cannot grow NBD nodes");
        return -EINVAL;
    }
    return 0;
}

static void nbd_connection(const struct node *node, struct blk_connection *ret_connection)
{
    struct nbd *nbd = node->opaque;

    nbd_connection_describe(nbd->connection, ret_connection);
}

static void nbd_needs(const struct node *node, struct blk_needs *needs)
{
    struct nbd *nbd = node->opaque;

    nbd_connection_needs(nbd->connection, needs);
}

static void nbd_hurry(struct node *node)
{
    struct nbd *nbd = node->opaque;

    nbd_connection_hurry(nbd->connection);
}

const struct driver driver_nbd = {
    .name = "nbd",
    .protocols = (const char *const[]){"nbd", "nbd+tcp", "nbd+unix", "nbds", "nbds+tcp", "nbds+unix", NULL},
    .flags = DRIVER_PROTOCOL | DRIVER_COUNTS,
    .state_size = sizeof(struct nbd),
    .options = nbd_options,
    .parse_filename = nbd_parse_filename,
    .open_co = nbd_open_co,
    .close_co = nbd_close_co,
    .preadv_co = nbd_preadv_co,
    .pwritev_co = nbd_pwritev_co,
    .pwrite_zeroes_co = nbd_pwrite_zeroes_co,
    .pdiscard_co = nbd_pdiscard_co,
    .flush_to_disk_co = nbd_flush_to_disk_co,
    .truncate_co = nbd_truncate_co,
    .length_co = nbd_length_co,
    .status_co = nbd_status_co,
    .status_bulk_co = nbd_status_bulk_co,
    .bitmaps_co = nbd_bitmaps_co,
    .bitmap_co = nbd_bitmap_co,
    .info_co = node_name_only_info_co,
    .reopen_prepare_co = nbd_reopen_prepare_co,
    .reopen_commit_co = nbd_reopen_commit_co,
    .hurry = nbd_hurry,
    .connection = nbd_connection,
    .needs = nbd_needs,
};
