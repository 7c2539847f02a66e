/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The filter that copies what is read from layers below to the top one. */
#pragma once

#include "block/node.h"

/* -C: puts one on file, whose reference it takes over (also on failure).  It is NODE_IMPLICIT. */
int copy_on_read_wrap_co(struct node *file, const struct node_how *how, struct node **ret_node, GError **error);
