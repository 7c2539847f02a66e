/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the node_*.c files share. */
#pragma once

#include "block/node.h"

/* A write under way; on the stack of who writes. */
struct node_pending {
    int64_t start, end;
    bool rmw; /* reads what surrounds it: nobody may write there meanwhile */
    struct co_queue waiters;
    struct node_pending *next;
};

/* Enters a write and waits for the older ones that it must not overlap.  Cheap unless the node has an alignment. */
void node_pending_begin_co(struct node *node, struct node_pending *pending, int64_t start, int64_t end, bool rmw);
void node_pending_end(struct node *node, struct node_pending *pending);

/* How an unaligned range sits in aligned blocks, and the memory for the blocks at its ends. */
struct node_pad {
    int64_t start, end;   /* the aligned range */
    int64_t head, tail;   /* bytes of it before and after the one asked for */
    bool merged;          /* head and tail are read at once: the whole range is in buf */
    uint8_t *buf;         /* first block, or all if merged */
    uint8_t *tail_buf;    /* last block */
};

/*
 * Whether there is nothing to do: no bytes, at a place that no driver takes.  At any other place a request without bytes goes its
 * way like all: it has events, may meet an error, and is durable when it shall be.
 */
bool node_is_nothing(const struct node *node, int64_t offset, int64_t bytes);
/* Whether it needs padding; then pad is filled, to be freed by node_pad_clear(). */
bool node_pad_init(struct node *node, struct node_pad *pad, int64_t offset, int64_t bytes);
/* Reads the blocks at the ends, announcing each step. */
int node_pad_read_co(struct node *node, struct node_pad *pad);
void node_pad_clear(struct node_pad *pad);

/* Whether node may be written at all: 0, -ENOMEDIUM or -EPERM. */
int node_check_writable(const struct node *node);
/* The same, and whether the range may be written, -EIO: behind the end only where the node may grow. */
int node_check_write(const struct node *node, int64_t offset, int64_t bytes);
/* Announces a step of the node's own work (to its own breakpoints only). */
void node_own_event_co(struct node *node, enum blk_event event);
/* A length as node->size has it. */
int64_t node_round_size(int64_t size);
/* A change of the image completed: it counts for the next flush. */
void node_written(struct node *node);
/* The same of aligned bytes up to end, which may have made the node longer; resizes: what node->resizes was when it began. */
void node_written_up_to_co(struct node *node, int64_t end, unsigned resizes);

/* Aligned offset and length; splits, bounces, announces. */
int node_write_aligned_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags);
/* The write without events and counting: what zeroes fall back to. */
int node_write_pieces_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags);
int node_zero_aligned_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags);

/* Flush for the FUA a driver does not do itself; part of a write that was not counted yet. */
int node_flush_written_co(struct node *node);

/* Buffers good for direct I/O; never NULL. */
void *node_buffer(const struct node *node, size_t bytes);
