/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib.h>
#include <stdint.h>

#include "ui/layout.h"

static const struct layout_shares best;

static void assert_shape(int width, int height, enum layout_shape shape)
{
    struct layout layout = layout_of(width, height, LAYOUT_HEX, false, &best);
    g_assert_cmpint(layout.shape, ==, shape);
}

static void test_shape_follows_the_size(void)
{
    assert_shape(160, 48, LAYOUT_WIDE);
    assert_shape(400, 120, LAYOUT_WIDE);
    assert_shape(108, 30, LAYOUT_STACKED);
    assert_shape(80, 24, LAYOUT_STACKED);
    assert_shape(79, 24, LAYOUT_TABS);
    assert_shape(80, 19, LAYOUT_TABS);
    assert_shape(40, 10, LAYOUT_TABS);
    assert_shape(39, 10, LAYOUT_TOO_SMALL);
    assert_shape(40, 9, LAYOUT_TOO_SMALL);
    assert_shape(1, 1, LAYOUT_TOO_SMALL);
}

/* Panels lie between title and hints, cover everything, and overlap only where frames are shared. */
static void check_cover(int width, int height, enum layout_panel focus, bool zoomed, const struct layout_shares *shares)
{
    struct layout layout = layout_of(width, height, focus, zoomed, shares);
    g_autofree uint8_t *times = g_malloc0((size_t)(width * height));
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        const struct rectangle *r = &layout.panels[i];
        for (int y = r->y; r->width > 0 && y < r->y + r->height; y++) {
            for (int x = r->x; x < r->x + r->width; x++) {
                g_assert_true(x >= 0 && x < width && y > layout.title_y && y > layout.tabs_y && y < layout.hints_y);
                bool inside = x > r->x && x < r->x + r->width - 1 && y > r->y && y < r->y + r->height - 1;
                times[y * width + x] = (uint8_t)(times[y * width + x] + (inside ? 100 : 1));
            }
        }
    }
    for (int y = MAX(layout.title_y, layout.tabs_y) + 1; y < layout.hints_y; y++) {
        for (int x = 0; x < width; x++) {
            uint8_t n = times[y * width + x];
            g_assert_true(n == 100 || (n >= 1 && n <= 4));
        }
    }
}

static void test_panels_cover_the_screen(void)
{
    for (int width = 40; width <= 200; width += 3) {
        for (int height = 10; height <= 60; height += 1) {
            check_cover(width, height, LAYOUT_PENDING, false, &best);
            check_cover(width, height, LAYOUT_CONSOLE, true, &best);
        }
    }
}

/* Wherever somebody drags the borders, no panel disappears and all are covered. */
static void test_moved_borders_leave_every_panel_some_room(void)
{
    for (int i = 0; i < 3000; i++) {
        struct layout_shares shares = best;
        int width = g_test_rand_int_range(80, 400), height = g_test_rand_int_range(20, 120);
        for (int border = 0; border < LAYOUT_BORDERS; border++) {
            shares.border[LAYOUT_STACKED][border] = g_test_rand_int_range(0, 1001);
            shares.border[LAYOUT_WIDE][border] = g_test_rand_int_range(0, 1001);
        }
        check_cover(width, height, LAYOUT_HEX, false, &shares);
        struct layout layout = layout_of(width, height, LAYOUT_HEX, false, &shares);
        for (int panel = 0; panel < LAYOUT_PANELS; panel++) {
            g_assert_cmpint(layout.panels[panel].width, >=, 10);
            g_assert_cmpint(layout.panels[panel].height, >=, 4);
        }
    }
}

