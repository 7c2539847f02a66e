/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is longer than its place: wrapped, shortened at a word, told elsewhere, but never half a sentence that matters. */
#include <glib.h>
#include <locale.h>
#include <string.h>

#include "driver.h"
#include "io/co.h"
#include "ui/text.h"

static void test_text_is_cut_at_words_and_clauses(void)
{
    g_assert_cmpint(text_fit_words("one two", 7), ==, 7);
    g_assert_cmpint(text_fit_words("one two", 6), ==, 3);
    g_assert_cmpint(text_fit_words("onetwo", 4), ==, 4);
    g_assert_cmpint(text_fit_words("漢字", 1), ==, 3); /* at least one */
    g_assert_cmpint(text_fit_words("\xf0", 1), ==, 1);
    g_assert_cmpint(text_fit_words("", 5), ==, 0);
    g_assert_cmpint(text_fit_clauses("a, b; c, d", 10), ==, 10);
    g_assert_cmpint(text_fit_clauses("a, b; c, d", 9), ==, 4);
    g_assert_cmpint(text_fit_clauses("a, b, c", 6), ==, 4);
    g_assert_cmpint(text_fit_clauses("abc", 2), ==, 0);
}

static void test_lists_tell_all_of_the_marked_line(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_keys(driver, "F8 raw");
    g_assert_true(driver_shows(driver, "written to the first sector"));
    driver_keys(driver, "Esc Ctrl-P map-compare-with");
    g_assert_true(driver_shows(driver, "ask for an image or a snapshot and mark where it differs"));
    driver_keys(driver, "Esc");
    driver_resize(driver, 40, 10);
    driver_keys(driver, "F9");
    g_assert_true(driver_shows(driver, "high-contrast"));
    driver_keys(driver, "Esc Ctrl-P map-previous-ext");
    g_assert_true(driver_shows(driver, "map-previous-extent"));
    g_assert_true(driver_shows(driver, "to where this or the previous"));
    driver_free(driver);
}

static void test_questions_keep_their_last_sentence(void)
{
    struct driver *driver = driver_new(40, 10, driver_colour, "disk.img");
    g_autofree char *line = g_strdup_printf("close; create -q -u -f qcow2 -b /nowhere/b.raw -F raw %s/t.qcow2 1M; open %s/t.qcow2", driver->dir, driver->dir);
    driver_command(driver, line);
    g_assert_true(driver_shows(driver, "t.qcow2 names its backing file:"));
    g_assert_true(driver_shows(driver, "file in its place."));
    g_assert_true(driver_shows(driver, "l leave out"));
    driver_free(driver);
    driver = driver_new(40, 10, driver_colour, "disk.img");
    driver_keys(driver, "Esc X");
    g_assert_true(driver_shows(driver, "compare with: an image\n"));
    driver_keys(driver, "Esc");
    driver_command(driver, "focus hex");
    driver_keys(driver, "/");
    g_assert_true(driver_shows(driver, "search: text\n"));
    driver_free(driver);
}

static void test_remarks_take_the_rows_they_need(void)
{
    struct driver *driver = driver_new(40, 10, driver_colour, "disk.img");
    g_autofree char *line = g_strdup_printf("close; open %s/disk.img", driver->dir);
    driver_command(driver, line);
    g_assert_true(driver_shows(driver, "\n raw is a guess: the first sector is\n guarded. F8: keep raw, or another\n format\n"));
    driver_keys(driver, "Esc");
    g_assert_false(driver_shows(driver, "guarded. F8"));
    driver_free(driver);
}

static void test_the_name_matters_more_than_its_properties(void)
{
    struct driver *driver = driver_new(60, 15, driver_colour, "disk.img");
    g_autofree char *line = g_strdup_printf("close; create -q -f qcow2 %s/a-name-of-20-columns 1M; open %s/a-name-of-20-columns; focus hex", driver->dir, driver->dir);
    driver_command(driver, line);
    g_assert_true(driver_shows(driver, "MOVE a-name-of-20-columns · qcow2 "));
    driver_resize(driver, 40, 10);
    g_assert_true(driver_shows(driver, "MOVE a-name-of-20-columns  [READ-ONLY]"));
    driver_resize(driver, 120, 10);
    g_assert_true(driver_shows(driver, "MOVE a-name-of-20-columns · qcow2 · 1 MiB · 64 KiB clusters"));
    driver_free(driver);
}

