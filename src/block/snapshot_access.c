/* SPDX-License-Identifier: GPL-3.0-or-later */
/* snapshot-access: the bytes of an image as they were when the copy-before-write below this node was opened.  Nothing is written through it. */
#include <errno.h>

#include "block/node.h"

static const struct driver_option snapshot_access_options[] = {
    {.name = "file", .type = DRIVER_OPTION_CHILD, .required = true, .help = "a copy-before-write"},
    {},
};

static int snapshot_access_open_co(struct node *node, struct options *options, GError **error)
{
    return node_open_child_co(node, options, "file", NODE_ROLE_SNAPSHOT, NULL, error);
}

/* As long as it was: it may have been resized since. */
static int64_t snapshot_access_length_co(struct node *node)
{
    const struct driver *below = node->file->driver;
    return below->snapshot_length ? below->snapshot_length(node->file) : node->file->size;
}

static int snapshot_access_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    const struct driver *below = node->file->driver;
    return below->snapshot_preadv_co ? below->snapshot_preadv_co(node->file, offset, bytes, iov, niov, flags) : -ENOTSUP;
}

static int snapshot_access_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    return -ENOTSUP;
}

static int snapshot_access_pdiscard_co(struct node *node, int64_t offset, int64_t bytes)
{
    const struct driver *below = node->file->driver;
    return below->snapshot_pdiscard_co ? below->snapshot_pdiscard_co(node->file, offset, bytes) : -ENOTSUP;
}

static int snapshot_access_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status)
{
    const struct driver *below = node->file->driver;
    return below->snapshot_status_co ? below->snapshot_status_co(node->file, offset, bytes, ret_status) : -ENOTSUP;
}

/* What is told of the format below belongs to the image as it is now. */
const struct driver driver_snapshot_access = {
    .name = "snapshot-access",
    .flags = DRIVER_FIXED,
    .options = snapshot_access_options,
    .open_co = snapshot_access_open_co,
    .preadv_co = snapshot_access_preadv_co,
    .pwritev_co = snapshot_access_pwritev_co,
    .pdiscard_co = snapshot_access_pdiscard_co,
    .length_co = snapshot_access_length_co,
    .status_co = snapshot_access_status_co,
    .info_co = node_name_only_info_co,
};
