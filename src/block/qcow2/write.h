/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The requests that change an image: slots of the driver. */
#pragma once

#include "block/node.h"

int qcow2_write_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags);

int qcow2_write_save_vmstate_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov);

/* compress.c */
int qcow2_compress_pwrite_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov);

/* truncate.c */
int qcow2_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error);

/* remap.c */
int qcow2_remap_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags);
int qcow2_remap_pdiscard_co(struct node *node, int64_t offset, int64_t bytes);
/* Takes the clusters of [start, end) away as if they had never been; whole clusters, which are not a part of the disk any more. */
int qcow2_remap_crop_co(struct node *node, int64_t start, int64_t end);
