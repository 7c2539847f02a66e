/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The screen as a picture for documents. */
#include <string.h>

#include "ui/shot.h"

static char *shot(struct grid *grid)
{
    g_autoptr(theme) theme = theme_parse("test", "[colours]\ntext=#010203 on #040506\ndim=#0a0b0c on #040506 reverse bold\n", NULL);

    g_assert_nonnull(theme);
    return shot_svg(grid, theme);
}

static void test_words(void)
{
    struct grid *grid = grid_new(12, 2, (struct grid_traits){.utf8 = true, .colour = true});
    surface_put(surface_of(grid), 0, 0, ROLE_TEXT, "a<&b \"c\"");
    surface_put(surface_of(grid), 4, 1, ROLE_DIM, "\xe2\x96\x88 x");
    g_autofree char *svg = shot(grid);

    g_assert_true(g_str_has_prefix(svg, "<svg ") && g_str_has_suffix(svg, "</svg>\n"));
    g_assert_nonnull(strstr(svg, "<text x=\"0\" y=\"13\" fill=\"#010203\">a&lt;&amp;b</text>"));
    g_assert_nonnull(strstr(svg, "<text x=\"40\" y=\"13\" fill=\"#010203\">&quot;c&quot;</text>"));
    g_assert_nonnull(strstr(svg, "<rect x=\"0\" y=\"0\" width=\"96\" height=\"17\" fill=\"#040506\"/>"));
    /* reversed: the colours changed places */
    g_assert_nonnull(strstr(svg, "<rect x=\"32\" y=\"17\" width=\"24\" height=\"17\" fill=\"#0a0b0c\"/>"));
    g_assert_nonnull(strstr(svg, "<text x=\"32\" y=\"30\" fill=\"#040506\" font-weight=\"bold\">\xe2\x96\x88</text>"));
    g_assert_nonnull(strstr(svg, "<text x=\"48\" y=\"30\" fill=\"#040506\" font-weight=\"bold\">x</text>"));
    grid_free(grid);
}

/* The right half of a wide character is no character. */
static void test_wide(void)
{
    struct grid *grid = grid_new(6, 1, (struct grid_traits){.utf8 = true, .colour = true});
    surface_put(surface_of(grid), 0, 0, ROLE_TEXT, "\xe6\xbc\xa2 b");
    g_autofree char *svg = shot(grid);

    g_assert_nonnull(strstr(svg, ">\xe6\xbc\xa2</text>"));
    g_assert_nonnull(strstr(svg, "<text x=\"24\" y=\"13\" fill=\"#010203\">b</text>"));
    grid_free(grid);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shot/words", test_words);
    g_test_add_func("/shot/wide", test_wide);
    return g_test_run();
}
