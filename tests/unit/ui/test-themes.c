/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The themes there are, and where they are found. */
#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "ui/grid.h"
#include "ui/themes.h"

static char *config; /* the folder for this test's configuration */

/* ---- the built-in ones ---- */

static void test_every_theme_names_every_role(void)
{
    static const char *const wanted[] = {"default", "dark",      "light", "high-contrast", "colour-blind", "mono",
                                         "gruvbox", "solarized", "solarized-light", "nord", "dracula", "catppuccin"};
    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
        g_assert_nonnull(theme_builtin_text(wanted[i]));
    }
    for (unsigned i = 0; theme_builtin_name(i) != NULL; i++) {
        const char *name = theme_builtin_name(i);
        g_autoptr(GError) error = NULL;
        g_autoptr(GKeyFile) file = g_key_file_new();
        g_autoptr(theme) theme = theme_parse(name, theme_builtin_text(name), &error);
        g_assert_no_error(error);
        g_assert_nonnull(theme);
        g_assert_true(g_key_file_load_from_data(file, theme_builtin_text(name), (gsize)-1, G_KEY_FILE_NONE, NULL));
        for (int role = 0; role < ROLE_COUNT; role++) {
            if (!g_key_file_has_key(file, "colours", role_name(role), NULL)) {
                g_error("%s does not name %s", name, role_name(role));
            }
        }
    }
}

static double luminance(int32_t rgb)
{
    static const double weights[] = {0.0722, 0.7152, 0.2126};
    double sum = 0;
    for (int i = 0; i < 3; i++) {
        double part = (rgb >> (8 * i) & 255) / 255.0;
        sum += weights[i] * (part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4));
    }
    return sum;
}

static double contrast_of(int32_t one, int32_t other)
{
    double a = luminance(one), b = luminance(other);
    return (MAX(a, b) + 0.05) / (MIN(a, b) + 0.05);
}

static double contrast(const struct style *style)
{
    return contrast_of(style->foreground, style->background);
}

/* How far apart two colours are, in steps of a channel. */
static double distance(int32_t a, int32_t b)
{
    double sum = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        double by = (a >> shift & 255) - (b >> shift & 255);
        sum += by * by;
    }
    return sqrt(sum);
}

static bool is_terminals_own(const char *name)
{
    return strcmp(name, "default") == 0 || strcmp(name, "mono") == 0;
}

static void check_readable(const char *name, const struct theme *theme, enum role role, unsigned flags)
{
    struct style style = theme_style(theme, THEME_DIRECT, role, flags);
    double least = strcmp(name, "high-contrast") == 0 ? 7 : role == ROLE_TEXT || role == ROLE_INPUT ? 4.5 : 3;
    g_assert_cmpint(style.foreground, >=, 0);
    g_assert_cmpint(style.background, >=, 0);
    if (contrast(&style) < least) {
        g_printerr("%s: %s (flags %u): contrast %.1f\n", name, role_name(role), flags, contrast(&style));
        g_test_fail();
    }
    for (int depth = THEME_8; depth < THEME_DIRECT; depth++) {
        style = theme_style(theme, (enum theme_depth)depth, role, flags);
        g_assert_true(style.foreground != style.background || style.attributes & STYLE_REVERSE);
    }
}

static void test_every_theme_is_readable_on_its_own_ground(void)
{
    for (unsigned i = 0; theme_builtin_name(i) != NULL; i++) {
        const char *name = theme_builtin_name(i);
        g_autoptr(theme) theme = theme_parse(name, theme_builtin_text(name), NULL);
        for (int role = 0; !is_terminals_own(name) && role < ROLE_COUNT; role++) {
            for (unsigned flags = 0; flags < 4; flags++) {
                check_readable(name, theme, (enum role)role, flags);
            }
        }
    }
}

