/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The map panel: a cell for each stretch of the image, in the guest's order or in that of the image's file, and pages that list its
 * extents.  Both orders have a cursor; they are linked: when one moves, the other is sent to the same byte as soon as that is found.
 */

#include <inttypes.h>
#include <string.h>

#include "ui/panels/lookup.h"
#include "ui/panels/map-panel.h"
#include "ui/setting.h"
#include "util/size.h"

#define HOST_UNASKED_MAX (INT64_C(16) << 30)

static struct map_panel *map_of(struct panel *panel)
{
    return (struct map_panel *)panel;
}

/* ---- background work ---- */

void map_open_list(struct map_panel *map)
{
    const struct map_side *side = map_panel_side(map);

    map->list_steps = 0;
    map_list_open(map->list, map->blk, side->source, side->size);
}

static void on_scan(void *data)
{
    panel_redraw(data);
}

void map_on_list(void *data)
{
    struct map_panel *map = data;

    map_list_go_on(map);
    panel_redraw(&map->panel);
}

static void on_differences(void *data)
{
    struct map_panel *map = data;

    if (map_differences_error(map->differences) && !map_differences_is_busy(map->differences)) {
        panel_remark(&map->panel, map_differences_error(map->differences));
    }
    panel_redraw(&map->panel);
}

static void on_seek(void *data, const struct lookup_answer *answer)
{
    struct map_panel *map = data;

    bool fault = answer->question == LOOKUP_NEXT_FAULT || answer->question == LOOKUP_PREVIOUS_FAULT;

    if (answer->ret == 0 && fault) {
        if (map->at == MAP_GUEST) {
            map_turn(map);
        }
        map_pair_forget(map);
        map->sides[MAP_HOST].cursor = map_side_nearest(&map->sides[MAP_HOST], answer->found);
        panel_redraw(&map->panel);
    } else if (answer->ret == 0) {
        map->sides[MAP_GUEST].cursor = answer->found;
        panel_redraw(&map->panel);
    } else {
        lookup_remark(&map->panel, answer);
    }
}

/* ---- painting ---- */

/* The line below the cells shows the file's order, too; its whole structure is read for that only if this does not take long. */
static void open_host(struct map_panel *map, bool linked)
{
    struct map_side *host = &map->sides[MAP_HOST];
    int64_t size = linked ? inspect_host_size(map->blk) : 0;

    if (linked && map->at == MAP_GUEST && !host->blk && host->size != size) {
        map_side_open(host, size <= HOST_UNASKED_MAX ? map->blk : NULL, size);
    }
}

static void draw(struct panel *panel, struct surface surface, bool focused)
{
    struct map_panel *map = map_of(panel);
    struct map_side *side = map_panel_side(map);

    map->width = surface.width;
    map->height = surface.height;
    if (!map->blk || side->size == 0) {
        surface_put_fit(surface, 0, 0, surface.width, ROLE_DIM, map->blk ? "the image is empty" : session_why_no_image(panel_session(panel)));
        return;
    }
    open_host(map, side->linked = inspect_host_size(map->blk) > 0);
    map_side_layout(side, surface.width, surface.height, map->order);
    if (side->view.rows == 0) {
        return;
    }
    map_pair_ask(map);
    map_differences_prefer(map->differences, map->sides[MAP_GUEST].view.top, map_view_end(&map->sides[MAP_GUEST].view, map->sides[MAP_GUEST].size));
    if (map->page == MAP_PAGE_LIST) {
        map_draw_list(map, surface);
    } else if (map->page == MAP_PAGE_SIZES) {
        map_draw_sizes(map, surface);
    } else if (map->page == MAP_PAGE_DIFFERENCES) {
        map_draw_differences(map, surface);
    } else {
        map_side_scan_visible(side);
        map_draw_picture(map, surface);
    }
}

