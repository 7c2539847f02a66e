/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>

#include "ui/panels/map-panel.h"
#include "ui/text.h"
#include "util/checked.h"
#include "util/size.h"

enum { GLYPHS = 6 };

/* ---- what a cell looks like ---- */

static int64_t full_bytes(const struct map_counts *counts)
{
    return counts->bytes[MAP_DATA] + counts->bytes[MAP_COMPRESSED] + counts->bytes[MAP_BACKING];
}

static enum map_kind dominant_kind(const struct map_counts *counts)
{
    unsigned best = 0;

    for (unsigned k = 1; k < MAP_KIND_COUNT; k++) {
        if (counts->bytes[k] > counts->bytes[best]) {
            best = k;
        }
    }
    return (enum map_kind)best;
}

static enum role role_of(enum map_kind kind)
{
    static const enum role roles[MAP_KIND_COUNT] = {
        [MAP_DATA] = ROLE_KIND_DATA,
        [MAP_ZERO_PLAIN] = ROLE_KIND_ZERO,
        [MAP_ZERO_ALLOCATED] = ROLE_KIND_ZERO_ALLOCATED,
        [MAP_COMPRESSED] = ROLE_KIND_COMPRESSED,
        [MAP_UNALLOCATED] = ROLE_KIND_UNALLOCATED,
        [MAP_MISSING] = ROLE_KIND_UNKNOWN,
        [MAP_BACKING] = ROLE_KIND_MIXED,
        [MAP_ERROR] = ROLE_KIND_ERROR,
    };

    return roles[kind];
}

/* Which of the glyphs: the first is for nothing at all, the last for everything; no other share looks like these. */
static int fullness(int64_t full, int64_t bytes)
{
    if (full == 0 || full == bytes) {
        return full == 0 ? 0 : GLYPHS - 1;
    }
    return 1 + (int)((__int128)full * (GLYPHS - 2) / bytes);
}

static void cell_look(const struct map_counts *counts, int64_t bytes, bool utf8, uint32_t *ret_ch, enum role *ret_role)
{
    static const uint32_t blocks[GLYPHS] = {' ', 0xb7, 0x2591, 0x2592, 0x2593, 0x2588};
    static const uint32_t ascii[GLYPHS] = {' ', '.', ':', '+', '*', '#'};

    if (counts->bytes[MAP_ERROR] > 0) {
        *ret_ch = '!';
        *ret_role = ROLE_KIND_ERROR;
    } else if (map_counts_known(counts) < bytes || counts->bytes[MAP_MISSING] > 0) {
        *ret_ch = '?';
        *ret_role = ROLE_KIND_UNKNOWN;
    } else {
        *ret_ch = (utf8 ? blocks : ascii)[fullness(full_bytes(counts), bytes)];
        *ret_role = role_of(dominant_kind(counts));
    }
}

/* ---- rows and readout ---- */

static void draw_row(const struct map_panel *map, struct surface surface, int y, int64_t start)
{
    const struct map_view *view = &map->view;
    const struct map_pyramid *pyramid = map_panel_pyramid(map);
    bool utf8 = surface_traits(surface).utf8;

    if (view->gutter > 0) {
        surface_printf(surface, 0, y, ROLE_OFFSET, "0x%0*" PRIx64, view->gutter - 3, start);
    }
    for (int x = 0; x < view->columns && start < map->size; x++) {
        int64_t end = map->size - start < view->span ? map->size : start + view->span;
        struct map_counts counts = map_pyramid_count(pyramid, start, end);
        enum role role;
        uint32_t ch;

        cell_look(&counts, end - start, utf8, &ch, &role);
        surface_put_char(surface, view->gutter + x, y, role, ch);
        if (start < map->range_end && map->range_start < end) {
            surface_mark(surface, view->gutter + x, y, 1, CELL_SELECTED);
        }
        if (map->cursor >= start && map->cursor < end) {
            surface_mark(surface, view->gutter + x, y, 1, CELL_CURSOR);
        }
        start = end;
    }
}

