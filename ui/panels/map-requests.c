/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What keys do in the map: movements, zooms, pages, layers, differences. */
#include "ui/panels/lookup.h"
#include "ui/panels/map-panel.h"

#define NO_STRUCTURE "this format has no structure of its own: the file is the image"

enum { ZOOM_SHIFT = 3 /* a step shows an eighth */ };

/* ---- what is shown ---- */

static void show_part(struct map_panel *map, int only, struct map_marked *marked)
{
    struct map_side *guest = &map->sides[MAP_GUEST];

    map_marked_unref(map->layer_source.marked);
    map->layer_source = map_source_guest;
    map->layer_source.only = only;
    map->layer_source.marked = marked;
    guest->source = only > 0 || marked ? &map->layer_source : &map_source_guest;
    map->at = MAP_GUEST;
    map_side_rescan(guest);
    map_open_list(map);
    map_pair_forget(map);
    panel_redraw(&map->panel);
}

void map_show_marked(struct map_panel *map, struct map_marked *marked)
{
    show_part(map, 0, marked);
}

bool map_show_only(struct map_panel *map, int layer)
{
    if (layer >= 0 && (!map->blk || !blk_layer(map->blk, (unsigned)layer, BLK_PART_LAYER))) {
        return false;
    }
    show_part(map, layer + 1, NULL);
    return true;
}

/* The next of them, and all behind the last; where there is but one, all is what it supplies. */
static enum panel_reaction show_next_layer(struct map_panel *map, int count)
{
    unsigned layers = 0;

    while (blk_layer(map->blk, layers, BLK_PART_LAYER)) {
        layers++;
    }
    map_show_only(map, (int)(((unsigned)map->layer_source.only + (unsigned)count) % (layers + 1)) - 1);
    return PANEL_REDRAW;
}

static enum panel_reaction show_page(struct map_panel *map, enum map_page page)
{
    map->page = map->page == page ? MAP_PAGE_PICTURE : page;
    return PANEL_REDRAW;
}

void map_turn(struct map_panel *map)
{
    int64_t size = inspect_host_size(map->blk);

    if (map->at == MAP_GUEST && (!map->sides[MAP_HOST].blk || map->sides[MAP_HOST].size != size)) {
        map_side_open(&map->sides[MAP_HOST], map->blk, size);
    }
    map->at = !map->at;
    map_open_list(map);
}

static enum panel_reaction turn(struct map_panel *map)
{
    if (map->at == MAP_GUEST && inspect_host_size(map->blk) <= 0) {
        panel_remark(&map->panel, NO_STRUCTURE);
        return PANEL_HANDLED;
    }
    map_turn(map);
    map_pair_follow(map);
    return PANEL_REDRAW;
}

static enum panel_reaction zoom(struct map_panel *map, int steps)
{
    struct map_side *side = map_panel_side(map);
    int64_t span = side->zoom_span > 0 ? side->zoom_span : side->view.span; /* painted or not yet: keys may be faster */

    if (steps > 0 && span <= MAP_SPAN_MIN) {
        panel_remark(&map->panel, "a cell is one sector already");
        return PANEL_HANDLED;
    }
    for (; steps > 0; steps--) {
        int floor_shift = 63 - __builtin_clzll((unsigned long long)span);

        span = MAX(MAP_SPAN_MIN, INT64_C(1) << MAX(floor_shift - ZOOM_SHIFT, 0));
    }
    for (; steps < 0; steps++) {
        span = span > INT64_MAX >> ZOOM_SHIFT ? INT64_MAX : span << ZOOM_SHIFT;
    }
    map_side_zoom(side, span);
    return PANEL_REDRAW;
}

/* What one cell shows fills the panel. */
static enum panel_reaction zoom_into_cell(struct map_panel *map)
{
    struct map_side *side = map_panel_side(map);
    int64_t cells = (int64_t)side->view.columns * side->view.rows, span = MAP_SPAN_MIN, start, end;

    if (side->view.span <= MAP_SPAN_MIN) {
        return zoom(map, 1);
    }
    while (span < side->view.span / 2 && side->view.span / span > cells) {
        span *= 2;
    }
    map_side_cell(side, &start, &end);
    side->zoom_span = span;
    side->view.top = start;
    return PANEL_REDRAW;
}

/* ---- differences ---- */

/* An image, or @ and a snapshot, as the command's words. */
static void compare_with(struct panel *panel, const char *text)
{
    g_autofree char *stripped = g_strstrip(g_strdup(text));
    bool snapshot = stripped[0] == '@';
    g_autofree char *quoted = g_shell_quote(stripped + snapshot);
    g_autofree char *line = g_strdup_printf("differences %s%s", snapshot ? "-s " : "", quoted);

    if (stripped[0] != '\0') {
        panel_run(panel, line);
    }
}