/* The terminal's own ground may be black or white. */
static void test_the_default_theme_is_readable_on_black_and_on_white(void)
{
    g_autoptr(theme) theme = theme_default();
    for (int role = 0; role < ROLE_COUNT; role++) {
        for (unsigned flags = 0; flags < 4; flags++) {
            struct style style = theme_style(theme, THEME_DIRECT, (enum role)role, flags);
            int32_t grounds[] = {0x000000, 0xffffff};
            for (size_t i = 0; i < G_N_ELEMENTS(grounds) && style.foreground >= 0; i++) {
                double has = contrast_of(style.foreground, style.background >= 0 ? style.background : grounds[i]);
                if (has < 3) {
                    g_printerr("default: %s (flags %u) on %06x: contrast %.1f\n", role_name((enum role)role), flags, (unsigned)grounds[i], has);
                    g_test_fail();
                }
            }
        }
    }
}

/* ---- few colours ---- */

/* Of the Linux console, which has eight and shows bold ones bright, and of xterm. */
static const int32_t few_colours[2][16] = {
    {0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa,
     0x555555, 0xff5555, 0x55ff55, 0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff},
    {0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
     0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff},
};

/* On a terminal that may show bold ones bright, and whose own ground is black. */
static double contrast_of_few(const struct style *style, enum theme_depth depth, const int32_t *colours)
{
    int32_t foreground = style->foreground < 0 ? 7 : style->foreground;
    foreground = depth == THEME_8 && style->attributes & STYLE_BOLD ? foreground | 8 : foreground;
    double contrast = contrast_of(colours[foreground], colours[MAX(style->background, 0)]);
    return style->foreground < 0 && style->background < 0 ? 21 : contrast; /* the terminal's own */
}

static void test_every_theme_is_readable_with_few_colours(void)
{
    for (unsigned i = 0; theme_builtin_name(i) != NULL; i++) {
        const char *name = theme_builtin_name(i);
        g_autoptr(theme) theme = theme_parse(name, theme_builtin_text(name), NULL);
        for (int depth = THEME_8; depth <= THEME_16 && !is_terminals_own(name); depth++) {
            int32_t ground = theme_style(theme, (enum theme_depth)depth, ROLE_TEXT, 0).background;
            int32_t cursor = theme_style(theme, (enum theme_depth)depth, ROLE_CURSOR, 0).background;
            int32_t selection = theme_style(theme, (enum theme_depth)depth, ROLE_TEXT, CELL_SELECTED).background;
            if (ground == cursor || ground == selection || cursor == selection) {
                g_printerr("%s, %d: ground %d, cursor %d, selection %d\n", name, depth, ground, cursor, selection);
                g_test_fail();
            }
        }
        for (int at = 0; at < ROLE_COUNT * 4 * 3; at++) {
            static const char *const terminals[] = {"linux", "xterm", "xterm-16color"};
            enum role role = (enum role)(at / 12);
            unsigned flags = (unsigned)at / 3 % 4;
            enum theme_depth depth = at % 3 == 2 ? THEME_16 : THEME_8;
            struct style style = theme_style(theme, depth, role, flags);
            bool block = flags == 0 && role >= ROLE_KIND_DATA && role <= ROLE_KIND_UNKNOWN && style.background > 0; /* nothing to be read */
            double has = contrast_of_few(&style, depth, few_colours[at % 3 != 0]);
            if (has < 2.75 && !block) {
                g_printerr("%s: %s (flags %u), %s: %d on %d, contrast %.1f\n", name, role_name(role), flags, terminals[at % 3], style.foreground,
                           style.background, has);
                g_test_fail();
            }
        }
    }
}

static void check_apart(const char *theme, const char *what, double is, double least)
{
    if (is < least) {
        g_printerr("%s: %s: %.1f\n", theme, what, is);
        g_test_fail();
    }
}

