/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mouse in the map: a press or a drag puts the cursor on the cell. */
#include "ui/panels/map-panel.h"

/* A strip stands for all of it. */
static int64_t offset_in_strip(const struct map_side *side, int column, int columns)
{
    return (int64_t)((__int128)side->size * column / columns);
}

static enum panel_reaction pick_from_list(struct map_panel *map, int y)
{
    bool differences = map->page == MAP_PAGE_DIFFERENCES;

    if (!(differences ? map_difference_pick(map, y) : map_list_pick(map, y))) {
        return PANEL_IGNORED;
    }
    if (differences && map->at == MAP_HOST) {
        map_pair_follow(map);
    }
    return PANEL_REDRAW;
}

/* A press in the line for all of the other order. */
static enum panel_reaction pick_other(struct map_panel *map, int column)
{
    struct map_side *other = &map->sides[!map->at];

    if (other->size == 0) {
        return PANEL_IGNORED;
    }
    other->cursor = offset_in_strip(other, column, map_panel_side(map)->view.columns);
    map_pair_follow(map);
    return PANEL_REDRAW;
}

enum panel_reaction map_mouse(struct panel *panel, const struct mouse *mouse)
{
    struct map_panel *map = (struct map_panel *)panel;
    struct map_side *side = map_panel_side(map);
    const struct map_view *view = &side->view;
    int row = mouse->y - view->strip;
    __int128 offset;

    if (mouse->button != 1 || mouse->what == MOUSE_RELEASE || !map->blk || side->size == 0 || mouse->y < 0) {
        return PANEL_IGNORED;
    }
    if (map->page == MAP_PAGE_LIST || map->page == MAP_PAGE_DIFFERENCES) {
        return pick_from_list(map, mouse->y);
    }
    if (map->page != MAP_PAGE_PICTURE || view->columns == 0 || row >= view->rows + view->other) {
        return PANEL_IGNORED;
    }
    int column = CLAMP(mouse->x - view->gutter, 0, view->columns - 1);
    if (row >= view->rows) {
        return pick_other(map, column);
    }
    offset = row < 0 ? offset_in_strip(side, column, view->columns)
                     : view->top + (__int128)map_order_index(&side->order, column, row) * view->span;
    if (offset >= side->size) {
        return PANEL_HANDLED;
    }
    side->cursor = (int64_t)offset;
    return PANEL_REDRAW;
}
