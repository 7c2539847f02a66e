/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lenient reader: every field of a header, good or bad. */
#pragma once

#include "block/inspect.h"

struct node;

/* inspect_ops.header_co; -ENOTSUP without the format's magic. */
int qcow2_lenient_header_co(struct node *file, inspect_field_fn *fn, void *data);
