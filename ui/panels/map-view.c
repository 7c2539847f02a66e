/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/map-view.h"

#include <glib.h>

#include "ui/panels/map-pyramid.h"
#include "util/checked.h"
#include "util/size.h"

enum { GUTTER_WIDTH_MIN = 32, NARROW = 60 };

int map_view_digits(int64_t size)
{
    int digits = 8;

    while (digits < 16 && size - 1 >= INT64_C(1) << (4 * digits)) {
        digits++;
    }
    return digits;
}

int64_t map_view_row_span(const struct map_view *view)
{
    int64_t span;

    return checked_mul(view->span, (int64_t)view->columns, &span) ? span : INT64_MAX;
}

int64_t map_view_end(const struct map_view *view, int64_t size)
{
    int64_t bytes, end;

    if (!checked_mul(map_view_row_span(view), (int64_t)view->rows, &bytes) || !checked_add(view->top, bytes, &end)) {
        return size;
    }
    return MIN(end, size);
}

/* The smallest span that is good to read, made of whole leaves, with which cells cells hold the image. */
static int64_t fit_span(int64_t size, int64_t cells, int64_t leaf)
{
    int64_t want = size > 0 ? (size - 1) / cells + 1 : 1;

    if (want <= MAP_SPAN_MIN) {
        return MAP_SPAN_MIN;
    }
    if (want <= 4 * leaf) {
        return ((want - 1) / leaf + 1) * leaf;
    }
    return size_round(want);
}

static void share_lines(struct map_view *view, int width, int height, bool zoomed, bool linked)
{
    view->legend = height >= 20 ? (width < NARROW ? 4 : 3) : height >= 18 ? 2 : height >= 12 ? 1 : 0;
    view->readout = height >= 8 ? 3 + view->legend : height >= 5 ? 2 : height >= 3 ? 1 : 0;
    view->strip = zoomed && height >= 6;
    view->other = linked && height >= 16;
    view->rows = MAX(0, height - view->readout - view->strip - view->other);
}

static void place_top(struct map_view *view, const struct map_view_wish *wish)
{
    int64_t row_span = map_view_row_span(view), page;
    int64_t row_count = (wish->size - 1) / row_span + 1, row = wish->cursor / row_span, top_row = wish->near_top / row_span;

    if (wish->paged) {
        page = checked_mul(row_span, (int64_t)view->rows, &page) ? page : INT64_MAX;
        view->top = wish->cursor / page * page;
        return;
    }
    top_row = CLAMP(top_row, row - view->rows + 1, row);
    top_row = MAX(0, MIN(top_row, row_count - view->rows));
    view->top = top_row * row_span;
}

struct map_view map_view_layout(int width, int height, const struct map_view_wish *wish)
{
    struct map_view view = {0};

    share_lines(&view, width, height, wish->zoom_span > 0, wish->linked);
    view.gutter = width >= GUTTER_WIDTH_MIN && !wish->paged ? map_view_digits(wish->size) + 3 : 0;
    view.columns = MAX(0, width - view.gutter);
    if (view.columns >= 32) {
        view.columns -= view.columns % 8; /* rows begin at rounder offsets */
    }
    if (view.columns == 0 || view.rows == 0 || wish->size <= 0) {
        view.columns = view.rows = 0;
        view.span = wish->zoom_span > 0 ? wish->zoom_span : MAP_SPAN_MIN;
        return view;
    }
    view.rows = MIN(view.rows, MAX(1, MAP_LEAVES_MAX / 2 / view.columns));
    view.span = fit_span(wish->size, (int64_t)view.columns * view.rows, 2 * wish->leaf);
    if (wish->zoom_span > 0 && wish->zoom_span < view.span) {
        view.span = wish->zoom_span;
    } else if (view.strip) { /* all is visible: no need of it */
        struct map_view_wish all = *wish;

        all.zoom_span = 0;
        return map_view_layout(width, height, &all);
    }
    place_top(&view, wish);
    return view;
}
