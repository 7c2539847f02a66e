/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib.h>
#include <string.h>

#include "ui/console/scrollback.h"

static void add(struct scrollback *scrollback, enum role role, const char *text)
{
    linestore_add(scrollback_store(scrollback), role, text, strlen(text));
}

/* How many are held, the unfinished one included. */
static uint64_t lines_of(struct scrollback *scrollback)
{
    return linestore_end(scrollback_store(scrollback)) - linestore_first(scrollback_store(scrollback));
}

static char *view(struct scrollback *scrollback, int width, int height)
{
    struct grid *grid = grid_new(width, height, (struct grid_traits){true, true});
    scrollback_draw(scrollback, surface_of(grid));
    GString *text = g_string_new(NULL);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            g_string_append_unichar(text, grid_cell(grid, x, y)->ch);
        }
        g_string_append_c(text, y + 1 < height ? '|' : '\0');
    }
    grid_free(grid);
    return g_string_free(text, FALSE);
}

static void assert_view(struct scrollback *scrollback, int width, int height, const char *expected)
{
    g_autofree char *text = view(scrollback, width, height);
    g_assert_cmpstr(text, ==, expected);
}

static void test_lines_are_wrapped_and_continued(void)
{
    struct scrollback *scrollback = scrollback_new(0);
    add(scrollback, ROLE_TEXT, "one\ntwotwo");
    add(scrollback, ROLE_TEXT, "two\n\nend");
    assert_view(scrollback, 4, 7, "one |twot|wotw|o   |    |end |    ");
    g_assert_cmpuint(lines_of(scrollback), ==, 4);
    add(scrollback, ROLE_ERROR, "bad\n"); /* another role: a line of its own */
    assert_view(scrollback, 4, 2, "end |bad ");
    scrollback_free(scrollback);
}

/* However many rows its lines take. */
static void test_a_view_ends_with_a_line(void)
{
    struct scrollback *scrollback = scrollback_new(0);
    g_assert_cmpuint(scrollback_view_end(scrollback), ==, 0);
    assert_view(scrollback, 4, 4, "    |    |    |    ");
    g_assert_cmpuint(scrollback_view_end(scrollback), ==, 0);
    add(scrollback, ROLE_TEXT, "onetwothree\nfour\nfive\nsix\nseven\n");
    assert_view(scrollback, 4, 4, "five|six |seve|n   ");
    g_assert_cmpuint(scrollback_view_end(scrollback), ==, 5);
    scrollback_scroll_first(scrollback);
    assert_view(scrollback, 4, 4, "onet|woth|ree |four");
    g_assert_cmpuint(scrollback_view_end(scrollback), ==, 2);
    scrollback_scroll(scrollback, 2);
    g_assert_cmpuint(scrollback_view_end(scrollback), ==, 4);
    scrollback_free(scrollback);
}

static void test_words_stay_whole_where_one_ends_in_time(void)
{
    struct scrollback *scrollback = scrollback_new(0);
    add(scrollback, ROLE_TEXT, "list them, and none\n");
    assert_view(scrollback, 12, 2, "list them,  |and none    ");
    assert_view(scrollback, 10, 2, "list them,|and none  "); /* the space between them is in neither */
    add(scrollback, ROLE_TEXT, "a /long/path/without/any\n");
    assert_view(scrollback, 12, 3, "and none    |a /long/path|/without/any");
    scrollback_free(scrollback);
}

static void test_control_characters_are_shown_escaped(void)
{
    struct scrollback *scrollback = scrollback_new(0);
    linestore_add(scrollback_store(scrollback), ROLE_TEXT, "a\033[31m\0b\r\n", 10);
    assert_view(scrollback, 20, 1, "a\\e[31m\\x00b\\r      ");
    assert_view(scrollback, 1, 2, "b|\\"); /* narrower than one escape: clipped, and it ends */
    scrollback_free(scrollback);
}

