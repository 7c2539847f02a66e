/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replication: one of the two sides of a virtual machine that runs twice.  Reads and writes wait for a replication that the machine's own
 * monitor starts; here is none, so that every one of them is an error, and the image stays as it is.
 */
#include <errno.h>
#include <string.h>

#include "block/node.h"

enum { SECTOR = 512 };

static const struct driver_option replication_options[] = {
    {.name = "file", .type = DRIVER_OPTION_CHILD, .required = true, .help = "the image"},
    {.name = "mode", .type = DRIVER_OPTION_STRING, .help = "primary or secondary"},
    {.name = "top-id", .type = DRIVER_OPTION_STRING, .help = "of the secondary: the node on top of the chain"},
    {},
};

static int take_side(struct options *options, GError **error)
{
    g_autofree char *mode = options_take_string(options, "mode"), *top = options_take_string(options, "top-id");
    if (!mode)
        return options_refuse(error, EINVAL, "Missing the option mode");
    if (strcmp(mode, "primary") == 0)
        return top ? options_refuse(error, EINVAL, "The primary side does not support option top-id") : 0;
    if (strcmp(mode, "secondary") == 0)
        return top ? 0 : options_refuse(error, EINVAL, "Missing the option top-id");
    return options_refuse(error, EINVAL, "The option mode's value should be primary or secondary");
}

static int replication_open_co(struct node *node, struct options *options, GError **error)
{
    node->shared = NODE_PERM_ALL & ~NODE_PERM_RESIZE;
    int ret = node_open_child_co(node, options, "file", NODE_ROLE_FILE, NULL, error);
    if (ret == 0)
        ret = take_side(options, error);
    node->limits.request_alignment = SECTOR;
    return ret;
}

static int replication_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    return -EIO;
}

static int replication_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    return -EIO;
}

static int replication_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    return -EIO;
}

static int replication_pdiscard_co(struct node *node, int64_t offset, int64_t bytes)
{
    return 0;
}

static int replication_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error)
{
    g_set_error_literal(error, OPTIONS_ERROR, ENOTSUP, "An image below replication can't be resized");
    return -ENOTSUP;
}

const struct driver driver_replication = {
    .name = "replication",
    .flags = DRIVER_FILTER | DRIVER_FIXED | DRIVER_BLIND_READS,
    .options = replication_options,
    .open_co = replication_open_co,
    .preadv_co = replication_preadv_co,
    .pwritev_co = replication_pwritev_co,
    .pwrite_zeroes_co = replication_pwrite_zeroes_co,
    .pdiscard_co = replication_pdiscard_co,
    .truncate_co = replication_truncate_co,
    .info_co = node_plain_info_co,
};
