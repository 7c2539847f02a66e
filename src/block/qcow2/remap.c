/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zeroes and discards: entries change, no data is written.
 *
 * What covers a part of a unit only can be done if the rest of it reads as zeroes already, or lies behind the end of the image; otherwise
 * the answer is -ENOTSUP, and the caller writes zero bytes (or, for a discard, does nothing).
 */
#include <errno.h>

#include "block/qcow2/plan.h"
#include "block/qcow2/write.h"

enum remap_kind {
    REMAP_ZERO,       /* reads as zeroes; clusters stay reserved */
    REMAP_ZERO_UNMAP, /* and are given back */
    REMAP_DISCARD,    /* given back; zeroes, where the version can say so */
    REMAP_CROP,       /* given back, and nothing is said of them */
};

/* A request; start and end are those of the whole units. */
struct remap {
    struct node *node;
    enum remap_kind kind;
    int64_t start, end;
    bool only_empty; /* units with data are not to be touched: a part of one was asked for */
    GArray *extents; /* struct qcow2_extent that entries named until now */
};

/* ---- one entry ---- */

/* words: as on disk, changed to what they are to be.  1: they changed, 0: not, or a negative errno. */
static int change_words(const struct remap *remap, uint64_t entry, uint64_t bitmap, bool whole, uint32_t units, uint64_t *ret_entry,
                        uint64_t *ret_bitmap)
{
    const struct qcow2 *qcow2 = remap->node->opaque;
    bool compressed = entry & QCOW2_ENTRY_COMPRESSED;
    bool nothing = !compressed && !qcow2_link_names_host(qcow2, entry) && !qcow2->backing && !qcow2->backing_left_out;
    bool drops = remap->kind != REMAP_ZERO || compressed;
    *ret_entry = entry;
    *ret_bitmap = bitmap;
    if (compressed && !whole)
        return -ENOTSUP;
    if (qcow2->header.version < 3 || remap->kind == REMAP_CROP) {
        *ret_entry = *ret_bitmap = 0;
    } else if (remap->kind == REMAP_DISCARD && nothing) {
        return 0;
    } else if (qcow2->extended) {
        *ret_entry = drops && whole ? 0 : entry;
        *ret_bitmap = whole ? (uint64_t)UINT32_MAX << QCOW2_SUBCLUSTERS : (bitmap | (uint64_t)units << QCOW2_SUBCLUSTERS) & ~(uint64_t)units;
    } else {
        *ret_entry = drops ? QCOW2_ENTRY_ZERO : entry | QCOW2_ENTRY_ZERO;
    }
    return *ret_entry != entry || *ret_bitmap != bitmap;
}

static bool is_empty(enum qcow2_kind kind)
{
    return kind == QCOW2_UNALLOCATED || kind == QCOW2_ZERO_PLAIN || kind == QCOW2_ZERO_ALLOCATED;
}

/* Bits of the subclusters of [start, end), which lies in one cluster. */
static uint32_t units_of(const struct qcow2 *qcow2, int64_t start, int64_t end)
{
    int64_t mask = qcow2->cluster_size - 1;
    if (!qcow2->extended)
        return 0;
    unsigned first = (start & mask) >> qcow2->unit_bits, last = ((end - 1) & mask) >> qcow2->unit_bits;
    return (uint32_t)((UINT64_C(1) << (last + 1)) - (UINT64_C(1) << first));
}

