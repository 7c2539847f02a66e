/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/map-pyramid.h"

#include <string.h>

int64_t map_counts_known(const struct map_counts *counts)
{
    int64_t sum = 0;

    for (unsigned k = 0; k < MAP_KIND_COUNT; k++) {
        sum += counts->bytes[k];
    }
    return sum;
}

void map_counts_add(struct map_counts *sum, const struct map_counts *more)
{
    for (unsigned k = 0; k < MAP_KIND_COUNT; k++) {
        sum->bytes[k] += more->bytes[k];
    }
}

unsigned map_pyramid_fit(int64_t size)
{
    unsigned shift = MAP_LEAF_SHIFT_MIN;

    while (size > 0 && (size - 1) >> shift >= MAP_LEAVES_MAX) {
        shift++;
    }
    return shift;
}

void map_pyramid_init(struct map_pyramid *pyramid, int64_t start, int64_t end, unsigned shift)
{
    size_t count = end > start ? (size_t)((end - start - 1) >> shift) + 1 : 0;

    g_assert(count <= MAP_LEAVES_MAX && start % (INT64_C(1) << shift) == 0);
    *pyramid = (struct map_pyramid){.start = start, .end = end, .shift = shift};
    while (count > 0) {
        pyramid->count[pyramid->levels] = count;
        pyramid->level[pyramid->levels] = g_new0(struct map_counts, count);
        pyramid->levels++;
        count = count > 1 ? ((count - 1) >> MAP_FAN_SHIFT) + 1 : 0;
    }
}

void map_pyramid_done(struct map_pyramid *pyramid)
{
    for (unsigned l = 0; l < pyramid->levels; l++) {
        g_free(pyramid->level[l]);
    }
    *pyramid = (struct map_pyramid){0};
}

/* The records of a level that has so many now; one that was not there yet is made of those below it. */
static void grow_level(struct map_pyramid *pyramid, unsigned l, size_t count)
{
    size_t old = l < pyramid->levels ? pyramid->count[l] : 0;

    pyramid->level[l] = g_renew(struct map_counts, pyramid->level[l], count);
    memset(pyramid->level[l] + old, 0, (count - old) * sizeof(struct map_counts));
    pyramid->count[l] = count;
    if (l > 0 && l >= pyramid->levels) {
        for (size_t i = 0; i < pyramid->count[l - 1]; i++) {
            map_counts_add(&pyramid->level[l][i >> MAP_FAN_SHIFT], &pyramid->level[l - 1][i]);
        }
    }
}

void map_pyramid_grow(struct map_pyramid *pyramid, int64_t end)
{
    size_t last = pyramid->count[0], count;
    unsigned l = 0;

    if (end <= pyramid->end) {
        return;
    }
    if (last > 0 && pyramid->end - map_pyramid_leaf_start(pyramid, last - 1) < INT64_C(1) << pyramid->shift) {
        map_pyramid_set(pyramid, last - 1, &(struct map_counts){0});
    }
    pyramid->end = end;
    count = (size_t)((end - pyramid->start - 1) >> pyramid->shift) + 1;
    g_assert(count <= MAP_LEAVES_MAX);
    for (; count > 0; l++, count = count > 1 ? ((count - 1) >> MAP_FAN_SHIFT) + 1 : 0) {
        grow_level(pyramid, l, count);
    }
    pyramid->levels = l;
}

size_t map_pyramid_leaves(const struct map_pyramid *pyramid)
{
    return pyramid->count[0];
}

size_t map_pyramid_leaf_at(const struct map_pyramid *pyramid, int64_t offset)
{
    return (size_t)((offset - pyramid->start) >> pyramid->shift);
}

int64_t map_pyramid_leaf_start(const struct map_pyramid *pyramid, size_t leaf)
{
    return pyramid->start + ((int64_t)leaf << pyramid->shift);
}

int64_t map_pyramid_leaf_end(const struct map_pyramid *pyramid, size_t leaf)
{
    /* The last one is not computed: near INT64_MAX it would overflow. */
    return leaf + 1 >= pyramid->count[0] ? pyramid->end : map_pyramid_leaf_start(pyramid, leaf + 1);
}

void map_pyramid_set(struct map_pyramid *pyramid, size_t leaf, const struct map_counts *counts)
{
    struct map_counts *record = &pyramid->level[0][leaf];

    for (unsigned k = 0; k < MAP_KIND_COUNT; k++) {
        int64_t more = counts->bytes[k] - record->bytes[k];
        size_t index = leaf;

        if (more == 0) {
            continue;
        }
        for (unsigned l = 0; l < pyramid->levels; l++, index >>= MAP_FAN_SHIFT) {
            pyramid->level[l][index].bytes[k] += more;
        }
    }
}

struct map_counts map_pyramid_count(const struct map_pyramid *pyramid, int64_t start, int64_t end)
{
    const size_t fan = (size_t)1 << MAP_FAN_SHIFT;
    struct map_counts sum = {0};
    size_t first, behind;

    start = MAX(start, pyramid->start);
    end = MIN(end, pyramid->end);
    if (start >= end) {
        return sum;
    }
    first = map_pyramid_leaf_at(pyramid, start);
    behind = map_pyramid_leaf_at(pyramid, end - 1) + 1;
    /* On each level take what does not fill a whole parent, and leave the rest to the parents. */
    for (unsigned l = 0;; l++) {
        const struct map_counts *level = pyramid->level[l];
        bool to_end = behind == pyramid->count[l];

        while (first < behind && (first % fan != 0 || l + 1 == pyramid->levels)) {
            map_counts_add(&sum, &level[first++]);
        }
        while (first < behind && behind % fan != 0 && !to_end) {
            map_counts_add(&sum, &level[--behind]);
        }
        if (first >= behind) {
            return sum;
        }
        first >>= MAP_FAN_SHIFT;
        behind = (behind + fan - 1) >> MAP_FAN_SHIFT;
    }
}
