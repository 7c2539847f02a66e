/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of the map panel, for its own files. */
#pragma once

#include "engine/session.h"
#include "ui/panel.h"
#include "ui/panels/map-scan.h"
#include "ui/panels/map-view.h"

struct lookup;

struct map_panel {
    struct panel panel;
    struct blk *blk; /* NULL: no image */
    int64_t size;
    struct map_scan *whole, *detail; /* detail: blk NULL inside while it is not needed */
    int64_t detail_start, detail_end; /* empty: there is none */
    unsigned detail_shift;
    struct map_view view; /* as last drawn */
    int64_t zoom_span;    /* 0: the whole image is visible */
    int64_t cursor;       /* a byte: where its cell starts, or where somebody was sent */
    int64_t range_start, range_end; /* shown as selected; empty: nothing is */
    struct lookup *readout, *seek;
    int64_t asked;            /* cursor the readout was asked about, -1: not asked */
    struct blk_extent extent; /* at the cursor; length 0: not known */
};

/* The counts that know the cells of the view. */
const struct map_pyramid *map_panel_pyramid(const struct map_panel *map);
/* The cell at the cursor. */
void map_panel_cell(const struct map_panel *map, int64_t *ret_start, int64_t *ret_end);

/* Paints the cells and the readout of a view that has rows. */
void map_draw(const struct map_panel *map, struct surface surface);

/* As panel_ops has it. */
enum panel_reaction map_mouse(struct panel *panel, const struct mouse *mouse);
