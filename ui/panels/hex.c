/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hex panel: two views with a cursor each, the last buffer and the image itself.  Drawing walks the lines from the top and asks the
 * image's cache for what it met unknown; the cache reads in the background and has the panel painted again.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "engine/session.h"
#include "ui/panel.h"
#include "ui/panels/hex-cache.h"
#include "ui/panels/hex-inspect.h"
#include "ui/panels/hex-layout.h"
#include "ui/panels/hex-rows.h"
#include "ui/panels/lookup.h"
#include "util/size.h"

enum { CONTEXT_LINES = 2, COUNT_MAX = 4096, PAGES_MAX = 256 };

/* One of the two things the panel can show. */
struct hex_view {
    struct hex_source *source;
    int64_t origin; /* offset in the image of the source's first byte */
    int64_t top;    /* a byte of the first line */
    int64_t cursor;
};

struct hex_panel {
    struct panel panel;
    struct blk *blk; /* NULL: no image */
    struct hex_cache *cache;
    struct hex_view buffer, image;
    bool show_image;
    bool fold;
    GBytes *bytes; /* of the buffer view */
    enum blk_op op;
    int64_t length; /* of the request the buffer is from */
    struct hex_layout layout; /* as last drawn */
    int64_t drawn_top; /* of the image view, for the direction of travel */
    int direction;
    struct lookup *seek;
};

static struct hex_panel *hex_of(struct panel *panel)
{
    return (struct hex_panel *)panel;
}

static struct hex_view *view_of(struct hex_panel *hex)
{
    return hex->show_image ? &hex->image : &hex->buffer;
}

static int64_t size_of(const struct hex_view *view)
{
    return view->source->ops->size(view->source);
}

static struct hex_rows rows_of(struct hex_panel *hex)
{
    struct hex_view *view = view_of(hex);

    return (struct hex_rows){.source = view->source, .width = hex->layout.width, .fold = hex->fold, .cursor = view->cursor};
}

/* ---- scrolling ---- */

static void go_back(const struct hex_rows *rows, struct hex_line *line, int lines)
{
    while (lines-- > 0 && hex_rows_previous(rows, line)) {
    }
}

/* Moves the top so that the cursor's line is visible, with some lines of context when it was far away. */
static void show_cursor(struct hex_panel *hex)
{
    struct hex_view *view = view_of(hex);
    struct hex_rows rows = rows_of(hex);
    int lines = hex->layout.lines;
    struct hex_line line = hex_rows_line(&rows, hex_rows_row(&rows, MIN(view->top, size_of(view) - 1)));
    int64_t cursor_row = hex_rows_row(&rows, view->cursor);
    bool near = false;

    view->top = line.start;
    if (cursor_row >= line.start) {
        for (int i = 0; i < lines; i++) {
            if (line.start == cursor_row) {
                return;
            }
            if (!hex_rows_next(&rows, &line)) {
                break;
            }
        }
        near = line.start == cursor_row;
    } else {
        struct hex_line before = line;

        near = hex_rows_previous(&rows, &before) && before.start == cursor_row;
    }
    line = hex_rows_line(&rows, cursor_row);
    if (cursor_row > view->top) {
        go_back(&rows, &line, near ? lines - 1 : MAX(0, lines - 1 - CONTEXT_LINES));
    } else {
        go_back(&rows, &line, near ? 0 : MIN(CONTEXT_LINES, lines / 4));
    }
    view->top = line.start;
}

/* ---- drawing ---- */

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

static void draw_byte(struct surface surface, const struct hex_layout *layout, int y, int i, uint8_t byte, uint8_t state)
{
    static const char digits[] = "0123456789abcdef";
    enum role role = byte_role(byte, state);
    int x = hex_layout_byte(layout, i);
    bool known = state == HEX_KNOWN || state == HEX_HOLE;

    surface_put_char(surface, x, y, role, known ? (uint32_t)digits[byte >> 4] : state == HEX_ERROR ? '!' : '?');
    surface_put_char(surface, x + 1, y, role, known ? (uint32_t)digits[byte & 15] : state == HEX_ERROR ? '!' : '?');
    if (layout->text > 0) {
        surface_put_char(surface, layout->text + i, y, role, (uint32_t)byte_char(byte, state));
    }
}

