/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * New refcount blocks, and a larger refcount table.
 *
 * A block is on stable storage before the table names it; a new table with the blocks that count it lies behind all that the old one
 * could count, and is on stable storage before the header names it.
 */
#include <errno.h>
#include <string.h>

#include "block/qcow2/counts.h"

/* A new block that counts its own cluster. */
static int write_own_block_co(struct node *node, uint64_t index, uint64_t place)
{
    const struct qcow2 *qcow2 = node->opaque;
    g_autofree uint8_t *block = g_malloc0(qcow2->cluster_size);
    if (place >> qcow2->writer->block_bits == index)
        qcow2_counts_put_value(qcow2, block, place & ((UINT64_C(1) << qcow2->writer->block_bits) - 1), 1);
    node_debug_event_co(node->file, BLK_EVENT_REFBLOCK_ALLOC_WRITE);
    return node_pwrite_co(node->file, (int64_t)(place << qcow2->cluster_bits), qcow2->cluster_size, block, 0);
}

/* What was in memory of a cluster that becomes a block. */
static void forget(struct qcow2 *qcow2, int64_t offset, int64_t bytes)
{
    qcow2_cache_forget(qcow2->l2_cache, offset, bytes);
    qcow2_cache_forget(qcow2->writer->refcounts, offset, bytes);
}

static int hook_up_co(struct node *node, uint64_t index, int64_t block)
{
    struct qcow2 *qcow2 = node->opaque;
    uint64_t entry = block, word = qcow2_be64(&entry);
    int64_t at = (int64_t)(qcow2->header.refcount_table_offset + index * 8);
    int ret = qcow2_overlap_check(node, QCOW2_ROLE_REFCOUNT_TABLE, at, 8);
    if (ret == 0)
        ret = qcow2_writer_barrier_co(node);
    if (ret < 0)
        return ret;
    node_debug_event_co(node->file, BLK_EVENT_REFBLOCK_ALLOC_HOOKUP);
    ret = node_pwrite_co(node->file, at, 8, &word, 0);
    if (ret < 0)
        return ret;
    qcow2->writer->table[index] = block;
    qcow2_overlap_add(node, QCOW2_ROLE_REFCOUNT_BLOCK, block);
    return qcow2_writer_barrier_co(node);
}

/* ---- a larger table ---- */

struct growth {
    uint64_t index, place;          /* the block that made it necessary, and its cluster */
    uint64_t first;                 /* cluster at which the new ones begin: blocks, then the table */
    uint64_t blocks, table_clusters;
};

static uint64_t divide_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit;
}

/*
 * The reference program's choice, which the image file shows: a table half as large again as needed, and new blocks for as many clusters
 * as all blocks and the table take.
 */
static int plan_growth(const struct qcow2 *qcow2, struct growth *growth)
{
    unsigned bits = qcow2->writer->block_bits;
    uint64_t entries_per_cluster = (uint64_t)qcow2->cluster_size / 8;
    uint64_t most = QCOW2_REFCOUNT_TABLE_MAX >> qcow2->cluster_bits;
    uint64_t first_block = growth->index + 1, needed = 1;
    growth->first = first_block << bits;
    do {
        growth->blocks = needed;
        growth->table_clusters = MIN(divide_up((first_block + growth->blocks) * 3 / 2, entries_per_cluster), most);
        needed = divide_up(first_block + growth->blocks + growth->table_clusters, UINT64_C(1) << bits);
    } while (needed > growth->blocks);
    return first_block + growth->blocks > growth->table_clusters * entries_per_cluster ? -EFBIG : 0;
}

static int write_area_co(struct node *node, const struct growth *growth, const uint64_t *table)
{
    const struct qcow2 *qcow2 = node->opaque;
    uint64_t per_block = UINT64_C(1) << qcow2->writer->block_bits;
    uint64_t used = growth->blocks + growth->table_clusters;
    g_autofree uint8_t *block = g_malloc(qcow2->cluster_size);
    int ret = 0;
    for (uint64_t b = 0; ret == 0 && b < growth->blocks; b++) {
        memset(block, 0, qcow2->cluster_size);
        for (uint64_t i = b * per_block; i < MIN(used, (b + 1) * per_block); i++)
            qcow2_counts_put_value(qcow2, block, i - b * per_block, 1);
        node_debug_event_co(node->file, BLK_EVENT_REFBLOCK_ALLOC_WRITE_BLOCKS);
        ret = node_pwrite_co(node->file, (int64_t)((growth->first + b) << qcow2->cluster_bits), qcow2->cluster_size, block, 0);
    }
    if (ret < 0)
        return ret;
    size_t count = (growth->table_clusters << qcow2->cluster_bits) / 8;
    g_autofree uint64_t *words = g_new(uint64_t, count);
    for (size_t i = 0; i < count; i++)
        words[i] = qcow2_be64(&table[i]);
    node_debug_event_co(node->file, BLK_EVENT_REFBLOCK_ALLOC_WRITE_TABLE);
    ret = node_pwrite_co(node->file, (int64_t)((growth->first + growth->blocks) << qcow2->cluster_bits), count * 8, words, 0);
    return ret < 0 ? ret : qcow2_writer_barrier_co(node);
}

