/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The cursors of the two orders as a pair: what is at the one shown is asked about once, and the answer sends the other one to the same
 * byte.  From there it goes back to where one came from, not to what else may be at that place.
 */
#include "ui/panels/map-panel.h"

static void ask_about(struct map_panel *map, int at)
{
    const struct map_side *side = &map->sides[at];
    struct map_link_question question = {.blk = map->blk, .source = side->source, .offset = side->cursor};

    if (side->view.rows > 0) {
        map_side_cell(side, &question.cell_start, &question.cell_end);
    } else {
        question.cell_start = question.cell_end = side->cursor;
    }
    map->asked = true;
    map_link_ask(map->link, &question);
}

void map_pair_ask(struct map_panel *map)
{
    const struct map_side *side = map_panel_side(map);
    int64_t start, end;

    if (map->following) {
        return;
    }
    map_side_cell(side, &start, &end);
    if (map->asked && map->asked_at == map->at && map->asked_offset == side->cursor && map->asked_span == end - start) {
        return;
    }
    map->asked_at = map->at;
    map->asked_offset = side->cursor;
    map->asked_span = end - start;
    ask_about(map, map->at);
}

void map_pair_follow(struct map_panel *map)
{
    map->following = true;
    ask_about(map, !map->at);
    map->asked = false; /* about what is shown: after that */
}

void map_pair_on_answer(void *data, const struct map_link_answer *answer)
{
    struct map_panel *map = data;
    int from = answer->question.source == &map_source_host ? MAP_HOST : MAP_GUEST;
    struct map_side *other = &map->sides[!from];

    g_free(map->answer.text);
    map->answer = *answer;
    map->answer.text = g_strdup(answer->text);
    if (map->following && from == map->at) {
        return;
    }
    if (answer->question.offset == map->sides[from].cursor) {
        if (from == map->pair_from || answer->question.offset != map->pair[from] || answer->other < 0) {
            map->pair_from = from;
            map->pair[from] = answer->question.offset;
            map->pair[!from] = answer->other;
        }
        if (map->pair[!from] >= 0 && map->pair[!from] < other->size) {
            other->cursor = map->pair[!from];
        }
    }
    map->following = false;
    panel_redraw(&map->panel);
}

void map_pair_forget(struct map_panel *map)
{
    g_clear_pointer(&map->answer.text, g_free);
    map->answer = (struct map_link_answer){0};
    map->asked = map->following = false;
    map->pair[MAP_GUEST] = map->pair[MAP_HOST] = -1;
}
