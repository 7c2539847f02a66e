/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole screen on a real session: keys in, pictures out. */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "engine/batch.h"
#include "io/clock.h"

static const struct grid_traits ascii = {.utf8 = false, .colour = true};
static const struct grid_traits mono = {.utf8 = true, .colour = false};

/* ---- pictures ---- */

static void check_start(int width, int height, struct grid_traits traits, const char *name)
{
    struct driver *driver = driver_new(width, height, traits, "disk.img");
    driver_snapshot(driver, name);
    driver_free(driver);
}

static void test_start(void)
{
    check_start(80, 24, driver_colour, "start-80x24");
    check_start(160, 48, driver_colour, "start-160x48");
    check_start(60, 15, driver_colour, "start-60x15");
    check_start(30, 8, driver_colour, "start-30x8");
    check_start(80, 24, ascii, "start-ascii");
    check_start(80, 24, mono, "start-mono");
}

static void test_without_an_image(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, NULL);
    driver_snapshot(driver, "no-image");
    driver_free(driver);
}

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

static void test_help_shows_the_keys_of_the_panel(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_keys(driver, "?");
    driver_snapshot(driver, "help-map");
    driver_keys(driver, "End");
    g_assert_true(driver_shows(driver, "to the very end"));
    driver_keys(driver, "q");
    g_assert_false(driver_shows(driver, "to the very end"));
    g_assert_false(desk_wants_quit(driver->desk));
    driver_keys(driver, ": F1");
    driver_snapshot(driver, "help-console");
    driver_free(driver);
}

static void test_help_fits_any_screen(void)
{
    struct driver *driver = driver_new(40, 10, driver_colour, "disk.img");
    driver_keys(driver, "?");
    driver_snapshot(driver, "help-40x10");
    driver_keys(driver, "End");
    g_assert_true(driver_shows(driver, "to the very end"));
    driver_resize(driver, 80, 120); /* there is nothing more to scroll */
    g_assert_true(driver_shows(driver, "map  The map of what is allocated where."));
    g_assert_true(driver_shows(driver, "to the very end"));
    driver_free(driver);
}

static void test_a_suspended_request_is_shown_and_resumed(void)
{
    struct driver *driver = driver_new(100, 24, driver_colour, "disk.img");
    g_autofree char *line = g_strdup_printf("close ; open -o driver=raw blkdebug::%s/disk.img", driver->dir);
    driver_command(driver, line);
    driver_command(driver, "break read_aio A");
    driver_command(driver, "aio_read -q 64k 4k");
    driver_pass_ms(driver, 12);
    g_assert_true(driver_shows(driver, "suspended"));
    g_assert_true(driver_shows(driver, "1 pending"));
    driver_command(driver, "length"); /* the folder's name scrolls out of sight */
    driver_command(driver, "focus pending");
    driver_snapshot(driver, "suspended");
    driver_keys(driver, "r");
    g_assert_true(driver_shows(driver, "> resume A"));
    g_assert_false(driver_shows(driver, "1 pending"));
    driver_free(driver);
}

static void test_errors_are_shown(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_command(driver, "wriet 0 512");
    driver_command(driver, "write 0 512");
    driver_command(driver, "read 0");
    driver_command(driver, "read 0 5x"); /* the contract wants this one on stdout */
    driver_snapshot(driver, "errors");
    driver_keys(driver, "Esc g");
    driver_snapshot(driver, "prompt");
    driver_keys(driver, "99T Enter");
    driver_snapshot(driver, "goto-outside");
    driver_keys(driver, "Down");
    g_assert_false(driver_shows(driver, "outside"));
    driver_free(driver);
}

static void test_the_first_line_names_the_layer(void)
{
    struct driver *driver = driver_new(120, 40, driver_colour, "disk.img");
    driver_command(driver, "goto 0 hex");
    g_assert_false(driver_shows(driver, "layer")); /* there is but one */
    g_autofree char *line = g_strdup_printf("close; open -s -o driver=raw %s/disk.img; goto 1m hex", driver->dir);
    driver_command(driver, line);
    g_assert_true(driver_shows(driver, "0x100000 layer 1  "));
    driver_command(driver, "write -q 1m 64k");
    driver_keys(driver, "Esc");
    g_assert_true(driver_shows(driver, "0x100000 layer 0  "));
    driver_keys(driver, "End");
    g_assert_true(driver_shows(driver, "0x1fffff layer 1  "));
    driver_free(driver);
}

