/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A theme file, shown at every depth. */
#include "fuzz.h"
#include "ui/theme.h"

void fuzz_one(const uint8_t *data, size_t size)
{
    g_autofree char *text = fuzz_text(data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(theme) theme = theme_parse("fuzz", text, &error);
    g_assert_true((theme == NULL) == (error != NULL));
    for (int role = 0; theme && role < ROLE_COUNT; role++) {
        for (int depth = THEME_MONO; depth <= THEME_DIRECT; depth++) {
            struct style style = theme_style(theme, depth, role, 0);
            g_assert_cmpint(style.foreground, >=, -1);
            g_assert_cmpint(style.background, <=, 0xffffff);
        }
    }
    if (error)
        g_assert_true(g_str_has_prefix(error->message, "fuzz"));
}