static enum panel_reaction ask_what_to_compare(struct map_panel *map)
{
    static const struct panel_question question = {
        .request = REQUEST_MAP_COMPARE_WITH, .question = "compare with: ", .hint = "an image, or @ and the name of a snapshot", .answer = compare_with};

    panel_question(&map->panel, &question);
    return PANEL_REDRAW;
}

static enum panel_reaction toggle_differences(struct map_panel *map)
{
    if (map_differences_with(map->differences)) {
        panel_run(&map->panel, "differences -c");
    } else if (blk_layer(map->blk, 1, BLK_PART_LAYER)) {
        panel_run(&map->panel, "differences");
    } else {
        return ask_what_to_compare(map);
    }
    return PANEL_REDRAW;
}

static enum panel_reaction seek_difference(struct map_panel *map, int steps)
{
    if (!map_difference_step(map, steps)) {
        panel_remark(&map->panel, !map_differences_with(map->differences) ? "nothing is compared: x compares"
                                  : steps > 0 ? "no next difference" : "no difference before");
        return PANEL_HANDLED;
    }
    if (map->at == MAP_HOST) {
        map_pair_follow(map);
    }
    return PANEL_REDRAW;
}

/* ---- requests ---- */

static enum panel_reaction move_in_list(struct map_panel *map, enum request request, int count)
{
    bool differences = map->page == MAP_PAGE_DIFFERENCES;
    struct map_side *side = differences ? &map->sides[MAP_GUEST] : map_panel_side(map);
    int64_t rows = request == REQUEST_PAGE_UP || request == REQUEST_PAGE_DOWN ? (int64_t)count * map->list_rows : count;

    switch (request) {
    case REQUEST_UP:
    case REQUEST_PAGE_UP:
        rows = -rows; /* fall through */
    case REQUEST_DOWN:
    case REQUEST_PAGE_DOWN:
        if (differences) {
            map_difference_move(map, rows);
        } else {
            map_list_step(map, rows);
        }
        break;
    case REQUEST_FIRST:
        side->cursor = 0;
        break;
    case REQUEST_LAST:
        side->cursor = map_side_nearest(side, INT64_MAX);
        break;
    default:
        return PANEL_IGNORED;
    }
    if (differences && map->at == MAP_HOST) {
        map_pair_follow(map); /* differences are in the guest's order, whichever the picture shows */
    }
    return PANEL_REDRAW;
}

/* Up and down at the upper and lower edge go on in what lies before and behind. */
static enum panel_reaction move_vertically(struct map_side *side, int rows)
{
    if (side->order.kind == MAP_ORDER_CURVE) {
        map_side_walk(side, 0, rows);
    } else if (rows > 0 || side->cursor >= map_view_row_span(&side->view)) {
        map_side_step(side, (int64_t)side->view.columns * rows);
    }
    return PANEL_REDRAW;
}

static enum panel_reaction move(struct map_panel *map, enum request request, int count)
{
    struct map_side *side = map_panel_side(map);
    int64_t page = (int64_t)side->view.columns * side->view.rows * count;
    bool curve = side->order.kind == MAP_ORDER_CURVE;

    switch (request) {
    case REQUEST_LEFT:
    case REQUEST_RIGHT:
        if (curve) {
            map_side_walk(side, request == REQUEST_LEFT ? -count : count, 0);
        } else {
            map_side_step(side, request == REQUEST_LEFT ? -count : count);
        }
        return PANEL_REDRAW;
    case REQUEST_UP:
        return move_vertically(side, -count);
    case REQUEST_DOWN:
        return move_vertically(side, count);
    case REQUEST_PAGE_UP:
    case REQUEST_PAGE_DOWN:
        map_side_step(side, request == REQUEST_PAGE_UP ? -page : page);
        return PANEL_REDRAW;
    case REQUEST_ROW_START:
    case REQUEST_ROW_END:
        map_side_row_end(side, request == REQUEST_ROW_END);
        return PANEL_REDRAW;
    case REQUEST_FIRST:
    case REQUEST_LAST:
        map_side_step(side, request == REQUEST_FIRST ? INT64_MIN + 1 : INT64_MAX);
        return PANEL_REDRAW;
    default:
        return PANEL_IGNORED;
    }
}

