/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Giving back what lies behind the new end of a disk that becomes smaller. */
#pragma once

#include "block/node.h"

/*
 * All clusters of the disk from size on, and what only they needed; the size in the header stays.  Nobody reads or writes there
 * meanwhile.  No lock held.  0, or a negative errno and error: part of it may be gone.
 */
int qcow2_shrink_co(struct node *node, int64_t size, GError **error);
