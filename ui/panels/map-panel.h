/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of the map panel, for its own files. */
#pragma once

#include "engine/session.h"
#include "ui/panel.h"
#include "ui/panels/map-differences.h"
#include "ui/panels/map-link.h"
#include "ui/panels/map-list.h"
#include "ui/panels/map-side.h"

struct lookup;

enum map_page {
    MAP_PAGE_PICTURE,
    MAP_PAGE_LIST,  /* extents one by one */
    MAP_PAGE_SIZES, /* how many there are of which size */
    MAP_PAGE_DIFFERENCES, /* from another image, one by one */
};

enum { MAP_GUEST, MAP_HOST, MAP_SIDES };

struct map_panel {
    struct panel panel;
    struct blk *blk; /* NULL: no image */
    struct map_side sides[MAP_SIDES];
    int at;          /* the one shown */
    struct map_source layer_source; /* of the guest's side while only a layer, or what a bitmap marks, is shown */
    enum map_page page;
    enum map_order_kind order;
    int width, height; /* as last drawn; 0: not yet */
    struct lookup *seek;
    struct map_link *link;
    bool asked; /* the link, about: */
    int asked_at;
    int64_t asked_offset, asked_span;
    bool following; /* the side shown waits to hear where the other one's cursor is */
    int64_t pair[MAP_SIDES]; /* the last two places that were found to be the same: from each it goes back to the other; -1: none */
    int pair_from; /* the one that was asked about */
    struct map_link_answer answer; /* the last; question.blk NULL: none */
    struct map_differences *differences;
    struct map_list *list;
    int list_rows; /* of the list, as last drawn */
    unsigned list_top; /* index of what is in its first row */
    int64_t list_steps; /* extents to go once they are known */
};

static inline struct map_side *map_panel_side(const struct map_panel *map)
{
    return (struct map_side *)&map->sides[map->at];
}

/* Extents of what is shown now are listed from here on. */
void map_open_list(struct map_panel *map);
/* More of them are known: steps that wait for that (list_steps) are made; data is the map. */
void map_on_list(void *data);

/* ---- map-pair.c: the cursors of both orders ---- */

/* Asks about the cell at the cursor shown, once, unless that just waits to hear where to go. */
void map_pair_ask(struct map_panel *map);
/* The side shown follows the cursor of the other one, when it is known where that is. */
void map_pair_follow(struct map_panel *map);
/* What was asked is known (map_link_new()); data is the map. */
void map_pair_on_answer(void *data, const struct map_link_answer *answer);
/* What was found out about the byte at the cursor is asked anew. */
void map_pair_forget(struct map_panel *map);

/* ---- map-requests.c ---- */

/* As panel_ops has it. */
enum panel_reaction map_request(struct panel *panel, enum request request, int count);
/* Shows the other order, of an image whose file has one of its own. */
void map_turn(struct map_panel *map);
/* From now on only what that layer supplies is there (-1: all of them); false: there is no such layer. */
bool map_show_only(struct map_panel *map, int layer);
/* The same of what is marked, which is taken over. */
void map_show_marked(struct map_panel *map, struct map_marked *marked);

/* ---- map-draw.c ---- */

/* What a cell with these counts looks like; first: those of its first half, NULL if they are not known apart. */
void map_cell_look(const struct map_space *space, const struct map_counts *counts, int64_t bytes,
                   const struct map_counts *first, struct grid_traits traits, uint32_t *ret_ch, enum role *ret_role);
/* The same under a cursor or in a selection, whose colours a block would hide and which hide the block's: a letter stands for it. */
void map_marked_look(const struct map_space *space, const struct map_counts *counts, int64_t bytes, struct grid_traits traits,
                     uint32_t *ret_ch, enum role *ret_role);
/* Paints the cells, strip and readout of a view that has rows. */
void map_draw_picture(const struct map_panel *map, struct surface surface);

/* ---- map-readout.c ---- */

/* The lines below the cells. */
void map_draw_readout(const struct map_panel *map, struct surface surface);
/* What is known of the byte at the cursor, in a line. */
void map_draw_answer(const struct map_panel *map, struct surface surface, int y);

/* ---- map-pages.c ---- */

/* As panel_ops has it. */
const struct panel_hint *map_hints(struct panel *panel);
void map_draw_list(struct map_panel *map, struct surface surface);
void map_draw_sizes(struct map_panel *map, struct surface surface);
void map_draw_differences(struct map_panel *map, struct surface surface);
/* To the next or an earlier difference, so many of them on; false: there is none. */
bool map_difference_step(struct map_panel *map, int64_t steps);
/* The same in their list, where what would be beyond its end is the end. */
void map_difference_move(struct map_panel *map, int64_t rows);
/* Moves the cursor by so many extents. */
void map_list_step(struct map_panel *map, int64_t rows);
/* Makes the list_steps that are known, and asks for what the others need; says so where they lead nowhere. */
void map_list_go_on(struct map_panel *map);
/* To what the list has in line y of the panel, as last drawn; false: nothing. */
bool map_list_pick(struct map_panel *map, int y);
bool map_difference_pick(struct map_panel *map, int y);

/* ---- map-recall.c: as panel_ops has them ---- */

int map_recall_page_rows(struct panel *panel);
void map_recall_view(struct panel *panel, struct panel_view *ret_view);
bool map_recall_set_view(struct panel *panel, const struct panel_view *view);

/* ---- map-mouse.c ---- */

/* A press or a drag puts the cursor on the cell or the row of the list, the strip goes there. */
enum panel_reaction map_mouse(struct panel *panel, const struct mouse *mouse);
