/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/qcow2/refcount.h"

#include <errno.h>

#include "block/qcow2/writer.h"

int qcow2_refcounts_open_co(struct node *node, struct qcow2_refcounts *ret_refcounts)
{
    const struct qcow2_header *header = &((struct qcow2 *)node->opaque)->header;
    int64_t bytes = (int64_t)header->refcount_table_clusters << header->cluster_bits;
    int64_t there = CLAMP(node->file->size - (int64_t)header->refcount_table_offset, 0, bytes);
    struct qcow2_refcounts refcounts = {.count = (there + 7) / 8};
    refcounts.table = g_try_new0(uint64_t, refcounts.count);
    if (!refcounts.table && refcounts.count)
        return -ENOMEM;
    int ret = there ? node_pread_co(node->file, header->refcount_table_offset, there, refcounts.table) : 0;
    if (ret < 0) {
        g_free(refcounts.table);
        return ret;
    }
    for (uint64_t i = 0; i < refcounts.count; i++)
        refcounts.table[i] = qcow2_be64(&refcounts.table[i]);
    *ret_refcounts = refcounts;
    return 0;
}

void qcow2_refcounts_clear(struct qcow2_refcounts *refcounts)
{
    g_clear_pointer(&refcounts->table, g_free);
}

uint64_t qcow2_refcounts_per_block(const struct qcow2 *qcow2)
{
    return (uint64_t)qcow2->cluster_size * 8 >> qcow2->header.refcount_order;
}

uint64_t qcow2_refcounts_value(const uint8_t *block, unsigned order, uint64_t i)
{
    switch (order) {
    case 0:
    case 1:
    case 2: {
        unsigned bits = 1U << order, per_byte = 8 >> order;
        return block[i / per_byte] >> (i % per_byte * bits) & ((1U << bits) - 1);
    }
    case 3:
        return block[i];
    case 4:
        return qcow2_be16(block + 2 * i);
    case 5:
        return qcow2_be32(block + 4 * i);
    default:
        return qcow2_be64(block + 8 * i);
    }
}

/* Where the block that counts cluster begins; 0: none, all its refcounts are 0; -EIO. */
static int64_t find_block(const struct qcow2 *qcow2, const struct qcow2_refcounts *refcounts, uint64_t index)
{
    uint64_t block = index < refcounts->count ? refcounts->table[index] & QCOW2_REFCOUNT_TABLE_OFFSET : 0;
    if (block % qcow2->cluster_size || block > INT64_MAX - (uint64_t)qcow2->cluster_size)
        return -EIO;
    return block;
}

int qcow2_refcounts_get_co(struct node *node, const struct qcow2_refcounts *refcounts, uint64_t cluster, uint64_t *ret_refcount)
{
    const struct qcow2 *qcow2 = node->opaque;
    unsigned order = qcow2->header.refcount_order;
    uint64_t per_block = qcow2_refcounts_per_block(qcow2);
    int64_t block = find_block(qcow2, refcounts, cluster / per_block);
    uint64_t i = cluster % per_block;
    uint8_t bytes[8] = {0};
    if (block < 0)
        return block;
    /* Eight bytes hold it, whatever its width. */
    uint64_t in_word = 64 >> order;
    int ret = block ? node_pread_co(node->file, block + (int64_t)(i / in_word * 8), sizeof(bytes), bytes) : 0;
    if (ret < 0)
        return ret;
    *ret_refcount = qcow2_refcounts_value(bytes, order, i % in_word);
    return 0;
}

static void decode(const struct qcow2 *qcow2, const uint8_t *block, uint64_t first, uint64_t count, uint8_t *out)
{
    unsigned order = qcow2->header.refcount_order;
    if (order == 4) { /* the usual width; the least of both bytes is enough if the other one is zero */
        for (uint64_t i = 0; i < count; i++) {
            const uint8_t *bytes = block + 2 * (first + i);
            out[i] = bytes[0] || bytes[1] > QCOW2_REFCOUNT_MANY ? QCOW2_REFCOUNT_MANY : bytes[1];
        }
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        uint64_t value = qcow2_refcounts_value(block, order, first + i);
        out[i] = MIN(value, QCOW2_REFCOUNT_MANY);
    }
}

/* Clusters first .. first + count of one block. */
static void load_block_co(struct node *node, int64_t block, uint64_t first, uint64_t count, uint8_t *buffer, uint8_t *out)
{
    const struct qcow2 *qcow2 = node->opaque;
    if (block == 0)
        memset(out, 0, count);
    else if (block < 0 || node_pread_co(node->file, block, qcow2->cluster_size, buffer) < 0)
        memset(out, QCOW2_REFCOUNT_UNKNOWN, count);
    else
        decode(qcow2, buffer, first, count, out);
}

int qcow2_refcounts_load_co(struct node *node, const struct qcow2_refcounts *refcounts, uint64_t first, uint64_t count, uint8_t *out)
{
    const struct qcow2 *qcow2 = node->opaque;
    uint64_t per_block = qcow2_refcounts_per_block(qcow2);
    g_autofree uint8_t *buffer = g_try_malloc(qcow2->cluster_size);
    if (!buffer)
        return -ENOMEM;
    while (count > 0) {
        uint64_t i = first % per_block, n = MIN(per_block - i, count);
        load_block_co(node, find_block(qcow2, refcounts, first / per_block), i, n, buffer, out);
        first += n;
        out += n;
        count -= n;
        if (co_cancelled())
            return -ECANCELED;
        co_relax_co();
    }
    return 0;
}

/* How many of count refcounts are not 0; stops at most. */
static int count_used_co(struct node *node, const struct qcow2_refcounts *refcounts, uint64_t count, uint64_t most, uint64_t *ret_used)
{
    enum { PIECE = 1 << 20 };
    g_autofree uint8_t *values = g_try_malloc(PIECE);
    if (!values)
        return -ENOMEM;
    uint64_t used = 0;
    for (uint64_t first = 0; first < count && used < most; first += PIECE) {
        uint64_t n = MIN(count - first, PIECE);
        int ret = qcow2_refcounts_load_co(node, refcounts, first, n, values);
        if (ret < 0)
            return ret;
        for (uint64_t i = 0; i < n; i++)
            used += values[i] != 0 && values[i] != QCOW2_REFCOUNT_UNKNOWN;
    }
    *ret_used = used;
    return 0;
}

int qcow2_refcounts_is_sparse_co(struct node *node)
{
    const struct qcow2 *qcow2 = node->opaque;
    int64_t occupied = node_occupied_co(node->file);
    if (occupied < 0)
        return 0;
    uint64_t total = (node->file->size + qcow2->cluster_size - 1) >> qcow2->cluster_bits;
    uint64_t real = occupied >> qcow2->cluster_bits, border = MAX(real * 10 / 9, real + 2), used;
    if (total < border)
        return 0;
    struct qcow2_refcounts refcounts;
    int ret = qcow2_writer_settle_co(node);
    if (ret == 0)
        ret = qcow2_refcounts_open_co(node, &refcounts);
    if (ret < 0)
        return ret;
    ret = count_used_co(node, &refcounts, total, border, &used);
    qcow2_refcounts_clear(&refcounts);
    return ret < 0 ? ret : used >= border;
}