static void test_titles_lose_whole_parts(void)
{
    struct driver *driver = driver_new(40, 10, driver_colour, "disk.img");
    g_autofree char *line = g_strdup_printf("differences %s/disk.img", driver->dir);
    driver_command(driver, line);
    driver_command(driver, "focus map");
    g_assert_false(driver_shows(driver, "…─┐"));
    driver_free(driver);
    driver = driver_new(40, 10, driver_colour, "disk.img");
    driver_command(driver, "read 0 512; focus hex; hex-offsets; hex-group; hex-byte-order");
    g_assert_true(driver_shows(driver, "┌ hex · read 512 bytes at 0x0"));
    g_assert_false(driver_shows(driver, "decimal"));
    driver_free(driver);
    driver = driver_new(40, 10, driver_colour, "disk.img");
    g_autofree char *name = g_strnfill(60, 'n');
    g_autofree char *open = g_strdup_printf("close; create -q -f qcow2 %s/%s 1M; open %s/%s; focus hex", driver->dir, name, driver->dir, name);
    driver_command(driver, open);
    driver_keys(driver, "o");
    g_assert_true(driver_shows(driver, "hex · file nnnnn")); /* what is all that fits is not left out */
    driver_free(driver);
}

static void test_errors_are_told_in_whole(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    g_autofree char *line = g_strdup_printf("close; open -w -o driver=raw blkdebug::%s/disk.img; inject event=flush_to_disk,state=2,iotype=flush; "
                                            "inject write_aio,errno=28,once=on; aio_write -q 0 4k; focus pending", driver->dir);
    driver_command(driver, line);
    g_assert_true(driver_shows(driver, "No space left on devi")); /* no tag, and no command, need the room */
    driver_keys(driver, "z B");
    g_assert_true(driver_shows(driver, "│Input/output error, state=2, iotype=flush"));
    driver_resize(driver, 40, 10);
    g_assert_true(driver_shows(driver, "│Input/output error, state=2,"));
    driver_free(driver);
}

/* The first line of the palette for what is typed. */
static void check_first(const char *typed, const char *first)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    g_autofree char *wanted = g_strdup_printf("│> %s ", first);
    driver_command(driver, "focus map");
    driver_keys(driver, "Ctrl-P");
    for (const char *at = typed; *at != '\0'; at++) {
        desk_key(driver->desk, (keycode)*at);
    }
    driver_settle(driver);
    if (!driver_shows(driver, wanted)) {
        g_autofree char *text = driver_text(driver);
        g_error("%s: not %s first:\n%s", typed, first, text);
    }
    driver_free(driver);
}

static void test_the_palette_finds_what_is_meant(void)
{
    check_first("next diff", "map-next-difference");
    check_first("diff next", "map-next-difference"); /* words in any order */
    check_first("ovl", ":overlay");
    check_first("goto", "go-to");
    check_first("zoom", "zoom");
    check_first("undo", ":overlay"); /* from what is said about it */
    check_first("brk", ":break");
    check_first("quit", "quit");
    check_first("theme", ":theme");
    check_first("nz", "hex-next-zero"); /* of another panel */
    check_first("next extent", "map-next-extent");
    check_first("n", "map-next-difference"); /* the key here, not there */
    check_first("WRITE", ":write");
}

static void test_how_much_is_selected_is_told(void)
{
    struct driver *driver = driver_new(160, 24, driver_colour, "disk.img");
    driver_command(driver, "goto 1 hex");
    driver_keys(driver, "v Right Right");
    g_assert_true(driver_shows(driver, " 0x3  selected 0x1..0x3 3 bytes  "));
    driver_resize(driver, 54, 24);
    g_assert_true(driver_shows(driver, " disk.img"));
    g_assert_true(driver_shows(driver, " 0x3  selected 3 bytes  "));
    driver_resize(driver, 40, 24);
    g_assert_true(driver_shows(driver, " 0x3  [READ-ONLY]"));
    driver_free(driver);
}

