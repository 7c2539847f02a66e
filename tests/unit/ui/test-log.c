/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was done is in the log as commands, and the log leads to the same screen. */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "driver.h"
#include "engine/batch.h"

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

int main(int argc, char **argv)
{
    driver_init(&argc, &argv);
    g_test_add_func("/log/keys-are-logged-as-commands", test_keys_are_logged_as_commands);
    g_test_add_func("/log/the-log-replays", test_the_log_replays);
    g_test_add_func("/log/movements-replay", test_movements_replay);
    g_test_add_func("/log/one-line-stands-for-all-movements", test_one_line_stands_for_all_movements);
    g_test_add_func("/log/requests-can-be-asked-for-at-any-time", test_requests_can_be_asked_for_at_any_time);
    return driver_run_tests();
}
