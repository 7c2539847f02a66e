/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "ui/panels/hex-edit.h"
#include "ui/panels/hex-inspect.h"
#include "ui/panels/hex-notes.h"
#include "ui/panels/hex-panel.h"
#include "util/size.h"

enum { SECTOR = 512, LARGE = 1 << 20 };

static enum role byte_role(uint8_t byte, uint8_t state)
{
    switch (state) {
    case HEX_HOLE:
        return ROLE_BYTE_HOLE;
    case HEX_UNKNOWN:
        return ROLE_BYTE_UNKNOWN;
    case HEX_ERROR:
        return ROLE_ERROR;
    default:
        break;
    }
    if (byte == 0) {
        return ROLE_BYTE_NUL;
    }
    if (byte >= 0x80) {
        return ROLE_BYTE_HIGH;
    }
    if (byte == ' ' || (byte >= '\t' && byte <= '\r')) {
        return ROLE_BYTE_SPACE;
    }
    return byte > ' ' && byte < 0x7f ? ROLE_BYTE_PRINT : ROLE_BYTE_CONTROL;
}

/* In the text column; holes are blank there, so that they differ from zero bytes without a colour. */
static char byte_char(uint8_t byte, uint8_t state)
{
    static const char by_state[] = {[HEX_HOLE] = ' ', [HEX_UNKNOWN] = '?', [HEX_ERROR] = '!'};

    if (state != HEX_KNOWN) {
        return by_state[state];
    }
    return byte >= ' ' && byte < 0x7f ? (char)byte : '.';
}

static void draw_byte(struct surface surface, const struct hex_layout *layout, int y, int i, uint8_t byte, uint8_t state, enum role role)
{
    static const char digits[] = "0123456789abcdef";
    int x = hex_layout_byte(layout, i);
    bool known = state == HEX_KNOWN || state == HEX_HOLE;

    surface_put_char(surface, x, y, role, known ? (uint32_t)digits[byte >> 4] : state == HEX_ERROR ? '!' : '?');
    surface_put_char(surface, x + 1, y, role, known ? (uint32_t)digits[byte & 15] : state == HEX_ERROR ? '!' : '?');
    if (layout->text > 0) {
        surface_put_char(surface, layout->text + i, y, role, (uint32_t)byte_char(byte, state));
    }
}

/* In both columns. */
static void mark_byte(struct surface surface, const struct hex_layout *layout, int y, int i, unsigned flags)
{
    surface_mark(surface, hex_layout_byte(layout, i), y, 2, flags);
    if (layout->text > 0) {
        surface_mark(surface, layout->text + i, y, 1, flags);
    }
}

/* While bytes are typed, only where the next character goes is the cursor. */
static void draw_cursor(const struct hex_panel *hex, struct surface surface, int y, int i)
{
    const struct hex_layout *layout = &hex->layout;
    int x = hex_layout_byte(layout, i);
    mark_byte(surface, layout, y, i, hex_typing((struct panel *)&hex->panel) ? CELL_SELECTED : CELL_CURSOR);
    if (!hex_typing((struct panel *)&hex->panel)) {
        return;
    }
    if (!hex_edit_in_text(hex->edit)) {
        surface_mark(surface, x + hex_edit_is_half_typed(hex->edit, hex->image.cursor), y, 1, CELL_CURSOR);
    } else if (layout->text > 0) {
        surface_mark(surface, layout->text + i, y, 1, CELL_CURSOR);
    }
}

static enum role role_at(const struct hex_panel *hex, int64_t offset, uint8_t byte, uint8_t state, bool match)
{
    if (hex->edit && hex->shown == HEX_SHOW_IMAGE && hex_edit_has(hex->edit, offset)) {
        return ROLE_BYTE_CHANGED;
    }
    return match ? ROLE_BYTE_MATCH : byte_role(byte, state);
}

/* Whether all of the row is known. */
static bool draw_row(struct hex_panel *hex, struct surface surface, int y, int64_t start)
{
    const struct hex_layout *layout = &hex->layout;
    struct hex_view *view = hex_panel_view(hex);
    uint8_t bytes[HEX_ROW_MAX], states[HEX_ROW_MAX];
    int n = (int)MIN(hex_view_size(view) - start, layout->width);
    bool known = true;

    int64_t selected_start = 0, selected_end = 0;
    bool matches[HEX_ROW_MAX] = {false};

    hex_view_selection(view, &selected_start, &selected_end);
    view->source->ops->get(view->source, start, (size_t)n, bytes, states);
    hex_find_mark(hex, start, n, matches);
    for (int i = 0; i < n; i++) {
        known = known && states[i] != HEX_UNKNOWN;
        draw_byte(surface, layout, y, i, bytes[i], states[i], role_at(hex, start + i, bytes[i], states[i], matches[i]));
        if (start + i >= selected_start && start + i < selected_end) {
            mark_byte(surface, layout, y, i, CELL_SELECTED);
        }
    }
    if (view->cursor >= start && view->cursor < start + n) {
        draw_cursor(hex, surface, y, (int)(view->cursor - start));
    }
    if (layout->text > 0 && layout->bars) {
        surface_put_char(surface, layout->text - 1, y, ROLE_FRAME, 0x2502);
        surface_put_char(surface, layout->text + layout->width, y, ROLE_FRAME, 0x2502);
    }
    return known;
}

