/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A cell's glyph says how full it is and its role what most of it is; one byte of what has a rank decides both.  Nothing looks like
 * a full cell but one that is full to the last byte, and nothing like an empty one but one without a byte.
 */
#include <inttypes.h>

#include "ui/panels/map-panel.h"
#include "util/checked.h"

enum { SHADES = 3, FULL_BLOCK = 0x2588, LEFT_HALF = 0x258c, RIGHT_HALF = 0x2590 };

static int64_t full_bytes(const struct map_space *space, const struct map_counts *counts)
{
    int64_t sum = 0;

    for (unsigned k = 0; k < space->count; k++) {
        sum += space->kinds[k].full ? counts->bytes[k] : 0;
    }
    return sum;
}

/* The kind with most bytes, of those that are full or of all. */
static unsigned dominant_kind(const struct map_space *space, const struct map_counts *counts, bool full_only)
{
    unsigned best = 0;

    for (unsigned k = 1; k < space->count; k++) {
        if (counts->bytes[k] > counts->bytes[best] && (!full_only || space->kinds[k].full)) {
            best = k;
        }
    }
    return best;
}

/* The kind of the highest rank that is there, or NULL. */
static const struct map_kind_info *ranking_kind(const struct map_space *space, const struct map_counts *counts)
{
    const struct map_kind_info *best = NULL;

    for (unsigned k = 0; k < space->count; k++) {
        const struct map_kind_info *kind = &space->kinds[k];

        if (counts->bytes[k] > 0 && kind->rank > (best ? best->rank : 0)) {
            best = kind;
        }
    }
    return best;
}

static uint32_t partly_full(int64_t full, int64_t bytes, bool utf8)
{
    static const uint32_t shades[SHADES] = {0x2591, 0x2592, 0x2593};
    static const uint32_t ascii[SHADES] = {':', '+', '*'};

    return (utf8 ? shades : ascii)[(__int128)full * SHADES / bytes];
}

static void look_of(const struct map_space *space, const struct map_counts *counts, int64_t bytes,
                    const struct map_counts *first, bool utf8, uint32_t *ret_ch, enum role *ret_role)
{
    const struct map_kind_info *kind = &space->kinds[dominant_kind(space, counts, false)];
    int64_t full = full_bytes(space, counts), first_full = first ? full_bytes(space, first) : -1;

    *ret_role = kind->role;
    if (full == 0) {
        *ret_ch = utf8 ? kind->empty : (uint32_t)kind->empty_ascii;
    } else if (full == bytes) {
        *ret_ch = kind->mark ? (uint32_t)kind->mark : utf8 ? FULL_BLOCK : '#';
    } else if (utf8 && 2 * full == bytes && (first_full == full || first_full == 0)) {
        *ret_ch = first_full == 0 ? RIGHT_HALF : LEFT_HALF;
        *ret_role = space->kinds[dominant_kind(space, counts, true)].role;
    } else {
        *ret_ch = partly_full(full, bytes, utf8);
    }
}

void map_cell_look(const struct map_space *space, const struct map_counts *counts, int64_t bytes,
                   const struct map_counts *first, struct grid_traits traits, uint32_t *ret_ch, enum role *ret_role)
{
    const struct map_kind_info *kind = ranking_kind(space, counts);
    bool known = map_counts_known(counts) >= bytes;

    if (kind && (known || kind->rank > 1)) {
        *ret_ch = (uint32_t)kind->mark;
        *ret_role = kind->role;
    } else if (!known) {
        *ret_ch = '?';
        *ret_role = ROLE_KIND_UNKNOWN;
    } else if (!traits.colour) {
        unsigned k = dominant_kind(space, counts, false);

        *ret_ch = (uint32_t)(counts->bytes[k] == bytes ? space->kinds[k].whole : space->kinds[k].some);
        *ret_role = space->kinds[k].role;
    } else {
        look_of(space, counts, bytes, first, traits.utf8, ret_ch, ret_role);
    }
}

void map_marked_look(const struct map_space *space, const struct map_counts *counts, int64_t bytes, struct grid_traits traits,
                     uint32_t *ret_ch, enum role *ret_role)
{
    map_cell_look(space, counts, bytes, NULL, traits, ret_ch, ret_role);
    if ((*ret_ch >= 0x2580 && *ret_ch < 0x25a0) || *ret_ch == '#') {
        traits.colour = false;
        map_cell_look(space, counts, bytes, NULL, traits, ret_ch, ret_role);
    }
}

/* ---- cells ---- */

/* What the comparison says of a cell overrides what is in it: the picture is about where they differ. */
static void difference_look(const struct map_panel *map, int64_t start, int64_t end, bool utf8, uint32_t *ret_ch, enum role *ret_role)
{
    const struct map_differences *differences = map->differences;
    unsigned index;

    if (!map_differences_with(differences)) {
        return;
    }
    if (map->at == MAP_HOST) {
        if (map_differences_touch_host(differences, start, end)) {
            *ret_ch = utf8 ? 0x2260 : 'x';
            *ret_role = ROLE_WARNING;
        }
        return;
    }
    index = map_differences_find(differences, start);
    if (index >= map_differences_count(differences) || map_differences_at(differences, index).start >= end) {
        return;
    }
    if (map_differences_unreadable(differences, start, end)) {
        *ret_ch = '!';
        *ret_role = ROLE_KIND_ERROR;
        return;
    }
    bool perhaps = map_differences_at(differences, index).kind == COMPARE_PERHAPS;

    *ret_ch = perhaps ? '~' : utf8 ? 0x2260 : 'x';
    *ret_role = perhaps ? ROLE_NOTE : ROLE_WARNING;
}

