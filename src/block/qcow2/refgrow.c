/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * New refcount blocks, and a new refcount table.
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
    g_autofree uint8_t *block = g_try_malloc0(qcow2->cluster_size);
    if (!block)
        return -ENOMEM;
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
    if (ret == 0) {
        qcow2->writer->table[index] = block;
        qcow2_overlap_add(node, QCOW2_ROLE_REFCOUNT_BLOCK, block);
        ret = qcow2_writer_barrier_co(node);
    }
    if (ret < 0)
        qcow2_doubt_note(node);
    return ret;
}

/* ---- a new table ---- */

struct growth {
    uint64_t first;          /* cluster at which the new ones begin: blocks, then the table */
    uint64_t end;            /* clusters before this block are to be counted */
    uint64_t blocks, table_clusters;
    uint64_t *table;         /* in the machine's order */
};

static uint64_t divide_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit;
}

static uint64_t table_clusters(const struct qcow2 *qcow2, uint64_t entries)
{
    return divide_up(entries, (uint64_t)qcow2->cluster_size / 8);
}

static uint64_t used_entries(const struct qcow2_writer *writer)
{
    uint64_t count = writer->table_count;
    while (count > 0 && writer->table[count - 1] == 0)
        count--;
    return count;
}

/*
 * The reference program's choice, which the image file shows: as many blocks as count all clusters before the new ones, `more` behind them,
 * and a table and blocks that are all new; and a table for them, half as large again with `spare`.
 */
static int plan_growth(const struct qcow2 *qcow2, uint64_t more, bool spare, struct growth *growth)
{
    uint64_t most = QCOW2_REFCOUNT_TABLE_MAX >> qcow2->cluster_bits, used = used_entries(qcow2->writer), needed = 1;
    do {
        growth->end = needed;
        growth->table_clusters = MIN(table_clusters(qcow2, MAX(spare ? needed * 3 / 2 : needed, used)), most);
        needed = divide_up(growth->first + more + growth->end + growth->table_clusters, UINT64_C(1) << qcow2->writer->block_bits);
    } while (needed > growth->end);
    return table_clusters(qcow2, growth->end) > growth->table_clusters ? -EFBIG : 0;
}

/* Those that there are, and new ones where there is none. */
static int build_table(const struct qcow2 *qcow2, struct growth *growth)
{
    const struct qcow2_writer *writer = qcow2->writer;
    growth->table = g_try_new0(uint64_t, (growth->table_clusters << qcow2->cluster_bits) / 8);
    if (!growth->table)
        return -ENOMEM;
    memcpy(growth->table, writer->table, used_entries(writer) * sizeof(*growth->table));
    growth->blocks = 0;
    for (uint64_t index = growth->first >> writer->block_bits; index < growth->end; index++) {
        if (growth->table[index] == 0)
            growth->table[index] = (growth->first + growth->blocks++) << qcow2->cluster_bits;
    }
    return 0;
}

static uint64_t area_end(const struct growth *growth)
{
    return growth->first + growth->blocks + growth->table_clusters;
}

static int64_t table_offset(const struct qcow2 *qcow2, const struct growth *growth)
{
    return (int64_t)((growth->first + growth->blocks) << qcow2->cluster_bits);
}

static bool is_new(const struct qcow2 *qcow2, const struct growth *growth, uint64_t index)
{
    uint64_t cluster = growth->table[index] >> qcow2->cluster_bits;
    return cluster >= growth->first && cluster < growth->first + growth->blocks;
}

static int write_new_block_co(struct node *node, const struct growth *growth, uint64_t index)
{
    const struct qcow2 *qcow2 = node->opaque;
    unsigned bits = qcow2->writer->block_bits;
    g_autofree uint8_t *block = g_try_malloc0(qcow2->cluster_size);
    if (!block)
        return -ENOMEM;
    for (uint64_t i = MAX(growth->first, index << bits); i < MIN(area_end(growth), (index + 1) << bits); i++)
        qcow2_counts_put_value(qcow2, block, i - (index << bits), 1);
    node_debug_event_co(node->file, BLK_EVENT_REFBLOCK_ALLOC_WRITE_BLOCKS);
    return node_pwrite_co(node->file, (int64_t)growth->table[index], qcow2->cluster_size, block, 0);
}

static int write_area_co(struct node *node, const struct growth *growth)
{
    const struct qcow2 *qcow2 = node->opaque;
    int ret = 0;
    for (uint64_t index = growth->first >> qcow2->writer->block_bits; ret == 0 && index < growth->end; index++)
        ret = is_new(qcow2, growth, index) ? write_new_block_co(node, growth, index) : 0;
    if (ret < 0)
        return ret;
    size_t count = (growth->table_clusters << qcow2->cluster_bits) / 8;
    g_autofree uint64_t *words = g_try_new(uint64_t, count);
    if (!words)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        words[i] = qcow2_be64(&growth->table[i]);
    node_debug_event_co(node->file, BLK_EVENT_REFBLOCK_ALLOC_WRITE_TABLE);
    ret = node_pwrite_co(node->file, table_offset(qcow2, growth), count * 8, words, 0);
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
    if (ret == 0)
        ret = qcow2_writer_barrier_co(node);
    if (ret < 0)
        qcow2_doubt_note(node);
    return ret;
}

