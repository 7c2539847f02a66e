/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/described.h"

#include <errno.h>
#include <string.h>

#include "block/driver.h"

/* Of every node, after `driver`; names without a dot have values of their own. */
static const struct driver_option node_options[] = {
    {.name = "node-name", .type = DRIVER_OPTION_STRING},
    {.name = "discard", .type = DRIVER_OPTION_ENUM, .values = (const char *const[]){"ignore", "unmap", NULL}},
    {.name = "cache.direct", .type = DRIVER_OPTION_BOOL},
    {.name = "cache.no-flush", .type = DRIVER_OPTION_BOOL},
    {.name = "read-only", .type = DRIVER_OPTION_BOOL},
    {.name = "auto-read-only", .type = DRIVER_OPTION_BOOL},
    {.name = "force-share", .type = DRIVER_OPTION_BOOL},
    {.name = "detect-zeroes", .type = DRIVER_OPTION_ENUM, .values = (const char *const[]){"off", "on", "unmap", NULL}},
    {},
};

/* What is a string in a table, for there the driver itself says what it does not take. */
static const char *const overlap_values[] = {"none", "constant", "cached", "all", NULL};
static const struct driver_option strict_options[] = {
    {.name = "aio", .type = DRIVER_OPTION_ENUM, .values = (const char *const[]){"threads", "native", "io_uring", NULL}},
    {.name = "locking", .type = DRIVER_OPTION_ENUM, .values = (const char *const[]){"auto", "on", "off", NULL}},
    {.name = "overlap-check", .type = DRIVER_OPTION_ENUM, .values = overlap_values},
    {.name = "overlap-check.template", .type = DRIVER_OPTION_ENUM, .values = overlap_values},
    {},
};

static bool is_integer(const char *value, bool is_unsigned)
{
    char *end;
    errno = 0;
    g_ascii_strtoll(value, &end, 0);
    if (errno == ERANGE && is_unsigned && *value != '-') {
        errno = 0;
        g_ascii_strtoull(value, &end, 0);
    }
    return !errno && end != value && !*end;
}

/* An option whose name has a dot is in an object: messages about what it may be tell the last part. */
static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

static int check_value(const struct driver_option *row, const char *prefix, const char *value, GError **error)
{
    switch (row->type) {
    case DRIVER_OPTION_SIZE:
    case DRIVER_OPTION_NUMBER:
        return is_integer(value, row->type == DRIVER_OPTION_NUMBER || row->huge)
                   ? 0 : options_refuse(error, EINVAL, "Parameter '%s%s' expects integer", prefix, row->name);
    case DRIVER_OPTION_BOOL:
        return options_parse_bool(value) >= 0 ? 0 : options_refuse(error, EINVAL, "Parameter '%s%s' expects 'on' or 'off'", prefix, row->name);
    case DRIVER_OPTION_ENUM:
        return options_parse_enum(value, row->values) >= 0
                   ? 0 : options_refuse(error, EINVAL, "Parameter '%s' does not accept value '%s'", last_part(row->name), value);
    case DRIVER_OPTION_STRING:
    case DRIVER_OPTION_CHILD:
    case DRIVER_OPTION_GROUP:
        break;
    }
    return 0;
}

static int check_values(const struct options *options, const struct driver_option *table, const char *prefix, GError **error)
{
    int ret = 0;
    for (const struct driver_option *row = table; ret == 0 && row && row->name; row++) {
        const char *value = options_get(options, row->name);
        const struct driver_option *strict = driver_option_find(strict_options, row->name);
        if (value)
            ret = check_value(strict ? strict : row, prefix, value, error);
    }
    return ret;
}

/* Nodes below, and what has to be there. */
static int check_members(const struct options *options, const struct driver_option *table, const char *prefix, GError **error)
{
    int ret = 0;
    for (const struct driver_option *row = table; ret == 0 && row && row->name; row++) {
        g_autoptr(options) copy = options_copy(options);
        g_autoptr(options) below = options_take_child(copy, row->name);
        if (row->type == DRIVER_OPTION_CHILD && options_count(below)) {
            g_autofree char *path = g_strdup_printf("%s%s.", prefix, row->name);
            ret = described_check(below, path, error);
        } else if (row->required && !options_has_child(options, row->name)) {
            ret = options_refuse(error, EINVAL, "Parameter '%s%s' is missing", prefix, row->name);
        }
    }
    return ret;
}

/* An object that nobody knows is told by its name alone. */
static int refuse_unknown(const struct options *options, const struct driver_option *table, const char *prefix, GError **error)
{
    for (unsigned i = 0; i < options_count(options); i++) {
        const char *key, *unused;
        options_at(options, i, &key, &unused);
        bool known = strcmp(key, "driver") == 0 || driver_option_find(node_options, key) || driver_option_find(table, key);
        int len = g_str_has_prefix(key, "cache.") ? (int)strlen(key) : (int)strcspn(key, ".");
        if (strcmp(key, "cache") == 0)
            return options_refuse(error, EINVAL, "Invalid parameter type for '%scache', expected: object", prefix);
        if (!known)
            return options_refuse(error, EINVAL, "Parameter '%s%.*s' is unexpected", prefix, len, key);
    }
    return 0;
}

int described_check(const struct options *options, const char *prefix, GError **error)
{
    const char *name = options_get(options, "driver");
    const struct driver *driver = name ? driver_find(name) : NULL;
    if (!name)
        return options_refuse(error, EINVAL, "Parameter '%sdriver' is missing", prefix);
    if (!driver)
        return options_refuse(error, EINVAL, "Parameter 'driver' does not accept value '%s'", name);
    int ret = check_values(options, node_options, prefix, error);
    if (ret == 0)
        ret = check_values(options, driver->options, prefix, error);
    if (ret == 0)
        ret = check_members(options, driver->options, prefix, error);
    return ret < 0 ? ret : refuse_unknown(options, driver->options, prefix, error);
}
