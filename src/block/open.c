/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opening: names and options become a chain of nodes.
 *
 * A node's options are those of every node (this file takes them), its driver's, and those of its children under "NAME.".  What a
 * node is told, it hands on to its children as their default: see child_how().
 */
#include <errno.h>
#include <string.h>

#include "block/driver_option.h"
#include "block/name.h"
#include "block/named.h"
#include "block/open.h"
#include "block/pins.h"

enum { NODE_NAME_MAX = 31 };

static const char *const detect_values[] = {"off", "on", "unmap", NULL};
static const char *const discard_on[] = {"on", "unmap", NULL};
static const char *const discard_off[] = {"off", "ignore", NULL};

const struct driver_option open_node_options[] = {
    {.name = "driver", .type = DRIVER_OPTION_STRING, .help = "format or protocol of the node"},
    {.name = "node-name", .type = DRIVER_OPTION_STRING, .help = "name to refer to the node by"},
    {.name = "read-only", .type = DRIVER_OPTION_BOOL, .help = "refuse writes", .reopen = true},
    {.name = "auto-read-only", .type = DRIVER_OPTION_BOOL, .help = "read-only where writing is not permitted", .reopen = true},
    {.name = "discard", .type = DRIVER_OPTION_STRING, .help = "ignore|unmap: whether discards reach the file", .reopen = true},
    {.name = "detect-zeroes", .type = DRIVER_OPTION_ENUM, .values = detect_values, .help = "turn written zeroes into holes",
     .reopen = true},
    {.name = "force-share", .type = DRIVER_OPTION_BOOL, .help = "take and check no locks"},
    {.name = "cache.direct", .type = DRIVER_OPTION_BOOL, .help = "bypass the page cache", .reopen = true},
    {.name = "cache.no-flush", .type = DRIVER_OPTION_BOOL, .help = "ignore flushes", .reopen = true},
    {},
};

/* ---- options of every node ---- */

static void set_flag(unsigned *flags, unsigned flag, bool on)
{
    *flags = on ? *flags | flag : *flags & ~flag;
}

static void take_flag(struct options *options, const char *key, unsigned *flags, unsigned flag)
{
    set_flag(flags, flag, options_take_bool(options, key, *flags & flag));
}

/* Under our own name it takes a switch to have an image opened for writing: an option, perhaps in a name that somebody sent, does not do. */
static int take_read_only(struct options *options, unsigned *flags, GError **error)
{
    if (!options_has(options, "read-only"))
        return 0;
    bool on = options_take_bool(options, "read-only", !(*flags & NODE_WRITABLE));
    if (!on && (*flags & NODE_ONLY_READS) && (*flags & NODE_QUERY_LOCKS)) {
        g_set_error_literal(error, OPTIONS_ERROR, EACCES, "read-only=off opens the image for writing: give -w for that, and no -s");
        return -EACCES;
    }
    set_flag(flags, NODE_WRITABLE, !on);
    return 0;
}

static int take_discard(struct options *options, unsigned *flags, GError **error)
{
    g_autofree char *value = options_take_string(options, "discard");

    if (!value)
        return 0;
    if (!g_strv_contains(discard_on, value) && !g_strv_contains(discard_off, value)) {
        g_set_error_literal(error, OPTIONS_ERROR, EINVAL, "Invalid discard option");
        return -EINVAL;
    }
    set_flag(flags, NODE_DISCARD, g_strv_contains(discard_on, value));
    return 0;
}

static void take_detect_zeroes(struct options *options, unsigned *flags)
{
    int old = *flags & NODE_DETECT_UNMAP ? 2 : *flags & NODE_DETECT_ZEROES ? 1 : 0;
    int value = options_take_enum(options, "detect-zeroes", detect_values, old);

    set_flag(flags, NODE_DETECT_ZEROES, value > 0);
    set_flag(flags, NODE_DETECT_UNMAP, value == 2);
}

int open_take_flags(struct options *options, unsigned flags, unsigned *ret_flags, GError **error)
{
    int ret;

    if (!driver_option_check(options, open_node_options, error))
        return -EINVAL;
    ret = take_read_only(options, &flags, error);
    if (ret < 0)
        return ret;
    take_flag(options, "auto-read-only", &flags, NODE_AUTO_READ_ONLY);
    take_flag(options, "force-share", &flags, NODE_FORCE_SHARE);
    take_flag(options, "cache.direct", &flags, NODE_DIRECT);
    take_flag(options, "cache.no-flush", &flags, NODE_NO_FLUSH);
    take_detect_zeroes(options, &flags);
    ret = take_discard(options, &flags, error);
    if (ret < 0)
        return ret;
    if ((flags & NODE_FORCE_SHARE) && (flags & NODE_WRITABLE)) {
        g_set_error_literal(error, OPTIONS_ERROR, EINVAL, "force-share=on can only be used with read-only images");
        return -EINVAL;
    }
    if ((flags & NODE_DETECT_UNMAP) && !(flags & NODE_DISCARD)) {
        g_set_error_literal(error, OPTIONS_ERROR, EINVAL,
                            "setting detect-zeroes to unmap is not allowed without setting discard operation to unmap");
        return -EINVAL;
    }
    *ret_flags = flags;
    return 0;
}

