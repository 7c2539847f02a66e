/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib.h>

#include "ui/grid.h"
#include "ui/theme.h"

static void test_roles_are_found_by_name(void)
{
    for (int role = 0; role < ROLE_COUNT; role++) {
        g_assert_cmpint(role_parse(role_name(role)), ==, role);
    }
    g_assert_cmpint(role_parse("nonsense"), <, 0);
}

static void assert_refused(const char *text, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(theme_parse("my.theme", text, &error));
    g_assert_cmpstr(error->message, ==, message);
}

static void test_broken_themes_say_what_is_wrong(void)
{
    assert_refused("[colors]\n", "my.theme:1: '[colors]' is neither [colours] nor [mono]");
    assert_refused("\n[colours]\nhat=red\n", "my.theme:3: 'hat' is no role");
    assert_refused("[colours]\ntext=red on mauve\n", "my.theme:2: 'mauve' is no colour or attribute");
    assert_refused("[colours]\ntext=#12345\n", "my.theme:2: '#12345' is no colour or attribute");
    assert_refused("[colours]\ntext=colour256\n", "my.theme:2: 'colour256' is no colour or attribute");
    assert_refused("[mono]\ntext=red\n", "my.theme:2: 'red' is no attribute");
    assert_refused("# one\ntext=red\n", "my.theme:2: 'text=red' comes before [colours] or [mono]");
    assert_refused("[colours]\ntext\033\n", "my.theme:2: 'text\\e' is neither [GROUP] nor ROLE=VALUE");
}

static struct style style_of(const char *value, enum theme_depth depth, unsigned flags)
{
    g_autofree char *text = g_strdup_printf("[colours]\ntext=%s\ncursor=black on cyan\nselection=underline\n", value);
    g_autoptr(GError) error = NULL;
    g_autoptr(theme) theme = theme_parse("t", text, &error);
    g_assert_no_error(error);
    return theme_style(theme, depth, ROLE_TEXT, flags);
}

static void assert_style(const char *value, enum theme_depth depth, int32_t foreground, int32_t background,
                         unsigned attributes)
{
    struct style style = style_of(value, depth, 0);
    g_assert_cmpint(style.foreground, ==, foreground);
    g_assert_cmpint(style.background, ==, background);
    g_assert_cmpuint(style.attributes, ==, attributes);
}

static void test_colours_are_reduced_to_what_there_is(void)
{
    assert_style("#ff0000 on #0000ee bold", THEME_DIRECT, 0xff0000, 0x0000ee, STYLE_BOLD);
    assert_style("#ff0000 on #5f87af", THEME_256, 196, 67, 0);
    assert_style("colour196", THEME_16, 9, -1, 0);
    assert_style("#4c9be8", THEME_16, 12, -1, 0); /* a hue stays a hue */
    assert_style("colour244", THEME_16, 8, -1, 0);
    assert_style("colour244", THEME_8, -1, -1, 0); /* black would not be seen */
    assert_style("bright-black", THEME_8, -1, -1, 0);
    assert_style("bright-red", THEME_8, 1, -1, STYLE_BOLD);
    assert_style("bright-red on blue underline", THEME_MONO, -1, -1, 0);
    assert_style("default", THEME_256, -1, -1, 0);
    assert_style("#93a1a1 on #002b36", THEME_16, 8, 0, 0); /* a dark tint is black, no blue */
    assert_style("#010101 on #020202", THEME_16, -1, -1, STYLE_REVERSE | STYLE_BOLD); /* both black: still to be seen */
}

/* Nothing may disappear on the terminal's own background, whichever that is. */
static void test_default_theme_is_visible_at_every_depth(void)
{
    g_autoptr(theme) theme = theme_default();
    for (int depth = THEME_8; depth <= THEME_DIRECT; depth++) {
        for (int role = 0; role < ROLE_COUNT; role++) {
            for (unsigned flags = 0; flags < 4; flags++) {
                struct style style = theme_style(theme, (enum theme_depth)depth, role, flags);
                bool black_or_white =
                    style.foreground == 0 || style.foreground == (depth == THEME_DIRECT ? 0xffffff : 15);
                g_assert_true(!black_or_white || style.background >= 0);
            }
        }
    }
}

static void test_flags_lie_over_the_role(void)
{
    struct style style = style_of("red on blue", THEME_16, CELL_CURSOR);
    g_assert_cmpint(style.foreground, ==, 0);
    g_assert_cmpint(style.background, ==, 6);
    style = style_of("red on blue", THEME_16, CELL_SELECTED);
    g_assert_cmpint(style.foreground, ==, 1);
    g_assert_cmpuint(style.attributes, ==, STYLE_UNDERLINE);
    style = style_of("red", THEME_MONO, CELL_CURSOR);
    g_assert_cmpuint(style.attributes, ==, STYLE_REVERSE);
}

static void test_no_color_is_respected(void)
{
    g_unsetenv("NO_COLOR");
    g_assert_cmpint(theme_depth_for(256, false), ==, THEME_256);
    g_assert_cmpint(theme_depth_for(1 << 24, true), ==, THEME_DIRECT);
    g_assert_cmpint(theme_depth_for(2, false), ==, THEME_MONO);
    g_setenv("NO_COLOR", "1", TRUE);
    g_assert_cmpint(theme_depth_for(256, false), ==, THEME_MONO);
    g_setenv("NO_COLOR", "", TRUE);
    g_assert_cmpint(theme_depth_for(16, false), ==, THEME_16);
    g_unsetenv("NO_COLOR");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/theme/roles-are-found-by-name", test_roles_are_found_by_name);
    g_test_add_func("/theme/broken-themes-say-what-is-wrong", test_broken_themes_say_what_is_wrong);
    g_test_add_func("/theme/colours-are-reduced-to-what-there-is", test_colours_are_reduced_to_what_there_is);
    g_test_add_func("/theme/default-theme-is-visible-at-every-depth", test_default_theme_is_visible_at_every_depth);
    g_test_add_func("/theme/flags-lie-over-the-role", test_flags_lie_over_the_role);
    g_test_add_func("/theme/no-color-is-respected", test_no_color_is_respected);
    return g_test_run();
}
