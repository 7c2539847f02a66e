/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file drivers: a regular file, or a device.
 *
 * A read past the end of the file gives zeroes: the file may have shrunk since it was opened, and its last sector need
 * not be whole.  Large requests are cut into pieces, between which the loop gets its turn.
 */
#include <errno.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "block/file-internal.h"
#include "block/iov.h"

enum {
    /* A piece that is copied from the page cache on our own thread takes about a millisecond. */
    BUFFERED_PIECE = 4 << 20,
    /* Direct I/O does not copy: longer pieces keep the device's queue full. */
    DIRECT_PIECE = 64 << 20,
};

/* One pass through the kernel: as many bytes as it takes, 0 at the end of the file. */
static ssize_t pass_co(struct node *node, int64_t offset, const struct iovec *iov, int niov, unsigned aio_flags, bool write)
{
    struct file *file = node->opaque;
    ssize_t n = write ? aio_pwritev_co(node->aio, file->fd, iov, niov, offset, aio_flags)
                      : aio_preadv_co(node->aio, file->fd, iov, niov, offset, aio_flags);
    registry_count(node, n);
    return n;
}

/*
 * A direct read stopped at an odd place: at the end of the file, or short of a sector that can't be read.  1: the end, 0: not,
 * or a negative errno.
 */
static int is_end_co(struct node *node, int64_t offset)
{
    int64_t length = file_length_co(node);
    return length < 0 ? length : offset >= length;
}

/* Until all is transferred.  ret_done falls short only of a read that met the end of the file. */
static int transfer_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned aio_flags, bool write,
                       int64_t *ret_done)
{
    int64_t step = aio_flags & AIO_DIRECT ? DIRECT_PIECE : BUFFERED_PIECE;
    int64_t alignment = node->limits.request_alignment;
    g_autofree struct iovec *slice = g_new(struct iovec, niov);
    int64_t done = 0, stuck = -1;
    while (done < bytes) {
        int count = iov_slice(iov, niov, done, MIN(bytes - done, step), slice);
        if (count > IOV_MAX)
            count = IOV_MAX;
        int64_t wanted = iov_bytes(slice, count);
        if (wanted % alignment && wanted > alignment) /* the vector was cut at an odd place */
            count = iov_slice(iov, niov, done, wanted - wanted % alignment, slice);
        ssize_t n = pass_co(node, offset + done, slice, count, aio_flags, write);
        if (n < 0)
            return n;
        if (n == 0 && write)
            return -ENOSPC;
        done += n;
        if (n == 0)
            break;
        if (!write && n % alignment) {
            int ret = is_end_co(node, offset + done);
            if (ret < 0)
                return ret;
            if (ret == 1)
                break;
            if (done == stuck)
                return -EIO;
            stuck = done;
            done -= n % alignment; /* again, for the error */
        }
        co_relax_co();
    }
    *ret_done = MIN(done, bytes);
    return 0;
}

static int file_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    unsigned aio_flags = node->flags & NODE_DIRECT ? AIO_DIRECT : 0;
    int64_t done = 0;
    if (G_UNLIKELY(bytes == 0))
        return 0;
    if (G_LIKELY(bytes <= BUFFERED_PIECE && niov <= IOV_MAX)) {
        done = pass_co(node, offset, iov, niov, aio_flags, false);
        if (G_LIKELY(done == bytes))
            return 0;
        if (done < 0)
            return done;
    }
    /* The rest, or all of it. */
    done -= done % node->limits.request_alignment;
    g_autofree struct iovec *rest = g_new(struct iovec, niov);
    int count = iov_slice(iov, niov, done, bytes - done, rest);
    int64_t more;
    int ret = transfer_co(node, offset + done, bytes - done, rest, count, aio_flags, false, &more);
    if (ret < 0)
        return ret;
    done += more;
    iov_fill_zero(iov, niov, done, bytes - done);
    return 0;
}

static int write_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    unsigned aio_flags = (node->flags & NODE_DIRECT ? AIO_DIRECT : 0) | (flags & BLK_ALONE ? AIO_ALONE : 0) |
                         (flags & BLK_FUA && !(node->flags & NODE_NO_FLUSH) ? AIO_FUA : 0);
    if (G_LIKELY(bytes <= BUFFERED_PIECE && niov <= IOV_MAX)) {
        ssize_t n = pass_co(node, offset, iov, niov, aio_flags, true);
        if (G_LIKELY(n == bytes))
            return 0;
        if (n < 0)
            return n;
    }
    int64_t done;
    return transfer_co(node, offset, bytes, iov, niov, aio_flags, true, &done);
}

static int file_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    if (G_UNLIKELY(bytes == 0))
        return 0;
    file_write_begin_co(node->opaque, offset + bytes);
    int ret = write_co(node, offset, bytes, iov, niov, flags);
    file_write_end(node->opaque);
    return ret;
}

static int file_flush_to_disk_co(struct node *node)
{
    struct file *file = node->opaque;
    if (file->lost < 0)
        return file->lost;
    int ret = aio_fdatasync_co(node->aio, file->fd);
    /* EINVAL: a device that has nothing to bring to safety, /dev/null for one. */
    if (ret == -EINVAL && file->kind == FILE_CHARACTER_DEVICE)
        return 0;
    /* The kernel tells once and forgets what it could not write: a second try that succeeds says nothing about that. */
    if (ret < 0 && !(node->flags & NODE_DIRECT))
        file->lost = ret;
    return ret;
}

