/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What keys do in the hex panel: what is shown and how, where extents begin, searches. */
#include "ui/panels/hex-panel.h"

void hex_on_seek(void *data, const struct lookup_answer *answer)
{
    struct hex_panel *hex = data;

    if (answer->question == LOOKUP_AT) {
        hex_views_translated(hex, answer);
        return;
    }
    if (answer->ret == 0) {
        if (hex->seek_view == hex_panel_view(hex) && !hex->seek_went_on) {
            hex_panel_note_jump(hex);
        }
        hex->seek_went_on = true;
        hex->seek_view->cursor = answer->found;
    } else {
        lookup_remark(&hex->panel, answer);
    }
    panel_redraw(&hex->panel);
}

static void seek(struct hex_panel *hex, enum lookup_question question, enum lookup_sort sort, int count)
{
    struct hex_view *view = hex_panel_view(hex);

    if (view->blk && hex_view_size(view) > 0) {
        if (hex->seek_view != view) {
            lookup_reset(hex->seek);
        }
        hex->seek_view = view;
        hex->seek_went_on = hex->seek_went_on && lookup_is_stepping(hex->seek);
        lookup_step(hex->seek, view->blk, question, sort, view->cursor, count);
    } else {
        panel_remark(&hex->panel, "a buffer has no extents: show the image first");
    }
}

/* Jumps that are many may take as long as a search. */
bool hex_cancel(struct panel *panel)
{
    struct hex_panel *hex = (struct hex_panel *)panel;
    bool seeks = lookup_is_stepping(hex->seek);

    if (seeks) {
        lookup_reset(hex->seek);
    }
    return hex_find_stop(hex) || seeks;
}

static void clear(struct hex_panel *hex)
{
    struct hex_view *view = hex_panel_view(hex);
    int64_t start, end;

    if (hex_cancel(&hex->panel)) {
        panel_remark(&hex->panel, "the search was stopped");
    } else if (hex_view_selection(view, &start, &end)) {
        view->anchor = -1;
        view->range_start = view->range_end = 0;
    } else {
        hex->show_matches = false;
    }
}

static void select_from_here(struct hex_view *view)
{
    if (view->anchor >= 0) {
        hex_view_selection(view, &view->range_start, &view->range_end);
        view->anchor = -1;
    } else if (hex_view_size(view) > 0) {
        view->anchor = view->cursor;
    }
}

/* What jumps to where something begins. */
static const struct seek_kind {
    enum request request;
    enum lookup_question question;
    enum lookup_sort sort;
} seeks[] = {
    {REQUEST_HEX_NEXT_EXTENT, LOOKUP_NEXT, LOOKUP_SAME},
    {REQUEST_HEX_PREVIOUS_EXTENT, LOOKUP_PREVIOUS, LOOKUP_SAME},
    {REQUEST_HEX_NEXT_SAME, LOOKUP_NEXT_SORT, LOOKUP_SAME},
    {REQUEST_HEX_PREVIOUS_SAME, LOOKUP_PREVIOUS_SORT, LOOKUP_SAME},
    {REQUEST_HEX_NEXT_DATA, LOOKUP_NEXT_SORT, LOOKUP_DATA},
    {REQUEST_HEX_PREVIOUS_DATA, LOOKUP_PREVIOUS_SORT, LOOKUP_DATA},
    {REQUEST_HEX_NEXT_ZERO, LOOKUP_NEXT_SORT, LOOKUP_ZERO},
    {REQUEST_HEX_PREVIOUS_ZERO, LOOKUP_PREVIOUS_SORT, LOOKUP_ZERO},
    {REQUEST_HEX_NEXT_COMPRESSED, LOOKUP_NEXT_SORT, LOOKUP_COMPRESSED},
    {REQUEST_HEX_PREVIOUS_COMPRESSED, LOOKUP_PREVIOUS_SORT, LOOKUP_COMPRESSED},
};

static const struct seek_kind *seek_kind_of(enum request request)
{
    for (size_t i = 0; i < G_N_ELEMENTS(seeks); i++) {
        if (seeks[i].request == request) {
            return &seeks[i];
        }
    }
    return NULL;
}

bool hex_steps_on(struct panel *panel, enum request request)
{
    return seek_kind_of(request) && lookup_is_stepping(((struct hex_panel *)panel)->seek);
}

static bool seek_request(struct hex_panel *hex, enum request request, int count)
{
    const struct seek_kind *kind = seek_kind_of(request);

    if (kind) {
        seek(hex, kind->question, kind->sort, count);
    }
    return kind != NULL;
}

