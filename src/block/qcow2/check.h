/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checking refcounts, flags and entries; what counts as what is as with the reference program. */
#pragma once

#include "block/inspect.h"

struct node;

/* window: host clusters looked at at a time, 0 for the default (tests use small ones). */
int qcow2_check_window_co(struct node *node, uint64_t window, inspect_problem_fn *fn, void *data, struct inspect_check *ret_check);
int qcow2_check_co(struct node *node, inspect_problem_fn *fn, void *data, struct inspect_check *ret_check);
/* repair.c: as inspect_repair_co(). */
int qcow2_repair_co(struct node *node, enum inspect_fix fix, inspect_problem_fn *fn, void *data, struct inspect_check *ret_check);
