/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files an image names: its backing file and its external data file.
 *
 * Whoever made the image chose these names, so what is done with them is the user's policy (enum blk_refs): nothing, plain names
 * of regular files and block devices only, or all that the reference program would open.  What the user names with
 * options is opened in any case.
 */
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "block/name.h"
#include "block/probe.h"
#include "block/qcow2/qcow2.h"
#include "util/safetext.h"

struct file_id {
    const char *name;
    struct stat st;
};

static int stat_name(void *data)
{
    struct file_id *id = data;
    return stat(id->name, &id->st) < 0 ? -errno : 0;
}

/* Whether the image itself or one above it is this very file: following it would never end. */
static bool is_in_chain(const struct node *node, const struct file_id *id)
{
    for (; node; node = node->parent) {
        const struct qcow2 *qcow2 = node->opaque;
        if (node->driver == &driver_qcow2 && qcow2->inode == id->st.st_ino && qcow2->device == id->st.st_dev && qcow2->inode)
            return true;
    }
    return false;
}

static int check_loop_co(const struct node *node, const char *name, GError **error)
{
    struct file_id id = {.name = name};
    if (!name_is_path(name) || aio_call_co(node->aio, stat_name, &id, true) < 0 || !is_in_chain(node, &id))
        return 0;
    g_autofree char *safe = safetext_escape(name, -1);
    return qcow2_header_fail(error, ELOOP, "'%s' is already part of this backing chain", safe);
}

/* ---- policy ---- */

/* For BLK_REFS_FOLLOW: 0, or why the name is not followed. */
static int check_plain_co(const struct node *node, const char *name, const char *format, GError **error)
{
    struct file_id id = {.name = name};
    g_autofree char *safe = safetext_escape(name, -1);
    const struct driver *driver = format ? driver_find(format) : NULL;
    if (!name_is_path(name))
        return qcow2_header_fail(error, EPERM, "The image names '%s', which is not a plain path and is not followed", safe);
    if (driver && !(driver->flags & DRIVER_FORMAT) && strcmp(format, "raw") != 0)
        return qcow2_header_fail(error, EPERM, "The image names a %s node, which is not followed", driver->name);
    int ret = aio_call_co(node->aio, stat_name, &id, true);
    if (ret == 0 && !S_ISREG(id.st.st_mode) && !S_ISBLK(id.st.st_mode))
        return qcow2_header_fail(error, EPERM, "The image names '%s', which is neither a file nor a block device and is not followed",
                                 safe);
    return 0; /* one that is not there is for the opener to complain about */
}

static bool is_left_out(const struct node *node)
{
    return node->refs_policy == BLK_REFS_NONE || node->refs_policy == BLK_REFS_ASK;
}

/* option: where to say what to open instead. */
static void tell_left_out(struct node *node, const char *what, const char *name, const char *option)
{
    g_autofree char *safe = safetext_escape(name, -1);
    node_warn(node, "The image names the %s '%s', which was not opened: what it holds can't be read (--refs=follow opens it, -o %s=... "
                    "another)",
              what, safe, option);
}

/* Puts options back under "NAME.". */
static void put_child(struct options *options, const char *name, const struct options *child)
{
    for (unsigned i = 0; i < options_count(child); i++) {
        const char *key, *value;
        options_at(child, i, &key, &value);
        g_autofree char *full = g_strconcat(name, ".", key, NULL);
        options_set(options, full, value);
    }
}

/* ---- the external data file ---- */

static bool has_child(const struct options *options, const char *name)
{
    g_autofree char *prefix = g_strconcat(name, ".", NULL);
    if (options_has(options, name))
        return true;
    for (unsigned i = 0; i < options_count(options); i++) {
        const char *key, *value;
        options_at(options, i, &key, &value);
        if (g_str_has_prefix(key, prefix))
            return true;
    }
    return false;
}

static int open_named_data_co(struct node *node, struct options *options, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    const char *name = qcow2->header.data_file;
    if (!name)
        return qcow2_header_fail(error, EINVAL, "'data-file' is required for this image");
    if (is_left_out(node)) {
        tell_left_out(node, "data file", name, "data-file.filename");
        return 0;
    }
    g_autoptr(options) child = options_new();
    g_autofree char *path = name_beside(node->file->filename, name);
    int ret = node->refs_policy == BLK_REFS_FOLLOW ? check_plain_co(node, path, NULL, error) : 0;
    if (ret == 0)
        ret = name_apply(child, path, error);
    if (ret < 0)
        return ret;
    put_child(options, "data-file", child);
    return node_open_child_co(node, options, "data-file", NODE_ROLE_DATA, &qcow2->data, error);
}

int qcow2_references_open_data_co(struct node *node, struct options *options, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    bool given = has_child(options, "data-file");
    if (!qcow2->data_file) {
        qcow2->data = node->file;
        return given ? qcow2_header_fail(error, EINVAL, "'data-file' can only be set for images with an external data file") : 0;
    }
    if (given)
        return node_open_child_co(node, options, "data-file", NODE_ROLE_DATA, &qcow2->data, error);
    return open_named_data_co(node, options, error);
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

/* The image's own words for its backing file become options, beside those the user gave. */
static int apply_name_co(struct node *node, struct options *child, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    g_autofree char *format = g_strdup(options_get(child, "driver") ? options_get(child, "driver") : qcow2->header.backing_format);
    g_autofree char *path = name_beside(node->file->filename, qcow2->header.backing_name);
    int ret = node->refs_policy == BLK_REFS_FOLLOW ? check_plain_co(node, path, format, error) : 0;
    if (ret == 0)
        ret = check_loop_co(node, path, error);
    if (ret < 0)
        return ret;
    if (format)
        options_set(child, "driver", format);
    if (format && driver_find(format))
        return name_apply(child, path, error);
    return name_apply_to_file(child, path, error);
}

static int open_backing_co(struct node *node, struct options *options, GError **error)
{
    struct qcow2 *qcow2 = node->opaque;
    const char *name = qcow2->header.backing_name;
    g_autoptr(options) child = options_take_child(options, "backing");
    bool reference = options_has(options, "backing");
    if (!reference && !name && options_count(child) == 0)
        return 0;
    if (!reference && name && !names_file(child)) {
        if (is_left_out(node)) {
            tell_left_out(node, "backing file", name, "backing.file.filename");
            qcow2->backing_left_out = true;
            return 0;
        }
        int ret = apply_name_co(node, child, error);
        if (ret < 0)
            return ret;
    }
    put_child(options, "backing", child);
    return node_open_child_co(node, options, "backing", NODE_ROLE_BACKING, &qcow2->backing, error);
}

int qcow2_references_open_backing_co(struct node *node, struct options *options, GError **error)
{
    const char *value = options_get(options, "backing");
    if (value && !*value)
        node_complain(node, "warning: Use of \"backing\": \"\" is deprecated; use \"backing\": null instead");
    if (options_has(options, "backing") && (!value || !*value)) {
        options_remove(options, "backing");
        return 0;
    }
    int ret = open_backing_co(node, options, error);
    if (ret < 0)
        g_prefix_error(error, "Could not open backing file: ");
    return ret;
}
