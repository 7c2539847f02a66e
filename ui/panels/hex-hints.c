/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of the hex panel's keys are worth a hint: those of what is selected, then of what was found, then of what is shown. */
#include "ui/panels/hex-panel.h"

const struct panel_hint *hex_hints(struct panel *panel)
{
    static const struct panel_hint selected[] = {
        {REQUEST_HEX_YANK}, {REQUEST_HEX_SELECT}, {REQUEST_HEX_CLEAR, "unselect"}, {REQUEST_HEX_EDIT}, {REQUEST_NONE}};
    static const struct panel_hint growing[] = {
        {REQUEST_HEX_YANK}, {REQUEST_HEX_SELECT, "keep it"}, {REQUEST_HEX_CLEAR, "unselect"}, {REQUEST_NONE}};
    static const struct panel_hint found[] = {
        {REQUEST_FIND_NEXT}, {REQUEST_FIND_PREVIOUS}, {REQUEST_HEX_CLEAR}, {REQUEST_HEX_SEARCH}, {REQUEST_HEX_SEARCH_HEX},
        {REQUEST_HEX_EDIT}, {REQUEST_NONE}};
    static const struct panel_hint writable[] = {
        {REQUEST_HEX_EDIT}, {REQUEST_HEX_SEARCH}, {REQUEST_HEX_NEXT_EXTENT}, {REQUEST_HEX_HOST}, {REQUEST_HEX_SEARCH_HEX},
        {REQUEST_HEX_FOLLOW}, {REQUEST_HEX_SELECT}, {REQUEST_HEX_FOLD}, {REQUEST_HEX_SET_MARK}, {REQUEST_HEX_GROUP}, {REQUEST_NONE}};
    static const struct panel_hint *const image = writable + 1; /* nothing is typed over there */
    static const struct panel_hint file[] = {
        {REQUEST_HEX_ENTER}, {REQUEST_HEX_HOST, "next file"}, {REQUEST_HEX_JUMP_BACK}, {REQUEST_HEX_TRANSLATE}, {REQUEST_HEX_SEARCH},
        {REQUEST_HEX_FOLLOW}, {REQUEST_HEX_SELECT}, {REQUEST_HEX_FOLD}, {REQUEST_NONE}};
    static const struct panel_hint buffer[] = {
        {REQUEST_HEX_FOLLOW, "image"}, {REQUEST_HEX_SEARCH}, {REQUEST_HEX_SEARCH_HEX}, {REQUEST_HEX_SELECT}, {REQUEST_HEX_FOLD},
        {REQUEST_HEX_GROUP}, {REQUEST_HEX_OFFSETS}, {REQUEST_NONE}};
    struct hex_panel *hex = (struct hex_panel *)panel;
    const struct hex_view *view = hex_panel_view(hex);
    int64_t start, end;

    if (hex_view_selection(view, &start, &end)) {
        return view->anchor >= 0 ? growing : selected;
    }
    if (hex->search_label != NULL && hex->show_matches) {
        return found;
    }
    if (hex->shown != HEX_SHOW_IMAGE) {
        return hex->shown == HEX_SHOW_HOST ? file : buffer;
    }
    return hex->blk != NULL && blk_is_writable(hex->blk) ? writable : image;
}
