/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A node of any size that is all zeroes, and keeps what is written to it in a file without a name that is no larger than that. */
#pragma once

#include "block/node.h"

/* 0 and a writable node, or a negative errno and an error. */
int spill_open_co(const struct node_how *how, int64_t size, struct node **ret_node, GError **error);

/* The file alone, of size 0: a node that grows as it is written to.  The same results. */
int spill_open_file_co(const struct node_how *how, struct node **ret_file, GError **error);
