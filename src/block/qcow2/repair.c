/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Repairing an image, as the reference program does it, in the same order: entries that can be mended by themselves, then refcounts (or all
 * of their structures anew, rebuild.c, if one that is missing would have to be raised from nothing), then the flags that say whether a
 * refcount is one.  All of it is written straight to the file; what is in memory of the image is loaded again afterwards.
 *
 * Only data that nothing names is given up, only what is certain is changed: an entry that points where nothing can be stays as it is.
 */
#include <errno.h>
#include <inttypes.h>

#include "block/qcow2/cache.h"
#include "block/qcow2/check-internal.h"
#include "block/qcow2/check.h"
#include "block/qcow2/walk.h"
#include "block/qcow2/writer.h"

enum {
    INCOMPATIBLE_AT = 72, /* "Header" */
    CLUSTERS_MAX = 1 << 28, /* counted all at once */
};

/* ---- what is in memory ---- */

/* Everything a writer has cached is in the file, and stays there: its lock is held. */
static int begin_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    if (!(node->file->flags & NODE_WRITABLE))
        return -EROFS;
    if (qcow2->l1_offset != (int64_t)qcow2->header.l1_offset)
        return -EROFS; /* a snapshot is open in place of the active state */
    if (!qcow2->writer)
        return 0;
    if (qcow2_writer_await_mark_co(node) < 0)
        return -ECANCELED;
    co_mutex_lock_co(&qcow2->writer->lock);
    /* What memory holds for leaked may be what the header names. */
    int ret = qcow2_doubt_settle_co(node);
    if (ret == 0)
        ret = qcow2_cache_flush_co(qcow2->l2_cache);
    int refcounts_ret = qcow2_cache_flush_co(qcow2->writer->refcounts);
    ret = ret < 0 ? ret : refcounts_ret;
    if (ret < 0)
        co_mutex_unlock(&qcow2->writer->lock);
    return ret;
}

static int reload_l1_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    int64_t there = CLAMP(node->file->size - qcow2->l1_offset, 0, (int64_t)qcow2->l1_count * 8);
    g_autofree uint64_t *l1 = g_try_new0(uint64_t, qcow2->l1_count);
    if (!l1 && qcow2->l1_count)
        return -ENOMEM;
    int ret = there ? node_pread_co(node->file, qcow2->l1_offset, there, l1) : 0;
    for (uint32_t i = 0; ret == 0 && i < qcow2->l1_count; i++)
        qcow2->l1[i] = qcow2_be64(&l1[i]);
    return ret;
}

static int end_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    int ret = node_flush_co(node->file);
    int l1_ret = reload_l1_co(node);
    qcow2_cache_empty(qcow2->l2_cache);
    ret = ret < 0 ? ret : l1_ret;
    if (!qcow2->writer)
        return ret;
    int writer_ret = qcow2_writer_reload_co(node);
    /* A writer that doesn't know what the file says now would overwrite what is in use. */
    if (l1_ret < 0 || writer_ret < 0)
        node->dead = true;
    co_mutex_unlock(&qcow2->writer->lock);
    return ret < 0 ? ret : writer_ret;
}

/* ---- "refcount is one" ---- */

struct flags {
    struct qcow2_check *check;
    bool repair;
};

static int write_word_co(struct node *node, int64_t at, uint64_t value)
{
    uint64_t word = qcow2_be64(&value);
    return node_pwrite_co(node->file, at, sizeof(word), &word, 0);
}

/* what: "L2 cluster: l1_index=..." or the like. */
static int mend_flag_co(struct flags *flags, const char *what, int64_t at, uint64_t entry, uint64_t refcount)
{
    struct qcow2_check *check = flags->check;
    if (!flags->repair)
        return qcow2_check_tell(check, INSPECT_CORRUPTION, at, "ERROR OFLAG_COPIED %s refcount=%" PRIu64, what, refcount);
    entry = refcount == 1 ? entry | QCOW2_ENTRY_COPIED : entry & ~QCOW2_ENTRY_COPIED;
    int ret = write_word_co(check->node, at, entry);
    return ret < 0 ? ret : qcow2_check_tell_fixed(check, INSPECT_CORRUPTION, at, "Repairing OFLAG_COPIED %s refcount=%" PRIu64, what, refcount);
}

