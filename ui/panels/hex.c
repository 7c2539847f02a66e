/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hex panel: two views with a cursor each, the last buffer and the image itself.  Drawing walks the lines from the top and asks the
 * image's cache for what it met unknown; the cache reads in the background and has the panel painted again.
 */
#include <inttypes.h>

#include "ui/panels/hex-panel.h"
#include "ui/panels/lookup.h"
#include "util/size.h"

static struct hex_panel *hex_of(struct panel *panel)
{
    return (struct hex_panel *)panel;
}

struct hex_view *hex_panel_view(struct hex_panel *hex)
{
    return hex->show_image ? &hex->image : &hex->buffer;
}

int64_t hex_view_size(const struct hex_view *view)
{
    return view->source->ops->size(view->source);
}

struct hex_rows hex_panel_rows(struct hex_panel *hex)
{
    struct hex_view *view = hex_panel_view(hex);

    return (struct hex_rows){.source = view->source, .width = hex->layout.width, .fold = hex->fold, .cursor = view->cursor};
}

/* ---- painting ---- */

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
    struct hex_view *view = hex_panel_view(hex);

    hex->layout = hex_layout(surface.width, surface.height, view->origin + hex_view_size(view));
    if (hex_view_size(view) == 0) {
        surface_put_fit(surface, 0, 0, surface.width, ROLE_DIM, why_empty(hex));
        return;
    }
    if (hex->layout.lines == 0) {
        return;
    }
    hex_move_show_cursor(hex);
    hex_draw(hex, surface);
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
        if (hex->length > hex_view_size(&hex->buffer)) {
            g_string_append_printf(title, " · first %s", size_format((double)hex_view_size(&hex->buffer), size));
        }
    } else {
        g_string_append(title, "buffer");
    }
    if (!hex->fold) {
        g_string_append(title, " · unfolded");
    }
}

/* ---- requests ---- */

static void on_seek(void *data, const struct lookup_answer *answer)
{
    struct hex_panel *hex = data;

    if (answer->ret == 0) {
        hex->image.cursor = answer->found;
        panel_redraw(&hex->panel);
    } else {
        lookup_remark(&hex->panel, answer);
    }
}

static enum panel_reaction seek(struct hex_panel *hex, enum lookup_question question)
{
    if (hex->show_image && hex_view_size(&hex->image) > 0) {
        lookup_ask(hex->seek, hex->blk, question, hex->image.cursor);
    } else {
        panel_remark(&hex->panel, "a buffer has no extents: show the image first");
    }
    return PANEL_HANDLED;
}

/* Whether the buffer's offsets are not those of the image. */
static bool is_vmstate(const struct hex_panel *hex)
{
    return hex->op == BLK_OP_LOAD_VMSTATE || hex->op == BLK_OP_SAVE_VMSTATE;
}

/* The image appears where the buffer is from; the buffer as it was left. */
static void follow(struct hex_panel *hex)
{
    int64_t at = hex->buffer.origin + hex->buffer.cursor;

    hex->show_image = !hex->show_image;
    if (hex->show_image && hex->bytes && !is_vmstate(hex) && at < hex_view_size(&hex->image)) {
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
        if (hex_view_size(hex_panel_view(hex)) == 0 || hex->layout.lines == 0) {
            return PANEL_IGNORED;
        }
        return hex_move(hex, request, count);
    }
}

static void go(struct panel *panel, int64_t offset, int64_t bytes)
{
    struct hex_panel *hex = hex_of(panel);

    if (offset >= 0 && offset < hex_view_size(&hex->image)) {
        hex->show_image = true;
        hex->image.cursor = offset;
        hex->image.range_start = offset;
        hex->image.range_end = offset + MIN(bytes, hex_view_size(&hex->image) - offset);
    }
}

static int64_t position(struct panel *panel)
{
    struct hex_panel *hex = hex_of(panel);
    struct hex_view *view = hex_panel_view(hex);

    if (hex_view_size(view) == 0 || (!hex->show_image && is_vmstate(hex))) {
        return -1;
    }
    return view->origin + view->cursor;
}

static void place(struct panel *panel, int64_t offset)
{
    struct hex_view *view = hex_panel_view(hex_of(panel));

    if (offset >= view->origin && offset - view->origin < hex_view_size(view)) {
        view->cursor = offset - view->origin;
    }
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
    size = hex_view_size(&hex->image);
    hex->image.cursor = size > 0 ? MIN(hex->image.cursor, size - 1) : 0;
    hex->image.top = MIN(hex->image.top, hex->image.cursor);
    hex->image.range_start = hex->image.range_end = 0;
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
    .place = place,
    .mouse = hex_mouse,
    .image = image,
    .buffer = buffer,
    .changed = changed,
};