static void draw_fold(struct hex_panel *hex, struct surface surface, int y, const struct hex_line *line)
{
    const struct hex_view *view = hex_panel_view(hex);
    const char *what = line->missing ? "in a layer that is not open" : line->hole ? "of zeroes without data" : "the same";
    g_autoptr(GString) text = g_string_new("* ");
    char exact[SIZE_TEXT_MAX], about[SIZE_TEXT_MAX];
    int64_t bytes = line->rows * hex->layout.width;
    int room = MAX(0, surface.width - hex->layout.hex);

    g_string_append_printf(text, "%" PRId64 " rows, %s %s", line->rows, size_format_exact(bytes, exact), what);
    g_autofree char *both = g_strdup_printf("* %" PRId64 " rows, %s (about %s) %s", line->rows, exact, size_format((double)bytes, about), what);
    if (bytes >= LARGE && bytes % LARGE != 0 && text_columns(both, -1) <= room) {
        g_string_assign(text, both);
    }
    surface_put_fit(surface, hex->layout.hex, y, room,
                    line->missing ? ROLE_ERROR : line->hole ? ROLE_BYTE_HOLE : ROLE_DIM, text->str);
    int64_t start, end;
    if (hex_view_selection(view, &start, &end) && line->start < end && start - line->start < line->rows * hex->layout.width) {
        surface_mark(surface, hex->layout.hex, y, text_columns(text->str, -1), CELL_SELECTED);
    }
}

/* Whether a unit of that size (0: there are none) begins in a row: with 24 bytes a row not always at its first byte. */
static bool begins(int64_t offset, int width, int64_t unit)
{
    return unit > 0 && (offset % unit == 0 || offset / unit != (offset + width - 1) / unit);
}

/* Rows in which a cluster begins stand out, those of a sector a little. */
static void draw_offset(struct hex_panel *hex, struct surface surface, int y, int64_t offset)
{
    const struct hex_view *view = hex_panel_view(hex);
    int64_t cluster = view->notes ? hex_notes_cluster_size(view->notes) : 0;
    int width = hex->layout.width;
    enum role role = begins(offset, width, cluster) ? ROLE_STRONG : begins(offset, width, SECTOR) ? ROLE_HEADER : ROLE_OFFSET;
    int digits = hex->layout.digits;

    if (hex->offsets == HEX_OFFSETS_DECIMAL) {
        surface_printf(surface, 0, y, role, "%*" PRId64, digits, offset);
    } else if (hex->offsets == HEX_OFFSETS_IN_CLUSTER && cluster > 0) {
        g_autofree char *text = g_strdup_printf("+%" PRIx64, offset % cluster);

        surface_printf(surface, 0, y, role, "%*s", digits, text);
    } else {
        surface_printf(surface, 0, y, role, "%0*" PRIx64, digits, offset);
    }
}

static void draw_lines(struct hex_panel *hex, struct surface surface)
{
    const struct hex_layout *layout = &hex->layout;
    struct hex_view *view = hex_panel_view(hex);
    struct hex_rows rows = hex_panel_rows(hex);
    struct hex_line line;

    if (view->cache) {
        hex_cache_begin(view->cache);
    }
    line = hex_rows_line(&rows, view->top); /* what that looks at is seen, too */
    for (int y = 0; y < layout->lines; y++) {
        if (layout->hex > 0) {
            draw_offset(hex, surface, y, view->origin + line.start);
        }
        if (line.rows > 1) {
            draw_fold(hex, surface, y, &line);
        } else if (!draw_row(hex, surface, y, line.start) && view->cache) {
            hex_cache_want(view->cache, line.start);
            hex_cache_want(view->cache, MIN(line.start + layout->width, hex_view_size(view)) - 1);
        }
        if (!hex_rows_next(&rows, &line)) {
            break;
        }
    }
    if (view->cache) {
        hex_move_want_base(hex);
        if (view->top != view->drawn_top) {
            view->direction = view->top < view->drawn_top ? -1 : 1;
            view->drawn_top = view->top;
        }
        hex_cache_end(view->cache, view->top, line.start + line.rows * layout->width, view->direction);
    }
}

/* "ext superblock · magic 61267 0xef53 (2 bytes at 0x438)" */
static bool append_field(struct hex_view *view, GString *text)
{
    struct field_hit hit;

    if (!view->notes || !hex_notes_find(view->notes, view->source, view->cursor, &hit)) {
        return false;
    }
    g_string_append(text, hit.where);
    if (*hit.name) {
        g_string_append_printf(text, " · %s", hit.name);
    }
    if (hit.value) {
        g_string_append_printf(text, " %s", hit.value);
    }
    if (hit.target >= 0) {
        g_string_append(text, " · Enter goes there");
    }
    field_hit_clear(&hit);
    return true;
}