static int on_region(void *data, const struct qcow2_walk_region *region)
{
    struct flags *flags = data;
    uint64_t refcount;
    if (region->role != INSPECT_L2 || region->snapshot != QCOW2_WALK_ACTIVE)
        return 0;
    if (!qcow2_check_get_refcount_co(flags->check, (uint64_t)region->host >> flags->check->qcow2->cluster_bits, &refcount))
        return 0;
    if ((refcount == 1) == qcow2_is_copied(region->entry))
        return 0;
    g_autofree char *what = g_strdup_printf("L2 cluster: l1_index=%" PRIu64 " l1_entry=%" PRIx64, region->index, region->entry);
    return mend_flag_co(flags, what, region->entry_host, region->entry, refcount);
}

static int mend_entry_co(struct flags *flags, int64_t at, uint64_t entry)
{
    const struct qcow2 *qcow2 = flags->check->qcow2;
    uint64_t host = entry & QCOW2_ENTRY_OFFSET, refcount = 1;
    if ((entry & QCOW2_ENTRY_COMPRESSED) || (host == 0 && !(qcow2->data_file && qcow2_is_copied(entry))))
        return 0;
    if (!qcow2->data_file && !qcow2_check_get_refcount_co(flags->check, host >> qcow2->cluster_bits, &refcount))
        return 0;
    if ((refcount == 1) == qcow2_is_copied(entry))
        return 0;
    g_autofree char *what = g_strdup_printf("data cluster: l2_entry=%" PRIx64, entry);
    return mend_flag_co(flags, what, at, entry, refcount);
}

static int on_table(void *data, const struct qcow2_walk_table *table)
{
    struct flags *flags = data;
    const struct qcow2 *qcow2 = flags->check->qcow2;
    int ret = 0;
    if (table->snapshot != QCOW2_WALK_ACTIVE)
        return 0;
    for (unsigned i = 0; ret == 0 && i < 1U << qcow2->l2_bits; i++) {
        uint64_t word = table->words[(uint64_t)i * qcow2->entry_words];
        if (word)
            ret = mend_entry_co(flags, table->host + (int64_t)i * 8 * qcow2->entry_words, qcow2_be64(&word));
    }
    return ret;
}

static int mend_flags_co(struct qcow2_check *check)
{
    static const struct qcow2_walk_ops ops = {.region = on_region, .table = on_table};
    const struct inspect_check *result = &check->result;
    bool sound = !result->corruptions && !result->leaks && !result->check_errors;
    struct flags flags = {check, check->fix == INSPECT_FIX_ALL || sound};
    return qcow2_walk_co(check->node, &ops, &flags);
}

/* ---- refcounts ---- */

/* Refcount blocks past the end of the file: it is made longer, and they are as empty as they were. */
static int include_blocks_co(struct qcow2_check *check)
{
    const struct qcow2 *qcow2 = check->qcow2;
    struct node *file = check->node->file;
    uint64_t total = (file->size + qcow2->cluster_size - 1) >> qcow2->cluster_bits;
    for (uint64_t i = 0; i < check->refcounts.count; i++) {
        uint64_t entry = check->refcounts.table[i], cluster = (entry & QCOW2_REFCOUNT_TABLE_OFFSET) >> qcow2->cluster_bits;
        g_autoptr(GError) error = NULL;
        if ((entry & 511) || (entry & QCOW2_REFCOUNT_TABLE_OFFSET) % qcow2->cluster_size || cluster < total || cluster >= CLUSTERS_MAX)
            continue;
        int ret = node_truncate_co(file, (int64_t)((cluster + 1) << qcow2->cluster_bits), false, BLK_PREALLOC_OFF, &error);
        if (ret < 0)
            return ret;
        total = cluster + 1;
        check->rebuild = true;
        ret = qcow2_check_tell_fixed(check, INSPECT_CORRUPTION, (int64_t)(qcow2->header.refcount_table_offset + i * 8),
                                     "Repairing refcount block %" PRIu64 " is outside image", i);
        if (ret != 0)
            return ret;
    }
    return 0;
}

