/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A unit (cluster, or subcluster with extended entries) holds data or not as a whole, so a write that covers a part of one that holds none
 * copies the rest of it: from the backing file, from zeroes, from a compressed or a shared cluster.
 */
#include "block/qcow2/plan.h"

#include <errno.h>

/* ---- one cluster ---- */

static uint64_t entry_at(const struct qcow2 *qcow2, const struct qcow2_entries *entries, int64_t offset)
{
    unsigned index = offset >> qcow2->cluster_bits & ((1U << qcow2->l2_bits) - 1);
    return qcow2_be64(&entries->words[(uint64_t)(index - entries->first) * qcow2->entry_words]);
}

/* The kind for [offset, offset + bytes), which lies in one cluster; or -EIO. */
static int classify(struct node *node, const struct qcow2_entries *entries, int64_t table, int64_t offset, int64_t bytes)
{
    const struct qcow2 *qcow2 = node->opaque;
    uint64_t entry = entry_at(qcow2, entries, offset);
    struct qcow2_run run;
    qcow2_l2_run(qcow2, entries, offset, bytes, &run);
    if (run.kind == QCOW2_INVALID)
        return qcow2_l2_invalid(node, entries, table, offset);
    if ((entry & QCOW2_ENTRY_COMPRESSED) || !qcow2_is_copied(entry) || !qcow2_link_names_host(qcow2, entry))
        return QCOW2_PLAN_FRESH;
    return run.kind == QCOW2_DATA && run.bytes == bytes ? QCOW2_PLAN_IN_PLACE : QCOW2_PLAN_KEEP;
}

static enum qcow2_kind unit_kind(const struct qcow2 *qcow2, const struct qcow2_entries *entries, int64_t offset)
{
    struct qcow2_run run;
    qcow2_l2_run(qcow2, entries, offset, 1, &run);
    return run.kind;
}

/* Whether a unit is lost with the old cluster unless it is copied. */
static bool holds_bytes(enum qcow2_kind kind)
{
    return kind == QCOW2_DATA || kind == QCOW2_COMPRESSED;
}

/* Where copying begins in the cluster that a write enters at offset. */
static int64_t copy_start(const struct qcow2 *qcow2, const struct qcow2_entries *entries, enum qcow2_plan_kind kind, int64_t offset)
{
    int64_t unit = INT64_C(1) << qcow2->unit_bits;
    int64_t start = offset & -unit;
    if (kind == QCOW2_PLAN_KEEP)
        return unit_kind(qcow2, entries, offset) == QCOW2_DATA ? offset : start;
    for (int64_t at = offset & -qcow2->cluster_size; at < start; at += unit) {
        if (holds_bytes(unit_kind(qcow2, entries, at)))
            return at;
    }
    return start;
}

/* Where it ends in the cluster that it leaves at end. */
static int64_t copy_end(const struct qcow2 *qcow2, const struct qcow2_entries *entries, enum qcow2_plan_kind kind, int64_t end)
{
    int64_t unit = INT64_C(1) << qcow2->unit_bits;
    int64_t stop = ((end - 1) & -unit) + unit;
    if (kind == QCOW2_PLAN_KEEP)
        return unit_kind(qcow2, entries, end - 1) == QCOW2_DATA ? end : stop;
    for (int64_t at = ((end - 1) & -qcow2->cluster_size) + qcow2->cluster_size; at > stop; at -= unit) {
        if (holds_bytes(unit_kind(qcow2, entries, at - unit)))
            return at;
    }
    return stop;
}

/* Whether the rest of the unit that holds offset reads as zeroes. */
static bool is_zero_unit(const struct qcow2 *qcow2, const struct qcow2_entries *entries, int64_t offset)
{
    enum qcow2_kind kind = unit_kind(qcow2, entries, offset);
    if (kind == QCOW2_UNALLOCATED)
        return !qcow2->backing_left_out && (!qcow2->backing || (offset & -(INT64_C(1) << qcow2->unit_bits)) >= qcow2->backing->size);
    return kind == QCOW2_ZERO_PLAIN || kind == QCOW2_ZERO_ALLOCATED;
}

/* ---- a range ---- */

