/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The map panel: a cell for each stretch of the image, how full it is as its glyph, its dominant kind as its role.
 *
 * One scan covers the whole image in at most MAP_LEAVES_MAX leaves.  When a cell is smaller than such a leaf, a second scan covers
 * the visible part and some more on both sides in leaves of one cell each; it starts anew when the view leaves that window.
 */

#include "ui/panels/lookup.h"
#include "ui/panels/map-panel.h"
#include "util/checked.h"
#include "util/size.h"

enum {
    ZOOM_SHIFT = 3,   /* a step shows an eighth */
    DETAIL_VIEWS = 4, /* the detailed window is as many times what is visible */
};

static struct map_panel *map_of(struct panel *panel)
{
    return (struct map_panel *)panel;
}

/* ---- scans ---- */

static bool needs_detail(const struct map_panel *map)
{
    return map->view.rows > 0 && map->view.span < INT64_C(1) << map_scan_pyramid(map->whole)->shift;
}

const struct map_pyramid *map_panel_pyramid(const struct map_panel *map)
{
    return map_scan_pyramid(needs_detail(map) ? map->detail : map->whole);
}

static void drop_detail(struct map_panel *map)
{
    if (map->detail_end > 0) {
        map_scan_start(map->detail, NULL, 0, 0, MAP_LEAF_SHIFT_MIN);
        map->detail_start = map->detail_end = 0;
    }
}

/* A window around what is visible, [top, end), in leaves of one cell. */
static void start_detail(struct map_panel *map, int64_t end)
{
    int64_t span = map->view.span, visible = end - map->view.top;
    int64_t leaves = MIN(MAP_LEAVES_MAX, DETAIL_VIEWS * ((visible - 1) / span + 1));
    int64_t start = map->view.top - (leaves * span - visible) / 2;

    start = (int64_t)checked_align_down((uint64_t)MAX(start, 0), (uint64_t)span);
    map->detail_start = start;
    map->detail_end = map->size - start < leaves * span ? map->size : start + leaves * span;
    map->detail_shift = (unsigned)__builtin_ctzll((unsigned long long)span);
    map_scan_start(map->detail, map->blk, start, map->detail_end, map->detail_shift);
}

/* Has scanned what is visible, first of all. */
static void scan_visible(struct map_panel *map)
{
    int64_t end = map_view_end(&map->view, map->size);

    if (!needs_detail(map)) {
        drop_detail(map);
    } else if (map->view.top < map->detail_start || end > map->detail_end ||
               INT64_C(1) << map->detail_shift != map->view.span) {
        start_detail(map, end);
    }
    map_scan_prefer(map->whole, map->view.top, end);
    map_scan_prefer(map->detail, map->view.top, end);
}

static void ask_readout(struct map_panel *map)
{
    if (map->blk && map->size > 0 && map->asked != map->cursor) {
        map->asked = map->cursor;
        map->extent.length = 0;
        lookup_ask(map->readout, map->blk, LOOKUP_AT, map->cursor);
    }
}

static void on_scan(void *data)
{
    panel_redraw(data);
}

static void on_readout(void *data, const struct lookup_answer *answer)
{
    struct map_panel *map = data;

    if (answer->ret == 0 && answer->offset == map->cursor) {
        map->extent = answer->extent;
        panel_redraw(&map->panel);
    }
}

static void on_seek(void *data, const struct lookup_answer *answer)
{
    struct map_panel *map = data;

    if (answer->ret == 0) {
        map->cursor = answer->found;
        panel_redraw(&map->panel);
    } else {
        lookup_remark(&map->panel, answer);
    }
}

/* ---- painting ---- */

void map_panel_cell(const struct map_panel *map, int64_t *ret_start, int64_t *ret_end)
{
    int64_t start = (int64_t)checked_align_down((uint64_t)map->cursor, (uint64_t)map->view.span);

    *ret_start = start;
    *ret_end = map->size - start < map->view.span ? map->size : start + map->view.span;
}

