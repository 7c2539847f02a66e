/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Compressed writes: whole clusters that hold nothing yet.
 *
 * The clusters of a request are compressed side by side and take their places in the file one after the other, so that the same request
 * always makes the same file.  One that does not get smaller is written as any other.
 */
#include <errno.h>

#include "block/iov.h"
#include "block/qcow2/deflate.h"
#include "block/qcow2/write.h"
#include "block/qcow2/writer.h"

enum { PARALLEL = 8 }; /* clusters of one request at a time */

/* A request. */
struct compressing {
    struct node *node;
    const struct iovec *iov;
    int niov;
    int64_t offset, bytes;
    bool alone;                /* it is one cluster */
    struct registry_part part; /* what the clusters are parts of; unless alone */
    int ret;                   /* of the first cluster that failed */
    unsigned running;
    int64_t placed;            /* bytes of the request whose place is decided */
    struct co_queue changed;   /* for running and placed to change */
};

/* A cluster of it. */
struct piece {
    struct compressing *compressing;
    int64_t skip;  /* bytes of the request before it */
    int64_t bytes; /* fewer than a cluster at the end of the image */
    uint8_t *in, *out; /* a cluster each */
};

/* ---- its place ---- */

/* What is written so has no place yet: as in the reference program, compressed data replaces nothing. */
static int check_entry_co(struct node *node, int64_t table, int64_t offset)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_entries entries;
    int ret = qcow2_table_get_co(node, table, offset, &entries);
    if (ret < 0)
        return ret;
    unsigned index = offset >> qcow2->cluster_bits & ((1U << qcow2->l2_bits) - 1);
    uint64_t entry = qcow2_be64(&entries.words[(size_t)(index - entries.first) * qcow2->entry_words]);
    qcow2_cache_put(qcow2->l2_cache, entries.words);
    return entry & (QCOW2_ENTRY_OFFSET | QCOW2_ENTRY_COMPRESSED) ? -EIO : 0;
}

/* Lock held. */
static int64_t place_co(struct node *node, int64_t offset, int64_t stored, int64_t *ret_table)
{
    const struct qcow2 *qcow2 = node->opaque;
    int ret = qcow2_writer_settle_bitmaps_co(node);
    if (ret == 0)
        ret = qcow2_writer_relieve_co(node);
    if (ret < 0)
        return ret;
    *ret_table = qcow2_table_ensure_co(node, offset >> (qcow2->cluster_bits + qcow2->l2_bits));
    if (*ret_table < 0)
        return *ret_table;
    ret = check_entry_co(node, *ret_table, offset);
    if (ret < 0)
        return ret;
    int64_t host = qcow2_alloc_bytes_co(node, stored);
    if (host < 0)
        return host;
    ret = qcow2_overlap_check(node, 0, host, stored);
    return ret < 0 ? ret : host;
}

/* Lock held. */
static int enter_co(struct node *node, int64_t table, int64_t offset, int64_t host, int64_t stored)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_entries entries;
    if (node->dead)
        return -EIO;
    int ret = qcow2_table_get_co(node, table, offset, &entries);
    if (ret < 0)
        return ret;
    node_debug_event_co(node->file, BLK_EVENT_L2_UPDATE_COMPRESSED);
    ret = qcow2_lazy_depend_co(node);
    if (ret == 0) {
        unsigned index = offset >> qcow2->cluster_bits & ((1U << qcow2->l2_bits) - 1);
        uint64_t *words = qcow2_cache_change(qcow2->l2_cache, entries.words) + (size_t)(index - entries.first) * qcow2->entry_words;
        uint64_t entry = qcow2_l2_compressed_entry(qcow2, host, stored);
        words[0] = qcow2_be64(&entry);
        if (qcow2->extended)
            words[1] = 0;
        qcow2_cache_depend_barrier(qcow2->l2_cache);
    }
    qcow2_cache_put(qcow2->l2_cache, entries.words);
    return ret;
}

/* ---- a cluster ---- */

static void wait_turn_co(const struct piece *piece)
{
    struct compressing *compressing = piece->compressing;
    while (compressing->placed != piece->skip)
        co_queue_wait_uncancellable_co(&compressing->changed);
}

static void end_turn(const struct piece *piece)
{
    piece->compressing->placed = piece->skip + piece->bytes;
    co_queue_wake_all(&piece->compressing->changed);
}

/* Its turn, and nobody else writes there. */
static int write_smaller_co(const struct piece *piece, int64_t offset, int64_t stored)
{
    struct node *node = piece->compressing->node;
    const struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    int64_t table;
    co_mutex_lock_co(&writer->lock);
    int64_t host = place_co(node, offset, stored, &table);
    co_mutex_unlock(&writer->lock);
    end_turn(piece);
    if (host < 0)
        return host;
    node_debug_event_co(node->file, BLK_EVENT_WRITE_COMPRESSED);
    int ret = node_pwrite_co(node->file, host, stored, piece->out, 0);
    co_mutex_lock_co(&writer->lock);
    if (ret == 0)
        ret = enter_co(node, table, offset, host, stored);
    if (ret < 0)
        qcow2_alloc_abort_bytes_co(node, host, stored);
    co_mutex_unlock(&writer->lock);
    return ret;
}

