/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files.h"

#include <stdlib.h>

#include <glib.h>
#include <glib/gstdio.h>

static char *folder, *file;

static void clean_up(void)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_unlink(path);
    }
    g_rmdir(folder);
    g_free(folder);
    g_free(file);
}

const char *fuzz_folder(void)
{
    if (!folder) {
        /* In memory where that can be had: what is written for good is waited for. */
        folder = g_strdup("/dev/shm/fuzz-XXXXXX");
        if (!g_mkdtemp(folder)) {
            g_free(folder);
            folder = g_dir_make_tmp("fuzz-XXXXXX", NULL);
        }
        g_assert_nonnull(folder);
        file = g_build_filename(folder, "file", NULL);
        atexit(clean_up);
    }
    return folder;
}

const char *fuzz_file(const uint8_t *data, size_t size)
{
    fuzz_folder();
    g_assert_true(g_file_set_contents_full(file, (const char *)data, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    return file;
}
