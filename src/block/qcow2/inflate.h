/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compressed clusters: decompressed on a thread, and the last ones kept. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct node;
struct qcow2_inflate;

/* For clusters of cluster_size bytes; compression: enum qcow2_compression. */
struct qcow2_inflate *qcow2_inflate_new(unsigned compression, int64_t cluster_size);
void qcow2_inflate_free(struct qcow2_inflate *inflate);

/*
 * Reads bytes bytes of the cluster whose compressed data (stored bytes at most) begins at host of node->file, from in_cluster on, into iov.
 * alone: nothing else is there to do meanwhile.  0, or a negative errno: -EIO for data that does not decompress to a whole cluster.
 */
int qcow2_inflate_read_co(struct node *node, struct qcow2_inflate *inflate, int64_t host, uint32_t stored, int64_t in_cluster,
                          int64_t bytes, const struct iovec *iov, int niov, bool alone);
/* Clusters with compressed data in [host, host + bytes) are not kept any longer: that space becomes something else. */
void qcow2_inflate_forget(struct qcow2_inflate *inflate, int64_t host, int64_t bytes);
