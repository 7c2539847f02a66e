/* SPDX-License-Identifier: GPL-3.0-or-later */
/* blk_open_co(): what a user asks for, as the options and flags of a chain's top node. */
#include <errno.h>
#include <string.h>

#include "block/blk-internal.h"
#include "block/copy_on_read.h"
#include "block/name.h"
#include "block/open.h"
#include "block/overlay.h"

int blk_cache_parse(const char *name, enum blk_cache *ret_cache)
{
    static const char *const names[] = {
        [BLK_CACHE_WRITETHROUGH] = "writethrough", [BLK_CACHE_WRITEBACK] = "writeback", [BLK_CACHE_NONE] = "none",
        [BLK_CACHE_DIRECTSYNC] = "directsync",     [BLK_CACHE_UNSAFE] = "unsafe",
    };

    /* "off" is an old word for none. */
    if (strcmp(name, "off") == 0)
        name = "none";
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_cache = i;
            return 0;
        }
    }
    return -EINVAL;
}

unsigned open_top_flags(unsigned flags, enum blk_cache cache)
{
    unsigned top = 0;

    if (flags & BLK_OPEN_WRITABLE)
        top |= NODE_WRITABLE;
    if (flags & BLK_OPEN_FORCE_SHARE)
        top |= NODE_FORCE_SHARE;
    if (flags & BLK_OPEN_DISCARD_UNMAP)
        top |= NODE_DISCARD;
    if (flags & BLK_OPEN_NO_LOCK_IF_READ_ONLY)
        top |= NODE_QUERY_LOCKS;
    if (cache == BLK_CACHE_NONE || cache == BLK_CACHE_DIRECTSYNC)
        top |= NODE_DIRECT;
    if (cache == BLK_CACHE_UNSAFE)
        top |= NODE_NO_FLUSH;
    return top;
}

/* A file may not be given twice, by name and by options. */
static int check_file_options(const struct options *options, GError **error)
{
    if (!options_has(options, "file.filename"))
        return 0;
    g_set_error_literal(error, OPTIONS_ERROR, EINVAL, "Can't specify 'file' and 'filename' options at the same time");
    return -EINVAL;
}

static int gather_options(const struct blk_open *how, struct options *options, GError **error)
{
    const char *filename = how->filename;
    int ret;

    if (how->options)
        options_merge(options, how->options);
    if (how->format)
        options_set(options, "driver", how->format);
    if (!filename)
        return 0;
    if (g_str_has_prefix(filename, "json:") || options_has(options, "driver"))
        return name_apply(options, filename, error);
    ret = check_file_options(options, error);
    return ret < 0 ? ret : name_apply_to_file(options, filename, error);
}

/* Names given to nodes are there to tell them apart. */
static int check_names(const struct node *node, GHashTable *seen, GError **error)
{
    const struct node *other = g_hash_table_lookup(seen, node->name);
    if (other == node)
        return 0; /* used in two places */
    if (other) {
        g_set_error(error, OPTIONS_ERROR, EEXIST, "Duplicate nodes with node-name='%s'", node->name);
        return -EEXIST;
    }
    g_hash_table_insert(seen, node->name, (void *)node);
    for (unsigned i = 0; i < node->children->len; i++) {
        const struct node_child *child = g_ptr_array_index(node->children, i);
        int ret = check_names(child->node, seen, error);

        if (ret < 0)
            return ret;
    }
    return 0;
}

static int check_root(const struct blk_open *how, const struct node *root, GError **error)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    bool writable = root->flags & NODE_WRITABLE;

    if ((how->flags & BLK_OPEN_COPY_ON_READ) && !writable) {
        g_set_error_literal(error, OPTIONS_ERROR, EROFS, "Can't use copy-on-read on read-only device");
        return -EROFS;
    }
    if ((how->flags & BLK_OPEN_WRITABLE) && !writable && !root->for_repair) {
        g_set_error_literal(error, OPTIONS_ERROR, EACCES, "Block node is read-only");
        return -EACCES;
    }
    return check_names(root, names, error);
}

static int open_root_co(const struct blk_open *how, struct blk *blk, GError **error)
{
    g_autoptr(options) options = options_new();
    unsigned flags = open_top_flags(how->flags, how->cache);
    struct node_how top = {
        .flags = flags,
        .perm = NODE_PERM_READ | (flags & NODE_WRITABLE ? NODE_PERM_WRITE : 0),
        .shared = NODE_PERM_ALL,
        .refs = how->refs,
        .approved = how->approved,
        .pins = how->pins,
        .aio = how->aio,
        .registry = &blk->registry,
        .warn = how->warn,
        .warn_data = how->data,
        .probe = true,
    };
    blk->registry.program = how->program;
    bool snapshot = (how->flags & BLK_OPEN_SNAPSHOT) && (flags & NODE_WRITABLE);
    struct node_how below = top;
    int ret = gather_options(how, options, error);

    if (ret < 0)
        return ret;
    if (snapshot || !(flags & NODE_WRITABLE))
        below.flags |= NODE_ONLY_READS;
    if (snapshot) {
        below.layer = 1; /* the temporary one is above it */
        below.flags &= ~NODE_WRITABLE;
        below.perm &= ~NODE_PERM_WRITE;
    }
    ret = node_open_co(g_steal_pointer(&options), &below, &blk->root, error);
    if (ret == 0 && snapshot)
        ret = overlay_open_co(g_steal_pointer(&blk->root), &top, &blk->root, error);
    if (ret < 0)
        return ret;
    ret = check_root(how, blk->root, error);
    if (ret == 0 && (how->flags & BLK_OPEN_COPY_ON_READ))
        return copy_on_read_wrap_co(g_steal_pointer(&blk->root), &top, &blk->root, error);
    if (ret < 0)
        node_unref_co(g_steal_pointer(&blk->root));
    return ret;
}

int blk_open_co(const struct blk_open *how, struct blk **ret_blk, GError **error)
{
    struct blk *blk;
    int ret;

    blk = blk_new(how);
    ret = open_root_co(how, blk, error);
    if (ret < 0) {
        blk_free(blk);
        return ret;
    }
    *ret_blk = blk;
    return 0;
}