static void title(struct panel *panel, GString *title)
{
    struct map_panel *map = map_of(panel);
    const struct map_side *side = map_panel_side(map);
    const struct map_pyramid *pyramid = map_side_pyramid(side);
    char size[SIZE_TEXT_MAX];

    if (!map->blk || side->size == 0 || side->view.rows == 0) {
        return;
    }
    if (map->at == MAP_HOST) {
        g_string_append(title, "file · ");
    }
    if (map->at == MAP_GUEST && map->layer_source.only > 0) {
        g_string_append_printf(title, "only layer %d · ", map->layer_source.only - 1);
    }
    if (map->at == MAP_GUEST && map->layer_source.marked) {
        g_string_append_printf(title, "only bitmap %s · ", map->layer_source.marked->name);
    }
    if (map->page != MAP_PAGE_PICTURE) {
        static const char *const names[] = {
            [MAP_PAGE_LIST] = "extents", [MAP_PAGE_SIZES] = "sizes of extents", [MAP_PAGE_DIFFERENCES] = "differences"};

        g_string_append(title, names[map->page]);
        return;
    }
    if (map_differences_with(map->differences) && !map_differences_error(map->differences)) {
        g_string_append_printf(title, "vs %s%s%s · ", map_differences_with(map->differences), map_differences_is_stopped(map->differences) ? ", stopped" : "",
                               map_differences_is_unseen(map->differences) ? ", not followed" : "");
    }
    g_string_append_printf(title, "%s · %s/cell", map->order == MAP_ORDER_CURVE ? "curve" : "linear",
                           size_format_exact(side->view.span, size));
    if (map_side_is_busy(side)) {
        struct map_counts counts = map_pyramid_count(pyramid, pyramid->start, pyramid->end);
        int64_t known = map_counts_known(&counts), all = pyramid->end - pyramid->start;

        g_string_append_printf(title, known == all ? " · updating" : " · scanning %d%%",
                               (int)((__int128)known * 100 / MAX(all, 1)));
    }
}

/* ---- places ---- */

static void place(struct panel *panel, int64_t offset)
{
    struct map_panel *map = map_of(panel);

    if (offset >= 0 && offset < map->sides[MAP_GUEST].size && offset != map->sides[MAP_GUEST].cursor) {
        map->sides[MAP_GUEST].cursor = offset;
        if (map->at == MAP_HOST) {
            map_pair_follow(map);
        }
    }
}

static void go(struct panel *panel, int64_t offset, int64_t bytes)
{
    struct map_panel *map = map_of(panel);
    struct map_side *side = &map->sides[MAP_GUEST];

    if (offset >= 0 && offset < side->size) {
        /* Also when it is there already: the other order's cursor goes where this byte is now, not back where one came from. */
        map->pair[MAP_GUEST] = map->pair[MAP_HOST] = -1;
        map->asked = false;
        place(panel, offset);
        side->range_start = offset;
        side->range_end = offset + MIN(bytes, side->size - offset);
    }
}

static int64_t position(struct panel *panel)
{
    struct map_panel *map = map_of(panel);

    return map->blk && map->sides[MAP_GUEST].size > 0 ? map->sides[MAP_GUEST].cursor : -1;
}

/* In the file's order places are named like hex names them there. */
static char *where(struct panel *panel)
{
    struct map_panel *map = map_of(panel);
    int64_t offset = map->at == MAP_HOST ? map->sides[MAP_HOST].cursor : position(panel);

    if (!map->blk || map_panel_side(map)->size == 0 || offset < 0) {
        return NULL;
    }
    return g_strdup_printf(map->at == MAP_HOST ? "h:%#" PRIx64 : "%#" PRIx64, (uint64_t)offset);
}

static bool place_named(struct panel *panel, const char *name, char **ret_why)
{
    struct map_panel *map = map_of(panel);
    struct map_side *host = &map->sides[MAP_HOST];
    int64_t offset;

    *ret_why = NULL;
    if (!g_str_has_prefix(name, "h:")) {
        return false;
    }
    if (!map->blk || map->at != MAP_HOST) {
        *ret_why = g_strdup("the map does not show the file: map-host does");
    } else if (size_parse(name + 2, &offset) != 0 || offset < 0 || offset >= host->size) {
        *ret_why = g_strdup("that is no place in the file: type h:64k");
    } else {
        host->cursor = offset;
        panel_redraw(panel);
    }
    return true;
}