static void take_over_co(struct node *node, struct growth *growth)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    struct qcow2_header *header = &qcow2->header;
    uint64_t old = header->refcount_table_offset;
    uint64_t old_clusters = header->refcount_table_clusters;
    for (uint64_t index = 0; index < growth->end; index++) {
        if (growth->table[index] != (index < writer->table_count ? writer->table[index] : 0))
            qcow2_overlap_add(node, QCOW2_ROLE_REFCOUNT_BLOCK, (int64_t)growth->table[index]);
    }
    g_free(writer->table);
    writer->table = g_steal_pointer(&growth->table);
    writer->table_count = (growth->table_clusters << qcow2->cluster_bits) / 8;
    header->refcount_table_offset = table_offset(qcow2, growth);
    header->refcount_table_clusters = growth->table_clusters;
    qcow2_alloc_free_co(node, (int64_t)old, (int64_t)(old_clusters << qcow2->cluster_bits), QCOW2_DISCARD_OTHER);
}

static int check_area(struct node *node, const struct growth *growth)
{
    struct qcow2 *qcow2 = node->opaque;
    int64_t first = (int64_t)(growth->first << qcow2->cluster_bits);
    int64_t bytes = (int64_t)(area_end(growth) << qcow2->cluster_bits) - first;
    int ret = qcow2_overlap_check(node, 0, first, bytes);
    if (ret == 0)
        forget(qcow2, first, bytes);
    return ret;
}

static int switch_table_co(struct node *node, struct growth *growth)
{
    const struct qcow2 *qcow2 = node->opaque;
    int ret = write_area_co(node, growth);
    if (ret == 0)
        ret = switch_header_co(node, table_offset(qcow2, growth), growth->table_clusters);
    if (ret == 0)
        take_over_co(node, growth);
    return ret;
}

/* With the block `index`, which the table is too short for, at place. */
static int grow_table_co(struct node *node, uint64_t index, uint64_t place)
{
    struct qcow2 *qcow2 = node->opaque;
    struct growth growth = {.first = (index + 1) << qcow2->writer->block_bits};
    int ret = plan_growth(qcow2, 0, true, &growth);
    if (ret < 0)
        return ret;
    node_debug_event_co(node->file, BLK_EVENT_REFTABLE_GROW);
    ret = build_table(qcow2, &growth);
    if (ret < 0)
        return ret;
    growth.table[index] = place << qcow2->cluster_bits;
    ret = check_area(node, &growth);
    if (ret == 0)
        ret = switch_table_co(node, &growth);
    g_free(growth.table);
    return ret;
}

/* ---- an area ---- */

/* Those of its clusters that blocks count that there are: they are on stable storage before the table names new ones. */
static int count_area_co(struct node *node, const struct growth *growth, int delta)
{
    const struct qcow2 *qcow2 = node->opaque;
    uint64_t first = growth->first, end = first;
    while (end < area_end(growth) && !is_new(qcow2, growth, end >> qcow2->writer->block_bits))
        end++;
    int ret = end > first ? qcow2_counts_add_co(node, first, end - first, delta) : 0;
    return ret == 0 && delta > 0 ? qcow2_cache_flush_co(qcow2->writer->refcounts) : ret;
}

/* Where as many clusters are free as the whole area takes. */
static int place_area_co(struct node *node, uint64_t clusters, struct growth *growth)
{
    const struct qcow2 *qcow2 = node->opaque;
    for (;;) {
        uint64_t first = growth->first;
        int ret = plan_growth(qcow2, clusters, false, growth);
        if (ret < 0)
            return ret;
        ret = build_table(qcow2, growth);
        if (ret < 0)
            return ret;
        ret = qcow2_counts_find_free_co(node, first, area_end(growth) + clusters - first, &growth->first);
        if (ret < 0 || growth->first == first)
            return ret;
        g_clear_pointer(&growth->table, g_free);
    }
}

int qcow2_refgrow_make_area_co(struct node *node, uint64_t from, uint64_t clusters, uint64_t *ret_first)
{
    struct growth growth = {.first = from};
    int ret = qcow2_doubt_settle_co(node);
    if (ret == 0)
        ret = place_area_co(node, clusters, &growth);
    if (ret == 0)
        ret = check_area(node, &growth);
    if (ret == 0)
        ret = qcow2_alloc_settle_reuse_co(node, growth.first, area_end(&growth) + clusters - growth.first);
    if (ret == 0)
        ret = count_area_co(node, &growth, 1);
    if (ret == 0) {
        *ret_first = area_end(&growth);
        ret = switch_table_co(node, &growth);
    }
    g_free(growth.table);
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
