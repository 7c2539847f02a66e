/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads and writes on a node: range -> padding -> pieces -> memory -> driver.
 *
 * A write that is not aligned becomes read-modify-write of whole blocks.  While one runs, no other write to its blocks
 * may (or one of them would be undone), so on nodes with an alignment every write is entered in node->pending: a
 * padded one waits for all older that overlap, an aligned one only for older padded ones.  Waiting for older ones alone
 * can't deadlock.
 */
#include "block/node-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block/iov.h"
#include "util/checked.h"

/* Memory that is not aligned is bounced in pieces of this size. */
enum { BOUNCE_MAX = 1 << 20 };

void *node_buffer(const struct node *node, size_t bytes)
{
    void *buf;
    if (posix_memalign(&buf, MAX(node->limits.memory_alignment, sizeof(void *)), MAX(bytes, 1)))
        g_error("out of memory for %zu bytes", bytes);
    return buf;
}

void node_own_event_co(struct node *node, enum blk_event event)
{
    const struct driver *driver = node->driver;
    if (!driver->debug_event_co && !(driver->flags & DRIVER_PROTOCOL))
        return;
    if (node->registry->observer)
        registry_event(node->registry, event);
    if (driver->debug_event_co)
        driver->debug_event_co(node, event);
}

/* ---- who writes where ---- */

static struct node_pending *find_conflict(const struct node_pending *pending)
{
    for (struct node_pending *older = pending->next; older; older = older->next) {
        if ((pending->rmw || older->rmw) && older->start < pending->end && pending->start < older->end)
            return older;
    }
    return NULL;
}

void node_pending_begin_co(struct node *node, struct node_pending *pending, int64_t start, int64_t end, bool rmw)
{
    if (node->limits.request_alignment <= 1)
        return;
    *pending = (struct node_pending){start, end, rmw, {NULL, NULL}, node->pending};
    node->pending = pending;
    for (struct node_pending *older; (older = find_conflict(pending));)
        co_queue_wait_uncancellable_co(&older->waiters);
}

void node_pending_end(struct node *node, struct node_pending *pending)
{
    if (node->limits.request_alignment <= 1)
        return;
    struct node_pending **link = &node->pending;
    while (*link != pending)
        link = &(*link)->next;
    *link = pending->next;
    co_queue_wake_all(&pending->waiters);
}

/* ---- reading what is aligned ---- */

static int drive_read_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    if (node->driver->preadv_co)
        return node->driver->preadv_co(node, offset, bytes, iov, niov, flags);
    return node->file ? node_preadv_co(node->file, offset, bytes, iov, niov, flags) : -ENOTSUP;
}

static int bounce_read_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    int64_t step = MAX(BOUNCE_MAX, node->limits.request_alignment);
    void *buf = node_buffer(node, MIN(bytes, step));
    int ret = 0;
    for (int64_t done = 0; ret == 0 && done < bytes; done += step) {
        struct iovec piece = {buf, MIN(bytes - done, step)};
        ret = drive_read_co(node, offset + done, piece.iov_len, &piece, 1, flags);
        if (ret == 0)
            iov_copy_in(iov, niov, done, buf, piece.iov_len);
    }
    free(buf);
    return ret;
}

static bool needs_bounce(const struct node *node, int64_t bytes, const struct iovec *iov, int niov)
{
    return node->limits.memory_alignment > 1 && bytes > 0 && !iov_is_aligned(iov, niov, node->limits.memory_alignment);
}

static int read_piece_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    if (needs_bounce(node, bytes, iov, niov))
        return bounce_read_co(node, offset, bytes, iov, niov, flags);
    return drive_read_co(node, offset, bytes, iov, niov, flags);
}

/* Longest piece a driver takes. */
static int64_t max_piece(const struct node *node)
{
    int64_t max = node->limits.max_transfer ? node->limits.max_transfer : BLK_REQUEST_MAX;
    return MAX(max & -(int64_t)node->limits.request_alignment, node->limits.request_alignment);
}

static int read_aligned_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    int64_t max = max_piece(node);
    if (G_LIKELY(bytes <= max))
        return read_piece_co(node, offset, bytes, iov, niov, flags);
    g_autofree struct iovec *slice = g_new(struct iovec, niov);
    int ret = 0;
    for (int64_t done = 0; ret == 0 && done < bytes; done += max) {
        int64_t n = MIN(bytes - done, max);
        int count = iov_slice(iov, niov, done, n, slice);
        ret = read_piece_co(node, offset + done, n, slice, count, flags);
    }
    return ret;
}

/* ---- padding ---- */

bool node_is_nothing(const struct node *node, int64_t offset, int64_t bytes)
{
    return bytes == 0 && (offset & (node->limits.request_alignment - 1));
}