/* "41.25%", cut and not rounded: only what is whole is 100%. */
static void append_share(GString *text, int64_t part, int64_t whole)
{
    int hundredths = (int)((__int128)part * 10000 / whole);

    if (part == whole) {
        g_string_append(text, "100%");
    } else if (hundredths == 0) {
        g_string_append(text, "<0.01%");
    } else {
        g_string_append_printf(text, "%d.%02d%%", hundredths / 100, hundredths % 100);
    }
}

static void append_kind(GString *text, const char *name, int64_t part, int64_t whole, bool exact)
{
    if (part == 0) {
        return;
    }
    g_string_append_printf(text, "%s%s ", text->len > 0 ? "  " : "", name);
    if (exact) {
        g_string_append_printf(text, "%" PRId64 " bytes ", part);
    }
    append_share(text, part, whole);
}

/* Every kind there is, the largest first, and what is not known last. */
static void append_kinds(GString *text, const struct map_counts *counts, int64_t bytes, bool exact)
{
    struct map_counts left = *counts;

    for (unsigned n = 0; n < MAP_KIND_COUNT; n++) {
        enum map_kind kind = dominant_kind(&left);

        append_kind(text, map_kind_name(kind), left.bytes[kind], bytes, exact);
        left.bytes[kind] = 0;
    }
    append_kind(text, "unknown", bytes - map_counts_known(counts), bytes, exact);
}

/* Sizes give way to what kinds there are. */
static void put_kinds(struct surface surface, int y, enum role role, const char *before,
                      const struct map_counts *counts, int64_t bytes)
{
    g_autoptr(GString) text = g_string_new(before);

    append_kinds(text, counts, bytes, true);
    if (text_columns(text->str, -1) > surface.width) {
        g_string_assign(text, before);
        append_kinds(text, counts, bytes, false);
    }
    surface_put_fit(surface, 0, y, surface.width, role, text->str);
}

static void append_extent(const struct map_panel *map, GString *text)
{
    const struct blk_extent *extent = &map->extent;
    char size[SIZE_TEXT_MAX];

    if (extent->length <= 0 || map->asked != map->cursor) {
        return;
    }
    g_string_append_printf(text, "at 0x%" PRIx64 ": %s of %s", map->cursor, size_format((double)extent->length, size),
                           map_kind_name(map_kind_of(extent)));
    if (extent->host_offset >= 0) {
        g_string_append_printf(text, ", host 0x%" PRIx64, extent->host_offset);
    }
    if (extent->depth > 0) {
        g_string_append_printf(text, ", layer %d", extent->depth);
    }
}

static void draw_readout(const struct map_panel *map, struct surface surface)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct map_counts counts;
    char size[SIZE_TEXT_MAX];
    int64_t start, end;

    map_panel_cell(map, &start, &end);
    counts = map_pyramid_count(map_panel_pyramid(map), start, end);
    if (map->view.readout >= 2) {
        surface_printf(surface, 0, 0, ROLE_STRONG, "0x%" PRIx64 "..0x%" PRIx64 "  +%s", start, end - 1,
                       size_format((double)(end - start), size));
        put_kinds(surface, 1, ROLE_TEXT, "", &counts, end - start);
    } else {
        g_string_append_printf(text, "0x%" PRIx64 " +%s  ", start, size_format((double)(end - start), size));
        append_kinds(text, &counts, end - start, false);
        surface_put_fit(surface, 0, 0, surface.width, ROLE_TEXT, text->str);
    }
    if (map->view.readout >= 3) {
        append_extent(map, text);
        surface_put_fit(surface, 0, 2, surface.width, ROLE_DIM, text->str);
    }
    if (map->view.readout >= 4) {
        counts = map_pyramid_count(map_scan_pyramid(map->whole), 0, map->size);
        put_kinds(surface, 3, ROLE_DIM, "all:", &counts, map->size);
    }
}

void map_draw(const struct map_panel *map, struct surface surface)
{
    const struct map_view *view = &map->view;
    int64_t start = view->top;

    for (int y = 0; y < view->rows; y++) {
        draw_row(map, surface, y, start);
        if (!checked_add(start, map_view_row_span(view), &start) || start >= map->size) {
            break;
        }
    }
    draw_readout(map, surface_part(surface, 0, surface.height - view->readout, surface.width, view->readout));
}
