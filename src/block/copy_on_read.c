/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * copy-on-read: what is read from a layer below is written to the top one, in whole clusters, so that it need not be fetched again.
 *
 * A copy must not overtake a write to the same bytes: each waits for older ones of the other sort that it overlaps (copying.h).
 */
#include "block/copy_on_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block/copying.h"
#include "block/iov.h"
#include "util/checked.h"

enum { PIECE = 1 << 20 };

struct copy_on_read {
    int64_t cluster; /* of the top layer */
    int bottom;      /* what layers below this one supply is not copied; -1: all is copied */
    struct copying copying;
};

static const struct driver_option copy_on_read_options[] = {
    {.name = "file", .type = DRIVER_OPTION_CHILD, .required = true, .help = "what is read, and copied to"},
    {.name = "bottom", .type = DRIVER_OPTION_STRING, .help = "node-name of the last layer that is copied from"},
    {},
};

/* ---- opening ---- */

static int find_bottom(struct node *node, const char *name, int *ret_bottom, GError **error)
{
    int depth = 0;
    for (struct node *at = node; at;) {
        if (strcmp(at->name, name) == 0) {
            *ret_bottom = depth;
            return 0;
        }
        bool filter = (at->driver->flags & DRIVER_FILTER) && at->file;
        depth += !filter;
        at = filter ? at->file : node_child_in_role(at, NODE_ROLE_BACKING);
    }
    g_set_error(error, OPTIONS_ERROR, EINVAL, "Bottom node '%s' not found", name);
    return -EINVAL;
}

static int set_up_co(struct node *node, GError **error)
{
    struct copy_on_read *cor = node->opaque;
    struct blk_info info = {0};
    int ret = node_info_co(node->file, &info);
    if (ret < 0) {
        g_set_error(error, OPTIONS_ERROR, -ret, "%s", g_strerror(-ret));
        return ret;
    }
    cor->cluster = MAX(info.cluster_size, 1);
    blk_info_clear(&info);
    node->write_flags = node->file->write_flags;
    node->zero_flags = node->file->zero_flags;
    return 0;
}

static int copy_on_read_open_co(struct node *node, struct options *options, GError **error)
{
    struct copy_on_read *cor = node->opaque;
    g_autofree char *bottom = options_take_string(options, "bottom");
    node->perm |= NODE_PERM_WRITE_UNCHANGED; /* and with it the child, which copies are written to */
    int ret = node_open_child_co(node, options, "file", NODE_ROLE_FILE, NULL, error);
    cor->bottom = -1;
    if (ret == 0 && !(node->file->flags & NODE_WRITABLE)) {
        g_set_error_literal(error, OPTIONS_ERROR, EACCES, "Block node is read-only");
        ret = -EACCES;
    }
    if (ret == 0 && bottom)
        ret = find_bottom(node->file, bottom, &cor->bottom, error);
    return ret < 0 ? ret : set_up_co(node, error);
}

int copy_on_read_wrap_co(struct node *file, const struct node_how *how, struct node **ret_node, GError **error)
{
    struct node *node = node_new(&driver_copy_on_read, how);
    struct copy_on_read *cor = node->opaque;
    node->flags = (file->flags & ~(NODE_DETECT_ZEROES | NODE_DETECT_UNMAP)) | NODE_IMPLICIT;
    node->options = options_new();
    node->filename = g_strdup(file->filename);
    node->variable_length = file->variable_length;
    node_add_child(node, "file", NODE_ROLE_FILE, file);
    cor->bottom = -1;
    int ret = set_up_co(node, error);
    if (ret == 0)
        ret = node_refresh_size_co(node);
    if (ret < 0) {
        if (error && !*error)
            g_set_error(error, OPTIONS_ERROR, -ret, "%s", g_strerror(-ret));
        node_unref_co(node);
        return ret;
    }
    *ret_node = node;
    return 0;
}

/* ---- requests ---- */

static struct copying *copying_of(struct node *node)
{
    return &((struct copy_on_read *)node->opaque)->copying;
}

/* Whether what is at offset is to be copied, and how far that holds. */
static int wants_copy_co(struct node *node, int64_t offset, int64_t bytes, int64_t *ret_bytes)
{
    const struct copy_on_read *cor = node->opaque;
    struct blk_extent extent;
    int ret = node_is_allocated_co(node->file, offset, bytes, ret_bytes);
    if (ret != 0 || cor->bottom < 0)
        return ret < 0 ? ret : !ret;
    ret = node_extent_co(node->file, offset, *ret_bytes, &extent);
    if (ret < 0)
        return ret;
    *ret_bytes = extent.length;
    return extent.kind != BLK_KIND_UNALLOCATED && extent.depth <= cor->bottom;
}

