/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file drivers: how long it is, and making it longer or shorter.
 *
 * Writes behind the end make the file longer, too, at the same time perhaps.  What only makes room never cuts off what they write: it is not made
 * shorter than where those under way end, and those that come while it gets its length wait if they end behind that.
 */
#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/file-internal.h"
#include "block/node-internal.h"

enum {
    FILL_PIECE = 1 << 20,
    SECTOR = 512,
    FIRST_BLOCK = 4096,
};

struct length_call {
    const struct file *file;
    int64_t length;
};

static int get_length(void *data)
{
    struct length_call *call = data;
    const struct file *file = call->file;
    if (file->kind == FILE_BLOCK_DEVICE) {
        uint64_t size;
        if (ioctl(file->fd, BLKGETSIZE64, &size) < 0)
            return -errno;
        call->length = size > INT64_MAX ? INT64_MAX : size;
        return 0;
    }
    if (file->kind == FILE_REGULAR) {
        struct stat st;
        if (fstat(file->fd, &st) < 0)
            return -errno;
        call->length = st.st_size;
        return 0;
    }
    call->length = lseek(file->fd, 0, SEEK_END);
    return call->length < 0 ? -errno : 0;
}

int64_t file_length_co(struct node *node)
{
    struct length_call call = {.file = node->opaque};
    int ret = aio_call_co(node->aio, get_length, &call, true);
    return ret < 0 ? ret : call.length;
}

struct occupied_call {
    int fd;
    int64_t bytes;
};

static int ask_occupied(void *data)
{
    struct occupied_call *call = data;
    struct stat st;
    if (fstat(call->fd, &st) < 0)
        return -errno;
    call->bytes = (int64_t)st.st_blocks * 512;
    return S_ISREG(st.st_mode) ? 0 : -ENOTSUP;
}

int64_t file_occupied_co(struct node *node)
{
    struct file *file = node->opaque;
    struct occupied_call call = {.fd = file->fd};
    int ret = aio_call_co(node->aio, ask_occupied, &call, true);
    return ret < 0 ? ret : call.bytes;
}

struct resize_call {
    int fd;
    int64_t size;
};

static int set_length(void *data)
{
    const struct resize_call *call = data;
    return ftruncate(call->fd, call->size) < 0 ? -errno : 0;
}

void file_write_begin_co(struct file *file, int64_t end)
{
    while (G_UNLIKELY(file->resizing) && end > file->resizing_to)
        co_queue_wait_uncancellable_co(&file->resized);
    file->writers++;
    file->writers_end = MAX(file->writers_end, end);
}

void file_write_end(struct file *file)
{
    if (--file->writers == 0)
        file->writers_end = 0;
}

/* cut: what is written behind size goes, too. */
static int resize_co(struct node *node, int64_t size, bool cut)
{
    struct file *file = node->opaque;
    while (file->resizing)
        co_queue_wait_uncancellable_co(&file->resized);
    struct resize_call call = {file->fd, cut ? size : MAX(size, file->writers_end)};
    file->resizing = true;
    file->resizing_to = call.size;
    int ret = aio_call_co(node->aio, set_length, &call, false);
    file->resizing = false;
    co_queue_wake_all(&file->resized);
    return ret;
}

static int fail(GError **error, int ret, const char *what)
{
    g_set_error(error, OPTIONS_ERROR, -ret, "%s: %s", what, g_strerror(-ret));
    return ret;
}

/* Zero bytes from offset on, up to size. */
static int fill_co(struct node *node, int64_t offset, int64_t size)
{
    struct file *file = node->opaque;
    void *buf = node_buffer(node, FILL_PIECE);
    int ret = 0;
    memset(buf, 0, FILL_PIECE);
    registry_work(node, size - offset);
    while (offset < size && ret == 0) {
        struct iovec iov = {buf, MIN(size - offset, FILL_PIECE)};
        ssize_t n = aio_pwritev_co(node->aio, file->fd, &iov, 1, offset, 0);
        if (n <= 0)
            ret = n < 0 ? n : -ENOSPC;
        else if (co_cancelled())
            ret = -ECANCELED;
        offset += n;
        registry_count(node, n);
        co_relax_co();
    }
    free(buf);
    return ret < 0 ? ret : aio_fdatasync_co(node->aio, file->fd);
}

