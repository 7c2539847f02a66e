/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * compress: what is written is written compressed, in whole clusters; what surrounds a shorter write is read before.
 */
#include <errno.h>

#include "block/iov.h"
#include "block/node.h"

static const struct driver_option compress_options[] = {
    {.name = "file", .type = DRIVER_OPTION_CHILD, .required = true, .help = "an image of a format with compressed clusters"},
    {},
};

static bool takes_compressed(const struct node *node)
{
    while ((node->driver->flags & DRIVER_FILTER) && node->driver->pwrite_compressed_co && node->file)
        node = node->file;
    return node->driver->pwrite_compressed_co && (node->driver->flags & DRIVER_FORMAT);
}

static int compress_open_co(struct node *node, struct options *options, GError **error)
{
    struct blk_info info = {0};
    int ret = node_open_child_co(node, options, "file", NODE_ROLE_FILE, NULL, error);
    if (ret < 0)
        return ret;
    if (!takes_compressed(node->file)) {
        g_set_error(error, OPTIONS_ERROR, ENOTSUP, "Compression is not supported for underlying format: %s", node->file->driver->name);
        return -ENOTSUP;
    }
    ret = node_info_co(node->file, &info);
    if (ret < 0) {
        g_set_error(error, OPTIONS_ERROR, -ret, "%s", g_strerror(-ret));
        return ret;
    }
    node->limits.request_alignment = (uint32_t)MAX(info.cluster_size, 1);
    node->zero_flags = node->file->zero_flags;
    blk_info_clear(&info);
    return 0;
}

static int compress_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    g_autofree struct iovec *inside = g_new(struct iovec, MAX(niov, 1));
    int64_t n = CLAMP(node->file->size - offset, 0, bytes); /* the last cluster may be longer than the image */
    int count = iov_slice(iov, niov, 0, n, inside);
    return node_pwrite_compressed_co(node->file, offset, n, inside, count);
}

const struct driver driver_compress = {
    .name = "compress",
    .flags = DRIVER_FILTER | DRIVER_FIXED | DRIVER_BLIND_READS,
    .options = compress_options,
    .open_co = compress_open_co,
    .pwritev_co = compress_pwritev_co,
    .info_co = node_plain_info_co,
};
