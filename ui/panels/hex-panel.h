/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of the hex panel, for its own files: what it holds, how it moves, how it is painted. */
#pragma once

#include "engine/session.h"
#include "ui/panel.h"
#include "ui/panels/hex-cache.h"
#include "ui/panels/hex-layout.h"
#include "ui/panels/hex-rows.h"

struct lookup;

/* One of the two things the panel can show. */
struct hex_view {
    struct hex_source *source;
    int64_t origin; /* offset in the image of the source's first byte */
    int64_t top;    /* a byte of the first line */
    int64_t cursor;
    int64_t range_start, range_end; /* shown as selected; empty: nothing is */
};

struct hex_panel {
    struct panel panel;
    struct blk *blk; /* NULL: no image */
    struct hex_cache *cache;
    struct hex_view buffer, image;
    bool show_image;
    bool fold;
    GBytes *bytes; /* of the buffer view */
    enum blk_op op;
    int64_t length; /* of the request the buffer is from */
    struct hex_layout layout; /* as last drawn */
    int64_t drawn_top; /* of the image view, for the direction of travel */
    int direction;
    struct lookup *seek;
};

/* The view that is shown, its size, and its rows as last laid out. */
struct hex_view *hex_panel_view(struct hex_panel *hex);
int64_t hex_view_size(const struct hex_view *view);
struct hex_rows hex_panel_rows(struct hex_panel *hex);

/* Moves the top so that the cursor's line is visible, with some lines of context when it was far away; there must be lines. */
void hex_move_show_cursor(struct hex_panel *hex);
/* A movement in the view, which must not be empty: what is no movement is ignored. */
enum panel_reaction hex_move(struct hex_panel *hex, enum request request, int count);

/* Paints the view's lines and the inspector, and asks the image's cache for what is not known. */
void hex_draw(struct hex_panel *hex, struct surface surface);

/* As panel_ops has it. */
enum panel_reaction hex_mouse(struct panel *panel, const struct mouse *mouse);
