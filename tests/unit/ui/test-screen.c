/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole screen on a real session: keys in, pictures out. */
#include <glib.h>
#include <string.h>

#include "driver.h"
#include "engine/batch.h"
#include "io/clock.h"
#include "io/co.h"
#include "ui/desk-private.h"

static const struct grid_traits ascii = {.utf8 = false, .colour = true};
static const struct grid_traits mono = {.utf8 = true, .colour = false};

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
    g_assert_true(driver_shows(driver, "* 1099511627774 rows, 17592186044384 bytes of zeroes without data"));
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

static void go_on_for_turns(void *data)
{
    for (unsigned *turns = data; *turns > 0; --*turns)
        co_yield_co();
}

/* A scan on a machine that is busy with something else gets little done in each turn, and has nothing under way between them. */
static void test_what_goes_on_turn_by_turn_is_waited_for(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    struct sink *sink = sink_new_buffer();
    unsigned turns = 100;
    co_start(go_on_for_turns, &turns);
    g_assert_cmpint(batch_run_line(driver->session, "screen", sink), ==, 0);
    g_assert_cmpuint(turns, ==, 0);
    sink_free(sink);
    driver_free(driver);
}

static gboolean on_turn(void *data)
{
    static int64_t now_us = INT64_C(2000) * 1000 * 1000;
    desk_dirty(((struct driver *)data)->desk); /* something to paint in each turn */
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

/* Which is put off for a moment: until then the map has what was found before. */
static void test_a_picture_waits_until_what_changed_is_compared_again(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    g_autofree char *open = g_strdup_printf("open -s -o driver=raw %s/disk.img", driver->dir);
    driver_command(driver, "close");
    driver_command(driver, open);
    driver_command(driver, "differences");
    driver_command(driver, "write -q -P 9 512k 64k");
    g_autofree char *picture = output_of(driver, "screen --svg");
    g_assert_nonnull(strstr(picture, "≠"));
    driver_free(driver);
}

/* R looks a moment later at what others may have written. */
static void test_a_picture_waits_until_the_image_was_looked_at_again(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_command(driver, "map-scan");
    g_assert_true(session_is_looking(driver->session));
    g_autofree char *picture = output_of(driver, "screen --svg");
    g_assert_false(session_is_looking(driver->session));
    driver_free(driver);
}

int main(int argc, char **argv)
{
    driver_init(&argc, &argv);
    g_test_add_func("/screen/start", test_start);
    g_test_add_func("/screen/without-an-image", test_without_an_image);
    g_test_add_func("/screen/help-shows-the-keys-of-the-panel", test_help_shows_the_keys_of_the_panel);
    g_test_add_func("/screen/help-fits-any-screen", test_help_fits_any_screen);
    g_test_add_func("/screen/a-suspended-request-is-shown-and-resumed", test_a_suspended_request_is_shown_and_resumed);
    g_test_add_func("/screen/errors-are-shown", test_errors_are_shown);
    g_test_add_func("/screen/the-first-line-names-the-layer", test_the_first_line_names_the_layer);
    g_test_add_func("/screen/a-hostile-name-is-shown-escaped", test_a_hostile_name_is_shown_escaped);
    g_test_add_func("/screen/an-empty-disk-of-any-size-is-one-row-at-once", test_an_empty_disk_of_any_size_is_one_row_at_once);
    g_test_add_func("/screen/read-fills-hex-and-scrollback", test_read_fills_hex_and_scrollback);
    g_test_add_func("/screen/tab-visits-every-panel", test_tab_visits_every_panel);
    g_test_add_func("/screen/a-running-command-is-seen-without-the-console", test_a_running_command_is_seen_without_the_console);
    g_test_add_func("/screen/scrolling-back-stays-put", test_scrolling_back_stays_put);
    g_test_add_func("/screen/idle-means-nothing-to-draw", test_idle_means_nothing_to_draw);
    g_test_add_func("/screen/ways-to-quit", test_ways_to_quit);
    g_test_add_func("/screen/suspend-and-redraw-are-asked-of-the-loop", test_suspend_and_redraw_are_asked_of_the_loop);
    g_test_add_func("/screen/every-size-can-be-drawn", test_every_size_can_be_drawn);
    g_test_add_func("/screen/scripts-press-keys-and-print-the-screen", test_scripts_press_keys_and_print_the_screen);
    g_test_add_func("/screen/what-goes-on-turn-by-turn-is-waited-for", test_what_goes_on_turn_by_turn_is_waited_for);
    g_test_add_func("/screen/what-never-rests-is-printed-as-far-as-it-is", test_what_never_rests_is_printed_as_far_as_it_is);
    g_test_add_func("/screen/requests-of-panels-are-commands", test_requests_of_panels_are_commands);
    g_test_add_func("/screen/themes-are-listed-and-switched", test_themes_are_listed_and_switched);
    g_test_add_func("/screen/a-wrong-option-leaves-the-comparison", test_a_wrong_option_leaves_the_comparison);
    g_test_add_func("/screen/a-picture-waits-until-what-changed-is-compared-again", test_a_picture_waits_until_what_changed_is_compared_again);
    g_test_add_func("/screen/a-picture-waits-until-the-image-was-looked-at-again", test_a_picture_waits_until_the_image_was_looked_at_again);
    return driver_run_tests();
}
