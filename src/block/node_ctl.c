/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a node does besides reads and writes: flush, truncate, compressed writes, VM state. */
#include "block/node-internal.h"

#include <errno.h>
#include <inttypes.h>

#include "util/checked.h"

/* One that is under way may have begun too early; the next is for all who wait. */
static int flush_merged_co(struct node *node, uint64_t gen)
{
    while (node->flushing && node->flushed_gen < gen)
        co_queue_wait_uncancellable_co(&node->flush_ended);
    if (node->flushed_gen >= gen)
        return 0;
    uint64_t covered = node->write_gen;
    node->flushing = true;
    int ret = node->driver->flush_to_disk_co(node);
    node->flushing = false;
    if (ret == 0)
        node->flushed_gen = MAX(node->flushed_gen, covered);
    co_queue_wake_all(&node->flush_ended);
    return ret;
}

/*
 * What may be gone can't be flushed any more.  Whoever asks before that has been told is told; then it goes on, with what is written from then on,
 * as a file's does after fsync(2) has failed.
 */
static int flush_to_disk_co(struct node *node, uint64_t gen)
{
    if (!node->driver->flush_to_disk_co)
        return 0;
    unsigned told = node->losses_told;
    int ret = flush_merged_co(node, gen);
    if (node->losses == told)
        return ret;
    if (node->losses_told != node->losses)
        node_warn(node, "This flush fails, as what was written before may be lost: write it again");
    node->losses_told = node->losses;
    return ret < 0 ? ret : -EIO;
}

static int flush_children_co(struct node *node)
{
    int ret = 0;
    if (node->driver->flush_children_co)
        return node->driver->flush_children_co(node);
    for (unsigned i = 0; i < node->children->len; i++) {
        struct node_child *child = node->children->pdata[i];
        int child_ret = node_flush_co(child->node);
        if (ret == 0)
            ret = child_ret;
    }
    return ret;
}

int node_flush_co(struct node *node)
{
    if (node->dead || !(node->flags & NODE_WRITABLE))
        return 0;
    const struct driver *driver = node->driver;
    uint64_t gen = node->write_gen;
    int ret = 0;
    if (node->file)
        node_debug_event_co(node->file, BLK_EVENT_FLUSH_TO_OS);
    if (driver->flush_to_os_co)
        ret = driver->flush_to_os_co(node);
    if (ret < 0)
        return ret;
    if (!(node->flags & NODE_NO_FLUSH) && node->flushed_gen < gen) {
        if (node->file)
            node_debug_event_co(node->file, BLK_EVENT_FLUSH_TO_DISK);
        ret = flush_to_disk_co(node, gen);
    }
    int children_ret = flush_children_co(node);
    if (ret == 0)
        ret = children_ret;
    if (ret == 0 && node->flushed_gen < gen)
        node->flushed_gen = gen;
    return ret;
}

int node_flush_written_co(struct node *node)
{
    /* The children have counted their part of the write; a leaf has not yet. */
    if (node->driver->flush_to_disk_co)
        node->write_gen++;
    /* Others who submitted at the same time get as far as this, and one flush is enough. */
    if (aio_is_sharing(node->aio))
        co_yield_co();
    return node_flush_co(node);
}

static int drive_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error)
{
    if (node->driver->truncate_co)
        return node->driver->truncate_co(node, size, exact, prealloc, error);
    if ((node->driver->flags & DRIVER_FILTER) && node->file)
        return node_truncate_co(node->file, size, exact, prealloc, error);
    g_set_error(error, OPTIONS_ERROR, ENOTSUP, "Image format driver does not support resize");
    return -ENOTSUP;
}

int node_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error)
{
    int ret = node_check_writable(node);
    if (ret < 0) {
        g_set_error(error, OPTIONS_ERROR, -ret, ret == -EPERM ? "Image is read-only" : "No medium inserted");
        return ret;
    }
    if (size < 0) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Image size cannot be negative");
        return -EINVAL;
    }
    if (size > NODE_LENGTH_MAX) {
        g_set_error(error, OPTIONS_ERROR, EFBIG, "offset(%" PRId64 ") exceeds maximum(%" PRId64 ")", size, NODE_LENGTH_MAX);
        return -EFBIG;
    }
    /* A padded write at the old or new end would write its last block back, and the file grow again. */
    struct node_pending pending;
    node_pending_begin_co(node, &pending, checked_align_down(MIN(size, node->size), node->limits.request_alignment), INT64_MAX, true);
    ret = drive_truncate_co(node, size, exact, prealloc, error);
    node->resizes++;
    if (ret == 0) {
        node->perm |= NODE_PERM_RESIZE;
        ret = node_refresh_size_co(node);
        if (ret < 0)
            g_set_error(error, OPTIONS_ERROR, -ret, "Could not refresh total sector count: %s", g_strerror(-ret));
    }
    node_written(node);
    node_pending_end(node, &pending);
    return ret;
}

int node_pwrite_compressed_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov)
{
    int ret = node_check_writable(node);
    if (ret < 0)
        return ret;
    if (!checked_range(offset, bytes, node->size))
        return -EIO;
    if (!node->driver->pwrite_compressed_co)
        return -ENOTSUP;
    ret = node->driver->pwrite_compressed_co(node, offset, bytes, iov, niov);
    node_written(node);
    return ret;
}

int node_load_vmstate_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov)
{
    if (node->dead)
        return -ENOMEDIUM;
    if (node->driver->load_vmstate_co)
        return node->driver->load_vmstate_co(node, offset, bytes, iov, niov);
    bool forward = (node->driver->flags & DRIVER_FILTER) && node->file;
    return forward ? node_load_vmstate_co(node->file, offset, bytes, iov, niov) : -ENOTSUP;
}

int node_save_vmstate_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov)
{
    int ret = node_check_writable(node);
    if (ret < 0)
        return ret;
    if (node->driver->save_vmstate_co) {
        ret = node->driver->save_vmstate_co(node, offset, bytes, iov, niov);
        node_written(node);
        return ret;
    }
    bool forward = (node->driver->flags & DRIVER_FILTER) && node->file;
    return forward ? node_save_vmstate_co(node->file, offset, bytes, iov, niov) : -ENOTSUP;
}