/* New structures, then what the old ones took is free. */
static int rebuild_all_co(struct qcow2_check *check)
{
    struct inspect_check before = check->result;
    int ret = check->fn ? check->fn(check->data, &(struct inspect_problem){INSPECT_CORRUPTION, "Rebuilding refcount structure", -1, true}) : 0;
    if (ret == 0)
        ret = qcow2_rebuild_co(check);
    if (ret != 0)
        return ret;
    ret = qcow2_check_restart_co(check);
    check->fix = INSPECT_FIX_LEAKS;
    if (ret == 0)
        ret = qcow2_check_count_co(check);
    if (ret == 0)
        ret = qcow2_check_compare_co(check);
    check->fix = INSPECT_FIX_ALL;
    /* What was wrong and is not any more; that the old structures were freed is not news. */
    check->result.corruptions_fixed = before.corruptions_fixed + before.corruptions - check->result.corruptions;
    check->result.leaks_fixed = before.leaks_fixed + before.leaks;
    return ret;
}

static int mend_refcounts_co(struct qcow2_check *check)
{
    struct inspect_check before;
    int ret = qcow2_check_count_co(check);
    before = check->result;
    enum inspect_fix fix = check->fix;
    check->fix = INSPECT_FIX_NONE;
    if (ret == 0)
        ret = qcow2_check_compare_co(check);
    check->fix = fix;
    if (ret != 0)
        return ret;
    if (check->rebuild && fix == INSPECT_FIX_ALL)
        return rebuild_all_co(check);
    if (check->rebuild) {
        ret = qcow2_check_tell(check, INSPECT_ERROR, -1, "ERROR need to rebuild refcount structures");
        return ret ? ret : -EUCLEAN;
    }
    if (check->result.leaks == before.leaks && check->result.corruptions == before.corruptions)
        return 0;
    check->result = before;
    return qcow2_check_compare_co(check);
}

/* ---- all ---- */

static int clear_marks_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    /* A writer that is at work knows itself when the image is not dirty any more. */
    uint64_t marks = QCOW2_INCOMPATIBLE_CORRUPT | (qcow2->writer ? 0 : QCOW2_INCOMPATIBLE_DIRTY);
    if (qcow2->header.version < 3 || !(qcow2->header.incompatible & marks))
        return 0;
    int ret = node_flush_co(node->file);
    if (ret == 0)
        ret = write_word_co(node, INCOMPATIBLE_AT, qcow2->header.incompatible & ~marks);
    if (ret == 0)
        qcow2->header.incompatible &= ~marks;
    return ret;
}

static int repair_co(struct qcow2_check *check)
{
    struct node *node = check->node;
    int ret = mend_refcounts_co(check);
    if (ret == 0)
        ret = mend_flags_co(check);
    if (ret == 0 && !check->result.corruptions && !check->result.check_errors)
        ret = clear_marks_co(node);
    return ret;
}

int qcow2_repair_co(struct node *node, enum inspect_fix fix, inspect_problem_fn *fn, void *data, struct inspect_check *ret_check)
{
    struct qcow2_check check = {.fix = fix, .copied_later = true};
    int ret = begin_co(node);
    if (ret < 0)
        return ret;
    ret = qcow2_refcounts_open_co(node, &check.refcounts);
    if (ret == 0 && fix == INSPECT_FIX_ALL) {
        check.node = node;
        check.qcow2 = node->opaque;
        check.fn = fn;
        check.data = data;
        ret = include_blocks_co(&check);
    }
    qcow2_refcounts_clear(&check.refcounts);
    uint64_t total = ((uint64_t)node->file->size >> ((struct qcow2 *)node->opaque)->cluster_bits) + 2;
    if (ret == 0 && total > CLUSTERS_MAX)
        ret = -EFBIG;
    if (ret == 0)
        ret = qcow2_check_begin_co(&check, node, total, fn, data);
    if (ret == 0) {
        ret = repair_co(&check);
        qcow2_check_sum_up(&check);
        *ret_check = check.result;
        qcow2_check_end(&check);
    }
    int end_ret = end_co(node);
    return ret ? ret : end_ret;
}
