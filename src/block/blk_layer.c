/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A part is a handle on a node of the chain.  It has no reference of it: nodes stay where they are until the image is closed, reopening
 * included, and closing waits for the requests of parts because they pass the image's gate.
 */
#include "block/blk-internal.h"

static struct node *skip_filters(struct node *node)
{
    while (node && (node->driver->flags & DRIVER_FILTER) && node->file)
        node = node->file;
    return node;
}

static struct node *backing_of(const struct node *node)
{
    for (guint i = 0; i < node->children->len; i++) {
        const struct node_child *child = g_ptr_array_index(node->children, i);
        if (child->role == NODE_ROLE_BACKING)
            return child->node;
    }
    return NULL;
}

static struct node *find_node(struct blk *blk, unsigned layer, enum blk_part part)
{
    struct node *node = skip_filters(blk->root);
    for (; node && layer > 0; layer--)
        node = skip_filters(backing_of(node));
    return node && part == BLK_PART_FILE ? skip_filters(node->file) : node;
}

static void free_part(void *data)
{
    blk_free(data);
}

struct blk *blk_layer(struct blk *blk, unsigned layer, enum blk_part part)
{
    struct node *node = find_node(blk, layer, part);
    if (!node)
        return NULL;
    if (!blk->layers)
        blk->layers = g_ptr_array_new_with_free_func(free_part);
    for (guint i = 0; i < blk->layers->len; i++) {
        struct blk *known = g_ptr_array_index(blk->layers, i);
        if (known->root == node)
            return known;
    }
    struct blk *made = blk_new(&(struct blk_open){.cache = blk->cache});
    made->root = node;
    made->owner = blk->owner ? blk->owner : blk;
    g_ptr_array_add(blk->layers, made);
    return made;
}
