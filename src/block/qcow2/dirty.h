/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The persistent bitmaps of an image and what is dirty in them: slots of struct inspect_ops. */
#pragma once

#include "block/inspect.h"
#include "block/qcow2/qcow2.h"

int qcow2_dirty_list_co(struct node *node, inspect_bitmap_fn *fn, void *data);
int qcow2_dirty_co(struct node *node, const char *name, inspect_dirty_fn *fn, void *data);