static void test_the_view_scrolls_by_rows_and_stays(void)
{
    struct scrollback *scrollback = scrollback_new(0);
    for (int i = 0; i < 50; i++) {
        g_autofree char *line = g_strdup_printf("%dxxxx\n", 10 + i);
        add(scrollback, ROLE_TEXT, line);
    }
    assert_view(scrollback, 4, 3, "xx  |59xx|xx  ");
    g_assert_true(scrollback_scroll(scrollback, -2));
    assert_view(scrollback, 4, 3, "xx  |58xx|xx  ");
    g_assert_cmpuint(scrollback_below(scrollback), ==, 1);
    add(scrollback, ROLE_TEXT, "more\n");
    assert_view(scrollback, 4, 3, "xx  |58xx|xx  ");
    g_assert_false(scrollback_place(scrollback).follows);
    g_assert_true(scrollback_scroll(scrollback, 100));
    assert_view(scrollback, 4, 3, "59xx|xx  |more");
    g_assert_true(scrollback_place(scrollback).follows);
    scrollback_scroll_first(scrollback);
    assert_view(scrollback, 4, 3, "10xx|xx  |11xx");
    g_assert_false(scrollback_scroll(scrollback, -1));
    scrollback_scroll_last(scrollback);
    assert_view(scrollback, 4, 3, "59xx|xx  |more");
    scrollback_free(scrollback);
}

static void test_old_lines_go_and_memory_is_bounded(void)
{
    enum { BOUND = 8 << 20 };
    struct scrollback *scrollback = scrollback_new(BOUND);
    static char chunk[1 << 20];
    for (size_t i = 0; i < sizeof chunk; i++) {
        chunk[i] = i % 78 == 77 ? '\n' : 'a';
    }
    assert_view(scrollback, 3, 1, "   ");
    scrollback_scroll_first(scrollback);
    for (int i = 0; i < 256; i++) {
        linestore_add(scrollback_store(scrollback), ROLE_TEXT, chunk, sizeof chunk);
    }
    g_assert_cmpuint(linestore_bytes(scrollback_store(scrollback)), <=, BOUND + 4096);
    g_assert_cmpuint(linestore_first(scrollback_store(scrollback)), >, 0);
    g_assert_cmpuint(lines_of(scrollback), >, BOUND / 200);
    assert_view(scrollback, 4, 2, "aaaa|aaaa"); /* its place is gone: the oldest line there is */
    scrollback_free(scrollback);
}

static void test_the_default_holds_a_hundred_thousand_lines(void)
{
    struct scrollback *scrollback = scrollback_new(SCROLLBACK_BYTES_DEFAULT);
    g_autofree char *line = g_strnfill(400, 'x');
    line[399] = '\n';
    for (int i = 0; i < 100 * 1000; i++) {
        linestore_add(scrollback_store(scrollback), ROLE_TEXT, line, 400);
    }
    g_assert_cmpuint(linestore_first(scrollback_store(scrollback)), ==, 0);
    g_assert_cmpuint(lines_of(scrollback), ==, 100 * 1000);
    scrollback_free(scrollback);
}

static void test_a_megabyte_line_is_kept_in_whole_characters(void)
{
    struct scrollback *scrollback = scrollback_new(SCROLLBACK_BYTES_DEFAULT);
    GString *text = g_string_new("x");
    while (text->len < 1 << 20) {
        g_string_append(text, "é");
    }
    add(scrollback, ROLE_TEXT, text->str);
    g_string_free(text, TRUE);
    g_assert_cmpuint(lines_of(scrollback), ==, (1 << 20) / LINESTORE_LINE_MAX + 1);
    g_free(view(scrollback, 80, 24));
    scrollback_scroll_first(scrollback);
    for (int i = 0; i < 2000; i++) {
        g_autofree char *shown = view(scrollback, 80, 24);
        g_assert_null(strchr(shown, '\\'));
        scrollback_scroll(scrollback, 23);
    }
    scrollback_free(scrollback);
}

