/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preallocation: clusters for a part of the disk that is new.
 *
 * Metadata alone is a write without data.  With data, the clusters lie in a row at the end of the file, where their space can be
 * reserved at once: behind refcount blocks for all of it and a refcount table that has them, so that nothing else gets in between.
 */
#include "block/qcow2/preallocate.h"

#include <errno.h>

#include "block/qcow2/counts.h"
#include "block/qcow2/plan.h"

static int64_t cluster_start(const struct qcow2 *qcow2, int64_t offset)
{
    return offset & -qcow2->cluster_size;
}

static int64_t cluster_end(const struct qcow2 *qcow2, int64_t offset)
{
    return cluster_start(qcow2, offset + qcow2->cluster_size - 1);
}

/* Copies guest [start, end), as it is mapped now, into the plan's clusters. */
static int copy_co(struct node *node, const struct qcow2_plan *plan, int64_t start, int64_t end)
{
    const struct qcow2 *qcow2 = node->opaque;
    if (start >= end)
        return 0;
    g_autofree uint8_t *bytes = g_try_malloc(end - start);
    if (!bytes)
        return -ENOMEM;
    struct iovec iov = {bytes, end - start};
    node_debug_event_co(node->file, BLK_EVENT_COW_READ);
    int ret = qcow2_read_range_co(node, start, end - start, &iov, 1);
    if (ret < 0)
        return ret;
    node_debug_event_co(node->file, BLK_EVENT_COW_WRITE);
    return node_pwrite_co(qcow2->data, plan->host + (start - plan->cluster), end - start, bytes, 0);
}

/* ---- metadata ---- */

static int begin_plan_co(struct node *node, int64_t offset, int64_t bytes, int64_t wanted, struct qcow2_plan *plan)
{
    struct qcow2_writer *writer = ((struct qcow2 *)node->opaque)->writer;
    co_mutex_lock_co(&writer->lock);
    int ret = qcow2_writer_relieve_co(node);
    if (ret == 0)
        ret = qcow2_plan_begin_co(node, offset, bytes, wanted, true, plan);
    co_mutex_unlock(&writer->lock);
    return ret;
}

static int reserve_piece_co(struct node *node, const struct qcow2_plan *plan)
{
    if (plan->kind == QCOW2_PLAN_IN_PLACE)
        return 0;
    int ret = copy_co(node, plan, plan->start, plan->offset);
    if (ret == 0)
        ret = copy_co(node, plan, plan->offset + plan->bytes, plan->end);
    return qcow2_link_co(node, plan, ret);
}

/* The file reaches as far as the last byte. */
static int extend_file_co(struct node *node, int64_t host_end, enum blk_prealloc mode, GError **error)
{
    const struct qcow2 *qcow2 = node->opaque;
    int ret = node_refresh_size_co(qcow2->data);
    if (ret < 0)
        return options_refuse(error, -ret, "Failed to get size: %s", g_strerror(-ret));
    return host_end > qcow2->data->size ? node_truncate_co(qcow2->data, host_end, false, mode, error) : 0;
}

/* *ret_end: behind the last cluster in the file, 0 for none. */
static int reserve_pieces_co(struct node *node, int64_t from, int64_t to, int64_t *ret_end, GError **error)
{
    const struct qcow2 *qcow2 = node->opaque;
    int64_t at = from;
    while (at < to) {
        struct qcow2_plan plan = {.reserve = true};
        int ret = begin_plan_co(node, at, MIN(to - at, cluster_start(qcow2, INT32_MAX)), *ret_end, &plan);
        if (ret < 0)
            return options_refuse(error, -ret, "Allocating clusters failed: %s", g_strerror(-ret));
        ret = reserve_piece_co(node, &plan);
        qcow2_plan_end(node, &plan);
        if (ret < 0)
            return options_refuse(error, -ret, "Mapping clusters failed: %s", g_strerror(-ret));
        at += plan.bytes;
        *ret_end = plan.host + (at - plan.cluster);
        co_relax_co();
    }
    return 0;
}

/* mode: of the file, where it has to get longer; after an error, too, for what is mapped must not lie behind its end. */
static int reserve_co(struct node *node, int64_t from, int64_t to, enum blk_prealloc mode, GError **error)
{
    int64_t end = 0;
    int ret = reserve_pieces_co(node, from, to, &end, error);
    if (ret < 0 && end)
        extend_file_co(node, end, BLK_PREALLOC_OFF, NULL);
    return ret == 0 && end ? extend_file_co(node, end, mode, error) : ret;
}

/* ---- with data ---- */

/* The first cluster behind everything.  Of the file only what nobody uses is behind it; the area is to begin with a hole. */
static int cut_file_co(struct node *node, uint64_t *ret_cluster)
{
    const struct qcow2 *qcow2 = node->opaque;
    int ret = node_refresh_size_co(node->file);
    uint64_t end = (uint64_t)cluster_end(qcow2, node->file->size) >> qcow2->cluster_bits;
    if (ret == 0)
        ret = qcow2_counts_find_end_co(node, end, ret_cluster);
    if (ret == 0 && *ret_cluster < end)
        ret = qcow2_alloc_settle_reuse_co(node, *ret_cluster, end - *ret_cluster);
    if (ret == 0 && *ret_cluster < end)
        ret = node_truncate_co(node->file, (int64_t)(*ret_cluster << qcow2->cluster_bits), false, BLK_PREALLOC_OFF, NULL);
    return ret;
}

