/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Resizing the virtual disk.  To grow takes a larger L1 table, zeroes over what the backing file would show, then the size in the
 * header; each is on stable storage before the next.
 */
#include <errno.h>
#include <string.h>

#include "block/qcow2/preallocate.h"
#include "block/qcow2/shrink.h"
#include "block/qcow2/write.h"
#include "block/qcow2/writer.h"

enum {
    /* "Header" */
    SIZE_AT = 24,
    L1_SIZE_AT = 36, /* and the table's offset behind it */
    SECTOR = 512,
};

/* ---- the L1 table ---- */

static int64_t bytes_of(const struct qcow2 *qcow2, uint32_t entries)
{
    return (entries * INT64_C(8) + qcow2->cluster_size - 1) & -qcow2->cluster_size;
}

static int write_l1_co(struct node *node, int64_t offset, uint32_t entries)
{
    const struct qcow2 *qcow2 = node->opaque;
    int64_t bytes = entries * INT64_C(8);
    g_autofree uint64_t *words = g_try_malloc0(bytes);
    if (!words)
        return -ENOMEM;
    for (uint32_t i = 0; i < qcow2->l1_count; i++)
        words[i] = qcow2_be64(&qcow2->l1[i]);
    node_debug_event_co(node->file, BLK_EVENT_L1_GROW_WRITE_TABLE);
    /* Only the table itself (with direct I/O, its last sector keeps what is behind it): at the end of the file the rest of its cluster is not there. */
    return node_pwrite_co(node->file, offset, bytes, words, 0);
}

static int activate_l1_co(struct node *node, uint64_t offset, uint32_t entries)
{
    struct __attribute__((packed)) {
        uint32_t entries;
        uint64_t offset;
    } fields = {qcow2_be32(&entries), qcow2_be64(&offset)};
    node_debug_event_co(node->file, BLK_EVENT_L1_GROW_ACTIVATE_TABLE);
    int ret = node_pwrite_co(node->file, L1_SIZE_AT, sizeof(fields), &fields, 0);
    if (ret == 0)
        ret = qcow2_writer_barrier_co(node);
    if (ret < 0)
        qcow2_doubt_note(node);
    return ret;
}

static void take_l1_co(struct node *node, int64_t offset, uint32_t entries)
{
    struct qcow2 *qcow2 = node->opaque;
    int64_t old = qcow2->l1_offset, old_bytes = qcow2->l1_size * INT64_C(8);
    qcow2->l1 = g_renew(uint64_t, qcow2->l1, entries);
    memset(qcow2->l1 + qcow2->l1_count, 0, (entries - qcow2->l1_count) * sizeof(*qcow2->l1));
    qcow2->l1_count = qcow2->l1_size = qcow2->header.l1_size = entries;
    qcow2->l1_offset = offset;
    qcow2->header.l1_offset = offset;
    if (old_bytes > 0)
        qcow2_alloc_free_co(node, old, old_bytes, QCOW2_DISCARD_OTHER);
}

int qcow2_truncate_grow_l1_co(struct node *node, int64_t entries)
{
    struct qcow2 *qcow2 = node->opaque;
    if (entries <= qcow2->l1_size)
        return 0;
    if (entries > QCOW2_L1_MAX / 8)
        return -EFBIG;
    node_debug_event_co(node->file, BLK_EVENT_L1_GROW_ALLOC_TABLE);
    uint64_t clusters = bytes_of(qcow2, entries) >> qcow2->cluster_bits;
    int64_t offset = qcow2_alloc_co(node, clusters);
    if (offset < 0)
        return offset;
    int ret = qcow2_overlap_check(node, 0, offset, bytes_of(qcow2, entries));
    if (ret == 0)
        ret = write_l1_co(node, offset, entries);
    if (ret == 0)
        ret = qcow2_cache_flush_co(qcow2->writer->refcounts);
    if (ret == 0)
        ret = qcow2_writer_barrier_co(node);
    if (ret < 0) {
        qcow2_alloc_abort_co(node, offset, clusters);
        return ret;
    }
    /* If this fails it is not known which table the header names: the new one stays counted. */
    ret = activate_l1_co(node, offset, entries);
    if (ret == 0)
        take_l1_co(node, offset, entries);
    return ret;
}

/* ---- zeroes ---- */

static int write_zeroes_co(struct node *node, int64_t start, int64_t end)
{
    if (start >= end)
        return 0;
    g_autofree uint8_t *zeroes = g_try_malloc0(end - start);
    if (!zeroes)
        return -ENOMEM;
    struct iovec iov = {zeroes, end - start};
    return qcow2_write_pwritev_co(node, start, end - start, &iov, 1, 0);
}

static int mark_zeroes_co(struct node *node, int64_t start, int64_t end, int64_t unit)
{
    return start < end ? qcow2_remap_pwrite_zeroes_co(node, start, ((end + unit - 1) & -unit) - start, 0) : 0;
}

/*
 * What the backing file has behind the old end was not to be seen and must not come up.  What shares a unit with the old end is written
 * as zeroes, the rest is marked.
 */