static int copy_bytes_co(struct node *node, int64_t start, int64_t end, void *buf)
{
    struct iovec iov = {buf, end - start};
    int ret = node_pread_co(node->file, start, end - start, buf);
    if (ret < 0)
        return ret;
    if (!iov_is_zero(&iov, 1))
        return node_pwrite_co(node->file, start, end - start, buf, 0);
    return node_pwrite_zeroes_co(node->file, start, end - start, 0);
}

/* Whole clusters from start, nothing written meanwhile.  Where they can't be written, the read fails, as in the reference program. */
static int copy_piece_co(struct node *node, int64_t start, int64_t end)
{
    struct copy_on_read *cor = node->opaque;
    struct copying_flight flight;
    void *buf = calloc(1, end - start); /* null leaves what it reads as it was, which is then written */
    int ret = 0;
    if (!buf)
        return -ENOMEM;
    copying_begin_co(&cor->copying, &flight, start, end, true);
    for (int64_t at = start, n; ret == 0 && at < end; at += n) {
        ret = wants_copy_co(node, at, end - at, &n); /* it may have been written while this one waited */
        if (ret > 0)
            ret = copy_bytes_co(node, at, at + n, buf);
    }
    copying_end(&cor->copying, &flight);
    free(buf);
    return ret;
}

static int copy_range_co(struct node *node, int64_t offset, int64_t bytes)
{
    const struct copy_on_read *cor = node->opaque;
    int64_t start = offset - offset % cor->cluster, end, step = MAX(PIECE - PIECE % cor->cluster, cor->cluster);
    int ret = 0;
    if (!checked_add(offset + bytes, cor->cluster - 1, &end))
        end = INT64_MAX;
    end = MIN(end - end % cor->cluster, node->file->size);
    for (int64_t at = start; ret == 0 && at < end; at += step)
        ret = copy_piece_co(node, at, MIN(end, at + step));
    return ret;
}

static int copy_on_read_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    /* Who only looks changes nothing. */
    bool copy = (node->file->flags & NODE_WRITABLE) && !registry_is_look(node->registry);
    int ret = 0;
    for (int64_t at = offset, end = MIN(offset + bytes, node->file->size), n; copy && ret == 0 && at < end; at += n) {
        ret = wants_copy_co(node, at, end - at, &n);
        if (ret > 0)
            ret = copy_range_co(node, at, n);
    }
    return ret < 0 ? ret : node_preadv_co(node->file, offset, bytes, iov, niov, flags);
}

static int copy_on_read_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    struct copying_flight flight;
    copying_begin_co(copying_of(node), &flight, offset, offset + bytes, false);
    int ret = node_pwritev_co(node->file, offset, bytes, iov, niov, flags);
    copying_end(copying_of(node), &flight);
    return ret;
}

static int copy_on_read_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    struct copying_flight flight;
    copying_begin_co(copying_of(node), &flight, offset, offset + bytes, false);
    int ret = node_pwrite_zeroes_co(node->file, offset, bytes, flags);
    copying_end(copying_of(node), &flight);
    return ret;
}

static int copy_on_read_pwrite_compressed_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov)
{
    struct copying_flight flight;
    copying_begin_co(copying_of(node), &flight, offset, offset + bytes, false);
    int ret = node_pwrite_compressed_co(node->file, offset, bytes, iov, niov);
    copying_end(copying_of(node), &flight);
    return ret;
}

static int copy_on_read_pdiscard_co(struct node *node, int64_t offset, int64_t bytes)
{
    struct copying_flight flight;
    copying_begin_co(copying_of(node), &flight, offset, offset + bytes, false);
    int ret = node_pdiscard_co(node->file, offset, bytes);
    copying_end(copying_of(node), &flight);
    return ret;
}

static int copy_on_read_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error)
{
    struct copying_flight flight;
    copying_begin_co(copying_of(node), &flight, MIN(size, node->file->size), INT64_MAX, false);
    int ret = node_truncate_co(node->file, size, exact, prealloc, error);
    copying_end(copying_of(node), &flight);
    return ret;
}

/* What belongs to the format is told of the format alone. */
static int copy_on_read_info_co(struct node *node, struct blk_info *info)
{
    return node->flags & NODE_IMPLICIT ? node_info_co(node->file, info) : node_plain_info_co(node, info);
}

const struct driver driver_copy_on_read = {
    .name = "copy-on-read",
    .flags = DRIVER_FILTER | DRIVER_FIXED,
    .state_size = sizeof(struct copy_on_read),
    .options = copy_on_read_options,
    .open_co = copy_on_read_open_co,
    .preadv_co = copy_on_read_preadv_co,
    .pwritev_co = copy_on_read_pwritev_co,
    .pwrite_zeroes_co = copy_on_read_pwrite_zeroes_co,
    .pwrite_compressed_co = copy_on_read_pwrite_compressed_co,
    .pdiscard_co = copy_on_read_pdiscard_co,
    .truncate_co = copy_on_read_truncate_co,
    .info_co = copy_on_read_info_co,
};
