/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/map-side.h"

#include "util/checked.h"

enum { DETAIL_VIEWS = 4 }; /* the detailed window is as many times what is visible */

/* ---- scans ---- */

static unsigned leaf_shift(const struct map_side *side)
{
    return map_pyramid_fit(side->size);
}

static bool needs_detail(const struct map_side *side)
{
    int64_t leaf = INT64_C(1) << leaf_shift(side);

    return side->view.rows > 0 && leaf > MAP_SPAN_MIN && side->view.span < 2 * leaf;
}

const struct map_pyramid *map_side_pyramid(const struct map_side *side)
{
    return map_scan_pyramid(needs_detail(side) ? side->detail : side->whole);
}

const struct map_pyramid *map_side_all(const struct map_side *side)
{
    return map_scan_pyramid(side->whole);
}

bool map_side_is_busy(const struct map_side *side)
{
    return map_scan_is_busy(needs_detail(side) ? side->detail : side->whole);
}

static void drop_detail(struct map_side *side)
{
    if (side->detail_end > 0) {
        map_scan_start(side->detail, NULL, side->source, 0, 0, MAP_LEAF_SHIFT_MIN);
        side->detail_start = side->detail_end = 0;
    }
}

static unsigned detail_shift(const struct map_side *side)
{
    return (unsigned)__builtin_ctzll((unsigned long long)MAX(side->view.span / 2, MAP_SPAN_MIN));
}

/* A window around what is visible, [top, end). */
static void start_detail(struct map_side *side, int64_t end)
{
    int64_t span = side->view.span, visible = end - side->view.top, start;
    unsigned shift = detail_shift(side);
    int64_t most = (int64_t)MAP_LEAVES_MAX << shift;
    int64_t cells = MIN(most / span, DETAIL_VIEWS * ((visible - 1) / span + 1));

    start = side->view.top - (cells * span - visible) / 2;
    start = (int64_t)checked_align_down((uint64_t)MAX(start, 0), (uint64_t)span);
    side->detail_start = start;
    side->detail_end = side->size - start < cells * span ? side->size : start + cells * span;
    side->detail_shift = shift;
    map_scan_start(side->detail, side->blk, side->source, start, side->detail_end, shift);
}

void map_side_scan_visible(struct map_side *side)
{
    int64_t end = map_view_end(&side->view, side->size);

    if (!needs_detail(side)) {
        drop_detail(side);
    } else if (side->view.top < side->detail_start || end > side->detail_end || side->detail_shift != detail_shift(side)) {
        start_detail(side, end);
    }
    map_scan_prefer(side->whole, side->view.top, end);
    map_scan_prefer(side->detail, side->view.top, end);
}

void map_side_rescan(struct map_side *side)
{
    drop_detail(side);
    map_scan_start(side->whole, side->blk, side->source, 0, side->size, leaf_shift(side));
}

void map_side_init(struct map_side *side, const struct map_source *source, void (*updated)(void *data), void *data)
{
    *side = (struct map_side){.source = source};
    side->whole = map_scan_new(updated, data);
    side->detail = map_scan_new(updated, data);
}

void map_side_done(struct map_side *side)
{
    map_scan_free(side->whole);
    map_scan_free(side->detail);
    map_order_done(&side->order);
}

void map_side_open(struct map_side *side, struct blk *blk, int64_t size)
{
    side->blk = blk;
    side->range_start = side->range_end = 0;
    if (size != side->size) {
        side->zoom_span = 0;
    }
    side->size = size;
    side->cursor = map_side_nearest(side, side->cursor);
    map_side_rescan(side);
}

void map_side_changed(struct map_side *side)
{
    map_scan_changed(side->whole, 0, side->size);
    map_scan_changed(side->detail, 0, side->size);
}

void map_side_resize(struct map_side *side, int64_t size)
{
    bool grows = side->blk && side->size > 0 && size >= side->size && map_pyramid_fit(size) == leaf_shift(side);

    if (!grows) {
        int64_t zoom_span = size > 0 ? side->zoom_span : 0;

        map_side_open(side, side->blk, size);
        side->zoom_span = zoom_span;
        return;
    }
    if (side->detail_end == side->size && size > side->size) { /* it may end later now */
        drop_detail(side);
    }
    side->size = size;
    map_scan_grow(side->whole, size);
    map_side_changed(side);
}

/* ---- what is visible ---- */

void map_side_layout(struct map_side *side, int width, int height, enum map_order_kind order)
{
    struct map_view_wish wish = {
        .size = side->size,
        .leaf = INT64_C(1) << leaf_shift(side),
        .zoom_span = side->zoom_span,
        .near_top = side->view.top,
        .cursor = side->cursor,
        .linked = side->linked,
        .paged = order == MAP_ORDER_CURVE,
    };

    side->view = map_view_layout(width, height, &wish);
    if (side->view.span != side->zoom_span) {
        side->zoom_span = 0; /* a cell would show more than it does when all is visible */
    }
    map_order_set(&side->order, order, side->view.columns, side->view.rows);
}

void map_side_zoom(struct map_side *side, int64_t span)
{
    side->zoom_span = span;
    side->view.top = MAX(0, side->cursor - (int64_t)MIN((__int128)span * side->view.columns * (side->view.rows / 2),
                                                        (__int128)side->cursor));
}

/* ---- the cursor ---- */

int64_t map_side_nearest(const struct map_side *side, int64_t offset)
{
    return CLAMP(offset, 0, MAX(side->size - 1, 0));
}

void map_side_cell(const struct map_side *side, int64_t *ret_start, int64_t *ret_end)
{
    int64_t start = (int64_t)checked_align_down((uint64_t)side->cursor, (uint64_t)side->view.span);

    *ret_start = start;
    *ret_end = side->size - start < side->view.span ? side->size : start + side->view.span;
}

void map_side_step(struct map_side *side, int64_t cells)
{
    int64_t start, end, last, offset, bytes;

    map_side_cell(side, &start, &end);
    last = (int64_t)checked_align_down((uint64_t)(side->size - 1), (uint64_t)side->view.span);
    if (!checked_mul(cells, side->view.span, &bytes) || !checked_add(start, bytes, &offset)) {
        offset = cells < 0 ? 0 : last;
    }
    side->cursor = CLAMP(offset, 0, last);
}

bool map_side_walk(struct map_side *side, int columns, int rows)
{
    const struct map_view *view = &side->view;
    int64_t cell, end;
    int column, row;

    map_side_cell(side, &cell, &end);
    cell = (cell - view->top) / view->span;
    map_order_place(&side->order, CLAMP(cell, 0, (int64_t)view->columns * view->rows - 1), &column, &row);
    column = CLAMP(column + columns, 0, view->columns - 1);
    row = CLAMP(row + rows, 0, view->rows - 1);
    cell = map_order_index(&side->order, column, row);
    if (cell > (side->size - 1 - view->top) / view->span) {
        return false; /* the picture goes on there, the image does not */
    }
    side->cursor = view->top + cell * view->span;
    return true;
}

void map_side_row_end(struct map_side *side, bool last)
{
    if (side->order.kind == MAP_ORDER_CURVE) {
        map_side_walk(side, last ? side->view.columns : -side->view.columns, 0);
        return;
    }
    side->cursor = (int64_t)checked_align_down((uint64_t)side->cursor, (uint64_t)map_view_row_span(&side->view));
    if (last) {
        map_side_step(side, side->view.columns - 1);
    }
}