/* The plan's beginning, from a piece that has the entry for its offset. */
static void begin_plan(const struct qcow2 *qcow2, const struct qcow2_entries *entries, struct qcow2_plan *plan)
{
    plan->cluster = plan->offset & -qcow2->cluster_size;
    plan->host = (int64_t)(entry_at(qcow2, entries, plan->offset) & QCOW2_ENTRY_OFFSET);
    plan->start = plan->kind == QCOW2_PLAN_IN_PLACE ? plan->offset : copy_start(qcow2, entries, plan->kind, plan->offset);
    /* With more than the units at the ends to copy, there is data among it. */
    plan->zero_around = plan->offset - plan->start < INT64_C(1) << qcow2->unit_bits &&
                        (plan->start == plan->offset || is_zero_unit(qcow2, entries, plan->offset));
}

/* Its end, from the piece that has the entry for its last byte. */
static void end_plan(const struct qcow2 *qcow2, const struct qcow2_entries *entries, struct qcow2_plan *plan)
{
    int64_t end = plan->offset + plan->bytes;
    plan->clusters = (end - plan->cluster + qcow2->cluster_size - 1) >> qcow2->cluster_bits;
    plan->end = plan->kind == QCOW2_PLAN_IN_PLACE ? end : copy_end(qcow2, entries, plan->kind, end);
    plan->zero_around = plan->zero_around && plan->end - end < INT64_C(1) << qcow2->unit_bits &&
                        (plan->end == end || is_zero_unit(qcow2, entries, end - 1));
}

/* Guest offset behind what a piece speaks of. */
static int64_t covered_end(const struct qcow2 *qcow2, const struct qcow2_entries *entries, int64_t offset)
{
    return (offset & -(qcow2->cluster_size << qcow2->l2_bits)) + (int64_t)(entries->first + entries->count) * qcow2->cluster_size;
}

/*
 * Takes along what a piece says of [offset + bytes so far, end) as far as it is of the plan's kind and in a row; the first one says
 * what kind that is.  1: all of it was; 0: the plan ends; or -EIO.
 */
static int plan_entries(struct node *node, const struct qcow2_entries *entries, int64_t table, int64_t end, struct qcow2_plan *plan)
{
    const struct qcow2 *qcow2 = node->opaque;
    int64_t at = plan->offset + plan->bytes;
    int64_t before = plan->bytes;
    bool ends = false;
    end = MIN(end, covered_end(qcow2, entries, at));
    while (!ends && at < end) {
        int64_t next = MIN(end, (at & -qcow2->cluster_size) + qcow2->cluster_size);
        int kind = classify(node, entries, table, at, next - at);
        if (kind < 0)
            return kind;
        if (plan->bytes == 0) {
            plan->kind = kind;
            begin_plan(qcow2, entries, plan);
        }
        uint64_t host = (uint64_t)(plan->host + ((at & -qcow2->cluster_size) - plan->cluster));
        ends = kind != (int)plan->kind ||
               (kind != QCOW2_PLAN_FRESH && (entry_at(qcow2, entries, at) & QCOW2_ENTRY_OFFSET) != host);
        if (ends)
            break;
        plan->bytes += next - at;
        at = next;
    }
    if (plan->bytes > before)
        end_plan(qcow2, entries, plan);
    return !ends;
}

/* The piece that speaks of the cluster after those planned so far; words: zeroes, of a table that is not there. */
static int plan_piece_co(struct node *node, int64_t table, uint64_t *words, int64_t end, struct qcow2_plan *plan)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct qcow2_entries entries;
    if (table > 0) {
        int ret = qcow2_table_get_co(node, table, plan->offset + plan->bytes, &entries);
        if (ret < 0)
            return ret;
        ret = plan_entries(node, &entries, table, end, plan);
        qcow2_cache_put(qcow2->l2_cache, entries.words);
        return ret;
    }
    unsigned count = qcow2_cache_piece(qcow2->l2_cache) / (8 * qcow2->entry_words);
    unsigned index = (plan->offset + plan->bytes) >> qcow2->cluster_bits & ((1U << qcow2->l2_bits) - 1);
    entries = (struct qcow2_entries){.words = words, .first = index - index % count, .count = count};
    return plan_entries(node, &entries, 0, end, plan);
}

