/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ranges of an image in a GArray of struct map_range: sorted, merged, looked up, replaced. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/compare.h"

struct map_range {
    int64_t start, end;
    enum compare_kind kind;
};

/* Sorts them; those that overlap or touch become one, of the first one's kind. */
void map_ranges_merge(GArray *ranges);
/* Adds one behind the last; where they touch and are alike, they become one.  false: there are max already. */
bool map_ranges_append(GArray *ranges, struct map_range range, unsigned max);
/* Whether one of the sorted ranges has a part in [start, end). */
bool map_ranges_touch(const GArray *ranges, int64_t start, int64_t end);
/*
 * Those of sorted ranges, with those in [start, end) replaced by fresh ones, which are sorted and lie in there: a new array.  What touches and
 * is of the same kind becomes one.
 */
GArray *map_ranges_replace(const GArray *ranges, int64_t start, int64_t end, const GArray *fresh);
