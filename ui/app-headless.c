/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib.h>
#include <langinfo.h>
#include <locale.h>
#include <string.h>

#include "ui/app.h"
#include "ui/desk.h"

enum { SIZE_MAX_COLUMNS = 1000 };

struct app_headless {
    struct desk *desk;
};

/* Nobody looks at frames that nobody asked for, and there is neither a shell to go back to nor a terminal. */
static void nothing(void *data)
{
}

/* Roles are what a screen in memory has, not colours. */
static void dress(void *data, const struct theme *theme)
{
}

static void set_mouse(void *data, bool on)
{
}

static bool copy(void *data, const char *text, size_t len)
{
    return false;
}

static const struct desk_ops desk_ops = {
    .wake = nothing,
    .suspend = nothing,
    .repaint = nothing,
    .dress = dress,
    .mouse = set_mouse,
    .copy = copy,
};

static int size_from(const char *variable, int otherwise)
{
    uint64_t size;
    const char *text = g_getenv(variable);
    return text != NULL && g_ascii_string_to_unsigned(text, 10, 1, SIZE_MAX_COLUMNS, &size, NULL) ? (int)size
                                                                                                  : otherwise;
}

struct app_headless *app_headless_begin(struct session *session)
{
    struct app_headless *headless = g_new0(struct app_headless, 1);
    setlocale(LC_CTYPE, "");
    struct grid_traits traits = {.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0, .colour = app_has_theme()};
    headless->desk = desk_new(session, traits, &desk_ops, NULL);
    desk_resize(headless->desk, size_from("COLUMNS", 80), size_from("LINES", 24));
    app_dress(headless->desk);
    return headless;
}

void app_headless_end(struct app_headless *headless)
{
    if (headless != NULL) {
        desk_free(headless->desk);
        g_free(headless);
    }
}