/*
 * A file that was empty gets its first block: what direct I/O asks for can't be tried out on a hole.  Whether it worked is of no
 * importance.
 */
static void allocate_first_co(struct node *node, int64_t size)
{
    struct file *file = node->opaque;
    void *block = node_buffer(node, FIRST_BLOCK);
    struct iovec iov = {block, size < FIRST_BLOCK ? SECTOR : FIRST_BLOCK};
    memset(block, 0, FIRST_BLOCK);
    aio_pwritev_co(node->aio, file->fd, &iov, 1, 0, 0);
    free(block);
}

static int fill_new_co(struct node *node, int64_t old_size, int64_t size, GError **error)
{
    int ret = resize_co(node, size, false);
    if (ret < 0)
        return fail(error, ret, "Could not resize file");
    ret = fill_co(node, old_size, size);
    return ret < 0 ? fail(error, ret, "Could not write zeros for preallocation") : 0;
}

static int allocate_new_co(struct node *node, int64_t old_size, int64_t size, GError **error)
{
    struct file *file = node->opaque;
    int ret = size > old_size ? aio_fallocate_co(node->aio, file->fd, 0, old_size, size - old_size) : 0;
    return ret < 0 ? fail(error, ret, "Could not preallocate new data") : 0;
}

static int truncate_regular_co(struct node *node, int64_t size, enum blk_prealloc prealloc, GError **error)
{
    int64_t old_size = file_length_co(node);
    int ret = 0;
    if (old_size < 0)
        return fail(error, old_size, "Could not inquire current size");
    if (prealloc != BLK_PREALLOC_OFF && size < old_size) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Cannot use preallocation for shrinking files");
        return -EINVAL;
    }
    switch (prealloc) {
    case BLK_PREALLOC_OFF:
        ret = resize_co(node, size, size < old_size);
        if (ret < 0)
            return fail(error, ret, "Could not resize file");
        break;
    case BLK_PREALLOC_FALLOC:
        ret = allocate_new_co(node, old_size, size, error);
        break;
    case BLK_PREALLOC_FULL:
        ret = fill_new_co(node, old_size, size, error);
        break;
    case BLK_PREALLOC_METADATA:
        g_set_error(error, OPTIONS_ERROR, ENOTSUP, "Unsupported preallocation mode: metadata");
        return -ENOTSUP;
    }
    if (ret < 0)
        resize_co(node, old_size, false);
    else if (old_size == 0 && size > 0 && prealloc != BLK_PREALLOC_FULL)
        allocate_first_co(node, size);
    return ret;
}

static int truncate_device_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error)
{
    int64_t length = file_length_co(node);
    if (prealloc != BLK_PREALLOC_OFF) {
        g_set_error(error, OPTIONS_ERROR, ENOTSUP, "Preallocation mode '%s' unsupported for this non-regular file",
                    blk_prealloc_names[prealloc]);
        return -ENOTSUP;
    }
    if (length < 0)
        return fail(error, length, "Could not inquire current size");
    if (size > length) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Cannot grow device files");
        return -EINVAL;
    }
    if (exact && size != length) {
        g_set_error(error, OPTIONS_ERROR, ENOTSUP, "Cannot resize device files");
        return -ENOTSUP;
    }
    return 0;
}

int file_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error)
{
    struct file *file = node->opaque;
    if (file->kind != FILE_REGULAR)
        return truncate_device_co(node, size, exact, prealloc, error);
    int ret = file_lock_resize(node, error);
    if (ret < 0)
        return ret;
    file->writers++; /* where writes end that ended meanwhile counts, too */
    ret = truncate_regular_co(node, size, prealloc, error);
    file_write_end(file);
    file_status_forget(file);
    return ret;
}
