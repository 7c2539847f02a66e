/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A Hilbert curve for any rectangle: it is cut into parts whose own curves begin where the one before ended.
 *
 * A part has two sides, given as vectors: its curve begins at the corner they start from and ends at the far end of the first
 * one.  Long parts are cut across; others in three: along half of the second side, along the far half of the first, and
 * back down the second.  A walk in unit steps between corners exists only if the colours of a chess board agree: with
 * an odd first side the number of cells must be odd, too.  So lengths are cut where the pieces stay even, and the whole begins along the side that
 * makes it possible.
 */
#include "ui/panels/map-order.h"

#include <glib.h>
#include <stdlib.h>

struct vector {
    int x, y; /* one of them is 0 */
};

struct walk {
    struct map_order *order;
    uint32_t count;
};

static int length(struct vector v)
{
    return abs(v.x + v.y);
}

static struct vector unit(struct vector v)
{
    return (struct vector){(v.x > 0) - (v.x < 0), (v.y > 0) - (v.y < 0)};
}

static struct vector scaled(struct vector v, int factor)
{
    return (struct vector){v.x * factor, v.y * factor};
}

static struct vector sum(struct vector a, struct vector b)
{
    return (struct vector){a.x + b.x, a.y + b.y};
}

static struct vector minus(struct vector v)
{
    return (struct vector){-v.x, -v.y};
}

static void visit(struct walk *walk, struct vector at)
{
    uint32_t place = (uint32_t)(at.y * walk->order->columns + at.x);

    walk->order->place[walk->count] = place;
    walk->order->index[place] = walk->count++;
}

static void straight(struct walk *walk, struct vector at, struct vector step, int cells)
{
    for (; cells > 0; cells--) {
        visit(walk, at);
        at = sum(at, step);
    }
}

/* At most half of len, even if both it and the rest can then be walked. */
static int half_of(int len)
{
    int half = len / 2;

    return half % 2 != 0 && len > 2 ? half + 1 : half;
}

static void cover(struct walk *walk, struct vector at, struct vector along, struct vector across)
{
    struct vector a = unit(along), b = unit(across);
    int width = length(along), height = length(across);

    if (height == 1) {
        straight(walk, at, a, width);
    } else if (width == 1) {
        straight(walk, at, b, height);
    } else if (2 * width > 3 * height) {
        struct vector first = scaled(a, half_of(width));

        cover(walk, at, first, across);
        cover(walk, sum(at, first), sum(along, minus(first)), across);
    } else {
        struct vector first = scaled(a, width / 2), up = scaled(b, half_of(height));

        cover(walk, at, up, first);
        cover(walk, sum(at, up), along, sum(across, minus(up)));
        cover(walk, sum(at, sum(sum(along, minus(a)), sum(up, minus(b)))), minus(up), minus(sum(along, minus(first))));
    }
}

static void make_curve(struct map_order *order)
{
    size_t cells = (size_t)order->columns * (size_t)order->rows;
    struct walk walk = {order, 0};
    struct vector right = {order->columns, 0}, down = {0, order->rows};
    bool right_is_possible = order->columns % 2 == 0 || order->rows % 2 != 0;
    bool down_is_possible = order->rows % 2 == 0 || order->columns % 2 != 0;

    order->place = g_new(uint32_t, cells);
    order->index = g_new(uint32_t, cells);
    if (right_is_possible && (order->columns >= order->rows || !down_is_possible)) {
        cover(&walk, (struct vector){0, 0}, right, down);
    } else {
        cover(&walk, (struct vector){0, 0}, down, right);
    }
    g_assert(walk.count == cells);
}

void map_order_set(struct map_order *order, enum map_order_kind kind, int columns, int rows)
{
    if (order->kind == kind && order->columns == columns && order->rows == rows) {
        return;
    }
    map_order_done(order);
    *order = (struct map_order){.kind = kind, .columns = columns, .rows = rows};
    if (kind == MAP_ORDER_CURVE && columns > 0 && rows > 0) {
        make_curve(order);
    }
}

void map_order_done(struct map_order *order)
{
    g_free(order->place);
    g_free(order->index);
    *order = (struct map_order){0};
}

void map_order_place(const struct map_order *order, int64_t index, int *ret_column, int *ret_row)
{
    int64_t place = order->place ? order->place[index] : index;

    *ret_column = (int)(place % order->columns);
    *ret_row = (int)(place / order->columns);
}

int64_t map_order_index(const struct map_order *order, int column, int row)
{
    int64_t place = (int64_t)row * order->columns + column;

    return order->index ? order->index[place] : place;
}