static enum panel_reaction show_in_hex(struct map_panel *map)
{
    if (map->at == MAP_HOST && map->page != MAP_PAGE_DIFFERENCES && (map->answer.other < 0 || map->answer.question.offset != map->sides[MAP_HOST].cursor)) {
        panel_remark(&map->panel, "nothing of the guest is here");
        return PANEL_HANDLED;
    }
    panel_go(&map->panel, map->sides[MAP_GUEST].cursor, 0, "hex");
    return PANEL_HANDLED;
}

static enum panel_reaction seek(struct map_panel *map, bool next, int count)
{
    if (map->at == MAP_GUEST) {
        lookup_step(map->seek, map->blk, next ? LOOKUP_NEXT : LOOKUP_PREVIOUS, LOOKUP_SAME, map->sides[MAP_GUEST].cursor, count);
        return PANEL_HANDLED;
    }
    map->list_steps += next ? count : -count;
    map_list_go_on(map);
    return PANEL_HANDLED;
}

/* Only the file's clusters can be; the answer turns to its order. */
static enum panel_reaction seek_fault(struct map_panel *map, bool next, int count)
{
    if (inspect_host_size(map->blk) <= 0) {
        panel_remark(&map->panel, NO_STRUCTURE);
        return PANEL_HANDLED;
    }
    int64_t otherwise = next ? -1 : INT64_MAX;

    lookup_step(map->seek, map->blk, next ? LOOKUP_NEXT_FAULT : LOOKUP_PREVIOUS_FAULT, LOOKUP_SAME,
                map->at == MAP_HOST ? map->sides[MAP_HOST].cursor : otherwise, count);
    return PANEL_HANDLED;
}

enum panel_reaction map_request(struct panel *panel, enum request request, int count)
{
    struct map_panel *map = (struct map_panel *)panel;
    struct map_side *side = map_panel_side(map);

    if (!map->blk || side->size == 0) {
        return PANEL_IGNORED;
    }
    if (side->view.rows == 0) { /* keys may be faster than the screen: the other order, just turned to */
        map_side_layout(side, map->width, map->height, map->order);
    }
    if (side->view.rows == 0) {
        return PANEL_IGNORED;
    }
    switch (request) {
    case REQUEST_MAP_SHOW:
        return show_in_hex(map);
    case REQUEST_MAP_NEXT_EXTENT:
    case REQUEST_MAP_PREVIOUS_EXTENT:
        return seek(map, request == REQUEST_MAP_NEXT_EXTENT, count);
    case REQUEST_MAP_NEXT_FAULT:
    case REQUEST_MAP_PREVIOUS_FAULT:
        return seek_fault(map, request == REQUEST_MAP_NEXT_FAULT, count);
    case REQUEST_MAP_SCAN:
        session_look(panel_session(&map->panel));
        map_side_rescan(side);
        map_open_list(map);
        map_pair_forget(map);
        return PANEL_REDRAW;
    case REQUEST_MAP_LAYER:
        return show_next_layer(map, count);
    case REQUEST_MAP_ZOOM_IN:
        return zoom(map, MIN(count, 64));
    case REQUEST_MAP_ZOOM_OUT:
        return zoom(map, -MIN(count, 64));
    case REQUEST_MAP_ZOOM_CELL:
        return zoom_into_cell(map);
    case REQUEST_MAP_ZOOM_ALL:
        side->zoom_span = 0;
        return PANEL_REDRAW;
    case REQUEST_MAP_HOST:
        return turn(map);
    case REQUEST_MAP_CURVE:
        map->order = map->order == MAP_ORDER_CURVE ? MAP_ORDER_ROWS : MAP_ORDER_CURVE;
        return PANEL_REDRAW;
    case REQUEST_MAP_LIST:
        return show_page(map, MAP_PAGE_LIST);
    case REQUEST_MAP_SIZES:
        return show_page(map, MAP_PAGE_SIZES);
    case REQUEST_MAP_DIFFERENCES:
        return toggle_differences(map);
    case REQUEST_MAP_COMPARE_WITH:
        return ask_what_to_compare(map);
    case REQUEST_MAP_DIFFERENCE_LIST:
        return show_page(map, MAP_PAGE_DIFFERENCES);
    case REQUEST_MAP_NEXT_DIFFERENCE:
        return seek_difference(map, count);
    case REQUEST_MAP_PREVIOUS_DIFFERENCE:
        return seek_difference(map, -count);
    default:
        return map->page == MAP_PAGE_LIST || map->page == MAP_PAGE_DIFFERENCES ? move_in_list(map, request, count)
                                                                               : move(map, request, count);
    }
}
