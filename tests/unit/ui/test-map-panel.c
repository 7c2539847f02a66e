/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "panel-bench.h"
#include "ui/panels/map-pyramid.h"
#include "ui/panels/map-view.h"

static void test_says_that_there_is_nothing(void)
{
    struct bench *bench = bench_new(&panel_map, 0);

    bench_show(bench, 40, 5);
    bench_assert_line(bench, 0, "no image is open");
    bench_open(bench, "");
    bench_show(bench, 40, 5);
    bench_assert_line(bench, 0, "the image is empty");
    bench_free(bench);
}

static void test_is_unknown_until_the_disk_answers(void)
{
    struct bench *bench = bench_new(&panel_map, 32 * 512);

    bench_open(bench, "");
    bench_show(bench, 16, 4);
    bench_ask(bench, REQUEST_MAP_SCAN, 1); /* anew, and the disk is silent */
    bench_draw(bench, 16, 4);
    bench_assert_line(bench, 0, "????????????????");
    g_assert_cmpint(grid_cell(bench->grid, 0, 0)->role, ==, ROLE_KIND_UNKNOWN);
    bench_show(bench, 16, 4);
    bench_assert_line(bench, 0, "················");
    g_assert_cmpint(grid_cell(bench->grid, 0, 0)->role, ==, ROLE_KIND_ZERO);
    bench_free(bench);
}

static void test_shows_how_full_cells_are(void)
{
    struct bench *bench = bench_new(&panel_map, 16 * 65536);
    struct { int64_t offset, bytes; } data[] = {{0, 65536}, {2 * 65536, 4096}, {4 * 65536, 32768}, {6 * 65536 + 32768, 32768}, {8 * 65536 + 4096, 32768}, {15 * 65536, 61440}};

    for (size_t i = 0; i < G_N_ELEMENTS(data); i++)
        bench_write(bench->image, data[i].offset, data[i].bytes, 1);
    bench_open(bench, "");
    bench_show(bench, 16, 1);
    bench_assert_line(bench, 0, "D·░·▌·▐·▒······▓"); /* the cursor would hide a block */
    g_assert_cmpint(grid_cell(bench->grid, 0, 0)->role, ==, ROLE_KIND_DATA);
    g_assert_cmpint(grid_cell(bench->grid, 2, 0)->role, ==, ROLE_KIND_ZERO);
    bench_free(bench);
}

static void test_the_readout_is_exact(void)
{
    struct bench *bench = bench_new(&panel_map, 64 * 65536);

    bench_write(bench->image, 65536 + 8192, 12288, 1);
    bench_open(bench, "");
    bench_show(bench, 80, 8); /* 5 rows of 64 cells of 14 KiB */
    g_assert_cmpint(bench_ask(bench, REQUEST_MAP_ZOOM_OUT, 1), ==, PANEL_REDRAW);
    bench->panel->ops->go(bench->panel, 65536 + 8192, 0);
    bench_show(bench, 80, 8);
    g_assert_true(bench_shows(bench, "0x11800..0x14fff"));
    g_assert_true(bench_shows(bench, "at 0x12000: 12 KiB of data, host 0x12000"));
    g_assert_true(bench_shows(bench, "█ data 12 KiB 85.71%  · zero 2 KiB 14.28%"));
    g_assert_cmpint(bench->panel->ops->position(bench->panel), ==, 65536 + 8192);
    bench_free(bench);
}

static void test_moves_and_shows_in_hex(void)
{
    struct bench *bench = bench_new(&panel_map, 1 << 20);

    bench_open(bench, "");
    bench_show(bench, 16, 6); /* 16 x 4 cells of 16 KiB */
    bench_ask(bench, REQUEST_RIGHT, 2);
    bench_ask(bench, REQUEST_DOWN, 1);
    bench_ask(bench, REQUEST_LEFT, 1);
    bench_ask(bench, REQUEST_MAP_SHOW, 1);
    g_assert_cmpint(bench->gone_to, ==, 17 * 16384);
    bench_ask(bench, REQUEST_ROW_END, 1);
    g_assert_cmpint(bench->panel->ops->position(bench->panel), ==, 31 * 16384);
    bench_ask(bench, REQUEST_LAST, 1);
    g_assert_cmpint(bench->panel->ops->position(bench->panel), ==, 63 * 16384);
    bench_ask(bench, REQUEST_DOWN, 100);
    g_assert_cmpint(bench->panel->ops->position(bench->panel), ==, 63 * 16384);
    bench_ask(bench, REQUEST_PAGE_UP, 9);
    g_assert_cmpint(bench->panel->ops->position(bench->panel), ==, 0);
    bench_free(bench);
}

