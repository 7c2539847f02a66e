/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hex panel: views with a cursor each: the last buffer, the image itself, and the file a layer of it is in.  Drawing walks the lines from the top and asks the
 * view's cache for what it met unknown; the cache reads in the background and has the panel painted again.
 */
#include <inttypes.h>

#include "io/clock.h"
#include "ui/panels/hex-edit.h"
#include "ui/panels/hex-hunt.h"
#include "ui/panels/hex-marks.h"
#include "ui/panels/hex-notes.h"
#include "ui/panels/hex-panel.h"
#include "ui/panels/lookup.h"
#include "util/size.h"

enum { TICK_US = 100 * 1000 }; /* how often a search in the background is told of */

static struct hex_panel *alive; /* so that who waited for it knows whether it still is */

static struct hex_panel *hex_of(struct panel *panel)
{
    return (struct hex_panel *)panel;
}

struct hex_view *hex_panel_view(struct hex_panel *hex)
{
    return hex->shown == HEX_SHOW_IMAGE ? &hex->image : hex->shown == HEX_SHOW_HOST ? &hex->host : &hex->buffer;
}

int64_t hex_view_size(const struct hex_view *view)
{
    return view->source->ops->size(view->source);
}

bool hex_view_selection(const struct hex_view *view, int64_t *ret_start, int64_t *ret_end)
{
    *ret_start = view->anchor < 0 ? view->range_start : MIN(view->anchor, view->cursor);
    *ret_end = view->anchor < 0 ? view->range_end : MAX(view->anchor, view->cursor) + 1;
    return *ret_start < *ret_end;
}

struct hex_rows hex_panel_rows(struct hex_panel *hex)
{
    struct hex_view *view = hex_panel_view(hex);

    return (struct hex_rows){.source = view->source, .width = hex->layout.width, .fold = hex->fold && !hex->edit, .cursor = view->cursor};
}

/* ---- painting ---- */

static const char *why_empty(struct hex_panel *hex)
{
    if (hex->shown != HEX_SHOW_BUFFER) {
        return !hex->blk ? session_why_no_image(panel_session(&hex->panel)) : hex->shown == HEX_SHOW_HOST ? "the file is empty" : "the image is empty";
    }
    return hex->bytes ? "the buffer is empty" : "nothing was read or written yet";
}

static void draw(struct panel *panel, struct surface surface, bool focused)
{
    struct hex_panel *hex = hex_of(panel);
    struct hex_view *view = hex_panel_view(hex);

    int digits = hex_layout_digits(view->origin + hex_view_size(view), hex->offsets == HEX_OFFSETS_DECIMAL);

    hex->layout = hex_layout(surface.width, surface.height, digits, hex->group, hex->little, hex->most, hex->inspector);
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

    if (hex->shown == HEX_SHOW_IMAGE) {
        g_string_append(title, "image");
    } else if (hex->shown == HEX_SHOW_HOST) {
        hex_views_describe_host(hex, title);
    } else if (hex->bytes) {
        g_string_append_printf(title, "%s %s at 0x%" PRIx64, blk_op_name(hex->op),
                               size_format_exact(hex->length, size), hex->buffer.origin);
        if (hex->length > hex_view_size(&hex->buffer)) {
            g_string_append_printf(title, " · first %s", size_format((double)hex_view_size(&hex->buffer), size));
        }
    } else {
        g_string_append(title, "buffer");
    }
    if (hex_typing(panel)) {
        g_string_append_printf(title, " · %s, %u changed", hex_edit_in_text(hex->edit) ? "characters" : "digits", hex_edit_count(hex->edit));
    } else if (!hex->fold) {
        g_string_append(title, " · unfolded");
    }
    if (hex->group > 1) {
        g_string_append_printf(title, " · %d bytes %s", hex->group, hex->little ? "le" : "be");
    }
    if (hex->offsets != HEX_OFFSETS_HEX) {
        g_string_append(title, hex->offsets == HEX_OFFSETS_DECIMAL ? " · decimal" : " · in cluster");
    }
}

