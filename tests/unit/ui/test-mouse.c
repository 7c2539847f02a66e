/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mouse where nobody expects it: outside, without an end, under what lies over the panels. */
#include <glib.h>
#include <string.h>

#include "driver.h"
#include "ui/desk-private.h"

enum { WIDTH = 80, HEIGHT = 24 };

static void point(struct driver *driver, enum mouse_what what, int x, int y, int button)
{
    struct mouse mouse = {.what = what, .x = x, .y = y, .button = button};
    desk_mouse(driver->desk, &mouse);
    driver_settle(driver);
}

static void drag(struct driver *driver, int x, int y)
{
    point(driver, MOUSE_DRAG, x, y, 1);
}

static void test_a_border_is_dragged_beyond_the_screen(void)
{
    struct driver *driver = driver_new(WIDTH, HEIGHT, driver_colour, "disk.img");
    const struct layout *layout = &driver->desk->layout;
    static const int far[][2] = {{-100, -100}, {1000, 1000}, {INT16_MIN, INT16_MAX}, {0, 0}, {WIDTH - 1, HEIGHT - 1}};
    for (int border = 0; border < LAYOUT_BORDERS; border++) {
        for (size_t i = 0; i < G_N_ELEMENTS(far); i++) {
            int cell = layout_border_cell(layout, border);
            int x = border == 0 ? cell : 5, y = border == 0 ? layout->panels[LAYOUT_PENDING].y + 1 : cell;
            point(driver, MOUSE_PRESS, x, y, 1);
            g_assert_cmpint(driver->desk->held_border, ==, border);
            drag(driver, far[i][0], far[i][1]);
            point(driver, MOUSE_RELEASE, far[i][0], far[i][1], 1);
            for (int panel = 0; panel < LAYOUT_PANELS; panel++) { /* every panel keeps a frame and a line */
                g_assert_cmpint(layout->panels[panel].width, >=, 3);
                g_assert_cmpint(layout->panels[panel].height, >=, 3);
            }
        }
    }
    driver_free(driver);
}

static void test_a_border_that_is_gone_is_not_dragged(void)
{
    struct driver *driver = driver_new(WIDTH, HEIGHT, driver_colour, "disk.img");
    const struct layout *layout = &driver->desk->layout;
    point(driver, MOUSE_PRESS, 5, layout_border_cell(layout, 1), 1);
    drag(driver, 5, layout_border_cell(layout, 1) + 2);
    struct layout_shares shares = driver->desk->shares;
    driver_keys(driver, "z");
    drag(driver, 5, 3);
    g_assert_cmpmem(&shares, sizeof shares, &driver->desk->shares, sizeof shares);
    driver_keys(driver, "z");
    driver_resize(driver, 160, 48); /* another shape, whose borders are others */
    drag(driver, 100, 40);
    drag(driver, 3, 3);
    g_assert_cmpmem(&shares, sizeof shares, &driver->desk->shares, sizeof shares);
    driver_free(driver);
}

static void test_a_press_that_never_ends_ends_with_the_next(void)
{
    struct driver *driver = driver_new(WIDTH, HEIGHT, driver_colour, "disk.img");
    int y = driver->desk->layout.panels[LAYOUT_HEX].y + 1;
    point(driver, MOUSE_PRESS, 11, y, 1);
    drag(driver, 17, y);
    g_assert_true(driver_shows(driver, "  selected 0.."));
    point(driver, MOUSE_PRESS, 14, y, 1);
    g_assert_false(driver_shows(driver, "  selected 0.."));
    driver_keys(driver, "g"); /* a question takes the mouse away */
    point(driver, MOUSE_RELEASE, 14, y, 1);
    driver_keys(driver, "Esc");
    drag(driver, 30, y);
    g_assert_false(driver_shows(driver, "  selected 0.."));
    driver_free(driver);
}

