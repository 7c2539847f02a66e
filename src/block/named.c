/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What each user of a node does and lets others do follows from its role, its own permissions and flags; two of them have to agree, as two
 * programs with one file.  What the node is to let others do is then what all of them do, and so on down to the locks on files.
 */
#include "block/named.h"

#include <errno.h>
#include <string.h>

#include "block/open.h"

static const char *const perm_names[] = {"consistent read", "write", "write unchanged", "resize"};

/* ---- finding it ---- */

static struct node *find_below(struct node *node, const char *name)
{
    struct node *found = strcmp(node->name, name) == 0 ? node : NULL;
    for (unsigned i = 0; !found && i < node->children->len; i++)
        found = find_below(((struct node_child *)g_ptr_array_index(node->children, i))->node, name);
    return found;
}

struct node *named_find_below(struct node *node, const char *name)
{
    return open_is_node_name(name) ? find_below(node, name) : NULL;
}

struct node *named_find(const struct node *parent, const char *name)
{
    struct node *found = NULL;
    if (!open_is_node_name(name))
        return NULL;
    for (; parent && !found; parent = parent->parent)
        for (unsigned i = 0; !found && i < parent->children->len; i++)
            found = find_below(((struct node_child *)g_ptr_array_index(parent->children, i))->node, name);
    return found;
}

/* ---- what its users agree on ---- */

static void name_perms(unsigned perms, GString *out)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(perm_names); i++)
        if (perms & (1U << i))
            g_string_append_printf(out, "%s%s", out->len ? ", " : "", perm_names[i]);
}

int named_check_pair(const struct node *node, const struct named_user *does, const struct named_user *keeps, GError **error)
{
    unsigned conflict = does->perm & ~keeps->shared;
    if (!conflict)
        return 0;
    g_autoptr(GString) perms = g_string_new(NULL);
    name_perms(conflict, perms);
    g_set_error(error, OPTIONS_ERROR, EPERM,
                "Permission conflict on node '%s': permissions '%s' are both required by node '%s' (uses node '%s' as '%s' child) and unshared by "
                "node '%s' (uses node '%s' as '%s' child).",
                node->name, perms->str, does->parent_name, node->name, does->child_name, keeps->parent_name, node->name, keeps->child_name);
    return -EPERM;
}

static int check_users_below(const struct node *parent, const struct node *node, const struct named_user *new, GError **error)
{
    int ret = 0;
    for (unsigned i = 0; ret == 0 && i < parent->children->len; i++) {
        const struct node_child *child = g_ptr_array_index(parent->children, i);
        if (child->node != node) {
            ret = check_users_below(child->node, node, new, error);
            continue;
        }
        struct named_user old = {
            .parent_name = parent->name,
            .child_name = child->name,
            .perm = open_child_perm(child->role, parent->perm, parent->flags & NODE_WRITABLE),
            .shared = open_child_shared(child->role, parent->shared),
        };
        ret = named_check_pair(node, &old, new, error);
        if (ret == 0)
            ret = named_check_pair(node, new, &old, error);
    }
    return ret;
}

/* Down to the files: they are locked for all that is done with them. */
static int widen(struct node *node, unsigned perm, unsigned shared, GError **error)
{
    if (!(perm & ~node->perm) && !(node->shared & ~shared))
        return 0;
    node->perm |= perm;
    node->shared &= shared;
    int ret = node->driver->relock ? node->driver->relock(node, error) : 0;
    for (unsigned i = 0; ret == 0 && i < node->children->len; i++) {
        const struct node_child *child = g_ptr_array_index(node->children, i);
        ret = widen(child->node, open_child_perm(child->role, node->perm, node->flags & NODE_WRITABLE),
                    open_child_shared(child->role, node->shared), error);
    }
    return ret;
}

int named_use(const char *name, const struct node_how *child, const struct node_how *parent, const char *child_name, enum node_role role,
              struct node **ret_node, GError **error)
{
    /* What an image says is to be found at a path is no node of ours. */
    struct node *node = child->expect ? NULL : named_find(parent->parent, name);
    if (!node) {
        g_set_error(error, OPTIONS_ERROR, ENODEV, "Cannot find device='%s' nor node-name='%s'", name, name);
        return -ENODEV;
    }
    if (++parent->registry->reuses > NAMED_REUSES_MAX) {
        g_set_error(error, OPTIONS_ERROR, ELOOP, "More than %d nodes are used in a second place", NAMED_REUSES_MAX);
        return -ELOOP;
    }
    struct named_user new = {.parent_name = parent->parent->name, .child_name = child_name, .perm = child->perm, .shared = child->shared};
    int ret = 0;
    for (const struct node *above = parent->parent; ret == 0 && above; above = above->parent)
        ret = check_users_below(above, node, &new, error);
    /* Only what is writable is written: who may not says so to the user who wants to. */
    if (ret == 0 && (!(child->perm & NODE_PERM_WRITE) || (node->flags & NODE_WRITABLE)))
        ret = widen(node, child->perm, child->shared, error);
    if (ret == 0)
        *ret_node = node_ref(node);
    return ret;
}

int named_share(struct node *root, struct node *node, const struct node *parent, const char *child_name, enum node_role role, GError **error)
{
    struct named_user new = {
        .parent_name = parent->name,
        .child_name = child_name,
        .perm = open_child_perm(role, parent->perm, parent->flags & NODE_WRITABLE),
        .shared = open_child_shared(role, parent->shared),
    };
    int ret = check_users_below(root, node, &new, error);
    return ret < 0 ? ret : widen(node, new.perm, new.shared, error);
}
