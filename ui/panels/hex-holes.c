/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/hex-holes.h"

#include <string.h>

/* Index of the first hole that ends behind offset. */
static size_t find(const struct hex_holes *holes, int64_t offset)
{
    size_t low = 0, high = holes->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (holes->list[middle].end > offset) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* Puts n holes in the place of those in [first, behind). */
static void replace(struct hex_holes *holes, size_t first, size_t behind, const struct hex_hole *with, size_t n)
{
    memmove(&holes->list[first + n], &holes->list[behind], (holes->count - behind) * sizeof(holes->list[0]));
    for (size_t i = 0; i < n; i++) {
        holes->list[first + i] = with[i];
    }
    holes->count += n;
    holes->count -= behind - first;
}

static void drop_farthest(struct hex_holes *holes, size_t from)
{
    int64_t before = holes->list[from].start - holes->list[0].end;
    int64_t after = holes->list[holes->count - 1].start - holes->list[from].end;

    if (before > after) {
        replace(holes, 0, 1, NULL, 0);
    } else {
        holes->count--;
    }
}

void hex_holes_remove(struct hex_holes *holes, int64_t start, int64_t end)
{
    struct hex_hole rest[2];
    size_t first = find(holes, start), behind = first, n = 0;

    while (behind < holes->count && holes->list[behind].start < end) {
        behind++;
    }
    if (start >= end || first == behind) {
        return;
    }
    if (holes->list[first].start < start) {
        rest[n++] = (struct hex_hole){holes->list[first].start, start, holes->list[first].pattern};
    }
    if (holes->list[behind - 1].end > end) {
        rest[n++] = (struct hex_hole){end, holes->list[behind - 1].end, holes->list[behind - 1].pattern};
    }
    replace(holes, first, behind, rest, n);
    if (holes->count > HEX_HOLES_MAX) {
        drop_farthest(holes, first);
    }
}

void hex_holes_clear(struct hex_holes *holes)
{
    holes->count = 0;
}

const struct hex_hole *hex_holes_at(const struct hex_holes *holes, int64_t offset)
{
    size_t i = find(holes, offset);

    return i < holes->count && holes->list[i].start <= offset ? &holes->list[i] : NULL;
}

int64_t hex_holes_next(const struct hex_holes *holes, int64_t offset)
{
    size_t i = find(holes, offset);

    if (i < holes->count && holes->list[i].start <= offset) {
        i++;
    }
    return i < holes->count ? holes->list[i].start : INT64_MAX;
}

void hex_holes_add(struct hex_holes *holes, int64_t start, int64_t end, uint64_t pattern)
{
    struct hex_hole joined = {start, end, pattern};

    if (start >= end) {
        return;
    }
    hex_holes_remove(holes, start, end);

    size_t first = find(holes, start > 0 ? start - 1 : 0), behind;

    if (first < holes->count && holes->list[first].end == start && holes->list[first].pattern != pattern) {
        first++;
    }
    behind = first;
    if (behind < holes->count && holes->list[behind].end == start) {
        joined.start = holes->list[behind++].start;
    }
    if (behind < holes->count && holes->list[behind].start == end && holes->list[behind].pattern == pattern) {
        joined.end = holes->list[behind++].end;
    }
    replace(holes, first, behind, &joined, 1);
    if (holes->count > HEX_HOLES_MAX) {
        drop_farthest(holes, first);
    }
}
