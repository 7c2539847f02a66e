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
    const char *name; /* "backing" or "file" */
    struct node *old; /* NULL: it had no such child */
};

/* What a node's users did and let others do, before it had one more. */
struct access {
    struct node *node;
    unsigned perm, shared;
};

struct owner {
    struct node *node;
    const struct node *old;
};

struct relink {
    GArray *links;  /* struct link */
    GArray *owners; /* struct owner */
    GArray *accesses; /* struct access */
    unsigned old_reuses;
    struct registry *registry;
    struct node *root;
};

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

static void set_link(struct node *parent, const char *name, struct node *node)
{
    struct node_child *child = node_child_named(parent, name);
    if (strcmp(name, "file") == 0)
        parent->file = node;
    if (child)
        child->node = node_ref(node);
    else
        node_add_child(parent, name, NODE_ROLE_BACKING, node_ref(node));
}

static void note_access(struct relink *relink, struct node *node)
{
    struct access access = {node, node->perm, node->shared};
    g_array_append_val(relink->accesses, access);
    for (unsigned i = 0; i < node->children->len; i++)
        note_access(relink, ((const struct node_child *)g_ptr_array_index(node->children, i))->node);
}

static int check_backing(const struct node *parent, GError **error)
{
    if (parent->driver->backing_changed)
        return 0;
    if ((parent->driver->flags & DRIVER_FILTER) && !parent->driver->protocols)
        return options_refuse(error, ENOTSUP, "'%s' is a %s filter node that does not support a backing child", parent->name, parent->driver->name);
    return options_refuse(error, ENOTSUP, "Driver '%s' of node '%s' does not support backing files", parent->driver->name, parent->name);
}

/* Whether changed gives node its bytes, or a part of them, and not those of a layer below. */
static bool is_made_of(const struct node *node, const struct node *changed)
{
    bool found = node == changed;
    for (unsigned i = 0; !found && i < node->children->len; i++) {
        const struct node_child *child = g_ptr_array_index(node->children, i);
        found = child->role != NODE_ROLE_BACKING && is_made_of(child->node, changed);
    }
    return found;
}

/*
 * The first node from here down that keeps what it read of the bytes that changed gives it: tables, above all; NULL: none.  Of what can't be reopened
 * at all the plan says so.
 */
static const struct node *find_keeper(const struct node *node, const struct node *changed)
{
    bool keeps = !node->driver->file_changed && !(node->driver->flags & DRIVER_FIXED);
    const struct node *found = keeps && is_made_of(node, changed) ? node : NULL;
    for (unsigned i = 0; !found && i < node->children->len; i++)
        found = find_keeper(((const struct node_child *)g_ptr_array_index(node->children, i))->node, changed);
    return found;
}

static int check_file(const struct node *root, const struct node *parent, const struct node *node, GError **error)
{
    if (parent->children->len == 0)
        return options_refuse(error, EINVAL, "Cannot set file child to format node without file child");
    if (!node_child_named(parent, "file"))
        return options_refuse(error, ENOTSUP, "Driver '%s' of node '%s' has no child 'file'", parent->driver->name, parent->name);
    const struct node *keeper = find_keeper(root, parent);
    if (keeper)
        return options_refuse(error, ENOTSUP, "The file of node '%s' can't be replaced by '%s': node '%s' (%s) goes by tables that it has read "
                              "from it.  Close the image and open it over the other file", parent->name, node->name, keeper->name,
                              keeper->driver->name);
    if ((parent->perm & NODE_PERM_WRITE) && !(node->flags & NODE_WRITABLE))
        return options_refuse(error, EACCES, "Block node is read-only");
    return 0;
}

/* What is left out stays open until the image is closed: it must not write then to what others use now. */
static int check_left_out_co(struct node *root, struct node *left_out, const struct named_user *new, struct node *node, GError **error)
{
    int ret = 0;
    if (is_below(root, left_out))
        return 0;
    for (unsigned i = 0; ret == 0 && i < left_out->children->len; i++) {
        const struct node_child *child = g_ptr_array_index(left_out->children, i);
        struct named_user old = {
            .parent_name = left_out->name,
            .child_name = child->name,
            .perm = open_child_perm(child->role, 0, left_out->flags & NODE_WRITABLE),
            .shared = left_out->flags & NODE_WRITABLE ? open_child_shared(child->role, NODE_PERM_ALL) : NODE_PERM_ALL,
        };
        ret = child->node == node ? named_check_pair(node, new, &old, error) : check_left_out_co(root, child->node, new, node, error);
    }
    bool may_write = (left_out->flags & NODE_WRITABLE) && left_out->children->len > 0;
    if (ret == 0 && may_write && left_out->driver->leave_file_co)
        return left_out->driver->leave_file_co(left_out, error);
    if (ret == 0 && may_write && left_out->driver->reopen_prepare_co && left_out->driver->close_co)
        ret = options_refuse(error, EBUSY, "Node '%s' ('%s') may have to write to its file once more: 'reopen -r' first", left_out->name,
                             left_out->driver->name);
    return ret;
}

