/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/reopen_plan.h"

#include <errno.h>
#include <string.h>

#include "block/named.h"
#include "block/open.h"

static void step_free(void *data)
{
    struct reopen_step *step = data;

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

static int change_option(const struct node *node, struct options *options, const char *key, const char *value, GError **error)
{
    const struct driver_option *row = driver_option_find(open_node_options, key);

    if (!row)
        row = driver_option_find(node->driver->options, key);
    const struct node_child *child = node_child_named(node, key);
    if (child && g_strcmp0(child->node->name, value) == 0) /* also where relink_co() has just put another one there */
        return 0;
    if (strcmp(key, "backing") == 0 || (child && strcmp(key, "file") == 0)) {
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

static int plan_flags(struct reopen_step *step, unsigned inherited, GError **error)
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
static void settle_user(const struct reopen_plan *plan, struct reopen_step *top)
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

static int check_writers(const struct reopen_step *step, GError **error)
{
    if ((step->perm & NODE_PERM_WRITE) && !(step->flags & NODE_WRITABLE)) {
        g_set_error(error, OPTIONS_ERROR, EPERM, "Read-only block node '%s' cannot support read-write users", step->node->name);
        return -EPERM;
    }
    return open_check_alignment(step->node, step->perm, error);
}

static int plan_step(struct reopen_plan *plan, struct reopen_step *step, unsigned inherited, const struct options *given, GError **error)
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

static struct reopen_step *find_step(const struct reopen_plan *plan, const struct node *node)
{
    for (unsigned i = 0; i < plan->steps->len; i++) {
        struct reopen_step *step = g_ptr_array_index(plan->steps, i);
        if (step->node == node)
            return step;
    }
    return NULL;
}

/* One more user of the step's node; what is used below it by name alone has its turn later. */
static int widen(const struct reopen_plan *plan, struct reopen_step *step, unsigned perm, GError **error)
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

static struct named_user user_of(const struct reopen_step *step, const struct node_child *child)
{
    return (struct named_user){
        .parent_name = step->node->name,
        .child_name = child->name,
        .perm = open_child_perm(child->role, step->perm, step->flags & NODE_WRITABLE),
        .shared = open_child_shared(child->role, step->node->shared),
    };
}

/* Whether the users of a node agree about it: each with each. */
static int check_users(const struct reopen_plan *plan, const struct node *node, GError **error)
{
    g_autoptr(GArray) users = g_array_new(FALSE, FALSE, sizeof(struct named_user));
    int ret = 0;
    for (unsigned i = 0; i < plan->steps->len; i++) {
        const struct reopen_step *step = g_ptr_array_index(plan->steps, i);
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

static int settle_shared(const struct reopen_plan *plan, GError **error)
{
    int ret = 0;
    for (unsigned i = plan->steps->len; ret == 0 && i-- > 0;) {
        const struct reopen_step *step = g_ptr_array_index(plan->steps, i);
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
static int plan_node(struct reopen_plan *plan, struct node *node, unsigned inherited, unsigned perm, struct options *given, GError **error)
{
    g_autoptr(options) left = given;
    g_autoptr(GPtrArray) below = g_ptr_array_new();
    struct reopen_step *step = g_new0(struct reopen_step, 1);
    int ret;

    *step = (struct reopen_step){.node = node, .perm = perm};
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

/* ---- all of it ---- */

void reopen_plan_free(struct reopen_plan *plan)
{
    if (!plan)
        return;
    g_ptr_array_unref(plan->steps);
    g_free(plan);
}

int reopen_plan_make(struct node *root, unsigned flags, bool needs_write, struct options *given, struct reopen_plan **ret_plan, GError **error)
{
    struct reopen_plan *plan = g_new(struct reopen_plan, 1);

    *plan = (struct reopen_plan){g_ptr_array_new_with_free_func(step_free), root, needs_write};
    int ret = plan_node(plan, root, flags, root->perm, given, error);

    if (ret == 0)
        ret = settle_shared(plan, error);
    if (ret < 0)
        reopen_plan_free(plan);
    else
        *ret_plan = plan;
    return ret;
}
