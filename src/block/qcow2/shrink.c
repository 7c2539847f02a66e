/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making the virtual disk smaller: what lay behind the new end is given back, then the L2 tables for it, then refcount blocks that count
 * nothing any more, then the tail of the file.  Each step is on stable storage before the next takes away what it named.
 */
#include "block/qcow2/shrink.h"

#include <errno.h>

#include "block/qcow2/counts.h"
#include "block/qcow2/write.h"

/* ---- the L1 table ---- */

/* Lock held.  On an error the entries are gone in memory: what the file has of them is not known. */
static int clear_l1_co(struct node *node, uint64_t *old, uint32_t entries)
{
    struct qcow2 *qcow2 = node->opaque;
    int64_t offset = qcow2->l1_offset + entries * INT64_C(8), bytes = (qcow2->l1_size - entries) * INT64_C(8);
    int ret = qcow2_cache_flush_co(qcow2->l2_cache);
    for (uint32_t i = entries; i < qcow2->l1_size; i++) {
        old[i - entries] = qcow2->l1[i];
        qcow2->l1[i] = 0;
    }
    if (ret == 0)
        ret = qcow2_overlap_check(node, QCOW2_ROLE_ACTIVE_L1, offset, bytes);
    node_debug_event_co(node->file, BLK_EVENT_L1_SHRINK_WRITE_TABLE);
    if (ret == 0)
        ret = node_pwrite_zeroes_co(node->file, offset, bytes, 0);
    return ret < 0 ? ret : qcow2_writer_barrier_co(node);
}

/* The header goes on telling of as many entries. */
static int shrink_l1_co(struct node *node, uint32_t entries)
{
    struct qcow2 *qcow2 = node->opaque;
    if (entries >= qcow2->l1_size)
        return 0;
    uint32_t count = qcow2->l1_size - entries;
    g_autofree uint64_t *old = g_try_new(uint64_t, count);
    if (!old)
        return -ENOMEM;
    int ret = clear_l1_co(node, old, entries);
    if (ret < 0)
        return ret;
    node_debug_event_co(node->file, BLK_EVENT_L1_SHRINK_FREE_L2_CLUSTERS);
    for (uint32_t i = count; i-- > 0;) {
        int64_t table = (int64_t)(old[i] & QCOW2_ENTRY_OFFSET);
        if (table == 0)
            continue;
        qcow2_overlap_remove(node, table);
        qcow2_alloc_free_co(node, table, qcow2->cluster_size, QCOW2_DISCARD_ALWAYS);
        co_relax_co();
    }
    return 0;
}

/* ---- refcount blocks ---- */

/* 1: it counts nothing, or only its own cluster; 0: something else; or a negative errno. */
static int is_unused_co(struct node *node, uint64_t index)
{
    const struct qcow2 *qcow2 = node->opaque;
    unsigned bits = qcow2->writer->block_bits;
    uint64_t own = qcow2->writer->table[index] >> qcow2->cluster_bits, place;
    uint64_t first = index << bits, end = (index + 1) << bits;
    int ret = qcow2_counts_find_end_co(node, end, &place);
    if (ret == 0 && place > first && place - 1 == own)
        ret = qcow2_counts_find_end_co(node, own, &place);
    return ret < 0 ? ret : place <= first;
}

static void drop_block_co(struct node *node, uint64_t index, uint64_t block)
{
    struct qcow2 *qcow2 = node->opaque;
    uint64_t cluster = block >> qcow2->cluster_bits;
    qcow2_overlap_remove(node, (int64_t)block);
    qcow2_cache_forget(qcow2->writer->refcounts, (int64_t)block, qcow2->cluster_size);
    if (cluster >> qcow2->writer->block_bits != index)
        qcow2_alloc_free_co(node, (int64_t)block, qcow2->cluster_size, QCOW2_DISCARD_ALWAYS);
    else if ((int64_t)block + qcow2->cluster_size <= node->file->size)
        node_pdiscard_co(node->file, (int64_t)block, qcow2->cluster_size);
}

