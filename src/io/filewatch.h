/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hears from the kernel that files were written, or that their names are others' now (inotify). */
#pragma once

#include <stdbool.h>

struct filewatch;

enum filewatch_events {
    FILEWATCH_WRITTEN = 1 << 0, /* perhaps; also cut off or grown */
    FILEWATCH_RENAMED = 1 << 1, /* perhaps: moved, deleted, something else put in its place; in a folder: there is a name more */
};

/* Called from the loop, once for all that happened since; by whom, where and how often is not told.  It may free the watch. */
typedef void filewatch_fn(void *data, unsigned events);

/* Watches nothing to begin with.  NULL: there is nothing to watch with. */
struct filewatch *filewatch_new(filewatch_fn *fn, void *data);
/* Raw bytes; false: it can't be watched. */
bool filewatch_add_file(struct filewatch *watch, const char *name);
/* That a name comes into the folder of the file called name. */
bool filewatch_add_folder_of(struct filewatch *watch, const char *name);
/* watch may be NULL. */
void filewatch_free(struct filewatch *watch);
