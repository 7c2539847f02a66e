/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/objects.h"

#include <errno.h>

/* One table for the program: ids are given once, on the command line, before any image is open. */
static GHashTable *objects;

int objects_add(struct options *object, GError **error)
{
    const char *id = options_get(object, "id");

    if (!objects)
        objects = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)options_free);
    if (g_hash_table_contains(objects, id)) {
        g_set_error(error, OPTIONS_ERROR, EEXIST, "attempt to add duplicate property '%s' to object (type 'container')", id);
        options_free(object);
        return -EEXIST;
    }
    g_hash_table_insert(objects, g_strdup(id), object);
    return 0;
}

const struct options *objects_find(const char *id)
{
    return objects ? g_hash_table_lookup(objects, id) : NULL;
}
