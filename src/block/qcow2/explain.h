/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a guest byte to its host byte, and from a host byte to all that name it. */
#pragma once

#include "block/inspect.h"

struct node;

int qcow2_explain_co(struct node *node, int64_t offset, int depth, inspect_step_fn *fn, void *data, struct node **ret_next, int64_t *ret_offset);
int qcow2_explain_host_co(struct node *node, int64_t host, inspect_owner_fn *fn, void *data, uint64_t *ret_refcount);
int qcow2_explain_owners_co(struct node *node, const int64_t *hosts, unsigned count, inspect_owners_fn *fn, void *data);
