/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The writer's life: what an image must be to be written, what its header says meanwhile, flushing, and giving up on it. */
#include "block/qcow2/writer.h"

#include <errno.h>
#include <inttypes.h>

#include "block/qcow2/deflate.h"

enum {
    PIECE_MAX = 4096,
    /* "Header" */
    INCOMPATIBLE_AT = 72,
    AUTOCLEAR_AT = 88,
};

/* ---- order ---- */

int qcow2_writer_barrier_co(struct node *node)
{
    const struct qcow2 *qcow2 = node->opaque;
    int ret = qcow2->data && qcow2->data != node->file ? node_flush_co(qcow2->data) : 0;
    return ret == 0 ? node_flush_co(node->file) : ret;
}

static int check_l2(struct node *node, int64_t offset, int64_t bytes)
{
    return qcow2_overlap_check(node, QCOW2_ROLE_ACTIVE_L2, offset, bytes);
}

static int check_refcount_block(struct node *node, int64_t offset, int64_t bytes)
{
    return qcow2_overlap_check(node, QCOW2_ROLE_REFCOUNT_BLOCK, offset, bytes);
}

static int flush_caches_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    int ret = qcow2_cache_flush_co(qcow2->l2_cache);
    int refcounts_ret = qcow2_cache_flush_co(qcow2->writer->refcounts);
    return ret < 0 ? ret : refcounts_ret;
}

/* As far as the image has to be good on disk. */
static int flush_needed_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    return qcow2_lazy_is_dirty(qcow2) ? qcow2_cache_flush_co(qcow2->l2_cache) : flush_caches_co(node);
}

int qcow2_writer_flush_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    if (!writer)
        return 0;
    co_mutex_lock_co(&writer->lock);
    int ret = flush_needed_co(node);
    if (ret == 0)
        ret = qcow2_doubt_settle_co(node);
    co_mutex_unlock(&writer->lock);
    return ret;
}

/* Whoever holds the lock will not let it go before somebody resumes a request. */
static bool stands_still(const struct node *node, const struct qcow2_writer *writer)
{
    return writer->lock.owner && registry_has_suspended(node->registry);
}

/* False: so it is by now. */
static bool lock_unless_stopped_co(const struct node *node, struct qcow2_writer *writer)
{
    while (!co_mutex_lock_unless_co(&writer->lock, &node->registry->stopped)) {
        if (stands_still(node, writer))
            return false;
    }
    return true;
}

int qcow2_writer_settle_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    if (!writer || stands_still(node, writer) || !lock_unless_stopped_co(node, writer))
        return 0;
    struct blk_request look;
    registry_look_begin(node->registry, &look);
    int ret = flush_caches_co(node);
    registry_look_end(node->registry, &look);
    co_mutex_unlock(&writer->lock);
    return ret;
}

int qcow2_writer_relieve_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    bool full = qcow2_cache_is_full(qcow2->l2_cache) || qcow2_cache_is_full(qcow2->writer->refcounts);
    return full ? flush_caches_co(node) : 0;
}

/* ---- the header ---- */

static int write_field_co(struct node *node, int64_t at, uint64_t value)
{
    uint64_t word = qcow2_be64(&value);
    return node_pwrite_co(node->file, at, 8, &word, 0);
}

int qcow2_writer_set_incompatible_co(struct node *node, uint64_t features)
{
    struct qcow2 *qcow2 = node->opaque;
    int ret = write_field_co(node, INCOMPATIBLE_AT, features);
    if (ret == 0)
        ret = node_flush_co(node->file);
    if (ret == 0)
        qcow2->header.incompatible = features;
    else
        qcow2_doubt_note(node);
    return ret;
}

static void mark_main(void *data)
{
    struct node *node = data;
    struct qcow2 *qcow2 = node->opaque;
    qcow2_writer_set_incompatible_co(node, qcow2->header.incompatible | QCOW2_INCOMPATIBLE_CORRUPT);
    qcow2->writer->marking = false;
    co_queue_wake_all(&qcow2->writer->marked);
}

