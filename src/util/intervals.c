/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Intervals of a set neither overlap nor touch each other. */
#include "util/intervals.h"

#include <glib.h>

struct interval {
    int64_t start, end;
};

struct intervals {
    GTree *tree; /* struct interval, by start; keys are the values and owned */
};

static int compare(const void *a, const void *b, void *data)
{
    const struct interval *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

struct intervals *intervals_new(void)
{
    struct intervals *set = g_new(struct intervals, 1);
    set->tree = g_tree_new_full(compare, NULL, g_free, NULL);
    return set;
}

void intervals_free(struct intervals *set)
{
    if (!set)
        return;
    g_tree_destroy(set->tree);
    g_free(set);
}

static void insert(struct intervals *set, int64_t start, int64_t end)
{
    struct interval *interval = g_new(struct interval, 1);
    *interval = (struct interval){start, end};
    g_tree_insert(set->tree, interval, interval);
}

/* The last one that starts at or before at, or NULL. */
static struct interval *find_before(const struct intervals *set, int64_t at)
{
    struct interval key = {at, at};
    GTreeNode *after = g_tree_upper_bound(set->tree, &key);
    GTreeNode *before = after ? g_tree_node_previous(after) : g_tree_node_last(set->tree);
    return before ? g_tree_node_key(before) : NULL;
}

void intervals_add(struct intervals *set, int64_t start, int64_t end)
{
    if (start >= end)
        return;
    /* Takes over those that it overlaps or touches: from the last to the first. */
    for (struct interval *other; (other = find_before(set, end)) && other->end >= start;) {
        start = MIN(start, other->start);
        end = MAX(end, other->end);
        g_tree_remove(set->tree, other);
    }
    insert(set, start, end);
}

void intervals_remove(struct intervals *set, int64_t start, int64_t end)
{
    if (start >= end)
        return;
    for (struct interval *other; (other = find_before(set, end - 1)) && other->end > start;) {
        struct interval whole = *other;
        g_tree_remove(set->tree, other);
        if (whole.end > end)
            insert(set, end, whole.end);
        if (whole.start < start)
            insert(set, whole.start, start);
    }
}

bool intervals_at(const struct intervals *set, int64_t at, int64_t *ret_end)
{
    const struct interval *before = find_before(set, at);
    struct interval key = {at, at};
    GTreeNode *after;
    if (before && before->end > at) {
        *ret_end = before->end;
        return true;
    }
    after = g_tree_upper_bound(set->tree, &key);
    *ret_end = after ? ((const struct interval *)g_tree_node_key(after))->start : INT64_MAX;
    return false;
}
