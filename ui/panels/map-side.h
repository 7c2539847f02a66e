/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One order of an image on the map: what is known of it, which part is visible, and where the cursor is.
 *
 * One scan covers everything in at most MAP_LEAVES_MAX leaves.  When a cell is smaller than two such leaves, a second scan covers the
 * visible part and some more on both sides in leaves of half a cell; it starts anew when the view leaves that window.
 */
#pragma once

#include "ui/panels/map-order.h"
#include "ui/panels/map-scan.h"
#include "ui/panels/map-view.h"

struct map_side {
    const struct map_source *source;
    struct blk *blk; /* NULL: nothing is shown */
    int64_t size;
    struct map_scan *whole, *detail;
    int64_t detail_start, detail_end; /* empty: there is none */
    unsigned detail_shift;
    struct map_view view; /* as last drawn */
    struct map_order order;
    bool linked;          /* there is another order, which has a line below the cells where there is room */
    int64_t zoom_span;    /* 0: everything is visible */
    int64_t cursor;       /* a byte: where its cell starts, or where somebody was sent */
    int64_t range_start, range_end; /* shown as selected; empty: nothing is */
};

/* updated: see map_scan_new(). */
void map_side_init(struct map_side *side, const struct map_source *source, void (*updated)(void *data), void *data);
void map_side_done(struct map_side *side);
/* It is about this image from now on, with size bytes in this order; all is scanned anew. */
void map_side_open(struct map_side *side, struct blk *blk, int64_t size);
void map_side_rescan(struct map_side *side);
/* The same image has another size in this order, and perhaps other content: it is scanned again, and what is known stays meanwhile where it can. */
void map_side_resize(struct map_side *side, int64_t size);
/* All of it may have changed. */
void map_side_changed(struct map_side *side);

/* Lays out for that room. */
void map_side_layout(struct map_side *side, int width, int height, enum map_order_kind order);
/* Has scanned what is visible, first of all. */
void map_side_scan_visible(struct map_side *side);
/* The counts that know the cells of the view, and those of everything. */
const struct map_pyramid *map_side_pyramid(const struct map_side *side);
const struct map_pyramid *map_side_all(const struct map_side *side);
bool map_side_is_busy(const struct map_side *side);

/* The byte nearest to offset that there is; 0 where there is none. */
int64_t map_side_nearest(const struct map_side *side, int64_t offset);
/* The cell at the cursor. */
void map_side_cell(const struct map_side *side, int64_t *ret_start, int64_t *ret_end);
/* Steps over cells in order; stops at both ends. */
void map_side_step(struct map_side *side, int64_t cells);
/* Steps in the picture; false where it ends. */
bool map_side_walk(struct map_side *side, int columns, int rows);
/* To the first or the last cell of the row. */
void map_side_row_end(struct map_side *side, bool last);
/* Cells of span bytes, the cursor in the middle; more than all: everything. */
void map_side_zoom(struct map_side *side, int64_t span);
