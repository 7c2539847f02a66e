/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clusters for guest bytes that nobody has written yet: what preallocation modes do to an image that grows. */
#pragma once

#include "block/node.h"

/*
 * Gives the guest range [from, to) clusters, those at its ends whole; the L1 table covers it already, and nobody writes there meanwhile
 * (a request may write before `from` in its cluster).
 *   OFF       does nothing
 *   METADATA  allocates as a write of the range would; the file gets holes
 *   FALLOC    as one run at the end of the file, whose space the file system reserves
 *   FULL      the same, filled with zeroes
 * Clusters read as before: as zeroes, or as the backing file where extended entries can say so; what of the backing file is
 * not to be seen is for the caller to cover with zeroes, except with FALLOC and FULL in the image's own file.  An external data file is
 * as long as it has to be in any case.  No lock held.  0, or a negative errno and error: clusters made until
 * then stay.
 */
int qcow2_preallocate_co(struct node *node, int64_t from, int64_t to, enum blk_prealloc mode, GError **error);
