/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing guest bytes: piece by piece, each planned, written with what has to be copied along, and linked. */
#include <errno.h>
#include <stdlib.h>

#include "block/iov.h"
#include "block/qcow2/plan.h"
#include "block/qcow2/write.h"

/* What is copied around a piece, read. */
struct around {
    uint8_t *head, *tail;
    int64_t head_bytes, tail_bytes;
};

static int read_part_co(struct node *node, int64_t offset, int64_t bytes, uint8_t **ret_buf)
{
    *ret_buf = NULL;
    if (bytes == 0)
        return 0;
    *ret_buf = g_try_malloc0(bytes); /* null leaves what it reads as it was, which is then written */
    if (!*ret_buf)
        return -ENOMEM;
    struct iovec iov = {*ret_buf, bytes};
    return qcow2_read_range_co(node, offset, bytes, &iov, 1);
}

static int read_around_co(struct node *node, const struct qcow2_plan *plan, struct around *around)
{
    *around = (struct around){
        .head_bytes = plan->offset - plan->start,
        .tail_bytes = plan->end - plan->offset - plan->bytes,
    };
    if (around->head_bytes + around->tail_bytes == 0)
        return 0;
    node_debug_event_co(node->file, BLK_EVENT_COW_READ);
    int ret = read_part_co(node, plan->start, around->head_bytes, &around->head);
    if (ret == 0)
        ret = read_part_co(node, plan->offset + plan->bytes, around->tail_bytes, &around->tail);
    return ret;
}

static int64_t host_of(const struct qcow2_plan *plan, int64_t offset)
{
    return plan->host + (offset - plan->cluster);
}

/* All of it in one write. */
static int write_whole_co(struct node *node, const struct qcow2_plan *plan, const struct around *around, const struct iovec *iov, int niov)
{
    const struct qcow2 *qcow2 = node->opaque;
    g_autofree struct iovec *whole = g_new(struct iovec, niov + 2);
    int n = 0;
    if (around->head_bytes)
        whole[n++] = (struct iovec){around->head, around->head_bytes};
    for (int i = 0; i < niov; i++)
        whole[n++] = iov[i];
    if (around->tail_bytes)
        whole[n++] = (struct iovec){around->tail, around->tail_bytes};
    node_debug_event_co(node->file, BLK_EVENT_WRITE_AIO);
    int ret = node_pwritev_co(qcow2->data, host_of(plan, plan->start), plan->end - plan->start, whole, n, 0);
    /* The copied part goes along with the data; the step is announced where the reference program has it. */
    if (ret == 0 && n > niov)
        node_debug_event_co(node->file, BLK_EVENT_COW_WRITE);
    return ret;
}

/* Zeroes around it that the file makes without being given them.  1: done; 0: it can't; or a negative errno. */
static int zero_around_co(struct node *node, const struct qcow2_plan *plan)
{
    const struct qcow2 *qcow2 = node->opaque;
    if (!plan->zero_around || plan->kind != QCOW2_PLAN_FRESH || plan->end - plan->start == plan->bytes)
        return 0;
    node_debug_event_co(node->file, BLK_EVENT_CLUSTER_ALLOC_SPACE);
    int ret = node_pwrite_zeroes_co(qcow2->data, host_of(plan, plan->start), plan->end - plan->start, BLK_NO_FALLBACK);
    return ret == 0 ? 1 : ret == -ENOTSUP ? 0 : ret;
}

static int write_data_co(struct node *node, const struct qcow2_plan *plan, const struct iovec *iov, int niov)
{
    const struct qcow2 *qcow2 = node->opaque;
    int ret = zero_around_co(node, plan);
    if (ret < 0)
        return ret;
    if (ret == 1) {
        node_debug_event_co(node->file, BLK_EVENT_WRITE_AIO);
        return node_pwritev_co(qcow2->data, host_of(plan, plan->offset), plan->bytes, iov, niov, 0);
    }
    struct around around;
    ret = read_around_co(node, plan, &around);
    if (ret == 0)
        ret = write_whole_co(node, plan, &around, iov, niov);
    g_free(around.head);
    g_free(around.tail);
    return ret;
}

/* How far a request got. */
struct writing {
    const struct iovec *iov;
    int niov;
    int64_t offset, bytes, done;
    int64_t next_host; /* behind the piece planned last; 0: there is none */
};

enum {
    ROWS_MAX = 8, /* of pieces whose clusters lie in a row */
    PIECES_MAX = 32,
};

/*
 * As many pieces as can be had without waiting for others, who may wait for the first: all have their clusters before old ones are given
 * back, so that those chosen are the ones the reference program chooses, which does so for eight rows at once.  *ret_n is valid on errors, too.
 */
