/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib.h>
#include <math.h>
#include <string.h>

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
    assert_refused("[colours]\ntext=red on\n", "my.theme:2: 'on' is not in its place: a colour, on and another one");
    assert_refused("[colours]\ntext=red on blue on green\n", "my.theme:2: 'on' is not in its place: a colour, on and another one");
    assert_refused("[colours]\ntext=red blue\n", "my.theme:2: 'blue' is not in its place: a colour, on and another one");
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

/* ---- contrast, as the Web Content Accessibility Guidelines (2.1, relative luminance) count it ---- */

/* What xterm shows of a colour that is ready for it. */
static uint32_t shown(int32_t colour, enum theme_depth depth)
{
    static const uint8_t steps[6] = {0, 95, 135, 175, 215, 255};
    static const uint32_t first[16] = {
        0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
        0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
    };
    if (depth == THEME_DIRECT || colour < 16) {
        return depth == THEME_DIRECT ? (uint32_t)colour : first[colour];
    }
    if (colour >= 232) {
        return (uint32_t)(8 + (colour - 232) * 10) * 0x010101;
    }
    colour -= 16;
    return (uint32_t)steps[colour / 36] << 16 | (uint32_t)steps[colour / 6 % 6] << 8 | steps[colour % 6];
}

static double luminance(uint32_t rgb)
{
    static const double weights[3] = {0.0722, 0.7152, 0.2126};
    double sum = 0;
    for (int i = 0; i < 3; i++) {
        double part = (rgb >> 8 * i & 255) / 255.0;
        sum += weights[i] * (part <= 0.03928 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4));
    }
    return sum;
}

static double contrast(uint32_t a, uint32_t b)
{
    double one = luminance(a) + 0.05, other = luminance(b) + 0.05;
    return MAX(one, other) / MIN(one, other);
}

/* Frames and the blocks of the map are seen, not read. */
static bool is_decoration(enum role role, unsigned flags)
{
    return flags == 0 && (role == ROLE_FRAME || role == ROLE_FRAME_FOCUS || (role >= ROLE_KIND_DATA && role <= ROLE_KIND_UNKNOWN));
}

/* ground and text: the terminal's own. */
static void check_contrast(const char *name, enum theme_depth depth, uint32_t ground, uint32_t text, double least)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(theme) theme = theme_parse(name, theme_builtin_text(name), &error);
    g_assert_no_error(error);
    for (int role = 0; role < ROLE_COUNT; role++) {
        for (unsigned flags = 0; flags < 4; flags++) {
            struct style style = theme_style(theme, depth, (enum role)role, flags);
            double found = contrast(style.foreground < 0 ? text : shown(style.foreground, depth), style.background < 0 ? ground : shown(style.background, depth));
            if (found < (is_decoration((enum role)role, flags) ? 3 : least)) {
                g_error("%s, %s, depth %d, flags %u: a contrast of %.2f", name, role_name((enum role)role), (int)depth, flags, found);
            }
        }
    }
}

static void test_every_theme_can_be_read(void)
{
    for (unsigned i = 0; theme_builtin_name(i) != NULL; i++) {
        const char *name = theme_builtin_name(i);
        bool own_ground = strcmp(name, "default") != 0 && strcmp(name, "mono") != 0;
        for (int depth = THEME_256; depth <= THEME_DIRECT; depth++) {
            /* Of the 240 colours few are as far from black as from white. */
            double least = own_ground || depth == THEME_DIRECT ? 4.5 : 3.95;
            check_contrast(name, (enum theme_depth)depth, 0x000000, 0xffffff, least);
            check_contrast(name, (enum theme_depth)depth, 0xffffff, 0x000000, least);
        }
    }
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
    g_test_add_func("/theme/every-theme-can-be-read", test_every_theme_can_be_read);
    return g_test_run();
}