static void test_a_hostile_name_is_shown_escaped(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "a\nb\033[2J\xe2\x80\xae\xff.img");
    driver_snapshot(driver, "hostile-name");
    driver_free(driver);
}

static void test_an_empty_disk_of_any_size_is_one_row_at_once(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, NULL);
    g_autofree char *line = g_strdup_printf("create -q -f qcow2 %s/big.qcow2 16T; open %s/big.qcow2", driver->dir, driver->dir);
    unsigned frames = headless_frames(driver->display);
    driver_command(driver, line);
    g_assert_true(driver_shows(driver, "* 1099511627774 rows, 16 TiB of zeroes without data"));
    g_assert_cmpuint(headless_frames(driver->display), <, frames + 100);
    driver_free(driver);
}

static void test_read_fills_hex_and_scrollback(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_command(driver, "read -v 1m 32");
    g_assert_true(driver_shows(driver, "hex · read 32 bytes at 0x100000"));
    g_assert_true(driver_shows(driver, "00100010:  10 11 12 13 14"));
    driver_snapshot(driver, "read");
    driver_free(driver);
}

/* ---- habits ---- */

static void test_keys_are_logged_as_commands(void)
{
    struct driver *driver = driver_new(100, 30, driver_colour, "disk.img");
    driver_keys(driver, "Tab Tab Shift-Tab");
    g_assert_true(driver_shows(driver, "> focus hex"));
    g_assert_false(driver_shows(driver, "> focus pending")); /* gave way */
    driver_keys(driver, "Shift-Tab");
    g_assert_false(driver_shows(driver, "> focus")); /* where it was in the beginning */
    driver_keys(driver, ": Esc");
    g_assert_false(driver_shows(driver, "> focus"));
    driver_keys(driver, ": length Enter Esc");
    g_assert_true(driver_shows(driver, "> focus map"));
    driver_keys(driver, "Enter Up g 1m Enter"); /* the second goto must not take the first one's focus along */
    g_assert_true(driver_shows(driver, "> goto 0x100000 hex"));
    driver_keys(driver, "z z");
    g_assert_true(driver_shows(driver, "> zoom"));
    driver_free(driver);
}

static bool is_of_console(const char *row)
{
    return strstr(row, " console ") != NULL;
}

