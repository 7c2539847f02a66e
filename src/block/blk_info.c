/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The front door: properties of an open image, its breakpoints, and who watches it. */
#include <errno.h>

#include "block/blk-internal.h"
#include "block/debug.h"

/* ---- size ---- */

int64_t blk_length_co(struct blk *blk)
{
    if (node_is_dead(blk->root))
        return -ENOMEDIUM;
    int ret = blk->root->variable_length ? node_refresh_size_co(blk->root) : 0;
    return ret < 0 ? ret : blk->root->size;
}

int64_t blk_length(const struct blk *blk)
{
    return blk->root->size;
}

const char *const blk_prealloc_names[] = {
    [BLK_PREALLOC_OFF] = "off",
    [BLK_PREALLOC_METADATA] = "metadata",
    [BLK_PREALLOC_FALLOC] = "falloc",
    [BLK_PREALLOC_FULL] = "full",
    NULL,
};

const char *blk_kind_name(enum blk_kind kind)
{
    static const char *const names[BLK_KIND_COUNT] = {
        [BLK_KIND_DATA] = "data",
        [BLK_KIND_ZERO_PLAIN] = "zero",
        [BLK_KIND_ZERO_ALLOCATED] = "zero-allocated",
        [BLK_KIND_COMPRESSED] = "compressed",
        [BLK_KIND_UNALLOCATED] = "unallocated",
        [BLK_KIND_MISSING] = "missing",
    };
    return names[kind];
}

unsigned blk_share_of(const struct blk_extent *extent)
{
    bool stored = extent->kind == BLK_KIND_DATA || extent->kind == BLK_KIND_COMPRESSED;
    return stored && extent->depth > 0 ? (unsigned)MIN(BLK_SHARE_BACKING + extent->depth - 1, BLK_SHARE_BACKING_DEEPER) : extent->kind;
}

const char *blk_share_name(unsigned share)
{
    static const char *const names[] = {"backing", "backing 2", "backing 3", "backing 4+"};
    return share < BLK_KIND_COUNT ? blk_kind_name(share) : names[share - BLK_KIND_COUNT];
}

/* ---- properties ---- */

int node_info_co(struct node *node, struct blk_info *info)
{
    while (!node->driver->info_co && (node->driver->flags & DRIVER_FILTER) && node->file)
        node = node->file;
    return node->driver->info_co ? node->driver->info_co(node, info) : 0;
}

int node_plain_info_co(struct node *node, struct blk_info *info)
{
    int ret = node_info_co(node->file, info);
    g_clear_pointer(&info->specific, g_ptr_array_unref);
    return ret;
}

int node_name_only_info_co(struct node *node, struct blk_info *info)
{
    info->cluster_size = -1;
    return 0;
}

int blk_info_co(struct blk *blk, struct blk_info *ret_info)
{
    /* While tables are read again, there are none. */
    int ret = blk_enter_co(blk);
    if (ret < 0)
        return ret;
    const struct node *named = blk->root->flags & NODE_IMPLICIT ? blk->root->file : blk->root;
    struct blk_info info = {.format = named->driver->name};
    ret = blk->root->dead ? -ENOMEDIUM : node_info_co(blk->root, &info);
    blk_leave(blk);
    if (ret < 0)
        blk_info_clear(&info);
    else
        *ret_info = info;
    return ret;
}

void blk_info_clear(struct blk_info *info)
{
    if (info->specific)
        g_ptr_array_unref(info->specific);
    *info = (struct blk_info){0};
}

bool blk_connection(const struct blk *blk, struct blk_connection *ret_connection)
{
    const struct node *node = blk ? blk->root : NULL;
    while (node && !node->driver->connection)
        node = node->file;
    if (node)
        node->driver->connection(node, ret_connection);
    return node;
}

static void add_needs(const struct node *node, struct blk_needs *needs)
{
    if (node->driver->needs)
        node->driver->needs(node, needs);
    for (unsigned i = 0; i < node->children->len; i++) {
        const struct node_child *child = g_ptr_array_index(node->children, i);
        add_needs(child->node, needs);
    }
}

