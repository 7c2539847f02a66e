/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the hex panel is in what it shows, told and taken back. */
#include "ui/panels/hex-panel.h"

void hex_recall_view(struct panel *panel, struct panel_view *ret_view)
{
    struct hex_panel *hex = (struct hex_panel *)panel;
    const struct hex_view *view = hex_panel_view(hex);

    if (hex_view_size(view) == 0) {
        ret_view->cursor = -1;
        return;
    }
    ret_view->cursor = view->origin + view->cursor;
    ret_view->top = view->origin + view->top;
    if (view->anchor >= 0) {
        ret_view->range_start = view->origin + view->anchor;
        ret_view->growing = true;
    } else if (view->range_start < view->range_end) {
        ret_view->range_start = view->origin + view->range_start;
        ret_view->range_end = view->origin + view->range_end;
    }
}

int hex_recall_page_rows(struct panel *panel)
{
    return MAX(1, ((struct hex_panel *)panel)->layout.lines - 1);
}

static bool has(const struct hex_view *view, int64_t offset)
{
    return offset >= view->origin && offset - view->origin < hex_view_size(view);
}

bool hex_recall_set_view(struct panel *panel, const struct panel_view *wanted)
{
    struct hex_panel *hex = (struct hex_panel *)panel;
    struct hex_view *view = hex_panel_view(hex);
    bool ranged = wanted->range_start < wanted->range_end;

    if (!has(view, wanted->cursor) || !has(view, wanted->top) || (wanted->growing && !has(view, wanted->range_start)) ||
        (ranged && (!has(view, wanted->range_start) || !has(view, wanted->range_end - 1)))) {
        return false;
    }
    view->cursor = wanted->cursor - view->origin;
    view->top = wanted->top - view->origin;
    view->anchor = wanted->growing ? wanted->range_start - view->origin : -1;
    view->range_start = ranged ? wanted->range_start - view->origin : 0;
    view->range_end = ranged ? wanted->range_end - view->origin : 0;
    return true;
}
