/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Completion of what an image is opened with: keys and values of the last part of "key=value,key". */
#include <string.h>

#include "block/blk.h"
#include "block/driver.h"
#include "engine/complete-options.h"

static const char *const switches[] = {"off", "on", NULL};
static const char *const discards[] = {"ignore", "unmap", NULL};
static const char *const detections[] = {"off", "on", "unmap", NULL};

/* What every node takes. */
static const struct {
    const char *key;
    const char *const *values; /* NULL: anything */
} common[] = {
    {"auto-read-only", switches},  {"cache.direct", switches}, {"cache.no-flush", switches}, {"detect-zeroes", detections},
    {"discard", discards},         {"driver", NULL},           {"file.filename", NULL},      {"force-share", switches},
    {"node-name", NULL},           {"read-only", switches},
};

struct part {
    const char *word; /* all of it */
    int before;       /* bytes of it that stay as they are */
    GPtrArray *found;
};

static void offer(const struct part *part, const char *text, const char *behind)
{
    g_autofree char *candidate = g_strdup_printf("%.*s%s%s", part->before, part->word, text, behind);
    if (g_str_has_prefix(candidate, part->word) && !g_ptr_array_find_with_equal_func(part->found, candidate, g_str_equal, NULL))
        g_ptr_array_add(part->found, g_steal_pointer(&candidate));
}

static void offer_all(const struct part *part, const char *const *texts)
{
    for (; texts && *texts; texts++)
        offer(part, *texts, "");
}

/* The driver that the options name, else the ones that an image usually has. */
static unsigned drivers(const char *word, const struct driver *ret_drivers[static 2])
{
    g_auto(GStrv) options = g_strsplit(word, ",", -1);
    for (char **option = options; *option; option++) {
        if (g_str_has_prefix(*option, "driver="))
            ret_drivers[0] = driver_find(*option + strlen("driver="));
    }
    if (ret_drivers[0])
        return 1;
    ret_drivers[0] = driver_find("qcow2");
    ret_drivers[1] = driver_find("raw");
    return 2;
}

static void offer_keys(const struct part *part)
{
    const struct driver *of[2] = {NULL};
    unsigned count = drivers(part->word, of);
    for (size_t i = 0; i < G_N_ELEMENTS(common); i++)
        offer(part, common[i].key, "=");
    for (unsigned i = 0; i < count; i++) {
        for (const struct driver_option *row = of[i] ? of[i]->options : NULL; row && row->name; row++)
            offer(part, row->name, row->type == DRIVER_OPTION_CHILD || row->type == DRIVER_OPTION_GROUP ? "." : "=");
    }
}

static void offer_values(const struct part *part, const char *key)
{
    const struct driver *of[2] = {NULL};
    unsigned count = drivers(part->word, of);
    if (!strcmp(key, "driver"))
        offer_all(part, blk_driver_names());
    for (size_t i = 0; i < G_N_ELEMENTS(common); i++) {
        if (!strcmp(common[i].key, key))
            offer_all(part, common[i].values);
    }
    for (unsigned i = 0; i < count; i++) {
        const struct driver_option *row = of[i] && of[i]->options ? driver_option_find(of[i]->options, key) : NULL;
        if (row)
            offer_all(part, row->type == DRIVER_OPTION_BOOL ? switches : row->type == DRIVER_OPTION_ENUM ? row->values : NULL);
    }
}

void complete_open_options(GPtrArray *found, const char *word)
{
    const char *comma = strrchr(word, ','), *last = comma ? comma + 1 : word, *equals = strchr(last, '=');
    struct part part = {word, (int)((equals ? equals + 1 : last) - word), found};
    if (equals) {
        g_autofree char *key = g_strndup(last, (gsize)(equals - last));
        offer_values(&part, key);
    } else {
        offer_keys(&part);
    }
}
