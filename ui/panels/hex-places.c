/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Places of the hex panel: in the image, and with a name ("h:OFFSET", "h1:OFFSET" in that of a layer) in a file that it is in. */
#include <inttypes.h>
#include <string.h>

#include "ui/panels/hex-panel.h"
#include "util/size.h"

void hex_places_go(struct panel *panel, int64_t offset, int64_t bytes)
{
    struct hex_panel *hex = (struct hex_panel *)panel;

    if (offset >= 0 && offset < hex_view_size(&hex->image)) {
        hex_panel_note_jump(hex);
        hex->shown = HEX_SHOW_IMAGE;
        hex->image.cursor = offset;
        hex->image.anchor = -1;
        hex->image.range_start = offset;
        hex->image.range_end = offset + MIN(bytes, hex_view_size(&hex->image) - offset);
    }
}

int64_t hex_places_position(struct panel *panel)
{
    struct hex_panel *hex = (struct hex_panel *)panel;
    struct hex_view *view = hex_panel_view(hex);
    bool is_vmstate = hex->op == BLK_OP_LOAD_VMSTATE || hex->op == BLK_OP_SAVE_VMSTATE;

    if (hex_view_size(view) == 0 || hex->shown == HEX_SHOW_HOST || (hex->shown == HEX_SHOW_BUFFER && is_vmstate)) {
        return -1;
    }
    return view->origin + view->cursor;
}

void hex_places_place(struct panel *panel, int64_t offset)
{
    struct hex_panel *hex = (struct hex_panel *)panel;

    if (hex->shown == HEX_SHOW_HOST) {
        hex->shown = HEX_SHOW_IMAGE;
    }

    struct hex_view *view = hex_panel_view(hex);

    if (offset >= view->origin && offset - view->origin < hex_view_size(view)) {
        view->cursor = offset - view->origin;
    }
}

/* ---- names ---- */

static char *name_in_image(int64_t offset)
{
    return g_strdup_printf("%#" PRIx64, (uint64_t)offset);
}

static char *name_in_file(unsigned layer, int64_t offset)
{
    return layer > 0 ? g_strdup_printf("h%u:%#" PRIx64, layer, (uint64_t)offset) : g_strdup_printf("h:%#" PRIx64, (uint64_t)offset);
}

char *hex_places_where(struct panel *panel)
{
    struct hex_panel *hex = (struct hex_panel *)panel;
    int64_t offset = hex_places_position(panel);

    if (hex->shown == HEX_SHOW_HOST && hex_view_size(&hex->host) > 0) {
        return name_in_file(hex->layer, hex->host.cursor);
    }
    return offset >= 0 ? name_in_image(offset) : NULL;
}

/* A place in a file. */
struct named {
    unsigned layer;
    struct blk *file;
    int64_t offset;
};

static bool is_named(const char *name)
{
    const char *colon = strchr(name, ':');

    return name[0] == 'h' && colon && strspn(name + 1, "0123456789") == (size_t)(colon - name - 1);
}

/* NULL, or why there is none such; g_free. */
static char *find_named(struct hex_panel *hex, const char *name, struct named *ret_named)
{
    const char *colon = strchr(name, ':');
    g_autofree char *digits = g_strndup(name + 1, (gsize)(colon - name - 1));
    int64_t layer = 0, offset = 0;
    bool good = (*digits == '\0' || size_parse(digits, &layer) == 0) && layer <= INT32_MAX;

    if (!good || (strcmp(colon + 1, "$") != 0 && size_parse(colon + 1, &offset) != 0)) {
        return g_strdup("that is no place in a file: type h:64k, or h1:64k for the layer below");
    }
    struct blk *file = hex->blk ? blk_layer(hex->blk, (unsigned)layer, BLK_PART_FILE) : NULL;

    if (!file) {
        return g_strdup(hex->blk ? "there is no such layer, or it is in no file" : session_why_no_image(panel_session(&hex->panel)));
    }
    int64_t size = hex->host.blk == file ? hex_view_size(&hex->host) : MAX(0, blk_length(file));

    if (colon[1] == '$') {
        offset = size - 1;
    }
    if (offset < 0) {
        return g_strdup("the file is empty");
    }
    if (offset >= size) {
        return g_strdup_printf("%#" PRIx64 " is outside the file, which ends at %#" PRIx64, (uint64_t)offset, (uint64_t)size);
    }
    *ret_named = (struct named){(unsigned)layer, file, offset};
    return NULL;
}

bool hex_places_place_named(struct panel *panel, const char *name, char **ret_why)
{
    struct hex_panel *hex = (struct hex_panel *)panel;
    struct named named;

    *ret_why = NULL;
    if (!is_named(name)) {
        return false;
    }
    *ret_why = find_named(hex, name, &named);
    if (*ret_why) {
        return true;
    }
    if (hex->shown != HEX_SHOW_HOST || hex->host.blk != named.file || hex->host.cursor != named.offset) {
        hex_panel_note_jump(hex);
    }
    hex_views_show_host(hex, named.layer);
    hex->host.cursor = named.offset;
    return true;
}

char *hex_places_name(struct hex_panel *hex, const char *word, char **ret_why)
{
    struct named named;
    int64_t offset;

    *ret_why = NULL;
    if (is_named(word)) {
        *ret_why = find_named(hex, word, &named);
        return *ret_why ? NULL : name_in_file(named.layer, named.offset);
    }
    if (size_parse(word, &offset) != 0) {
        *ret_why = g_strdup("the offset is a number, or h: and one in the file");
    } else if (offset >= hex_view_size(&hex->image)) {
        *ret_why = g_strdup_printf("%#" PRIx64 " is outside of the image", (uint64_t)offset);
    }
    return *ret_why ? NULL : name_in_image(offset);
}
