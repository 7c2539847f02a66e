/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Carries out parts of a request in coroutines of their own, and waits for them. */
#pragma once

#include "block/registry.h"

/* The part of that index.  0 or a negative errno. */
typedef int parts_fn(void *data, unsigned index);

/*
 * Starts count parts of the running coroutine's request at once and waits until all have ended; ret_rets has room for what each returned.
 * Who is cancelled cancels them, too, and still waits.  So does the end of time_us (0: there is none), from when on a part that was
 * cancelled counts as -ETIMEDOUT.  Suspends.
 */
void parts_run_co(struct registry *registry, unsigned count, parts_fn *fn, void *data, int64_t time_us, int *ret_rets);