static void lay_out(struct map_panel *map, int width, int height)
{
    int64_t leaf = INT64_C(1) << map_scan_pyramid(map->whole)->shift;

    map->view = map_view_layout(width, height, map->size, leaf, map->zoom_span, map->view.top, map->cursor);
    if (map->view.span != map->zoom_span) {
        map->zoom_span = 0; /* a cell would show more than it does when all is visible */
    }
}

static void draw(struct panel *panel, struct surface surface, bool focused)
{
    struct map_panel *map = map_of(panel);

    if (!map->blk || map->size == 0) {
        surface_put_fit(surface, 0, 0, surface.width, ROLE_DIM, map->blk ? "the image is empty" : "no image is open");
        return;
    }
    lay_out(map, surface.width, surface.height);
    if (map->view.rows == 0) {
        return;
    }
    scan_visible(map);
    ask_readout(map);
    map_draw(map, surface);
}

static void title(struct panel *panel, GString *title)
{
    struct map_panel *map = map_of(panel);
    const struct map_pyramid *pyramid = map_panel_pyramid(map);
    char size[SIZE_TEXT_MAX];

    if (!map->blk || map->view.rows == 0) {
        return;
    }
    g_string_append_printf(title, "linear · %s/cell", size_format((double)map->view.span, size));
    if (map_scan_is_busy(needs_detail(map) ? map->detail : map->whole)) {
        struct map_counts counts = map_pyramid_count(pyramid, pyramid->start, pyramid->end);
        int64_t known = map_counts_known(&counts), all = pyramid->end - pyramid->start;

        g_string_append_printf(title, known == all ? " · updating" : " · scanning %d%%",
                               (int)((__int128)known * 100 / all));
    }
}

/* ---- requests ---- */

/* Moves by cells from the cursor's own; stops at both ends. */
static enum panel_reaction move_cells(struct map_panel *map, int64_t cells)
{
    int64_t start, end, last, offset, bytes;

    map_panel_cell(map, &start, &end);
    last = (int64_t)checked_align_down((uint64_t)(map->size - 1), (uint64_t)map->view.span);
    if (!checked_mul(cells, map->view.span, &bytes) || !checked_add(start, bytes, &offset)) {
        offset = cells < 0 ? 0 : last;
    }
    map->cursor = CLAMP(offset, 0, last);
    return PANEL_REDRAW;
}

static enum panel_reaction move_in_row(struct map_panel *map, bool to_end)
{
    int64_t row_span = map_view_row_span(&map->view);
    int64_t row = (int64_t)checked_align_down((uint64_t)map->cursor, (uint64_t)row_span);

    map->cursor = row;
    return to_end ? move_cells(map, map->view.columns - 1) : PANEL_REDRAW;
}

static enum panel_reaction zoom(struct map_panel *map, int steps)
{
    int64_t span = map->view.span;

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
    map->zoom_span = span;
    /* The cursor comes to the middle. */
    map->view.top = MAX(0, map->cursor - (int64_t)MIN((__int128)span * map->view.columns * (map->view.rows / 2),
                                                      (__int128)map->cursor));
    return PANEL_REDRAW;
}

static enum panel_reaction move(struct map_panel *map, enum request request, int count)
{
    int64_t columns = map->view.columns;

    switch (request) {
    case REQUEST_LEFT:
        return move_cells(map, -count);
    case REQUEST_RIGHT:
        return move_cells(map, count);
    case REQUEST_UP:
        return map->cursor >= map_view_row_span(&map->view) ? move_cells(map, -columns * count) : PANEL_HANDLED;
    case REQUEST_DOWN:
        return move_cells(map, columns * count);
    case REQUEST_PAGE_UP:
        return move_cells(map, -columns * map->view.rows * count);
    case REQUEST_PAGE_DOWN:
        return move_cells(map, columns * map->view.rows * count);
    case REQUEST_ROW_START:
    case REQUEST_ROW_END:
        return move_in_row(map, request == REQUEST_ROW_END);
    case REQUEST_FIRST:
        return move_cells(map, INT64_MIN + 1);
    case REQUEST_LAST:
        return move_cells(map, INT64_MAX);
    default:
        return PANEL_IGNORED;
    }
}

