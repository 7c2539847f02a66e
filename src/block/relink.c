/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Links are changed at once, in the order of the options, so that each is checked against what the ones before it made of the chain; then each
 * node is given to one of those that use it now (node->parent), from which its options and flags come.  All of it can be put back.
 */
#include "block/relink.h"

#include <errno.h>
#include <string.h>

#include "block/named.h"
#include "block/open.h"

/* One place of a chain. */
struct link {
    struct node *parent;
    struct node *old; /* NULL: it had no such child */
};

struct owner {
    struct node *node;
    const struct node *old;
};

struct relink {
    GArray *links;  /* struct link */
    GArray *owners; /* struct owner */
    unsigned old_reuses;
    struct registry *registry;
};

static struct node_child *find_child(const struct node *node, const char *name)
{
    for (unsigned i = 0; i < node->children->len; i++) {
        struct node_child *child = g_ptr_array_index(node->children, i);
        if (strcmp(child->name, name) == 0)
            return child;
    }
    return NULL;
}

/* ---- what there is below a node ---- */

/* Every node below once, and how often it is used; a node of a chain may be reached in many ways. */
static void count_users(struct node *node, GHashTable *users)
{
    for (unsigned i = 0; i < node->children->len; i++) {
        struct node *child = ((const struct node_child *)g_ptr_array_index(node->children, i))->node;
        unsigned before = GPOINTER_TO_UINT(g_hash_table_lookup(users, child));
        g_hash_table_insert(users, child, GUINT_TO_POINTER(before + 1));
        if (before == 0)
            count_users(child, users);
    }
}

static bool is_below(struct node *node, const struct node *wanted)
{
    g_autoptr(GHashTable) users = g_hash_table_new(NULL, NULL);
    count_users(node, users);
    return node == wanted || g_hash_table_contains(users, wanted);
}

static unsigned count_reuses(struct node *root)
{
    g_autoptr(GHashTable) users = g_hash_table_new(NULL, NULL);
    GHashTableIter iter;
    void *count;
    unsigned reuses = 0;
    count_users(root, users);
    g_hash_table_iter_init(&iter, users);
    while (g_hash_table_iter_next(&iter, NULL, &count))
        reuses += GPOINTER_TO_UINT(count) - 1;
    return reuses;
}

/* How many nodes there are below node on the longest way. */
static unsigned depth_of(struct node *node, GHashTable *known)
{
    unsigned depth = GPOINTER_TO_UINT(g_hash_table_lookup(known, node));
    if (depth > 0)
        return depth - 1;
    for (unsigned i = 0; i < node->children->len; i++)
        depth = MAX(depth, depth_of(((const struct node_child *)g_ptr_array_index(node->children, i))->node, known) + 1);
    g_hash_table_insert(known, node, GUINT_TO_POINTER(depth + 1));
    return depth;
}

static int check_size_of_chain(struct relink *relink, struct node *root, GError **error)
{
    g_autoptr(GHashTable) known = g_hash_table_new(NULL, NULL);
    relink->registry->reuses = count_reuses(root);
    if (relink->registry->reuses > NAMED_REUSES_MAX)
        return options_refuse(error, ELOOP, "More than %d nodes are used in a second place", NAMED_REUSES_MAX);
    if (depth_of(root, known) > OPEN_DEPTH_MAX)
        return options_refuse(error, ELOOP, "More than %d nodes below each other", OPEN_DEPTH_MAX);
    return 0;
}

/* ---- one link ---- */

static void set_link(struct node *parent, struct node *node)
{
    struct node_child *child = find_child(parent, "backing");
    if (child)
        child->node = node_ref(node);
    else
        node_add_child(parent, "backing", NODE_ROLE_BACKING, node_ref(node));
}

static int change_link(struct relink *relink, struct node *root, struct node *parent, const char *name, GError **error)
{
    const struct node_child *child = find_child(parent, "backing");
    struct node *node = named_find_below(root, name);
    if (!node)
        return options_refuse(error, ENODEV, "Cannot find device='' nor node-name='%s'", name);
    if (is_below(node, parent))
        return options_refuse(error, EINVAL, "Making '%s' a backing child of '%s' would create a cycle", name, parent->name);
    if (!parent->driver->backing_changed)
        return options_refuse(error, ENOTSUP, "Driver '%s' of node '%s' does not support backing files", parent->driver->name, parent->name);
    struct link link = {parent, child ? child->node : NULL};
    set_link(parent, node);
    g_array_append_val(relink->links, link);
    return named_share(root, node, parent, "backing", NODE_ROLE_BACKING, error);
}

