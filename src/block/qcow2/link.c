/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was written becomes what the L2 table says, and what was there before is given back. */
#include <errno.h>

#include "block/qcow2/plan.h"

/* In an external data file a cluster may lie at offset 0. */
bool qcow2_link_names_host(const struct qcow2 *qcow2, uint64_t entry)
{
    return (entry & QCOW2_ENTRY_OFFSET) || (qcow2->data_file && qcow2_is_copied(entry));
}

struct qcow2_extent qcow2_link_extent(const struct qcow2 *qcow2, uint64_t entry)
{
    struct qcow2_extent extent = {0};
    if (entry & QCOW2_ENTRY_COMPRESSED) {
        uint32_t stored;
        qcow2_l2_compressed(qcow2, entry, &extent.host, &stored);
        extent.bytes = stored;
    } else if (qcow2_link_names_host(qcow2, entry)) {
        extent.host = (int64_t)(entry & QCOW2_ENTRY_OFFSET);
        extent.bytes = qcow2->cluster_size;
    }
    return extent;
}

/* Clusters of an external data file are not counted; each is always the same guest cluster's. */
static void discard_data_co(struct node *node, const GArray *extents, enum qcow2_discard discard)
{
    const struct qcow2 *qcow2 = node->opaque;
    for (unsigned i = 0; qcow2_alloc_passes_on(qcow2, discard) && i < extents->len;) {
        int64_t start = g_array_index(extents, struct qcow2_extent, i).host, end = start;
        for (; i < extents->len && g_array_index(extents, struct qcow2_extent, i).host == end; i++)
            end += g_array_index(extents, struct qcow2_extent, i).bytes;
        if (MIN(end, qcow2->data->size) > start)
            node_pdiscard_co(qcow2->data, start, MIN(end, qcow2->data->size) - start);
    }
}

void qcow2_link_release_co(struct node *node, int64_t start, int64_t end, const GArray *extents, enum qcow2_discard discard)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    if (extents->len == 0)
        return;
    qcow2_flight_wait_reads_co(writer, start, end);
    if (qcow2->data_file) {
        discard_data_co(node, extents, discard);
        return;
    }
    co_mutex_lock_co(&writer->lock);
    qcow2_alloc_free_extents_co(node, extents, discard);
    co_mutex_unlock(&writer->lock);
}

/* Bits of the subclusters of the cluster at guest offset that [start, end) covers. */
static uint32_t covered(const struct qcow2 *qcow2, int64_t cluster, int64_t start, int64_t end)
{
    unsigned first = (MAX(start, cluster) - cluster) >> qcow2->unit_bits;
    unsigned last = (MIN(end, cluster + qcow2->cluster_size) - 1 - cluster) >> qcow2->unit_bits;
    return (uint32_t)((UINT64_C(1) << (last + 1)) - (UINT64_C(1) << first));
}

/* words: the entry of the i-th cluster. */
static void change_entry(const struct qcow2 *qcow2, const struct qcow2_plan *plan, uint64_t i, uint64_t *words)
{
    int64_t cluster = plan->cluster + (int64_t)(i << qcow2->cluster_bits);
    uint64_t old = qcow2_be64(&words[0]);
    uint64_t entry = (uint64_t)(plan->host + (int64_t)(i << qcow2->cluster_bits)) | QCOW2_ENTRY_COPIED;
    words[0] = qcow2_be64(&entry);
    if (!qcow2->extended || plan->reserve)
        return;
    uint32_t written = covered(qcow2, cluster, plan->start, plan->end);
    uint64_t bitmap = old & QCOW2_ENTRY_COMPRESSED ? 0 : qcow2_be64(&words[1]);
    bitmap |= written;
    bitmap &= ~((uint64_t)written << QCOW2_SUBCLUSTERS);
    words[1] = qcow2_be64(&bitmap);
}

/* Those from *i on that one piece of the table has; adds what they named so far to extents, where the clusters are new. */
static int change_piece_co(struct node *node, const struct qcow2_plan *plan, uint64_t *i, GArray *extents)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_entries entries;
    int64_t offset = plan->cluster + (int64_t)(*i << qcow2->cluster_bits);
    int ret = qcow2_table_get_co(node, plan->table, offset, &entries);
    if (ret < 0)
        return ret;
    unsigned index = (offset >> qcow2->cluster_bits & ((1U << qcow2->l2_bits) - 1)) - entries.first;
    for (; *i < plan->clusters && index < entries.count; ++*i, index++) {
        uint64_t *words = qcow2_cache_change(qcow2->l2_cache, entries.words) + (size_t)index * qcow2->entry_words;
        struct qcow2_extent extent = qcow2_link_extent(qcow2, qcow2_be64(&words[0]));
        if (plan->kind == QCOW2_PLAN_FRESH && extent.bytes > 0)
            g_array_append_val(extents, extent);
        change_entry(qcow2, plan, *i, words);
    }
    qcow2_cache_put(qcow2->l2_cache, entries.words);
    return 0;
}

/* *ret_changed: the clusters that are entered, all but after an error. */
static int change_entries_co(struct node *node, const struct qcow2_plan *plan, GArray *extents, uint64_t *ret_changed)
{
    struct qcow2 *qcow2 = node->opaque;
    int ret = qcow2_lazy_begin_co(node);
    if (ret == 0 && plan->kind == QCOW2_PLAN_FRESH)
        ret = qcow2_lazy_depend_co(node);
    while (ret == 0 && *ret_changed < plan->clusters)
        ret = change_piece_co(node, plan, ret_changed, extents);
    /* What was written is there before an entry says so: it takes the place of bytes that may have been flushed. */
    if (*ret_changed > 0)
        qcow2_cache_depend_barrier(qcow2->l2_cache);
    return ret;
}

int qcow2_link_co(struct node *node, const struct qcow2_plan *plan, int written)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    g_autoptr(GArray) extents = g_array_new(FALSE, FALSE, sizeof(struct qcow2_extent));
    uint64_t changed = 0;
    int ret = written;
    co_mutex_lock_co(&writer->lock);
    if (ret == 0)
        ret = node->dead ? -EIO : change_entries_co(node, plan, extents, &changed);
    if (ret < 0 && plan->kind == QCOW2_PLAN_FRESH && changed < plan->clusters && !qcow2->data_file)
        qcow2_alloc_abort_co(node, plan->host + (int64_t)(changed << qcow2->cluster_bits), plan->clusters - changed);
    co_mutex_unlock(&writer->lock);
    qcow2_link_release_co(node, plan->cluster, plan->cluster + (int64_t)(plan->clusters << qcow2->cluster_bits), extents,
                          QCOW2_DISCARD_NEVER);
    return ret;
}