static void test_a_search_goes_on_from_a_line_that_is_gone(void)
{
    struct scrollback *scrollback = scrollback_new(0);
    uint64_t line = 0;
    while (linestore_first(scrollback_store(scrollback)) < 10) {
        add(scrollback, ROLE_TEXT, "one of many\n");
    }
    add(scrollback, ROLE_TEXT, "the one\n");
    g_assert_true(scrollback_find(scrollback, "the one", 3, false, &line));
    g_assert_cmpuint(line, ==, scrollback_end(scrollback) - 1);
    g_assert_true(scrollback_find(scrollback, "one of", 3, false, &line));
    g_assert_cmpuint(line, ==, linestore_first(scrollback_store(scrollback)));
    g_assert_false(scrollback_find(scrollback, "one of", 3, true, &line)); /* there is nothing above it any more */
    scrollback_free(scrollback);
}

static void test_a_log_line_can_be_replaced(void)
{
    struct scrollback *scrollback = scrollback_new(0);
    add(scrollback, ROLE_ECHO, "> focus map\n");
    g_assert_false(linestore_take_last(scrollback_store(scrollback), ROLE_TEXT, "> focus"));
    g_assert_false(linestore_take_last(scrollback_store(scrollback), ROLE_ECHO, "> goto"));
    g_assert_true(linestore_take_last(scrollback_store(scrollback), ROLE_ECHO, "> focus"));
    g_assert_cmpuint(lines_of(scrollback), ==, 0);
    g_assert_false(linestore_take_last(scrollback_store(scrollback), ROLE_ECHO, "> focus"));
    add(scrollback, ROLE_ECHO, "> open");
    g_assert_false(linestore_take_last(scrollback_store(scrollback), ROLE_ECHO, "> open")); /* not finished */
    scrollback_free(scrollback);
}

/* What `set` and its like say: a name, a value, words. */
static void test_tables_are_wrapped_within_their_last_column(void)
{
    struct scrollback *scrollback = scrollback_new(0);
    add(scrollback, ROLE_TEXT, "fold  on  whether equal rows\n");
    assert_view(scrollback, 20, 3, "fold  on  whether   |          equal rows|                    ");
    assert_view(scrollback, 14, 4, "fold  on      |      whether |      equal   |      rows    ");
    add(scrollback, ROLE_NOTE, "  type open PATH\n");
    assert_view(scrollback, 12, 2, "  type open |  PATH      ");
    add(scrollback, ROLE_INPUT, "> read  0  4096\n");
    assert_view(scrollback, 12, 2, "> read  0   |4096        ");
    scrollback_scroll(scrollback, -1);
    assert_view(scrollback, 12, 2, "  PATH      |> read  0   ");
    scrollback_free(scrollback);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/scrollback/lines-are-wrapped-and-continued", test_lines_are_wrapped_and_continued);
    g_test_add_func("/scrollback/tables-are-wrapped-within-their-last-column", test_tables_are_wrapped_within_their_last_column);
    g_test_add_func("/scrollback/a-view-ends-with-a-line", test_a_view_ends_with_a_line);
    g_test_add_func("/scrollback/words-stay-whole", test_words_stay_whole_where_one_ends_in_time);
    g_test_add_func("/scrollback/control-characters-are-shown-escaped", test_control_characters_are_shown_escaped);
    g_test_add_func("/scrollback/the-view-scrolls-by-rows-and-stays", test_the_view_scrolls_by_rows_and_stays);
    g_test_add_func("/scrollback/old-lines-go-and-memory-is-bounded", test_old_lines_go_and_memory_is_bounded);
    g_test_add_func("/scrollback/the-default-holds-a-hundred-thousand-lines",
                    test_the_default_holds_a_hundred_thousand_lines);
    g_test_add_func("/scrollback/a-megabyte-line-is-kept-in-whole-characters",
                    test_a_megabyte_line_is_kept_in_whole_characters);
    g_test_add_func("/scrollback/a-search-goes-on-from-a-line-that-is-gone", test_a_search_goes_on_from_a_line_that_is_gone);
    g_test_add_func("/scrollback/a-log-line-can-be-replaced", test_a_log_line_can_be_replaced);
    return g_test_run();
}
