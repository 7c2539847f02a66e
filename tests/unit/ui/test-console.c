/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console on a whole screen: usage, completion, search in the output, copying, progress. */
#include <glib.h>
#include <string.h>

#include "driver.h"
#include "engine/batch.h"
#include "engine/command.h"
#include "ui/panel.h"
#include "ui/progress.h"

static void test_usage_is_shown_while_typing(void)
{
    struct driver *driver = driver_new(120, 30, driver_colour, "disk.img");
    driver_keys(driver, ": discard");
    g_assert_true(driver_shows(driver, "discard [-Cq] off len -- "));
    driver_keys(driver, "Space 0");
    g_assert_true(driver_shows(driver, "discard [-Cq] off len -- "));
    driver_keys(driver, "Space 512 ; Space length");
    g_assert_true(driver_shows(driver, "length -- "));
    driver_keys(driver, "x");
    g_assert_false(driver_shows(driver, " -- "));
    driver_keys(driver, "Ctrl-U");
    driver_command(driver, "set usage off");
    driver_keys(driver, "discard");
    g_assert_false(driver_shows(driver, " -- "));
    driver_free(driver);
}

/* Words that continue the line, joined by spaces.  g_free. */
static char *completions(struct driver *driver, const char *line)
{
    int start;
    g_auto(GStrv) words = command_complete(driver->session, line, (int)strlen(line), &start);
    return g_strjoinv(" ", words);
}

static void assert_completes(struct driver *driver, const char *line, const char *expected)
{
    g_autofree char *words = completions(driver, line);
    g_assert_cmpstr(words, ==, expected);
}

static void test_names_complete(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    assert_completes(driver, "open -o read-o", "read-only=");
    assert_completes(driver, "open -o driver=raw,off", "driver=raw,offset=");
    assert_completes(driver, "open -o driver=qcow2,lazy-refcounts=", "driver=qcow2,lazy-refcounts=off driver=qcow2,lazy-refcounts=on");
    assert_completes(driver, "open -o discard=", "discard=ignore discard=unmap");
    assert_completes(driver, "open -o driver=blkd", "driver=blkdebug");
    assert_completes(driver, "break flush_to_d", "flush_to_disk");
    assert_completes(driver, "set whe", "wheel");
    assert_completes(driver, "set mouse o", "off on");
    assert_completes(driver, "set theme nor", "nord");
    assert_completes(driver, "bind he", "hex");
    assert_completes(driver, "bind hex x hex-fol", "hex-fold hex-follow");
    assert_completes(driver, "focus ", "console hex map pending");
    assert_completes(driver, "goto 0 ", "console hex map pending");
    assert_completes(driver, "goto ", "");
    assert_completes(driver, "mouse wheel", "wheel-down wheel-up");
    assert_completes(driver, "screen -", "--svg");
    assert_completes(driver, "hex-copy ", "base64 c hex text");
    assert_completes(driver, "hex-type ", "characters digits");
    assert_completes(driver, "trace ", "off on");
    assert_completes(driver, "layout ", "reset stacked wide");
    assert_completes(driver, "layout wide ", "columns left right");
    assert_completes(driver, "map-only ", "0");
    assert_completes(driver, "map-only 0 ", "");
    driver_command(driver, "mark b 1k; mark Z 2k");
    assert_completes(driver, "to-mark ", "Z b");
    g_autofree char *line = g_strdup_printf("close ; open -o driver=raw blkdebug::%s/disk.img", driver->dir);
    driver_command(driver, line);
    driver_command(driver, "break read_aio wait-here");
    driver_command(driver, "aio_read -q 0 512");
    assert_completes(driver, "resume wa", "wait-here");
    driver_command(driver, "resume wait-here");
    driver_free(driver);
}

/* What came first is there as long as the memory that was allowed holds it. */
static void test_the_scrollback_is_as_large_as_allowed(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_command(driver, "help flush");
    driver_command(driver, "read -v 0 256k"); /* 1.3 MiB of text */
    driver_command(driver, "scroll 1000000");
    g_assert_true(driver_shows(driver, "> help flush"));
    driver_command(driver, "set console-scrollback 1");
    driver_command(driver, "scroll 1000000");
    g_assert_false(driver_shows(driver, "> help flush"));
    driver_command(driver, "set console-scrollback 1025");
    g_assert_true(driver_shows(driver, "'1025' is not a number from 1 to 1024"));
    driver_command(driver, "set console-scrollback");
    g_assert_true(driver_shows(driver, "console-scrollback   1  "));
    driver_free(driver);
}

