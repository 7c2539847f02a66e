/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib.h>

#include "ui/grid.h"

static const struct grid_traits full = {.utf8 = true, .colour = true};
static const struct grid_traits ascii = {.utf8 = false, .colour = false};

static char *row_text(struct grid *grid, int y)
{
    GString *text = g_string_new(NULL);
    for (int x = 0; x < grid_width(grid); x++) {
        const struct cell *cell = grid_cell(grid, x, y);
        if (!(cell->flags & CELL_CONTINUED)) {
            g_string_append_unichar(text, cell->ch);
            for (int i = 0; i < CELL_COMBINING_MAX && cell->combining[i] != 0; i++) {
                g_string_append_unichar(text, cell->combining[i]);
            }
        }
    }
    return g_string_free(text, FALSE);
}

static void assert_row(struct grid *grid, int y, const char *expected)
{
    g_autofree char *text = row_text(grid, y);
    g_assert_cmpstr(text, ==, expected);
}

static void test_hostile_text_is_escaped(void)
{
    struct grid *grid = grid_new(40, 1, full);
    int end = surface_put(surface_of(grid), 0, 0, ROLE_TEXT, "a\033[2J\n\x80\xe2\x80\xae\xcc\x81.");
    assert_row(grid, 0, "a\\e[2J\\n\\x80\\u{202E}\xcc\x81.                   ");
    g_assert_cmpint(end, ==, 21);
    grid_free(grid);
}

/* Those that messages escape, too: nobody sees them, or takes them for a space. */
static void test_what_nobody_sees_is_escaped(void)
{
    struct grid *grid = grid_new(40, 1, full);
    surface_put(surface_of(grid), 0, 0, ROLE_TEXT, "\u3164\u2800\u00ad\u034f|");
    assert_row(grid, 0, "\\u{3164}\\u{2800}\\u{00AD}\\u{034F}|       ");
    surface_put(surface_of(grid), 0, 0, ROLE_TEXT, "\u00a0\u3000\u115f\U000e0041|");
    assert_row(grid, 0, "\\u{00A0}\\u{3000}\\u{115F}\\u{E0041}|      ");
    grid_free(grid);
}

static void test_mark_without_base_is_escaped(void)
{
    struct grid *grid = grid_new(12, 1, full);
    surface_put(surface_of(grid), 0, 0, ROLE_TEXT, "xy");
    surface_put(surface_of(grid), 2, 0, ROLE_TEXT, "\xcc\x81");
    assert_row(grid, 0, "xy\\u{0301}  ");
    grid_free(grid);
}

static void test_wide_characters_take_two_columns(void)
{
    struct grid *grid = grid_new(6, 1, full);
    g_assert_cmpint(surface_put(surface_of(grid), 0, 0, ROLE_TEXT, "\xe6\x97\xa5\xe6\x9c\xac"), ==, 4);
    assert_row(grid, 0, "\xe6\x97\xa5\xe6\x9c\xac  ");
    surface_put(surface_of(grid), 1, 0, ROLE_TEXT, "x"); /* cuts the first in two */
    assert_row(grid, 0, " x\xe6\x9c\xac  ");
    surface_put(surface_of(grid), 2, 0, ROLE_TEXT, "y");
    assert_row(grid, 0, " xy   ");
    surface_put(surface_of(grid), 5, 0, ROLE_TEXT, "\xe6\x97\xa5"); /* does not fit */
    assert_row(grid, 0, " xy   ");
    grid_free(grid);
}

static void test_surfaces_clip(void)
{
    struct grid *grid = grid_new(8, 3, full);
    struct surface part = surface_part(surface_of(grid), 2, 1, 3, 1);
    surface_put(part, -1, 0, ROLE_TEXT, "abcdefgh");
    surface_put(part, 0, 1, ROLE_TEXT, "below");
    surface_put(part, 0, -1, ROLE_TEXT, "above");
    surface_fill(surface_part(part, 5, 5, 100, 100), ROLE_TEXT, 'X');
    surface_set_cursor(part, 3, 0);
    int x, y;
    g_assert_false(grid_cursor(grid, &x, &y));
    assert_row(grid, 0, "        ");
    assert_row(grid, 1, "  bcd   ");
    assert_row(grid, 2, "        ");
    surface_set_cursor(part, 2, 0);
    g_assert_true(grid_cursor(grid, &x, &y));
    g_assert_cmpint(x, ==, 4);
    g_assert_cmpint(y, ==, 1);
    grid_free(grid);
}

static void test_put_fit_ends_in_an_ellipsis(void)
{
    struct grid *grid = grid_new(10, 1, full);
    g_assert_cmpint(surface_put_fit(surface_of(grid), 0, 0, 5, ROLE_TEXT, "abcde"), ==, 5);
    assert_row(grid, 0, "abcde     ");
    g_assert_cmpint(surface_put_fit(surface_of(grid), 0, 0, 5, ROLE_TEXT, "abcdef"), ==, 5);
    assert_row(grid, 0, "abcd\xe2\x80\xa6     ");
    g_assert_cmpint(surface_put_fit(surface_of(grid), 0, 0, 0, ROLE_TEXT, "abcdef"), ==, 0);
    grid_free(grid);
}

static void test_frames_join(void)
{
    struct grid *grid = grid_new(10, 5, full);
    surface_frame(surface_part(surface_of(grid), 0, 2, 10, 3), ROLE_FRAME);
    surface_frame(surface_part(surface_of(grid), 0, 0, 10, 3), ROLE_FRAME_FOCUS);
    surface_title(surface_of(grid), ROLE_TITLE, "map");
    assert_row(grid, 0, "┌ map ───┐");
    assert_row(grid, 1, "│        │");
    assert_row(grid, 2, "├────────┤");
    assert_row(grid, 4, "└────────┘");
    grid_free(grid);
}

static void test_ascii_replaces_what_it_lacks(void)
{
    struct grid *grid = grid_new(10, 3, ascii);
    surface_frame(surface_of(grid), ROLE_FRAME);
    surface_title(surface_of(grid), ROLE_TITLE, "m\xc2\xb7p");
    surface_put(surface_of(grid), 1, 1, ROLE_TEXT, "\xe2\x96\x88\xe2\x96\x91\xc3\xa9\xe6\x97\xa5");
    assert_row(grid, 0, "+ m.p ---+");
    assert_row(grid, 1, "|#:???   |");
    grid_free(grid);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/grid/hostile-text-is-escaped", test_hostile_text_is_escaped);
    g_test_add_func("/grid/what-nobody-sees-is-escaped", test_what_nobody_sees_is_escaped);
    g_test_add_func("/grid/mark-without-base-is-escaped", test_mark_without_base_is_escaped);
    g_test_add_func("/grid/wide-characters-take-two-columns", test_wide_characters_take_two_columns);
    g_test_add_func("/grid/surfaces-clip", test_surfaces_clip);
    g_test_add_func("/grid/put-fit-ends-in-an-ellipsis", test_put_fit_ends_in_an_ellipsis);
    g_test_add_func("/grid/frames-join", test_frames_join);
    g_test_add_func("/grid/ascii-replaces-what-it-lacks", test_ascii_replaces_what_it_lacks);
    return g_test_run();
}