struct dropped {
    uint64_t index, block;
};

/* Takes those that are unused out of the table in memory. */
static int find_unused_co(struct node *node, GArray *dropped)
{
    struct qcow2_writer *writer = ((struct qcow2 *)node->opaque)->writer;
    for (uint32_t index = 0; index < writer->table_count; index++) {
        int unused = writer->table[index] ? is_unused_co(node, index) : 0;
        if (unused < 0)
            return unused;
        if (unused == 0)
            continue;
        struct dropped entry = {index, writer->table[index] & QCOW2_REFCOUNT_TABLE_OFFSET};
        g_array_append_val(dropped, entry);
    }
    for (unsigned i = 0; i < dropped->len; i++)
        writer->table[g_array_index(dropped, struct dropped, i).index] = 0;
    return 0;
}

static int drop_blocks_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    g_autoptr(GArray) dropped = g_array_new(FALSE, FALSE, sizeof(struct dropped));
    int ret = qcow2_cache_flush_co(qcow2->l2_cache);
    if (ret == 0)
        ret = qcow2_cache_flush_co(writer->refcounts);
    if (ret == 0)
        ret = qcow2_writer_barrier_co(node);
    if (ret == 0)
        ret = find_unused_co(node, dropped);
    if (ret < 0 || dropped->len == 0)
        return ret;
    ret = qcow2_counts_write_table_co(node);
    if (ret < 0)
        qcow2_doubt_note(node);
    for (unsigned i = 0; i < dropped->len; i++) {
        const struct dropped *entry = &g_array_index(dropped, struct dropped, i);
        if (ret == 0)
            drop_block_co(node, entry->index, entry->block);
        else if (writer->table[entry->index] == 0)
            writer->table[entry->index] = entry->block;
    }
    return ret;
}

/* ---- the file ---- */

/* While anybody writes, the file may get longer, by clusters that are in use, before it is cut off: then it stays as long as it is. */
static int cut_file_co(struct node *node)
{
    const struct qcow2 *qcow2 = node->opaque;
    uint64_t end;
    if (qcow2->writer->flights)
        return 0;
    int ret = node_refresh_size_co(node->file);
    if (ret == 0)
        ret = qcow2_counts_find_end_co(node, ((uint64_t)node->file->size + qcow2->cluster_size - 1) >> qcow2->cluster_bits, &end);
    if (ret == 0 && (int64_t)(end << qcow2->cluster_bits) < node->file->size)
        ret = node_truncate_co(node->file, (int64_t)(end << qcow2->cluster_bits), false, BLK_PREALLOC_OFF, NULL);
    return ret;
}

/* ---- the request ---- */

static int shrink_tables_co(struct node *node, uint32_t entries, GError **error)
{
    int ret = shrink_l1_co(node, entries);
    if (ret < 0)
        return options_refuse(error, -ret, "Failed to reduce the number of L2 tables: %s", g_strerror(-ret));
    ret = drop_blocks_co(node);
    if (ret < 0)
        return options_refuse(error, -ret, "Failed to discard unused refblocks: %s", g_strerror(-ret));
    ret = cut_file_co(node);
    if (ret < 0)
        node_warn(node, "Failed to truncate the tail of the image: %s", g_strerror(-ret));
    return 0;
}

int qcow2_shrink_co(struct node *node, int64_t size, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    int64_t mask = qcow2->cluster_size - 1;
    int ret = qcow2_remap_crop_co(node, (size + mask) & ~mask, (qcow2->size + mask) & ~mask);
    if (ret < 0)
        return options_refuse(error, -ret, "Failed to discard cropped clusters: %s", g_strerror(-ret));
    co_mutex_lock_co(&qcow2->writer->lock);
    ret = shrink_tables_co(node, qcow2_truncate_l1_entries(qcow2, size), error);
    co_mutex_unlock(&qcow2->writer->lock);
    return ret;
}
