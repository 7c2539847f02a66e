/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/themes.h"

#include <glib/gstdio.h>
#include <string.h>

#include "ui/config.h"
#include "util/safetext.h"

enum { SIZE_MAX_BYTES = 1 << 20 };

#define SUFFIX ".theme"

/* file NULL: where they all are. */
static char *own_path(const char *file)
{
    g_autofree char *folder = config_path("themes");
    return g_build_filename(folder, file, NULL);
}

/* The user's own file of that name, NULL when there is none.  A name with a slash is a path and nothing else. */
static char *find_own(const char *name)
{
    g_autofree char *file = g_strconcat(name, SUFFIX, NULL);
    g_autofree char *path = strchr(name, '/') == NULL ? own_path(file) : NULL;
    return path != NULL && g_file_test(path, G_FILE_TEST_EXISTS) ? g_steal_pointer(&path) : NULL;
}

/* Never waits (a pipe) and never ends up with more than a theme can be (a disk). */
static struct theme *load_file(const char *path, GError **error)
{
    g_autofree char *safe = safetext_escape(path, -1), *text = NULL;
    g_autoptr(GError) why = NULL;
    gsize length;
    GStatBuf info;
    if (g_stat(path, &info) == 0 && (!S_ISREG(info.st_mode) || info.st_size > SIZE_MAX_BYTES)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: not a theme: %s", safe,
                    S_ISREG(info.st_mode) ? "larger than 1 MiB" : "not a regular file");
        return NULL;
    }
    if (!g_file_get_contents(path, &text, &length, &why)) {
        bool missing = g_error_matches(why, G_FILE_ERROR, G_FILE_ERROR_NOENT);
        g_set_error(error, G_FILE_ERROR, why->code, "%s: %s", safe,
                    missing ? "neither a theme nor a file; the command theme lists the themes" : "can't be read");
        return NULL;
    }
    if (strlen(text) != length) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: not a theme: has NUL bytes", safe);
        return NULL;
    }
    return theme_parse(safe, text, error);
}

struct theme *themes_load(const char *name, bool use_config, GError **error)
{
    const char *text = theme_builtin_text(name);
    if (text != NULL) {
        return theme_parse(name, text, error);
    }
    g_autofree char *own = use_config ? find_own(name) : NULL;
    return load_file(own != NULL ? own : name, error);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **themes_list(bool use_config)
{
    GPtrArray *names = g_ptr_array_new();
    g_autofree char *path = own_path(NULL);
    g_autoptr(GDir) dir = use_config ? g_dir_open(path, 0, NULL) : NULL;
    const char *file;
    while (dir != NULL && (file = g_dir_read_name(dir)) != NULL) {
        g_autofree char *name = g_strndup(file, strlen(file) - MIN(strlen(file), strlen(SUFFIX)));
        if (g_str_has_suffix(file, SUFFIX) && *name != '\0' && theme_builtin_text(name) == NULL) {
            g_ptr_array_add(names, g_steal_pointer(&name));
        }
    }
    g_ptr_array_sort(names, compare);
    for (unsigned i = 0; theme_builtin_name(i) != NULL; i++) {
        g_ptr_array_insert(names, (int)i, g_strdup(theme_builtin_name(i)));
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}
