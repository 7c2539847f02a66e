/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a quorum of images says: all are read, and what most of them say is believed if enough do. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "block/iov.h"
#include "block/quorum.h"

struct ballot {
    int64_t offset, bytes;
    unsigned flags;
    uint8_t **answers; /* of each child */
    int *rets;
};

static int read_child_co(struct node *child, unsigned index, void *data)
{
    const struct ballot *ballot = data;
    struct iovec iov = {ballot->answers[index], ballot->bytes};
    return node_preadv_co(child, ballot->offset, ballot->bytes, &iov, 1, ballot->flags);
}

static bool agree(const struct ballot *ballot, unsigned a, unsigned b)
{
    return ballot->rets[a] >= 0 && ballot->rets[b] >= 0 && memcmp(ballot->answers[a], ballot->answers[b], ballot->bytes) == 0;
}

/* The child whose answer most others have, too: the first of them; *ret_votes says how many. */
static unsigned elect(const struct quorum *quorum, const struct ballot *ballot, unsigned *ret_votes)
{
    unsigned winner = 0, most = 0;
    for (unsigned i = 0; i < quorum->count && most * 2 <= quorum->count; i++) {
        unsigned votes = 0;
        for (unsigned k = 0; k < quorum->count; k++)
            votes += agree(ballot, i, k);
        if (votes > most) {
            most = votes;
            winner = i;
        }
    }
    *ret_votes = most;
    return winner;
}

/* Who only looks changes nothing. */
static bool corrects(const struct node *node)
{
    return ((const struct quorum *)node->opaque)->rewrite && !registry_is_look(node->registry);
}

/* Who said something else is corrected; that it could not be is no error of the read. */
static void rewrite_co(const struct quorum *quorum, const struct ballot *ballot, unsigned winner)
{
    for (unsigned i = 0; i < quorum->count; i++) {
        if (ballot->rets[i] >= 0 && !agree(ballot, winner, i))
            node_pwrite_co(quorum->children[i], ballot->offset, ballot->bytes, ballot->answers[winner], 0);
    }
}

static int complain(struct node *node, const struct ballot *ballot)
{
    int64_t at = 0;
    while (ballot->answers[0][at] == ballot->answers[1][at])
        at++;
    node_warn(node, "quorum: offset=%" PRId64 " bytes=%" PRId64 " contents mismatch at offset %" PRId64, ballot->offset, ballot->bytes,
              ballot->offset + at);
    return -EIO;
}

static int decide_co(struct node *node, const struct ballot *ballot, const struct iovec *iov, int niov)
{
    const struct quorum *quorum = node->opaque;
    unsigned votes, winner = elect(quorum, ballot, &votes);
    int ret = quorum_outcome(quorum, ballot->rets);
    if (ret < 0)
        return ret;
    if (votes < quorum->threshold)
        return quorum->verify ? complain(node, ballot) : -EIO;
    iov_copy_in(iov, niov, 0, ballot->answers[winner], ballot->bytes);
    if (corrects(node))
        rewrite_co(quorum, ballot, winner);
    return 0;
}

static int hold_co(struct node *node, const struct ballot *ballot, const struct iovec *iov, int niov)
{
    quorum_ask_all_co(node, read_child_co, (void *)ballot, ballot->rets);
    return decide_co(node, ballot, iov, niov);
}

/* Nobody writes there from the first answer to the last correction. */
static int hold_and_correct_co(struct node *node, const struct ballot *ballot, const struct iovec *iov, int niov)
{
    struct quorum *quorum = node->opaque;
    struct copying_flight flight;
    copying_begin_co(&quorum->correcting, &flight, ballot->offset, ballot->offset + ballot->bytes, true);
    int ret = hold_co(node, ballot, iov, niov);
    copying_end(&quorum->correcting, &flight);
    return ret;
}

static int vote_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    const struct quorum *quorum = node->opaque;
    g_autofree int *rets = g_new(int, quorum->count);
    g_autofree uint8_t **answers = g_new0(uint8_t *, quorum->count);
    struct ballot ballot = {offset, bytes, flags, answers, rets};
    int ret = 0;
    for (unsigned i = 0; ret == 0 && i < quorum->count; i++) {
        answers[i] = malloc(MAX(bytes, 1));
        ret = answers[i] ? 0 : -ENOMEM;
    }
    if (ret == 0)
        ret = corrects(node) ? hold_and_correct_co(node, &ballot, iov, niov) : hold_co(node, &ballot, iov, niov);
    for (unsigned i = 0; i < quorum->count; i++)
        free(answers[i]);
    return ret;
}

int quorum_read_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    const struct quorum *quorum = node->opaque;
    int ret = -EIO;
    if (!quorum->fifo)
        return vote_co(node, offset, bytes, iov, niov, flags);
    for (unsigned i = 0; ret < 0 && ret != -ECANCELED && i < quorum->count; i++)
        ret = node_preadv_co(quorum->children[i], offset, bytes, iov, niov, flags);
    return ret;
}