static void test_hints_are_about_what_is_shown(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_command(driver, "focus map");
    g_assert_true(driver_shows(driver, " Enter hex  ] next extent"));
    driver_keys(driver, "e");
    g_assert_true(driver_shows(driver, "e picture"));
    driver_keys(driver, "s");
    g_assert_true(driver_shows(driver, "s picture"));
    driver_keys(driver, "L");
    g_assert_true(driver_shows(driver, "x compare"));
    driver_keys(driver, "L Tab");
    g_assert_true(driver_shows(driver, " / search"));
    g_assert_false(driver_shows(driver, "r type over"));
    driver_command(driver, "reopen -w");
    driver_command(driver, "focus hex");
    g_assert_true(driver_shows(driver, " r type over  / search"));
    driver_keys(driver, "v Right");
    g_assert_true(driver_shows(driver, "y copy  v keep it"));
    driver_keys(driver, "v");
    g_assert_true(driver_shows(driver, "y copy  v select"));
    driver_keys(driver, "Esc / demo Enter");
    g_assert_true(driver_shows(driver, "n next match"));
    driver_keys(driver, "Esc o");
    g_assert_true(driver_shows(driver, "o next file"));
    driver_keys(driver, "Tab");
    g_assert_true(driver_shows(driver, "a add break"));
    driver_keys(driver, "B");
    g_assert_true(driver_shows(driver, "x remove"));
    driver_keys(driver, "t");
    g_assert_true(driver_shows(driver, "t requests"));
    for (int width = 40; width <= 100; width += 20) { /* the way out is always there */
        driver_resize(driver, width, 24);
        g_assert_true(driver_shows(driver, "? help"));
    }
    driver_free(driver);
}

static void test_what_is_too_small_says_what_is_needed(void)
{
    struct driver *driver = driver_new(20, 5, driver_colour, "disk.img");
    g_autofree char *text = driver_text(driver);
    g_assert_cmpstr(text, ==, "\n\ntoo small: 40x10\nneeded\n\n");
    driver_resize(driver, 1, 1);
    driver_resize(driver, 40, 9);
    g_assert_true(driver_shows(driver, "        too small: 40x10 needed"));
    driver_free(driver);
}

int main(int argc, char **argv)
{
    g_setenv("INPUTRC", "/dev/null", TRUE);
    g_setenv("TERM", "xterm", TRUE);
    setlocale(LC_CTYPE, "C.UTF-8");
    g_test_init(&argc, &argv, NULL);
    co_init();
    g_test_add_func("/fits/text-is-cut-at-words-and-clauses", test_text_is_cut_at_words_and_clauses);
    g_test_add_func("/fits/lists-tell-all-of-the-marked-line", test_lists_tell_all_of_the_marked_line);
    g_test_add_func("/fits/questions-keep-their-last-sentence", test_questions_keep_their_last_sentence);
    g_test_add_func("/fits/remarks-take-the-rows-they-need", test_remarks_take_the_rows_they_need);
    g_test_add_func("/fits/the-name-matters-more-than-its-properties", test_the_name_matters_more_than_its_properties);
    g_test_add_func("/fits/how-much-is-selected-is-told", test_how_much_is_selected_is_told);
    g_test_add_func("/fits/titles-lose-whole-parts", test_titles_lose_whole_parts);
    g_test_add_func("/fits/errors-are-told-in-whole", test_errors_are_told_in_whole);
    g_test_add_func("/fits/the-palette-finds-what-is-meant", test_the_palette_finds_what_is_meant);
    g_test_add_func("/fits/hints-are-about-what-is-shown", test_hints_are_about_what_is_shown);
    g_test_add_func("/fits/what-is-too-small-says-what-is-needed", test_what_is_too_small_says_what_is_needed);
    int status = g_test_run();
    co_done();
    return status;
}
