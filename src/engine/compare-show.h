/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a comparison finds, as a command tells it. */
#pragma once

#include "engine/command.h"
#include "engine/compare.h"

enum compare_show_flags {
    COMPARE_SHOW_JSON = 1 << 0,
    COMPARE_SHOW_QUIET = 1 << 1, /* nothing is told, and the first difference ends it */
};

/* Compares and tells: 0 where there is no difference, -EUCLEAN where there is, or another negative errno, of which it has told.  Suspends. */
int compare_show_co(const struct command_call *call, const struct compare *compare, unsigned flags);
