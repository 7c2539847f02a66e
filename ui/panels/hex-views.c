/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the hex panel shows: the last buffer, the image, the file of a layer; and the places one has been at. */
#include <inttypes.h>
#include <string.h>

#include "ui/panels/hex-notes.h"
#include "ui/panels/hex-panel.h"

enum { JUMPS_MAX = 200 };

/* Whether the buffer's offsets are those of the image. */
static bool is_of_image(const struct hex_panel *hex)
{
    return hex->bytes && hex->op != BLK_OP_LOAD_VMSTATE && hex->op != BLK_OP_SAVE_VMSTATE;
}

void hex_views_toggle_image(struct hex_panel *hex)
{
    int64_t at = hex->buffer.origin + hex->buffer.cursor;

    if (hex->shown == HEX_SHOW_BUFFER && is_of_image(hex) && at < hex_view_size(&hex->image)) {
        hex->image.cursor = at;
    }
    hex->shown = hex->shown == HEX_SHOW_IMAGE ? HEX_SHOW_BUFFER : HEX_SHOW_IMAGE;
}

bool hex_views_show_host(struct hex_panel *hex, unsigned layer)
{
    struct blk *file = hex->blk ? blk_layer(hex->blk, layer, BLK_PART_FILE) : NULL;

    if (!file) {
        return false;
    }
    hex->shown = HEX_SHOW_HOST;
    if (hex->host.blk != file) {
        hex->layer = layer;
        hex->host.blk = file;
        hex->host.cursor = hex->host.top = 0;
        hex->host.range_start = hex->host.range_end = 0;
        hex->host.anchor = -1;
        hex_cache_open(hex->host.cache, file);
        hex_notes_open(hex->host.notes, file, blk_layer(hex->blk, layer, BLK_PART_LAYER));
    }
    return true;
}

bool hex_views_next_host(struct hex_panel *hex)
{
    unsigned layer = hex->shown == HEX_SHOW_HOST ? hex->layer + 1 : hex->layer;

    /* A layer in memory has no file, but those below it may. */
    for (; hex->blk && blk_layer(hex->blk, layer, BLK_PART_LAYER); layer++) {
        if (hex_views_show_host(hex, layer)) {
            return true;
        }
    }
    for (layer = 0; hex->blk && blk_layer(hex->blk, layer, BLK_PART_LAYER); layer++) {
        if (hex_views_show_host(hex, layer)) {
            return true;
        }
    }
    return false;
}

void hex_views_describe_host(const struct hex_panel *hex, GString *text)
{
    const char *name = hex->host.blk ? blk_filename(hex->host.blk) : NULL;
    const char *slash = name ? strrchr(name, '/') : NULL;
    struct blk_connection connection;

    if (blk_connection(hex->host.blk, &connection)) { /* its name is the socket's, or long */
        g_string_append(text, "what the server has");
        blk_connection_clear(&connection);
    } else {
        g_string_append_printf(text, "file %s", slash ? slash + 1 : name ? name : "");
    }
    if (hex->blk && (hex->layer > 0 || blk_layer(hex->blk, 1, BLK_PART_LAYER))) {
        g_string_append_printf(text, " · layer %u", hex->layer);
    }
}

/* ---- between guest and file ---- */

static void say_where_not(struct hex_panel *hex, const struct lookup_answer *answer)
{
    static const char *const kinds[BLK_KIND_COUNT] = {
        [BLK_KIND_DATA] = "these bytes are in another file",
        [BLK_KIND_ZERO_PLAIN] = "no byte of a file is behind these: zeroes",
        [BLK_KIND_ZERO_ALLOCATED] = "no byte of a file is behind these: zeroes",
        [BLK_KIND_COMPRESSED] = "these bytes are in another file",
        [BLK_KIND_UNALLOCATED] = "no byte of a file is behind these: no layer has them",
        [BLK_KIND_MISSING] = "these bytes are in a layer that was not opened",
    };

    panel_remark(&hex->panel, answer->ret < 0 ? g_strerror(-answer->ret) : kinds[answer->extent.kind]);
}

void hex_views_translated(struct hex_panel *hex, const struct lookup_answer *answer)
{
    const struct blk_extent *extent = &answer->extent;
    int64_t at = extent->host_offset;

    if (answer->ret < 0 || answer->elsewhere || at < 0) {
        say_where_not(hex, answer);
        return;
    }
    at += extent->kind == BLK_KIND_COMPRESSED ? 0 : answer->offset - extent->start;
    hex_panel_note_jump(hex);
    if (hex_views_show_host(hex, (unsigned)extent->depth) && at < hex_view_size(&hex->host)) {
        hex->host.cursor = at;
    }
    panel_redraw(&hex->panel);
}

static void translate_back(struct hex_panel *hex)
{
    int64_t guest = hex_notes_guest(hex->host.notes, hex->host.cursor);

    hex->translating = false;
    if (hex->layer > 0) {
        panel_remark(&hex->panel, "this is a layer below: the guest may see another one's bytes instead");
    }
    if (guest >= 0 && guest < hex_view_size(&hex->image)) {
        hex_panel_note_jump(hex);
        hex->shown = HEX_SHOW_IMAGE;
        hex->image.cursor = guest;
    } else {
        panel_remark(&hex->panel, "the guest does not see this byte: it is no data");
    }
}

