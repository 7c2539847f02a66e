/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where things are in the hex panel, and that offsets have room. */
#include <glib/gstdio.h>

#include "panel-bench.h"
#include "ui/panels/hex-layout.h"

static void test_rows_are_as_wide_as_fits(void)
{
    static const struct { int columns, width; bool text; } sizes[] = {
        {142, 32, true}, {109, 24, true}, {104, 16, true}, {78, 16, true}, {77, 16, true}, {50, 8, true}, {33, 8, false}, {23, 8, false}, {5, 2, false}, {1, 1, false}};

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        struct hex_layout layout = hex_layout(sizes[i].columns, 10, 8, 1, false, 0, HEX_INSPECTOR_FULL);

        g_assert_cmpint(layout.width, ==, sizes[i].width);
        g_assert_cmpint(layout.text > 0, ==, sizes[i].text);
    }
    g_assert_cmpint(hex_layout(78, 10, hex_layout_digits(INT64_C(15) << 40, false), 1, false, 0, HEX_INSPECTOR_FULL).width, ==, 16); /* a huge image at 80 columns */
}

static void test_the_inspector_gives_room_to_the_bytes(void)
{
    struct hex_layout full = hex_layout(78, 20, 8, 1, false, 0, HEX_INSPECTOR_FULL), wide = hex_layout(398, 20, 8, 1, false, 0, HEX_INSPECTOR_FULL);

    g_assert_cmpint(full.lines, ==, 9);
    g_assert_cmpint(hex_layout(78, 20, 8, 1, false, 0, HEX_INSPECTOR_BRIEF).lines, ==, 18);
    g_assert_cmpint(hex_layout(398, 20, 8, 1, false, 0, HEX_INSPECTOR_NONE).lines, ==, 20);
    g_assert_cmpint(hex_layout(398, 20, 8, 1, false, 0, HEX_INSPECTOR_NONE).side, ==, 0);
    g_assert_cmpint(wide.side, ==, wide.text + 32 + 3); /* next to them, not at the other end of the screen */
}

static void test_offsets_have_all_their_digits(void)
{
    g_assert_cmpint(hex_layout_digits(0, false), ==, 8);
    g_assert_cmpint(hex_layout_digits(INT64_C(1) << 32, false), ==, 8);
    g_assert_cmpint(hex_layout_digits((INT64_C(1) << 32) + 1, false), ==, 9);
    g_assert_cmpint(hex_layout_digits(0, true), ==, 8);
    g_assert_cmpint(hex_layout_digits(100000000, true), ==, 8);
    g_assert_cmpint(hex_layout_digits(100000001, true), ==, 9);
    g_assert_cmpint(hex_layout_digits(INT64_C(16) << 40, true), ==, 14);
    g_assert_cmpint(hex_layout_digits(INT64_MAX, true), ==, 19);
}

/* In decimal an offset takes more columns than in hex. */
static void test_a_decimal_offset_is_not_cut(void)
{
    struct bench *bench = bench_new(&panel_hex, INT64_C(1) << 40);

    bench_open(bench, "");
    bench_ask(bench, REQUEST_HEX_OFFSETS, 1);
    bench->panel->ops->go(bench->panel, 500000000, 1);
    bench_show(bench, 100, 8);
    g_assert_true(bench_shows(bench, "    500000000  00 00"));
    bench_ask(bench, REQUEST_LAST, 1);
    bench_show(bench, 100, 8);
    g_assert_true(bench_shows(bench, "1099511627760  00 00"));
    bench_free(bench);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    co_init();
    g_test_add_func("/hex-layout/widths", test_rows_are_as_wide_as_fits);
    g_test_add_func("/hex-layout/the-inspector-gives-room-to-the-bytes", test_the_inspector_gives_room_to_the_bytes);
    g_test_add_func("/hex-layout/digits", test_offsets_have_all_their_digits);
    g_test_add_func("/hex-layout/decimal", test_a_decimal_offset_is_not_cut);
    ret = g_test_run();
    co_done();
    return ret;
}