/* Whether all of the row is known. */
static bool draw_row(struct hex_panel *hex, struct surface surface, int y, int64_t start)
{
    const struct hex_layout *layout = &hex->layout;
    struct hex_view *view = view_of(hex);
    uint8_t bytes[HEX_ROW_MAX], states[HEX_ROW_MAX];
    int n = (int)MIN(size_of(view) - start, layout->width);
    bool known = true;

    view->source->ops->get(view->source, start, (size_t)n, bytes, states);
    for (int i = 0; i < n; i++) {
        known = known && states[i] != HEX_UNKNOWN;
        draw_byte(surface, layout, y, i, bytes[i], states[i]);
    }
    if (view->cursor >= start && view->cursor < start + n) {
        int at = (int)(view->cursor - start);

        surface_mark(surface, hex_layout_byte(layout, at), y, 2, CELL_CURSOR);
        if (layout->text > 0) {
            surface_mark(surface, layout->text + at, y, 1, CELL_CURSOR);
        }
    }
    if (layout->text > 0 && layout->bars) {
        surface_put_char(surface, layout->text - 1, y, ROLE_FRAME, 0x2502);
        surface_put_char(surface, layout->text + layout->width, y, ROLE_FRAME, 0x2502);
    }
    return known;
}

static void draw_fold(struct hex_panel *hex, struct surface surface, int y, const struct hex_line *line)
{
    g_autoptr(GString) text = g_string_new("* ");
    char size[SIZE_TEXT_MAX];

    g_string_append_printf(text, "%" PRId64 " rows, %s ", line->rows,
                           size_format((double)line->rows * hex->layout.width, size));
    g_string_append(text, line->hole ? "of zeroes without data" : "the same");
    surface_put_fit(surface, hex->layout.hex, y, MAX(0, surface.width - hex->layout.hex),
                    line->hole ? ROLE_BYTE_HOLE : ROLE_DIM, text->str);
}

static void draw_lines(struct hex_panel *hex, struct surface surface)
{
    const struct hex_layout *layout = &hex->layout;
    struct hex_view *view = view_of(hex);
    struct hex_rows rows = rows_of(hex);
    struct hex_line line = hex_rows_line(&rows, view->top);

    hex_cache_begin(hex->cache);
    for (int y = 0; y < layout->lines; y++) {
        if (layout->hex > 0) {
            surface_printf(surface, 0, y, ROLE_OFFSET, "%0*" PRIx64, layout->digits, view->origin + line.start);
        }
        if (line.rows > 1) {
            draw_fold(hex, surface, y, &line);
        } else if (!draw_row(hex, surface, y, line.start) && hex->show_image) {
            hex_cache_want(hex->cache, line.start);
            hex_cache_want(hex->cache, MIN(line.start + layout->width, size_of(view)) - 1);
        }
        if (!hex_rows_next(&rows, &line)) {
            break;
        }
    }
    if (hex->show_image) {
        if (view->top != hex->drawn_top) {
            hex->direction = view->top < hex->drawn_top ? -1 : 1;
            hex->drawn_top = view->top;
        }
        hex_cache_end(hex->cache, view->top, line.start + line.rows * layout->width, hex->direction);
    }
}

static void draw_inspector(struct hex_panel *hex, struct surface surface)
{
    struct hex_view *view = view_of(hex);
    g_autoptr(GString) text = g_string_new(NULL);

    for (int y = 0; y < surface.height; y++) {
        g_string_truncate(text, 0);
        if (y == 0) {
            hex_inspect_offset(text, view->origin + view->cursor);
        } else {
            hex_inspect_numbers(text, view->source, view->cursor, y == 2);
        }
        surface_put_fit(surface, 0, y, surface.width, y == 0 ? ROLE_STRONG : ROLE_TEXT, text->str);
    }
}

