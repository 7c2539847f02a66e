/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/map-ranges.h"

static int by_start(const void *a, const void *b)
{
    const struct map_range *left = a, *right = b;

    return left->start < right->start ? -1 : left->start > right->start;
}

void map_ranges_merge(GArray *ranges)
{
    unsigned kept = 0;

    g_array_sort(ranges, by_start);
    for (unsigned i = 0; i < ranges->len; i++) {
        struct map_range range = g_array_index(ranges, struct map_range, i);
        struct map_range *last = kept > 0 ? &g_array_index(ranges, struct map_range, kept - 1) : NULL;

        if (last && range.start <= last->end) {
            last->end = MAX(last->end, range.end);
        } else {
            g_array_index(ranges, struct map_range, kept++) = range;
        }
    }
    g_array_set_size(ranges, kept);
}

bool map_ranges_append(GArray *ranges, struct map_range range, unsigned max)
{
    struct map_range *last = ranges->len > 0 ? &g_array_index(ranges, struct map_range, ranges->len - 1) : NULL;

    if (last && last->end == range.start && last->kind == range.kind) {
        last->end = range.end;
    } else if (ranges->len >= max) {
        return false;
    } else if (range.start < range.end) {
        g_array_append_val(ranges, range);
    }
    return true;
}

bool map_ranges_touch(const GArray *ranges, int64_t start, int64_t end)
{
    unsigned low = 0, high = ranges->len;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (g_array_index(ranges, struct map_range, middle).end <= start) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < ranges->len && g_array_index(ranges, struct map_range, low).start < end;
}

GArray *map_ranges_replace(const GArray *ranges, int64_t start, int64_t end, const GArray *fresh)
{
    GArray *made = g_array_new(FALSE, FALSE, sizeof(struct map_range));
    unsigned i = 0;

    for (; i < ranges->len && g_array_index(ranges, struct map_range, i).start < start; i++) {
        struct map_range range = g_array_index(ranges, struct map_range, i);

        map_ranges_append(made, (struct map_range){range.start, MIN(range.end, start), range.kind}, UINT_MAX);
    }
    for (unsigned k = 0; k < fresh->len; k++) {
        map_ranges_append(made, g_array_index(fresh, struct map_range, k), UINT_MAX);
    }
    for (i = i > 0 ? i - 1 : 0; i < ranges->len; i++) {
        struct map_range range = g_array_index(ranges, struct map_range, i);

        if (range.end > end) {
            map_ranges_append(made, (struct map_range){MAX(range.start, end), range.end, range.kind}, UINT_MAX);
        }
    }
    return made;
}
