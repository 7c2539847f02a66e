/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The help overlay, made from the tables: what the keys do here. */
#include "ui/desk-private.h"
#include "ui/keymap.h"

enum { WIDTH_MAX = 80, KEYS_COLUMNS = 24 };

/* Rows of one context from row y on; rows outside of the surface are only counted. */
static int draw_context(struct surface surface, int y, enum request_context context)
{
    surface_put(surface, 1, y, ROLE_STRONG, request_context_name(context));
    surface_put_fit(surface, 2 + text_columns(request_context_name(context), -1), y, surface.width - 12, ROLE_DIM,
                    request_context_help(context));
    y++;
    for (int request = 0; request < REQUEST_COUNT; request++) {
        g_autofree char *keys = keymap_keys(context, request);
        if (keys != NULL) {
            surface_put_fit(surface, 2, y, KEYS_COLUMNS - 3, ROLE_HINT_KEY, keys);
            surface_put_fit(surface, KEYS_COLUMNS, y, surface.width - KEYS_COLUMNS, ROLE_OVERLAY,
                            request_info(request)->help);
            y++;
        }
    }
    return y + 1;
}

void help_draw(struct desk *desk, struct surface surface)
{
    int width = MIN(surface.width, WIDTH_MAX);
    struct surface box = surface_part(surface, (surface.width - width) / 2, 0, width, surface.height);
    surface_fill(box, ROLE_OVERLAY, ' ');
    surface_frame(box, ROLE_FRAME_FOCUS);
    struct surface inside = surface_part(box, 1, 1, box.width - 2, box.height - 2);
    desk->help_page = inside.height;
    int y = -desk->help_top;
    y = draw_context(inside, y, desk->help_context);
    if (desk->help_context != REQUEST_CONTEXT_CONSOLE) {
        y = draw_context(inside, y, REQUEST_CONTEXT_GLOBAL);
        y = draw_context(inside, y, REQUEST_CONTEXT_MOVE);
    }
    desk->help_rows = y - 1 + desk->help_top;
    bool more = desk->help_rows > desk->help_top + desk->help_page;
    surface_title(box, ROLE_TITLE_FOCUS, more ? "keys · Down for more" : "keys");
}