static const char *why_empty(struct hex_panel *hex)
{
    if (hex->show_image) {
        return hex->blk ? "the image is empty" : "no image is open";
    }
    return hex->bytes ? "the buffer is empty" : "nothing was read or written yet";
}

static void draw(struct panel *panel, struct surface surface, bool focused)
{
    struct hex_panel *hex = hex_of(panel);
    struct hex_view *view = view_of(hex);

    hex->layout = hex_layout(surface.width, surface.height, view->origin + size_of(view));
    if (size_of(view) == 0) {
        surface_put_fit(surface, 0, 0, surface.width, ROLE_DIM, why_empty(hex));
        return;
    }
    if (hex->layout.lines == 0) {
        return;
    }
    show_cursor(hex);
    draw_lines(hex, surface);
    draw_inspector(hex, surface_part(surface, 0, surface.height - hex->layout.inspector, surface.width,
                                     hex->layout.inspector));
}

static void title(struct panel *panel, GString *title)
{
    struct hex_panel *hex = hex_of(panel);
    char size[SIZE_TEXT_MAX];

    if (hex->show_image) {
        g_string_append(title, "image");
    } else if (hex->bytes) {
        g_string_append_printf(title, "%s %s at 0x%" PRIx64, blk_op_name(hex->op),
                               size_format((double)hex->length, size), hex->buffer.origin);
        if (hex->length > size_of(&hex->buffer)) {
            g_string_append_printf(title, " · first %s", size_format((double)size_of(&hex->buffer), size));
        }
    } else {
        g_string_append(title, "buffer");
    }
    if (!hex->fold) {
        g_string_append(title, " · unfolded");
    }
}

/* ---- moving ---- */

static void move_lines(struct hex_panel *hex, int64_t lines)
{
    struct hex_view *view = view_of(hex);

    for (; lines != 0; lines += lines > 0 ? -1 : 1) {
        struct hex_rows rows = rows_of(hex);
        int64_t row = hex_rows_row(&rows, view->cursor), column = view->cursor - row;
        struct hex_line line = hex_rows_line(&rows, row);

        do {
            if (!(lines > 0 ? hex_rows_next(&rows, &line) : hex_rows_previous(&rows, &line))) {
                return;
            }
        } while (line.rows > 1); /* over folded rows */
        view->cursor = MIN(line.start + column, size_of(view) - 1);
    }
}

/* The line k below the top, or the one next to it when it is folded. */
static int64_t row_below(const struct hex_rows *rows, struct hex_line line, int k)
{
    while (k-- > 0 && hex_rows_next(rows, &line)) {
    }
    if (line.rows > 1 && !hex_rows_next(rows, &line)) {
        hex_rows_previous(rows, &line);
    }
    return line.start;
}

/* The cursor stays where it is on the screen while the lines move under it; at an end it goes to that end. */
static void move_pages(struct hex_panel *hex, int pages)
{
    struct hex_view *view = view_of(hex);
    struct hex_rows rows = rows_of(hex);
    int64_t lines = (int64_t)MAX(1, hex->layout.lines - 1) * pages, cursor_row = hex_rows_row(&rows, view->cursor);
    struct hex_line last_top = hex_rows_line(&rows, hex_rows_last(&rows)), top, line;
    int k = 0;

    show_cursor(hex); /* no more than a screen from the top to the cursor */
    top = line = hex_rows_line(&rows, view->top);

    while (line.start < cursor_row && hex_rows_next(&rows, &line)) {
        k++;
    }
    for (; lines > 0 && hex_rows_next(&rows, &top); lines--) {
    }
    for (; lines < 0 && hex_rows_previous(&rows, &top); lines++) {
    }
    go_back(&rows, &last_top, hex->layout.lines - 1);
    if (top.start > last_top.start) {
        top = last_top;
    }
    if (top.start == view->top) {
        cursor_row = pages > 0 ? hex_rows_last(&rows) : 0;
    } else {
        cursor_row = row_below(&rows, top, k);
    }
    view->top = top.start;
    view->cursor = MIN(cursor_row + view->cursor % rows.width, size_of(view) - 1);
}

