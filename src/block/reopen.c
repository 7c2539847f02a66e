/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * blk_reopen_co(): a plan of what each node is to be, children before parents; every driver prepares its part; then
 * all of it is committed, or all that was prepared is undone.
 *
 * A node's options stay as they were opened but for those given now.  What a node does not say itself it inherits
 * again, so that a change at the top reaches the file.  Where another backing file is asked for, the links are changed first (relink.h), so
 * that the plan is one for the chain that is to be.
 */
#include <errno.h>
#include <string.h>

#include "block/blk-internal.h"
#include "block/blk_overlay.h"
#include "block/named.h"
#include "block/open.h"
#include "block/relink.h"

struct step {
    struct node *node;
    unsigned flags, perm;
    struct options *options; /* node->options to be */
    struct options *own;     /* those the driver reads */
};

struct plan {
    GPtrArray *steps; /* struct step, owned, children first */
    const struct node *root;
    bool needs_write; /* the user must be able to write */
};

static void step_free(void *data)
{
    struct step *step = data;

    options_free(step->options);
    options_free(step->own);
    g_free(step);
}

/* ---- the plan ---- */

/* What the option is now: also where nobody said it. */
static const char *current_value(const struct node *node, const char *key)
{
    if (strcmp(key, "driver") == 0)
        return node->driver->name;
    if (strcmp(key, "node-name") == 0)
        return node->name;
    return options_get(node->options, key);
}

static const struct node *find_child(const struct node *node, const char *name)
{
    for (unsigned i = 0; i < node->children->len; i++) {
        const struct node_child *child = g_ptr_array_index(node->children, i);
        if (strcmp(child->name, name) == 0)
            return child->node;
    }
    return NULL;
}

static int change_option(const struct node *node, struct options *options, const char *key, const char *value, GError **error)
{
    const struct driver_option *row = driver_option_find(open_node_options, key);

    if (!row)
        row = driver_option_find(node->driver->options, key);
    const struct node *child = find_child(node, key);
    if (child && g_strcmp0(child->name, value) == 0) /* also where relink_backing_co() has just put another one there */
        return 0;
    if (strcmp(key, "backing") == 0 || (row && row->type == DRIVER_OPTION_CHILD && child)) {
        g_set_error(error, OPTIONS_ERROR, ENODEV, "Cannot find device='' nor node-name='%s'", value ? value : "");
        return -ENODEV;
    }
    if (g_strcmp0(current_value(node, key), value) == 0)
        return 0;
    if (!row || !row->reopen) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Cannot change the option '%s'", key);
        return -EINVAL;
    }
    options_set(options, key, value);
    return 0;
}

/* The node's options with those of given changed. */
static int change_options(const struct node *node, const struct options *given, struct options **ret_options, GError **error)
{
    g_autoptr(options) options = options_copy(node->options);

    for (unsigned i = 0; i < options_count(given); i++) {
        const char *key, *value;
        int ret;

        options_at(given, i, &key, &value);
        ret = change_option(node, options, key, value, error);
        if (ret < 0)
            return ret;
    }
    *ret_options = g_steal_pointer(&options);
    return 0;
}

static int plan_flags(struct step *step, unsigned inherited, GError **error)
{
    const struct node *node = step->node;
    int ret;

    step->own = options_copy(step->options);
    options_remove(step->own, "driver");
    options_remove(step->own, "node-name");
    ret = open_take_flags(step->own, inherited, &step->flags, error);
    if (ret < 0)
        return ret;
    step->flags |= node->flags & NODE_GUARDED;
    return driver_option_check(step->own, node->driver->options, error) ? 0 : -EINVAL;
}

/* Who uses the top node: they need to write if that was asked for, now or when it was opened, and may where an option allows it. */
static void settle_user(const struct plan *plan, struct step *top)
{
    bool writes = plan->needs_write || (top->flags & NODE_WRITABLE);

    top->perm = writes ? top->perm | NODE_PERM_WRITE : top->perm & ~(NODE_PERM_WRITE | NODE_PERM_RESIZE);
}

