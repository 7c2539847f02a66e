/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * blkverify: every write goes to two images, every read comes from both, and has to be the same.
 *
 * The one is raw and trusted, the other is what is tested.  A difference is told, and is an error of the request.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "block/node.h"

static const struct driver_option blkverify_options[] = {
    {.name = "raw", .type = DRIVER_OPTION_CHILD, .required = true, .help = "what is taken to be right"},
    {.name = "test", .type = DRIVER_OPTION_CHILD, .required = true, .help = "the image that is tested"},
    {.name = "x-raw", .type = DRIVER_OPTION_STRING, .help = "raw, as a name"},
    {.name = "x-image", .type = DRIVER_OPTION_STRING, .help = "test, as a name"},
    {},
};

struct blkverify {
    struct node *test;
};

/* ---- opening ---- */

/* "blkverify:RAW:TEST", or the image alone when the driver was named otherwise. */
static int blkverify_parse_filename(const char *filename, struct options *options, GError **error)
{
    const char *colon;
    if (!g_str_has_prefix(filename, "blkverify:")) {
        options_set(options, "x-image", filename);
        return 0;
    }
    filename += strlen("blkverify:");
    colon = strchr(filename, ':');
    if (!colon) {
        g_set_error_literal(error, OPTIONS_ERROR, EINVAL, "blkverify requires raw copy and original image path");
        return -EINVAL;
    }
    g_autofree char *raw = g_strndup(filename, colon - filename);
    options_set(options, "x-raw", raw);
    options_set(options, "x-image", colon + 1);
    return 0;
}

static int blkverify_open_co(struct node *node, struct options *options, GError **error)
{
    struct blkverify *verify = node->opaque;
    int ret = node_open_named_child_co(node, options, "x-raw", "raw", NODE_ROLE_FILE, NULL, error);
    if (ret == 0)
        ret = node_open_named_child_co(node, options, "x-image", "test", NODE_ROLE_IMAGE, &verify->test, error);
    if (ret < 0)
        return ret;
    node->filename = g_strdup_printf("blkverify:%s:%s", node->file->filename ? node->file->filename : "",
                                     verify->test->filename ? verify->test->filename : "");
    return 0;
}

static int64_t blkverify_length_co(struct node *node)
{
    struct blkverify *verify = node->opaque;
    int ret = node_refresh_size_co(verify->test);
    return ret < 0 ? ret : verify->test->size;
}

/* ---- requests ---- */

static int complain(struct node *node, const char *what, int64_t offset, int64_t bytes, const char *reason)
{
    node_warn(node, "blkverify: %s offset=%" PRId64 " bytes=%" PRId64 " %s", what, offset, bytes, reason);
    return -EIO;
}

/* What both said: the same, or a difference. */
static int agree(struct node *node, const char *what, int64_t offset, int64_t bytes, int raw, int test)
{
    if (raw == test || raw == -ECANCELED || test == -ECANCELED)
        return raw == test ? raw : -ECANCELED;
    g_autofree char *reason = g_strdup_printf("return value mismatch %d != %d", raw, test);
    return complain(node, what, offset, bytes, reason);
}

/* Of iov, in which it was read, and the same of test: the first byte that differs, or -1. */
static int64_t find_difference(const struct iovec *iov, int niov, const uint8_t *test)
{
    int64_t at = 0;
    for (int i = 0; i < niov; at += iov[i++].iov_len) {
        const uint8_t *raw = iov[i].iov_base;
        if (memcmp(raw, test + at, iov[i].iov_len) == 0)
            continue;
        for (size_t k = 0;; k++)
            if (raw[k] != test[at + k])
                return at + k;
    }
    return -1;
}

static int blkverify_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    struct blkverify *verify = node->opaque;
    uint8_t *buf = malloc(MAX(bytes, 1));
    if (!buf)
        return -ENOMEM;
    int raw = node_preadv_co(node->file, offset, bytes, iov, niov, flags), test = node_pread_co(verify->test, offset, bytes, buf);
    int ret = agree(node, "read", offset, bytes, raw, test);
    int64_t at = ret == 0 ? find_difference(iov, niov, buf) : -1;
    free(buf);
    if (at < 0)
        return ret;
    g_autofree char *reason = g_strdup_printf("contents mismatch at offset %" PRId64, offset + at);
    return complain(node, "read", offset, bytes, reason);
}

static int blkverify_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    struct blkverify *verify = node->opaque;
    int raw = node_pwritev_co(node->file, offset, bytes, iov, niov, flags);
    int test = node_pwritev_co(verify->test, offset, bytes, iov, niov, flags);
    return agree(node, "write", offset, bytes, raw, test);
}

const struct driver driver_blkverify = {
    .name = "blkverify",
    .protocols = (const char *const[]){"blkverify", NULL},
    .flags = DRIVER_FIXED,
    .state_size = sizeof(struct blkverify),
    .options = blkverify_options,
    .parse_filename = blkverify_parse_filename,
    .open_co = blkverify_open_co,
    .preadv_co = blkverify_preadv_co,
    .pwritev_co = blkverify_pwritev_co,
    .length_co = blkverify_length_co,
};