/* [start, end) lies in one cluster, of which entries has the entry. */
static int change_entry(struct remap *remap, const struct qcow2_entries *entries, int64_t table, int64_t start, int64_t end)
{
    const struct qcow2 *qcow2 = remap->node->opaque;
    unsigned index = (start >> qcow2->cluster_bits & ((1U << qcow2->l2_bits) - 1)) - entries->first;
    const uint64_t *words = entries->words + (size_t)index * qcow2->entry_words;
    uint64_t entry = qcow2_be64(&words[0]), bitmap = qcow2->extended ? qcow2_be64(&words[1]) : 0;
    uint64_t new_entry, new_bitmap;
    struct qcow2_run run;
    qcow2_l2_run(qcow2, entries, start, 1, &run);
    if (run.kind == QCOW2_INVALID)
        return qcow2_l2_invalid(remap->node, entries, table, start);
    if (remap->only_empty && !is_empty(run.kind))
        return -ENOTSUP;
    int ret = change_words(remap, entry, bitmap, end - start == qcow2->cluster_size, units_of(qcow2, start, end), &new_entry, &new_bitmap);
    if (ret <= 0)
        return ret;
    struct qcow2_extent extent = qcow2_link_extent(qcow2, entry);
    if (extent.bytes > 0 && !qcow2_link_names_host(qcow2, new_entry))
        g_array_append_val(remap->extents, extent);
    uint64_t *changed = qcow2_cache_change(qcow2->l2_cache, entries->words) + (size_t)index * qcow2->entry_words;
    changed[0] = qcow2_be64(&new_entry);
    if (qcow2->extended)
        changed[1] = qcow2_be64(&new_bitmap);
    return 0;
}

/* ---- a range ---- */

/* From start on, as far as one piece of an L2 table speaks of it; *ret_next is where that ends. */
static int change_piece_co(struct remap *remap, int64_t start, int64_t *ret_next)
{
    const struct qcow2 *qcow2 = remap->node->opaque;
    struct qcow2_entries entries;
    int64_t table = qcow2_table_ensure_co(remap->node, start >> (qcow2->cluster_bits + qcow2->l2_bits));
    if (table < 0)
        return table;
    int ret = qcow2_table_get_co(remap->node, table, start, &entries);
    if (ret < 0)
        return ret;
    int64_t first = start & -(qcow2->cluster_size << qcow2->l2_bits);
    int64_t end = MIN(remap->end, first + (int64_t)(entries.first + entries.count) * qcow2->cluster_size);
    while (ret == 0 && start < end) {
        int64_t next = MIN(end, (start & -qcow2->cluster_size) + qcow2->cluster_size);
        ret = change_entry(remap, &entries, table, start, next);
        start = next;
    }
    qcow2_cache_put(qcow2->l2_cache, entries.words);
    *ret_next = end;
    return ret;
}

static int change_range_co(struct remap *remap)
{
    const struct qcow2 *qcow2 = remap->node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    int64_t at = remap->start;
    int ret = 0;
    while (ret == 0 && at < remap->end) {
        int64_t start = at;
        co_mutex_lock_co(&writer->lock);
        ret = qcow2_writer_settle_bitmaps_co(remap->node);
        if (ret == 0)
            ret = qcow2_writer_relieve_co(remap->node);
        if (ret == 0)
            ret = change_piece_co(remap, at, &at);
        co_mutex_unlock(&writer->lock);
        /* Where the caller is going to write zero bytes instead, the next clusters it takes are these. */
        enum qcow2_discard discard = ret < 0                     ? QCOW2_DISCARD_NEVER
                                     : remap->kind == REMAP_CROP ? QCOW2_DISCARD_ALWAYS
                                                                 : QCOW2_DISCARD_REQUEST;
        qcow2_link_release_co(remap->node, start, at, remap->extents, discard);
        g_array_set_size(remap->extents, 0);
        registry_count(remap->node, at - start);
        co_relax_co();
    }
    return ret;
}

/* ---- parts of units ---- */

/* Whether every layer is there that the image names: what is missing is not known to be zeroes. */
static bool is_complete(const struct node *node)
{
    const struct qcow2 *qcow2 = node->opaque;
    if (node->driver == &driver_qcow2 && qcow2->backing_left_out)
        return false;
    for (unsigned i = 0; i < node->children->len; i++) {
        if (!is_complete(((const struct node_child *)node->children->pdata[i])->node))
            return false;
    }
    return true;
}

/* 1, 0, or a negative errno. */
static int is_zero_co(struct node *node, int64_t start, int64_t end)
{
    while (start < end) {
        struct blk_extent extent;
        int ret = node_extent_co(node, start, end - start, &extent);
        if (ret < 0)
            return ret;
        if (extent.kind == BLK_KIND_DATA || extent.kind == BLK_KIND_COMPRESSED)
            return 0;
        start += extent.length;
    }
    return 1;
}

