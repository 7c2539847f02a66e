/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/map-other.h"

#include <glib.h>

#include "block/blk.h"
#include "io/filewatch.h"

struct map_other {
    void (*changed)(void *data);
    void *data;
    struct filewatch *watch;
    char **files; /* NULL: it was never open */
};

static void on_event(void *data, unsigned events)
{
    struct map_other *other = data;

    other->changed(other->data);
}

struct map_other *map_other_new(void (*changed)(void *data), void *data)
{
    struct map_other *other = g_new0(struct map_other, 1);

    other->changed = changed;
    other->data = data;
    return other;
}

void map_other_free(struct map_other *other)
{
    if (other) {
        map_other_forget(other);
        g_free(other);
    }
}

/* The names anew: they may be other files' by now. */
static bool watch_names(struct map_other *other, bool folders)
{
    bool any = false;

    filewatch_free(other->watch);
    other->watch = filewatch_new(on_event, other);
    for (char **file = other->files; other->watch && *file; file++) {
        any = filewatch_add_file(other->watch, *file) || any;
        any = (folders && filewatch_add_folder_of(other->watch, *file)) || any;
    }
    return any;
}

bool map_other_watch(struct map_other *other, const struct blk *blk)
{
    g_strfreev(other->files);
    other->files = blk_files(blk, BLK_FILES_ALL);
    return watch_names(other, false);
}

void map_other_await(struct map_other *other)
{
    if (other->files) {
        watch_names(other, true);
    }
}

bool map_other_was_open(const struct map_other *other)
{
    return other->files != NULL;
}

void map_other_forget(struct map_other *other)
{
    g_clear_pointer(&other->watch, filewatch_free);
    g_clear_pointer(&other->files, g_strfreev);
}