void hex_views_translate(struct hex_panel *hex)
{
    struct hex_view *view = hex_panel_view(hex);

    if (hex->shown == HEX_SHOW_HOST && hex_view_size(view) > 0) {
        hex->translating = true;
        hex_notes_want(view->notes, view->cursor);
        if (hex_notes_known(view->notes)) {
            translate_back(hex);
        }
    } else if (hex->shown == HEX_SHOW_IMAGE && hex_view_size(view) > 0) {
        hex->seek_view = view;
        lookup_ask(hex->seek, view->blk, LOOKUP_AT, view->cursor);
    } else {
        panel_remark(&hex->panel, "a buffer is in no file: show the image first");
    }
}

void hex_views_notes_updated(struct hex_panel *hex)
{
    if (hex->translating && hex->shown == HEX_SHOW_HOST) {
        translate_back(hex);
    }
    hex->translating = false;
}

void hex_views_follow(struct hex_panel *hex)
{
    struct hex_view *view = hex_panel_view(hex);
    struct field_hit hit;
    int64_t target = -1;

    if (view->notes && hex_view_size(view) > 0 && hex_notes_find(view->notes, view->source, view->cursor, &hit)) {
        target = hit.target;
        field_hit_clear(&hit);
    }
    if (target >= 0 && target < hex_view_size(view)) {
        hex_panel_note_jump(hex);
        view->cursor = target;
    } else {
        panel_remark(&hex->panel, target < 0 ? "no pointer is under the cursor" : "that points behind the end");
    }
}

/* ---- questions ---- */

static void answer_copy(struct panel *panel, const char *text)
{
    static const struct {
        char key;
        const char *form;
    } forms[] = {{'h', "hex"}, {'c', "c"}, {'b', "base64"}, {'t', "text"}};
    struct hex_panel *hex = (struct hex_panel *)panel;
    struct hex_view *view = hex_panel_view(hex);
    int64_t start, end, cursor = view->cursor;

    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        if (forms[i].key == text[0] && hex_view_selection(view, &start, &end)) {
            view->cursor = start;
            g_autofree char *where = panel->ops->where(panel);
            g_autofree char *line = g_strdup_printf("hex-copy %s %s %" PRId64, forms[i].form, where ? where : "0", end - start);

            view->cursor = cursor;
            panel_run(panel, line);
            return;
        }
    }
    panel_remark(panel, "h, c, b or t was wanted");
}

void hex_views_ask_copy(struct hex_panel *hex)
{
    static const struct panel_question question = {REQUEST_HEX_YANK, "copy as: ", "h hex, c C, b base64, t text", true, answer_copy};
    int64_t start, end;

    if (hex_view_selection(hex_panel_view(hex), &start, &end)) {
        panel_question(&hex->panel, &question);
    } else {
        panel_remark(&hex->panel, "nothing is selected: v selects from here to where the cursor goes");
    }
}

static void answer_mark(struct panel *panel, const char *text)
{
    g_autofree char *where = panel->ops->where(panel);
    g_autofree char *line = where && g_ascii_isalpha(text[0]) ? g_strdup_printf("mark %c %s", text[0], where) : NULL;

    if (line) {
        panel_run(panel, line);
    } else {
        panel_remark(panel, where ? "a mark is a letter" : "there is nothing to mark");
    }
}

static void answer_to_mark(struct panel *panel, const char *text)
{
    g_autofree char *line = g_ascii_isalpha(text[0]) ? g_strdup_printf("to-mark %c", text[0]) : NULL;

    if (line) {
        panel_run(panel, line);
    } else {
        panel_remark(panel, "a mark is a letter");
    }
}

void hex_views_ask_mark(struct hex_panel *hex, bool set)
{
    static const struct panel_question to_set = {REQUEST_HEX_SET_MARK, "mark as: ", "a letter", true, answer_mark};
    static const struct panel_question to_go = {REQUEST_HEX_GO_MARK, "to mark: ", "a letter", true, answer_to_mark};

    panel_question(&hex->panel, set ? &to_set : &to_go);
}

/* ---- jumps ---- */

static struct hex_place here(struct hex_panel *hex)
{
    return (struct hex_place){hex->shown, hex->layer, hex_panel_view(hex)->cursor};
}

void hex_panel_note_jump(struct hex_panel *hex)
{
    struct hex_place place = here(hex);

    g_array_set_size(hex->jumps, MIN(hex->jump, hex->jumps->len));
    if (hex->jumps->len >= JUMPS_MAX) {
        g_array_remove_index(hex->jumps, 0);
    }
    g_array_append_val(hex->jumps, place);
    hex->jump = hex->jumps->len;
}

static bool go_to_place(struct hex_panel *hex, const struct hex_place *place)
{
    if (place->shown == HEX_SHOW_HOST && !hex_views_show_host(hex, place->layer)) {
        return false;
    }
    hex->shown = place->shown;

    struct hex_view *view = hex_panel_view(hex);

    view->cursor = CLAMP(place->offset, 0, MAX(0, hex_view_size(view) - 1));
    return true;
}

bool hex_views_jump(struct hex_panel *hex, int steps)
{
    bool moved = false;

    if (steps < 0 && hex->jump == hex->jumps->len && hex->jump > 0) {
        struct hex_place place = here(hex); /* so that forward comes back here */

        g_array_append_val(hex->jumps, place);
    }
    for (; steps < 0 && hex->jump > 0; steps++) {
        hex->jump--;
        moved = true;
    }
    for (; steps > 0 && hex->jump + 1 < hex->jumps->len; steps--) {
        hex->jump++;
        moved = true;
    }
    return moved && go_to_place(hex, &g_array_index(hex->jumps, struct hex_place, hex->jump));
}