/* ---- what goes on ---- */

static int wait_co(struct panel *panel)
{
    struct hex_panel *hex = hex_of(panel);
    struct hex_hunt *hunt = hex->hunt ? hex_hunt_ref(hex->hunt) : NULL;
    int ret = hunt ? hex_hunt_wait_co(hunt) : 0;

    hex_hunt_unref(hunt);
    if (ret == 0 && alive == hex) {
        ret = lookup_wait_co(hex->seek);
    }
    if (ret == 0 && alive == hex && hex_panel_view(hex)->notes) {
        ret = hex_notes_wait_co(hex_panel_view(hex)->notes);
    }
    return alive == hex ? ret : -ECANCELED;
}

static bool reading(struct panel *panel)
{
    const struct hex_panel *hex = hex_of(panel);

    return hex->hunt || lookup_is_busy(hex->seek) || hex->translating || hex_cache_is_reading(hex->image.cache) || hex_cache_is_reading(hex->host.cache);
}

static bool progress(struct panel *panel, struct panel_progress *ret_progress)
{
    const struct hex_hunt *hunt = hex_of(panel)->hunt;

    if (hunt) {
        *ret_progress = (struct panel_progress){"search", hunt->before + hunt->progress.done, hunt->size, hunt->since_us};
    }
    return hunt != NULL;
}

static int64_t next_tick_us(struct panel *panel)
{
    return hex_of(panel)->hunt ? clock_now_us() + TICK_US : -1;
}

