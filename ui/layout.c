/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/layout.h"

#include <glib.h>
#include <stdint.h>

enum {
    LEAST_WIDTH = 40,
    LEAST_HEIGHT = 10,
    STACKED_WIDTH = 80,
    STACKED_HEIGHT = 20,
    WIDE_WIDTH = 116,
    WIDE_HEIGHT = 18,
    HEX_WIDTH = 78, /* a frame around 16 bytes in hex and text with an offset of eight digits */
    MAP_SHARE = 43, /* of a hundred columns, beside pending */
    ORDINARY_LINES = 43, /* beyond these, what nobody reads from top to bottom gets no more than a sixth */
    LEAST_COLUMNS = 12,
    LEAST_LINES = 2,
};

/* Where a border is in size cells, within bounds. */
static int border(int share, int otherwise, int size, int least, int most)
{
    int at = share > 0 ? (int)((int64_t)size * share / 1000) : otherwise;
    return CLAMP(at, least, MAX(most, least));
}

/* A share of ordinary lines, in hundredths, and of those beyond another one. */
static int share_of(int lines, int ordinary, int beyond)
{
    return MIN(lines, ORDINARY_LINES) * ordinary / 100 + MAX(lines - ORDINARY_LINES, 0) * beyond / 100;
}

/* Map and pending, hex, console; each shares its first line with the last of what is above it. */
static void stack(struct layout *layout, int width, int top, int height, const int *shares)
{
    int lines = height - 4; /* inside the frames */
    int best_upper = share_of(lines, 28, 33), best_lower = lines - share_of(lines, 34, 17);
    int lower = border(shares[2], best_lower, lines, 2 * LEAST_LINES, lines - LEAST_LINES);
    int upper = border(shares[1], best_upper, lines, LEAST_LINES, lower - LEAST_LINES);
    int map_width = border(shares[0], width * MAP_SHARE / 100, width, LEAST_COLUMNS, width - LEAST_COLUMNS);
    layout->panels[LAYOUT_MAP] = (struct rectangle){0, top, map_width, upper + 2};
    layout->panels[LAYOUT_PENDING] = (struct rectangle){map_width - 1, top, width - map_width + 1, upper + 2};
    layout->panels[LAYOUT_HEX] = (struct rectangle){0, top + upper + 1, width, lower - upper + 2};
    layout->panels[LAYOUT_CONSOLE] = (struct rectangle){0, top + lower + 2, width, lines - lower + 2};
}

static void two_columns(struct layout *layout, int width, int top, int height, const int *shares)
{
    int left = border(shares[0], width - MAX(width / 2, HEX_WIDTH), width, LEAST_COLUMNS, width - LEAST_COLUMNS);
    int right = width - left;
    int lines = height - 3;
    int best = share_of(lines, 60, 83);
    int map = border(shares[1], best, lines, LEAST_LINES, lines - LEAST_LINES);
    int hex = border(shares[2], best, lines, LEAST_LINES, lines - LEAST_LINES);
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

struct layout layout_of(int width, int height, enum layout_panel focus, bool zoomed, const struct layout_shares *shares)
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
        stack(&layout, width, top, height - 2, shares->border[layout.shape]);
    } else {
        two_columns(&layout, width, top, height - 2, shares->border[layout.shape]);
    }
    return layout;
}

/* ---- borders ---- */

static const struct {
    const char *name;
    const char *borders[LAYOUT_BORDERS];
} shapes[LAYOUT_SHAPES] = {
    [LAYOUT_TOO_SMALL] = {"too-small", {NULL}},
    [LAYOUT_TABS] = {"tabs", {NULL}},
    [LAYOUT_STACKED] = {"stacked", {"columns", "upper", "lower"}},
    [LAYOUT_WIDE] = {"wide", {"columns", "left", "right"}},
};

const char *layout_shape_name(enum layout_shape shape)
{
    return shapes[shape].name;
}

const char *layout_border_name(enum layout_shape shape, int border)
{
    return shapes[shape].borders[border];
}

static bool has_borders(const struct layout *layout)
{
    return !layout->zoomed && (layout->shape == LAYOUT_STACKED || layout->shape == LAYOUT_WIDE);
}

static bool between(int at, int from, int length)
{
    return at >= from && at < from + length;
}

int layout_border_at(const struct layout *layout, int x, int y)
{
    const struct rectangle *map = &layout->panels[LAYOUT_MAP], *hex = &layout->panels[LAYOUT_HEX],
                           *pending = &layout->panels[LAYOUT_PENDING], *console = &layout->panels[LAYOUT_CONSOLE];
    if (!has_borders(layout)) {
        return -1;
    }
    if (layout->shape == LAYOUT_STACKED) {
        return y == hex->y                                                              ? 1
               : y == console->y                                                        ? 2
               : x == pending->x && between(y, pending->y + 1, pending->height - 2)     ? 0
                                                                                        : -1;
    }
    if (y == pending->y && between(x, 1, pending->width - 2)) {
        return 1;
    }
    if (y == console->y && between(x, console->x + 1, console->width - 2)) {
        return 2;
    }
    return (x == map->width - 1 || x == hex->x) && between(y, map->y + 1, layout->hints_y - map->y - 2) ? 0 : -1;
}

int layout_border_of(const struct layout *layout, enum layout_panel panel, bool wider, int *ret_step)
{
    bool wide = layout->shape == LAYOUT_WIDE;
    *ret_step = 1;
    if (!has_borders(layout) || (wider && !wide && (panel == LAYOUT_HEX || panel == LAYOUT_CONSOLE))) {
        return -1;
    }
    if (wider) {
        bool first = panel == LAYOUT_MAP || (wide && panel == LAYOUT_PENDING);
        *ret_step = first ? 1 : -1;
        return 0;
    }
    *ret_step = panel == LAYOUT_CONSOLE || (wide && panel == LAYOUT_PENDING) ? -1 : 1;
    return panel == LAYOUT_HEX || panel == LAYOUT_CONSOLE ? 2 : 1;
}

int layout_border_cell(const struct layout *layout, int border)
{
    if (border == 0) {
        return layout->panels[LAYOUT_MAP].width - 1;
    }
    bool stacked = layout->shape == LAYOUT_STACKED;
    return layout->panels[border == 2 ? LAYOUT_CONSOLE : stacked ? LAYOUT_HEX : LAYOUT_PENDING].y;
}

int layout_border_share(const struct layout *layout, int border, int cell)
{
    const struct rectangle *map = &layout->panels[LAYOUT_MAP];
    bool stacked = layout->shape == LAYOUT_STACKED;
    int size, at;
    if (border == 0) {
        const struct rectangle *right = &layout->panels[stacked ? LAYOUT_PENDING : LAYOUT_HEX];
        size = right->x + right->width;
        at = cell + 1;
    } else {
        size = layout->hints_y - map->y - (stacked ? 4 : 3);
        at = cell - map->y - (stacked && border == 2 ? 2 : 1);
    }
    at = CLAMP(at, 1, MAX(size - 1, 1));
    return size > 0 ? CLAMP((at * 1000 + size - 1) / size, 1, 999) : 0;
}