int qcow2_writer_corrupt(struct node *node, const char *format, ...)
{
    struct qcow2 *qcow2 = node->opaque;
    if (node->dead)
        return -EIO;
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    node_warn(node, "qcow2: Marking image as corrupt: %s; further corruption events will be suppressed", text);
    node->dead = true;
    if (qcow2->header.version >= 3) {
        qcow2->writer->marking = true;
        co_start(mark_main, node);
    }
    return -EIO;
}

/* Features that this version does not keep up: their data is not to be believed after it has written. */
static int clear_autoclear_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    uint64_t known = QCOW2_AUTOCLEAR_BITMAPS | QCOW2_AUTOCLEAR_DATA_FILE_RAW;
    if (qcow2->header.version < 3 || !(qcow2->header.autoclear & ~known))
        return 0;
    int ret = write_field_co(node, AUTOCLEAR_AT, qcow2->header.autoclear & known);
    if (ret == 0)
        ret = node_flush_co(node->file);
    if (ret == 0)
        qcow2->header.autoclear &= known;
    return ret;
}

static int set_bitmap_in_use_co(struct node *node, struct qcow2_bitmap *bitmap)
{
    uint32_t flags = bitmap->flags | QCOW2_BITMAP_IN_USE;
    if (flags == bitmap->flags)
        return 0;
    uint32_t word = qcow2_be32(&flags);
    int ret = node_pwrite_co(node->file, bitmap->flags_at, sizeof(word), &word, 0);
    if (ret == 0)
        bitmap->flags = flags;
    return ret;
}

int qcow2_writer_settle_bitmaps_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    if (qcow2->writer->bitmaps_settled)
        return 0;
    int ret = clear_autoclear_co(node);
    for (unsigned i = 0; ret == 0 && i < qcow2->bitmaps->len; i++)
        ret = set_bitmap_in_use_co(node, qcow2->bitmaps->pdata[i]);
    if (ret == 0 && qcow2->bitmaps->len > 0)
        ret = qcow2_writer_barrier_co(node);
    qcow2->writer->bitmaps_settled = ret == 0;
    return ret;
}

/* ---- life ---- */

static int check_writable(const struct node *node, GError **error)
{
    const struct qcow2 *qcow2 = node->opaque;
    const struct qcow2_header *header = &qcow2->header;
    if (header->crypt_method != QCOW2_CRYPT_NONE)
        return options_refuse(error, ENOTSUP, "Encrypted images can't be written: Operation not supported");
    if (!qcow2->data)
        return options_refuse(error, ENOTSUP, "The external data file was not opened: Operation not supported");
    if (qcow2->l1_offset != (int64_t)header->l1_offset)
        return options_refuse(error, ENOTSUP, "A snapshot can't be written: Operation not supported");
    return 0;
}

/* The table as long as the header says: what the file lacks of it is zeroes, and can be set. */
static void complete_l1(struct qcow2 *qcow2)
{
    qcow2->l1 = g_renew(uint64_t, qcow2->l1, qcow2->l1_size);
    for (uint32_t i = qcow2->l1_count; i < qcow2->l1_size; i++)
        qcow2->l1[i] = 0;
    qcow2->l1_count = qcow2->l1_size;
}

static void make_cache(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    size_t piece = MIN(PIECE_MAX, qcow2->cluster_size);
    struct qcow2_cache_writing l2 = {BLK_EVENT_L2_LOAD, BLK_EVENT_L2_UPDATE, check_l2, qcow2_writer_barrier_co, node};
    struct qcow2_cache_writing refcounts = {BLK_EVENT_REFBLOCK_LOAD, BLK_EVENT_REFBLOCK_UPDATE_PART, check_refcount_block,
                                            qcow2_writer_barrier_co, node};
    qcow2_cache_free(writer->refcounts);
    writer->refcounts = qcow2_cache_new(node->file, piece, MAX(writer->settings.refcount_cache_size / piece, 4));
    qcow2_cache_set_writing(writer->refcounts, &refcounts);
    qcow2_cache_set_writing(qcow2->l2_cache, &l2);
}