/* The cursor lies among the map's colours and over matches, the selection on the ground; kinds lie beside each other. */
static void test_marks_and_kinds_stay_apart(void)
{
    static const enum role kinds[] = {ROLE_KIND_DATA, ROLE_KIND_ZERO_ALLOCATED, ROLE_KIND_COMPRESSED, ROLE_KIND_MIXED};
    for (unsigned i = 0; theme_builtin_name(i) != NULL; i++) {
        const char *name = theme_builtin_name(i);
        g_autoptr(theme) theme = theme_parse(name, theme_builtin_text(name), NULL);
        if (strcmp(name, "mono") == 0) {
            continue;
        }
        struct style cursor = theme_style(theme, THEME_DIRECT, ROLE_CURSOR, 0), selection = theme_style(theme, THEME_DIRECT, ROLE_SELECTION, 0);
        struct style match = theme_style(theme, THEME_DIRECT, ROLE_BYTE_MATCH, 0), text = theme_style(theme, THEME_DIRECT, ROLE_TEXT, 0);
        struct style changed = theme_style(theme, THEME_DIRECT, ROLE_BYTE_CHANGED, CELL_SELECTED);
        check_apart(name, "cursor and selection", distance(cursor.background, selection.background), 70);
        check_apart(name, "cursor and match", distance(cursor.background, match.background), 70);
        check_apart(name, "selection and match", distance(selection.background, match.background), 70);
        if (text.background >= 0) {
            check_apart(name, "selection and ground", contrast_of(selection.background, text.background), 1.4);
        }
        /* A match and a changed byte are known under the selection, too. */
        g_assert_cmpuint(theme_style(theme, THEME_DIRECT, ROLE_BYTE_MATCH, CELL_SELECTED).attributes, !=, selection.attributes);
        g_assert_cmpuint(changed.attributes, !=, selection.attributes);
        for (size_t j = 0; j < G_N_ELEMENTS(kinds); j++) {
            struct style kind = theme_style(theme, THEME_DIRECT, kinds[j], 0);
            check_apart(name, role_name(kinds[j]), distance(kind.foreground, cursor.background), 70);
            for (size_t k = 0; k < j; k++) {
                struct style other = theme_style(theme, THEME_DIRECT, kinds[k], 0);
                check_apart(name, role_name(kinds[j]), distance(kind.foreground, other.foreground), 40);
            }
        }
    }
}

/* A cursor among cells that are reversed themselves. */
static void test_a_cursor_on_reversed_cells_is_seen(void)
{
    g_autoptr(theme) theme = theme_default(), mono = theme_parse("mono", theme_builtin_text("mono"), NULL);
    for (int role = 0; role < ROLE_COUNT; role++) {
        g_assert_cmpuint(theme_style(theme, THEME_MONO, (enum role)role, 0).attributes, !=,
                         theme_style(theme, THEME_MONO, (enum role)role, CELL_CURSOR).attributes);
        g_assert_cmpuint(theme_style(mono, THEME_256, (enum role)role, 0).attributes, !=,
                         theme_style(mono, THEME_256, (enum role)role, CELL_CURSOR).attributes);
    }
}

/* What needs attention is told apart without colour, too. */
static void test_meaning_is_never_in_the_colour_alone(void)
{
    static const enum role roles[] = {ROLE_ERROR, ROLE_WARNING, ROLE_STATE_FAILED, ROLE_STATE_SUSPENDED,
                                      ROLE_KIND_ERROR};
    for (unsigned i = 0; theme_builtin_name(i) != NULL; i++) {
        g_autoptr(theme) theme = theme_parse("t", theme_builtin_text(theme_builtin_name(i)), NULL);
        for (size_t j = 0; j < G_N_ELEMENTS(roles); j++) {
            g_assert_cmpuint(theme_style(theme, THEME_MONO, roles[j], 0).attributes, !=, 0);
        }
        g_assert_cmpuint(theme_style(theme, THEME_MONO, ROLE_TEXT, CELL_SELECTED).attributes, !=,
                         theme_style(theme, THEME_MONO, ROLE_TEXT, CELL_CURSOR).attributes);
    }
    g_autoptr(theme) mono = theme_parse("t", theme_builtin_text("mono"), NULL);
    for (int role = 0; role < ROLE_COUNT; role++) {
        struct style style = theme_style(mono, THEME_DIRECT, (enum role)role, CELL_SELECTED);
        g_assert_cmpint(style.foreground, ==, -1);
        g_assert_cmpint(style.background, ==, -1);
    }
}

/* ---- finding them ---- */

static char *write_theme(const char *folder, const char *file, const char *text)
{
    char *path = g_build_filename(config, folder, file, NULL);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    return path;
}

static int32_t text_colour(const char *name, bool use_config)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(theme) theme = themes_load(name, use_config, &error);
    g_assert_no_error(error);
    return theme_style(theme, THEME_DIRECT, ROLE_TEXT, 0).foreground;
}

