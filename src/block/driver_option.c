/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/driver_option.h"

#include <errno.h>
#include <string.h>

#include "util/size.h"

/* The lines after the first help a person, as the reference program's do. */
#define SIZE_HINT \
    "\nOptional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively."

static bool check_size(const struct driver_option *row, const char *value, GError **error)
{
    const char *key = row->name;
    uint64_t size;
    int ret = size_parse_huge(value, &size);

    if (ret == 0 && !row->huge && size > INT64_MAX)
        ret = -ERANGE;
    if (ret == -ERANGE)
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Value '%s' is out of range for parameter '%s'", value, key);
    else if (ret < 0)
        g_set_error(error, OPTIONS_ERROR, EINVAL,
                    "Parameter '%s' expects a non-negative number below 2^64" SIZE_HINT, key);
    return ret == 0;
}

static bool check_number(const char *key, const char *value, GError **error)
{
    uint64_t number;
    int ret = options_parse_number(value, &number);

    if (ret == -ERANGE)
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Value '%s' is too large for parameter '%s'", value, key);
    else if (ret < 0)
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Parameter '%s' expects a number", key);
    return ret == 0;
}

static bool check_type(const struct driver_option *row, const char *value, GError **error)
{
    switch (row->type) {
    case DRIVER_OPTION_SIZE:
        return check_size(row, value, error);
    case DRIVER_OPTION_NUMBER:
        return check_number(row->name, value, error);
    case DRIVER_OPTION_BOOL:
        if (options_parse_bool(value) >= 0)
            return true;
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Parameter '%s' expects 'on' or 'off'", row->name);
        return false;
    case DRIVER_OPTION_ENUM:
        if (options_parse_enum(value, row->values) >= 0)
            return true;
        g_set_error(error, OPTIONS_ERROR, EINVAL, "invalid parameter value: %s", value);
        return false;
    case DRIVER_OPTION_STRING:
    case DRIVER_OPTION_CHILD:
    case DRIVER_OPTION_GROUP:
        break;
    }
    return true;
}

bool driver_option_check(const struct options *options, const struct driver_option *table, GError **error)
{
    for (const struct driver_option *row = table; row && row->name; row++) {
        const char *value = options_get(options, row->name);

        if (value && !check_type(row, value, error))
            return false;
    }
    return true;
}

const struct driver_option *driver_option_find(const struct driver_option *table, const char *key)
{
    for (const struct driver_option *row = table; row && row->name; row++) {
        size_t len = strlen(row->name);
        bool below = row->type == DRIVER_OPTION_CHILD || row->type == DRIVER_OPTION_GROUP;
        bool exact = row->type != DRIVER_OPTION_GROUP;

        if (strncmp(row->name, key, len) == 0 && ((exact && !key[len]) || (below && key[len] == '.')))
            return row;
    }
    return NULL;
}