static void test_a_sequence_in_a_search_of_the_history_leaves_it(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_command(driver, "length");
    driver_keys(driver, "Ctrl-R len");
    g_assert_true(driver_shows(driver, "reverse-i-search"));
    driver_keys(driver, "Ctrl-X x Ctrl-S Ctrl-X Ctrl-U");
    g_assert_false(driver_shows(driver, "search"));
    driver_keys(driver, "Ctrl-U flush Enter");
    g_assert_true(driver_shows(driver, "> flush"));
    driver_free(driver);
}

static void test_output_is_searched(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_command(driver, "info");
    driver_command(driver, "help");
    driver_keys(driver, "F3 2 Space MiB Enter");
    g_assert_true(driver_shows(driver, "no '2 MiB' further up")); /* the image was not asked about */
    driver_command(driver, "length");
    driver_command(driver, "help");
    driver_keys(driver, "F3 > Space LENGTH Enter"); /* capitals count */
    g_assert_true(driver_shows(driver, "no '> LENGTH' further up"));
    driver_keys(driver, "F3 > Space length Enter");
    g_assert_true(driver_shows(driver, "│> length"));
    g_assert_true(driver_shows(driver, "lines below"));
    driver_keys(driver, "F5");
    g_assert_true(driver_shows(driver, "no '> length' further down"));
    driver_keys(driver, "End");
    g_assert_false(driver_shows(driver, "lines below"));
    driver_free(driver);
}

/* Lines that take several rows are above what is shown below them. */
static void test_a_search_begins_where_the_view_ends(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    g_autofree char *words = g_strnfill(700, 'w');
    desk_note(driver->desk, ROLE_NOTE, words);
    desk_note(driver->desk, ROLE_NOTE, "needle");
    desk_note(driver->desk, ROLE_NOTE, words);
    driver_keys(driver, ": Home F3 needle Enter");
    g_assert_true(driver_shows(driver, "no 'needle' further up"));
    driver_free(driver);
}

/* As many pages as can be asked for: more rows than there are numbers for. */
static void test_any_number_of_pages_leads_to_an_end(void)
{
    for (int height = 10; height < 24; height++) {
        struct driver *driver = driver_new(80, height, driver_colour, NULL);
        driver_command(driver, "help");
        driver_command(driver, "do console-page-up 999999999");
        g_assert_true(driver_shows(driver, "No image is open: type open PATH."));
        driver_command(driver, "do console-page-down 999999999");
        g_assert_false(driver_shows(driver, "lines below"));
        driver_free(driver);
    }
}

static void test_output_is_copied(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_command(driver, "length");
    driver_keys(driver, "F6");
    g_assert_cmpstr(driver->copied, ==, "2 MiB\n");
    g_assert_true(driver_shows(driver, "copied: 1 line"));
    /* marked by mouse: the command's line, and what it said */
    struct mouse mouse = {.what = MOUSE_PRESS, .x = 3, .y = 18, .button = 1};
    desk_mouse(driver->desk, &mouse);
    mouse.what = MOUSE_DRAG;
    mouse.y = 19;
    desk_mouse(driver->desk, &mouse);
    mouse.what = MOUSE_RELEASE;
    desk_mouse(driver->desk, &mouse);
    g_assert_cmpstr(driver->copied, ==, "> length\n2 MiB\n");
    driver_command(driver, "set clipboard off");
    driver_keys(driver, "F6");
    g_assert_cmpstr(driver->copied, ==, "> length\n2 MiB\n");
    driver_command(driver, "set clipboard on");
    driver_command(driver, "read -v 0 100k");
    driver_keys(driver, "F6");
    g_assert_true(driver_shows(driver, "not copied: more than the 75000 bytes"));
    g_assert_cmpstr(driver->copied, ==, "> length\n2 MiB\n");
    driver_command(driver, "length");
    driver_keys(driver, "F3 2 Space MiB Enter"); /* what is logged of that said nothing, and is not what is meant */
    driver_keys(driver, "Esc");
    driver_keys(driver, ":");
    driver_keys(driver, "F6");
    g_assert_cmpstr(driver->copied, ==, "2 MiB\n");
    driver_free(driver);
}

