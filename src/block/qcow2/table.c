/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * L2 tables: made, and copied when a snapshot shares them.
 *
 * A table is complete and counted on stable storage before the L1 entry that names it is written.
 */
#include <errno.h>
#include <string.h>

#include "block/qcow2/writer.h"

static int copy_piece_co(struct qcow2 *qcow2, int64_t from, int64_t to)
{
    struct qcow2_cache *cache = qcow2->l2_cache;
    const uint64_t *old, *fresh;
    int ret = qcow2_cache_get_co(cache, from, &old);
    if (ret < 0)
        return ret;
    ret = qcow2_cache_get_new_co(cache, to, &fresh);
    if (ret == 0) {
        memcpy(qcow2_cache_change(cache, fresh), old, qcow2_cache_piece(cache));
        qcow2_cache_put(cache, fresh);
    }
    qcow2_cache_put(cache, old);
    return ret;
}

/* In memory; old: 0 for none. */
static int fill_co(struct node *node, int64_t old, int64_t table)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_cache *cache = qcow2->l2_cache;
    if (old)
        node_debug_event_co(node->file, BLK_EVENT_L2_ALLOC_COW_READ);
    int ret = qcow2_cache_depend_co(cache, qcow2->writer->refcounts);
    for (int64_t at = 0; ret == 0 && at < qcow2->cluster_size; at += qcow2_cache_piece(cache)) {
        const uint64_t *fresh;
        if (old) {
            ret = copy_piece_co(qcow2, old + at, table + at);
        } else {
            ret = qcow2_cache_get_new_co(cache, table + at, &fresh);
            if (ret == 0)
                qcow2_cache_put(cache, fresh);
        }
    }
    return ret;
}

static int write_table_co(struct node *node, int64_t old, int64_t table)
{
    struct qcow2 *qcow2 = node->opaque;
    int ret = fill_co(node, old, table);
    if (ret == 0) {
        node_debug_event_co(node->file, BLK_EVENT_L2_ALLOC_WRITE);
        ret = qcow2_cache_flush_co(qcow2->l2_cache);
    }
    if (ret == 0)
        ret = qcow2_writer_barrier_co(node);
    return ret;
}

/* With direct I/O a whole block: nothing has to be read for it, and behind the table are zeroes then. */
static int write_l1_entry_co(struct node *node, uint64_t index, uint64_t entry)
{
    const struct qcow2 *qcow2 = node->opaque;
    int64_t bytes = MAX(8, MIN(node->file->limits.request_alignment, qcow2->cluster_size));
    uint64_t count = bytes / 8, first = index & -count;
    g_autofree uint64_t *words = g_try_malloc0(bytes);
    if (!words)
        return -ENOMEM;
    for (uint64_t i = first; i < MIN(first + count, qcow2->l1_count); i++)
        words[i - first] = qcow2_be64(i == index ? &entry : &qcow2->l1[i]);
    int64_t offset = qcow2->l1_offset + (int64_t)first * 8;
    int ret = qcow2_overlap_check(node, QCOW2_ROLE_ACTIVE_L1, offset, bytes);
    if (ret < 0)
        return ret;
    node_debug_event_co(node->file, BLK_EVENT_L1_UPDATE);
    return node_pwrite_co(node->file, offset, bytes, words, 0);
}

/* Gives a table back that no L1 entry names. */
static void abort_table_co(struct node *node, int64_t table)
{
    struct qcow2 *qcow2 = node->opaque;
    qcow2_cache_forget(qcow2->l2_cache, table, qcow2->cluster_size);
    qcow2_overlap_remove(node, table);
    qcow2_alloc_abort_co(node, table, 1);
}

static int64_t make_co(struct node *node, uint64_t index, int64_t old)
{
    struct qcow2 *qcow2 = node->opaque;
    int64_t table = qcow2_alloc_co(node, 1);
    if (table < 0)
        return table;
    if (table == 0)
        return qcow2_writer_corrupt(node, "Preventing invalid allocation of L2 table at offset 0");
    int ret = qcow2_overlap_check(node, 0, table, qcow2->cluster_size);
    if (ret < 0)
        return ret;
    qcow2_overlap_add(node, QCOW2_ROLE_ACTIVE_L2, table);
    ret = write_table_co(node, old, table);
    if (ret < 0) {
        abort_table_co(node, table);
        return ret;
    }
    ret = write_l1_entry_co(node, index, table | QCOW2_ENTRY_COPIED);
    if (ret == -ECANCELED) { /* while it waited for another write of the same block: it never began */
        abort_table_co(node, table);
        return ret;
    }
    if (ret < 0) {
        /* Whether the entry reached the disk is not known: the new table stays counted, leaked at worst. */
        qcow2_overlap_remove(node, table);
        return ret;
    }
    qcow2->l1[index] = table | QCOW2_ENTRY_COPIED;
    return table;
}

/* The VM state lies behind what the table has to cover.  It grows by half, as in the reference program, not for every entry. */
static int reach_co(struct node *node, uint64_t l1_index)
{
    const struct qcow2 *qcow2 = node->opaque;
    if (l1_index < qcow2->l1_size)
        return 0;
    int64_t entries = MAX(qcow2->l1_size, 1);
    while (entries <= (int64_t)l1_index)
        entries = (entries * 3 + 1) / 2;
    return qcow2_truncate_grow_l1_co(node, entries);
}

int64_t qcow2_table_ensure_co(struct node *node, uint64_t l1_index)
{
    struct qcow2 *qcow2 = node->opaque;
    int ret = reach_co(node, l1_index);
    if (ret < 0)
        return ret;
    int64_t old = qcow2_l2_table(node, l1_index);
    if (old < 0 || (old && qcow2_is_copied(qcow2->l1[l1_index])))
        return old;
    int64_t table = make_co(node, l1_index, old);
    if (table < 0 || !old)
        return table;
    qcow2_overlap_remove(node, old);
    qcow2_cache_depend_barrier(qcow2->writer->refcounts);
    qcow2_alloc_free_co(node, old, qcow2->cluster_size, QCOW2_DISCARD_OTHER);
    return table;
}

int qcow2_table_get_co(struct node *node, int64_t table, int64_t offset, struct qcow2_entries *ret_entries)
{
    const struct qcow2 *qcow2 = node->opaque;
    unsigned count = qcow2_cache_piece(qcow2->l2_cache) / (8 * qcow2->entry_words);
    unsigned index = offset >> qcow2->cluster_bits & ((1U << qcow2->l2_bits) - 1);
    *ret_entries = (struct qcow2_entries){.first = index - index % count, .count = count};
    return qcow2_cache_get_co(qcow2->l2_cache, table + (int64_t)ret_entries->first * 8 * qcow2->entry_words, &ret_entries->words);
}
