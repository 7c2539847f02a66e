/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What clicks and the wheel do on the whole screen. */
#include <glib.h>
#include <string.h>

#include "driver.h"

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
    g_assert_cmpint(driver_cursor(driver), ==, 0x1);
    mouse(driver, MOUSE_DRAG, 17, 9);
    g_assert_cmpint(driver_cursor(driver), ==, 0x12);
    mouse(driver, MOUSE_RELEASE, 17, 9);
    mouse(driver, MOUSE_DRAG, 14, 8); /* nothing is held */
    g_assert_cmpint(driver_cursor(driver), ==, 0x12);
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
    g_assert_cmpint(driver_cursor(driver), ==, 0x100010);
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
    g_assert_cmpint(driver_cursor(driver), ==, 0x100050); /* row 0, that of the hole, and five of all bytes */
    driver_command(driver, "help");
    mouse(driver, MOUSE_WHEEL_UP, 40, 20);
    g_assert_cmpint(lines_below(driver), ==, 7);
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
    g_assert_cmpint(driver_cursor(driver), ==, 0x1);
    driver_command(driver, "mouse hover 1 1");
    g_assert_true(driver_shows(driver, "mouse: type what"));
    driver_free(driver);
}

int main(int argc, char **argv)
{
    driver_init(&argc, &argv);
    g_test_add_func("/clicks/a-click-moves-focus-and-cursor", test_a_click_moves_focus_and_cursor);
    g_test_add_func("/clicks/the-wheel-scrolls-what-is-under-it", test_the_wheel_scrolls_what_is_under_it);
    g_test_add_func("/clicks/the-wheel-moves-as-many-rows-as-was-set", test_the_wheel_moves_as_many_rows_as_was_set);
    g_test_add_func("/clicks/a-click-on-a-tab-shows-its-panel", test_a_click_on_a_tab_shows_its_panel);
    g_test_add_func("/clicks/scripts-use-the-mouse", test_scripts_use_the_mouse);
    return driver_run_tests();
}