/* A border that is put at a cell is there, if both sides have room. */
static void test_a_border_goes_where_it_is_put(void)
{
    static const int sizes[][2] = {{80, 24}, {110, 40}, {160, 48}, {400, 120}, {117, 18}};
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        int width = sizes[i][0], height = sizes[i][1];
        struct layout start = layout_of(width, height, LAYOUT_HEX, false, &best);
        for (int border = 0; border < LAYOUT_BORDERS; border++) {
            for (int by = -2; by <= 2; by++) {
                struct layout_shares shares = best;
                int cell = layout_border_cell(&start, border) + by;
                shares.border[start.shape][border] = layout_border_share(&start, border, cell);
                struct layout moved = layout_of(width, height, LAYOUT_HEX, false, &shares);
                g_assert_cmpint(layout_border_cell(&moved, border), ==, cell);
                int x = border == 0 ? cell : border == 2 ? width - 5 : 5, y = border == 0 ? 3 : cell;
                g_assert_cmpint(layout_border_at(&moved, x, y), ==, border);
            }
        }
    }
}

static void test_every_panel_is_usable_at_80x24(void)
{
    struct layout layout = layout_of(80, 24, LAYOUT_MAP, false, &best);
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        g_assert_cmpint(layout.panels[i].width - 2, >=, 32);
        g_assert_cmpint(layout.panels[i].height - 2, >=, 5);
    }
    g_assert_cmpint(layout.panels[LAYOUT_PENDING].width - 2, >=, 45);
    g_assert_cmpint(layout.panels[LAYOUT_HEX].width, ==, 80);
    g_assert_cmpint(layout.panels[LAYOUT_CONSOLE].width, ==, 80);
}

/* On a large screen the lists of what happens grow little, whatever its shape: the rest is for what is looked at. */
static void test_large_screens_are_for_hex_and_map(void)
{
    struct layout ordinary = layout_of(160, 48, LAYOUT_MAP, false, &best), large = layout_of(400, 120, LAYOUT_MAP, false, &best);
    struct layout tall = layout_of(100, 120, LAYOUT_MAP, false, &best);
    g_assert_cmpint(ordinary.panels[LAYOUT_HEX].height, ==, 27);
    g_assert_cmpint(large.panels[LAYOUT_MAP].height, >=, 85);
    g_assert_cmpint(large.panels[LAYOUT_HEX].height, >=, 85);
    g_assert_cmpint(large.panels[LAYOUT_CONSOLE].height, >=, ordinary.panels[LAYOUT_CONSOLE].height + 10);
    g_assert_cmpint(tall.panels[LAYOUT_HEX].height + tall.panels[LAYOUT_MAP].height, >=, 85);
    for (int height = 20; height < 200; height++) { /* no panel gets smaller by a larger screen */
        for (int width = 80; width <= 120; width += 40) {
            struct layout small = layout_of(width, height, LAYOUT_MAP, false, &best), larger = layout_of(width, height + 1, LAYOUT_MAP, false, &best);
            for (int i = 0; i < LAYOUT_PANELS; i++) {
                g_assert_cmpint(larger.panels[i].height, >=, small.panels[i].height - (width == 80 && i == LAYOUT_HEX));
            }
        }
    }
}

static void test_zoom_gives_one_panel_the_room(void)
{
    struct layout layout = layout_of(160, 48, LAYOUT_HEX, true, &best);
    g_assert_cmpint(layout.panels[LAYOUT_HEX].width, ==, 160);
    g_assert_cmpint(layout.panels[LAYOUT_MAP].width, ==, 0);
    g_assert_cmpint(layout.tabs_y, ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/layout/shape-follows-the-size", test_shape_follows_the_size);
    g_test_add_func("/layout/panels-cover-the-screen", test_panels_cover_the_screen);
    g_test_add_func("/layout/moved-borders-leave-every-panel-some-room", test_moved_borders_leave_every_panel_some_room);
    g_test_add_func("/layout/a-border-goes-where-it-is-put", test_a_border_goes_where_it_is_put);
    g_test_add_func("/layout/every-panel-is-usable-at-80x24", test_every_panel_is_usable_at_80x24);
    g_test_add_func("/layout/large-screens-are-for-hex-and-map", test_large_screens_are_for_hex_and_map);
    g_test_add_func("/layout/zoom-gives-one-panel-the-room", test_zoom_gives_one_panel_the_room);
    return g_test_run();
}