static int refuse_beside_name(struct options *given, GError **error)
{
    g_autoptr(options) below = options_take_child(given, "backing");
    const char *key, *value;
    if (options_count(below) == 0)
        return 0;
    options_at(below, 0, &key, &value);
    return options_refuse(error, EINVAL, "Cannot change the option 'backing.%s'", key);
}

/* given: of node itself and of what is below; consumed. */
static int change_links(struct relink *relink, struct node *root, struct node *node, struct options *given, GError **error)
{
    g_autoptr(options) left = given;
    const struct node_child *backing = find_child(node, "backing");
    const char *name = options_get(left, "backing");
    bool changes = options_has(left, "backing") && !(backing && g_strcmp0(backing->node->name, name) == 0);
    int ret = 0;
    if (options_has(left, "backing"))
        ret = refuse_beside_name(left, error);
    if (ret == 0 && changes)
        ret = change_link(relink, root, node, name ?: "", error);
    for (unsigned i = 0; ret == 0 && options_count(left) && i < node->children->len; i++) {
        const struct node_child *child = g_ptr_array_index(node->children, i);
        ret = change_links(relink, root, child->node, options_take_child(left, child->name), error);
    }
    return ret;
}

/* ---- whose each node is ---- */

static bool uses(const struct node *parent, const struct node *node)
{
    for (unsigned i = 0; i < parent->children->len; i++)
        if (((const struct node_child *)g_ptr_array_index(parent->children, i))->node == node)
            return true;
    return false;
}

/* Nodes whose owner is not below root any more, or does not use them, are given to the first that does. */
static void settle_owners(struct relink *relink, struct node *parent, GHashTable *there, GHashTable *seen)
{
    for (unsigned i = 0; i < parent->children->len; i++) {
        struct node *node = ((const struct node_child *)g_ptr_array_index(parent->children, i))->node;
        if (!g_hash_table_add(seen, node))
            continue;
        if (node->parent && !(g_hash_table_contains(there, node->parent) && uses(node->parent, node))) {
            struct owner owner = {node, node->parent};
            g_array_append_val(relink->owners, owner);
            node->parent = parent;
        }
        settle_owners(relink, node, there, seen);
    }
}

/* ---- all of them ---- */

static void relink_free(struct relink *relink)
{
    g_array_unref(relink->links);
    g_array_unref(relink->owners);
    g_free(relink);
}

int relink_backing_co(struct node *root, const struct options *given, struct relink **ret_relink, GError **error)
{
    struct relink *relink = g_new(struct relink, 1);
    *relink = (struct relink){
        .links = g_array_new(FALSE, FALSE, sizeof(struct link)),
        .owners = g_array_new(FALSE, FALSE, sizeof(struct owner)),
        .old_reuses = root->registry->reuses,
        .registry = root->registry,
    };
    int ret = change_links(relink, root, root, options_copy(given), error);
    if (ret == 0 && relink->links->len > 0)
        ret = check_size_of_chain(relink, root, error);
    if (ret < 0 || relink->links->len == 0) {
        relink_undo_co(relink);
        *ret_relink = NULL;
        return ret;
    }
    g_autoptr(GHashTable) there = g_hash_table_new(NULL, NULL), seen = g_hash_table_new(NULL, NULL);
    count_users(root, there);
    g_hash_table_add(there, root);
    settle_owners(relink, root, there, seen);
    *ret_relink = relink;
    return 0;
}

void relink_commit(struct relink *relink, GPtrArray *left_out)
{
    if (!relink)
        return;
    for (unsigned i = 0; i < relink->links->len; i++) {
        const struct link *link = &g_array_index(relink->links, struct link, i);
        if (link->old)
            g_ptr_array_add(left_out, link->old);
        link->parent->driver->backing_changed(link->parent, find_child(link->parent, "backing")->node);
    }
    relink_free(relink);
}

void relink_undo_co(struct relink *relink)
{
    if (!relink)
        return;
    relink->registry->reuses = relink->old_reuses;
    for (unsigned i = relink->owners->len; i-- > 0;) {
        const struct owner *owner = &g_array_index(relink->owners, struct owner, i);
        owner->node->parent = owner->old;
    }
    for (unsigned i = relink->links->len; i-- > 0;) {
        const struct link *link = &g_array_index(relink->links, struct link, i);
        struct node_child *child = find_child(link->parent, "backing");
        struct node *node = child->node;
        child->node = link->old;
        if (!link->old) {
            g_free(child->name);
            g_ptr_array_remove(link->parent->children, child);
            g_free(child);
        }
        node_unref_co(node); /* not the last one: it was there before */
    }
    relink_free(relink);
}