static int cover_backing_co(struct node *node, int64_t old, int64_t size)
{
    const struct qcow2 *qcow2 = node->opaque;
    int64_t unit = INT64_C(1) << qcow2->unit_bits;
    if (!qcow2->backing || qcow2->backing->size <= old)
        return 0;
    int64_t first = MIN((old + unit - 1) & -unit, size);
    int64_t second = MIN((old + qcow2->cluster_size - 1) & -qcow2->cluster_size, size);
    int ret = mark_zeroes_co(node, first, second, unit);
    if (ret == 0)
        ret = mark_zeroes_co(node, second, size, qcow2->cluster_size);
    return ret == 0 ? write_zeroes_co(node, old, first) : ret;
}

/* ---- the request ---- */

static int check(const struct node *node, int64_t size, enum blk_prealloc prealloc, GError **error)
{
    const struct qcow2 *qcow2 = node->opaque;
    if (size % SECTOR)
        return options_refuse(error, EINVAL, "The new size must be a multiple of %d", SECTOR);
    if (qcow2->header.version < 3 && qcow2->snapshots->len > 0)
        return options_refuse(error, ENOTSUP, "Can't resize a v2 image which has snapshots");
    if (size < qcow2->size && prealloc != BLK_PREALLOC_OFF)
        return options_refuse(error, EINVAL, "Preallocation can't be used for shrinking an image");
    if (size > qcow2->size && qcow2->backing_left_out)
        return options_refuse(error, ENOTSUP, "An image whose backing file was not opened can't grow: Operation not supported");
    return 0;
}

static int set_size_co(struct node *node, uint64_t size)
{
    struct qcow2 *qcow2 = node->opaque;
    uint64_t word = qcow2_be64(&size);
    int ret = node_pwrite_co(node->file, SIZE_AT, sizeof(word), &word, 0);
    if (ret == 0)
        ret = qcow2_writer_barrier_co(node);
    if (ret < 0) {
        qcow2_doubt_note(node);
        return ret;
    }
    qcow2->header.size = size;
    qcow2->size = size;
    qcow2->vm_state_offset = (int64_t)qcow2_truncate_l1_entries(qcow2, size) << (qcow2->cluster_bits + qcow2->l2_bits);
    return 0;
}

int64_t qcow2_truncate_l1_entries(const struct qcow2 *qcow2, uint64_t size)
{
    unsigned bits = qcow2->cluster_bits + qcow2->l2_bits;
    return (size >> bits) + ((size & ((UINT64_C(1) << bits) - 1)) != 0);
}

/* An external data file ends where the disk does. */
static int resize_data_co(struct node *node, int64_t size, bool exact, GError **error)
{
    const struct qcow2 *qcow2 = node->opaque;
    return qcow2->data_file ? node_truncate_co(qcow2->data, size, exact, BLK_PREALLOC_OFF, error) : 0;
}

static int grow_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    /* All of a raw data file is the disk's, and said to be so. */
    if (prealloc == BLK_PREALLOC_OFF && qcow2->data_file && (qcow2->header.autoclear & QCOW2_AUTOCLEAR_DATA_FILE_RAW))
        prealloc = BLK_PREALLOC_METADATA;
    co_mutex_lock_co(&qcow2->writer->lock);
    int ret = qcow2_truncate_grow_l1_co(node, qcow2_truncate_l1_entries(qcow2, size));
    co_mutex_unlock(&qcow2->writer->lock);
    if (ret < 0)
        return options_refuse(error, -ret, "Failed to grow the L1 table: %s", g_strerror(-ret));
    ret = prealloc == BLK_PREALLOC_OFF ? resize_data_co(node, size, exact, error)
                                       : qcow2_preallocate_co(node, qcow2->size, size, prealloc, error);
    if (ret < 0)
        return ret;
    if (prealloc < BLK_PREALLOC_FALLOC || qcow2->data_file)
        ret = cover_backing_co(node, qcow2->size, size);
    return ret < 0 ? options_refuse(error, -ret, "Failed to zero out new clusters: %s", g_strerror(-ret)) : 0;
}

int qcow2_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    int ret = check(node, size, prealloc, error);
    if (ret < 0)
        return ret;
    co_mutex_lock_co(&writer->lock);
    ret = qcow2_doubt_settle_co(node);
    if (ret == 0)
        ret = qcow2_writer_settle_bitmaps_co(node);
    co_mutex_unlock(&writer->lock);
    if (ret < 0)
        return options_refuse(error, -ret, "Could not update the flags of bitmaps: %s", g_strerror(-ret));
    ret = size < qcow2->size ? qcow2_shrink_co(node, size, error) : grow_co(node, size, exact, prealloc, error);
    if (ret == 0 && size < qcow2->size)
        ret = resize_data_co(node, size, exact, error);
    if (ret < 0)
        return ret;
    co_mutex_lock_co(&writer->lock);
    ret = set_size_co(node, size);
    co_mutex_unlock(&writer->lock);
    return ret < 0 ? options_refuse(error, -ret, "Failed to update the image size: %s", g_strerror(-ret)) : 0;
}
