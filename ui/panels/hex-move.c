/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/hex-panel.h"

/* Lines may be folded rows, which have to be looked at one after the other; what goes further is counted in rows. */
enum { CONTEXT_LINES = 2, LINES_MAX = 4096, PAGES_MAX = 256 };

static void go_back(const struct hex_rows *rows, struct hex_line *line, int lines)
{
    while (lines-- > 0 && hex_rows_previous(rows, line)) {
    }
}

/* The top to begin from: the same until something is done. */
static int64_t base_of(struct hex_panel *hex, const struct hex_rows *rows)
{
    struct hex_view *view = hex_panel_view(hex);
    struct hex_placing *placing = &view->placing;

    if (view->top != placing->top || view->cursor != placing->cursor || rows->fold != placing->fold || rows->width != placing->width ||
        hex->layout.lines != placing->lines) {
        *placing = (struct hex_placing){
            .base = view->top, .cursor = view->cursor, .fold = rows->fold, .width = rows->width, .lines = hex->layout.lines};
    }
    return MIN(placing->base, hex_view_size(view) - 1);
}

static int64_t find_top(struct hex_panel *hex, int64_t base)
{
    struct hex_view *view = hex_panel_view(hex);
    struct hex_rows rows = hex_panel_rows(hex);
    int lines = hex->layout.lines;
    struct hex_line line = hex_rows_line(&rows, hex_rows_row(&rows, base));
    int64_t cursor_row = hex_rows_row(&rows, view->cursor);
    int64_t top = line.start;
    bool near = false;

    if (cursor_row >= line.start) {
        for (int i = 0; i < lines; i++) {
            if (line.start == cursor_row) {
                return top;
            }
            if (!hex_rows_next(&rows, &line)) {
                break;
            }
        }
        near = line.start == cursor_row;
    } else {
        struct hex_line before = line;

        near = hex_rows_previous(&rows, &before) && before.start == cursor_row;
    }
    line = hex_rows_line(&rows, cursor_row);
    if (cursor_row > top) {
        go_back(&rows, &line, near ? lines - 1 : MAX(0, lines - 1 - CONTEXT_LINES));
    } else {
        go_back(&rows, &line, near ? 0 : MIN(CONTEXT_LINES, lines / 4));
    }
    return line.start;
}

void hex_move_want_base(struct hex_panel *hex)
{
    struct hex_view *view = hex_panel_view(hex);
    struct hex_rows rows = hex_panel_rows(hex);
    int64_t base = base_of(hex, &rows), cursor_row = hex_rows_row(&rows, view->cursor);
    struct hex_line line = hex_rows_line(&rows, hex_rows_row(&rows, base));

    if (line.start == view->top) {
        return;
    }
    hex_cache_want(view->cache, MAX(0, line.start - 1));
    for (int i = 0; i < hex->layout.lines && line.start <= cursor_row; i++) {
        if (line.rows == 1) {
            hex_cache_want(view->cache, line.start);
            hex_cache_want(view->cache, MIN(line.start + rows.width, hex_view_size(view)) - 1);
        }
        if (!hex_rows_next(&rows, &line)) {
            break;
        }
    }
}

void hex_move_show_cursor(struct hex_panel *hex)
{
    struct hex_view *view = hex_panel_view(hex);
    struct hex_rows rows = hex_panel_rows(hex);

    view->top = find_top(hex, base_of(hex, &rows));
    view->placing.top = view->top;
}

/* rows * width bytes from offset, where that is inside; else the first or the last row, in the same column as far as there is one. */
static int64_t rows_away(const struct hex_rows *rows, int64_t offset, int64_t count)
{
    int64_t row = hex_rows_row(rows, offset), last = hex_rows_last(rows), column = offset - row;
    int64_t away = CLAMP(count, -row / rows->width, (last - row) / rows->width);

    return MIN(row + away * rows->width + column, rows->source->ops->size(rows->source) - 1);
}