static enum panel_reaction request(struct panel *panel, enum request request, int count)
{
    struct map_panel *map = map_of(panel);

    if (!map->blk || map->size == 0 || map->view.rows == 0) {
        return PANEL_IGNORED;
    }
    switch (request) {
    case REQUEST_MAP_SHOW:
        panel_go(panel, map->cursor, 0, "hex");
        return PANEL_HANDLED;
    case REQUEST_MAP_NEXT_EXTENT:
        lookup_ask(map->seek, map->blk, LOOKUP_NEXT, map->cursor);
        return PANEL_HANDLED;
    case REQUEST_MAP_PREVIOUS_EXTENT:
        lookup_ask(map->seek, map->blk, LOOKUP_PREVIOUS, map->cursor);
        return PANEL_HANDLED;
    case REQUEST_MAP_SCAN:
        drop_detail(map);
        map_scan_start(map->whole, map->blk, 0, map->size, map_pyramid_fit(map->size));
        map->asked = -1;
        return PANEL_REDRAW;
    case REQUEST_MAP_ZOOM_IN:
        return zoom(map, MIN(count, 64));
    case REQUEST_MAP_ZOOM_OUT:
        return zoom(map, -MIN(count, 64));
    default:
        return move(map, request, count);
    }
}

static void go(struct panel *panel, int64_t offset, int64_t bytes)
{
    struct map_panel *map = map_of(panel);

    if (offset >= 0 && offset < map->size) {
        map->cursor = offset;
        map->range_start = offset;
        map->range_end = offset + MIN(bytes, map->size - offset);
    }
}

static void place(struct panel *panel, int64_t offset)
{
    struct map_panel *map = map_of(panel);

    if (offset >= 0 && offset < map->size) {
        map->cursor = offset;
    }
}

static int64_t position(struct panel *panel)
{
    struct map_panel *map = map_of(panel);

    return map->blk && map->size > 0 ? map->cursor : -1;
}

/* ---- the image ---- */

static void image(struct panel *panel)
{
    struct map_panel *map = map_of(panel);
    int64_t size;

    map->blk = session_blk(panel_session(panel));
    size = map->blk ? MAX(0, blk_length(map->blk)) : 0;
    lookup_reset(map->readout);
    lookup_reset(map->seek);
    map->asked = -1;
    map->extent.length = 0;
    map->range_start = map->range_end = 0;
    if (size != map->size) {
        map->zoom_span = 0;
    }
    map->size = size;
    map->cursor = size > 0 ? MIN(map->cursor, size - 1) : 0;
    drop_detail(map);
    map_scan_start(map->whole, map->blk, 0, size, map_pyramid_fit(size));
}

static void changed(struct panel *panel, int64_t offset, int64_t bytes)
{
    struct map_panel *map = map_of(panel);

    map_scan_changed(map->whole, offset, bytes);
    map_scan_changed(map->detail, offset, bytes);
    map->asked = -1;
}

static struct panel *create(struct panel_host *host)
{
    struct map_panel *map = g_new0(struct map_panel, 1);

    map->panel.ops = &panel_map;
    map->panel.host = host;
    map->whole = map_scan_new(on_scan, map);
    map->detail = map_scan_new(on_scan, map);
    map->readout = lookup_new(on_readout, map);
    map->seek = lookup_new(on_seek, map);
    image(&map->panel);
    return &map->panel;
}

static void destroy(struct panel *panel)
{
    struct map_panel *map = map_of(panel);

    lookup_free(map->readout);
    lookup_free(map->seek);
    map_scan_free(map->whole);
    map_scan_free(map->detail);
    g_free(map);
}

const struct panel_ops panel_map = {
    .name = "map",
    .context = REQUEST_CONTEXT_MAP,
    .create = create,
    .free = destroy,
    .title = title,
    .draw = draw,
    .request = request,
    .go = go,
    .position = position,
    .place = place,
    .mouse = map_mouse,
    .image = image,
    .changed = changed,
};