bool open_is_node_name(const char *name)
{
    if (!g_ascii_isalpha(*name))
        return false;
    for (; *name; name++)
        if (!g_ascii_isalnum(*name) && !strchr("-._", *name))
            return false;
    return true;
}

/* NULL without an error: none was given. */
static int take_node_name(struct options *options, char **ret_name, GError **error)
{
    g_autofree char *name = options_take_string(options, "node-name");

    if (name && !open_is_node_name(name)) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Invalid node-name: '%s'", name);
        return -EINVAL;
    }
    if (name && strlen(name) > NODE_NAME_MAX) {
        g_set_error_literal(error, OPTIONS_ERROR, EINVAL, "Node name too long");
        return -EINVAL;
    }
    *ret_name = g_steal_pointer(&name);
    return 0;
}

/* ---- what children are told ---- */

unsigned open_child_perm(enum node_role role, unsigned perm, bool writable)
{
    unsigned write = writable ? NODE_PERM_WRITE | NODE_PERM_RESIZE : 0;

    switch (role) {
    case NODE_ROLE_TOP:
    case NODE_ROLE_FILE:
    case NODE_ROLE_COPY:
        return perm;
    case NODE_ROLE_METADATA:
    case NODE_ROLE_DATA:
    case NODE_ROLE_IMAGE:
        return NODE_PERM_READ | write | (perm & NODE_PERM_WRITE_UNCHANGED);
    case NODE_ROLE_TARGET:
        return write & NODE_PERM_WRITE;
    case NODE_ROLE_SNAPSHOT:
        return 0;
    case NODE_ROLE_BACKING:
        break;
    }
    return NODE_PERM_READ;
}

unsigned open_child_shared(enum node_role role, unsigned shared)
{
    switch (role) {
    case NODE_ROLE_TOP:
    case NODE_ROLE_FILE:
        return shared;
    case NODE_ROLE_METADATA:
    case NODE_ROLE_COPY:
        return NODE_PERM_READ | NODE_PERM_WRITE_UNCHANGED;
    case NODE_ROLE_DATA: /* others may write to what no table counts on */
    case NODE_ROLE_IMAGE:
    case NODE_ROLE_TARGET:
        return NODE_PERM_ALL & ~NODE_PERM_RESIZE;
    case NODE_ROLE_BACKING:
    case NODE_ROLE_SNAPSHOT:
        break;
    }
    return NODE_PERM_ALL; /* what others may not do to its file is for its own format to say */
}

unsigned open_child_flags(enum node_role role, unsigned flags)
{
    /* Zeroes are detected where they enter the chain; below, a discard is what a node above decided to do. */
    flags &= ~(NODE_DETECT_ZEROES | NODE_DETECT_UNMAP | NODE_GUARDED | NODE_IMPLICIT);
    flags |= NODE_DISCARD;
    if (role == NODE_ROLE_BACKING)
        flags &= ~(NODE_WRITABLE | NODE_AUTO_READ_ONLY);
    return flags;
}

/*
 * Layers are opened below each other on one stack: what each of a long chain needs all the time (struct node_how) is on the heap.
 */
static struct node_how *child_how(const struct node_how *how, enum node_role role)
{
    struct node_how *child = g_memdup2(how, sizeof(*how));

    child->flags = open_child_flags(role, how->flags);
    child->perm = open_child_perm(role, how->perm, how->flags & NODE_WRITABLE);
    child->shared = open_child_shared(role, how->shared);
    child->probe = role == NODE_ROLE_BACKING || role == NODE_ROLE_IMAGE || role == NODE_ROLE_COPY;
    child->depth = how->depth + 1;
    child->layer = how->layer + (role == NODE_ROLE_BACKING);
    /* A name in the image stands for what it says itself, and what a file of that format is in: not for its backing file. */
    child->expect = role == NODE_ROLE_BACKING || role == NODE_ROLE_DATA ? how->named : how->expect;
    child->named = NULL;
    child->pins = role == NODE_ROLE_BACKING || role == NODE_ROLE_DATA ? pins_below_image(how->pins) : how->pins;
    return child;
}

static struct node_how *node_to_how(const struct node *node)
{
    struct node_how *how = g_new(struct node_how, 1);

