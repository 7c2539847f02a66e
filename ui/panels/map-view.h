/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which part of an image each cell of the map stands for. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { MAP_SPAN_MIN = 512 };

/* Rows of cells; all sizes in bytes.  Cell number n begins at top + n * span. */
struct map_view {
    int strip;         /* lines above the cells for the whole image: 0 or 1 */
    int gutter;        /* columns the offsets take, with the space behind them; 0: no room */
    int columns, rows; /* cells; 0: no room */
    int other;         /* lines below the cells for all of the other order: 0 or 1 */
    int readout;       /* lines below these: */
    int legend;        /* so many of them for what kinds there are in all */
    int64_t span;      /* of a cell */
    int64_t top;       /* first byte shown: a multiple of a row's span, or where it is paged, of all cells' */
};

struct map_view_wish {
    int64_t size;      /* of what is shown */
    int64_t leaf;      /* span of the leaves that know it; cells are whole pairs of them where they are larger */
    int64_t zoom_span; /* wanted span of a cell; 0: the whole image is to be seen */
    int64_t near_top;  /* where the top was before */
    int64_t cursor;    /* must be visible */
    bool linked;       /* there is another order */
    bool paged;        /* rows are no ranges, so that all that is seen moves at once; there is no gutter */
};

struct map_view map_view_layout(int width, int height, const struct map_view_wish *wish);

/* Bytes a row spans. */
int64_t map_view_row_span(const struct map_view *view);
/* First byte behind what is visible. */
int64_t map_view_end(const struct map_view *view, int64_t size);

/* Hex digits (without 0x) that any offset in an image of this size needs; at least 8. */
int map_view_digits(int64_t size);