static int check_fixed(const struct node *node, GError **error)
{
    if (!(node->driver->flags & DRIVER_FIXED))
        return 0;
    g_set_error(error, OPTIONS_ERROR, ENOTSUP, "Block format '%s' used by node '%s' does not support reopening files",
                node->driver->name, node->name);
    return -ENOTSUP;
}

static int check_writers(const struct step *step, GError **error)
{
    if ((step->perm & NODE_PERM_WRITE) && !(step->flags & NODE_WRITABLE)) {
        g_set_error(error, OPTIONS_ERROR, EPERM, "Read-only block node '%s' cannot support read-write users", step->node->name);
        return -EPERM;
    }
    return open_check_alignment(step->node, step->perm, error);
}

static int plan_step(struct plan *plan, struct step *step, unsigned inherited, const struct options *given, GError **error)
{
    int ret = check_fixed(step->node, error);

    if (ret == 0)
        ret = change_options(step->node, given, &step->options, error);
    if (ret == 0)
        ret = plan_flags(step, inherited, error);
    if (ret < 0)
        return ret;
    if (step->node == plan->root)
        settle_user(plan, step);
    return check_writers(step, error);
}

/* ---- nodes that are used in several places ---- */

/*
 * A node is reopened below the one that opened it, by the first of that one's children that it is; options reach it from there alone. Its other
 * users come earlier in the plan read backwards, for a name finds only what was opened before.
 */
static bool uses(const struct node *parent, const struct node *node)
{
    for (unsigned i = 0; i < parent->children->len; i++)
        if (((const struct node_child *)parent->children->pdata[i])->node == node)
            return true;
    return false;
}

/* Which of its users that is; parent is one of them.  What was put below a node later, and is not its own, is used there alone. */
static const struct node *owner_of(const struct node *parent, const struct node *node)
{
    return node->parent && uses(node->parent, node) ? node->parent : parent;
}

static bool is_planned_below(const struct node *node, unsigned child)
{
    const struct node *below = ((const struct node_child *)node->children->pdata[child])->node;
    for (unsigned i = 0; i < child; i++)
        if (((const struct node_child *)node->children->pdata[i])->node == below)
            return false;
    return owner_of(node, below) == node;
}

static unsigned first_child(const struct node *node, unsigned child)
{
    unsigned i = 0;
    while (((const struct node_child *)node->children->pdata[i])->node != ((const struct node_child *)node->children->pdata[child])->node)
        i++;
    return i;
}

/* What parent, with these permissions, does to node as any of its children. */
static unsigned perm_for(const struct node *parent, unsigned perm, bool writable, const struct node *node)
{
    unsigned all = 0;
    for (unsigned i = 0; i < parent->children->len; i++) {
        const struct node_child *child = g_ptr_array_index(parent->children, i);
        if (child->node == node)
            all |= open_child_perm(child->role, perm, writable);
    }
    return all;
}

/* What all users in what hangs below parent do to node now. */
static unsigned users_perm(const struct node *parent, const struct node *node)
{
    unsigned all = perm_for(parent, parent->perm, parent->flags & NODE_WRITABLE, node);
    for (unsigned i = 0; i < parent->children->len; i++)
        if (is_planned_below(parent, i))
            all |= users_perm(((const struct node_child *)parent->children->pdata[i])->node, node);
    return all;
}

static struct step *find_step(const struct plan *plan, const struct node *node)
{
    for (unsigned i = 0; i < plan->steps->len; i++) {
        struct step *step = g_ptr_array_index(plan->steps, i);
        if (step->node == node)
            return step;
    }
    return NULL;
}

/* One more user of the step's node; what is used below it by name alone has its turn later. */
static int widen(const struct plan *plan, struct step *step, unsigned perm, GError **error)
{
    if (!(perm & ~step->perm))
        return 0;
    step->perm |= perm;
    int ret = check_writers(step, error);
    for (unsigned i = 0; ret == 0 && i < step->node->children->len; i++) {
        const struct node *below = ((const struct node_child *)step->node->children->pdata[i])->node;
        if (is_planned_below(step->node, i))
            ret = widen(plan, find_step(plan, below), perm_for(step->node, step->perm, step->flags & NODE_WRITABLE, below), error);
    }
    return ret;
}

