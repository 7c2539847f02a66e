/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where everything is on a screen of some size. */
#pragma once

#include <stdbool.h>

/* Order of the panels: of their tabs, and of Tab. */
enum layout_panel { LAYOUT_MAP, LAYOUT_HEX, LAYOUT_PENDING, LAYOUT_CONSOLE, LAYOUT_PANELS };

enum layout_shape {
    LAYOUT_TOO_SMALL, /* below 40x10: a line says so */
    LAYOUT_TABS,      /* one panel at a time, named in a line of tabs */
    LAYOUT_STACKED,   /* map and pending over hex over console */
    LAYOUT_WIDE,      /* two columns: map over pending, hex over console */
};

enum { LAYOUT_BORDERS = 3, LAYOUT_SHAPES = LAYOUT_WIDE + 1 };

/*
 * Where the movable borders of each shape are, in thousandths of what they divide; 0: where it is best.  Stacked: the column
 * between map and pending, the lines above hex and above console.  Wide: the column between the halves, the lines in the left
 * and in the right one.
 */
struct layout_shares {
    int border[LAYOUT_SHAPES][LAYOUT_BORDERS];
};

struct rectangle {
    int x, y, width, height; /* a width of 0: not visible */
};

static inline bool rectangle_has(const struct rectangle *r, int x, int y)
{
    return x >= r->x && x < r->x + r->width && y >= r->y && y < r->y + r->height;
}

struct layout {
    enum layout_shape shape;
    bool zoomed;
    struct rectangle panels[LAYOUT_PANELS]; /* frames included; stacked ones share a line */
    int title_y, tabs_y, hints_y;           /* -1: there is none */
};

/* zoomed gives the focused panel all of the room.  Every panel keeps some, whatever the shares are. */
struct layout layout_of(int width, int height, enum layout_panel focus, bool zoomed, const struct layout_shares *shares);

/* "stacked", "wide": the shape's name; "columns", "upper", ..: that of a border in it, NULL: it has no such one. */
const char *layout_shape_name(enum layout_shape shape);
const char *layout_border_name(enum layout_shape shape, int border);
/* The border at a cell, -1: none. */
int layout_border_at(const struct layout *layout, int x, int y);
/* The border that a panel gets wider (else: taller) by, and which way it then moves (1 right or down, -1); -1: none. */
int layout_border_of(const struct layout *layout, enum layout_panel panel, bool wider, int *ret_step);
/* The cell a border is at now, and the share that puts it at a cell. */
int layout_border_cell(const struct layout *layout, int border);
int layout_border_share(const struct layout *layout, int border, int cell);