/* What is on the screen above the console, as text and as roles, and the hints. */
static char *screen_without_console(struct driver *driver)
{
    g_autofree char *dump = headless_dump(driver->display);
    g_auto(GStrv) rows = g_strsplit(dump, "\n", -1);
    g_autoptr(GString) text = g_string_new(NULL);
    int height = grid_height(desk_draw(driver->desk)), console = 0;
    while (console < height && !is_of_console(rows[1 + console])) {
        console++;
    }
    for (int i = 0; i < 2 * height; i++) {
        if (i % height < console || i % height == height - 1) {
            g_string_append_printf(text, "%s\n", rows[1 + i]);
        }
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* The lines in the console that are commands; the console gets all the room for it. */
static GStrv session_log(struct driver *driver)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new();
    desk_focus(driver->desk, LAYOUT_CONSOLE); /* not logged, unlike a key */
    driver_resize(driver, 120, 400);
    g_autofree char *text = driver_text(driver);
    g_auto(GStrv) rows = g_strsplit(text, "\n", -1);
    bool console = false;
    for (char **row = rows; *row != NULL; row++) {
        console = console || is_of_console(*row);
        const char *line = console ? strstr(*row, "│> ") : NULL;
        if (line != NULL) {
            line += strlen("│> ");
            const char *frame = strrchr(line, '\xe2');
            g_ptr_array_add(lines, g_strchomp(g_strndup(line, (gsize)(frame - line))));
        }
    }
    g_ptr_array_add(lines, NULL);
    return (GStrv)g_ptr_array_free(g_steal_pointer(&lines), FALSE);
}

/* A word "@10,5" is a click, "@10,5-12,6" a drag, "@10,5+3" three turns of the wheel, the others are keys or, with _ in them, commands. */
static void do_word(struct driver *driver, const char *word)
{
    int x, y, to_x, to_y, turns = 0;
    if (sscanf(word, "@%d,%d-%d,%d", &x, &y, &to_x, &to_y) == 4) {
        desk_mouse(driver->desk, &(struct mouse){.what = MOUSE_PRESS, .x = x, .y = y, .button = 1});
        desk_mouse(driver->desk, &(struct mouse){.what = MOUSE_DRAG, .x = to_x, .y = to_y, .button = 1});
        desk_mouse(driver->desk, &(struct mouse){.what = MOUSE_RELEASE, .x = to_x, .y = to_y, .button = 1});
    } else if (sscanf(word, "@%d,%d+%d", &x, &y, &turns) >= 2) {
        for (int i = 0; i < turns; i++) {
            desk_mouse(driver->desk, &(struct mouse){.what = MOUSE_WHEEL_DOWN, .x = x, .y = y});
        }
        if (turns == 0) {
            desk_mouse(driver->desk, &(struct mouse){.what = MOUSE_PRESS, .x = x, .y = y, .button = 1});
            desk_mouse(driver->desk, &(struct mouse){.what = MOUSE_RELEASE, .x = x, .y = y, .button = 1});
        }
    } else if (strchr(word, '_') != NULL) {
        g_autofree char *line = g_strdup(word);
        driver_command(driver, g_strdelimit(line, "_", ' '));
    } else {
        driver_keys(driver, word);
    }
    driver_settle(driver);
}

static void check_replay(const char *keys)
{
    struct driver *driver = driver_new(120, 40, driver_colour, "disk.img");
    g_auto(GStrv) words = g_strsplit(keys, " ", -1);
    for (char **word = words; *word != NULL; word++) { /* one by one: what looks for extents has found them */
        do_word(driver, *word);
    }
    driver_keys(driver, "Tab Shift-Tab"); /* where movements led is told by now */
    g_autofree char *before = screen_without_console(driver);
    g_auto(GStrv) log = session_log(driver);
    driver_free(driver);

    driver = driver_new(120, 40, driver_colour, "disk.img");
    struct sink *sink = sink_new_buffer();
    for (char **line = log; *line != NULL; line++) {
        if (batch_run_line(driver->session, *line, sink) != 0) {
            g_error("%s in the log failed: %s", *line, sink_buffer_text(sink));
        }
        driver_settle(driver);
    }
    sink_free(sink);
    driver_keys(driver, "Tab Shift-Tab"); /* a remark stays until the next key */
    g_autofree char *after = screen_without_console(driver);
    if (strcmp(before, after) != 0) {
        g_autofree char *script = g_strjoinv("\n", log);
        g_test_message("keys %s are logged as\n%s\nwhich leads from\n%s\nto\n%s", keys, script, before, after);
        g_test_fail();
    }
    driver_free(driver);
}

static void test_the_log_replays(void)
{
    check_replay("Tab f");
    check_replay("Tab Tab zoom_ Esc Tab");
    check_replay("Right Right Down + - Down Right +");
    check_replay("Down Right + ] ] Enter");
    check_replay("] ] - + Tab ] ] ]");
    check_replay("read_64k_4k Esc Tab Down Down i i Down i");
    check_replay("goto_1m..0x10ffff Esc Enter g 5 Enter");
    check_replay("Enter g 1m Enter Tab R Tab hex-fold_");
    check_replay("z Tab read_1m_512 Esc");
    check_replay("keys_Tab_z Tab Tab");
}

static void test_movements_replay(void)
{
    check_replay("Tab Down Down PageDown Right");
    check_replay("Tab f G Up PageUp d");
    check_replay("Tab f 40j d v j j v k u");
    check_replay("Tab f 40j v j j 3l");
    check_replay("Tab f 30j End Home Down Ctrl-O Down");
    check_replay("Tab f 200G Ctrl-O");
    check_replay("Right Right Down G Up + + Down Down Down");
    check_replay("e Down Down e Right");
    check_replay("o PageDown Down o Up");
    check_replay("read_0_512 read_1k_512 read_2k_512 Esc Tab Tab Down Down");
    check_replay("Tab f z PageDown PageDown z Down");
    check_replay("@80,8 @85,9-90,12 @80,5+4");
    check_replay("@5,6 @20,4+2 Tab @100,10+5 Down Down z z");
}

static void test_one_line_stands_for_all_movements(void)
{
    struct driver *driver = driver_new(120, 40, driver_colour, "disk.img");
    driver_keys(driver, "Tab f Down Down");
    g_assert_false(driver_shows(driver, "> cursor"));
    driver_keys(driver, "Down Tab");
    g_assert_true(driver_shows(driver, "> cursor hex 0x30 0"));
    driver_keys(driver, "Shift-Tab Down : Esc Down Up :");
    g_assert_false(driver_shows(driver, "> cursor hex 0x30 0"));
    g_assert_true(driver_shows(driver, "> cursor hex 0x40 0"));
    driver_command(driver, "do page-down 0");
    g_assert_true(driver_shows(driver, "do: type how often"));
    driver_command(driver, "cursor hex 0x40 0 1k..0");
    g_assert_true(driver_shows(driver, "cursor: type an offset"));
    driver_command(driver, "cursor hex 64t");
    g_assert_true(driver_shows(driver, "cursor: there is no such place"));
    driver_command(driver, "cursor console 1");
    g_assert_true(driver_shows(driver, "cursor: type map, hex or pending first"));
    driver_free(driver);
}

static void test_requests_can_be_asked_for_at_any_time(void)
{
    static const char *const before[] = {"Esc", "g", "?", "? /", "Ctrl-P", "F9", "z"};
    for (size_t i = 0; i < G_N_ELEMENTS(before); i++) {
        struct driver *driver = driver_new(80, 24, driver_colour, i % 2 == 0 ? "disk.img" : NULL);
        for (int request = 0; request < REQUEST_COUNT; request++) {
            g_autofree char *line = g_strconcat("do ", request_info((enum request)request)->name, NULL);
            struct sink *sink = sink_new_buffer();
            driver_keys(driver, before[i]);
            batch_run_line(driver->session, line, sink);
            sink_free(sink);
            driver_settle(driver);
            if (desk_is_dirty(driver->desk)) {
                desk_draw(driver->desk);
            }
        }
        driver_free(driver);
    }
}

static void test_tab_visits_every_panel(void)
{
    struct driver *driver = driver_new(60, 15, driver_colour, "disk.img");
    static const char *const tabs[] = {"[hex]", "[pending]", "[console]", "[map]"};
    for (size_t i = 0; i < G_N_ELEMENTS(tabs); i++) {
        driver_keys(driver, "Tab");
        g_assert_true(driver_shows(driver, tabs[i]));
    }
    driver_keys(driver, "Tab : Esc");
    g_assert_true(driver_shows(driver, "[hex]"));
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

static void test_a_running_command_is_seen_without_the_console(void)
{
    struct driver *driver = driver_new(60, 15, driver_colour, "disk.img");
    driver_command(driver, "sleep 60000");
    driver_keys(driver, "Esc");
    g_assert_false(driver_shows(driver, "running"));
    driver_pass_ms(driver, 400);
    g_assert_true(driver_shows(driver, "running"));
    driver_keys(driver, "Ctrl-C");
    g_assert_false(driver_shows(driver, "running"));
    driver_free(driver);
}

static void test_scrolling_back_stays_put(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_command(driver, "help");
    driver_keys(driver, "Home");
    g_assert_true(driver_shows(driver, "Type : and a command"));
    g_assert_true(driver_shows(driver, "lines below"));
    driver_keys(driver, "PageDown");
    g_assert_false(driver_shows(driver, "Type : and a command"));
    driver_keys(driver, "End");
    g_assert_false(driver_shows(driver, "lines below"));
    driver_free(driver);
}

static void test_idle_means_nothing_to_draw(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_command(driver, "read -q 0 64k");
    driver_keys(driver, "Esc");
    unsigned frames = headless_frames(driver->display), wakes = driver->wakes;
    driver_pass_ms(driver, 3600 * 1000);
    g_assert_cmpuint(headless_frames(driver->display), ==, frames);
    g_assert_cmpuint(driver->wakes, ==, wakes);
    g_assert_cmpint(desk_next_tick_us(driver->desk), ==, -1);
    driver_free(driver);
}

static void test_ways_to_quit(void)
{
    static const char *const ways[] = {"q", ": Ctrl-D", ": quit Enter", ": q Enter"};
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
        struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
        driver_keys(driver, ways[i]);
        g_assert_true(desk_wants_quit(driver->desk));
        driver_free(driver);
    }
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_keys(driver, ": x Ctrl-D Ctrl-A Ctrl-D g Esc g q Esc ? q");
    g_assert_false(desk_wants_quit(driver->desk));
    driver_free(driver);
}

static void test_suspend_and_redraw_are_asked_of_the_loop(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_keys(driver, "Ctrl-Z : Ctrl-Z Esc g Ctrl-Z Esc Ctrl-L");
    g_assert_cmpuint(driver->suspends, ==, 3);
    g_assert_cmpuint(driver->repaints, ==, 1);
    driver_free(driver);
}

static void test_every_size_can_be_drawn(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_command(driver, "read -v 0 4k");
    for (int i = 0; i < 400; i++) {
        driver_keys(driver, i % 7 == 0 ? "Esc z" : i % 5 == 0 ? "Tab" : i % 11 == 0 ? "?" : "PageDown");
        driver_resize(driver, 1 + i * 37 % 211, 1 + i * 23 % 67);
    }
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

static void test_scripts_press_keys_and_print_the_screen(void)
{
    struct driver *driver = driver_new(60, 15, driver_colour, "disk.img");
    struct sink *sink = sink_new_buffer();
    g_assert_cmpint(batch_run_line(driver->session, "keys Tab g 1m Enter ; screen", sink), ==, 0);
    g_assert_nonnull(strstr(sink_buffer_text(sink), "\n  map  [hex]  pending   console\n"));
    g_assert_nonnull(strstr(sink_buffer_text(sink), "00100000  00 01 02 03"));
    g_assert_nonnull(strstr(sink_buffer_text(sink), "└────"));
    sink_free(sink);
    driver_free(driver);
}

static gboolean on_turn(void *data)
{
    static int64_t now_us = INT64_C(2000) * 1000 * 1000;
    desk_tick(((struct driver *)data)->desk); /* something to paint in each turn */
    clock_set_fake_us(now_us += 1000 * 1000);
    return G_SOURCE_CONTINUE;
}

static void test_what_never_rests_is_printed_as_far_as_it_is(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    struct sink *sink = sink_new_buffer();
    unsigned turns = g_idle_add_full(G_PRIORITY_DEFAULT, on_turn, driver, NULL);
    g_assert_cmpint(batch_run_line(driver->session, "screen", sink), ==, 0);
    g_source_remove(turns);
    g_assert_nonnull(strstr(sink_buffer_text(sink), "disk.img"));
    sink_free(sink);
    driver_free(driver);
}

static void test_requests_of_panels_are_commands(void)
{
    struct driver *driver = driver_new(100, 30, driver_colour, "disk.img");
    g_assert_true(driver_shows(driver, "rows, 1008 bytes the same"));
    driver_keys(driver, "Tab f");
    g_assert_true(driver_shows(driver, "> hex-fold"));
    g_assert_false(driver_shows(driver, "rows, 1008 bytes the same"));
    driver_command(driver, "hex-fold"); /* from the console, which has the focus now */
    g_assert_true(driver_shows(driver, "rows, 1008 bytes the same"));
    driver_keys(driver, "hex-fo Tab");
    g_assert_true(driver_shows(driver, "hex-fold"));
    driver_free(driver);
}

/* What a script's line prints.  g_free. */
static char *output_of(struct driver *driver, const char *line)
{
    struct sink *sink = sink_new_buffer();
    batch_run_line(driver->session, line, sink);
    char *text = g_strdup(sink_buffer_text(sink));
    sink_free(sink);
    return text;
}

static void test_themes_are_listed_and_switched(void)
{
    struct driver *driver = driver_new(100, 40, driver_colour, NULL);
    driver_command(driver, "zoom");
    g_autofree char *at_first = output_of(driver, "theme");
    g_assert_nonnull(strstr(at_first, "* default\n"));
    g_assert_nonnull(strstr(at_first, "  solarized\n"));
    driver_command(driver, "theme nord");
    g_assert_cmpint(driver->text_style.foreground, ==, 0xd8dee9);
    driver_keys(driver, "theme Space high Tab Enter");
    g_assert_cmpint(driver->text_style.foreground, ==, 0xffffff);
    driver_command(driver, "theme nord");
    driver_command(driver, "theme nonsense");
    g_assert_true(driver_shows(driver, "theme: nonsense: neither a theme nor a file"));
    g_assert_cmpint(driver->text_style.foreground, ==, 0xd8dee9); /* as before */
    g_autofree char *later = output_of(driver, "theme");
    g_assert_nonnull(strstr(later, "* nord\n"));
    g_autofree char *path = g_build_filename(driver->dir, "my.theme", NULL);
    g_autofree char *line = g_strconcat("theme ", path, NULL);
    g_assert_true(g_file_set_contents(path, "[colours]\ntext=#010203\n", -1, NULL));
    driver_command(driver, line);
    g_assert_cmpint(driver->text_style.foreground, ==, 0x010203);
    driver_free(driver);
}

/* Offset of the focused panel's cursor. */
static int64_t cursor(struct driver *driver)
{
    g_autofree char *why = NULL;
    return desk_parse_offset(driver->desk, "+0", &why);
}

static void mouse(struct driver *driver, enum mouse_what what, int x, int y)
{
    struct mouse mouse = {.what = what, .x = x, .y = y, .button = what < MOUSE_WHEEL_UP};
    desk_mouse(driver->desk, &mouse);
    driver_settle(driver);
}

static void test_a_click_moves_focus_and_cursor(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_command(driver, "hex-fold");
    driver_command(driver, "focus map");
    mouse(driver, MOUSE_PRESS, 14, 8); /* second byte of the first row in hex */
    g_assert_true(driver_shows(driver, "> focus hex"));
    g_assert_cmpint(cursor(driver), ==, 0x1);
    mouse(driver, MOUSE_DRAG, 17, 9);
    g_assert_cmpint(cursor(driver), ==, 0x12);
    mouse(driver, MOUSE_RELEASE, 17, 9);
    mouse(driver, MOUSE_DRAG, 14, 8); /* nothing is held */
    g_assert_cmpint(cursor(driver), ==, 0x12);
    mouse(driver, MOUSE_PRESS, 20, 4);
    g_assert_true(driver_shows(driver, "> focus map"));
    desk_use_mouse(driver->desk, false);
    g_assert_false(driver->mouse);
    g_autofree char *before = driver_text(driver);
    mouse(driver, MOUSE_PRESS, 14, 8);
    g_autofree char *after = driver_text(driver);
    g_assert_cmpstr(after, ==, before);
    driver_free(driver);
}

static void test_the_wheel_scrolls_what_is_under_it(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    mouse(driver, MOUSE_WHEEL_DOWN, 40, 9);
    g_assert_false(driver_shows(driver, "> focus"));
    driver_command(driver, "focus hex");
    g_assert_cmpint(cursor(driver), ==, 0x100010);
    driver_command(driver, "help");
    mouse(driver, MOUSE_WHEEL_UP, 40, 20);
    g_assert_true(driver_shows(driver, "lines below"));
    mouse(driver, MOUSE_WHEEL_DOWN, 40, 20);
    g_assert_false(driver_shows(driver, "lines below"));
    driver_resize(driver, 120, 24);
    driver_keys(driver, "F1");
    mouse(driver, MOUSE_PRESS, 60, 10);
    g_assert_true(driver_shows(driver, "readline"));
    mouse(driver, MOUSE_PRESS, 2, 10); /* beside it */
    g_assert_false(driver_shows(driver, "readline"));
    driver_free(driver);
}

/* Lines below what is shown of the console's output. */
static int lines_below(struct driver *driver)
{
    g_autofree char *text = driver_text(driver);
    const char *at = strstr(text, " lines below");
    while (at != NULL && at > text && g_ascii_isdigit(at[-1])) {
        at--;
    }
    return at != NULL ? atoi(at) : 0;
}

static void test_the_wheel_moves_as_many_rows_as_was_set(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_command(driver, "set wheel 7");
    mouse(driver, MOUSE_WHEEL_DOWN, 40, 9);
    driver_command(driver, "focus hex");
    g_assert_cmpint(cursor(driver), ==, 0x100050); /* row 0, that of the hole, and five of all bytes */
    driver_command(driver, "help");
    mouse(driver, MOUSE_WHEEL_UP, 40, 20);
    g_assert_cmpint(lines_below(driver), ==, 7);
    driver_free(driver);
}

static void test_a_wrong_option_leaves_the_comparison(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    g_autofree char *create = g_strdup_printf("create -q %s/other.img 2M", driver->dir);
    g_autofree char *compare = g_strdup_printf("differences %s/other.img", driver->dir);
    driver_command(driver, create);
    driver_command(driver, compare);
    driver_command(driver, "focus map");
    driver_keys(driver, "z");
    g_assert_true(driver_shows(driver, " vs "));
    driver_command(driver, "differences -z");
    g_assert_true(driver_shows(driver, "invalid option"));
    driver_command(driver, "focus map");
    g_assert_true(driver_shows(driver, " vs "));
    driver_command(driver, "differences -c");
    driver_command(driver, "focus map");
    g_assert_false(driver_shows(driver, " vs "));
    driver_free(driver);
}

static void test_a_click_on_a_tab_shows_its_panel(void)
{
    struct driver *driver = driver_new(60, 15, driver_colour, "disk.img");
    mouse(driver, MOUSE_PRESS, 8, 1);
    g_assert_true(driver_shows(driver, "[hex]"));
    driver_free(driver);
}

static void test_scripts_use_the_mouse(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_command(driver, "focus hex ; mouse press 14 8");
    g_assert_cmpint(cursor(driver), ==, 0x1);
    driver_command(driver, "mouse hover 1 1");
    g_assert_true(driver_shows(driver, "mouse: type what"));
    driver_free(driver);
}

static void test_digits_before_a_key_repeat_it(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_command(driver, "hex-fold ; focus hex");
    driver_keys(driver, "5 j");
    g_assert_cmpint(cursor(driver), ==, 0x50);
    driver_keys(driver, "1 2 l");
    g_assert_cmpint(cursor(driver), ==, 0x5c);
    driver_keys(driver, "0"); /* without a digit before it a key of its own */
    g_assert_cmpint(cursor(driver), ==, 0x50);
    driver_keys(driver, "1 0 k");
    g_assert_cmpint(cursor(driver), ==, 0x0);
    driver_keys(driver, "1 2 G");
    g_assert_cmpint(cursor(driver), ==, 0xb0);
    driver_keys(driver, "5 Esc j");
    g_assert_cmpint(cursor(driver), ==, 0xc0);
    driver_keys(driver, "9 9 9 9 9 9 9 9 9 9 9 9 l");
    driver_keys(driver, "Tab Shift-Tab Shift-Tab 3 +");
    g_assert_true(driver_shows(driver, "> map-zoom-in 0 3 "));
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
    g_test_add_func("/screen/start", test_start);
    g_test_add_func("/screen/without-an-image", test_without_an_image);
    g_test_add_func("/screen/keys-without-an-image", test_keys_without_an_image_say_why_nothing_happens);
    g_test_add_func("/screen/help-shows-the-keys-of-the-panel", test_help_shows_the_keys_of_the_panel);
    g_test_add_func("/screen/help-fits-any-screen", test_help_fits_any_screen);
    g_test_add_func("/screen/a-suspended-request-is-shown-and-resumed", test_a_suspended_request_is_shown_and_resumed);
    g_test_add_func("/screen/errors-are-shown", test_errors_are_shown);
    g_test_add_func("/screen/the-first-line-names-the-layer", test_the_first_line_names_the_layer);
    g_test_add_func("/screen/a-hostile-name-is-shown-escaped", test_a_hostile_name_is_shown_escaped);
    g_test_add_func("/screen/an-empty-disk-of-any-size-is-one-row-at-once", test_an_empty_disk_of_any_size_is_one_row_at_once);
    g_test_add_func("/screen/read-fills-hex-and-scrollback", test_read_fills_hex_and_scrollback);
    g_test_add_func("/screen/keys-are-logged-as-commands", test_keys_are_logged_as_commands);
    g_test_add_func("/screen/the-log-replays", test_the_log_replays);
    g_test_add_func("/screen/movements-replay", test_movements_replay);
    g_test_add_func("/screen/one-line-stands-for-all-movements", test_one_line_stands_for_all_movements);
    g_test_add_func("/screen/requests-can-be-asked-for-at-any-time", test_requests_can_be_asked_for_at_any_time);
    g_test_add_func("/screen/tab-visits-every-panel", test_tab_visits_every_panel);
    g_test_add_func("/screen/the-console-edits-completes-and-remembers",
                    test_the_console_edits_completes_and_remembers);
    g_test_add_func("/screen/a-long-line-scrolls-sideways", test_a_long_line_scrolls_sideways);
    g_test_add_func("/screen/ctrl-c-ends-the-command-and-nothing-else", test_ctrl_c_ends_the_command_and_nothing_else);
    g_test_add_func("/screen/a-running-command-is-seen-without-the-console",
                    test_a_running_command_is_seen_without_the_console);
    g_test_add_func("/screen/scrolling-back-stays-put", test_scrolling_back_stays_put);
    g_test_add_func("/screen/idle-means-nothing-to-draw", test_idle_means_nothing_to_draw);
    g_test_add_func("/screen/ways-to-quit", test_ways_to_quit);
    g_test_add_func("/screen/suspend-and-redraw-are-asked-of-the-loop", test_suspend_and_redraw_are_asked_of_the_loop);
    g_test_add_func("/screen/every-size-can-be-drawn", test_every_size_can_be_drawn);
    g_test_add_func("/screen/goto-understands-offsets", test_goto_understands_offsets);
    g_test_add_func("/screen/scripts-press-keys-and-print-the-screen", test_scripts_press_keys_and_print_the_screen);
    g_test_add_func("/screen/what-never-rests-is-printed-as-far-as-it-is", test_what_never_rests_is_printed_as_far_as_it_is);
    g_test_add_func("/screen/requests-of-panels-are-commands", test_requests_of_panels_are_commands);
    g_test_add_func("/screen/themes-are-listed-and-switched", test_themes_are_listed_and_switched);
    g_test_add_func("/screen/a-click-moves-focus-and-cursor", test_a_click_moves_focus_and_cursor);
    g_test_add_func("/screen/the-wheel-scrolls-what-is-under-it", test_the_wheel_scrolls_what_is_under_it);
    g_test_add_func("/screen/the-wheel-moves-as-many-rows-as-was-set", test_the_wheel_moves_as_many_rows_as_was_set);
    g_test_add_func("/screen/a-wrong-option-leaves-the-comparison", test_a_wrong_option_leaves_the_comparison);
    g_test_add_func("/screen/a-click-on-a-tab-shows-its-panel", test_a_click_on_a_tab_shows_its_panel);
    g_test_add_func("/screen/scripts-use-the-mouse", test_scripts_use_the_mouse);
    g_test_add_func("/screen/digits-before-a-key-repeat-it", test_digits_before_a_key_repeat_it);
    g_test_add_func("/screen/pasted-text-runs-nothing", test_pasted_text_runs_nothing);
    g_test_add_func("/screen/random-keys-do-no-harm", test_random_keys_do_no_harm);
    return driver_run_tests();
}
