/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A part is a handle on a node of the chain.  It has no reference of it: nodes stay open until the image is closed, also those that reopening
 * takes out of the chain (left_out), and closing waits for the requests of parts because they pass the image's gate.
 */
#include <string.h>

#include "block/blk-internal.h"

/* Formats that are read through qemu-nbd are filters of what that gives. */
static bool is_format(const struct node *node)
{
    return node->driver->flags & DRIVER_FORMAT;
}

static struct node *skip_filters(struct node *node)
{
    while (node && (node->driver->flags & DRIVER_FILTER) && !is_format(node) && node->file)
        node = node->file;
    return node;
}

static struct node *find_node(struct blk *blk, unsigned layer, enum blk_part part)
{
    struct node *node = skip_filters(blk->root);
    for (; node && layer > 0; layer--)
        node = skip_filters(node_child_in_role(node, NODE_ROLE_BACKING));
    if (!node || part != BLK_PART_FILE)
        return node;
    return (node->driver->flags & DRIVER_FILTER) && is_format(node) ? NULL : skip_filters(node->file);
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

/* ---- files that others write to ---- */

int blk_refresh_node_co(struct node *node)
{
    int ret = 0, own = 0;
    for (guint i = 0; i < node->children->len; i++) {
        const struct node_child *child = g_ptr_array_index(node->children, i);
        int below = blk_refresh_node_co(child->node);
        ret = ret < 0 ? ret : below;
    }
    if (node->flags & NODE_WRITABLE)
        return ret;
    if (node->driver->refresh_co)
        own = node->driver->refresh_co(node);
    if (own == 0)
        own = node_refresh_size_co(node);
    return ret < 0 ? ret : own;
}

int blk_refresh_co(struct blk *blk)
{
    struct blk_request look;
    int ret = blk_quiesce_unless_stopped_co(blk);
    if (ret < 0)
        return ret;
    registry_look_begin(&blk->registry, &look);
    ret = blk_refresh_node_co(blk->root);
    registry_look_end(&blk->registry, &look);
    blk_quiesce_end(blk);
    return ret;
}

static void add_files(const struct node *node, enum blk_files which, GPtrArray *files)
{
    bool meant = which == BLK_FILES_ALL || !(node->flags & NODE_WRITABLE);
    if (meant && node->children->len == 0 && node->filename && strcmp(node->driver->name, "file") == 0)
        g_ptr_array_add(files, g_strdup(node->filename));
    for (guint i = 0; i < node->children->len; i++) {
        const struct node_child *child = g_ptr_array_index(node->children, i);
        add_files(child->node, which, files);
    }
}

char **blk_files(const struct blk *blk, enum blk_files which)
{
    GPtrArray *files = g_ptr_array_new();
    add_files(blk->root, which, files);
    g_ptr_array_add(files, NULL);
    return (char **)g_ptr_array_free(files, FALSE);
}
