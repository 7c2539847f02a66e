/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is typed and pasted on the whole screen: keys, counts before them, the console's line, offsets. */
#include <glib.h>
#include <string.h>

#include "driver.h"
#include "ui/desk-private.h"

static void test_keys_without_an_image_say_why_nothing_happens(void)
{
    static const char *const keys[] = {"g", "Enter", "]", "+", "R"};
    struct driver *driver = driver_new(80, 24, driver_colour, NULL);
    driver_keys(driver, "Esc");
    g_assert_true(driver_shows(driver, "> focus map"));
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        driver_keys(driver, "Down");
        g_assert_false(driver_shows(driver, "\n no image is open"));
        driver_keys(driver, keys[i]);
        g_assert_true(driver_shows(driver, "\n no image is open"));
    }
    g_assert_false(driver_shows(driver, "> map")); /* what did nothing is not logged */
    driver_free(driver);
}

static void test_the_console_edits_completes_and_remembers(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_keys(driver, ": len Tab Enter");
    g_assert_true(driver_shows(driver, "> length"));
    g_assert_true(driver_shows(driver, "2 MiB"));
    driver_keys(driver, "zz Home x End Backspace");
    g_assert_true(driver_shows(driver, "│> xz "));
    driver_keys(driver, "Ctrl-C Up");
    g_assert_true(driver_shows(driver, "│> length "));
    driver_keys(driver, "Ctrl-U aio_ Tab");
    g_assert_true(driver_shows(driver, "aio_discard"));
    g_assert_true(driver_shows(driver, "aio_write"));
    driver_keys(driver, "Ctrl-C Ctrl-R len");
    g_assert_true(driver_shows(driver, "(reverse-i-search)`len': length"));
    driver_keys(driver, "Esc");
    g_assert_true(driver_shows(driver, "│> length "));
    driver_keys(driver, "Ctrl-C é日");
    g_assert_true(driver_shows(driver, "│> é日"));
    driver_free(driver);
}

static void test_a_long_line_scrolls_sideways(void)
{
    struct driver *driver = driver_new(60, 15, driver_colour, "disk.img");
    g_autofree char *line = g_strnfill(200, 'a');
    driver_keys(driver, ":");
    driver_keys(driver, line);
    driver_keys(driver, "bcd");
    g_assert_true(driver_shows(driver, "aabcd"));
    driver_keys(driver, "Home");
    g_assert_false(driver_shows(driver, "aabcd"));
    driver_free(driver);
}

static void test_ctrl_c_ends_the_command_and_nothing_else(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_command(driver, "sleep 60000");
    driver_pass_ms(driver, 3000);
    driver_snapshot(driver, "busy");
    g_assert_cmpint(desk_next_tick_us(driver->desk), ==, (1000 + 4) * INT64_C(1000000));
    driver_keys(driver, "Esc Down z Tab"); /* everything else goes on */
    g_assert_true(session_is_busy(driver->session));
    driver_keys(driver, "Ctrl-C");
    g_assert_false(session_is_busy(driver->session));
    g_assert_false(desk_wants_quit(driver->desk));
    driver_keys(driver, "Ctrl-C");
    g_assert_false(desk_wants_quit(driver->desk));
    driver_free(driver);
}

static void test_goto_understands_offsets(void)
{
    static const struct {
        const char *text;
        int64_t offset; /* -1: refused */
    } cases[] = {
        {"0x1000", 0x1000},
        {"64k", 65536},
        {"+512", 66048},
        {"-1k", 65024},
        {"50%", 1 << 20},
        {"100%", (2 << 20) - 1},
        {"$", (2 << 20) - 1},
        {"2M", -1},
        {"-64k", (2 << 20) - 1 - 65536},
        {"-2m", -1},
        {"", -1},
        {"x", -1},
        {"101%", -1},
        {"-1%", -1},
        {"+", -1},
        {"99999999999999999999", -1},
    };
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *why = NULL;
        int64_t offset = desk_parse_offset(driver->desk, cases[i].text, &why);
        g_assert_cmpint(offset, ==, cases[i].offset);
        g_assert_true((why != NULL) == (offset < 0));
        if (offset >= 0) {
            desk_show(driver->desk, offset, 0);
            driver_settle(driver);
        }
    }
    driver_command(driver, "goto 5x");
    g_assert_true(driver_shows(driver, "goto: '5x' is no offset"));
    driver_command(driver, "goto 0 moon");
    g_assert_true(driver_shows(driver, "no panel 'moon'"));
    driver_free(driver);
}