/* ---- zeroes and discards ---- */

struct device_range {
    int fd;
    unsigned long request;
    uint64_t range[2];
};

static int ioctl_range(void *data)
{
    struct device_range *range = data;
    return ioctl(range->fd, range->request, range->range) < 0 ? -errno : 0;
}

static int device_range_co(struct node *node, unsigned long request, int64_t offset, int64_t bytes)
{
    struct file *file = node->opaque;
    struct device_range range = {file->fd, request, {offset, bytes}};
    return aio_call_co(node->aio, ioctl_range, &range, false);
}

static bool is_unsupported(int ret)
{
    return ret == -EOPNOTSUPP || ret == -ENOSYS || ret == -ENOTTY || ret == -ENODEV || ret == -EINVAL;
}

static int punch_hole_co(struct node *node, int64_t offset, int64_t bytes)
{
    struct file *file = node->opaque;
    if (file->no_punch_hole)
        return -ENOTSUP;
    int ret = aio_fallocate_co(node->aio, file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes);
    if (is_unsupported(ret)) {
        file->no_punch_hole = ret != -EINVAL;
        return -ENOTSUP;
    }
    return ret;
}

static int zero_range_co(struct node *node, int64_t offset, int64_t bytes)
{
    struct file *file = node->opaque;
    if (file->no_zero_range)
        return -ENOTSUP;
    int ret;
    if (file->kind == FILE_BLOCK_DEVICE)
        ret = device_range_co(node, BLKZEROOUT, offset, bytes);
    else
        ret = aio_fallocate_co(node->aio, file->fd, FALLOC_FL_ZERO_RANGE, offset, bytes);
    if (is_unsupported(ret)) {
        file->no_zero_range = ret != -EINVAL;
        return -ENOTSUP;
    }
    return ret;
}

/* For file systems that do not know the range that becomes zeroes, as tmpfs: a hole, and room in its place. */
static int hole_with_room_co(struct node *node, int64_t offset, int64_t bytes)
{
    struct file *file = node->opaque;
    if (file->kind != FILE_REGULAR || offset + bytes > node->size)
        return -ENOTSUP;
    int ret = punch_hole_co(node, offset, bytes);
    if (ret == 0)
        ret = aio_fallocate_co(node->aio, file->fd, 0, offset, bytes);
    return is_unsupported(ret) ? -ENOTSUP : ret;
}

static int file_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    struct file *file = node->opaque;
    int ret = -ENOTSUP;
    if (file->kind == FILE_CHARACTER_DEVICE)
        return -ENOTSUP;
    /* Punching keeps the size: only inside of the file as it is. */
    if ((flags & BLK_MAY_UNMAP) && offset + bytes <= node->size)
        ret = punch_hole_co(node, offset, bytes);
    if (ret == -ENOTSUP) {
        file_write_begin_co(file, offset + bytes);
        ret = zero_range_co(node, offset, bytes);
        if (ret == -ENOTSUP)
            ret = hole_with_room_co(node, offset, bytes);
        file_write_end(file);
    }
    file_status_forget(file);
    return ret;
}

static int file_pdiscard_co(struct node *node, int64_t offset, int64_t bytes)
{
    struct file *file = node->opaque;
    int ret = -ENOTSUP;
    switch (file->kind) {
    case FILE_REGULAR:
        ret = punch_hole_co(node, offset, bytes);
        break;
    case FILE_BLOCK_DEVICE:
        ret = device_range_co(node, BLKDISCARD, offset, bytes);
        break;
    case FILE_CHARACTER_DEVICE:
        break;
    }
    file_status_forget(file);
    return is_unsupported(ret) ? -ENOTSUP : ret;
}

#define FILE_SLOTS                                                                                                                         \
    .flags = DRIVER_PROTOCOL | DRIVER_BLIND_READS | DRIVER_COUNTS, .state_size = sizeof(struct file), .options = file_options, .open_co = file_open_co,    \
    .close_co = file_close_co, .preadv_co = file_preadv_co, .pwritev_co = file_pwritev_co, .pwrite_zeroes_co = file_pwrite_zeroes_co,      \
    .pdiscard_co = file_pdiscard_co, .flush_to_disk_co = file_flush_to_disk_co, .truncate_co = file_truncate_co,                           \
    .length_co = file_length_co, .occupied_co = file_occupied_co, .status_co = file_status_co, .status_bulk_co = file_status_bulk_co,                                       \
    .refresh_co = file_refresh_co,                                                                                                         \
    .reopen_prepare_co = file_reopen_prepare_co, .reopen_commit_co = file_reopen_commit_co, .reopen_abort_co = file_reopen_abort_co,       \
    .relock = file_relock, .descriptor = file_descriptor, .lock_holders = file_lock_holders

const struct driver driver_file = {.name = "file", .protocols = (const char *const[]){"file", NULL}, FILE_SLOTS};
const struct driver driver_host_device = {.name = "host_device", .protocols = (const char *const[]){"host_device", NULL}, FILE_SLOTS};
const struct driver driver_host_cdrom = {.name = "host_cdrom", .protocols = (const char *const[]){"host_cdrom", NULL}, FILE_SLOTS};