void qcow2_writer_drop(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = g_steal_pointer(&qcow2->writer);
    if (!writer)
        return;
    qcow2->free_hint = writer->free_hint;
    qcow2->free_byte = writer->free_byte;
    qcow2_cache_free(writer->refcounts);
    qcow2_deflate_free(writer->deflate);
    g_clear_pointer(&writer->roles, g_hash_table_unref);
    g_free(writer->table);
    g_free(writer);
}

void qcow2_writer_apply_co(struct node *node, const struct qcow2_settings *settings)
{
    struct qcow2 *qcow2 = node->opaque;
    qcow2->writer->settings = *settings;
    qcow2->writer->settings.snapshot = NULL;
    make_cache(node);
    qcow2_overlap_open_co(node);
}

int qcow2_writer_open_co(struct node *node, const struct qcow2_settings *settings, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    int ret = check_writable(node, error);
    if (ret < 0)
        return ret;
    qcow2->writer = g_new0(struct qcow2_writer, 1);
    qcow2->writer->deflate = qcow2_deflate_new(qcow2->header.compression, qcow2->cluster_size);
    qcow2->writer->free_hint = qcow2->free_hint;
    qcow2->writer->free_byte = qcow2->free_byte;
    complete_l1(qcow2);
    ret = qcow2_counts_open_co(node, error);
    if (ret < 0) {
        qcow2_writer_drop(node);
        return ret;
    }
    qcow2_writer_apply_co(node, settings);
    node->limits.zeroes_alignment = INT64_C(1) << qcow2->unit_bits;
    node->limits.discard_alignment = qcow2->cluster_size;
    /* Version 2 can't say "zeroes", and where it need not it is not said to be certain either. */
    node->zero_flags = qcow2->header.version >= 3 ? BLK_MAY_UNMAP | BLK_NO_FALLBACK : BLK_MAY_UNMAP;
    return 0;
}

int qcow2_writer_reload_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    qcow2_cache_empty(writer->refcounts);
    g_clear_pointer(&writer->table, g_free);
    writer->table_count = 0;
    int ret = qcow2_counts_open_co(node, NULL);
    writer->free_hint = writer->free_byte = writer->freed_first = writer->freed_end = 0;
    qcow2_overlap_open_co(node);
    return ret;
}

int qcow2_writer_begin_co(struct node *node, GError **error)
{
    int ret = clear_autoclear_co(node);
    return ret < 0 ? options_refuse(error, -ret, "Could not update qcow2 header: %s", g_strerror(-ret)) : 0;
}

/* On stable storage, or the user is told. */
static int finish_cache_co(struct node *node, struct qcow2_cache *cache, const char *what)
{
    int ret = qcow2_cache_flush_co(cache);
    if (ret == 0)
        ret = qcow2_writer_barrier_co(node);
    if (ret < 0)
        node_complain(node, "Failed to flush the %s cache: %s", what, g_strerror(-ret));
    return ret;
}

int qcow2_writer_finish_co(struct node *node, bool clean)
{
    struct qcow2 *qcow2 = node->opaque;
    int ret = finish_cache_co(node, qcow2->l2_cache, "L2 table");
    int refcounts_ret = finish_cache_co(node, qcow2->writer->refcounts, "refcount block");
    ret = ret < 0 ? ret : refcounts_ret;
    if (ret == 0)
        ret = qcow2_doubt_settle_co(node);
    return ret == 0 && clean ? qcow2_lazy_end_co(node) : ret;
}

int qcow2_writer_await_mark_co(struct node *node)
{
    const struct qcow2 *qcow2 = node->opaque;
    while (qcow2->writer && qcow2->writer->marking)
        if (co_queue_wait_co(&qcow2->writer->marked) < 0)
            return -ECANCELED;
    return 0;
}

int qcow2_writer_close_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    if (!writer)
        return 0;
    while (writer->marking)
        co_queue_wait_uncancellable_co(&writer->marked);
    int ret = node->dead ? 0 : qcow2_writer_finish_co(node, true);
    qcow2_writer_drop(node);
    return ret;
}