/* ---- the image ---- */

/* A layer that is not there any more can't be all that is shown. */
static void check_layer(struct map_panel *map)
{
    if (map->layer_source.only > 0 && (!map->blk || !blk_layer(map->blk, (unsigned)map->layer_source.only - 1, BLK_PART_LAYER))) {
        map->layer_source.only = 0;
        map->sides[MAP_GUEST].source = &map_source_guest;
    }
}

/* What is known stays as long as it takes to know it anew, and the view where it is. */
static void resized(struct map_panel *map)
{
    check_layer(map);
    map_side_resize(&map->sides[MAP_GUEST], MAX(0, blk_length(map->blk)));
    if (map->sides[MAP_HOST].blk) {
        map_side_resize(&map->sides[MAP_HOST], MAX(0, inspect_host_size(map->blk)));
    }
    map_differences_resized(map->differences);
    map_list_resized(map->list, map_panel_side(map)->size);
}

static void another_image(struct map_panel *map, struct blk *blk)
{
    int64_t size = blk ? MAX(0, blk_length(blk)) : 0, host_size = blk ? inspect_host_size(blk) : -1;

    map->blk = blk;
    map_differences_clear(map->differences);
    if (map->layer_source.marked) {
        g_clear_pointer(&map->layer_source.marked, map_marked_unref);
        map->sides[MAP_GUEST].source = &map_source_guest;
    }
    map->at = host_size > 0 ? map->at : MAP_GUEST;
    check_layer(map);
    map_side_open(&map->sides[MAP_GUEST], blk, size);
    map_side_open(&map->sides[MAP_HOST], map->at == MAP_HOST ? blk : NULL, map->at == MAP_HOST ? host_size : 0);
    map_open_list(map);
}

static void image(struct panel *panel)
{
    struct map_panel *map = map_of(panel);
    struct blk *blk = session_blk(panel_session(panel));

    lookup_reset(map->seek);
    map_link_reset(map->link);
    map_pair_forget(map);
    if (blk && blk == map->blk && (map->at == MAP_GUEST || inspect_host_size(blk) > 0)) {
        resized(map);
    } else {
        another_image(map, blk);
    }
}

static void host_changed(struct map_panel *map)
{
    struct map_side *host = &map->sides[MAP_HOST];
    int64_t size = map->blk ? inspect_host_size(map->blk) : -1;

    if (!host->blk) {
        return;
    }
    if (size > 0 && size != host->size) {
        map_side_resize(host, size);
        if (map->at == MAP_HOST) {
            map_list_resized(map->list, size);
        }
    } else {
        map_side_changed(host);
    }
}

static void changed(struct panel *panel, int64_t offset, int64_t bytes)
{
    struct map_panel *map = map_of(panel);

    map_scan_changed(map->sides[MAP_GUEST].whole, offset, bytes);
    map_scan_changed(map->sides[MAP_GUEST].detail, offset, bytes);
    host_changed(map);
    map_list_stale(map->list);
    map_differences_changed(map->differences, offset, bytes);
    map->asked = false;
    map->pair[MAP_GUEST] = map->pair[MAP_HOST] = -1;
}

static int64_t next_tick_us(struct panel *panel)
{
    struct map_panel *map = map_of(panel);

    return map->blk && map->page == MAP_PAGE_SIZES ? map_list_sizes_due_us(map->list) : -1;
}

static int wait_co(struct panel *panel)
{
    struct map_panel *map = map_of(panel);

    return map_differences_is_busy(map->differences) ? map_differences_wait_co(map->differences)
           : map->following                          ? map_link_wait_co(map->link)
                                                     : lookup_wait_co(map->seek);
}

static bool is_stepping(const struct map_panel *map)
{
    return map->list_steps != 0 || lookup_is_stepping(map->seek);
}

static bool steps_on(struct panel *panel, enum request request)
{
    bool steps = request == REQUEST_MAP_NEXT_EXTENT || request == REQUEST_MAP_PREVIOUS_EXTENT || request == REQUEST_MAP_NEXT_FAULT ||
                 request == REQUEST_MAP_PREVIOUS_FAULT;

    return steps && is_stepping(map_of(panel));
}

