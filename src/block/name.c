/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/name.h"

#include <errno.h>
#include <string.h>

#include "block/driver.h"
#include "block/open.h"

enum { PROTOCOL_MAX = 128 }; /* characters of one that are named in a message */

/* Length of the protocol in front of a name, or -1 if it is a path: a ':' before the first '/'. */
static int protocol_length(const char *filename)
{
    size_t len = strcspn(filename, ":/");

    return filename[len] == ':' ? (int)MIN(len, G_MAXINT) : -1;
}

static const struct driver *find_protocol(const char *name, size_t len)
{
    const struct driver *driver;

    for (unsigned i = 0; (driver = driver_at(i)); i++) {
        for (const char *const *p = driver->protocols; p && *p; p++)
            if (strlen(*p) == len && strncmp(*p, name, len) == 0)
                return driver;
    }
    return NULL;
}

static int unknown_protocol(const char *name, int len, GError **error)
{
    /* Those a fuller build of this program or of others has deserve a better answer than "unknown". */
    static const char *const known[] = {"nbd",  "nbd+tcp", "nbd+unix", "nbds",    "nbds+tcp",     "nbds+unix",    "http", "https", "ftp",  "ftps",
                                        "fat",  "ssh",     "rbd",      "iscsi",   "iser",         "nfs",          "nvme", "gluster",
                                        "gluster+tcp",     "gluster+unix",        "gluster+rdma", NULL};
    g_autofree char *protocol = g_strndup(name, MIN(len, PROTOCOL_MAX));

    if (g_strv_contains(known, protocol))
        g_set_error(error, OPTIONS_ERROR, ENOTSUP, "Protocol '%s' needs a build with libnbd", protocol);
    else
        g_set_error(error, OPTIONS_ERROR, ENOENT, "Unknown protocol '%s'", protocol);
    return -ENOENT;
}

static int set_new(struct options *options, const char *key, const char *value, GError **error)
{
    if (options_has(options, key)) {
        g_set_error_literal(error, OPTIONS_ERROR, EINVAL, "Can't specify 'file' and 'filename' options at the same time");
        return -EINVAL;
    }
    options_set(options, key, value);
    return 0;
}

/* driver's own reading of a name, with or without its protocol in front. */
static int apply_to_protocol(const struct driver *driver, struct options *options, const char *filename, GError **error)
{
    g_autofree char *path = NULL;
    int len;

    if (driver->parse_filename)
        return driver->parse_filename(filename, options, error);
    len = protocol_length(filename);
    if (len >= 0 && find_protocol(filename, len) == driver) {
        filename += len + 1;
        /* What is left was a path behind a protocol: nothing in it may be taken for another. */
        if (protocol_length(filename) >= 0)
            filename = path = g_strconcat("./", filename, NULL);
    }
    return set_new(options, "filename", filename, error);
}

int name_apply_to_file(struct options *options, const char *filename, GError **error)
{
    g_autoptr(options) child = NULL;
    int ret;

    if (options_has(options, "file")) {
        g_set_error_literal(error, OPTIONS_ERROR, EINVAL,
                            "Cannot reference an existing block device with additional options or a new filename");
        return -EINVAL;
    }
    child = options_take_child(options, "file");
    ret = name_apply(child, filename, error);
    for (unsigned i = 0; i < options_count(child); i++) {
        g_autofree char *dotted = NULL;
        const char *key, *value;

        options_at(child, i, &key, &value);
        dotted = g_strconcat("file.", key, NULL);
        options_set(options, dotted, value);
    }
    return ret;
}

static int apply_json(struct options *options, const char *text, GError **error)
{
    g_autoptr(options) given = options_copy(options);

    if (!options_parse_json(options, text, error))
        return -EINVAL;
    options_merge(options, given);
    return 0;
}

/*
 * Each image below another has the rest of the name to itself, so that a name of many costs its length each time: one that names more than there can be,
 * or is longer than any that is meant, is refused before the first is opened.
 */
static int check_nesting(const char *filename, GError **error)
{
    enum { NESTED_MAX = 128 * 1024 };
    const char *rest = filename;
    unsigned depth = 0;

    for (;; depth++) { /* "blkdebug:CONFIG:IMAGE", "blkverify:RAW:TEST" */
        const char *colon = g_str_has_prefix(rest, "blkdebug:") || g_str_has_prefix(rest, "blkverify:") ? strchr(rest, ':') : NULL;

        colon = colon ? strchr(colon + 1, ':') : NULL;
        if (!colon || depth > OPEN_DEPTH_MAX)
            break;
        rest = colon + 1;
    }
    if (depth > OPEN_DEPTH_MAX) {
        g_set_error(error, OPTIONS_ERROR, ELOOP, "More than %d nodes below each other", OPEN_DEPTH_MAX);
        return -ELOOP;
    }
    if (depth > 1 && strlen(filename) > NESTED_MAX) {
        g_set_error(error, OPTIONS_ERROR, ENAMETOOLONG, "A name of images below each other has more than %d characters", NESTED_MAX);
        return -ENAMETOOLONG;
    }
    return 0;
}

int name_apply(struct options *options, const char *filename, GError **error)
{
    const char *name = options_get(options, "driver");
    const struct driver *driver;
    int len, ret = check_nesting(filename, error);

    if (ret < 0)
        return ret;
    if (g_str_has_prefix(filename, "json:"))
        return apply_json(options, filename + 5, error);
    if (name) {
        driver = open_find_driver(name, error);
        if (!driver)
            return -ENOENT;
        if (driver->protocols)
            return apply_to_protocol(driver, options, filename, error);
        return name_apply_to_file(options, filename, error);
    }
    len = protocol_length(filename);
    if (len < 0)
        return set_new(options, "filename", filename, error);
    driver = find_protocol(filename, len);
    if (!driver)
        return unknown_protocol(filename, len, error);
    options_set(options, "driver", driver->name);
    return apply_to_protocol(driver, options, filename, error);
}

/* ---- paths ---- */

bool name_is_path(const char *filename)
{
    return protocol_length(filename) < 0;
}

char *name_beside(const char *image, const char *name)
{
    const char *slash = image ? strrchr(image, '/') : NULL;
    if (name[0] == '/' || !slash || !name_is_path(name))
        return g_strdup(name);
    return g_strdup_printf("%.*s%s", (int)(slash + 1 - image), image, name);
}

char *name_to_path(const char *filename, GError **error)
{
    int len = protocol_length(filename);
    if (len < 0)
        return g_strdup(filename);
    const struct driver *driver = find_protocol(filename, len);
    if (driver == &driver_file)
        return g_strdup(filename + len + 1);
    if (driver)
        g_set_error(error, OPTIONS_ERROR, ENOTSUP, "Protocol driver '%s' does not support image creation", driver->name);
    else
        unknown_protocol(filename, len, error);
    return NULL;
}