static int write_as_it_is_co(const struct piece *piece, int64_t offset)
{
    struct iovec iov = {piece->in, piece->bytes};
    int ret = qcow2_write_pwritev_co(piece->compressing->node, offset, piece->bytes, &iov, 1, 0);
    end_turn(piece);
    return ret;
}

static int write_piece_co(const struct piece *piece)
{
    struct compressing *compressing = piece->compressing;
    struct node *node = compressing->node;
    const struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    int64_t offset = compressing->offset + piece->skip;
    iov_copy_out(compressing->iov, compressing->niov, piece->skip, piece->in, piece->bytes);
    ssize_t stored = qcow2_deflate_co(node, writer->deflate, piece->in, piece->out, compressing->alone);
    wait_turn_co(piece);
    if (stored < 0) {
        end_turn(piece);
        return stored;
    }
    if (stored == 0)
        return write_as_it_is_co(piece, offset);
    struct qcow2_flight flight = {.start = offset, .end = offset + qcow2->cluster_size, .exclusive = true};
    for (struct qcow2_flight *other; (other = qcow2_flight_conflict(writer, flight.start, flight.end, true));)
        co_queue_wait_uncancellable_co(&other->waiters);
    qcow2_flight_begin(writer, &flight);
    int ret = write_smaller_co(piece, offset, stored);
    qcow2_flight_end(writer, &flight);
    return ret;
}

static void carry_out_co(struct compressing *compressing, int64_t skip, int64_t bytes)
{
    const struct qcow2 *qcow2 = compressing->node->opaque;
    struct piece piece = {.compressing = compressing, .skip = skip, .bytes = bytes};
    piece.in = g_try_malloc0(qcow2->cluster_size);
    piece.out = g_try_malloc(qcow2->cluster_size);
    int ret = piece.in && piece.out ? write_piece_co(&piece) : -ENOMEM;
    if (ret < 0 && compressing->ret == 0)
        compressing->ret = ret;
    g_free(piece.in);
    g_free(piece.out);
}

/* ---- the request ---- */

/* A cluster in a coroutine of its own. */
struct start {
    struct compressing *compressing;
    int64_t skip, bytes;
};

static void piece_main(void *data)
{
    const struct start start = *(struct start *)data;
    struct compressing *compressing = start.compressing;
    struct registry_part part = compressing->part;
    registry_part_begin(compressing->node->registry, &part);
    carry_out_co(compressing, start.skip, start.bytes);
    registry_part_end(compressing->node->registry, &part);
    compressing->running--;
    co_queue_wake_all(&compressing->changed);
}

static void carry_out_all_co(struct compressing *compressing)
{
    const struct qcow2 *qcow2 = compressing->node->opaque;
    compressing->part = registry_part(compressing->node->registry);
    for (int64_t skip = 0; skip < compressing->bytes && compressing->ret == 0; skip += qcow2->cluster_size) {
        struct start start = {compressing, skip, MIN(qcow2->cluster_size, compressing->bytes - skip)};
        while (compressing->running >= PARALLEL)
            co_queue_wait_uncancellable_co(&compressing->changed);
        compressing->running++;
        co_start(piece_main, &start);
    }
    while (compressing->running > 0)
        co_queue_wait_uncancellable_co(&compressing->changed);
}

/*
 * The file ends with a whole sector.  Not while anybody writes: where that ends the file is not known yet, and it would be cut off; who writes is
 * not the last one then.
 */
static int end_file_co(struct node *node)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    co_mutex_lock_co(&writer->lock);
    int ret = writer->flights ? 0 : node_truncate_co(node->file, node->file->size, false, BLK_PREALLOC_OFF, NULL);
    co_mutex_unlock(&writer->lock);
    return ret;
}

int qcow2_compress_pwrite_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct compressing compressing = {.node = node, .iov = iov, .niov = niov, .offset = offset, .bytes = bytes};
    if (qcow2->data_file)
        return -ENOTSUP;
    /* As in the reference program, it says that no more come. */
    if (bytes == 0)
        return end_file_co(node);
    bool whole = bytes % qcow2->cluster_size == 0 || offset + bytes == node->size;
    if (offset % qcow2->cluster_size || !whole)
        return -EINVAL;
    compressing.alone = bytes <= qcow2->cluster_size;
    if (compressing.alone)
        carry_out_co(&compressing, 0, bytes);
    else
        carry_out_all_co(&compressing);
    return compressing.ret;
}
