/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Refcounts: the table in memory, blocks through a cache ("Host cluster management").
 *
 * A block that is missing is made in a free cluster behind the request's own, and usually counts itself; if another block counts its
 * cluster, that one is made first.
 */
#include <errno.h>
#include <inttypes.h>

#include "block/qcow2/counts.h"
#include "block/qcow2/refcount.h"

int qcow2_counts_open_co(struct node *node, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    const struct qcow2_header *header = &qcow2->header;
    int64_t bytes = (int64_t)header->refcount_table_clusters << qcow2->cluster_bits;
    writer->block_bits = qcow2->cluster_bits + 3 - header->refcount_order;
    g_autofree uint64_t *table = g_try_malloc(bytes);
    node_debug_event_co(node->file, BLK_EVENT_REFTABLE_LOAD);
    int ret = table ? node_pread_co(node->file, header->refcount_table_offset, bytes, table) : -ENOMEM;
    if (ret < 0)
        return options_refuse(error, -ret, "Could not initialize refcount handling: %s", g_strerror(-ret));
    writer->table_count = bytes / 8;
    for (uint32_t i = 0; i < writer->table_count; i++)
        table[i] = qcow2_be64(&table[i]);
    writer->table = g_steal_pointer(&table);
    return 0;
}

int qcow2_counts_write_table_co(struct node *node)
{
    const struct qcow2 *qcow2 = node->opaque;
    const struct qcow2_writer *writer = qcow2->writer;
    g_autofree uint64_t *words = g_try_new(uint64_t, writer->table_count);
    if (!words)
        return -ENOMEM;
    int64_t offset = (int64_t)qcow2->header.refcount_table_offset, bytes = writer->table_count * INT64_C(8);
    for (uint32_t i = 0; i < writer->table_count; i++)
        words[i] = qcow2_be64(&writer->table[i]);
    int ret = qcow2_overlap_check(node, QCOW2_ROLE_REFCOUNT_TABLE, offset, bytes);
    if (ret == 0)
        ret = node_pwrite_co(node->file, offset, bytes, words, 0);
    return ret < 0 ? ret : qcow2_writer_barrier_co(node);
}

/* ---- values ---- */

/* As qcow2_refcounts_value() reads it. */
static void set_value(uint8_t *bytes, unsigned order, uint64_t i, uint64_t value)
{
    unsigned width = 1U << order;
    if (order < 3) {
        unsigned shift = (i & ((8U >> order) - 1)) << order;
        uint8_t mask = ((1U << width) - 1) << shift;
        uint8_t *byte = &bytes[i >> (3 - order)];
        *byte = (*byte & ~mask) | value << shift;
        return;
    }
    for (unsigned k = 0; k < width / 8; k++)
        bytes[i * (width / 8) + k] = value >> (width - 8 - 8 * k);
}

void qcow2_counts_put_value(const struct qcow2 *qcow2, void *block, uint64_t index, uint64_t value)
{
    set_value(block, qcow2->header.refcount_order, index, value);
}

uint64_t qcow2_counts_max(const struct qcow2 *qcow2)
{
    unsigned order = qcow2->header.refcount_order;
    return order == 6 ? UINT64_MAX : (UINT64_C(1) << (1U << order)) - 1;
}

/* A piece of a block in memory. */
struct counts {
    const uint64_t *words;
    uint64_t index; /* in the piece, of the cluster that was asked for */
    uint64_t count; /* of the piece */
};

int64_t qcow2_counts_block(struct node *node, uint64_t cluster)
{
    const struct qcow2 *qcow2 = node->opaque;
    const struct qcow2_writer *writer = qcow2->writer;
    uint64_t index = cluster >> writer->block_bits;
    uint64_t block = index < writer->table_count ? writer->table[index] & QCOW2_REFCOUNT_TABLE_OFFSET : 0;
    if (block % qcow2->cluster_size || block > INT64_MAX)
        return qcow2_writer_corrupt(node, "Refblock offset %#" PRIx64 " unaligned (reftable index: %#" PRIx64 ")", block, index);
    return block;
}

static int get_counts_co(struct node *node, int64_t block, uint64_t cluster, struct counts *ret_counts)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct qcow2_cache *cache = qcow2->writer->refcounts;
    uint64_t in_block = cluster & ((UINT64_C(1) << qcow2->writer->block_bits) - 1);
    uint64_t per_piece = qcow2_cache_piece(cache) * 8 >> qcow2->header.refcount_order;
    ret_counts->index = in_block % per_piece;
    ret_counts->count = per_piece;
    return qcow2_cache_get_co(cache, block + (int64_t)(in_block / per_piece * qcow2_cache_piece(cache)), &ret_counts->words);
}

int qcow2_counts_get_co(struct node *node, uint64_t cluster, uint64_t *ret_count)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct counts counts;
    int64_t block = qcow2_counts_block(node, cluster);
    if (block <= 0) {
        if (block == 0)
            *ret_count = 0;
        return block;
    }
    int ret = get_counts_co(node, block, cluster, &counts);
    if (ret < 0)
        return ret;
    *ret_count = qcow2_refcounts_value((const uint8_t *)counts.words, qcow2->header.refcount_order, counts.index);
    qcow2_cache_put(qcow2->writer->refcounts, counts.words);
    return 0;
}

/* ---- searching ---- */

/* A row of free clusters that is being looked for. */
struct search {
    uint64_t at;    /* the next cluster to look at */
    uint64_t first; /* of the row that ends at `at` */
    uint64_t n;
};

