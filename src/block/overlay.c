/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The temporary layer: a node as long as the image that keeps what is written (spill.h), and the set of bytes that were.
 *
 * A byte is of this layer from when its write has ended.  Truncation cuts off what is below, too: an image that grows again has
 * zeroes there.
 */
#include <errno.h>

#include "block/iov.h"
#include "block/overlay-internal.h"
#include "block/spill.h"

enum {
    SECTOR = 512,
    CLUSTER = 65536, /* discards are for whole ones, as in the reference's temporary images */
};

enum overlay_source overlay_source(const struct overlay *overlay, int64_t offset, int64_t bytes, int64_t *ret_bytes)
{
    int64_t end;
    enum overlay_source source = OVERLAY_OURS;
    if (!intervals_at(overlay->ours, offset, &end)) {
        source = offset < overlay->base_end ? OVERLAY_BASE : OVERLAY_NOBODY;
        if (source == OVERLAY_BASE)
            end = MIN(end, overlay->base_end);
    }
    *ret_bytes = MIN(bytes, end - offset);
    return source;
}

int overlay_run_co(struct overlay *overlay, int64_t offset, int64_t bytes, int64_t *ret_bytes, bool *ret_zeroes)
{
    struct blk_extent extent;
    int ret = node_extent_co(overlay->file, offset, bytes, &extent);
    if (ret < 0)
        return ret;
    *ret_bytes = MIN(bytes, extent.length);
    *ret_zeroes = extent.kind == BLK_KIND_ZERO_PLAIN || extent.kind == BLK_KIND_ZERO_ALLOCATED;
    return 0;
}

/* ---- changes, one after the other while they are journalled ---- */

static void begin_write_co(struct node *node, int64_t offset, int64_t bytes)
{
    struct overlay *overlay = node->opaque;
    if (!overlay->journal)
        return;
    co_mutex_lock_co(&overlay->lock);
    overlay_keep_write_co(node, offset, offset + bytes);
}

/* The journal may have come meanwhile: then there was no lock. */
static void end_change(struct overlay *overlay)
{
    if (overlay->lock.owner == co_self())
        co_mutex_unlock(&overlay->lock);
}

static int end_write(struct overlay *overlay, int64_t offset, int64_t bytes, int ret)
{
    if (ret == 0)
        intervals_add(overlay->ours, offset, offset + bytes);
    end_change(overlay);
    return ret;
}

/* ---- requests ---- */

static int overlay_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    struct overlay *overlay = node->opaque;
    g_autofree struct iovec *slice = g_new(struct iovec, niov);
    int ret = 0;
    for (int64_t done = 0, n; ret == 0 && done < bytes; done += n) {
        enum overlay_source source = overlay_source(overlay, offset + done, bytes - done, &n);
        if (source == OVERLAY_NOBODY) {
            iov_fill_zero(iov, niov, done, n);
            continue;
        }
        int count = iov_slice(iov, niov, done, n, slice);
        ret = node_preadv_co(source == OVERLAY_OURS ? overlay->file : overlay->base, offset + done, n, slice, count, flags);
    }
    return ret;
}

static int overlay_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    struct overlay *overlay = node->opaque;
    begin_write_co(node, offset, bytes);
    return end_write(overlay, offset, bytes, node_pwritev_co(overlay->file, offset, bytes, iov, niov, flags));
}

static int overlay_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    struct overlay *overlay = node->opaque;
    begin_write_co(node, offset, bytes);
    return end_write(overlay, offset, bytes, node_pwrite_zeroes_co(overlay->file, offset, bytes, flags | BLK_MAY_UNMAP));
}

/* What is discarded reads as zeroes, whatever is below. */
static int overlay_pdiscard_co(struct node *node, int64_t offset, int64_t bytes)
{
    return bytes < CLUSTER ? -ENOTSUP : overlay_pwrite_zeroes_co(node, offset, bytes, 0);
}

static int64_t overlay_length_co(struct node *node)
{
    struct overlay *overlay = node->opaque;
    return overlay->size;
}

