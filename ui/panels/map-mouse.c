/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mouse in the map: a press or a drag puts the cursor on the cell. */
#include "ui/panels/map-panel.h"

enum panel_reaction map_mouse(struct panel *panel, const struct mouse *mouse)
{
    struct map_panel *map = (struct map_panel *)panel;
    const struct map_view *view = &map->view;
    if (mouse->button != 1 || mouse->what == MOUSE_RELEASE || mouse->y < 0 || mouse->y >= view->rows) {
        return PANEL_IGNORED;
    }
    int column = CLAMP(mouse->x - view->gutter, 0, view->columns - 1);
    __int128 offset = view->top + ((__int128)mouse->y * view->columns + column) * view->span;
    if (offset >= map->size) {
        return PANEL_HANDLED;
    }
    map->cursor = (int64_t)offset;
    return PANEL_REDRAW;
}
