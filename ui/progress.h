/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far something is, in words. */
#pragma once

#include <glib.h>
#include <stdint.h>

/*
 * Appends "  34%  1.2 GiB/s  8 s left": bytes done of total (which may be off: 0..100% is shown), in that time.  Rate and what is
 * left only once they mean something.
 */
void progress_append(GString *text, int64_t done, int64_t total, int64_t elapsed_us);