    *how = (struct node_how){
        .flags = node->flags,
        .perm = node->perm,
        .shared = node->shared,
        .refs = node->refs_policy,
        .aio = node->aio,
        .registry = node->registry,
        .warn = node->warn,
        .warn_data = node->warn_data,
        .depth = node->depth,
        .parent = node,
        .layer = node->layer,
        .approved = node->approved,
        .expect = node->expect,
        .named = reference_expects(&node->named) ? &node->named : NULL,
        .pins = node->pins,
    };
    return how;
}

/* Takes the reference to child over, also on failure. */
static int check_writable_co(const struct node_how *how, struct node *child, struct node **ret_child, GError **error)
{
    bool may_be = (how->flags & NODE_AUTO_READ_ONLY) && (how->flags & NODE_ONLY_READS);
    if ((how->flags & NODE_WRITABLE) && !(child->flags & NODE_WRITABLE) && !may_be) {
        g_set_error_literal(error, OPTIONS_ERROR, EACCES, "Block node is read-only");
        node_unref_co(child);
        return -EACCES;
    }
    *ret_child = child;
    return 0;
}

int open_below_co(struct options *options, const struct node_how *how, const char *name, enum node_role role,
                         struct node **ret_child, GError **error)
{
    g_autofree char *reference = options_take_string(options, name);
    g_autoptr(options) below = options_take_child(options, name);
    g_autofree struct node_how *below_how = child_how(how, role);
    struct node *child;
    int ret;

    if (reference && options_count(below)) {
        g_set_error_literal(error, OPTIONS_ERROR, EINVAL,
                            "Cannot reference an existing block device with additional options or a new filename");
        return -EINVAL;
    }
    if (reference) {
        ret = named_use(reference, below_how, how, name, role, &child, error);
        if (ret < 0)
            return ret;
        return check_writable_co(below_how, child, ret_child, error);
    }
    if (!options_count(below)) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "A block device must be specified for \"%s\"", name);
        return -EINVAL;
    }
    ret = node_open_co(g_steal_pointer(&below), below_how, &child, error);
    return ret < 0 ? ret : check_writable_co(below_how, child, ret_child, error);
}

/* Probed with less than this driver needs: it is opened once more, with the right permissions from the start, and has to be the same files. */
static int pin_probed_co(struct node *child, struct node_how *how, struct pins **ret_pins, GError **error)
{
    *ret_pins = pins_new(how->pins, false);
    how->pins = *ret_pins;
    int ret = pins_add(*ret_pins, child, error);
    node_unref_co(child);
    return ret;
}

int node_open_child_co(struct node *node, struct options *options, const char *name, enum node_role role, struct node **ret_child,
                       GError **error)
{
    g_autofree struct node_how *how = node_to_how(node), *wanted = child_how(how, role);
    g_autoptr(pins) pins = NULL;
    struct node *child = NULL;
    int ret;

    if (node->probed && strcmp(name, "file") == 0) {
        child = g_steal_pointer(&node->probed);
        if (child->perm == wanted->perm && child->shared == wanted->shared) {
            options_free(options_take_child(options, name)); /* probing took them */
            child->parent = node;
            node_add_child(node, name, role, child);
            if (ret_child)
                *ret_child = child;
            return open_check_alignment(child, child->perm, error);
        }
        ret = pin_probed_co(child, how, &pins, error);
        if (ret < 0)
            return ret;
    }
    ret = open_below_co(options, how, name, role, &child, error);
    if (ret < 0)
        return ret;
    node_add_child(node, name, role, child);
    if (ret_child)
        *ret_child = child;
    return 0;
}

int node_open_named_child_co(struct node *node, struct options *options, const char *key, const char *name, enum node_role role,
                             struct node **ret_child, GError **error)
{
    g_autofree char *filename = options_take_string(options, key);
    g_autoptr(options) child = NULL;
    int ret = 0;

    if (filename) {
        bool whole = role != NODE_ROLE_IMAGE || g_str_has_prefix(filename, "json:");

        child = options_take_child(options, name);
        ret = whole ? name_apply(child, filename, error) : name_apply_to_file(child, filename, error);
        for (unsigned i = 0; ret == 0 && i < options_count(child); i++) {
            g_autofree char *dotted = NULL;
            const char *own_key, *value;

            options_at(child, i, &own_key, &value);
            dotted = g_strconcat(name, ".", own_key, NULL);
            options_set(options, dotted, value);
        }
    }
    return ret < 0 ? ret : node_open_child_co(node, options, name, role, ret_child, error);
}

/* ---- a node ---- */

/* What the node itself was told: not its children's. */
static struct options *own_options(const struct options *options, const struct driver *driver)
{
    struct options *own = options_new();