static void append_numbers(struct hex_view *view, GString *text, bool big_endian, int width)
{
    hex_inspect_numbers(text, view->source, view->cursor, big_endian, true);
    if (text_columns(text->str, -1) > width) {
        g_string_truncate(text, 0);
        hex_inspect_numbers(text, view->source, view->cursor, big_endian, false);
    }
}

/* Each fits into the 78 columns of a panel on a screen of 80 or in half of one of 160. */
enum inspector_line {
    LINE_OFFSET, LINE_FIELD, LINE_LE, LINE_BE, LINE_SIGNED_LE, LINE_SIGNED_BE, LINE_REALS, LINE_CHARACTER, LINE_TIMES, LINE_FILETIME_UUID, LINE_GUID
};

/* Behind the offset; the sector gives way to it. */
static void append_field_behind(struct hex_view *view, GString *text, int width)
{
    g_autoptr(GString) field = g_string_new(" · ");

    if (!append_field(view, field)) {
        const char *why = hex_inspect_why_no_field(view->source, view->cursor);
        g_autofree char *partition = view->notes ? hex_notes_partition(view->notes, view->cursor) : NULL;

        if (!why && !partition) {
            return;
        }
        g_string_append(field, why ? why : partition);
    }
    if (text_columns(text->str, -1) + text_columns(field->str, -1) > width) {
        g_string_truncate(text, (gsize)(strstr(text->str, " · ") - text->str));
    }
    g_string_append(text, field->str);
}

static void append_why_no_field(struct hex_view *view, GString *text)
{
    const char *why = hex_inspect_why_no_field(view->source, view->cursor);

    g_autofree char *partition = view->notes ? hex_notes_partition(view->notes, view->cursor) : NULL;

    if (partition) {
        g_string_append_printf(text, "%s · ", partition);
    }
    g_string_append(text, why ? why : "no structure that is known");
}

static enum role inspector_text(struct hex_panel *hex, enum inspector_line line, int width, GString *text)
{
    struct hex_view *view = hex_panel_view(hex);

    switch (line) {
    case LINE_OFFSET:
        hex_inspect_offset(text, view->origin + view->cursor);
        if (hex->layout.inspector <= LINE_BE) { /* the field has no line of its own */
            append_field_behind(view, text, width);
        }
        return ROLE_STRONG;
    case LINE_FIELD:
        if (append_field(view, text)) {
            return ROLE_TEXT;
        }
        append_why_no_field(view, text);
        return ROLE_DIM;
    case LINE_LE:
    case LINE_BE:
        append_numbers(view, text, line == LINE_BE, width);
        break;
    case LINE_SIGNED_LE:
    case LINE_SIGNED_BE:
        hex_inspect_signed(text, view->source, view->cursor, line == LINE_SIGNED_BE);
        break;
    case LINE_REALS:
        hex_inspect_reals(text, view->source, view->cursor);
        break;
    case LINE_CHARACTER:
        hex_inspect_character(text, view->source, view->cursor);
        break;
    case LINE_TIMES:
        hex_inspect_times(text, view->source, view->cursor);
        break;
    case LINE_FILETIME_UUID:
        hex_inspect_filetime_and_uuid(text, view->source, view->cursor);
        break;
    case LINE_GUID:
        hex_inspect_guid(text, view->source, view->cursor);
        break;
    }
    return ROLE_TEXT;
}

static void draw_inspector(struct hex_panel *hex, struct surface surface)
{
    struct hex_view *view = hex_panel_view(hex);
    g_autoptr(GString) text = g_string_new(NULL);
    bool short_of_lines = hex->layout.inspector <= LINE_BE;

    if (view->notes && surface.height > 0) {
        hex_notes_want(view->notes, view->cursor);
    }
    for (int y = 0; y < surface.height; y++) {
        g_string_truncate(text, 0);
        enum role role = inspector_text(hex, (enum inspector_line)(y > 0 && short_of_lines ? y + 1 : y), surface.width, text);

        surface_put_fit(surface, 0, y, surface.width, role, text->str);
    }
}

void hex_draw(struct hex_panel *hex, struct surface surface)
{
    int side = hex->layout.side;

    draw_lines(hex, side > 0 ? surface_part(surface, 0, 0, side - 1, surface.height) : surface);
    for (int y = 0; side > 0 && y < surface.height; y++) {
        surface_put_char(surface, side - 1, y, ROLE_FRAME, 0x2502);
    }
    if (side > 0) {
        hex_side_draw(hex, surface_part(surface, side, 0, surface.width - side, surface.height));
        return;
    }
    draw_inspector(hex, surface_part(surface, 0, surface.height - hex->layout.inspector, surface.width,
                                     hex->layout.inspector));
}
