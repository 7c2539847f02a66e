/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the quorum driver share. */
#pragma once

#include "block/copying.h"
#include "block/node.h"

struct quorum {
    struct node **children;
    unsigned count;
    uint64_t threshold; /* as many have to agree; 1..count */
    bool verify;  /* blkverify: both are the same, or the read fails and says where they differ */
    bool rewrite; /* who was outvoted is given what the others say */
    bool fifo;    /* the first child that can be read is believed */
    struct copying correcting; /* rewrite: reads as copies, so that none puts back what a write has replaced meanwhile */
};

/* What one child is asked in a coroutine of its own. */
typedef int quorum_ask_fn(struct node *child, unsigned index, void *data);

/*
 * Asks all children at once and waits for all; rets has room for what each says.  Who is cancelled cancels them, too, and still waits.
 */
void quorum_ask_all_co(struct node *node, quorum_ask_fn *ask_co, void *data, int *ret_rets);
/* 0 if as many as the threshold did what they were asked; else the error that most of them had. */
int quorum_outcome(const struct quorum *quorum, const int *rets);

/* The driver's preadv_co. */
int quorum_read_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags);
