/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zeroes and discards on a node: padded, cut to what the driver takes, and written out where it can't. */
#include "block/node-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/checked.h"

/*
 * Zero bytes that a driver can't make any cheaper are written in pieces as large as the reference program's, for what is written at once
 * gets its place in a format at once; they are the same few bytes again and again.
 */
enum { FALLBACK_MAX = 16 << 20, FALLBACK_BUFFER = 1 << 20 };

/*
 * Length of the next piece of [offset, offset + bytes): up to the alignment if offset is off it, then as many
 * whole units as fit in max (0: no limit), then the rest.
 */
static int64_t next_piece(int64_t offset, int64_t bytes, int64_t alignment, int64_t max)
{
    int64_t n = bytes;
    if (offset % alignment)
        n = MIN(bytes, alignment - offset % alignment);
    else if (bytes > alignment)
        n = bytes - bytes % alignment;
    if (max > 0 && n > max)
        n = max > alignment ? max - max % alignment : max;
    return n;
}

static int drive_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    if (node->driver->pwrite_zeroes_co)
        return node->driver->pwrite_zeroes_co(node, offset, bytes, flags);
    if ((node->driver->flags & DRIVER_FILTER) && node->file)
        return node_pwrite_zeroes_co(node->file, offset, bytes, flags);
    return -ENOTSUP;
}

/* iov: of the same size bytes of zeroes, as often as it takes; how many there are. */
static int repeat(void *zeroes, size_t size, int64_t bytes, struct iovec *iov)
{
    int n = 0;
    for (; bytes > 0; bytes -= iov[n++].iov_len)
        iov[n] = (struct iovec){zeroes, MIN(bytes, (int64_t)size)};
    return n;
}

static int write_zero_bytes_co(struct node *node, int64_t offset, int64_t bytes)
{
    struct iovec iov[FALLBACK_MAX / FALLBACK_BUFFER];
    int64_t step = MAX(FALLBACK_MAX, node->limits.request_alignment);
    size_t size = MIN(bytes, MAX(FALLBACK_BUFFER, node->limits.request_alignment));
    void *buf = node_buffer(node, size);
    memset(buf, 0, size);
    int ret = 0;
    for (int64_t done = 0; ret == 0 && done < bytes; done += step) {
        int64_t n = MIN(bytes - done, step);
        ret = node_write_pieces_co(node, offset + done, n, iov, repeat(buf, size, n, iov), 0);
        co_relax_co();
    }
    free(buf);
    return ret;
}

static int zero_pieces_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    unsigned driver_flags = flags & node->zero_flags;
    /* Of what a node above passes on; who asks the topmost node to unmap is not overruled by its discard=ignore. */
    if (!(node->flags & NODE_DISCARD) && node->depth > 0)
        driver_flags &= ~BLK_MAY_UNMAP;
    if (flags & BLK_NO_FALLBACK & ~driver_flags)
        return -ENOTSUP;
    int64_t alignment = MAX(node->limits.zeroes_alignment, node->limits.request_alignment);
    if (bytes == 0)
        return 0;
    while (bytes > 0) {
        int64_t n = next_piece(offset, bytes, alignment, node->limits.max_zeroes);
        int ret = drive_zeroes_co(node, offset, n, driver_flags);
        if (ret == -ENOTSUP && !(flags & BLK_NO_FALLBACK))
            ret = write_zero_bytes_co(node, offset, n);
        if (ret < 0)
            return ret;
        offset += n;
        bytes -= n;
    }
    /* A fallback was written without it, too. */
    return flags & BLK_FUA ? node_flush_written_co(node) : 0;
}

int node_zero_aligned_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    unsigned resizes = node->resizes;
    node_own_event_co(node, BLK_EVENT_PWRITEV_ZERO);
    int ret = zero_pieces_co(node, offset, bytes, flags);
    node_own_event_co(node, BLK_EVENT_PWRITEV_DONE);
    node_written_up_to_co(node, ret < 0 ? 0 : offset + bytes, resizes);
    return ret;
}

static int write_block_co(struct node *node, int64_t offset, int64_t bytes, uint8_t *buf, unsigned flags)
{
    struct iovec iov = {buf, bytes};
    return node_write_aligned_co(node, offset, bytes, &iov, 1, flags);
}

/* The blocks at the ends are read and written, what is between is zeroed. */
static int zero_padded_co(struct node *node, struct node_pad *pad, unsigned flags)
{
    unsigned write_flags = flags & BLK_FUA;
    int64_t alignment = node->limits.request_alignment;
    int ret = node_pad_read_co(node, pad);
    if (ret < 0)
        return ret;
    if (pad->merged) {
        memset(pad->buf + pad->head, 0, pad->end - pad->start - pad->head - pad->tail);
        return write_block_co(node, pad->start, pad->end - pad->start, pad->buf, write_flags);
    }
    int64_t start = pad->start, end = pad->end;
    if (pad->head) {
        memset(pad->buf + pad->head, 0, alignment - pad->head);
        ret = write_block_co(node, start, alignment, pad->buf, write_flags);
        start += alignment;
    }
    if (pad->tail)
        end -= alignment;
    if (ret == 0 && end > start)
        ret = node_zero_aligned_co(node, start, end - start, flags);
    if (ret == 0 && pad->tail) {
        memset(pad->tail_buf, 0, alignment - pad->tail);
        ret = write_block_co(node, end, alignment, pad->tail_buf, write_flags);
    }
    return ret;
}

int node_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    int ret = node_check_write(node, offset, bytes);
    if (ret < 0)
        return ret;
    if (node_is_nothing(node, offset, bytes))
        return flags & BLK_NO_FALLBACK ? -ENOTSUP : 0;
    struct node_pad pad;
    struct node_pending pending;
    if (!node_pad_init(node, &pad, offset, bytes)) {
        node_pending_begin_co(node, &pending, offset, offset + bytes, false);
        ret = node_zero_aligned_co(node, offset, bytes, flags);
        node_pending_end(node, &pending);
        return ret;
    }
    /* The ends of what is not aligned are written: what was asked not to happen. */
    if (flags & BLK_NO_FALLBACK) {
        node_pad_clear(&pad);
        return -ENOTSUP;
    }
    node_pending_begin_co(node, &pending, pad.start, pad.end, true);
    ret = zero_padded_co(node, &pad, flags);
    node_pending_end(node, &pending);
    node_pad_clear(&pad);
    return ret;
}

static int drive_discard_co(struct node *node, int64_t offset, int64_t bytes)
{
    if (node->driver->pdiscard_co)
        return node->driver->pdiscard_co(node, offset, bytes);
    if ((node->driver->flags & DRIVER_FILTER) && node->file)
        return node_pdiscard_co(node->file, offset, bytes);
    return 0;
}

int node_pdiscard_co(struct node *node, int64_t offset, int64_t bytes)
{
    int ret = node_check_writable(node);
    if (ret < 0)
        return ret;
    if (!checked_range(offset, bytes, node->size))
        return -EIO;
    if (!(node->flags & NODE_DISCARD))
        return 0;
    struct node_pending pending;
    node_pending_begin_co(node, &pending, offset, offset + bytes, false);
    int64_t alignment = MAX(node->limits.discard_alignment, node->limits.request_alignment);
    while (bytes > 0 && ret == 0) {
        int64_t n = next_piece(offset, bytes, alignment, node->limits.max_discard);
        ret = drive_discard_co(node, offset, n);
        if (ret == -ENOTSUP)
            ret = 0;
        offset += n;
        bytes -= n;
    }
    node_written(node);
    node_pending_end(node, &pending);
    return ret;
}