static void move_lines(struct hex_panel *hex, int64_t lines)
{
    struct hex_view *view = hex_panel_view(hex);
    int64_t near = hex->fold ? CLAMP(lines, -LINES_MAX, LINES_MAX) : 0, far = lines - near;
    struct hex_rows all = hex_panel_rows(hex);

    if (far != 0) {
        view->cursor = rows_away(&all, view->cursor, far);
        lines = near;
    }
    for (; lines != 0; lines += lines > 0 ? -1 : 1) {
        struct hex_rows rows = hex_panel_rows(hex);
        int64_t row = hex_rows_row(&rows, view->cursor), column = view->cursor - row;
        struct hex_line line = hex_rows_line(&rows, row);

        do {
            if (!(lines > 0 ? hex_rows_next(&rows, &line) : hex_rows_previous(&rows, &line))) {
                return;
            }
        } while (line.rows > 1); /* over folded rows */
        view->cursor = MIN(line.start + column, hex_view_size(view) - 1);
    }
}

/* The line k below the top, or the one next to it when it is folded. */
static int64_t row_below(const struct hex_rows *rows, struct hex_line line, int k)
{
    while (k-- > 0 && hex_rows_next(rows, &line)) {
    }
    if (line.rows > 1 && !hex_rows_next(rows, &line)) {
        hex_rows_previous(rows, &line);
    }
    return line.start;
}

/* The cursor stays where it is on the screen while the lines move under it; at an end it goes to that end. */
static void move_pages(struct hex_panel *hex, int count)
{
    struct hex_view *view = hex_panel_view(hex);
    struct hex_rows rows = hex_panel_rows(hex);
    int pages = CLAMP(count, -PAGES_MAX, PAGES_MAX);
    int64_t far = (int64_t)(count - pages) * MAX(1, hex->layout.lines - 1);

    if (far != 0) {
        view->top = rows_away(&rows, view->top, far);
        rows.cursor = view->cursor = rows_away(&rows, view->cursor, far);
    }
    int64_t lines = (int64_t)MAX(1, hex->layout.lines - 1) * pages, cursor_row = hex_rows_row(&rows, view->cursor);
    struct hex_line last_top = hex_rows_line(&rows, hex_rows_last(&rows)), top, line;
    int k = 0;

    hex_move_show_cursor(hex); /* no more than a screen from the top to the cursor */
    top = line = hex_rows_line(&rows, view->top);

    while (line.start < cursor_row && hex_rows_next(&rows, &line)) {
        k++;
    }
    for (; lines > 0 && hex_rows_next(&rows, &top); lines--) {
    }
    for (; lines < 0 && hex_rows_previous(&rows, &top); lines++) {
    }
    go_back(&rows, &last_top, hex->layout.lines - 1);
    if (top.start > last_top.start) {
        top = last_top;
    }
    if (top.start == view->top) {
        cursor_row = pages > 0 ? hex_rows_last(&rows) : 0;
    } else {
        cursor_row = row_below(&rows, top, k);
    }
    view->top = top.start;
    view->cursor = MIN(cursor_row + view->cursor % rows.width, hex_view_size(view) - 1);
}

static void move_bytes(struct hex_panel *hex, int64_t bytes)
{
    struct hex_view *view = hex_panel_view(hex);

    view->cursor = CLAMP(view->cursor + bytes, 0, hex_view_size(view) - 1);
}

enum panel_reaction hex_move(struct hex_panel *hex, enum request request, int count)
{
    struct hex_view *view = hex_panel_view(hex);
    struct hex_rows rows = hex_panel_rows(hex);
    int width = hex->layout.width;

    switch (request) {
    case REQUEST_LEFT:
        move_bytes(hex, -count);
        break;
    case REQUEST_RIGHT:
        move_bytes(hex, count);
        break;
    case REQUEST_UP:
        move_lines(hex, -count);
        break;
    case REQUEST_DOWN:
        move_lines(hex, count);
        break;
    case REQUEST_PAGE_UP:
        move_pages(hex, -count);
        break;
    case REQUEST_PAGE_DOWN:
        move_pages(hex, count);
        break;
    case REQUEST_ROW_START:
        view->cursor -= view->cursor % width;
        break;
    case REQUEST_ROW_END:
        view->cursor = MIN(view->cursor - view->cursor % width + width, hex_view_size(view)) - 1;
        break;
    case REQUEST_FIRST:
        view->cursor = MIN((int64_t)(count - 1) * width, hex_rows_last(&rows));
        break;
    case REQUEST_LAST:
        view->cursor = hex_view_size(view) - 1;
        break;
    default:
        return PANEL_IGNORED;
    }
    return PANEL_REDRAW;
}
