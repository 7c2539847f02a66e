/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is where: for one offset through the cache, for many with whole L2 tables read at once. */
#include <errno.h>

#include "block/qcow2/l2.h"
#include "block/qcow2/tables.h"

static void fill_status(const struct qcow2 *qcow2, int64_t offset, const struct qcow2_run *run, struct node_status *status)
{
    *status = (struct node_status){.bytes = run->bytes, .via = NODE_STATUS_FINAL};
    switch (run->kind) {
    case QCOW2_ZERO_PLAIN:
        status->kind = BLK_KIND_ZERO_PLAIN;
        break;
    case QCOW2_ZERO_ALLOCATED:
    case QCOW2_DATA:
        status->kind = run->kind == QCOW2_DATA ? BLK_KIND_DATA : BLK_KIND_ZERO_ALLOCATED;
        status->child = qcow2->data;
        status->child_offset = run->host;
        if (status->child)
            status->via = NODE_STATUS_STORED;
        status->encrypted = qcow2->header.crypt_method != QCOW2_CRYPT_NONE;
        break;
    case QCOW2_COMPRESSED:
        status->kind = BLK_KIND_COMPRESSED;
        break;
    case QCOW2_UNALLOCATED:
    case QCOW2_INVALID:
        status->kind = qcow2->backing_left_out ? BLK_KIND_MISSING : BLK_KIND_UNALLOCATED;
        status->child = qcow2->backing;
        status->child_offset = offset;
        if (status->child)
            status->via = NODE_STATUS_BACKING;
        if (run->kind == QCOW2_UNALLOCATED && run->reserved && !qcow2->backing_left_out) {
            status->reserved_in = qcow2->data;
            status->reserved = run->host;
        }
        break;
    }
}

int qcow2_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status)
{
    struct qcow2_run run;
    int ret = qcow2_l2_find_co(node, offset, bytes, &run);
    if (ret == 0)
        fill_status(node->opaque, offset, &run, ret_status);
    return ret;
}

/* ---- many ---- */

struct visit {
    struct node *node;
    node_status_fn *fn;
    void *data;
    struct qcow2_tables tables;
};

/* The guest range [offset, end), which one L2 table covers; entries has those that are needed. */
static int visit_entries(struct visit *visit, const struct qcow2_entries *entries, int64_t table, int64_t offset, int64_t end)
{
    const struct qcow2 *qcow2 = visit->node->opaque;
    while (offset < end) {
        struct qcow2_run run;
        struct node_status status;
        qcow2_l2_run(qcow2, entries, offset, end - offset, &run);
        if (run.kind == QCOW2_INVALID)
            return qcow2_l2_invalid(visit->node, entries, table, offset);
        fill_status(qcow2, offset, &run, &status);
        int ret = visit->fn(visit->data, offset, &status);
        if (ret != 0)
            return ret;
        offset += run.bytes;
    }
    return 0;
}

static int visit_table_co(struct visit *visit, int64_t table, int64_t offset, int64_t end)
{
    struct node *node = visit->node;
    const struct qcow2 *qcow2 = node->opaque;
    unsigned mask = (1U << qcow2->l2_bits) - 1;
    unsigned first = offset >> qcow2->cluster_bits & mask;
    unsigned last = (end - 1) >> qcow2->cluster_bits & mask;
    uint64_t index = offset >> (qcow2->cluster_bits + qcow2->l2_bits);
    struct qcow2_entries entries = {.first = first, .count = last - first + 1};
    size_t entry_bytes = 8 * qcow2->entry_words;
    int ret;
    if (entries.count > mask)
        ret = qcow2_tables_get_co(&visit->tables, table, qcow2->l1 + index + 1, qcow2->l1_count - index - 1, &entries.words);
    else
        ret = qcow2_tables_get_part_co(&visit->tables, table + (int64_t)first * entry_bytes, entries.count * entry_bytes, &entries.words);
    return ret < 0 ? ret : visit_entries(visit, &entries, table, offset, end);
}

/* The part of [offset, end) that has no L2 tables from offset on. */
static int64_t skip_unallocated(const struct qcow2 *qcow2, int64_t offset, int64_t end)
{
    unsigned bits = qcow2->cluster_bits + qcow2->l2_bits;
    uint64_t index = offset >> bits, index_end = ((uint64_t)(end - 1) >> bits) + 1;
    if (index_end > qcow2->l1_count && index >= qcow2->l1_count)
        return end;
    while (index < MIN(index_end, qcow2->l1_count) && !(qcow2->l1[index] & QCOW2_ENTRY_OFFSET))
        index++;
    return index >= MIN(index_end, qcow2->l1_count) ? end : MAX(offset, (int64_t)(index << bits));
}

static int visit_range_co(struct visit *visit, int64_t offset, int64_t end)
{
    const struct qcow2 *qcow2 = visit->node->opaque;
    unsigned bits = qcow2->cluster_bits + qcow2->l2_bits;
    int ret = 0;
    while (offset < end && ret == 0) {
        int64_t next = skip_unallocated(qcow2, offset, end);
        if (next > offset) {
            struct qcow2_run run = {.kind = QCOW2_UNALLOCATED, .bytes = next - offset};
            struct node_status status;
            fill_status(qcow2, offset, &run, &status);
            ret = visit->fn(visit->data, offset, &status);
        } else {
            int64_t table = qcow2_l2_table(visit->node, offset >> bits);
            next = MIN(end, ((offset >> bits) + 1) << bits);
            ret = table < 0 ? (int)table : visit_table_co(visit, table, offset, next);
        }
        offset = next;
        if (ret == 0 && co_cancelled())
            ret = -ECANCELED;
        co_relax_co();
    }
    return ret;
}

int qcow2_status_bulk_co(struct node *node, int64_t offset, int64_t bytes, node_status_fn *fn, void *data)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct visit visit = {.node = node, .fn = fn, .data = data};
    qcow2_tables_init(&visit.tables, node, (uint64_t)bytes >> (qcow2->cluster_bits + qcow2->l2_bits));
    int ret = visit_range_co(&visit, offset, offset + bytes);
    qcow2_tables_done(&visit.tables);
    return ret;
}