static void assert_refused(const char *name, bool use_config, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(themes_load(name, use_config, &error));
    g_assert_cmpstr(error->message, ==, message);
}

static void test_a_name_is_built_in_then_own_then_a_path(void)
{
    g_autofree char *mine = write_theme("blkscope/themes", "mine.theme", "[colours]\ntext=#010203\n");
    g_autofree char *nord = write_theme("blkscope/themes", "nord.theme", "[colours]\ntext=#010203\n");
    g_autofree char *path = write_theme(".", "a.theme", "# a comment\n\n[colours]\r\n text = #040506 \r\n");
    g_assert_cmpint(text_colour("mine", true), ==, 0x010203);
    g_assert_cmpint(text_colour("nord", true), ==, 0xd8dee9);
    g_assert_cmpint(text_colour(path, true), ==, 0x040506);
    assert_refused("mine", false, "mine: neither a theme nor a file; the command theme lists the themes");
    g_auto(GStrv) all = themes_list(true), builtin = themes_list(false);
    g_assert_cmpuint(g_strv_length(all), ==, g_strv_length(builtin) + 1);
    g_assert_cmpstr(all[0], ==, "default");
    g_assert_cmpstr(all[g_strv_length(builtin)], ==, "mine");
    g_unlink(mine);
    g_unlink(nord);
    g_unlink(path);
}

static void test_what_is_wrong_is_said_with_file_and_line(void)
{
    g_autofree char *broken = write_theme("blkscope/themes", "broken.theme", "# mine\n[colours]\ntext=red\nhat=red\n");
    g_autofree char *message = g_strdup_printf("%s:4: 'hat' is no role", broken);
    assert_refused("broken", true, message);
    g_autofree char *folder = g_strdup_printf("%s: not a theme: not a regular file", config);
    assert_refused(config, true, folder);
    assert_refused("/dev/zero", true, "/dev/zero: not a theme: not a regular file");
    assert_refused("no\033[31msuch", true,
                   "no\\e[31msuch: neither a theme nor a file; the command theme lists the themes");
    g_assert_true(g_file_set_contents(broken, "[colours]\0\n", 11, NULL));
    g_autofree char *nul = g_strdup_printf("%s: not a theme: has NUL bytes", broken);
    assert_refused("broken", true, nul);
    g_unlink(broken);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_test_init(&argc, &argv, NULL);
    config = g_dir_make_tmp("blkscope-XXXXXX", &error);
    g_assert_no_error(error);
    g_setenv("XDG_CONFIG_HOME", config, TRUE);
    g_autofree char *blkscope = g_build_filename(config, "blkscope", NULL);
    g_autofree char *themes = g_build_filename(blkscope, "themes", NULL);
    g_assert_cmpint(g_mkdir_with_parents(themes, 0700), ==, 0);
    g_test_add_func("/themes/every-theme-names-every-role", test_every_theme_names_every_role);
    g_test_add_func("/themes/every-theme-is-readable-on-its-own-ground",
                    test_every_theme_is_readable_on_its_own_ground);
    g_test_add_func("/themes/the-default-theme-is-readable-on-black-and-on-white",
                    test_the_default_theme_is_readable_on_black_and_on_white);
    g_test_add_func("/themes/every-theme-is-readable-with-few-colours", test_every_theme_is_readable_with_few_colours);
    g_test_add_func("/themes/marks-and-kinds-stay-apart", test_marks_and_kinds_stay_apart);
    g_test_add_func("/themes/a-cursor-on-reversed-cells-is-seen", test_a_cursor_on_reversed_cells_is_seen);
    g_test_add_func("/themes/meaning-is-never-in-the-colour-alone", test_meaning_is_never_in_the_colour_alone);
    g_test_add_func("/themes/a-name-is-built-in-then-own-then-a-path", test_a_name_is_built_in_then_own_then_a_path);
    g_test_add_func("/themes/what-is-wrong-is-said-with-file-and-line", test_what_is_wrong_is_said_with_file_and_line);
    int status = g_test_run();
    g_rmdir(themes);
    g_rmdir(blkscope);
    g_rmdir(config);
    g_free(config);
    return status;
}