void blk_needs(const struct blk *blk, struct blk_needs *ret_needs)
{
    *ret_needs = (struct blk_needs){0};
    add_needs(blk->root, ret_needs);
}

void blk_connection_clear(struct blk_connection *connection)
{
    g_free(connection->server);
    g_free(connection->why);
    *connection = (struct blk_connection){0};
}

const char *blk_filename(const struct blk *blk)
{
    return blk->filename ? blk->filename : blk->root->filename;
}

bool blk_is_writable(const struct blk *blk)
{
    return (blk->root->flags & NODE_WRITABLE) && !blk->owner;
}

bool blk_is_guessed_raw(const struct blk *blk)
{
    return blk->root->flags & NODE_GUARDED;
}

bool blk_reads_may_overlap(const struct blk *blk)
{
    const struct node *node = blk->root;
    while (node && node->driver->flags & DRIVER_BLIND_READS)
        node = node->file;
    return !node;
}

enum blk_cache blk_cache(const struct blk *blk)
{
    return blk->cache;
}

static void add_lock_holders(struct node *node, GString *out)
{
    if (node->driver->lock_holders)
        node->driver->lock_holders(node, out);
    for (unsigned i = 0; i < node->children->len; i++)
        add_lock_holders(((struct node_child *)node->children->pdata[i])->node, out);
}

char *blk_lock_holders(struct blk *blk)
{
    GString *out = g_string_new(NULL);
    add_lock_holders(blk->root, out);
    return g_string_free(out, out->len == 0);
}

/* ---- breakpoints ---- */

/* A request at a breakpoint may be gone, and the image with it, once it is resumed: nothing is touched after the call. */
int blk_break(struct blk *blk, const char *event, const char *tag)
{
    struct node *node = node_debug_node(blk->root);
    enum blk_event parsed;
    if (!node)
        return -ENOTSUP;
    int ret = blk_event_parse(event, &parsed);
    return ret < 0 ? ret : node->driver->debug_break(node, parsed, tag);
}

int blk_remove_break(struct blk *blk, const char *tag)
{
    struct node *node = node_debug_node(blk->root);
    return node ? node->driver->debug_remove_break(node, tag) : -ENOTSUP;
}

int blk_resume(struct blk *blk, const char *tag)
{
    struct node *node = node_debug_node(blk->root);
    return node ? node->driver->debug_resume(node, tag) : -ENOTSUP;
}

bool blk_is_suspended(const struct blk *blk, const char *tag)
{
    struct node *node = node_debug_node(blk->root);
    return node && node->driver->debug_is_suspended(node, tag);
}

int blk_wait_break_co(struct blk *blk, const char *tag)
{
    struct node *node = node_debug_node(blk->root);
    return node ? node->driver->debug_wait_co(node, tag) : -ENOTSUP;
}

int blk_debug_list(struct blk *blk, struct blk_debug *ret_debug)
{
    struct node *node = node_debug_node(blk->root);
    return node ? node->driver->debug_list(node, ret_debug) : -ENOTSUP;
}

int blk_inject(struct blk *blk, const char *text, GError **error)
{
    struct node *node = node_debug_node(blk->root);
    if (!node) {
        g_set_error_literal(error, OPTIONS_ERROR, ENOTSUP, g_strerror(ENOTSUP));
        return -ENOTSUP;
    }
    return node->driver->debug_inject(node, text, error);
}

int blk_remove_rule(struct blk *blk, uint64_t id)
{
    struct node *node = node_debug_node(blk->root);
    return node ? node->driver->debug_remove_rule(node, id) : -ENOTSUP;
}

/* ---- who watches ---- */

const GQueue *blk_requests(const struct blk *blk)
{
    return &blk->registry.requests;
}

void blk_set_observer(struct blk *blk, const struct blk_observer *observer, void *data)
{
    blk->registry.observer = observer;
    blk->registry.data = data;
}
