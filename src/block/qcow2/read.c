/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading guest bytes.
 *
 * A request falls into runs (l2.h).  One that is a single run is read in the request's own coroutine; of more, each run that has to
 * wait for something gets a coroutine of its own, a few at a time, and the request ends when the last of them does.
 */
#include <errno.h>

#include "block/iov.h"
#include "block/qcow2/inflate.h"
#include "block/qcow2/writer.h"

enum {
    PARALLEL = 8, /* runs of one request at a time */
    ZEROES_AT_ONCE = 4 << 20,
};

/* A request, while its runs are read. */
struct reading {
    struct node *node;
    const struct iovec *iov;
    int niov;
    bool single;        /* the whole request is one run */
    bool started;       /* there are pieces, and part is valid */
    struct registry_part part; /* what the pieces are parts of */
    int ret;            /* of the first run that failed */
    unsigned running;
    struct co_queue ended;
};

/* A run of it. */
struct piece {
    struct reading *reading;
    struct qcow2_run run;
    int64_t offset; /* in the guest */
    int64_t skip;   /* bytes of the request before it */
};

static int read_data_co(struct node *node, const struct piece *piece, const struct iovec *iov, int niov)
{
    const struct qcow2 *qcow2 = node->opaque;
    if (qcow2->header.crypt_method != QCOW2_CRYPT_NONE)
        return -ENOKEY;
    if (!qcow2->data)
        return -ENOLINK;
    node_debug_event_co(node->file, BLK_EVENT_READ_AIO);
    return node_preadv_co(qcow2->data, piece->run.host, piece->run.bytes, iov, niov, 0);
}

static int read_backing_co(struct node *node, const struct piece *piece, const struct iovec *iov, int niov)
{
    const struct qcow2 *qcow2 = node->opaque;
    if (qcow2->backing_left_out)
        return -ENOLINK;
    node_debug_event_co(node->file, BLK_EVENT_READ_BACKING_AIO);
    return node_preadv_co(qcow2->backing, piece->offset, piece->run.bytes, iov, niov, 0);
}

static int read_compressed_co(struct node *node, const struct piece *piece, const struct iovec *iov, int niov)
{
    const struct qcow2 *qcow2 = node->opaque;
    if (qcow2->header.crypt_method != QCOW2_CRYPT_NONE)
        return -ENOKEY;
    return qcow2_inflate_read_co(node, qcow2->inflate, piece->run.host, piece->run.stored, piece->offset & (qcow2->cluster_size - 1),
                                 piece->run.bytes, iov, niov, piece->reading->single);
}

static int dispatch_co(struct node *node, const struct piece *piece, const struct iovec *iov, int niov)
{
    switch (piece->run.kind) {
    case QCOW2_DATA:
        return read_data_co(node, piece, iov, niov);
    case QCOW2_COMPRESSED:
        return read_compressed_co(node, piece, iov, niov);
    default:
        return read_backing_co(node, piece, iov, niov);
    }
}

static int read_part_co(const struct piece *piece)
{
    struct reading *reading = piece->reading;
    g_autofree struct iovec *iov = g_new(struct iovec, reading->niov);
    int niov = iov_slice(reading->iov, reading->niov, piece->skip, piece->run.bytes, iov);
    return dispatch_co(reading->node, piece, iov, niov);
}

static int read_piece_co(const struct piece *piece)
{
    struct reading *reading = piece->reading;
    int ret = reading->single ? dispatch_co(reading->node, piece, reading->iov, reading->niov) : read_part_co(piece);
    registry_count(reading->node, ret < 0 ? 0 : piece->run.bytes);
    return ret;
}

static void piece_main(void *data)
{
    g_autofree struct piece *piece = data;
    struct reading *reading = piece->reading;
    struct registry_part part = reading->part;
    registry_part_begin(reading->node->registry, &part);
    int ret = read_piece_co(piece);
    registry_part_end(reading->node->registry, &part);
    if (ret < 0 && reading->ret == 0)
        reading->ret = ret;
    reading->running--;
    co_queue_wake_one(&reading->ended);
}

/* Whether nothing has to be read for it. */
static bool is_zeroes(const struct qcow2 *qcow2, enum qcow2_kind kind)
{
    if (kind == QCOW2_UNALLOCATED)
        return !qcow2->backing && !qcow2->backing_left_out;
    return kind == QCOW2_ZERO_PLAIN || kind == QCOW2_ZERO_ALLOCATED;
}

static void start_piece_co(const struct piece *piece)
{
    struct reading *reading = piece->reading;
    while (reading->running >= PARALLEL)
        co_queue_wait_uncancellable_co(&reading->ended);
    if (!reading->started)
        reading->part = registry_part(reading->node->registry);
    reading->started = true;
    reading->running++;
    co_start(piece_main, g_memdup2(piece, sizeof(*piece)));
}

int qcow2_read_range_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct reading reading = {.node = node, .iov = iov, .niov = niov};
    int64_t skip = 0;
    while (skip < bytes && reading.ret == 0) {
        struct piece piece = {.reading = &reading, .offset = offset + skip, .skip = skip};
        int ret = qcow2_l2_find_co(node, offset + skip, bytes - skip, &piece.run);
        if (ret < 0) {
            reading.ret = reading.ret ? reading.ret : ret;
            break;
        }
        reading.single = piece.run.bytes == bytes;
        if (is_zeroes(qcow2, piece.run.kind)) {
            piece.run.bytes = MIN(piece.run.bytes, ZEROES_AT_ONCE); /* memory takes its time, too */
            iov_fill_zero(iov, niov, skip, piece.run.bytes);
            registry_count(node, piece.run.bytes);
            co_relax_co();
        } else if (reading.single)
            return read_piece_co(&piece);
        else
            start_piece_co(&piece);
        skip += piece.run.bytes;
    }
    while (reading.running > 0)
        co_queue_wait_uncancellable_co(&reading.ended);
    return reading.ret;
}

/* A writer that gives clusters back waits for reads of them. */
static int read_guest_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct qcow2_flight flight;
    if (!qcow2->writer)
        return qcow2_read_range_co(node, offset, bytes, iov, niov);
    qcow2_flight_read_begin(qcow2->writer, &flight, offset, offset + bytes);
    int ret = qcow2_read_range_co(node, offset, bytes, iov, niov);
    qcow2_flight_read_end(qcow2->writer, &flight);
    return ret;
}

int qcow2_read_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    return read_guest_co(node, offset, bytes, iov, niov);
}

int qcow2_read_load_vmstate_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov)
{
    const struct qcow2 *qcow2 = node->opaque;
    if (offset > INT64_MAX - bytes - qcow2->vm_state_offset)
        return -EFBIG;
    node_debug_event_co(node->file, BLK_EVENT_VMSTATE_LOAD);
    return read_guest_co(node, qcow2->vm_state_offset + offset, bytes, iov, niov);
}
