/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Life of nodes, their size, and the way to the one that has breakpoints. */
#include "block/node-internal.h"

#include <errno.h>
#include <string.h>

struct node *node_new(const struct driver *driver, const struct node_how *how)
{
    static unsigned made;
    struct node *node = g_new0(struct node, 1);
    node->driver = driver;
    node->refs = 1;
    node->name = g_strdup_printf("#block%03u", made++);
    node->flags = how->flags;
    node->perm = how->perm;
    node->shared = how->shared;
    node->refs_policy = how->refs;
    node->children = g_ptr_array_new();
    node->limits.request_alignment = 1;
    node->limits.memory_alignment = 1;
    node->opaque = driver->state_size ? g_malloc0(driver->state_size) : NULL;
    node->aio = how->aio;
    node->registry = how->registry;
    node->warn = how->warn;
    node->warn_data = how->warn_data;
    node->parent = how->parent;
    node->layer = how->layer;
    node->approved = how->approved;
    node->expect = how->expect;
    node->pins = how->pins;
    return node;
}

void node_add_child(struct node *node, const char *name, enum node_role role, struct node *child)
{
    struct node_child *entry = g_new(struct node_child, 1);
    *entry = (struct node_child){g_strdup(name), role, child};
    g_ptr_array_add(node->children, entry);
    if (!node->file && (role == NODE_ROLE_FILE || role == NODE_ROLE_METADATA || role == NODE_ROLE_SNAPSHOT))
        node->file = child;
}

struct node_child *node_child_named(const struct node *node, const char *name)
{
    bool file = node->file && strcmp(name, "file") == 0;
    for (unsigned i = 0; i < node->children->len; i++) {
        struct node_child *child = node->children->pdata[i];
        if (file ? child->node == node->file : strcmp(child->name, name) == 0)
            return child;
    }
    return NULL;
}

void node_follow_file(struct node *node)
{
    node->write_flags = node->file->write_flags;
    node->zero_flags = node->file->zero_flags;
    g_free(node->filename);
    node->filename = g_strdup(node->file->filename);
}

struct node *node_child_in_role(const struct node *node, enum node_role role)
{
    for (unsigned i = 0; node && i < node->children->len; i++) {
        const struct node_child *child = node->children->pdata[i];
        if (child->role == role)
            return child->node;
    }
    return NULL;
}

struct node *node_ref(struct node *node)
{
    node->refs++;
    return node;
}

int node_close_file_co(struct node *node)
{
    struct node *file = node->file;

    for (unsigned i = 0; i < node->children->len; i++) {
        struct node_child *child = node->children->pdata[i];

        if (child->node != file)
            continue;
        g_ptr_array_remove_index(node->children, i);
        g_free(child->name);
        g_free(child);
        break;
    }
    node->file = NULL;
    return node_unref_co(file);
}

static int free_node_co(struct node *node)
{
    int ret = 0;
    for (unsigned i = 0; i < node->children->len; i++) {
        struct node_child *child = node->children->pdata[i];
        int child_ret = node_unref_co(child->node);
        if (ret == 0)
            ret = child_ret;
        g_free(child->name);
        g_free(child);
    }
    g_ptr_array_free(node->children, TRUE);
    options_free(node->options);
    if (node->references)
        g_ptr_array_unref(node->references);
    g_free(node->name);
    g_free(node->filename);
    g_free(node->opaque);
    g_free(node);
    return ret;
}

int node_unref_co(struct node *node)
{
    if (!node || --node->refs > 0)
        return 0;
    int ret = node_flush_co(node);
    int close_ret = node->driver->close_co ? node->driver->close_co(node) : 0;
    int free_ret = free_node_co(node);
    return ret < 0 ? ret : close_ret < 0 ? close_ret : free_ret;
}

void node_abandon_co(struct node *node)
{
    if (node)
        free_node_co(node);
}

bool node_is_dead(const struct node *node)
{
    bool dead = node->dead;
    for (unsigned i = 0; !dead && i < node->children->len; i++)
        dead = node_is_dead(((const struct node_child *)node->children->pdata[i])->node);
    return dead;
}

/* Images are whole sectors for users; what a file lacks at the end of its last one reads as zeroes. */
enum { SECTOR = 512 };

int64_t node_round_size(int64_t size)
{
    return (size + SECTOR - 1) / SECTOR * SECTOR;
}

int node_refresh_size_co(struct node *node)
{
    int64_t size;
    if (node->driver->length_co) {
        size = node->driver->length_co(node);
    } else if (node->file) {
        int ret = node_refresh_size_co(node->file);
        size = ret < 0 ? ret : node->file->size;
    } else {
        size = 0;
    }
    if (size < 0)
        return size;
    if (size > NODE_LENGTH_MAX)
        return -EFBIG;
    node->size = node_round_size(size);
    return 0;
}

G_GNUC_PRINTF(3, 0)
static void warn(struct node *node, const char *program, const char *format, va_list args)
{
    if (!node->warn)
        return;
    g_autofree char *text = g_strdup_vprintf(format, args);
    g_autofree char *line = program ? g_strconcat(program, ": ", text, NULL) : g_steal_pointer(&text);
    node->warn(node->warn_data, line);
}

void node_warn(struct node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    warn(node, NULL, format, args);
    va_end(args);
}

void node_complain(struct node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    warn(node, node->registry ? node->registry->program : NULL, format, args);
    va_end(args);
}

struct node *node_debug_node(struct node *node)
{
    while (node && !node->driver->debug_event_co)
        node = node->file;
    return node;
}

void node_debug_event_co(struct node *node, enum blk_event event)
{
    if (node->registry->observer)
        registry_event(node->registry, event);
    struct node *debug = node_debug_node(node);
    if (debug)
        debug->driver->debug_event_co(debug, event);
}

void node_hurry(struct node *node)
{
    if (node->driver->hurry)
        node->driver->hurry(node);
    for (unsigned i = 0; i < node->children->len; i++) {
        const struct node_child *child = g_ptr_array_index(node->children, i);
        node_hurry(child->node);
    }
}