static void test_the_clipboard_takes_so_much_and_no_more(void)
{
    struct driver *driver = driver_new(100, 40, driver_colour, "disk.img");
    g_autofree char *one_more = g_strdup_printf("hex-copy text 0 %d", PANEL_COPY_MAX + 1), *all = g_strdup_printf("hex-copy text 0 %d", PANEL_COPY_MAX);
    g_autofree char *hex = g_strdup_printf("hex-copy hex 0 %d", PANEL_COPY_MAX / 3), *hex_more = g_strdup_printf("hex-copy hex 0 %d", PANEL_COPY_MAX / 3 + 1);
    driver_command(driver, one_more);
    g_assert_true(driver_shows(driver, "that is too much for a terminal's clipboard: hex-save writes it to a file"));
    g_assert_null(driver->copied);
    driver_command(driver, hex_more);
    g_assert_true(driver_shows(driver, "not copied: 25001 bytes as hex are 75002 bytes, a terminal takes 75000"));
    g_assert_null(driver->copied);
    driver_command(driver, all);
    g_assert_cmpuint(strlen(driver->copied), ==, PANEL_COPY_MAX);
    driver_command(driver, hex);
    g_assert_cmpuint(strlen(driver->copied), ==, PANEL_COPY_MAX - 1); /* no space behind the last byte */
    driver_free(driver);
}

/* What was pasted and left is one line of the log, which the next of its kind replaces, and whole in the script. */
static void test_a_large_paste_is_one_line_of_the_log(void)
{
    enum { LINES = 1 << 17 };
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    g_autofree char *pasted = g_strnfill(LINES * 8, 'a'), *path = g_build_filename(driver->dir, "script", NULL);
    g_autofree char *line = g_strdup_printf("save-script %s", path), *script = NULL;
    driver_keys(driver, ":");
    desk_paste(driver->desk, pasted);
    driver_keys(driver, "Esc Tab");
    g_assert_true(driver_shows(driver, "aaa..."));
    g_assert_true(driver_shows(driver, "> focus "));
    g_assert_cmpint(batch_run_line(driver->session, line, sink_null()), ==, 0);
    g_assert_true(g_file_get_contents(path, &script, NULL, NULL));
    g_autofree char *expected = g_strdup_printf("type '%s' %d\n", pasted, LINES * 8);
    g_assert_nonnull(strstr(script, expected));
    driver_keys(driver, ":");
    driver_keys(driver, "Ctrl-U");
    desk_paste(driver->desk, "length\nread 0 1\n");
    driver_keys(driver, "Esc");
    g_assert_true(driver_shows(driver, "> type 'length\\nread 0 1\\n' 16"));
    driver_free(driver);
}

static char *progress(int64_t done, int64_t total, int64_t elapsed_us)
{
    GString *text = g_string_new(NULL);
    progress_append(text, done, total, elapsed_us);
    return g_string_free(text, FALSE);
}

static void test_progress_in_words(void)
{
    static const struct {
        int64_t done, total, elapsed_us;
        const char *text;
    } cases[] = {
        {0, 100, 0, "  0%"},
        {50, 100, 900000, "  50%"},
        {1 << 20, 4 << 20, 1000000, "  25%  1 MiB/s  3 s left"},
        {1 << 20, 101 << 20, 1000000, "  0%  1 MiB/s  1 min 40 s left"},
        {1 << 20, INT64_C(7201) << 20, 1000000, "  0%  1 MiB/s  2 h 0 min left"},
        {5, 0, 0, "  100%"},
        {-5, 10, 2000000, "  0%"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = progress(cases[i].done, cases[i].total, cases[i].elapsed_us);
        g_assert_cmpstr(text, ==, cases[i].text);
    }
    g_free(progress(INT64_MAX, INT64_MAX, INT64_MAX));
    g_free(progress(1, INT64_MAX, INT64_MAX));
}

int main(int argc, char **argv)
{
    driver_init(&argc, &argv);
    g_test_add_func("/console/a-search-begins-where-the-view-ends", test_a_search_begins_where_the_view_ends);
    g_test_add_func("/console/scrollback-as-large-as-allowed", test_the_scrollback_is_as_large_as_allowed);
    g_test_add_func("/console/usage-is-shown-while-typing", test_usage_is_shown_while_typing);
    g_test_add_func("/console/names-complete", test_names_complete);
    g_test_add_func("/console/a-sequence-in-a-search-of-the-history-leaves-it", test_a_sequence_in_a_search_of_the_history_leaves_it);
    g_test_add_func("/console/output-is-searched", test_output_is_searched);
    g_test_add_func("/console/any-number-of-pages-leads-to-an-end", test_any_number_of_pages_leads_to_an_end);
    g_test_add_func("/console/output-is-copied", test_output_is_copied);
    g_test_add_func("/console/the-clipboard-takes-so-much", test_the_clipboard_takes_so_much_and_no_more);
    g_test_add_func("/console/a-large-paste-is-one-line-of-the-log", test_a_large_paste_is_one_line_of_the_log);
    g_test_add_func("/console/progress-in-words", test_progress_in_words);
    return driver_run_tests();
}
