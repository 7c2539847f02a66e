/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Choosing free clusters, the first ones that fit, and giving them back. */
#include <errno.h>
#include <string.h>

#include "block/qcow2/writer.h"

int qcow2_alloc_settle_reuse_co(struct node *node, uint64_t first, uint64_t n)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    if (first >= writer->freed_end || first + n <= writer->freed_first)
        return 0;
    int ret = qcow2_cache_flush_co(qcow2->l2_cache);
    if (ret == 0)
        ret = qcow2_writer_barrier_co(node);
    if (ret == 0)
        writer->freed_first = writer->freed_end = 0;
    return ret;
}

int64_t qcow2_alloc_co(struct node *node, uint64_t n)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    uint64_t first;
    int ret;
    node_debug_event_co(node->file, BLK_EVENT_CLUSTER_ALLOC);
    do {
        ret = qcow2_counts_find_free_co(node, writer->free_hint, n, &first);
        if (ret == 0)
            ret = qcow2_counts_cover_co(node, first, n, first + n);
    } while (ret == 1);
    if (ret == 0)
        ret = qcow2_alloc_settle_reuse_co(node, first, n);
    if (ret == 0)
        ret = qcow2_counts_add_co(node, first, n, 1);
    if (ret < 0)
        return ret;
    writer->free_hint = first + n;
    return (int64_t)(first << qcow2->cluster_bits);
}

/* How many of n clusters are free from first on. */
static int count_free_co(struct node *node, uint64_t first, uint64_t n, uint64_t *ret_free)
{
    for (*ret_free = 0; *ret_free < n; ++*ret_free) {
        uint64_t count;
        int ret = qcow2_counts_get_co(node, first + *ret_free, &count);
        if (ret < 0)
            return ret;
        if (count > 0)
            break;
    }
    return 0;
}

int64_t qcow2_alloc_at_co(struct node *node, int64_t offset, uint64_t n)
{
    const struct qcow2 *qcow2 = node->opaque;
    uint64_t first = offset >> qcow2->cluster_bits;
    int ret;
    n = MIN(n, (QCOW2_ENTRY_OFFSET >> qcow2->cluster_bits) - first);
    do {
        ret = count_free_co(node, first, n, &n);
        if (ret == 0 && n > 0)
            ret = qcow2_counts_cover_co(node, first, n, qcow2->writer->free_hint);
    } while (ret == 1);
    if (ret == 0 && n > 0)
        ret = qcow2_alloc_settle_reuse_co(node, first, n);
    if (ret == 0)
        ret = qcow2_counts_add_co(node, first, n, 1);
    return ret < 0 ? ret : (int64_t)n;
}

void qcow2_alloc_abort_co(struct node *node, int64_t offset, uint64_t n)
{
    const struct qcow2 *qcow2 = node->opaque;
    qcow2_counts_add_co(node, offset >> qcow2->cluster_bits, n, -1);
}

static void note_freed(struct qcow2_writer *writer, uint64_t first, uint64_t end)
{
    bool none = writer->freed_end == 0;
    writer->freed_first = none ? first : MIN(writer->freed_first, first);
    writer->freed_end = MAX(writer->freed_end, end);
}

/* The file keeps what can't be discarded: nothing is lost by it. */
static void discard_free_co(struct node *node, uint64_t first, uint64_t n)
{
    const struct qcow2 *qcow2 = node->opaque;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t count;
        if (qcow2_counts_get_co(node, first + i, &count) == 0 && count == 0)
            node_pdiscard_co(node->file, (int64_t)((first + i) << qcow2->cluster_bits), qcow2->cluster_size);
    }
}

void qcow2_alloc_free_co(struct node *node, int64_t offset, int64_t bytes, bool discard)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    uint64_t first = offset >> qcow2->cluster_bits;
    uint64_t n = ((offset + bytes - 1) >> qcow2->cluster_bits) - first + 1;
    node_debug_event_co(node->file, BLK_EVENT_CLUSTER_FREE);
    int ret = qcow2_cache_depend_co(writer->refcounts, qcow2->l2_cache);
    if (ret == 0) {
        note_freed(writer, first, first + n);
        ret = qcow2_counts_add_co(node, first, n, -1);
    }
    if (ret == 0 && discard && qcow2->writer->pass_discard)
        discard_free_co(node, first, n);
    /* The request was done all the same: the clusters are leaked. */
    if (ret < 0)
        node_warn(node, "qcow2_free_clusters failed: %s", g_strerror(-ret));
}