static void draw_cell(const struct map_panel *map, struct surface surface, int x, int y, int64_t start, bool halves)
{
    const struct map_side *side = map_panel_side(map);
    int64_t end = side->size - start < side->view.span ? side->size : start + side->view.span;
    int64_t half = side->view.span / 2, middle = half < side->size - start ? start + half : end;
    const struct map_pyramid *pyramid = map_side_pyramid(side);
    struct map_counts counts, first;
    enum role role;
    uint32_t ch;

    if (halves && middle < end) {
        first = counts = map_pyramid_count(pyramid, start, middle);
        struct map_counts second = map_pyramid_count(pyramid, middle, end);

        map_counts_add(&counts, &second);
        halves = end - middle == middle - start;
    } else {
        counts = map_pyramid_count(pyramid, start, end);
        halves = false;
    }
    unsigned flags = (start < side->range_end && side->range_start < end ? CELL_SELECTED : 0) |
                     (side->cursor >= start && side->cursor < end ? CELL_CURSOR : 0);

    if (flags != 0) {
        map_marked_look(side->source->space, &counts, end - start, surface_traits(surface), &ch, &role);
    } else {
        map_cell_look(side->source->space, &counts, end - start, halves ? &first : NULL, surface_traits(surface), &ch, &role);
    }
    difference_look(map, start, end, surface_traits(surface).utf8, &ch, &role);
    surface_put_char(surface, x, y, role, ch);
    surface_mark(surface, x, y, 1, flags);
}

static void draw_cells(const struct map_panel *map, struct surface surface)
{
    const struct map_side *side = map_panel_side(map);
    const struct map_view *view = &side->view;
    int64_t leaf = INT64_C(1) << map_side_pyramid(side)->shift, start = view->top;
    bool halves = side->order.kind == MAP_ORDER_ROWS && view->span >= 2 * leaf && surface_traits(surface).utf8 &&
                  surface_traits(surface).colour;

    for (int64_t i = 0; i < (int64_t)view->columns * view->rows && start < side->size; i++) {
        int column, row;

        map_order_place(&side->order, i, &column, &row);
        if (view->gutter > 0 && column == 0) {
            surface_printf(surface, 0, row, ROLE_OFFSET, "0x%0*" PRIx64, view->gutter - 3, start);
        }
        draw_cell(map, surface, view->gutter + column, row, start, halves);
        if (!checked_add(start, view->span, &start)) {
            break;
        }
    }
}

/* ---- the strip ---- */

/* Where the column-th of columns parts of size bytes begins, at a leaf's boundary. */
static int64_t strip_bound(const struct map_pyramid *pyramid, int64_t size, int column, int columns)
{
    int64_t at = (int64_t)((__int128)size * column / columns);

    return column == columns ? size : (int64_t)checked_align_down((uint64_t)at, (uint64_t)1 << pyramid->shift);
}

/* Where a strip's cells are. */
struct strip {
    const char *label;
    int gutter, columns;
    bool is_other; /* of the order that is not shown: its cursor is marked, else what the cells show */
};

/* All of an order in one line. */
static void draw_strip(const struct map_side *side, struct surface surface, const struct strip *strip)
{
    const struct map_view *view = &side->view;
    const struct map_pyramid *pyramid = map_side_all(side);
    int64_t window_end = map_view_end(view, side->size);

    if (strip->gutter > 0) {
        surface_put(surface, 0, 0, ROLE_DIM, strip->label);
    }
    for (int x = 0; x < strip->columns; x++) {
        int64_t start = strip_bound(pyramid, side->size, x, strip->columns);
        int64_t end = strip_bound(pyramid, side->size, x + 1, strip->columns);
        bool marked;
        struct map_counts counts;
        enum role role;
        uint32_t ch;

        if (end <= start) {
            end = side->blk ? map_pyramid_leaf_end(pyramid, map_pyramid_leaf_at(pyramid, start)) : start + 1;
        }
        marked = strip->is_other ? side->cursor >= start && side->cursor < end : start < window_end && view->top < end;
        if (side->blk) {
            counts = map_pyramid_count(pyramid, start, end);
            if (marked) {
                map_marked_look(side->source->space, &counts, end - start, surface_traits(surface), &ch, &role);
            } else {
                map_cell_look(side->source->space, &counts, end - start, NULL, surface_traits(surface), &ch, &role);
            }
        } else {
            ch = '-'; /* only where the cursor is, is known */
            role = ROLE_DIM;
        }
        surface_put_char(surface, strip->gutter + x, 0, role, ch);
        if (marked) {
            surface_mark(surface, strip->gutter + x, 0, 1, CELL_SELECTED);
        }
    }
}

void map_draw_picture(const struct map_panel *map, struct surface surface)
{
    const struct map_side *side = map_panel_side(map);
    const struct map_view *view = &side->view;

    if (view->strip > 0) {
        draw_strip(side, surface, &(struct strip){"overview", view->gutter, view->columns, false});
    }
    if (view->other > 0) {
        const struct map_side *other = &map->sides[!map->at];
        struct strip strip = {map->at == MAP_HOST ? "disk" : "file", view->gutter, view->columns, true};

        draw_strip(other, surface_part(surface, 0, view->strip + view->rows, surface.width, 1), &strip);
    }
    draw_cells(map, surface_part(surface, 0, view->strip, surface.width, view->rows));
    map_draw_readout(map, surface_part(surface, 0, surface.height - view->readout, surface.width, view->readout));
}