static void move_bytes(struct hex_panel *hex, int64_t bytes)
{
    struct hex_view *view = view_of(hex);

    view->cursor = CLAMP(view->cursor + bytes, 0, size_of(view) - 1);
}

static enum panel_reaction move(struct hex_panel *hex, enum request request, int count)
{
    struct hex_view *view = view_of(hex);
    int width = hex->layout.width;

    count = MIN(count, COUNT_MAX);
    switch (request) {
    case REQUEST_LEFT:
        move_bytes(hex, -count);
        break;
    case REQUEST_RIGHT:
        move_bytes(hex, count);
        break;
    case REQUEST_UP:
        move_lines(hex, -count);
        break;
    case REQUEST_DOWN:
        move_lines(hex, count);
        break;
    case REQUEST_PAGE_UP:
        move_pages(hex, -MIN(count, PAGES_MAX));
        break;
    case REQUEST_PAGE_DOWN:
        move_pages(hex, MIN(count, PAGES_MAX));
        break;
    case REQUEST_ROW_START:
        view->cursor -= view->cursor % width;
        break;
    case REQUEST_ROW_END:
        view->cursor = MIN(view->cursor - view->cursor % width + width, size_of(view)) - 1;
        break;
    case REQUEST_FIRST:
        view->cursor = 0;
        break;
    case REQUEST_LAST:
        view->cursor = size_of(view) - 1;
        break;
    default:
        return PANEL_IGNORED;
    }
    return PANEL_REDRAW;
}

/* ---- requests ---- */

static void on_seek(void *data, const struct lookup_answer *answer)
{
    struct hex_panel *hex = data;

    if (answer->ret == 0) {
        hex->image.cursor = answer->found;
        panel_redraw(&hex->panel);
    } else if (answer->ret == -ENOENT) {
        panel_remark(&hex->panel, answer->question == LOOKUP_NEXT ? "no next extent" : "no previous extent");
    } else if (answer->ret != -ECANCELED) {
        g_autofree char *text = g_strdup_printf("cannot find extents: %s", g_strerror(-answer->ret));

        panel_remark(&hex->panel, text);
    }
}

static enum panel_reaction seek(struct hex_panel *hex, enum lookup_question question)
{
    if (hex->show_image && size_of(&hex->image) > 0) {
        lookup_ask(hex->seek, hex->blk, question, hex->image.cursor);
    } else {
        panel_remark(&hex->panel, "a buffer has no extents: show the image first");
    }
    return PANEL_HANDLED;
}

/* The image appears where the buffer is from; the buffer as it was left. */
static void follow(struct hex_panel *hex)
{
    int64_t at = hex->buffer.origin + hex->buffer.cursor;

    hex->show_image = !hex->show_image;
    if (hex->show_image && hex->bytes && hex->op != BLK_OP_LOAD_VMSTATE && hex->op != BLK_OP_SAVE_VMSTATE &&
        at < size_of(&hex->image)) {
        hex->image.cursor = at;
    }
}

static enum panel_reaction request(struct panel *panel, enum request request, int count)
{
    struct hex_panel *hex = hex_of(panel);

    switch (request) {
    case REQUEST_HEX_FOLLOW:
        follow(hex);
        return PANEL_REDRAW;
    case REQUEST_HEX_FOLD:
        hex->fold = !hex->fold;
        return PANEL_REDRAW;
    case REQUEST_HEX_NEXT_EXTENT:
        return seek(hex, LOOKUP_NEXT);
    case REQUEST_HEX_PREVIOUS_EXTENT:
        return seek(hex, LOOKUP_PREVIOUS);
    case REQUEST_HEX_READ_AGAIN:
        hex_cache_open(hex->cache, hex->blk);
        return PANEL_REDRAW;
    default:
        if (size_of(view_of(hex)) == 0 || hex->layout.lines == 0) {
            return PANEL_IGNORED;
        }
        return move(hex, request, count);
    }
}