/* "Header": refcount_table_offset and refcount_table_clusters lie side by side, in one sector. */
static int switch_header_co(struct node *node, uint64_t offset, uint32_t clusters)
{
    struct __attribute__((packed)) {
        uint64_t offset;
        uint32_t clusters;
    } fields = {qcow2_be64(&offset), qcow2_be32(&clusters)};
    enum { REFCOUNT_TABLE_OFFSET_AT = 48 };
    node_debug_event_co(node->file, BLK_EVENT_REFBLOCK_ALLOC_SWITCH_TABLE);
    int ret = node_pwrite_co(node->file, REFCOUNT_TABLE_OFFSET_AT, sizeof(fields), &fields, 0);
    return ret < 0 ? ret : qcow2_writer_barrier_co(node);
}

static uint64_t *build_table(const struct qcow2 *qcow2, const struct growth *growth)
{
    const struct qcow2_writer *writer = qcow2->writer;
    uint64_t *table = g_new0(uint64_t, (growth->table_clusters << qcow2->cluster_bits) / 8);
    memcpy(table, writer->table, writer->table_count * sizeof(*table));
    table[growth->index] = growth->place << qcow2->cluster_bits;
    for (uint64_t b = 0; b < growth->blocks; b++)
        table[growth->index + 1 + b] = (growth->first + b) << qcow2->cluster_bits;
    return table;
}

static void take_over_co(struct node *node, const struct growth *growth, uint64_t *table)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    struct qcow2_header *header = &qcow2->header;
    uint64_t old = header->refcount_table_offset;
    uint64_t old_clusters = header->refcount_table_clusters;
    g_free(writer->table);
    writer->table = table;
    writer->table_count = (growth->table_clusters << qcow2->cluster_bits) / 8;
    header->refcount_table_offset = (growth->first + growth->blocks) << qcow2->cluster_bits;
    header->refcount_table_clusters = growth->table_clusters;
    for (uint64_t b = 0; b <= growth->blocks; b++)
        qcow2_overlap_add(node, QCOW2_ROLE_REFCOUNT_BLOCK, (int64_t)table[growth->index + b]);
    qcow2_alloc_free_co(node, (int64_t)old, (int64_t)(old_clusters << qcow2->cluster_bits), false);
}

static int grow_table_co(struct node *node, uint64_t index, uint64_t place)
{
    struct qcow2 *qcow2 = node->opaque;
    struct growth growth = {.index = index, .place = place};
    int ret = plan_growth(qcow2, &growth);
    if (ret < 0)
        return ret;
    node_debug_event_co(node->file, BLK_EVENT_REFTABLE_GROW);
    int64_t first = (int64_t)(growth.first << qcow2->cluster_bits);
    int64_t bytes = (int64_t)((growth.blocks + growth.table_clusters) << qcow2->cluster_bits);
    ret = qcow2_overlap_check(node, 0, first, bytes);
    if (ret < 0)
        return ret;
    forget(qcow2, first, bytes);
    g_autofree uint64_t *table = build_table(qcow2, &growth);
    ret = write_area_co(node, &growth, table);
    if (ret == 0)
        ret = switch_header_co(node, (growth.first + growth.blocks) << qcow2->cluster_bits, growth.table_clusters);
    if (ret == 0)
        take_over_co(node, &growth, g_steal_pointer(&table));
    return ret;
}

/* ---- a block ---- */

/* The cluster is counted by a block that there is: on stable storage before the table names it. */
static int count_place_co(struct node *node, uint64_t place)
{
    const struct qcow2 *qcow2 = node->opaque;
    int ret = qcow2_counts_add_co(node, place, 1, 1);
    if (ret == 0)
        ret = qcow2_cache_flush_co(qcow2->writer->refcounts);
    return ret;
}

static int place_block_co(struct node *node, uint64_t index, uint64_t place)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    int64_t offset = (int64_t)(place << qcow2->cluster_bits);
    bool own = place >> writer->block_bits == index;
    if (offset == 0)
        return qcow2_writer_corrupt(node, "Preventing invalid allocation of refcount block at offset 0");
    int ret = qcow2_overlap_check(node, 0, offset, qcow2->cluster_size);
    if (ret < 0)
        return ret;
    ret = qcow2_alloc_settle_reuse_co(node, place, 1);
    if (ret < 0)
        return ret;
    forget(qcow2, offset, qcow2->cluster_size);
    ret = own ? 0 : count_place_co(node, place);
    if (ret == 0)
        ret = write_own_block_co(node, index, place);
    if (ret < 0)
        return ret;
    return index < writer->table_count ? hook_up_co(node, index, offset) : grow_table_co(node, index, place);
}

int qcow2_refgrow_make_block_co(struct node *node, uint64_t index, uint64_t from)
{
    const struct qcow2 *qcow2 = node->opaque;
    uint64_t place;
    for (;;) {
        int ret = qcow2_counts_find_free_co(node, from, 1, &place);
        if (ret < 0)
            return ret;
        uint64_t counter = place >> qcow2->writer->block_bits;
        int64_t block = qcow2_counts_block(node, place);
        if (block < 0)
            return block;
        if (block > 0 || counter == index)
            return place_block_co(node, index, place);
        index = counter;
        from = place + 1;
    }
}