static struct named_user user_of(const struct step *step, const struct node_child *child)
{
    return (struct named_user){
        .parent_name = step->node->name,
        .child_name = child->name,
        .perm = open_child_perm(child->role, step->perm, step->flags & NODE_WRITABLE),
        .shared = open_child_shared(child->role, step->node->shared),
    };
}

/* Whether the users of a node agree about it: each with each. */
static int check_users(const struct plan *plan, const struct node *node, GError **error)
{
    g_autoptr(GArray) users = g_array_new(FALSE, FALSE, sizeof(struct named_user));
    int ret = 0;
    for (unsigned i = 0; i < plan->steps->len; i++) {
        const struct step *step = g_ptr_array_index(plan->steps, i);
        for (unsigned j = 0; j < step->node->children->len; j++) {
            const struct node_child *child = g_ptr_array_index(step->node->children, j);
            struct named_user user = user_of(step, child);
            if (child->node == node)
                g_array_append_val(users, user);
        }
    }
    for (unsigned i = 0; ret == 0 && i < users->len; i++)
        for (unsigned j = 0; ret == 0 && j < users->len; j++)
            if (i != j)
                ret = named_check_pair(node, &g_array_index(users, struct named_user, i), &g_array_index(users, struct named_user, j), error);
    return ret;
}

static int settle_shared(const struct plan *plan, GError **error)
{
    int ret = 0;
    for (unsigned i = plan->steps->len; ret == 0 && i-- > 0;) {
        const struct step *step = g_ptr_array_index(plan->steps, i);
        for (unsigned j = 0; ret == 0 && j < step->node->children->len; j++) {
            const struct node_child *child = g_ptr_array_index(step->node->children, j);
            if (is_planned_below(step->node, j))
                continue;
            if (owner_of(step->node, child->node) != step->node)
                ret = widen(plan, find_step(plan, child->node), user_of(step, child).perm, error);
            if (ret == 0)
                ret = check_users(plan, child->node, error);
        }
    }
    return ret;
}

/* ---- the chain ---- */

/* Plans node and what is below it; given is consumed. */
static int plan_node(struct plan *plan, struct node *node, unsigned inherited, unsigned perm, struct options *given, GError **error)
{
    g_autoptr(options) left = given;
    g_autoptr(GPtrArray) below = g_ptr_array_new();
    struct step *step = g_new0(struct step, 1);
    int ret;

    *step = (struct step){.node = node, .perm = perm};
    for (unsigned i = 0; i < node->children->len; i++) {
        const struct node_child *child = g_ptr_array_index(node->children, i);
        bool opened_here = owner_of(node, child->node) == node;
        g_autoptr(options) given_here = opened_here ? options_take_child(left, child->name) : NULL;

        g_ptr_array_add(below, is_planned_below(node, i) ? options_new() : NULL);
        if (given_here)
            options_merge(g_ptr_array_index(below, first_child(node, i)), given_here);
    }
    ret = plan_step(plan, step, inherited, left, error);
    for (unsigned i = 0; i < node->children->len; i++) {
        const struct node_child *child = g_ptr_array_index(node->children, i);
        struct options *child_given = g_ptr_array_index(below, i);

        if (!child_given)
            continue;
        unsigned before = users_perm(plan->root, child->node);
        unsigned after = perm_for(node, step->perm, step->flags & NODE_WRITABLE, child->node);

        /* A driver may have taken more than its role asks for (blkdebug's take-child-perms): that stays. */
        after |= child->node->perm & ~before;
        if (ret == 0)
            ret = plan_node(plan, child->node, open_child_flags(child->role, step->flags), after, child_given, error);
        else
            options_free(child_given);
    }
    if (ret == 0)
        g_ptr_array_add(plan->steps, step);
    else
        step_free(step);
    return ret;
}

/* ---- carrying it out ---- */