/* As much as one L2 table speaks of: new clusters for all of it are looked for in a row. */
static int plan_co(struct node *node, int64_t offset, int64_t bytes, struct qcow2_plan *plan)
{
    const struct qcow2 *qcow2 = node->opaque;
    int64_t covered = qcow2->cluster_size << qcow2->l2_bits;
    int64_t table = qcow2_l2_table(node, offset / covered);
    int64_t end = MIN(offset + bytes, (offset & -covered) + covered);
    g_autofree uint64_t *words = table == 0 ? g_malloc0(qcow2_cache_piece(qcow2->l2_cache)) : NULL;
    int ret = table < 0 ? (int)table : 1;
    plan->offset = offset;
    plan->bytes = 0;
    while (ret == 1 && plan->bytes < end - offset)
        ret = plan_piece_co(node, table, words, end, plan);
    return MIN(ret, 0);
}

/* ---- with others ---- */

static void wait_flight_co(struct qcow2_writer *writer, struct qcow2_flight *flight)
{
    co_mutex_unlock(&writer->lock);
    co_queue_wait_uncancellable_co(&flight->waiters);
    co_mutex_lock_co(&writer->lock);
}

/* A plan that is made is good as long as its flight lasts. */
static int claim_co(struct node *node, int64_t offset, int64_t bytes, bool wait, struct qcow2_plan *plan)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    for (;;) {
        int ret = plan_co(node, offset, bytes, plan);
        if (ret < 0)
            return ret;
        bool exclusive = plan->kind != QCOW2_PLAN_IN_PLACE;
        int64_t end = plan->cluster + (int64_t)(plan->clusters << qcow2->cluster_bits);
        struct qcow2_flight *other = qcow2_flight_conflict(writer, plan->cluster, end, exclusive);
        if (!other) {
            plan->flight = (struct qcow2_flight){.start = plan->cluster, .end = end, .exclusive = exclusive};
            qcow2_flight_begin(writer, &plan->flight);
            return 0;
        }
        if (other->start > offset)
            bytes = other->start - offset;
        else if (!wait)
            return -EAGAIN;
        else
            wait_flight_co(writer, other);
    }
}

/* Only so many clusters were to be had. */
static void shorten(const struct qcow2 *qcow2, struct qcow2_plan *plan, uint64_t clusters)
{
    if (clusters == plan->clusters)
        return;
    plan->clusters = clusters;
    plan->end = plan->cluster + (int64_t)(clusters << qcow2->cluster_bits);
    plan->bytes = plan->end - plan->offset;
}

/* Entries of a table that is copied stay what they are. */
static int make_co(struct node *node, int64_t wanted, struct qcow2_plan *plan)
{
    const struct qcow2 *qcow2 = node->opaque;
    if (plan->kind == QCOW2_PLAN_IN_PLACE)
        return 0;
    plan->table = qcow2_table_ensure_co(node, plan->cluster >> (qcow2->cluster_bits + qcow2->l2_bits));
    if (plan->table < 0)
        return plan->table;
    if (plan->kind == QCOW2_PLAN_KEEP)
        return 0;
    if (qcow2->data_file) {
        plan->host = plan->cluster;
        return 0;
    }
    int64_t there = wanted ? qcow2_alloc_at_co(node, wanted, plan->clusters) : 0;
    if (there < 0)
        return there;
    if (there > 0) {
        shorten(qcow2, plan, there);
        plan->host = wanted;
        return 0;
    }
    plan->host = qcow2_alloc_co(node, plan->clusters);
    return plan->host < 0 ? plan->host : 0;
}

int qcow2_plan_begin_co(struct node *node, int64_t offset, int64_t bytes, int64_t wanted, bool wait, struct qcow2_plan *plan)
{
    const struct qcow2 *qcow2 = node->opaque;
    int ret = claim_co(node, offset, bytes, wait, plan);
    if (ret < 0)
        return ret;
    ret = make_co(node, wanted, plan);
    if (ret == 0 && !qcow2->data_file)
        ret = qcow2_overlap_check(node, 0, plan->host + (plan->start - plan->cluster), plan->end - plan->start);
    if (ret < 0)
        qcow2_flight_end(qcow2->writer, &plan->flight);
    return ret;
}

void qcow2_plan_end(struct node *node, struct qcow2_plan *plan)
{
    const struct qcow2 *qcow2 = node->opaque;
    qcow2_flight_end(qcow2->writer, &plan->flight);
}