static int refuse_truncate(const struct overlay *overlay, int64_t size, enum blk_prealloc prealloc, GError **error)
{
    const char *why = size % SECTOR ? "The new size must be a multiple of 512"
                      : prealloc != BLK_PREALLOC_OFF && size < overlay->size ? "Preallocation can't be used for shrinking an image"
                                                                             : NULL;
    if (!why)
        return 0;
    g_set_error_literal(error, OPTIONS_ERROR, EINVAL, why);
    return -EINVAL;
}

int overlay_resize_co(struct overlay *overlay, int64_t size, enum blk_prealloc prealloc, GError **error)
{
    int64_t old_size = overlay->size;
    /* There is no metadata to allocate. */
    int ret = node_truncate_co(overlay->file, size, true, prealloc == BLK_PREALLOC_METADATA ? BLK_PREALLOC_OFF : prealloc, error);
    if (ret < 0)
        return ret;
    overlay->size = size;
    overlay->base_end = MIN(overlay->base_end, size);
    intervals_remove(overlay->ours, size, INT64_MAX);
    if (prealloc != BLK_PREALLOC_OFF)
        intervals_add(overlay->ours, old_size, size);
    return 0;
}

static int overlay_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error)
{
    struct overlay *overlay = node->opaque;
    int ret = refuse_truncate(overlay, size, prealloc, error);
    if (ret < 0)
        return ret;
    if (overlay->journal) {
        co_mutex_lock_co(&overlay->lock);
        overlay_keep_resize_co(node, size, prealloc);
    }
    ret = overlay_resize_co(overlay, size, prealloc, error);
    end_change(overlay);
    return ret;
}

static int overlay_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status)
{
    struct overlay *overlay = node->opaque;
    struct node_status status = {.child_offset = offset};
    switch (overlay_source(overlay, offset, bytes, &status.bytes)) {
    case OVERLAY_OURS:
        status.via = NODE_STATUS_PASS;
        status.child = overlay->file;
        break;
    case OVERLAY_BASE:
        status.via = NODE_STATUS_BACKING;
        status.child = overlay->base;
        break;
    case OVERLAY_NOBODY:
        status.via = NODE_STATUS_FINAL;
        status.kind = BLK_KIND_UNALLOCATED;
        break;
    }
    *ret_status = status;
    return 0;
}

static int overlay_close_co(struct node *node)
{
    struct overlay *overlay = node->opaque;
    overlay_journal_free_co(overlay->journal);
    intervals_free(overlay->ours);
    return 0;
}

/* Not in the list of drivers: nobody can name it. */
const struct driver driver_overlay = {
    .name = "overlay",
    .state_size = sizeof(struct overlay),
    .close_co = overlay_close_co,
    .preadv_co = overlay_preadv_co,
    .pwritev_co = overlay_pwritev_co,
    .pwrite_zeroes_co = overlay_pwrite_zeroes_co,
    .pdiscard_co = overlay_pdiscard_co,
    .truncate_co = overlay_truncate_co,
    .length_co = overlay_length_co,
    .status_co = overlay_status_co,
};

/* ---- opening ---- */

int overlay_open_co(struct node *base, const struct node_how *how, struct node **ret_node, GError **error)
{
    struct node *file;
    int ret = spill_open_co(how, base->size, &file, error);
    if (ret < 0) {
        node_unref_co(base);
        return ret;
    }
    struct node *node = node_new(&driver_overlay, how);
    struct overlay *overlay = node->opaque;
    overlay->base = base;
    overlay->file = file;
    overlay->ours = intervals_new();
    overlay->base_end = overlay->size = base->size;
    node->options = options_new();
    node->filename = g_strdup(base->filename);
    node->limits.discard_alignment = CLUSTER;
    node->zero_flags = BLK_FUA | BLK_MAY_UNMAP | BLK_NO_FALLBACK;
    node->write_flags = BLK_FUA; /* nothing in it outlives the program: stable or not is all the same */
    node_add_child(node, "backing", NODE_ROLE_BACKING, base);
    node_add_child(node, "snapshot", NODE_ROLE_DATA, file);
    node->size = base->size;
    *ret_node = node;
    return 0;
}
