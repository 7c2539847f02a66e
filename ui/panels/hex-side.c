/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The hex panel's inspector beside the bytes: a row a type, both byte orders next to each other. */
#include "ui/panels/hex-inspect.h"
#include "ui/panels/hex-notes.h"
#include "ui/panels/hex-panel.h"

enum { LABEL = 9, VALUE = 25, SECTOR = 512 };

static void put(struct surface surface, int *y, enum role role, GString *text)
{
    surface_put_fit(surface, 0, *y, surface.width, role, text->str);
    g_string_truncate(text, 0);
    (*y)++;
}

static void draw_field(struct hex_panel *hex, struct surface surface, int *y, GString *text)
{
    struct hex_view *view = hex_panel_view(hex);
    struct field_hit hit;

    if (!view->notes || !hex_notes_find(view->notes, view->source, view->cursor, &hit)) {
        const char *why = hex_inspect_why_no_field(view->source, view->cursor);
        g_autofree char *partition = view->notes ? hex_notes_partition(view->notes, view->cursor) : NULL;

        if (partition) {
            g_string_append(text, partition);
            put(surface, y, ROLE_STRONG, text);
        }
        g_string_append(text, why ? why : "no structure that is known");
        put(surface, y, ROLE_DIM, text);
        return;
    }
    g_string_append(text, hit.where);
    put(surface, y, ROLE_STRONG, text);
    g_string_append(text, hit.name);
    put(surface, y, ROLE_TEXT, text);
    g_string_append(text, hit.value ? hit.value : "");
    put(surface, y, ROLE_TEXT, text);
    if (hit.target >= 0) {
        g_string_append(text, "Enter goes where it points");
        put(surface, y, ROLE_DIM, text);
    }
    field_hit_clear(&hit);
}

static void draw_type(struct hex_view *view, struct surface surface, int y, enum hex_inspect_type type, GString *text)
{
    surface_put(surface, 0, y, ROLE_DIM, hex_inspect_name(type));
    for (int order = 0; order < (hex_inspect_has_orders(type) ? 2 : 1); order++) {
        int x = LABEL + order * VALUE;

        hex_inspect_value(text, view->source, view->cursor, type, order == 1);
        surface_put_fit(surface, x, y, hex_inspect_has_orders(type) ? MIN(VALUE - 1, surface.width - x) : surface.width - x, ROLE_TEXT, text->str);
        g_string_truncate(text, 0);
    }
}

void hex_side_draw(struct hex_panel *hex, struct surface surface)
{
    struct hex_view *view = hex_panel_view(hex);
    g_autoptr(GString) text = g_string_new(NULL);
    int y = 0;

    if (view->notes) {
        hex_notes_want(view->notes, view->cursor);
    }
    hex_inspect_offset(text, view->origin + view->cursor);
    put(surface, &y, ROLE_STRONG, text);
    draw_field(hex, surface, &y, text);
    y = surface.height >= HEX_SIDE_LINES ? MAX(y + 1, HEX_SIDE_LINES - HEX_INSPECT_TYPES - 1) : y; /* so that the rows stay where they are */
    surface_put(surface, LABEL, y, ROLE_DIM, "little-endian");
    surface_put(surface, LABEL + VALUE, y, ROLE_DIM, "big-endian");
    for (int type = 0; type < HEX_INSPECT_TYPES; type++) {
        draw_type(view, surface, y + 1 + type, (enum hex_inspect_type)type, text);
    }
}