static bool is_found(const struct search *search)
{
    return search->at - search->first >= search->n;
}

static void search_counts(const struct qcow2 *qcow2, const struct counts *counts, struct search *search)
{
    for (uint64_t i = counts->index; i < counts->count && !is_found(search); i++) {
        search->at++;
        if (qcow2_refcounts_value((const uint8_t *)counts->words, qcow2->header.refcount_order, i) != 0)
            search->first = search->at;
    }
}

int qcow2_counts_find_free_co(struct node *node, uint64_t from, uint64_t n, uint64_t *ret_first)
{
    const struct qcow2 *qcow2 = node->opaque;
    const struct qcow2_writer *writer = qcow2->writer;
    uint64_t end = QCOW2_ENTRY_OFFSET >> qcow2->cluster_bits;
    struct search search = {.at = from, .first = from, .n = n};
    while (!is_found(&search)) {
        struct counts counts;
        if (search.at >= end)
            return -EFBIG;
        int64_t block = qcow2_counts_block(node, search.at);
        if (block < 0)
            return block;
        if (block == 0) {
            uint64_t next = ((search.at >> writer->block_bits) + 1) << writer->block_bits;
            search.at = MIN(next, search.first + n);
            continue;
        }
        int ret = get_counts_co(node, block, search.at, &counts);
        if (ret < 0)
            return ret;
        search_counts(qcow2, &counts, &search);
        qcow2_cache_put(writer->refcounts, counts.words);
        if (search.at == search.first)
            co_relax_co();
    }
    *ret_first = search.first;
    return search.first + n > end ? -EFBIG : 0;
}

int qcow2_counts_find_end_co(struct node *node, uint64_t end, uint64_t *ret_end)
{
    const struct qcow2 *qcow2 = node->opaque;
    unsigned bits = qcow2->writer->block_bits;
    uint64_t count = 0;
    while (end > 0) {
        int64_t block = qcow2_counts_block(node, end - 1);
        int ret = block < 0 ? (int)block : qcow2_counts_get_co(node, end - 1, &count);
        if (ret < 0)
            return ret;
        if (count > 0)
            break;
        end = block == 0 ? (end - 1) >> bits << bits : end - 1;
        co_relax_co();
    }
    *ret_end = end;
    return 0;
}

/* ---- counting ---- */

/* It is not used by anybody now: what is in memory of it is not to be found again. */
static void set_free(struct qcow2 *qcow2, uint64_t cluster)
{
    struct qcow2_writer *writer = qcow2->writer;
    int64_t offset = (int64_t)(cluster << qcow2->cluster_bits);
    writer->free_hint = MIN(writer->free_hint, cluster);
    qcow2_cache_forget(qcow2->l2_cache, offset, qcow2->cluster_size);
    qcow2_inflate_forget(qcow2->inflate, offset, qcow2->cluster_size);
}

static int add_one_co(struct node *node, uint64_t cluster, int delta)
{
    struct qcow2 *qcow2 = node->opaque;
    unsigned order = qcow2->header.refcount_order;
    struct counts counts;
    int64_t block = qcow2_counts_block(node, cluster);
    if (block <= 0)
        return block < 0 ? block : -EINVAL;
    int ret = get_counts_co(node, block, cluster, &counts);
    if (ret < 0)
        return ret;
    uint64_t value = qcow2_refcounts_value((const uint8_t *)counts.words, order, counts.index);
    if (delta > 0 ? value == qcow2_counts_max(qcow2) : value == 0) {
        ret = -EINVAL;
    } else {
        set_value((uint8_t *)qcow2_cache_change(qcow2->writer->refcounts, counts.words), order, counts.index, value + delta);
        if (value + delta == 0)
            set_free(qcow2, cluster);
    }
    qcow2_cache_put(qcow2->writer->refcounts, counts.words);
    return ret;
}

int qcow2_counts_add_co(struct node *node, uint64_t first, uint64_t n, int delta)
{
    node_debug_event_co(node->file, BLK_EVENT_REFBLOCK_ALLOC);
    for (uint64_t i = 0; i < n; i++) {
        int ret = add_one_co(node, first + i, delta);
        if (ret < 0) {
            while (i-- > 0)
                add_one_co(node, first + i, -delta);
            return ret;
        }
        co_relax_co();
    }
    return 0;
}

/* ---- covering ---- */

/* What of [first, end) is free is taken already: a cluster that is free from `from` on, or `end`. */
static int avoid_co(struct node *node, uint64_t first, uint64_t end, uint64_t *from)
{
    uint64_t place;
    int ret = qcow2_counts_find_free_co(node, *from, 1, &place);
    if (ret == 0 && place >= first && place < end)
        *from = end;
    return ret;
}

int qcow2_counts_cover_co(struct node *node, uint64_t first, uint64_t n, uint64_t from)
{
    const struct qcow2 *qcow2 = node->opaque;
    unsigned bits = qcow2->writer->block_bits;
    int settled = qcow2_doubt_settle_co(node);
    if (settled < 0)
        return settled;
    for (uint64_t index = first >> bits; index <= (first + n - 1) >> bits; index++) {
        int64_t block = qcow2_counts_block(node, index << bits);
        if (block < 0)
            return block;
        if (block > 0)
            continue;
        int ret = avoid_co(node, first, MAX(first, index << bits), &from);
        if (ret == 0)
            ret = qcow2_refgrow_make_block_co(node, index, from);
        return ret < 0 ? ret : 1;
    }
    return 0;
}
