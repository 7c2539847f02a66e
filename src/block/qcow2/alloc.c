/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Choosing free clusters, the first ones that fit, and giving them back. */
#include <errno.h>
#include <string.h>

#include "block/qcow2/plan.h"

int qcow2_alloc_settle_reuse_co(struct node *node, uint64_t first, uint64_t n)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    uint64_t shared = writer->free_byte >> qcow2->cluster_bits;
    /* All compressed data was taken out of it again, and now it becomes something else. */
    if (writer->free_byte && shared >= first && shared < first + n)
        writer->free_byte = 0;
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

/* ---- compressed data ---- */

/* How many bytes are left behind the compressed data written last, in its cluster; 0 if that can't be counted once more. */
static int64_t room_co(struct node *node)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    uint64_t count;
    if (writer->free_byte == 0)
        return 0;
    int ret = qcow2_counts_get_co(node, writer->free_byte >> qcow2->cluster_bits, &count);
    if (ret < 0)
        return ret;
    if (count == qcow2_counts_max(qcow2))
        writer->free_byte = 0;
    return writer->free_byte ? qcow2->cluster_size - (writer->free_byte & (qcow2->cluster_size - 1)) : 0;
}

/* Lets it go on in the next cluster if that is the first free one; else it begins there. */
static int64_t extend_co(struct node *node, int64_t room)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    int64_t offset = writer->free_byte;
    int64_t fresh = qcow2_alloc_co(node, 1);
    if (fresh == 0)
        return qcow2_writer_corrupt(node, "Preventing invalid allocation of compressed cluster at offset 0");
    if (fresh < 0 || room == 0 || fresh != offset + room)
        return fresh;
    int ret = qcow2_counts_add_co(node, offset >> qcow2->cluster_bits, 1, 1);
    if (ret == 0)
        return offset;
    qcow2_alloc_abort_co(node, fresh, 1);
    return ret;
}

int64_t qcow2_alloc_bytes_co(struct node *node, int64_t stored)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    node_debug_event_co(node->file, BLK_EVENT_CLUSTER_ALLOC_BYTES);
    int64_t room = room_co(node);
    if (room < 0)
        return room;
    int64_t offset = writer->free_byte;
    if (room < stored) {
        offset = extend_co(node, room);
    } else {
        int ret = qcow2_counts_add_co(node, offset >> qcow2->cluster_bits, 1, 1);
        offset = ret < 0 ? ret : offset;
    }
    if (offset < 0)
        return offset;
    if (offset + stored > qcow2_l2_compressed_end(qcow2)) {
        qcow2_alloc_abort_bytes_co(node, offset, stored);
        return -EFBIG;
    }
    writer->free_byte = (offset + stored) & (qcow2->cluster_size - 1) ? offset + stored : 0;
    return offset;
}

void qcow2_alloc_abort_bytes_co(struct node *node, int64_t offset, int64_t stored)
{
    const struct qcow2 *qcow2 = node->opaque;
    uint64_t first = offset >> qcow2->cluster_bits, last = (offset + stored - 1) >> qcow2->cluster_bits;
    qcow2_alloc_abort_co(node, (int64_t)(first << qcow2->cluster_bits), last - first + 1);
}

/* ---- giving back ---- */

void qcow2_alloc_abort_co(struct node *node, int64_t offset, uint64_t n)
{
    const struct qcow2 *qcow2 = node->opaque;
    qcow2_counts_add_co(node, offset >> qcow2->cluster_bits, n, -1);
}

/* Clusters [first, end) of the file. */
struct cluster_run {
    uint64_t first, end;
};

static struct cluster_run run_of(const struct qcow2 *qcow2, int64_t offset, int64_t bytes)
{
    return (struct cluster_run){.first = offset >> qcow2->cluster_bits, .end = ((offset + bytes - 1) >> qcow2->cluster_bits) + 1};
}

static void note_freed(struct qcow2_writer *writer, uint64_t first, uint64_t end)
{
    bool none = writer->freed_end == 0;
    writer->freed_first = none ? first : MIN(writer->freed_first, first);
    writer->freed_end = MAX(writer->freed_end, end);
}

bool qcow2_alloc_passes_on(const struct qcow2 *qcow2, enum qcow2_discard discard)
{
    const struct qcow2_settings *settings = &qcow2->writer->settings;
    switch (discard) {
    case QCOW2_DISCARD_REQUEST:
        return settings->pass_request;
    case QCOW2_DISCARD_OTHER:
        return settings->pass_other;
    default:
        return discard == QCOW2_DISCARD_ALWAYS;
    }
}

/* Of the file what there is of n clusters; it keeps what can't be discarded, and nothing is lost by it. */
static void discard_run_co(struct node *node, uint64_t first, uint64_t n)
{
    const struct qcow2 *qcow2 = node->opaque;
    int64_t start = (int64_t)(first << qcow2->cluster_bits), end = MIN((int64_t)((first + n) << qcow2->cluster_bits), node->file->size);
    if (start < end)
        node_pdiscard_co(node->file, start, end - start);
}

static void discard_free_co(struct node *node, uint64_t first, uint64_t n)
{
    uint64_t run = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t count;
        if (qcow2_counts_get_co(node, first + i, &count) == 0 && count == 0) {
            run++;
            continue;
        }
        discard_run_co(node, first + i - run, run);
        run = 0;
    }
    discard_run_co(node, first + n - run, run);
}

void qcow2_alloc_free_co(struct node *node, int64_t offset, int64_t bytes, enum qcow2_discard discard)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    struct cluster_run run = run_of(qcow2, offset, bytes);
    node_debug_event_co(node->file, BLK_EVENT_CLUSTER_FREE);
    int ret = qcow2_cache_depend_co(writer->refcounts, qcow2->l2_cache);
    if (ret == 0) {
        note_freed(writer, run.first, run.end);
        ret = qcow2_counts_add_co(node, run.first, run.end - run.first, -1);
    }
    if (ret == 0 && qcow2_alloc_passes_on(qcow2, discard))
        discard_free_co(node, run.first, run.end - run.first);
    /* The request was done all the same: the clusters are leaked. */
    if (ret < 0)
        node_complain(node, "qcow2_free_clusters failed: %s", g_strerror(-ret));
}

void qcow2_alloc_free_extents_co(struct node *node, const GArray *extents, enum qcow2_discard discard)
{
    const struct qcow2 *qcow2 = node->opaque;
    for (unsigned i = 0; i < extents->len; i++) {
        const struct qcow2_extent *extent = &g_array_index(extents, struct qcow2_extent, i);
        qcow2_alloc_free_co(node, extent->host, extent->bytes, QCOW2_DISCARD_NEVER);
    }
    if (!qcow2_alloc_passes_on(qcow2, discard))
        return;
    for (unsigned i = 0; i < extents->len;) {
        const struct qcow2_extent *extent = &g_array_index(extents, struct qcow2_extent, i);
        struct cluster_run run = run_of(qcow2, extent->host, extent->bytes);
        while (++i < extents->len) {
            extent = &g_array_index(extents, struct qcow2_extent, i);
            struct cluster_run next = run_of(qcow2, extent->host, extent->bytes);
            if (next.first < run.first || next.first > run.end)
                break;
            run.end = MAX(run.end, next.end);
        }
        discard_free_co(node, run.first, run.end - run.first);
    }
}