static bool find_request(struct hex_panel *hex, enum request request, int count)
{
    switch (request) {
    case REQUEST_HEX_SEARCH:
    case REQUEST_HEX_SEARCH_HEX:
        hex_find_ask(hex, request == REQUEST_HEX_SEARCH_HEX);
        return true;
    case REQUEST_FIND_NEXT:
    case REQUEST_FIND_PREVIOUS:
        hex_find_again(hex, request == REQUEST_FIND_PREVIOUS, count);
        return true;
    case REQUEST_HEX_NEXT_NOT_ZERO:
    case REQUEST_HEX_PREVIOUS_NOT_ZERO:
        hex_find_not_zero(hex, request == REQUEST_HEX_PREVIOUS_NOT_ZERO, count);
        return true;
    case REQUEST_HEX_NEXT_DIFFERENCE:
    case REQUEST_HEX_PREVIOUS_DIFFERENCE:
        hex_find_difference(hex, request == REQUEST_HEX_PREVIOUS_DIFFERENCE, count);
        return true;
    default:
        return seek_request(hex, request, count);
    }
}

enum panel_reaction hex_request(struct panel *panel, enum request request, int count)
{
    struct hex_panel *hex = (struct hex_panel *)panel;

    switch (request) {
    case REQUEST_HEX_FOLLOW:
        hex_views_toggle_image(hex);
        return PANEL_REDRAW;
    case REQUEST_HEX_HOST:
        if (!hex_views_next_host(hex)) {
            panel_remark(panel, hex->blk ? "the image is in no file" : session_why_no_image(panel_session(panel)));
        }
        return PANEL_REDRAW;
    case REQUEST_HEX_TRANSLATE:
        hex_views_translate(hex);
        return PANEL_REDRAW;
    case REQUEST_HEX_ENTER:
        hex_views_follow(hex);
        return PANEL_REDRAW;
    case REQUEST_HEX_FOLD:
        hex->fold = !hex->fold;
        return PANEL_REDRAW;
    case REQUEST_HEX_CLEAR:
        clear(hex);
        return PANEL_REDRAW;
    case REQUEST_HEX_YANK:
        hex_views_ask_copy(hex);
        return PANEL_REDRAW;
    case REQUEST_HEX_SET_MARK:
    case REQUEST_HEX_GO_MARK:
        hex_views_ask_mark(hex, request == REQUEST_HEX_SET_MARK);
        return PANEL_REDRAW;
    case REQUEST_HEX_GROUP:
        hex->group = hex->group == 8 ? 1 : hex->group * 2;
        return PANEL_REDRAW;
    case REQUEST_HEX_BYTE_ORDER:
        hex->little = !hex->little;
        return PANEL_REDRAW;
    case REQUEST_HEX_OFFSETS:
        hex->offsets = (enum hex_offsets)((hex->offsets + 1) % HEX_OFFSETS_COUNT);
        return PANEL_REDRAW;
    case REQUEST_HEX_INSPECTOR:
        hex->inspector = (enum hex_inspector)((hex->inspector + 1) % HEX_INSPECTOR_COUNT);
        return PANEL_REDRAW;
    case REQUEST_HEX_SELECT:
        select_from_here(hex_panel_view(hex));
        return PANEL_REDRAW;
    case REQUEST_HEX_JUMP_BACK:
    case REQUEST_HEX_JUMP_FORWARD:
        if (!hex_views_jump(hex, request == REQUEST_HEX_JUMP_BACK ? -count : count)) {
            panel_remark(panel, "there is no jump further");
        }
        return PANEL_REDRAW;
    case REQUEST_HEX_EDIT:
        panel_remark(panel, hex_typing_ask(hex));
        return PANEL_REDRAW;
    case REQUEST_HEX_READ_AGAIN:
        session_look(panel_session(&hex->panel));
        hex_cache_open(hex->image.cache, hex->blk);
        hex_cache_open(hex->host.cache, hex->host.blk);
        return PANEL_REDRAW;
    default:
        break;
    }
    if (hex_typing_request(hex, request, count) || find_request(hex, request, count)) {
        return PANEL_REDRAW;
    }
    if (hex_view_size(hex_panel_view(hex)) == 0 || hex->layout.lines == 0) {
        return PANEL_IGNORED;
    }
    if (request == REQUEST_FIRST || request == REQUEST_LAST) {
        hex_panel_note_jump(hex);
    }
    return hex_move(hex, request, count);
}
