/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which part of an image each cell of the map stands for. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { MAP_SPAN_MIN = 512 };

/* Rows of cells; all sizes in bytes.  Cell (row, column) begins at top + (row * columns + column) * span. */
struct map_view {
    int gutter;        /* columns the offsets take, with the space behind them; 0: no room */
    int columns, rows; /* cells; 0: no room */
    int readout;       /* lines below the cells */
    int64_t span;      /* of a cell */
    int64_t top;       /* first byte shown, a multiple of a row's span */
};

/*
 * Lays the cells out in width x height.  zoom_span is the wanted span of a cell, or 0 to show the whole image; leaf is the
 * span of the leaves that know it.  cursor must be visible, and near_top is where the top was before.
 */
struct map_view map_view_layout(int width, int height, int64_t size, int64_t leaf, int64_t zoom_span, int64_t near_top,
                                int64_t cursor);

/* Bytes a row spans. */
int64_t map_view_row_span(const struct map_view *view);
/* First byte behind what is visible. */
int64_t map_view_end(const struct map_view *view, int64_t size);

/* Hex digits (without 0x) that any offset in an image of this size needs; at least 8. */
int map_view_digits(int64_t size);
