/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The refcount structures made anew from what the tables name: a block for each part of the file in which something is named, then the
 * table.  They are put into clusters that nothing names, the first that are free; what they take has to be counted, too, and may need
 * another block.  The header is changed when everything else is on stable storage: until then the old structures are what they were.
 */
#include <errno.h>
#include <string.h>

#include "block/qcow2/check-internal.h"
#include "block/qcow2/counts.h"

enum { REFCOUNT_TABLE_AT = 48 /* "Header": the offset, then the clusters */ };

struct rebuild {
    struct qcow2_check *check;
    const struct qcow2 *qcow2;
    uint64_t per_block;   /* clusters that a block counts */
    GArray *blocks;       /* uint64_t: cluster of the block, 0 for none */
    uint64_t free;        /* every cluster before it is in use */
    uint64_t table, table_clusters; /* 0 clusters: none yet */
};

/* n free clusters in a row, counted from now on; beyond the end of the file if need be. */
static uint64_t take(struct rebuild *rebuild, uint64_t n)
{
    struct qcow2_tally *tally = &rebuild->check->tally;
    uint64_t first = rebuild->free;
    for (uint64_t at = first; at - first < n && at < tally->total; at++)
        if (tally->references[at])
            first = at + 1;
    if (first + n > tally->total)
        qcow2_tally_grow(tally, first + n);
    memset(tally->references + first, 1, n);
    while (rebuild->free < tally->total && tally->references[rebuild->free])
        rebuild->free++;
    return first;
}

static bool is_needed(const struct rebuild *rebuild, uint64_t index)
{
    const struct qcow2_tally *tally = &rebuild->check->tally;
    uint64_t at = index * rebuild->per_block, end = MIN(at + rebuild->per_block, tally->total);
    while (at < end && !tally->references[at])
        at++;
    return at < end;
}

static uint64_t *block_at(struct rebuild *rebuild, uint64_t index)
{
    if (index >= rebuild->blocks->len)
        g_array_set_size(rebuild->blocks, index + 1); /* with zeroes */
    return &g_array_index(rebuild->blocks, uint64_t, index);
}

/* Blocks for all that is counted, those that count the blocks included. */
static void place_blocks_co(struct rebuild *rebuild)
{
    const struct qcow2_tally *tally = &rebuild->check->tally;
    bool again = true;
    while (again) {
        again = false;
        for (uint64_t index = 0; index * rebuild->per_block < tally->total; index++) {
            if ((index < rebuild->blocks->len && *block_at(rebuild, index)) || !is_needed(rebuild, index))
                continue;
            uint64_t cluster = take(rebuild, 1);
            *block_at(rebuild, index) = cluster;
            again |= cluster / rebuild->per_block < index;
            co_relax_co();
        }
    }
}

static int place_co(struct rebuild *rebuild)
{
    const struct qcow2 *qcow2 = rebuild->qcow2;
    for (;;) {
        place_blocks_co(rebuild);
        uint64_t clusters = (rebuild->blocks->len * 8 + qcow2->cluster_size - 1) >> qcow2->cluster_bits;
        if (clusters <= rebuild->table_clusters)
            return 0;
        if (clusters << qcow2->cluster_bits > QCOW2_REFCOUNT_TABLE_MAX)
            return -EFBIG;
        if (rebuild->table_clusters) /* too short now: what it took is free again */
            memset(rebuild->check->tally.references + rebuild->table, 0, rebuild->table_clusters);
        rebuild->free = rebuild->table_clusters ? MIN(rebuild->free, rebuild->table) : rebuild->free;
        rebuild->table_clusters = clusters;
        rebuild->table = take(rebuild, clusters);
    }
}

static int write_block_co(const struct rebuild *rebuild, uint64_t index, uint64_t cluster, uint8_t *block)
{
    const struct qcow2 *qcow2 = rebuild->qcow2;
    const struct qcow2_tally *tally = &rebuild->check->tally;
    uint64_t first = index * rebuild->per_block, count = MIN(rebuild->per_block, tally->total - first);
    memset(block, 0, qcow2->cluster_size);
    for (uint64_t i = 0; i < count; i++)
        if (tally->references[first + i])
            qcow2_counts_put_value(qcow2, block, i, qcow2_tally_get(tally, first + i));
    return node_pwrite_co(rebuild->check->node->file, (int64_t)(cluster << qcow2->cluster_bits), qcow2->cluster_size, block, 0);
}

static int write_all_co(const struct rebuild *rebuild)
{
    const struct qcow2 *qcow2 = rebuild->qcow2;
    struct node *file = rebuild->check->node->file;
    g_autofree uint8_t *block = g_try_malloc(qcow2->cluster_size);
    g_autofree uint64_t *table = g_try_malloc0(rebuild->table_clusters << qcow2->cluster_bits);
    int ret = block && table ? 0 : -ENOMEM;
    for (uint64_t index = 0; ret == 0 && index < rebuild->blocks->len; index++) {
        uint64_t cluster = g_array_index(rebuild->blocks, uint64_t, index), host = cluster << qcow2->cluster_bits;
        table[index] = qcow2_be64(&host);
        if (cluster)
            ret = write_block_co(rebuild, index, cluster, block);
        co_relax_co();
    }
    if (ret == 0)
        ret = node_pwrite_co(file, (int64_t)(rebuild->table << qcow2->cluster_bits), (int64_t)(rebuild->table_clusters << qcow2->cluster_bits),
                             table, 0);
    return ret < 0 ? ret : node_flush_co(file);
}

static int write_header_co(const struct rebuild *rebuild)
{
    struct node *node = rebuild->check->node;
    struct qcow2 *qcow2 = node->opaque;
    uint64_t offset = rebuild->table << qcow2->cluster_bits, word = qcow2_be64(&offset);
    uint32_t clusters = rebuild->table_clusters, half = qcow2_be32(&clusters);
    uint8_t bytes[12];
    memcpy(bytes, &word, 8);
    memcpy(bytes + 8, &half, 4);
    int ret = node_pwrite_co(node->file, REFCOUNT_TABLE_AT, sizeof(bytes), bytes, 0);
    /* One that failed may have reached the file all the same: what it says now is what a writer has to go by. */
    int read_ret = ret < 0 ? node_pread_co(node->file, REFCOUNT_TABLE_AT, sizeof(bytes), bytes) : 0;
    if (read_ret < 0)
        node->dead = true;
    if (read_ret == 0) {
        qcow2->header.refcount_table_offset = qcow2_be64(bytes);
        qcow2->header.refcount_table_clusters = qcow2_be32(bytes + 8);
    }
    return ret < 0 ? ret : node_flush_co(node->file);
}

int qcow2_rebuild_co(struct qcow2_check *check)
{
    struct rebuild rebuild = {
        .check = check,
        .qcow2 = check->qcow2,
        .per_block = qcow2_refcounts_per_block(check->qcow2),
        .blocks = g_array_new(FALSE, TRUE, sizeof(uint64_t)),
    };
    int ret = place_co(&rebuild);
    if (ret == 0)
        ret = write_all_co(&rebuild);
    if (ret == 0)
        ret = write_header_co(&rebuild);
    g_array_unref(rebuild.blocks);
    return ret;
}
