/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `set`, the screen's own options, and the two files of the user's that are read at the start. */
#include <errno.h>
#include <string.h>

#include "engine/report.h"
#include "engine/sink.h"
#include "ui/bind.h"
#include "ui/config.h"
#include "ui/desk-private.h"
#include "ui/setting.h"
#include "ui/themes.h"
#include "util/safetext.h"

enum { WHEEL_MAX = 50 };

/* ---- for those who have options ---- */

static bool refuse(const char *value, const char *wanted, GError **error)
{
    g_autofree char *safe = safetext_escape(value, -1);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "'%s' is not %s", safe, wanted);
    return false;
}

bool setting_parse_switch(const char *value, bool *ret_on, GError **error)
{
    if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0) {
        return refuse(value, "on or off", error);
    }
    *ret_on = value[1] == 'n';
    return true;
}

bool setting_parse_number(const char *value, int least, int most, int *ret_number, GError **error)
{
    int64_t number;
    if (!g_ascii_string_to_signed(value, 10, least, most, &number, NULL)) {
        g_autofree char *wanted = g_strdup_printf("a number from %d to %d", least, most);
        return refuse(value, wanted, error);
    }
    *ret_number = (int)number;
    return true;
}

/* ---- the desk's own ---- */

static char *switch_text(bool on)
{
    return g_strdup(on ? "on" : "off");
}

static char *get_mouse(void *object)
{
    return switch_text(((struct desk *)object)->mouse);
}

static bool set_mouse(void *object, const char *value, GError **error)
{
    bool on;
    if (!setting_parse_switch(value, &on, error)) {
        return false;
    }
    desk_use_mouse(object, on);
    return true;
}

static char *get_wheel(void *object)
{
    return g_strdup_printf("%d", ((struct desk *)object)->wheel_rows);
}

static bool set_wheel(void *object, const char *value, GError **error)
{
    return setting_parse_number(value, 1, WHEEL_MAX, &((struct desk *)object)->wheel_rows, error);
}

static char *get_theme(void *object)
{
    return g_strdup(((struct desk *)object)->theme);
}

static bool set_theme(void *object, const char *value, GError **error)
{
    return desk_theme(object, value, error);
}

static char **theme_names(void *object)
{
    return themes_list(((struct desk *)object)->use_config);
}

static char *get_clipboard(void *object)
{
    return switch_text(((struct desk *)object)->clipboard);
}

static bool set_clipboard(void *object, const char *value, GError **error)
{
    return setting_parse_switch(value, &((struct desk *)object)->clipboard, error);
}

static char *get_usage(void *object)
{
    return switch_text(((struct desk *)object)->usage);
}

static bool set_usage(void *object, const char *value, GError **error)
{
    if (!setting_parse_switch(value, &((struct desk *)object)->usage, error)) {
        return false;
    }
    desk_dirty(object);
    return true;
}

static char *get_background(void *object)
{
    const struct desk *desk = object;
    return g_strdup(desk->follow_background ? "auto" : desk->light ? "light" : "dark");
}

static bool set_background(void *object, const char *value, GError **error)
{
    struct desk *desk = object;
    if (strcmp(value, "auto") != 0 && strcmp(value, "light") != 0 && strcmp(value, "dark") != 0) {
        return refuse(value, "auto, light or dark", error);
    }
    desk->follow_background = true;
    if (value[0] != 'a') {
        desk_background(desk, value[0] == 'l');
        desk->follow_background = false;
    }
    return true;
}

static const struct setting own_settings[] = {
    {"background", "auto|light|dark", "what is behind the terminal's text, for the theme when none was chosen", get_background,
     set_background, NULL},
    {"clipboard", "on|off", "whether what is copied is given to the terminal for its clipboard (OSC 52)", get_clipboard,
     set_clipboard, NULL},
    {"mouse", "on|off", "whether the mouse is the program's; off leaves it to the terminal, for marking text", get_mouse,
     set_mouse, NULL},
    {"theme", "NAME", "the colours; the command theme lists them", get_theme, set_theme, theme_names},
    {"usage", "on|off", "whether a command's usage is shown while it is typed", get_usage, set_usage, NULL},
    {"wheel", "1..50", "rows that a turn of the mouse wheel moves", get_wheel, set_wheel, NULL},
    {NULL},
};

/* ---- all of them ---- */

struct found {
    const struct setting *setting;
    void *object;
};

static const struct setting *table_of(struct desk *desk, int i, void **ret_object)
{
    *ret_object = i < 0 ? (void *)desk : desk->panels[i];
    return i < 0 ? own_settings : desk->panels[i]->ops->settings;
}

/* The one of that name; with none, all of them, in order, NULL behind the last one (g_array_unref). */
static GArray *find(struct desk *desk, const char *name)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(struct found));
    for (int i = -1; i < LAYOUT_PANELS; i++) {
        struct found found;
        const struct setting *table = table_of(desk, i, &found.object);
        for (found.setting = table; table != NULL && found.setting->name != NULL; found.setting++) {
            if (name == NULL || strcmp(found.setting->name, name) == 0) {
                g_array_append_val(all, found);
            }
        }
    }
    return all;
}

bool settings_set(struct desk *desk, const char *name, const char *value, GError **error)
{
    g_autoptr(GArray) all = find(desk, name);
    if (all->len == 0) {
        return refuse(name, "an option; set lists them", error);
    }
    const struct found *found = &g_array_index(all, struct found, 0);
    if (!found->setting->set(found->object, value, error)) {
        g_prefix_error(error, "%s: ", name);
        return false;
    }
    return true;
}

bool settings_each(struct desk *desk, const char *name, settings_show_fn *show, void *data, GError **error)
{
    g_autoptr(GArray) all = find(desk, name);
    if (all->len == 0) {
        return refuse(name, "an option; set lists them", error);
    }
    for (unsigned i = 0; i < all->len; i++) {
        const struct found *found = &g_array_index(all, struct found, i);
        g_autofree char *value = found->setting->get(found->object);
        show(data, found->setting, value);
    }
    return true;
}

char **settings_complete(struct desk *desk, const char *name)
{
    g_autoptr(GArray) all = find(desk, name);
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    if (name != NULL && all->len == 1) {
        const struct found *found = &g_array_index(all, struct found, 0);
        if (found->setting->names != NULL) {
            return found->setting->names(found->object);
        }
        return strchr(found->setting->values, '|') != NULL ? g_strsplit(found->setting->values, "|", -1) : NULL;
    }
    for (unsigned i = 0; i < all->len; i++) {
        g_ptr_array_add(words, g_strdup(g_array_index(all, struct found, i).setting->name));
    }
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

/* ---- files ---- */

static bool take_line(void *data, char **words, unsigned count, GError **error)
{
    unsigned at = count > 0 && strcmp(words[0], "set") == 0 ? 1 : 0; /* lines may be commands as they are typed */
    if (count - at != 2) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "a line has two words: OPTION VALUE");
        return false;
    }
    return settings_set(data, words[at], words[at + 1], error);
}

void settings_load(struct desk *desk)
{
    g_autofree char *path = config_path("config"), *keys = bind_path();
    g_autoptr(GPtrArray) complaints = g_ptr_array_new_with_free_func(g_free);
    config_read(path, take_line, desk, complaints);
    g_autoptr(GPtrArray) collisions = bind_load(keys);
    for (unsigned i = 0; i < complaints->len; i++) {
        desk_note(desk, ROLE_WARNING, complaints->pdata[i]);
    }
    for (unsigned i = 0; i < collisions->len; i++) {
        desk_note(desk, ROLE_WARNING, collisions->pdata[i]);
    }
}
