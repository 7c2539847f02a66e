/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/spill_map.h"

#include <glib.h>

struct run {
    int64_t start, end; /* clusters */
    int64_t slot;       /* of start */
};

struct spill_map {
    GTree *tree; /* struct run, by start; keys are the values and owned.  None overlap. */
};

static int compare(const void *a, const void *b, void *data)
{
    const struct run *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

struct spill_map *spill_map_new(void)
{
    struct spill_map *map = g_new(struct spill_map, 1);
    map->tree = g_tree_new_full(compare, NULL, g_free, NULL);
    return map;
}

void spill_map_free(struct spill_map *map)
{
    if (!map)
        return;
    g_tree_destroy(map->tree);
    g_free(map);
}

static void insert(struct spill_map *map, int64_t start, int64_t end, int64_t slot)
{
    struct run *run = g_new(struct run, 1);
    *run = (struct run){start, end, slot};
    g_tree_insert(map->tree, run, run);
}

static struct run *key_of(GTreeNode *node)
{
    return node ? g_tree_node_key(node) : NULL;
}

static struct run *find_after(const struct spill_map *map, int64_t cluster)
{
    struct run key = {.start = cluster};
    return key_of(g_tree_upper_bound(map->tree, &key));
}

/* The last one that starts at or before cluster, or NULL. */
static struct run *find_before(const struct spill_map *map, int64_t cluster)
{
    struct run key = {.start = cluster};
    GTreeNode *after = g_tree_upper_bound(map->tree, &key);
    return key_of(after ? g_tree_node_previous(after) : g_tree_node_last(map->tree));
}

int64_t spill_map_at(const struct spill_map *map, int64_t cluster, int64_t *ret_count)
{
    const struct run *run = find_before(map, cluster);
    if (run && run->end > cluster) {
        *ret_count = run->end - cluster;
        return run->slot + (cluster - run->start);
    }
    const struct run *after = find_after(map, cluster);
    *ret_count = after ? after->start - cluster : INT64_MAX;
    return -1;
}

void spill_map_set(struct spill_map *map, int64_t cluster, int64_t count, int64_t slot)
{
    int64_t end = cluster + count;
    struct run *before = find_before(map, cluster), *after = find_after(map, cluster);
    if (after && after->start == end && after->slot == slot + count) {
        end = after->end;
        g_tree_remove(map->tree, after);
    }
    if (before && before->end == cluster && before->slot + (before->end - before->start) == slot)
        before->end = end;
    else
        insert(map, cluster, end, slot);
}

void spill_map_remove(struct spill_map *map, int64_t start, int64_t end, spill_map_fn *fn, void *data)
{
    if (start >= end)
        return;
    for (struct run *run; (run = find_before(map, end - 1)) && run->end > start;) {
        struct run whole = *run;
        int64_t first = MAX(start, whole.start), last = MIN(end, whole.end);
        g_tree_remove(map->tree, run);
        if (whole.start < first)
            insert(map, whole.start, first, whole.slot);
        if (whole.end > last)
            insert(map, last, whole.end, whole.slot + (last - whole.start));
        fn(data, whole.slot + (first - whole.start), last - first);
    }
}