static int make_area_co(struct node *node, uint64_t clusters, uint64_t tables, uint64_t *ret_first, GError **error)
{
    uint64_t end;
    int ret = cut_file_co(node, &end);
    if (ret < 0)
        return options_refuse(error, -ret, "Failed to inquire current file length: %s", g_strerror(-ret));
    ret = qcow2_refgrow_make_area_co(node, end, clusters + tables, ret_first);
    if (ret == 0)
        ret = qcow2_counts_add_co(node, *ret_first, clusters, 1);
    return ret < 0 ? options_refuse(error, -ret, "Failed to resize refcount structures: %s", g_strerror(-ret)) : 0;
}

/* Up to the end of an L2 table. */
static int link_piece_co(struct node *node, struct qcow2_plan *plan)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    int ret = copy_co(node, plan, plan->start, plan->offset);
    co_mutex_lock_co(&writer->lock);
    if (ret == 0)
        ret = qcow2_writer_relieve_co(node);
    if (ret == 0) {
        plan->table = qcow2_table_ensure_co(node, plan->cluster >> (qcow2->cluster_bits + qcow2->l2_bits));
        ret = MIN(plan->table, 0);
    }
    co_mutex_unlock(&writer->lock);
    return qcow2_link_co(node, plan, ret);
}

/* The clusters from host on; those that could not be entered are given back. */
static int link_area_co(struct node *node, int64_t from, int64_t to, int64_t host, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    int64_t covered = qcow2->cluster_size << qcow2->l2_bits;
    int64_t at = from, end = cluster_end(qcow2, to);
    int ret = 0;
    while (ret == 0 && at < end) {
        int64_t next = MIN(end, (at & -covered) + covered);
        struct qcow2_plan plan = {
            .kind = QCOW2_PLAN_FRESH,
            .offset = at,
            .bytes = next - at,
            .start = cluster_start(qcow2, at),
            .end = next,
            .cluster = cluster_start(qcow2, at),
            .host = host,
            .reserve = !qcow2->backing || qcow2->backing->size <= from,
        };
        plan.clusters = (uint64_t)(next - plan.cluster) >> qcow2->cluster_bits;
        ret = link_piece_co(node, &plan);
        host += next - plan.cluster;
        at = next;
        co_relax_co();
    }
    if (ret == 0)
        return 0;
    co_mutex_lock_co(&qcow2->writer->lock);
    qcow2_alloc_abort_co(node, host, (uint64_t)(end - at) >> qcow2->cluster_bits);
    co_mutex_unlock(&qcow2->writer->lock);
    return options_refuse(error, -ret, "Mapping clusters failed: %s", g_strerror(-ret));
}

static int place_co(struct node *node, int64_t from, int64_t to, enum blk_prealloc mode, int64_t *ret_host, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    uint64_t clusters = (uint64_t)(cluster_end(qcow2, to) - cluster_start(qcow2, from)) >> qcow2->cluster_bits;
    uint64_t per_table = UINT64_C(1) << qcow2->l2_bits, first;
    int ret = make_area_co(node, clusters, (clusters + per_table - 1) / per_table, &first, error);
    if (ret < 0)
        return ret;
    *ret_host = (int64_t)(first << qcow2->cluster_bits);
    ret = node_truncate_co(node->file, *ret_host + (int64_t)(clusters << qcow2->cluster_bits), false, mode, error);
    if (ret < 0) {
        g_prefix_error(error, "Failed to resize underlying file: ");
        qcow2_alloc_abort_co(node, *ret_host, clusters);
    }
    return ret;
}

static int append_co(struct node *node, int64_t from, int64_t to, enum blk_prealloc mode, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    struct qcow2_flight alone = {.end = INT64_MAX, .exclusive = true};
    struct qcow2_flight flight = {.start = cluster_start(qcow2, from), .end = cluster_end(qcow2, to), .exclusive = true};
    int64_t host;
    /* Nobody makes the file longer by writing to clusters behind its end until it is as long as it is to be. */
    for (struct qcow2_flight *other; (other = qcow2_flight_conflict(writer, alone.start, alone.end, true));)
        co_queue_wait_uncancellable_co(&other->waiters);
    qcow2_flight_begin(writer, &alone);
    co_mutex_lock_co(&writer->lock);
    int ret = place_co(node, from, to, mode, &host, error);
    co_mutex_unlock(&writer->lock);
    qcow2_flight_end(writer, &alone);
    qcow2_flight_begin(writer, &flight);
    if (ret == 0)
        ret = link_area_co(node, from, to, host, error);
    qcow2_flight_end(writer, &flight);
    return ret;
}

int qcow2_preallocate_co(struct node *node, int64_t from, int64_t to, enum blk_prealloc mode, GError **error)
{
    if (mode == BLK_PREALLOC_OFF)
        return 0;
    const struct qcow2 *qcow2 = node->opaque;
    if (mode == BLK_PREALLOC_METADATA)
        return reserve_co(node, from, to, BLK_PREALLOC_OFF, error);
    /* Guest clusters have their places in an external data file, whose end is the disk's. */
    return qcow2->data_file ? reserve_co(node, from, to, mode, error) : append_co(node, from, to, mode, error);
}