    for (unsigned i = 0; i < options_count(options); i++) {
        const struct driver_option *row;
        const char *key, *value;

        options_at(options, i, &key, &value);
        row = driver_option_find(driver->options, key);
        if (!row || row->type != DRIVER_OPTION_CHILD)
            options_set(own, key, value);
    }
    return own;
}

static int refuse_unknown(const struct driver *driver, const char *key, GError **error)
{
    if (strcmp(key, "backing") == 0 || g_str_has_prefix(key, "backing."))
        g_set_error_literal(error, OPTIONS_ERROR, EINVAL, "Driver doesn't support backing files");
    else if (driver->protocols)
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Block protocol '%s' doesn't support the option '%s'", driver->name, key);
    else
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Block format '%s' does not support the option '%s'", driver->name, key);
    return -EINVAL;
}

int open_check_alignment(const struct node *node, unsigned perm, GError **error)
{
    if (!(perm & NODE_PERM_WRITE) || (perm & NODE_PERM_RESIZE) || node->size % node->limits.request_alignment == 0)
        return 0;
    g_set_error_literal(error, OPTIONS_ERROR, EPERM,
                        "Cannot get 'write' permission without 'resize': Image size is not a multiple of request alignment");
    return -EPERM;
}

static int check_size_co(struct node *node, bool probing, GError **error)
{
    int ret = node_refresh_size_co(node);

    if (ret < 0) {
        g_set_error(error, OPTIONS_ERROR, -ret, "Could not refresh total sector count: %s", g_strerror(-ret));
        return ret;
    }
    return probing ? 0 : open_check_alignment(node, node->perm, error);
}

/* Runs the driver's part.  node is gone on failure. */
static int open_node_co(struct node *node, struct options *options, bool probing, GError **error)
{
    const struct driver *driver = node->driver;
    const char *key, *value;
    int ret;

    ret = driver_option_check(options, driver->options, error) ? 0 : -EINVAL;
    if (ret == 0) {
        if (driver->open_co)
            ret = driver->open_co(node, options, error);
        else
            ret = node_open_child_co(node, options, "file", NODE_ROLE_FILE, NULL, error);
    }
    if (ret < 0) {
        node_unref_co(g_steal_pointer(&node->probed));
        node_abandon_co(node);
        return ret;
    }
    if (options_count(options)) {
        options_at(options, 0, &key, &value);
        ret = refuse_unknown(driver, key, error);
        node_unref_co(node);
        return ret;
    }
    ret = check_size_co(node, probing, error);
    if (ret < 0) {
        node_unref_co(node);
        return ret;
    }
    if (!node->filename && node->file)
        node->filename = g_strdup(node->file->filename);
    return 0;
}

int node_open_co(struct options *options, const struct node_how *how, struct node **ret_node, GError **error)
{
    g_autoptr(options) left = options;
    g_autoptr(options) own = NULL;
    g_autofree char *name = NULL;
    g_autofree struct node_how *node_how = g_memdup2(how, sizeof(*how));
    g_autoptr(GError) why = NULL;
    const struct driver *driver;
    struct node *probed = NULL;
    struct node *node;
    int ret;

    if (how->depth > OPEN_DEPTH_MAX) {
        g_set_error(error, OPTIONS_ERROR, ELOOP, "More than %d nodes below each other", OPEN_DEPTH_MAX);
        return -ELOOP;
    }
    own = options_copy(options);
    ret = take_node_name(left, &name, error);
    if (ret < 0)
        return ret;
    ret = open_take_flags(left, how->flags, &node_how->flags, error);
    if (ret < 0)
        return ret;
    if (how->perm) /* else nothing is done to the node itself (NODE_ROLE_SNAPSHOT) */
        set_flag(&node_how->perm, NODE_PERM_WRITE, node_how->flags & NODE_WRITABLE);
    driver = open_choose_driver_co(left, node_how, &probed, &why);
    if (!driver) {
        ret = why->domain == OPTIONS_ERROR ? -why->code : -EINVAL;
        g_propagate_error(error, g_steal_pointer(&why));
        return ret;
    }
    node = node_new(driver, node_how);
    node->depth = how->depth;
    node->probed = probed;
    if (probed && strcmp(driver->name, "raw") == 0)
        node->flags |= NODE_GUARDED;
    node->options = own_options(own, driver);
    if (name) {
        g_free(node->name);
        node->name = g_steal_pointer(&name);
    }
    ret = open_node_co(node, left, how->probing, error);
    if (ret < 0)
        return ret;
    node->pins = NULL;
    node->flags &= ~NODE_ONLY_READS;
    *ret_node = node;
    return 0;
}