static void test_digits_before_a_key_repeat_it(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_command(driver, "hex-fold ; focus hex");
    driver_keys(driver, "5 j");
    g_assert_cmpint(driver_cursor(driver), ==, 0x50);
    driver_keys(driver, "1 2 l");
    g_assert_cmpint(driver_cursor(driver), ==, 0x5c);
    driver_keys(driver, "0"); /* without a digit before it a key of its own */
    g_assert_cmpint(driver_cursor(driver), ==, 0x50);
    driver_keys(driver, "1 0 k");
    g_assert_cmpint(driver_cursor(driver), ==, 0x0);
    driver_keys(driver, "1 2 G");
    g_assert_cmpint(driver_cursor(driver), ==, 0xb0);
    driver_keys(driver, "5 Esc j");
    g_assert_cmpint(driver_cursor(driver), ==, 0xc0);
    driver_keys(driver, "9 9 9 9 9 9 9 9 9 9 9 9 l");
    driver_keys(driver, "Tab Shift-Tab Shift-Tab 3 +");
    g_assert_true(driver_shows(driver, "> map-zoom-in 0 3 "));
    driver_free(driver);
}

/* A megabyte over a list narrows it down once, not once for each letter. */
static void test_pasted_text_narrows_a_list_down(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    g_autofree char *much = g_strnfill(1 << 20, 'a');
    driver_keys(driver, "Ctrl-P");
    desk_paste(driver->desk, "hex-\nfold");
    driver_settle(driver);
    g_assert_true(driver_shows(driver, "do: hex- fold"));
    g_assert_true(driver_shows(driver, "> hex-fold"));
    desk_paste(driver->desk, much);
    driver_settle(driver);
    g_assert_true(driver_shows(driver, "nothing fits"));
    driver_keys(driver, "Esc ? /");
    desk_paste(driver->desk, "Ctrl-F");
    driver_settle(driver);
    g_assert_true(driver_shows(driver, "search: Ctrl-F"));
    driver_keys(driver, "Esc");
    driver_free(driver);
}

static void test_pasted_text_runs_nothing(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    desk_paste(driver->desk, "quit\r");
    driver_settle(driver);
    g_assert_true(driver_shows(driver, "press : first"));
    driver_keys(driver, ":");
    desk_paste(driver->desk, "length\r\n\tinfo\x1b[31m\r");
    driver_settle(driver);
    g_assert_true(driver_shows(driver, "> length\\n info[31m\\n"));
    driver_keys(driver, "Backspace Backspace Backspace Backspace Backspace Enter");
    g_assert_true(driver_shows(driver, "\n│2 MiB"));
    driver_keys(driver, "Esc g");
    desk_paste(driver->desk, "0x\n100");
    driver_settle(driver);
    g_assert_true(driver_shows(driver, "go to: 0x 100"));
    driver_free(driver);
}

static void test_random_keys_do_no_harm(void)
{
    static const char *const keys[] = {
        "Tab",    "Shift-Tab", "Esc",    "Enter", "Up",     "Down",  "Left", "Right", "PageUp", "PageDown",
        "Home",   "End",       "g",      "z",     "?",      ":",     "[",    "]",     "+",      "-",
        "f",      "i",         "r",      "x",     "R",      "0",     "$",    "Space", "Ctrl-R", "Ctrl-U",
        "F1",     "Backspace", "Alt-f",  "5",     "é",      "l",     "j",    "k",     "h",      "G",
        "Delete", "Ctrl-C",    "Ctrl-W", "1",     "Ctrl-_", "Alt-.", "m",    "%",     "Ctrl-T", "Insert"};
    struct driver *driver = driver_new(90, 25, driver_colour, "disk.img");
    for (int i = 0; i < 3000; i++) {
        driver_keys(driver, keys[g_test_rand_int_range(0, G_N_ELEMENTS(keys))]);
    }
    driver_free(driver);
}

int main(int argc, char **argv)
{
    driver_init(&argc, &argv);
    g_test_add_func("/typing/keys-without-an-image", test_keys_without_an_image_say_why_nothing_happens);
    g_test_add_func("/typing/the-console-edits-completes-and-remembers", test_the_console_edits_completes_and_remembers);
    g_test_add_func("/typing/a-long-line-scrolls-sideways", test_a_long_line_scrolls_sideways);
    g_test_add_func("/typing/ctrl-c-ends-the-command-and-nothing-else", test_ctrl_c_ends_the_command_and_nothing_else);
    g_test_add_func("/typing/goto-understands-offsets", test_goto_understands_offsets);
    g_test_add_func("/typing/digits-before-a-key-repeat-it", test_digits_before_a_key_repeat_it);
    g_test_add_func("/typing/pasted-text-narrows-a-list-down", test_pasted_text_narrows_a_list_down);
    g_test_add_func("/typing/pasted-text-runs-nothing", test_pasted_text_runs_nothing);
    g_test_add_func("/typing/random-keys-do-no-harm", test_random_keys_do_no_harm);
    return driver_run_tests();
}