static void test_zooms_to_a_cluster_of_a_huge_image(void)
{
    int64_t size = INT64_C(15) << 40, at = (INT64_C(7) << 40) + 12288;
    struct bench *bench = bench_new(&panel_map, size);

    bench_write(bench->image, at, 4096, 1);
    bench_open(bench, "");
    bench_show(bench, 80, 24);
    bench->panel->ops->go(bench->panel, at, 0);
    bench_ask(bench, REQUEST_MAP_ZOOM_IN, 7);
    bench_show(bench, 80, 24);
    g_assert_true(bench_shows(bench, "data 4 KiB 100%"));
    g_assert_true(bench_shows(bench, "all: · zero 16492674412544 bytes 99.99%  █ data 4 KiB <0.01%"));
    bench_ask(bench, REQUEST_MAP_ZOOM_IN, 1);
    bench_show(bench, 80, 24);
    g_assert_true(bench_shows(bench, "data 512 bytes 100%"));
    g_assert_true(bench_shows(bench, "··D███████"));
    bench_ask(bench, REQUEST_MAP_ZOOM_IN, 1);
    g_assert_cmpstr(bench->remark, ==, "a cell is one sector already");
    bench_ask(bench, REQUEST_PAGE_DOWN, 100); /* out of the window that was scanned in detail */
    bench_show(bench, 80, 24);
    g_assert_false(bench_shows(bench, "?"));
    bench_ask(bench, REQUEST_MAP_ZOOM_OUT, 60);
    bench_show(bench, 80, 24);
    g_assert_true(bench_shows(bench, "0x00000000000"));
    bench_free(bench);
}

/* Data, and as much that is none, eight times. */
static struct bench *with_extents(int count)
{
    enum { PART = 64 << 10 };
    struct bench *bench = bench_new(&panel_map, (int64_t)count * 2 * PART);

    for (int i = 0; i < count; i++) {
        bench_write(bench->image, (int64_t)i * 2 * PART, PART, 1);
    }
    bench_open(bench, "");
    bench_show(bench, 60, 10);
    return bench;
}

static void check_steps(struct bench *bench, enum request request, int count, int64_t position)
{
    bench_ask(bench, request, count);
    bench_settle(bench);
    g_assert_cmpint(bench->panel->ops->position(bench->panel), ==, position);
}

static void test_extents_are_counted_and_keys_before_the_answer_too(void)
{
    enum { PART = 64 << 10 };
    struct bench *bench = with_extents(8);

    check_steps(bench, REQUEST_MAP_NEXT_EXTENT, 5, 5 * PART);
    bench_ask(bench, REQUEST_MAP_NEXT_EXTENT, 1);
    g_assert_true(bench->panel->ops->steps_on(bench->panel, REQUEST_MAP_NEXT_EXTENT));
    g_assert_false(bench->panel->ops->steps_on(bench->panel, REQUEST_MAP_SHOW));
    bench_ask(bench, REQUEST_MAP_NEXT_EXTENT, 2);
    check_steps(bench, REQUEST_MAP_PREVIOUS_EXTENT, 1, 7 * PART);
    check_steps(bench, REQUEST_MAP_PREVIOUS_EXTENT, 999999999, 0);
    g_assert_cmpstr(bench->remark, ==, "no previous extent");
    bench_ask(bench, REQUEST_MAP_NEXT_EXTENT, 99); /* one step back from the last one */
    check_steps(bench, REQUEST_MAP_PREVIOUS_EXTENT, 1, 14 * PART);
    bench_ask(bench, REQUEST_FIRST, 1);
    bench_ask(bench, REQUEST_MAP_NEXT_EXTENT, 3);
    g_assert_true(bench->panel->ops->cancel(bench->panel));
    bench_settle(bench);
    g_assert_cmpint(bench->panel->ops->position(bench->panel), ==, 0);
    bench_free(bench);
}

static void test_extents_are_found(void)
{
    struct bench *bench = bench_new(&panel_map, INT64_C(1) << 40);

    bench_write(bench->image, INT64_C(1) << 39, 8192, 1);
    bench_open(bench, "");
    bench_show(bench, 60, 10);
    bench_ask(bench, REQUEST_MAP_NEXT_EXTENT, 1);
    bench_settle(bench);
    g_assert_cmpint(bench->panel->ops->position(bench->panel), ==, INT64_C(1) << 39);
    bench_ask(bench, REQUEST_MAP_NEXT_EXTENT, 1);
    bench_settle(bench);
    g_assert_cmpint(bench->panel->ops->position(bench->panel), ==, (INT64_C(1) << 39) + 8192);
    bench_ask(bench, REQUEST_MAP_NEXT_EXTENT, 1);
    bench_settle(bench);
    g_assert_cmpstr(bench->remark, ==, "no next extent");
    bench_ask(bench, REQUEST_LAST, 1);
    bench_ask(bench, REQUEST_MAP_PREVIOUS_EXTENT, 1);
    bench_settle(bench);
    g_assert_cmpint(bench->panel->ops->position(bench->panel), ==, (INT64_C(1) << 39) + 8192);
    bench_ask(bench, REQUEST_MAP_PREVIOUS_EXTENT, 1);
    bench_settle(bench);
    bench_ask(bench, REQUEST_MAP_PREVIOUS_EXTENT, 1);
    bench_settle(bench);
    g_assert_cmpint(bench->panel->ops->position(bench->panel), ==, 0);
    bench_ask(bench, REQUEST_MAP_PREVIOUS_EXTENT, 1);
    bench_settle(bench);
    g_assert_cmpstr(bench->remark, ==, "no previous extent");
    bench_free(bench);
}