static void go(struct panel *panel, int64_t offset, int64_t bytes)
{
    struct hex_panel *hex = hex_of(panel);

    if (offset >= 0 && offset < size_of(&hex->image)) {
        hex->show_image = true;
        hex->image.cursor = offset;
    }
}

static int64_t position(struct panel *panel)
{
    struct hex_panel *hex = hex_of(panel);
    struct hex_view *view = view_of(hex);

    return size_of(view) > 0 ? view->origin + view->cursor : -1;
}

/* ---- what happens in the session ---- */

/* Holds the session's last buffer, whatever it is now. */
static void take_buffer(struct hex_panel *hex)
{
    const struct session_buffer *last = session_last_buffer(panel_session(&hex->panel));

    if (last->bytes == hex->bytes) {
        return;
    }
    hex_buffer_free(hex->buffer.source);
    g_clear_pointer(&hex->bytes, g_bytes_unref);
    hex->bytes = last->bytes ? g_bytes_ref(last->bytes) : NULL;
    hex->buffer = (struct hex_view){.source = hex_buffer_new(hex->bytes), .origin = last->offset};
    hex->op = last->op;
    hex->length = last->length;
}

/* What was read is shown; what was written only when it is buffers one looks at. */
static void buffer(struct panel *panel)
{
    struct hex_panel *hex = hex_of(panel);

    take_buffer(hex);
    if (hex->bytes && (hex->op == BLK_OP_READ || hex->op == BLK_OP_LOAD_VMSTATE)) {
        hex->show_image = false;
    }
}

static void image(struct panel *panel)
{
    struct hex_panel *hex = hex_of(panel);
    int64_t size;

    hex->blk = session_blk(panel_session(panel));
    lookup_reset(hex->seek);
    hex_cache_open(hex->cache, hex->blk);
    take_buffer(hex);
    size = size_of(&hex->image);
    hex->image.cursor = size > 0 ? MIN(hex->image.cursor, size - 1) : 0;
    hex->image.top = MIN(hex->image.top, hex->image.cursor);
    hex->show_image = hex->show_image || !hex->bytes;
}

static void changed(struct panel *panel, int64_t offset, int64_t bytes)
{
    hex_cache_changed(hex_of(panel)->cache, offset, bytes);
}

static void on_cache(void *data)
{
    panel_redraw(data);
}

static struct panel *create(struct panel_host *host)
{
    struct hex_panel *hex = g_new0(struct hex_panel, 1);

    hex->panel.ops = &panel_hex;
    hex->panel.host = host;
    hex->fold = true;
    hex->direction = 1;
    hex->layout.width = 16;
    hex->cache = hex_cache_new(on_cache, hex);
    hex->image.source = hex_cache_source(hex->cache);
    hex->buffer.source = hex_buffer_new(NULL);
    hex->seek = lookup_new(on_seek, hex);
    image(&hex->panel);
    return &hex->panel;
}

static void destroy(struct panel *panel)
{
    struct hex_panel *hex = hex_of(panel);

    lookup_free(hex->seek);
    hex_cache_free(hex->cache);
    hex_buffer_free(hex->buffer.source);
    g_clear_pointer(&hex->bytes, g_bytes_unref);
    g_free(hex);
}

const struct panel_ops panel_hex = {
    .name = "hex",
    .context = REQUEST_CONTEXT_HEX,
    .create = create,
    .free = destroy,
    .title = title,
    .draw = draw,
    .request = request,
    .go = go,
    .position = position,
    .image = image,
    .buffer = buffer,
    .changed = changed,
};