static bool unfinished(struct panel *panel)
{
    struct map_panel *map = map_of(panel);

    return map_side_is_busy(&map->sides[MAP_GUEST]) || (map->sides[MAP_HOST].size > 0 && map_side_is_busy(&map->sides[MAP_HOST]));
}

/* Where the cursor is going. */
static bool reading(struct panel *panel)
{
    const struct map_panel *map = map_of(panel);

    return map->following || map->list_steps != 0 || lookup_is_busy(map->seek);
}

static bool settling(struct panel *panel)
{
    return map_differences_is_unfinished(map_of(panel)->differences);
}

/* What is compared again is only ended where it is seen to be under way. */
/* Steps that are many may take as long as a comparison. */
static bool cancel(struct panel *panel)
{
    struct map_panel *map = map_of(panel);
    struct map_differences_work work;
    bool steps = is_stepping(map), compares = map_differences_work(map->differences, &work);

    if (steps) {
        lookup_reset(map->seek);
        map->list_steps = 0;
    }
    if (compares) {
        map_differences_stop(map->differences);
        panel_redraw(panel);
    }
    return steps || compares;
}

static bool progress(struct panel *panel, struct panel_progress *ret_progress)
{
    struct map_differences_work work;

    if (!map_differences_work(map_of(panel)->differences, &work)) {
        return false;
    }
    *ret_progress = (struct panel_progress){.what = "compare", .done = work.done, .total = work.total, .since_us = work.since_us};
    return true;
}

static struct panel *create(struct panel_host *host)
{
    struct map_panel *map = g_new0(struct map_panel, 1);

    map->panel.ops = &panel_map;
    map->panel.host = host;
    map_side_init(&map->sides[MAP_GUEST], &map_source_guest, on_scan, map);
    map_side_init(&map->sides[MAP_HOST], &map_source_host, on_scan, map);
    map->seek = lookup_new(on_seek, map);
    map->link = map_link_new(map_pair_on_answer, map);
    map->differences = map_differences_new(on_differences, map);
    map->list = map_list_new(map_on_list, map);
    image(&map->panel);
    return &map->panel;
}

static void destroy(struct panel *panel)
{
    struct map_panel *map = map_of(panel);

    lookup_free(map->seek);
    map_link_free(map->link);
    map_differences_free(map->differences);
    map_marked_unref(map->layer_source.marked);
    map_list_free(map->list);
    map_side_done(&map->sides[MAP_GUEST]);
    map_side_done(&map->sides[MAP_HOST]);
    g_free(map->answer.text);
    g_free(map);
}

static char *get_order(void *object)
{
    return g_strdup(map_of(object)->order == MAP_ORDER_CURVE ? "curve" : "rows");
}

static bool set_order(void *object, const char *value, GError **error)
{
    struct map_panel *map = map_of(object);

    if (strcmp(value, "rows") != 0 && strcmp(value, "curve") != 0) {
        g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "type rows or curve");
        return false;
    }
    map->order = value[0] == 'c' ? MAP_ORDER_CURVE : MAP_ORDER_ROWS;
    panel_redraw(&map->panel);
    return true;
}

static const struct setting settings[] = {
    {"map-order", "rows|curve", "whether the map's cells lie in rows or along a Hilbert curve", get_order, set_order, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

const struct panel_ops panel_map = {
    .settings = settings,
    .name = "map",
    .context = REQUEST_CONTEXT_MAP,
    .create = create,
    .free = destroy,
    .title = title,
    .hints = map_hints,
    .draw = draw,
    .request = map_request,
    .go = go,
    .position = position,
    .place = place,
    .where = where,
    .place_named = place_named,
    .page_rows = map_recall_page_rows,
    .view = map_recall_view,
    .set_view = map_recall_set_view,
    .mouse = map_mouse,
    .next_tick_us = next_tick_us,
    .wait_co = wait_co,
    .steps_on = steps_on,
    .unfinished = unfinished,
    .reading = reading,
    .settling = settling,
    .cancel = cancel,
    .progress = progress,
    .image = image,
    .changed = changed,
};
