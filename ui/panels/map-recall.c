/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the map is in the order it shows, told and taken back. */
#include "ui/panels/map-panel.h"

int map_recall_page_rows(struct panel *panel)
{
    const struct map_panel *map = (struct map_panel *)panel;
    bool is_list = map->page == MAP_PAGE_LIST || map->page == MAP_PAGE_DIFFERENCES;

    return is_list ? map->list_rows : map_panel_side(map)->view.rows;
}

void map_recall_view(struct panel *panel, struct panel_view *ret_view)
{
    const struct map_side *side = map_panel_side((struct map_panel *)panel);

    ret_view->cursor = side->size > 0 ? side->cursor : -1;
    ret_view->top = side->view.top;
}

bool map_recall_set_view(struct panel *panel, const struct panel_view *wanted)
{
    struct map_side *side = map_panel_side((struct map_panel *)panel);

    if (wanted->cursor >= side->size || wanted->top >= side->size) {
        return false;
    }
    side->cursor = wanted->cursor;
    side->view.top = wanted->top;
    return true;
}
