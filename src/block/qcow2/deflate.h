/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clusters compressed on a thread, to the bytes that the reference program makes of them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct node;
struct qcow2_deflate;

/* For clusters of cluster_size bytes; compression: enum qcow2_compression. */
struct qcow2_deflate *qcow2_deflate_new(unsigned compression, int64_t cluster_size);
void qcow2_deflate_free(struct qcow2_deflate *deflate);

/*
 * Compresses a cluster into out, which has room for as much.  alone: nothing else is there to do meanwhile.  How many bytes it
 * takes, 0 if not fewer than the cluster has, or a negative errno.
 */
ssize_t qcow2_deflate_co(struct node *node, struct qcow2_deflate *deflate, const uint8_t *in, uint8_t *out, bool alone);