bool node_pad_init(struct node *node, struct node_pad *pad, int64_t offset, int64_t bytes)
{
    int64_t alignment = node->limits.request_alignment;
    if (((offset | bytes) & (alignment - 1)) == 0)
        return false;
    int64_t end = offset + bytes;
    pad->start = offset & -alignment;
    pad->end = (end + alignment - 1) & -alignment;
    pad->head = offset - pad->start;
    pad->tail = pad->end - end;
    pad->merged = pad->end - pad->start == alignment || (pad->head && pad->tail && pad->end - pad->start == 2 * alignment);
    size_t size = pad->merged ? pad->end - pad->start : 2 * alignment;
    pad->buf = node_buffer(node, size);
    memset(pad->buf, 0, size); /* null leaves what it reads as it was, which is then written */
    pad->tail_buf = pad->buf + size - alignment;
    return true;
}

void node_pad_clear(struct node_pad *pad)
{
    free(pad->buf);
}

static int read_block_co(struct node *node, int64_t offset, int64_t bytes, uint8_t *buf)
{
    struct iovec iov = {buf, bytes};
    return read_aligned_co(node, offset, bytes, &iov, 1, 0);
}

int node_pad_read_co(struct node *node, struct node_pad *pad)
{
    int64_t alignment = node->limits.request_alignment;
    int ret = 0;
    if (pad->merged) {
        if (pad->head)
            node_own_event_co(node, BLK_EVENT_PWRITEV_RMW_HEAD);
        if (pad->tail)
            node_own_event_co(node, BLK_EVENT_PWRITEV_RMW_TAIL);
        ret = read_block_co(node, pad->start, pad->end - pad->start, pad->buf);
        if (ret == 0 && pad->head)
            node_own_event_co(node, BLK_EVENT_PWRITEV_RMW_AFTER_HEAD);
        if (ret == 0 && pad->tail)
            node_own_event_co(node, BLK_EVENT_PWRITEV_RMW_AFTER_TAIL);
        return ret;
    }
    if (pad->head) {
        node_own_event_co(node, BLK_EVENT_PWRITEV_RMW_HEAD);
        ret = read_block_co(node, pad->start, alignment, pad->buf);
        if (ret < 0)
            return ret;
        node_own_event_co(node, BLK_EVENT_PWRITEV_RMW_AFTER_HEAD);
    }
    if (pad->tail) {
        node_own_event_co(node, BLK_EVENT_PWRITEV_RMW_TAIL);
        ret = read_block_co(node, pad->end - alignment, alignment, pad->tail_buf);
        if (ret < 0)
            return ret;
        node_own_event_co(node, BLK_EVENT_PWRITEV_RMW_AFTER_TAIL);
    }
    return 0;
}

/* The user's vector between the rests of the blocks at its ends; g_free it. */
static struct iovec *pad_vector(const struct node *node, const struct node_pad *pad, const struct iovec *iov, int niov, int *ret_niov)
{
    struct iovec *padded = g_new(struct iovec, niov + 2);
    int n = 0;
    if (pad->head)
        padded[n++] = (struct iovec){pad->buf, pad->head};
    for (int i = 0; i < niov; i++)
        padded[n++] = iov[i];
    if (pad->tail)
        padded[n++] = (struct iovec){pad->tail_buf + node->limits.request_alignment - pad->tail, pad->tail};
    *ret_niov = n;
    return padded;
}

/* ---- reading ---- */

static int read_inside_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    struct node_pad pad;
    if (G_LIKELY(!node_pad_init(node, &pad, offset, bytes)))
        return read_aligned_co(node, offset, bytes, iov, niov, flags);
    int count;
    g_autofree struct iovec *padded = pad_vector(node, &pad, iov, niov, &count);
    int ret = read_aligned_co(node, pad.start, pad.end - pad.start, padded, count, flags);
    node_pad_clear(&pad);
    return ret;
}

/* Nothing is to be cut, padded or copied: nearly every read. */
static bool fits(const struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov)
{
    return checked_range(offset, bytes, node->size) && ((offset | bytes) & (node->limits.request_alignment - 1)) == 0 &&
           bytes <= max_piece(node) && !needs_bounce(node, bytes, iov, niov);
}

int node_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    if (node->dead)
        return -ENOMEDIUM;
    if (G_LIKELY(fits(node, offset, bytes, iov, niov)))
        return drive_read_co(node, offset, bytes, iov, niov, flags);
    if (offset < 0 || bytes < 0)
        return -EIO;
    if (node_is_nothing(node, offset, bytes))
        return 0;
    if (checked_range(offset, bytes, node->size))
        return read_inside_co(node, offset, bytes, iov, niov, flags);
    int64_t inside = CLAMP(node->size - offset, 0, bytes);
    int ret = 0;
    if (inside > 0) {
        g_autofree struct iovec *slice = g_new(struct iovec, niov);
        int count = iov_slice(iov, niov, 0, inside, slice);
        ret = read_inside_co(node, offset, inside, slice, count, flags);
    }
    if (ret == 0)
        iov_fill_zero(iov, niov, inside, bytes - inside);
    return ret;
}

/* ---- writing ---- */

static int drive_write_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    if (node->driver->pwritev_co)
        return node->driver->pwritev_co(node, offset, bytes, iov, niov, flags);
    return node->file ? node_pwritev_co(node->file, offset, bytes, iov, niov, flags) : -ENOTSUP;
}