static int plan_pieces_co(struct node *node, struct writing *writing, struct qcow2_plan plans[PIECES_MAX], unsigned *ret_n)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    int64_t at = writing->done;
    unsigned rows = 0;
    *ret_n = 0;
    co_mutex_lock_co(&writer->lock);
    int ret = qcow2_writer_settle_bitmaps_co(node);
    if (ret == 0)
        ret = qcow2_writer_relieve_co(node);
    while (ret == 0 && rows <= ROWS_MAX && *ret_n < PIECES_MAX && at < writing->bytes) {
        struct qcow2_plan *plan = &plans[*ret_n];
        *plan = (struct qcow2_plan){0};
        ret = qcow2_plan_begin_co(node, writing->offset + at, writing->bytes - at, writing->next_host, *ret_n == 0, plan);
        if (ret == 0) {
            at += plan->bytes;
            rows += host_of(plan, plan->offset) != writing->next_host;
            writing->next_host = host_of(plan, plan->offset + plan->bytes);
            ++*ret_n;
        }
    }
    co_mutex_unlock(&writer->lock);
    return ret == -EAGAIN && *ret_n > 0 ? 0 : ret;
}

/* A piece in a coroutine of its own. */
struct piece {
    struct pieces *pieces;
    const struct qcow2_plan *plan;
    int ret;
};

/* Those that are written at the same time. */
struct pieces {
    struct node *node;
    const struct writing *writing;
    struct registry_part part; /* what they are parts of */
    unsigned running;
    struct co_queue ended;
};

static int write_piece_co(struct node *node, const struct writing *writing, const struct qcow2_plan *plan)
{
    g_autofree struct iovec *iov = g_new(struct iovec, writing->niov);
    int niov = iov_slice(writing->iov, writing->niov, plan->offset - writing->offset, plan->bytes, iov);
    return write_data_co(node, plan, iov, niov);
}

static void piece_main(void *data)
{
    struct piece *piece = data;
    struct pieces *pieces = piece->pieces;
    struct registry_part part = pieces->part;
    registry_part_begin(pieces->node->registry, &part);
    piece->ret = write_piece_co(pieces->node, pieces->writing, piece->plan);
    registry_part_end(pieces->node->registry, &part);
    pieces->running--;
    co_queue_wake_one(&pieces->ended);
}

static void write_together_co(struct node *node, const struct writing *writing, const struct qcow2_plan *plans, unsigned n, int *results)
{
    struct pieces pieces = {.node = node, .writing = writing, .part = registry_part(node->registry), .running = n};
    struct piece piece[PIECES_MAX];
    for (unsigned i = 0; i < n; i++) {
        piece[i] = (struct piece){.pieces = &pieces, .plan = &plans[i]};
        co_start(piece_main, &piece[i]);
    }
    while (pieces.running > 0)
        co_queue_wait_uncancellable_co(&pieces.ended);
    for (unsigned i = 0; i < n; i++)
        results[i] = piece[i].ret;
}

static int write_pieces_co(struct node *node, struct writing *writing)
{
    struct qcow2_plan plans[PIECES_MAX];
    int results[PIECES_MAX];
    unsigned n;
    int ret = plan_pieces_co(node, writing, plans, &n);
    if (n == 1)
        results[0] = write_piece_co(node, writing, &plans[0]);
    else
        write_together_co(node, writing, plans, n, results);
    for (unsigned i = 0; i < n; i++) {
        if (plans[i].kind != QCOW2_PLAN_IN_PLACE)
            results[i] = qcow2_link_co(node, &plans[i], results[i]);
        qcow2_plan_end(node, &plans[i]);
        writing->done += plans[i].bytes;
        registry_count(node, plans[i].bytes);
        ret = ret < 0 ? ret : results[i];
    }
    return ret;
}

int qcow2_write_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    struct writing writing = {.iov = iov, .niov = niov, .offset = offset, .bytes = bytes};
    int ret = 0;
    while (ret == 0 && writing.done < bytes)
        ret = write_pieces_co(node, &writing);
    return ret;
}

int qcow2_write_save_vmstate_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov)
{
    const struct qcow2 *qcow2 = node->opaque;
    int64_t end = (int64_t)QCOW2_L1_MAX / 8 << (qcow2->cluster_bits + qcow2->l2_bits);
    if (offset > end - qcow2->vm_state_offset || bytes > end - qcow2->vm_state_offset - offset)
        return -EFBIG;
    node_debug_event_co(node->file, BLK_EVENT_VMSTATE_SAVE);
    return qcow2_write_pwritev_co(node, qcow2->vm_state_offset + offset, bytes, iov, niov, 0);
}