static void test_a_range_is_marked(void)
{
    struct bench *bench = bench_new(&panel_map, 16 * 65536);

    bench_open(bench, "");
    bench->panel->ops->go(bench->panel, 3 * 65536 + 10, 65536);
    bench_show(bench, 16, 1);
    for (int x = 0; x < 16; x++)
        g_assert_cmpint(grid_cell(bench->grid, x, 0)->flags & CELL_SELECTED, ==, x == 3 || x == 4 ? CELL_SELECTED : 0);
    bench_free(bench);
}

static void test_writes_appear(void)
{
    struct bench *bench = bench_new(&panel_map, 16 * 65536);

    bench_open(bench, "");
    bench_show(bench, 16, 1);
    bench_run(bench, "write -q 128k 64k");
    bench_show(bench, 16, 1);
    bench_assert_line(bench, 0, "··█·············");
    bench_free(bench);
}

static void test_any_view_holds_the_image_and_its_cursor(void)
{
    for (int i = 0; i < 20000; i++) {
        int width = g_test_rand_int_range(1, 400), height = g_test_rand_int_range(1, 130);
        int64_t size = 1 + (int64_t)(g_test_rand_double() * (double)(INT64_C(1) << g_test_rand_int_range(1, 62)));
        int64_t leaf = INT64_C(1) << map_pyramid_fit(size), cursor = (int64_t)(g_test_rand_double() * (double)(size - 1));
        int64_t zoom = g_test_rand_bit() ? INT64_C(512) << g_test_rand_int_range(0, 40) : 0;
        struct map_view_wish wish = {size, leaf, zoom, cursor / 2, cursor, g_test_rand_bit()};
        struct map_view view = map_view_layout(width, height, &wish);
        int64_t row = map_view_row_span(&view);

        if (view.rows == 0)
            continue;
        g_assert_cmpint(view.gutter + view.columns, <=, width);
        g_assert_cmpint(view.rows + view.readout, <=, height);
        g_assert_cmpint(view.top % row, ==, 0);
        g_assert_cmpint(view.top, <=, cursor);
        g_assert_cmpint(map_view_end(&view, size), >, cursor);
        if (view.span >= leaf)
            g_assert_cmpint(view.span % leaf, ==, 0);
        else
            g_assert_cmpint(view.span, ==, zoom);
        if (zoom == 0) {
            g_assert_cmpint(view.top, ==, 0);
            g_assert_cmpint(map_view_end(&view, size), ==, size);
        }
    }
}

static void test_the_largest_image(void)
{
    bench_the_largest_image(&panel_map, REQUEST_MAP_ZOOM_IN, REQUEST_MAP_NEXT_EXTENT);
}

static void test_survives_anything(void)
{
    bench_anything(&panel_map);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    co_init();
    g_test_add_func("/map-panel/nothing", test_says_that_there_is_nothing);
    g_test_add_func("/map-panel/unknown", test_is_unknown_until_the_disk_answers);
    g_test_add_func("/map-panel/fullness", test_shows_how_full_cells_are);
    g_test_add_func("/map-panel/readout", test_the_readout_is_exact);
    g_test_add_func("/map-panel/moves", test_moves_and_shows_in_hex);
    g_test_add_func("/map-panel/zoom", test_zooms_to_a_cluster_of_a_huge_image);
    g_test_add_func("/map-panel/extents", test_extents_are_found);
    g_test_add_func("/map-panel/extents-counted", test_extents_are_counted_and_keys_before_the_answer_too);
    g_test_add_func("/map-panel/range", test_a_range_is_marked);
    g_test_add_func("/map-panel/writes", test_writes_appear);
    g_test_add_func("/map-panel/views", test_any_view_holds_the_image_and_its_cursor);
    g_test_add_func("/map-panel/largest", test_the_largest_image);
    g_test_add_func("/map-panel/anything", test_survives_anything);
    ret = g_test_run();
    co_done();
    return ret;
}
