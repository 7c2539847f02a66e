/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The order of cells in a rectangle: row by row, or along a Hilbert curve made for rectangles of any size. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum map_order_kind { MAP_ORDER_ROWS, MAP_ORDER_CURVE };

/* Zero-initialised: no cells. */
struct map_order {
    enum map_order_kind kind;
    int columns, rows;
    uint32_t *place; /* of the n-th cell: row * columns + column; NULL: in rows it is n itself */
    uint32_t *index; /* the other way round */
};

/* Makes it about that rectangle; cheap if it was already. */
void map_order_set(struct map_order *order, enum map_order_kind kind, int columns, int rows);
void map_order_done(struct map_order *order);

/*
 * Where the index-th cell is, and which cell is there; both must be inside.  On the curve, cells that follow each other are
 * neighbours, the first is in the top left corner, and what is near in the image is near in the picture.
 */
void map_order_place(const struct map_order *order, int64_t index, int *ret_column, int *ret_row);
int64_t map_order_index(const struct map_order *order, int column, int row);
