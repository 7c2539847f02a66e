/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The front door of making images: checks what was asked for, and has the format's driver do it. */
#include "block/create.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "block/driver.h"
#include "block/name.h"
#include "util/size.h"

/* ---- format and options ---- */

static const struct driver *find_driver(const char *format, GError **error)
{
    const struct driver *driver = driver_find(format ? format : "raw");
    if (driver && driver->create_co)
        return driver;
    if (driver)
        options_refuse(error, ENOTSUP, "Format driver '%s' does not support image creation", format);
    else
        options_refuse(error, ENOENT, "Unknown file format '%s'", format);
    return NULL;
}

const struct driver_option *blk_create_options(const char *format, GError **error)
{
    const struct driver *driver = find_driver(format, error);
    return driver ? driver->create_options : NULL;
}

static int check_options(const struct options *options, const struct driver_option *table, GError **error)
{
    for (unsigned i = 0; i < options_count(options); i++) {
        const char *key, *value;
        options_at(options, i, &key, &value);
        if (!driver_option_find(table, key))
            return options_refuse(error, EINVAL, "Invalid parameter '%s'", key);
    }
    return driver_option_check(options, table, error) ? 0 : -EINVAL;
}

static int take_size(struct create *create, GError **error)
{
    const struct blk_create *how = create->how;
    bool given = options_has(create->options, "size");
    if (given && how->size >= 0)
        return options_refuse(error, EINVAL, "The image size must be specified only once");
    create->size = given ? options_take_size(create->options, "size", 0) : how->size;
    return 0;
}

/* ---- the backing file ---- */

static int open_backing_co(struct create *create, const char *name, GError **error)
{
    struct blk_open open = {
        .filename = name,
        .format = create->backing_format,
        .flags = BLK_OPEN_NO_LOCK_IF_READ_ONLY,
        .refs = create->how->refs,
        .aio = create->how->aio,
    };
    /* Our own lock is none that keeps us from looking. */
    if (name_is_path(name) && create_needs_co(create, name))
        open.flags |= BLK_OPEN_FORCE_SHARE;
    int ret = blk_open_co(&open, &create->backing_open, error);
    if (ret < 0 && error) {
        g_autofree char *message = g_strdup((*error)->message);
        g_clear_error(error);
        options_refuse(error, -ret, "%s\nCould not open backing image.", message);
    }
    return ret;
}

static int refuse_without_format(struct create *create, GError **error)
{
    struct blk_info info;
    if (!create->backing_open || blk_info_co(create->backing_open, &info) < 0)
        return options_refuse(error, EINVAL, "Backing file specified without backing format");
    options_refuse(error, EINVAL, "Backing file specified without backing format\nDetected format of %s.", info.format);
    blk_info_clear(&info);
    return -EINVAL;
}

static int check_backing_co(struct create *create, GError **error)
{
    const struct blk_create *how = create->how;
    if (!create->backing)
        return create->backing_format ? options_refuse(error, EINVAL, "Backing format cannot be used without backing file") : 0;
    if (!*create->backing)
        return options_refuse(error, EINVAL, "Expected backing file name, got empty string");
    if (strcmp(create->backing, how->filename) == 0)
        return options_refuse(error, EINVAL, "Error: Trying to create an image with the same filename as the backing file");
    g_autofree char *name = name_beside(create->path, create->backing);
    int ret = how->unsafe ? 0 : open_backing_co(create, name, error);
    if (ret == 0 && !create->backing_format)
        ret = refuse_without_format(create, error);
    if (ret == 0 && create->backing_open && create->size < 0)
        create->size = blk_length(create->backing_open);
    return ret;
}

static int take_backing(struct create *create, const struct driver *driver, GError **error)
{
    const struct blk_create *how = create->how;
    bool file = driver_option_find(driver->create_options, "backing_file");
    if (how->backing && !file)
        return options_refuse(error, EINVAL, "Backing file not supported for file format '%s'", driver->name);
    if (how->backing_format && !file)
        return options_refuse(error, EINVAL, "Backing file format not supported for file format '%s'", driver->name);
    if (how->backing)
        options_set(create->options, "backing_file", how->backing);
    if (how->backing_format)
        options_set(create->options, "backing_fmt", how->backing_format);
    create->backing = options_get(create->options, "backing_file");
    create->backing_format = options_get(create->options, "backing_fmt");
    return 0;
}

/* ---- telling ---- */

static void add_value(GString *line, const struct create *create, const struct driver_option *row)
{
    const char *given = options_get(create->options, row->name);
    const char *value = given ? given : row->fallback;
    int64_t size = create->size;
    if (strcmp(row->name, "size") == 0 || (value && row->type == DRIVER_OPTION_SIZE && size_parse(value, &size) == 0)) {
        g_string_append_printf(line, " %s=%" PRId64, row->name, size);
    } else if (value) {
        g_auto(GStrv) parts = g_strsplit(value, ",", -1);
        g_autofree char *doubled = g_strjoinv(",,", parts);
        g_string_append_printf(line, " %s=%s", row->name, doubled);
    }
}

static void announce(struct create *create, const struct driver *driver)
{
    const struct blk_create *how = create->how;
    if (!how->announce)
        return;
    g_autoptr(GString) line = g_string_new(NULL);
    g_string_printf(line, "Formatting '%s', fmt=%s", how->filename, driver->name);
    for (const struct driver_option *row = driver->create_options; row->name; row++)
        add_value(line, create, row);
    how->announce(how->data, line->str);
}

/* ---- making ---- */

/* A size no file can have says more than the errno. */
static void explain_too_large(const struct driver *driver, GError **error)
{
    bool clusters = driver_option_find(driver->create_options, "cluster_size");
    g_clear_error(error);
    options_refuse(error, EFBIG, "The image size is too large for file format '%s'%s", driver->name,
         clusters ? " (try using a larger cluster size)" : "");
}

static int make_co(struct create *create, const struct driver *driver, GError **error)
{
    int ret = create_stage_co(create, create->path, &create->file, error);
    if (ret == 0) {
        ret = driver->create_co(create, error);
        if (ret == -EFBIG)
            explain_too_large(driver, error);
    }
    if (ret == 0)
        return create_publish_co(create, error);
    create_discard_co(create);
    return ret;
}

static int create_image_co(struct create *create, const struct driver *driver, GError **error)
{
    int ret = take_backing(create, driver, error);
    if (ret == 0)
        ret = check_options(create->options, driver->create_options, error);
    if (ret == 0)
        ret = take_size(create, error);
    if (ret == 0)
        ret = check_backing_co(create, error);
    if (ret == 0 && create->size < 0)
        ret = options_refuse(error, EINVAL, "Image creation needs a size parameter");
    if (ret < 0)
        return ret;
    announce(create, driver);
    /* It is in nobody's list; but how far it is can be seen. */
    struct blk_request request;
    registry_enter(&create->registry, &request, BLK_OP_TRUNCATE, 0, 0, 0, NULL);
    ret = make_co(create, driver, error);
    registry_leave(&create->registry, &request, ret);
    return ret;
}

int blk_create_co(const struct blk_create *how, GError **error)
{
    const struct driver *driver = find_driver(how->format, error);
    g_autofree char *path = driver ? name_to_path(how->filename, error) : NULL;
    if (!path)
        return -EINVAL;
    g_autoptr(options) options = how->options ? options_copy(how->options) : options_new();
    struct create create = {.how = how, .options = options, .path = path};
    int ret = create_image_co(&create, driver, error);
    if (create.backing_open)
        blk_close_co(create.backing_open, NULL);
    return ret;
}
