/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the map is in the order it shows, told and taken back. */
#include "ui/panels/map-panel.h"

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
