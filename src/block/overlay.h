/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A temporary layer over an image (-s): what is written goes to a file without a name and is gone when the image is closed. */
#pragma once

#include "block/node.h"

struct blk;

/* Puts one on base, whose reference it takes over (also on failure).  base is not written any more: it was opened read-only. */
int overlay_open_co(struct node *base, const struct node_how *how, struct node **ret_node, GError **error);

/* The image's temporary layer, below filters, or NULL. */
struct node *overlay_of(const struct blk *blk);
