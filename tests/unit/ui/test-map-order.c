/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "ui/panels/map-order.h"

/* Every cell is met once, both ways agree, and cells that follow each other are neighbours. */
static void check(int columns, int rows)
{
    struct map_order order = {0};
    int64_t cells = (int64_t)columns * rows;
    g_autofree bool *met = g_new0(bool, (size_t)cells);
    int column, row, last_column = 0, last_row = 0;

    map_order_set(&order, MAP_ORDER_CURVE, columns, rows);
    for (int64_t i = 0; i < cells; i++) {
        map_order_place(&order, i, &column, &row);
        g_assert_true(column >= 0 && column < columns && row >= 0 && row < rows);
        g_assert_false(met[row * columns + column]);
        met[row * columns + column] = true;
        g_assert_cmpint(map_order_index(&order, column, row), ==, i);
        g_assert_cmpint(abs(column - last_column) + abs(row - last_row), ==, i > 0);
        last_column = column;
        last_row = row;
    }
    map_order_done(&order);
}

static void test_every_small_rectangle(void)
{
    for (int columns = 1; columns <= 48; columns++)
        for (int rows = 1; rows <= 48; rows++)
            check(columns, rows);
}

static void test_large_rectangles(void)
{
    check(400, 120);
    check(399, 120);
    check(400, 119);
    check(399, 119);
    check(64, 64);
    check(1, 500);
    check(500, 1);
    for (int i = 0; i < 100; i++)
        check(g_test_rand_int_range(1, 300), g_test_rand_int_range(1, 200));
}

static void test_what_is_near_stays_near(void)
{
    struct map_order order = {0};
    int x, y, to_x, to_y;

    map_order_set(&order, MAP_ORDER_CURVE, 64, 64);
    for (int64_t i = 0; i + 16 < 64 * 64; i += 16) {
        map_order_place(&order, i, &x, &y);
        map_order_place(&order, i + 15, &to_x, &to_y);
        g_assert_cmpint(abs(x - to_x), <, 8);
        g_assert_cmpint(abs(y - to_y), <, 8);
    }
    map_order_done(&order);
}

static void test_rows_are_as_they_are_read(void)
{
    struct map_order order = {0};
    int column, row;

    map_order_set(&order, MAP_ORDER_ROWS, 7, 5);
    map_order_place(&order, 16, &column, &row);
    g_assert_cmpint(column, ==, 2);
    g_assert_cmpint(row, ==, 2);
    g_assert_cmpint(map_order_index(&order, 6, 4), ==, 34);
    map_order_done(&order);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/map-order/every-small-rectangle", test_every_small_rectangle);
    g_test_add_func("/map-order/large-rectangles", test_large_rectangles);
    g_test_add_func("/map-order/near-stays-near", test_what_is_near_stays_near);
    g_test_add_func("/map-order/rows", test_rows_are_as_they_are_read);
    return g_test_run();
}
