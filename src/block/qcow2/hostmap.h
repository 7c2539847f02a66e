/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every cluster of the file is for. */
#pragma once

#include "block/inspect.h"

struct node;

/* window: as for qcow2_check_window_co(). */
int qcow2_hostmap_window_co(struct node *node, uint64_t window, inspect_host_fn *fn, void *data);
int qcow2_hostmap_co(struct node *node, inspect_host_fn *fn, void *data);
