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

struct rectangle {
    int x, y, width, height; /* a width of 0: not visible */
};

struct layout {
    enum layout_shape shape;
    bool zoomed;
    struct rectangle panels[LAYOUT_PANELS]; /* frames included; stacked ones share a line */
    int title_y, tabs_y, hints_y;           /* -1: there is none */
};

/* zoomed gives the focused panel all of the room. */
struct layout layout_of(int width, int height, enum layout_panel focus, bool zoomed);
