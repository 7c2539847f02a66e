/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the map is in the order it shows, told and taken back. */
#include "ui/panels/map-panel.h"

int map_recall_page_rows(struct panel *panel)
{
    const struct map_panel *map = (struct map_panel *)panel;
    bool is_list = map->page == MAP_PAGE_LIST || map->page == MAP_PAGE_DIFFERENCES;

    return is_list ? map->list_rows : map_panel_side(map)->view.rows;
}

/* Of the order not shown, if it is not where the last answer leads it. */
static int64_t other_cursor(const struct map_panel *map)
{
    const struct map_side *side = map_panel_side(map), *other = &map->sides[!map->at];
    const struct map_link_question *asked = &map->answer.question;
    bool known = asked->blk != NULL && asked->source == side->source && asked->offset == side->cursor;

    return other->size > 0 && known && map->answer.other != other->cursor ? other->cursor : -1;
}

void map_recall_view(struct panel *panel, struct panel_view *ret_view)
{
    const struct map_side *side = map_panel_side((struct map_panel *)panel);

    ret_view->cursor = side->size > 0 ? side->cursor : -1;
    ret_view->top = side->view.top;
    ret_view->other = other_cursor((const struct map_panel *)panel);
}

bool map_recall_set_view(struct panel *panel, const struct panel_view *wanted)
{
    struct map_panel *map = (struct map_panel *)panel;
    struct map_side *side = map_panel_side(map), *other = &map->sides[!map->at];

    if (wanted->cursor >= side->size || wanted->top >= side->size || wanted->other >= other->size) {
        return false;
    }
    side->cursor = wanted->cursor;
    side->view.top = wanted->top;
    other->cursor = wanted->other >= 0 ? wanted->other : other->cursor;
    map->pair[map->at] = wanted->other >= 0 ? side->cursor : -1;
    map->pair[!map->at] = wanted->other;
    map->pair_from = !map->at;
    map->asked = false;
    return true;
}