static void selection(struct panel *panel, GString *text)
{
    const struct hex_view *view = hex_panel_view(hex_of(panel));
    char size[SIZE_TEXT_MAX];
    int64_t start, end;

    if (hex_view_selection(view, &start, &end)) {
        g_string_append_printf(text, "%#" PRIx64 "..%#" PRIx64 " %s", (uint64_t)(view->origin + start),
                               (uint64_t)(view->origin + end - 1), size_format_exact(end - start, size));
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
    if (hex->hunt_view == &hex->buffer) {
        hex_find_stop(hex);
    }
    hex->buffer = (struct hex_view){.source = hex_buffer_new(hex->bytes), .origin = last->offset, .anchor = -1};
    hex->op = last->op;
    hex->length = last->length;
}

/* What was read is shown; what was written only when it is buffers one looks at. */
static void buffer(struct panel *panel)
{
    struct hex_panel *hex = hex_of(panel);

    take_buffer(hex);
    if (hex->bytes && (hex->op == BLK_OP_READ || hex->op == BLK_OP_LOAD_VMSTATE)) {
        hex->shown = HEX_SHOW_BUFFER;
    }
}

/* The file may be longer now, too. */
static void forget_host(struct hex_panel *hex)
{
    hex->host.blk = NULL;
    hex_cache_open(hex->host.cache, NULL);
    hex_notes_open(hex->host.notes, NULL, NULL);
    if (hex->shown == HEX_SHOW_HOST) {
        struct hex_view before = hex->host;

        if (!hex_views_show_host(hex, hex->layer)) {
            hex->shown = HEX_SHOW_IMAGE;
        } else if (hex_view_size(&hex->host) > 0) {
            hex->host.cursor = MIN(before.cursor, hex_view_size(&hex->host) - 1);
            hex->host.top = MIN(before.top, hex->host.cursor);
        }
    }
}

static void image(struct panel *panel)
{
    struct hex_panel *hex = hex_of(panel);
    int64_t size;

    hex_typing_end(hex);
    hex_find_stop(hex);
    hex->blk = hex->image.blk = session_blk(panel_session(panel));
    lookup_reset(hex->seek);
    hex_marks_free(hex->marks);
    hex->marks = hex_marks_new(hex_marks_path(), hex->blk ? blk_filename(hex->blk) : NULL);
    hex_cache_open(hex->image.cache, hex->blk);
    hex_notes_open(hex->image.notes, hex->blk, NULL);
    hex->translating = false;
    take_buffer(hex);
    size = hex_view_size(&hex->image);
    hex->image.cursor = size > 0 ? MIN(hex->image.cursor, size - 1) : 0;
    hex->image.top = MIN(hex->image.top, hex->image.cursor);
    hex->image.range_start = hex->image.range_end = 0;
    hex->image.anchor = -1;
    forget_host(hex);
    hex->shown = hex->shown == HEX_SHOW_BUFFER && !hex->bytes ? HEX_SHOW_IMAGE : hex->shown;
}

static void changed(struct panel *panel, int64_t offset, int64_t bytes)
{
    struct hex_panel *hex = hex_of(panel);

    hex_cache_changed(hex->image.cache, offset, bytes);
    hex_notes_written(hex->image.notes, offset, bytes);
    if (hex->host.blk) {
        hex_notes_changed(hex->host.notes);
        hex_cache_resized(hex->host.cache); /* tables change with the data, anywhere in the file */
        hex_cache_changed(hex->host.cache, 0, INT64_MAX);
    }
}

static void on_notes(void *data)
{
    hex_views_notes_updated(data);
    panel_redraw(data);
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
    hex->group = 1;
    hex->layout.width = 16;
    for (int i = 0; i < 2; i++) {
        struct hex_view *view = i == 0 ? &hex->image : &hex->host;

        view->cache = hex_cache_new(on_cache, hex);
        view->source = hex_cache_source(view->cache);
        view->notes = hex_notes_new(on_notes, hex);
        view->direction = 1;
        view->anchor = -1;
    }
    hex->buffer.source = hex_buffer_new(NULL);
    hex->buffer.anchor = -1;
    hex->seek = lookup_new(hex_on_seek, hex);
    hex->jumps = g_array_new(FALSE, FALSE, sizeof(struct hex_place));
    alive = hex;
    image(&hex->panel);
    return &hex->panel;
}

static void destroy(struct panel *panel)
{
    struct hex_panel *hex = hex_of(panel);

    alive = NULL;
    hex_typing_end(hex);
    hex_find_stop(hex);
    lookup_free(hex->seek);
    hex_notes_free(hex->image.notes);
    hex_notes_free(hex->host.notes);
    hex_cache_free(hex->image.cache);
    hex_cache_free(hex->host.cache);
    hex_buffer_free(hex->buffer.source);
    g_clear_pointer(&hex->bytes, g_bytes_unref);
    hex_marks_free(hex->marks);
    g_array_unref(hex->jumps);
    g_free(hex->search_label);
    g_free(hex);
}

const struct panel_ops panel_hex = {
    .settings = hex_settings,
    .name = "hex",
    .context = REQUEST_CONTEXT_HEX,
    .create = create,
    .free = destroy,
    .title = title,
    .has_row_numbers = true,
    .hints = hex_hints,
    .draw = draw,
    .request = hex_request,
    .key = hex_typing_key,
    .typing_context = REQUEST_CONTEXT_EDIT,
    .typing = hex_typing,
    .unwritten = hex_typing_unwritten,
    .go = hex_places_go,
    .position = hex_places_position,
    .place = hex_places_place,
    .where = hex_places_where,
    .place_named = hex_places_place_named,
    .page_rows = hex_recall_page_rows,
    .view = hex_recall_view,
    .set_view = hex_recall_set_view,
    .selection = selection,
    .progress = progress,
    .reading = reading,
    .wait_co = wait_co,
    .steps_on = hex_steps_on,
    .cancel = hex_cancel,
    .next_tick_us = next_tick_us,
    .mouse = hex_mouse,
    .image = image,
    .buffer = buffer,
    .changed = changed,
};
