/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mouse in the hex panel: a press puts the cursor on the byte, a drag selects, the wheel moves it by lines. */
#include "ui/panels/hex-panel.h"

/* The byte of a row at a column, by its digits or its character: the nearest one. */
static int byte_at(const struct hex_layout *layout, int x)
{
    if (layout->text > 0 && x >= layout->text - 1) {
        return CLAMP(x - layout->text, 0, layout->width - 1);
    }
    int byte = 0;
    while (byte + 1 < layout->width && x >= hex_layout_byte(layout, byte + 1)) {
        byte++;
    }
    return byte;
}

/* The line y below the top; false: there is none. */
static bool line_at(struct hex_panel *hex, int y, struct hex_line *ret_line)
{
    struct hex_view *view = hex_panel_view(hex);
    struct hex_rows rows = hex_panel_rows(hex);
    if (y < 0 || y >= hex->layout.lines || hex_view_size(view) == 0) {
        return false;
    }
    *ret_line = hex_rows_line(&rows, hex_rows_row(&rows, view->top));
    while (y-- > 0) {
        if (!hex_rows_next(&rows, ret_line)) {
            return false;
        }
    }
    return true;
}

/* A press on the inspector is none on a byte; a drag may go there. */
static bool is_beside(const struct hex_panel *hex, const struct mouse *mouse)
{
    return mouse->what == MOUSE_PRESS && hex->layout.side > 0 && mouse->x >= hex->layout.side - 1;
}

enum panel_reaction hex_mouse(struct panel *panel, const struct mouse *mouse)
{
    struct hex_panel *hex = (struct hex_panel *)panel;
    struct hex_view *view = hex_panel_view(hex);
    struct hex_line line;
    if (mouse->button == 1 && mouse->what == MOUSE_RELEASE && view->anchor >= 0) { /* what is moved later changes it no more */
        hex_view_selection(view, &view->range_start, &view->range_end);
        view->anchor = -1;
        return PANEL_REDRAW;
    }
    if (mouse->button != 1 || mouse->what == MOUSE_RELEASE || is_beside(hex, mouse) || !line_at(hex, mouse->y, &line)) {
        return PANEL_IGNORED;
    }
    int64_t at = MIN(line.start + byte_at(&hex->layout, mouse->x), hex_view_size(view) - 1);
    if (mouse->what == MOUSE_PRESS) {
        view->anchor = -1;
        view->range_start = view->range_end = 0;
    } else if (view->anchor < 0 && at != view->cursor) {
        view->anchor = view->cursor;
    }
    view->cursor = at;
    return PANEL_REDRAW;
}