static void abort_co(const struct plan *plan, unsigned prepared)
{
    while (prepared-- > 0) {
        struct node *node = ((struct step *)g_ptr_array_index(plan->steps, prepared))->node;

        if (node->driver->reopen_abort_co)
            node->driver->reopen_abort_co(node);
    }
}

/*
 * Who only read held no lock under our own name, and others may have written meanwhile.  By now the files below are locked: what is kept of them
 * in memory is read again, or a writer would put it over what the others wrote.
 */
static int catch_up_co(const struct step *step, GError **error)
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

static int prepare_co(const struct plan *plan, GError **error)
{
    for (unsigned i = 0; i < plan->steps->len; i++) {
        struct step *step = g_ptr_array_index(plan->steps, i);
        const struct driver *driver = step->node->driver;
        int ret = catch_up_co(step, error);

        if (ret == 0 && driver->reopen_prepare_co)
            ret = driver->reopen_prepare_co(step->node, step->flags, step->own, error);
        if (ret < 0) {
            abort_co(plan, i);
            return ret;
        }
    }
    return 0;
}

static void commit_co(const struct plan *plan)
{
    for (unsigned i = 0; i < plan->steps->len; i++) {
        struct step *step = g_ptr_array_index(plan->steps, i);
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
static int check_copies(const struct blk *blk, const struct plan *plan, GError **error)
{
    const struct step *top = g_ptr_array_index(plan->steps, plan->steps->len - 1);
    if (top->node == blk->root || (top->flags & NODE_WRITABLE))
        return 0;
    g_set_error(error, OPTIONS_ERROR, EINVAL, "Can't set node '%s' to r/o with copy-on-read enabled", top->node->name);
    return -EINVAL;
}

/* given is consumed. */
static int plan_and_prepare_co(struct blk *blk, struct plan *plan, struct options *given, GError **error)
{
    struct node *root = user_root(blk);
    int ret = plan_node(plan, root, open_top_flags(blk->flags, blk->cache), root->perm, given, error);

    if (ret == 0)
        ret = settle_shared(plan, error);
    if (ret == 0)
        ret = check_copies(blk, plan, error);
    if (ret == 0)
        ret = flush_before_co(blk, error);
    return ret == 0 ? prepare_co(plan, error) : ret;
}

/* What is in the layer was written over what shows below it, and is to be written back to that. */
static int check_layer(const struct blk *blk, const struct relink *relink, GError **error)
{
    if (!relink || !blk_has_overlay(blk))
        return 0;
    return options_refuse(error, ENOTSUP, "No backing file can be changed below a temporary layer");
}

/* cache < 0: as it is. */
static int reopen_quiet_co(struct blk *blk, struct plan *plan, int cache, const struct options *given, GError **error)
{
    struct node *root = user_root(blk);
    struct relink *relink;
    int ret = relink_backing_co(root, given, &relink, error);

    if (ret == 0)
        ret = check_layer(blk, relink, error);
    if (ret == 0)
        ret = plan_and_prepare_co(blk, plan, options_copy(given), error);
    if (ret < 0) {
        relink_undo_co(relink);
        return ret;
    }
    commit_co(plan);
    relink_commit(relink, blk->left_out);
    blk->flags = plan->needs_write ? blk->flags | BLK_OPEN_WRITABLE : blk->flags & ~BLK_OPEN_WRITABLE;
    blk->cache = cache >= 0 ? (enum blk_cache)cache : blk->cache;
    if (root != blk->root) {
        blk->root->flags = (root->flags & ~(NODE_DETECT_ZEROES | NODE_DETECT_UNMAP)) | NODE_IMPLICIT;
        blk->root->perm = root->perm;
    }
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
    g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func(step_free);
    struct plan plan = {
        .steps = steps,
        .root = user_root(blk),
        .needs_write = writable >= 0 ? writable == 1 : blk->flags & BLK_OPEN_WRITABLE,
    };
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
    ret = reopen_quiet_co(blk, &plan, cache, given, error);
    blk_quiesce_end(blk);
    return ret;
}