static int bounce_write_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    int64_t step = MAX(BOUNCE_MAX, node->limits.request_alignment);
    void *buf = node_buffer(node, MIN(bytes, step));
    int ret = 0;
    for (int64_t done = 0; ret == 0 && done < bytes; done += step) {
        struct iovec piece = {buf, MIN(bytes - done, step)};
        iov_copy_out(iov, niov, done, buf, piece.iov_len);
        ret = drive_write_co(node, offset + done, piece.iov_len, &piece, 1, flags);
    }
    free(buf);
    return ret;
}

static int write_piece_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    if (needs_bounce(node, bytes, iov, niov))
        return bounce_write_co(node, offset, bytes, iov, niov, flags);
    return drive_write_co(node, offset, bytes, iov, niov, flags);
}

int node_write_pieces_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    int64_t max = max_piece(node);
    unsigned driver_flags = flags & node->write_flags;
    int ret = 0;
    if (G_LIKELY(bytes <= max)) {
        ret = write_piece_co(node, offset, bytes, iov, niov, driver_flags);
    } else {
        g_autofree struct iovec *slice = g_new(struct iovec, niov);
        for (int64_t done = 0; ret == 0 && done < bytes; done += max) {
            int64_t n = MIN(bytes - done, max);
            int count = iov_slice(iov, niov, done, n, slice);
            ret = write_piece_co(node, offset + done, n, slice, count, driver_flags);
        }
    }
    if (ret == 0 && (flags & BLK_FUA & ~driver_flags))
        ret = node_flush_written_co(node);
    return ret;
}

void node_written(struct node *node)
{
    node->write_gen++;
}

/*
 * Written up to end, by a request that began when node->resizes was this.  Whether a truncation meanwhile came before or after
 * it in the file is not known here.
 */
void node_written_up_to_co(struct node *node, int64_t end, unsigned resizes)
{
    node_written(node);
    if (G_UNLIKELY(node->resizes != resizes))
        node_refresh_size_co(node);
    else if (end > node->size)
        node->size = node_round_size(end);
}

int node_write_aligned_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    if ((node->flags & NODE_DETECT_ZEROES) && iov_is_zero(iov, niov)) {
        bool unmap = node->flags & NODE_DETECT_UNMAP;
        return node_zero_aligned_co(node, offset, bytes, (flags & BLK_FUA) | (unmap ? BLK_MAY_UNMAP : 0));
    }
    unsigned resizes = node->resizes;
    node_own_event_co(node, BLK_EVENT_PWRITEV);
    int ret = node_write_pieces_co(node, offset, bytes, iov, niov, flags);
    node_own_event_co(node, BLK_EVENT_PWRITEV_DONE);
    /* One that failed may have written a part: it counts for the next flush all the same. */
    node_written_up_to_co(node, ret < 0 ? 0 : offset + bytes, resizes);
    return ret;
}

static int write_padded_co(struct node *node, struct node_pad *pad, const struct iovec *iov, int niov, unsigned flags)
{
    int ret = node_pad_read_co(node, pad);
    if (ret < 0)
        return ret;
    int count;
    g_autofree struct iovec *padded = pad_vector(node, pad, iov, niov, &count);
    return node_write_aligned_co(node, pad->start, pad->end - pad->start, padded, count, flags);
}

int node_check_writable(const struct node *node)
{
    return node->dead ? -ENOMEDIUM : node->flags & NODE_WRITABLE ? 0 : -EPERM;
}

int node_check_write(const struct node *node, int64_t offset, int64_t bytes)
{
    int ret = node_check_writable(node);
    if (ret < 0)
        return ret;
    return checked_range(offset, bytes, node->perm & NODE_PERM_RESIZE ? NODE_LENGTH_MAX : node->size) ? 0 : -EIO;
}

int node_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    int ret = node_check_write(node, offset, bytes);
    if (ret < 0)
        return ret;
    if (node_is_nothing(node, offset, bytes))
        return 0;
    struct node_pad pad;
    struct node_pending pending;
    if (G_LIKELY(!node_pad_init(node, &pad, offset, bytes))) {
        node_pending_begin_co(node, &pending, offset, offset + bytes, false);
        ret = node_write_aligned_co(node, offset, bytes, iov, niov, flags);
        node_pending_end(node, &pending);
        return ret;
    }
    node_pending_begin_co(node, &pending, pad.start, pad.end, true);
    ret = write_padded_co(node, &pad, iov, niov, flags);
    node_pending_end(node, &pending);
    node_pad_clear(&pad);
    return ret;
}

int node_pread_co(struct node *node, int64_t offset, int64_t bytes, void *buf)
{
    struct iovec iov = {buf, bytes};
    return node_preadv_co(node, offset, bytes, &iov, 1, 0);
}

int node_pwrite_co(struct node *node, int64_t offset, int64_t bytes, const void *buf, unsigned flags)
{
    struct iovec iov = {(void *)buf, bytes};
    return node_pwritev_co(node, offset, bytes, &iov, 1, flags);
}
