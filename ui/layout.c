/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/layout.h"

#include <glib.h>

enum {
    LEAST_WIDTH = 40,
    LEAST_HEIGHT = 10,
    STACKED_WIDTH = 80,
    STACKED_HEIGHT = 20,
    WIDE_WIDTH = 116,
    WIDE_HEIGHT = 18,
    HEX_WIDTH = 78, /* a frame around 16 bytes in hex and text with an offset of eight digits */
    MAP_SHARE = 43, /* of a hundred columns, beside pending */
};

/* Map and pending, hex, console; each shares its first line with the last of what is above it. */
static void stack(struct layout *layout, int width, int top, int height)
{
    int lines = height - 4; /* inside the frames */
    int upper = lines * 5 / 18, lower = lines * 6 / 18;
    int middle = lines - upper - lower;
    int map_width = width * MAP_SHARE / 100;
    layout->panels[LAYOUT_MAP] = (struct rectangle){0, top, map_width, upper + 2};
    layout->panels[LAYOUT_PENDING] = (struct rectangle){map_width - 1, top, width - map_width + 1, upper + 2};
    layout->panels[LAYOUT_HEX] = (struct rectangle){0, top + upper + 1, width, middle + 2};
    layout->panels[LAYOUT_CONSOLE] = (struct rectangle){0, top + upper + middle + 2, width, lower + 2};
}

static void two_columns(struct layout *layout, int width, int top, int height)
{
    int right = MAX(width / 2, HEX_WIDTH);
    int left = width - right;
    int lines = height - 3;
    int map = lines * 6 / 10, hex = lines / 2;
    layout->panels[LAYOUT_MAP] = (struct rectangle){0, top, left, map + 2};
    layout->panels[LAYOUT_PENDING] = (struct rectangle){0, top + map + 1, left, lines - map + 2};
    layout->panels[LAYOUT_HEX] = (struct rectangle){left, top, right, hex + 2};
    layout->panels[LAYOUT_CONSOLE] = (struct rectangle){left, top + hex + 1, right, lines - hex + 2};
}

static enum layout_shape shape_of(int width, int height)
{
    if (width < LEAST_WIDTH || height < LEAST_HEIGHT) {
        return LAYOUT_TOO_SMALL;
    }
    if (width < STACKED_WIDTH || height < STACKED_HEIGHT) {
        return width >= WIDE_WIDTH && height >= WIDE_HEIGHT ? LAYOUT_WIDE : LAYOUT_TABS;
    }
    return width >= WIDE_WIDTH ? LAYOUT_WIDE : LAYOUT_STACKED;
}

struct layout layout_of(int width, int height, enum layout_panel focus, bool zoomed)
{
    struct layout layout = {
        .shape = shape_of(width, height), .zoomed = zoomed, .title_y = -1, .tabs_y = -1, .hints_y = -1};
    if (layout.shape == LAYOUT_TOO_SMALL) {
        return layout;
    }
    int top = 1;
    layout.title_y = 0;
    layout.hints_y = height - 1;
    if (layout.shape == LAYOUT_TABS || zoomed) {
        layout.tabs_y = top++;
        layout.panels[focus] = (struct rectangle){0, top, width, height - 1 - top};
    } else if (layout.shape == LAYOUT_STACKED) {
        stack(&layout, width, top, height - 2);
    } else {
        two_columns(&layout, width, top, height - 2);
    }
    return layout;
}
