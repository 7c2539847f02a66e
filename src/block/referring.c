/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/referring.h"

#include <errno.h>
#include <sys/stat.h>

#include "block/name.h"
#include "util/safetext.h"

/* Whether the image itself or one above it is this very file: following it would never end. */
static bool is_in_chain(const struct node *node, dev_t device, ino_t inode)
{
    for (; node; node = node->parent) {
        if (node->image_inode == inode && node->image_device == device && inode)
            return true;
    }
    return false;
}

G_GNUC_NO_INLINE int referring_check_loop_co(const struct node *node, const char *path, GError **error)
{
    struct stat st;
    if (!name_is_path(path) || aio_stat_co(node->aio, path, &st) < 0 || !is_in_chain(node, st.st_dev, st.st_ino))
        return 0;
    g_autofree char *safe = safetext_escape(path, -1);
    return options_refuse(error, ELOOP, "'%s' is already part of this backing chain", safe);
}

/* ---- policy ---- */

/* For BLK_REFS_FOLLOW: 0, or why the name is not followed. */
static int check_plain_co(const struct node *node, const char *name, const char *format, GError **error)
{
    struct stat st;
    g_autofree char *safe = safetext_escape(name, -1);
    const struct driver *driver = format ? driver_find(format) : NULL;
    if (!name_is_path(name))
        return options_refuse(error, EPERM, "The image names '%s', which is not a plain path and is not followed", safe);
    if (driver && !(driver->flags & DRIVER_FORMAT) && strcmp(format, "raw") != 0)
        return options_refuse(error, EPERM, "The image names a %s node, which is not followed", driver->name);
    int ret = aio_stat_co(node->aio, name, &st);
    if (ret == 0 && !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return options_refuse(error, EPERM, "The image names '%s', which is neither a file nor a block device and is not followed",
                              safe);
    return 0; /* one that is not there is for the opener to complain about */
}

void referring_keep(struct node *node, struct reference *reference)
{
    if (!node->references)
        node->references = g_ptr_array_new_with_free_func((GDestroyNotify)reference_free);
    g_ptr_array_add(node->references, reference);
}

struct reference *referring_add(struct node *node, enum reference_role role, const char *image, const char *name, const char *format)
{
    struct reference *reference = reference_new(role, node->layer, image, name, format);
    referring_keep(node, reference);
    return reference;
}

static void tell_left_out(struct node *node, const struct reference *reference)
{
    g_autofree char *safe = safetext_escape(reference->path, -1);
    g_autofree char *layer = reference->layer ? g_strdup_printf("-l %u ", reference->layer) : g_strdup("");
    const char *role = reference_role_name(reference->role);
    node_warn(node, "The image names the %s '%s', which was not opened: what it holds can't be read ('follow %s%s' opens it, 'relink "
                    "%s%s PATH' another, --refs=follow all there are)",
              reference->role == REFERENCE_DATA ? "data file" : "backing file", safe, layer, role, layer, role);
}

/* Kept out of the frames that stay on the stack while the layers below are opened. */
G_GNUC_NO_INLINE int referring_decide_co(struct node *node, struct reference *reference, const char *image, GError **error)
{
    const struct reference *approved = reference_find(node->approved, reference);
    node->named = (struct reference_expect){0};
    if (node->refs_policy == BLK_REFS_ALL)
        return 1;
    if (approved) {
        bool path = name_is_path(reference->path);
        node->named = (struct reference_expect){path && !approved->inode, approved->device, path ? approved->inode : 0};
        return 1;
    }
    if (node->refs_policy == BLK_REFS_FOLLOW) {
        int ret = check_plain_co(node, reference->path, reference->format, error);
        node->named.plain = true;
        return ret < 0 ? ret : 1;
    }
    if (node->refs_policy == BLK_REFS_ASK) {
        reference_look_co(reference, image, node->aio);
        reference->loop = reference->inode && is_in_chain(node, reference->device, reference->inode);
    }
    reference->state = REFERENCE_LEFT_OUT;
    tell_left_out(node, reference);
    return 0;
}

void referring_put_child(struct options *options, const char *name, const struct options *child)
{
    for (unsigned i = 0; i < options_count(child); i++) {
        const char *key, *value;
        options_at(child, i, &key, &value);
        g_autofree char *full = g_strconcat(name, ".", key, NULL);
        options_set(options, full, value);
    }
}

/* ---- the backing file ---- */

/* Whether these say where the bytes come from; others (driver, cache.direct) only add to the image's own name. */
static bool names_file(const struct options *child)
{
    for (unsigned i = 0; i < options_count(child); i++) {
        const char *key, *value;
        options_at(child, i, &key, &value);
        if (g_str_has_prefix(key, "file") || g_str_has_prefix(key, "image"))
            return true;
    }
    return false;
}

/* The image's own words for its backing file become options, beside those the user gave.  As referring_decide_co(). */
static G_GNUC_NO_INLINE int apply_name_co(struct node *node, struct options *child, struct reference *reference, const char *image, GError **error)
{
    const char *driver = options_get(child, "driver");
    if (driver) {
        g_free(reference->format);
        reference->format = g_strdup(driver);
    }
    int decision = referring_decide_co(node, reference, image, error);
    int ret = decision > 0 ? referring_check_loop_co(node, reference->path, error) : decision;
    if (ret < 0 || decision == 0)
        return ret;
    if (reference->format)
        options_set(child, "driver", reference->format);
    if (reference->format && driver_find(reference->format))
        ret = name_apply(child, reference->path, error);
    else
        ret = name_apply_to_file(child, reference->path, error);
    return ret < 0 ? ret : 1;
}

/* Said once for each layer, as scripts know it; of a long chain the reason at the end is to be seen, too. */
static void add_where(GError **error)
{
    static const char where[] = "Could not open backing file: ";
    enum { TOLD_MAX = 8 };
    const char *rest = (*error)->message;
    int told = 0;
    for (; g_str_has_prefix(rest, where) && told < TOLD_MAX; told++)
        rest += strlen(where);
    if (told < TOLD_MAX)
        g_prefix_error(error, "%s", where);
}

static int open_backing_co(struct node *node, struct options *options, const struct referring_backing *named, struct referring_result *ret_result,
                           GError **error)
{
    struct reference *reference = named->name ? referring_add(node, REFERENCE_BACKING, named->image, named->name, named->format) : NULL;
    g_autoptr(options) child = options_take_child(options, "backing");
    bool given = options_has(options, "backing");
    if (!given && !reference && options_count(child) == 0)
        return 0;
    if (!given && reference && !names_file(child)) {
        int ret = apply_name_co(node, child, reference, named->image, error);
        ret_result->left_out = ret == 0;
        if (ret <= 0)
            return ret;
    } else if (reference) {
        reference->state = REFERENCE_REPLACED;
    }
    referring_put_child(options, "backing", child);
    int ret = node_open_child_co(node, options, "backing", NODE_ROLE_BACKING, &ret_result->backing, error);
    node->named = (struct reference_expect){0};
    return ret;
}

int referring_open_backing_co(struct node *node, struct options *options, const struct referring_backing *named, struct referring_result *ret_result,
                              GError **error)
{
    const char *value = options_get(options, "backing");
    if (value && !*value)
        node_complain(node, "warning: Use of \"backing\": \"\" is deprecated; use \"backing\": null instead");
    if (options_has(options, "backing") && (!value || !*value)) {
        options_remove(options, "backing");
        if (named->name)
            referring_add(node, REFERENCE_BACKING, named->image, named->name, named->format)->state = REFERENCE_REPLACED;
        return 0;
    }
    int ret = open_backing_co(node, options, named, ret_result, error);
    if (ret < 0)
        add_where(error);
    return ret;
}
