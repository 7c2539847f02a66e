/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An image that a qemu-nbd of ours reads, as a layer of a chain: its backing file is a child of the node, as that of any other format.
 *
 * Only read: qemu-nbd opens the image alone and says which bytes the image has (qemu:allocation-depth); what it has none of is read from the
 * child.  Written to: qemu-nbd has to copy what a write covers in part, so it is handed the layers below, too (parents.h), and reads through them; which
 * of the layers supplies what is asked of the child all the same.  While one of these layers is left out, nothing may be copied from it: only bytes
 * that the image has already can be written then, and reads are as if it were only read.
 */
#pragma once

#include "block/parent_name.h"
#include "block/referring.h"
#include "block/served.h"
#include "io/co.h"
#include "util/intervals.h"

/* The state of such a node. */
struct foreign_layer {
    struct served served;  /* first: its slots find it there */
    struct referring_result below;
    bool hands;            /* qemu-nbd has the layers below, too */
    bool incomplete;       /* written to, and one of the layers below was left out */
    int fd;                /* of the image's file, its own; -1: it is in none, or in several */
    struct parent_cids cids; /* of a vmdk image */
    int64_t size;          /* of the disk, valid where its extents were left out */
    struct intervals *known, *own; /* of an image that is only read: where it was asked, and which bytes are its own; NULL: nowhere */
    unsigned runs;         /* how many answers these are made of */
    bool asking;           /* for more of them: */
    struct co_queue asked; /* who waits until that is answered */
};

/* Between the opening of the layers below and the start of qemu-nbd: what of the above follows from them. */
void foreign_layer_settle(struct node *node);
/* After that: 0, or -ENOTSUP and error where qemu-nbd does not say which bytes are whose. */
int foreign_layer_check(struct node *node, GError **error);

int foreign_layer_close_co(struct node *node);
int foreign_layer_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags);
int foreign_layer_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags);
int foreign_layer_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags);
int foreign_layer_pdiscard_co(struct node *node, int64_t offset, int64_t bytes);
int foreign_layer_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status);
int foreign_layer_status_bulk_co(struct node *node, int64_t offset, int64_t bytes, node_status_fn *fn, void *data);
int foreign_layer_refresh_co(struct node *node);
int64_t foreign_layer_occupied_co(struct node *node);
int foreign_layer_descriptor(const struct node *node);

/* In place of the driver that would serve an image whose extents were left out: it has a size, and nothing can be read. */
extern const struct driver foreign_layer_left_out;