static void test_the_wheel_moves_what_is_under_it(void)
{
    static const char *const names[] = {"map", "hex", "pending", "console"};
    struct driver *driver = driver_new(WIDTH, HEIGHT, driver_colour, "disk.img");
    driver_command(driver, "read -v 0 4k; set hex-fold off; focus map");
    for (int panel = 0; panel < LAYOUT_PANELS; panel++) {
        const struct rectangle *r = &driver->desk->layout.panels[panel];
        for (int i = 0; i < 200; i++) {
            point(driver, i < 100 ? MOUSE_WHEEL_DOWN : MOUSE_WHEEL_UP, r->x + 2, r->y + 1, 0);
        }
        g_test_message("%s", names[panel]);
        g_assert_cmpint(driver->desk->focus, ==, LAYOUT_MAP);
    }
    driver_keys(driver, "?");
    g_autofree char *before = driver_text(driver);
    point(driver, MOUSE_WHEEL_DOWN, 40, 10, 0);
    g_autofree char *down = driver_text(driver);
    g_assert_cmpstr(before, !=, down);
    point(driver, MOUSE_WHEEL_UP, 40, 10, 0);
    g_autofree char *up = driver_text(driver);
    g_assert_cmpstr(before, ==, up);
    driver_free(driver);
}

static void test_what_was_selected_by_dragging_stays(void)
{
    struct driver *driver = driver_new(160, 48, driver_colour, "disk.img");
    const struct rectangle *hex = &driver->desk->layout.panels[LAYOUT_HEX];
    driver_command(driver, "focus map; set hex-fold off");
    point(driver, MOUSE_PRESS, hex->x + 12, hex->y + 2, 1);
    drag(driver, hex->x + 12, hex->y + 4);
    point(driver, MOUSE_RELEASE, hex->x + 12, hex->y + 4, 1);
    g_assert_true(driver_shows(driver, "selected 0x10..0x30 33 bytes"));
    point(driver, MOUSE_WHEEL_DOWN, hex->x + 12, hex->y + 4, 0);
    driver_keys(driver, "Down Down");
    g_assert_true(driver_shows(driver, "selected 0x10..0x30 33 bytes"));
    point(driver, MOUSE_PRESS, hex->x + 12, hex->y + 2, 1); /* and a click takes it away */
    point(driver, MOUSE_RELEASE, hex->x + 12, hex->y + 2, 1);
    g_assert_false(driver_shows(driver, "selected 0x"));
    driver_free(driver);
}

static int between(int least, int most)
{
    return g_test_rand_int_range(least, most + 1);
}

static void test_random_mice_do_no_harm(void)
{
    static const char *const keys[] = {"Tab", "z", "?", "Esc", "F2", "F7", "F9", "g", ":", "e", "t", "v", "q", "x", "Enter", "PageDown", "L", "F3"};
    static const int sizes[][2] = {{80, 24}, {160, 48}, {40, 10}, {39, 9}, {60, 20}, {1, 1}, {400, 120}, {100, 15}};
    struct driver *driver = driver_new(WIDTH, HEIGHT, driver_colour, "disk.img");
    int width = WIDTH, height = HEIGHT;
    for (int i = 0; i < 6000 && !desk_wants_quit(driver->desk); i++) {
        if (between(0, 9) == 0 && driver->desk->overlay == NULL) {
            driver_keys(driver, keys[between(0, (int)G_N_ELEMENTS(keys) - 1)]);
        } else if (between(0, 19) == 0) {
            driver_keys(driver, "Esc");
        } else if (between(0, 99) == 0) {
            const int *size = sizes[between(0, (int)G_N_ELEMENTS(sizes) - 1)];
            width = size[0];
            height = size[1];
            driver_resize(driver, width, height);
        } else {
            point(driver, (enum mouse_what)between(MOUSE_PRESS, MOUSE_WHEEL_DOWN), between(-3, width + 3), between(-3, height + 3), between(0, 3));
        }
    }
    driver_free(driver);
}

int main(int argc, char **argv)
{
    driver_init(&argc, &argv);
    g_test_add_func("/mouse/a-border-is-dragged-beyond-the-screen", test_a_border_is_dragged_beyond_the_screen);
    g_test_add_func("/mouse/a-border-that-is-gone-is-not-dragged", test_a_border_that_is_gone_is_not_dragged);
    g_test_add_func("/mouse/a-press-that-never-ends-ends-with-the-next", test_a_press_that_never_ends_ends_with_the_next);
    g_test_add_func("/mouse/what-was-selected-by-dragging-stays", test_what_was_selected_by_dragging_stays);
    g_test_add_func("/mouse/the-wheel-moves-what-is-under-it", test_the_wheel_moves_what_is_under_it);
    g_test_add_func("/mouse/random-mice-do-no-harm", test_random_mice_do_no_harm);
    return driver_run_tests();
}
