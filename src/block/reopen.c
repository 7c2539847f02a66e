/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * blk_reopen_co(): a plan of what each node is to be (reopen_plan.h); every driver prepares its part; then all of it is
 * committed, or all that was prepared is undone.  Where another backing file or file is asked for, the links are changed first (relink.h), so
 * that the plan is one for the chain that is to be.
 */
#include <errno.h>

#include "block/blk-internal.h"
#include "block/blk_overlay.h"
#include "block/open.h"
#include "block/relink.h"
#include "block/reopen_plan.h"

static void abort_co(const struct reopen_plan *plan, unsigned prepared)
{
    while (prepared-- > 0) {
        struct node *node = ((struct reopen_step *)g_ptr_array_index(plan->steps, prepared))->node;

        if (node->driver->reopen_abort_co)
            node->driver->reopen_abort_co(node);
    }
}

/*
 * Who only read held no lock under our own name, and others may have written meanwhile.  By now the files below are locked: what is kept of them
 * in memory is read again, or a writer would put it over what the others wrote.
 */
static int catch_up_co(const struct reopen_step *step, GError **error)
{
    struct node *node = step->node;
    bool becomes_writer = (step->flags & NODE_WRITABLE) && !(node->flags & NODE_WRITABLE);
    int ret = becomes_writer && (node->flags & NODE_QUERY_LOCKS) ? blk_refresh_node_co(node) : 0;

    if (ret == -ESTALE)
        g_set_error_literal(error, OPTIONS_ERROR, ESTALE, "The image has been overwritten by another one: close it and open it again");
    else if (ret < 0)
        g_set_error(error, OPTIONS_ERROR, -ret, "Could not read again what others may have written: %s", g_strerror(-ret));
    return ret;
}

static int prepare_co(const struct reopen_plan *plan, GError **error)
{
    for (unsigned i = 0; i < plan->steps->len; i++) {
        struct reopen_step *step = g_ptr_array_index(plan->steps, i);
        const struct driver *driver = step->node->driver;
        int ret = catch_up_co(step, error);

        step->node->perm_next = step->perm;
        if (ret == 0 && driver->reopen_prepare_co)
            ret = driver->reopen_prepare_co(step->node, step->flags, step->own, error);
        if (ret < 0) {
            abort_co(plan, i);
            return ret;
        }
    }
    return 0;
}

static void commit_co(const struct reopen_plan *plan)
{
    for (unsigned i = 0; i < plan->steps->len; i++) {
        struct reopen_step *step = g_ptr_array_index(plan->steps, i);
        struct node *node = step->node;

        if (node->driver->reopen_commit_co)
            node->driver->reopen_commit_co(node);
        node->flags = step->flags;
        node->perm = step->perm;
        options_free(node->options);
        node->options = g_steal_pointer(&step->options);
    }
}

/* Everything written so far is on stable storage before the right to flush is given up. */
static int flush_before_co(struct blk *blk, GError **error)
{
    int ret = node_flush_co(blk->root);

    if (ret < 0)
        g_set_error(error, OPTIONS_ERROR, -ret, "Error flushing drive: %s", g_strerror(-ret));
    return ret;
}

/* Below what a switch has put on top. */
static struct node *user_root(const struct blk *blk)
{
    return blk->root->flags & NODE_IMPLICIT ? blk->root->file : blk->root;
}

/* Who copies what is read has to write. */
static int check_copies(const struct blk *blk, const struct reopen_plan *plan, GError **error)
{
    const struct reopen_step *top = g_ptr_array_index(plan->steps, plan->steps->len - 1);
    if (top->node == blk->root || (top->flags & NODE_WRITABLE))
        return 0;
    g_set_error(error, OPTIONS_ERROR, EINVAL, "Can't set node '%s' to r/o with copy-on-read enabled", top->node->name);
    return -EINVAL;
}

/* What is in the layer was written over what shows below it, and is to be written back to that. */
static int check_layer(const struct blk *blk, const struct relink *relink, GError **error)
{
    if (!relink || !blk_has_overlay(blk))
        return 0;
    return options_refuse(error, ENOTSUP, "What the temporary layer of -s holds belongs to the files below it, which can't be other ones: open the "
                          "image without -s");
}

static int check_and_prepare_co(struct blk *blk, const struct reopen_plan *plan, GError **error)
{
    int ret = check_copies(blk, plan, error);

    if (ret == 0)
        ret = flush_before_co(blk, error);
    return ret == 0 ? prepare_co(plan, error) : ret;
}

static void note_how_it_is_open(struct blk *blk, const struct node *root, bool writable, int cache)
{
    blk->flags = writable ? blk->flags | BLK_OPEN_WRITABLE : blk->flags & ~BLK_OPEN_WRITABLE;
    blk->cache = cache >= 0 ? (enum blk_cache)cache : blk->cache;
    if (root == blk->root)
        return;
    blk->root->flags = (root->flags & ~(NODE_DETECT_ZEROES | NODE_DETECT_UNMAP)) | NODE_IMPLICIT;
    blk->root->perm = root->perm;
    g_free(blk->root->filename);
    blk->root->filename = g_strdup(root->filename);
}

/* cache < 0: as it is. */
static int reopen_quiet_co(struct blk *blk, bool needs_write, int cache, const struct options *given, GError **error)
{
    struct node *root = user_root(blk);
    struct reopen_plan *plan = NULL;
    struct relink *relink;
    int ret = relink_co(root, given, &relink, error);

    if (ret == 0)
        ret = check_layer(blk, relink, error);
    if (ret == 0)
        ret = reopen_plan_make(root, open_top_flags(blk->flags, blk->cache), needs_write, options_copy(given), &plan, error);
    if (ret == 0)
        ret = check_and_prepare_co(blk, plan, error);
    if (ret < 0) {
        relink_undo_co(relink);
        reopen_plan_free(plan);
        return ret;
    }
    commit_co(plan);
    reopen_plan_free(plan);
    relink_commit_co(relink, blk->left_out);
    note_how_it_is_open(blk, root, needs_write, cache);
    ret = node_refresh_size_co(blk->root);
    if (ret < 0)
        g_set_error(error, OPTIONS_ERROR, -ret, "Could not refresh total sector count: %s", g_strerror(-ret));
    return ret;
}

static void set_switch(struct options *options, const char *key, bool on)
{
    options_set(options, key, on ? "on" : "off");
}

int blk_reopen_co(struct blk *blk, int writable, int cache, const struct options *options, GError **error)
{
    g_autoptr(options) given = options ? options_copy(options) : options_new();
    bool needs_write = writable >= 0 ? writable == 1 : blk->flags & BLK_OPEN_WRITABLE;
    int ret;

    if (writable >= 0)
        set_switch(given, "read-only", !writable);
    if (cache >= 0) {
        set_switch(given, "cache.direct", cache == BLK_CACHE_NONE || cache == BLK_CACHE_DIRECTSYNC);
        set_switch(given, "cache.no-flush", cache == BLK_CACHE_UNSAFE);
    }
    ret = blk_quiesce_begin_co(blk);
    if (ret < 0) {
        g_set_error_literal(error, OPTIONS_ERROR, -ret, g_strerror(-ret));
        return ret;
    }
    ret = reopen_quiet_co(blk, needs_write, cache, given, error);
    blk_quiesce_end(blk);
    return ret;
}