static int change_link_co(struct relink *relink, struct node *root, struct node *parent, const char *child_name, const char *name, GError **error)
{
    const struct node_child *child = node_child_named(parent, child_name);
    bool backing = strcmp(child_name, "backing") == 0;
    enum node_role role = backing ? NODE_ROLE_BACKING : NODE_ROLE_FILE;
    struct node *node = named_find_below(root, name);
    if (!node)
        return options_refuse(error, ENODEV, "Cannot find device='' nor node-name='%s'", name);
    if (is_below(node, parent))
        return options_refuse(error, EINVAL, "Making '%s' a %s child of '%s' would create a cycle", name, child_name, parent->name);
    int ret = backing ? check_backing(parent, error) : check_file(root, parent, node, error);
    if (ret == 0 && !backing && (parent->flags & NODE_WRITABLE) && parent->driver->leave_file_co)
        ret = parent->driver->leave_file_co(parent, error);
    if (ret < 0)
        return ret;
    struct link link = {parent, child_name, child ? child->node : NULL};
    set_link(parent, child_name, node);
    g_array_append_val(relink->links, link);
    struct named_user new = {
        .parent_name = parent->name,
        .child_name = child_name,
        .perm = open_child_perm(role, parent->perm, parent->flags & NODE_WRITABLE),
    };
    if (!backing)
        ret = check_left_out_co(root, link.old, &new, node, error);
    note_access(relink, node);
    return ret < 0 ? ret : named_share(root, node, parent, child_name, role, error);
}

static int refuse_beside_name(struct options *given, const char *child_name, GError **error)
{
    g_autoptr(options) below = options_take_child(given, child_name);
    const char *key, *value;
    if (options_count(below) == 0)
        return 0;
    options_at(below, 0, &key, &value);
    return options_refuse(error, EINVAL, "Cannot change the option '%s.%s'", child_name, key);
}

/* What given says of one child of node; what it says of that child's own options is taken out. */
static int change_child_co(struct relink *relink, struct node *root, struct node *node, const char *child_name, struct options *given, GError **error)
{
    const struct node_child *child = node_child_named(node, child_name);
    const char *name = options_get(given, child_name);
    if (!options_has(given, child_name))
        return 0;
    bool changes = !(child && g_strcmp0(child->node->name, name) == 0);
    int ret = refuse_beside_name(given, child_name, error);
    return ret == 0 && changes ? change_link_co(relink, root, node, child_name, name ?: "", error) : ret;
}

/* given: of node itself and of what is below; consumed.  A node that can't be reopened at all is left to the plan, which says so. */
static int change_links_co(struct relink *relink, struct node *root, struct node *node, struct options *given, GError **error)
{
    g_autoptr(options) left = given;
    if (node->driver->flags & DRIVER_FIXED)
        return 0;
    int ret = change_child_co(relink, root, node, "backing", left, error);
    if (ret == 0)
        ret = change_child_co(relink, root, node, "file", left, error);
    for (unsigned i = 0; ret == 0 && options_count(left) && i < node->children->len; i++) {
        const struct node_child *child = g_ptr_array_index(node->children, i);
        ret = change_links_co(relink, root, child->node, options_take_child(left, child->name), error);
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
    g_array_unref(relink->accesses);
    g_free(relink);
}

int relink_co(struct node *root, const struct options *given, struct relink **ret_relink, GError **error)
{
    struct relink *relink = g_new(struct relink, 1);
    *relink = (struct relink){
        .links = g_array_new(FALSE, FALSE, sizeof(struct link)),
        .owners = g_array_new(FALSE, FALSE, sizeof(struct owner)),
        .accesses = g_array_new(FALSE, FALSE, sizeof(struct access)),
        .old_reuses = root->registry->reuses,
        .registry = root->registry,
        .root = root,
    };
    int ret = change_links_co(relink, root, root, options_copy(given), error);
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

/* Names, abilities and sizes go up from the file that is another one now, through whatever is made of it. */
static void follow_files_co(struct node *node)
{
    for (unsigned i = 0; i < node->children->len; i++)
        follow_files_co(((const struct node_child *)g_ptr_array_index(node->children, i))->node);
    if (!node->driver->file_changed)
        return;
    node->driver->file_changed(node);
    node_refresh_size_co(node); /* else it is as it was; the top one's is asked for once more by who reports that */
}

void relink_commit_co(struct relink *relink, GPtrArray *left_out)
{
    bool files = false;
    if (!relink)
        return;
    for (unsigned i = 0; i < relink->links->len; i++) {
        const struct link *link = &g_array_index(relink->links, struct link, i);
        if (link->old)
            g_ptr_array_add(left_out, link->old);
        if (strcmp(link->name, "backing") == 0)
            link->parent->driver->backing_changed(link->parent, node_child_named(link->parent, "backing")->node);
        files = files || strcmp(link->name, "file") == 0;
    }
    if (files)
        follow_files_co(relink->root);
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
        struct node_child *child = node_child_named(link->parent, link->name);
        struct node *node = child->node;
        child->node = link->old;
        if (strcmp(link->name, "file") == 0)
            link->parent->file = link->old;
        if (!link->old) {
            g_free(child->name);
            g_ptr_array_remove(link->parent->children, child);
            g_free(child);
        }
        node_unref_co(node); /* not the last one: it was there before */
    }
    for (unsigned i = relink->accesses->len; i-- > 0;) {
        const struct access *access = &g_array_index(relink->accesses, struct access, i);
        access->node->perm = access->perm;
        access->node->shared = access->shared;
        if (access->node->driver->relock)
            access->node->driver->relock(access->node, NULL); /* less than there was */
    }
    relink_free(relink);
}