/* Makes [offset, end) whole units.  0, or -ENOTSUP. */
static int widen_co(struct remap *remap, int64_t offset, int64_t end, int64_t unit)
{
    const struct qcow2 *qcow2 = remap->node->opaque;
    int64_t size = remap->node->size;
    remap->start = offset & -unit;
    /* The last cluster is taken as a whole, but where only a part of it is meant: then up to the end of the unit. */
    bool part = (offset & -qcow2->cluster_size) == ((end - 1) & -qcow2->cluster_size) && offset % qcow2->cluster_size;
    int64_t last = part ? unit : qcow2->cluster_size;
    remap->end = end == size ? (end + last - 1) & -last : end;
    if (remap->start == offset && remap->end % unit == 0)
        return 0;
    remap->end = (end + unit - 1) & -unit;
    if (remap->end - remap->start > unit || remap->kind == REMAP_DISCARD || !is_complete(remap->node))
        return -ENOTSUP;
    remap->only_empty = true;
    int ret = is_zero_co(remap->node, remap->start, offset);
    if (ret == 1)
        ret = is_zero_co(remap->node, end, MIN(remap->end, size));
    if (end == size)
        remap->end = (end + qcow2->cluster_size - 1) & -qcow2->cluster_size;
    return ret == 1 ? 0 : ret < 0 ? ret : -ENOTSUP;
}

/* A raw data file has the bytes of the disk by itself: zeroes are written, whatever the entries say. */
static int zero_raw_co(const struct remap *remap)
{
    const struct qcow2 *qcow2 = remap->node->opaque;
    int64_t end = MIN(remap->end, remap->node->size);
    if (!qcow2->data_file || !(qcow2->header.autoclear & QCOW2_AUTOCLEAR_DATA_FILE_RAW) || remap->kind == REMAP_CROP || remap->start >= end)
        return 0;
    return node_pwrite_zeroes_co(qcow2->data, remap->start, end - remap->start, remap->kind == REMAP_ZERO ? 0 : BLK_MAY_UNMAP);
}

static int remap_co(struct remap *remap, int64_t offset, int64_t bytes, int64_t unit)
{
    const struct qcow2 *qcow2 = remap->node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    struct qcow2_flight flight = {
        .start = offset & -qcow2->cluster_size,
        .end = (offset + bytes + qcow2->cluster_size - 1) & -qcow2->cluster_size,
        .exclusive = true,
    };
    for (struct qcow2_flight *other; (other = qcow2_flight_conflict(writer, flight.start, flight.end, true));)
        co_queue_wait_uncancellable_co(&other->waiters);
    qcow2_flight_begin(writer, &flight);
    remap->extents = g_array_new(FALSE, FALSE, sizeof(struct qcow2_extent));
    int ret = widen_co(remap, offset, offset + bytes, unit);
    if (ret == 0)
        ret = zero_raw_co(remap);
    if (ret == 0)
        ret = change_range_co(remap);
    g_array_unref(remap->extents);
    qcow2_flight_end(writer, &flight);
    return ret;
}

/* ---- requests ---- */

/* Version 2 can't say that a cluster is zeroes where a backing file shows through. */
static bool can_be_zero(const struct qcow2 *qcow2)
{
    return qcow2->header.version >= 3 || (!qcow2->backing && !qcow2->backing_left_out);
}

int qcow2_remap_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct remap remap = {.node = node, .kind = flags & BLK_MAY_UNMAP ? REMAP_ZERO_UNMAP : REMAP_ZERO};
    return can_be_zero(qcow2) ? remap_co(&remap, offset, bytes, INT64_C(1) << qcow2->unit_bits) : -ENOTSUP;
}

int qcow2_remap_pdiscard_co(struct node *node, int64_t offset, int64_t bytes)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct remap remap = {.node = node, .kind = REMAP_DISCARD};
    return can_be_zero(qcow2) ? remap_co(&remap, offset, bytes, qcow2->cluster_size) : -ENOTSUP;
}

int qcow2_remap_crop_co(struct node *node, int64_t start, int64_t end)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct remap remap = {.node = node, .kind = REMAP_CROP};
    return start < end ? remap_co(&remap, start, end - start, qcow2->cluster_size) : 0;
}
