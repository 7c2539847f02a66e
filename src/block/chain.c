/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/chain.h"

#include <sys/stat.h>

#include "block/blk-internal.h"
#include "block/blk_overlay.h"

static void layer_free(void *data)
{
    struct chain_layer *layer = data;

    g_free(layer->format);
    g_free(layer->filename);
    g_free(layer->holders);
    reference_free(layer->reference);
    g_free(layer);
}

static struct node *skip_filters(struct node *node)
{
    while (node && (node->driver->flags & DRIVER_FILTER) && !(node->driver->flags & DRIVER_FORMAT) && node->file)
        node = node->file;
    return node;
}

/* The layer below, if it is open. */
static struct node *next_layer(const struct node *node)
{
    return skip_filters(node_child_in_role(node, NODE_ROLE_BACKING));
}

/* As the image names it; NULL: it does not. */
static const struct reference *find_reference(const struct node *node, enum reference_role role)
{
    for (unsigned i = 0; node->references && i < node->references->len; i++) {
        const struct reference *reference = node->references->pdata[i];

        if (reference->role == role)
            return reference;
    }
    return NULL;
}

/* ---- the list ---- */

/* Locks on the files of this layer alone. */
static void add_holders(struct node *node, GString *out)
{
    if (node->driver->lock_holders)
        node->driver->lock_holders(node, out);
    for (unsigned i = 0; i < node->children->len; i++) {
        const struct node_child *child = node->children->pdata[i];

        if (child->role != NODE_ROLE_BACKING && child->role != NODE_ROLE_DATA)
            add_holders(child->node, out);
    }
}

static char *holders_of(struct node *node)
{
    GString *text = g_string_new(NULL);

    add_holders(node, text);
    return g_string_free(text, text->len == 0);
}

/* -1: not known.  What is below a format that qemu-nbd reads is the disk. */
static int64_t file_size_of(const struct node *node)
{
    struct stat st;

    if (!(node->driver->flags & DRIVER_FORMAT) || !(node->driver->flags & DRIVER_FILTER))
        return node->file ? node->file->size : node->size;
    return node->driver->descriptor && fstat(node->driver->descriptor(node), &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : -1;
}

/* reference: may be NULL. */
static void add_open_co(GPtrArray *list, struct node *node, const struct reference *reference, unsigned layer, bool data_file)
{
    struct chain_layer *entry = g_new0(struct chain_layer, 1);
    int64_t occupied = node_occupied_co(node);

    *entry = (struct chain_layer){
        .layer = layer,
        .data_file = data_file,
        .open = true,
        .writable = node->flags & NODE_WRITABLE,
        .guessed = node->flags & NODE_GUARDED,
        .format = g_strdup(node->driver->name),
        .filename = g_strdup(node->filename),
        .size = node->size,
        .file_size = file_size_of(node),
        .occupied = occupied < 0 ? -1 : occupied,
        .supplied = -1,
        .reference = reference ? reference_copy(reference) : NULL,
        .holders = holders_of(node),
    };
    g_ptr_array_add(list, entry);
}

static void add_left_out(GPtrArray *list, const struct reference *reference, unsigned layer, bool data_file)
{
    struct chain_layer *entry = g_new0(struct chain_layer, 1);

    *entry = (struct chain_layer){
        .layer = layer,
        .data_file = data_file,
        .format = g_strdup(reference->format),
        .filename = g_strdup(reference->path),
        .size = -1,
        .file_size = -1,
        .occupied = -1,
        .supplied = -1,
        .reference = reference_copy(reference),
    };
    g_ptr_array_add(list, entry);
}

static void add_below_co(GPtrArray *list, const struct reference *reference, struct node *open, unsigned layer,
                         bool data_file)
{
    if (open)
        add_open_co(list, open, reference, layer, data_file);
    else if (reference)
        add_left_out(list, reference, layer, data_file);
}

GPtrArray *chain_list_co(struct blk *blk)
{
    GPtrArray *list;
    unsigned layer = 0;

    if (blk_enter_co(blk) < 0)
        return NULL;
    list = g_ptr_array_new_with_free_func(layer_free);
    add_open_co(list, skip_filters(blk->root), NULL, 0, false);
    for (struct node *node = skip_filters(blk->root), *next; node; node = next) {
        struct node *data = node_child_in_role(node, NODE_ROLE_DATA);

        const struct reference *extents = find_reference(node, REFERENCE_EXTENTS);

        next = next_layer(node);
        add_below_co(list, find_reference(node, REFERENCE_DATA), data, layer, true);
        add_below_co(list, extents, NULL, layer, true);
        add_below_co(list, find_reference(node, REFERENCE_BACKING), next, ++layer, false);
    }
    blk_leave(blk);
    return list;
}

const char *chain_layer_role(const struct chain_layer *layer)
{
    return layer->reference && layer->reference->role == REFERENCE_EXTENTS ? "extents" : layer->data_file ? "data-file" : layer->layer ? "backing" : "image";
}

static int count_extent(void *data, const struct blk_extent *extent)
{
    GPtrArray *list = data;

    for (unsigned i = 0; i < list->len && extent->kind != BLK_KIND_UNALLOCATED && extent->kind != BLK_KIND_MISSING; i++) {
        struct chain_layer *layer = list->pdata[i];

        if (!layer->data_file && layer->layer == (unsigned)extent->depth)
            layer->supplied += extent->length;
    }
    return 0;
}

int chain_count_supplied_co(struct blk *blk, GPtrArray *list)
{
    for (unsigned i = 0; i < list->len; i++) {
        struct chain_layer *layer = list->pdata[i];

        layer->supplied = layer->open && !layer->data_file ? 0 : -1;
    }
    return blk_status_bulk_co(blk, 0, blk_length(blk), count_extent, list);
}

GPtrArray *chain_left_out(const struct blk *blk)
{
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)reference_free);

    for (const struct node *node = skip_filters(blk->root); node; node = next_layer(node)) {
        for (unsigned i = 0; node->references && i < node->references->len; i++) {
            const struct reference *reference = node->references->pdata[i];

            if (reference->state == REFERENCE_LEFT_OUT)
                g_ptr_array_add(list, reference_copy(reference));
        }
    }
    return list;
}

bool chain_has_temporary_writes(const struct blk *blk)
{
    struct blk_overlay_status status;

    return blk_overlay_status(blk, &status) == 0 && (status.bytes > 0 || status.size != status.below);
}
