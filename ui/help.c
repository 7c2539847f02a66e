/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The help overlay, made from the tables: what the keys do here. */
#include "ui/desk-private.h"
#include "ui/keymap.h"
#include "ui/text.h"

enum { WIDTH_MAX = 80, KEYS_COLUMNS = 26, KEYS_SHARE = 3 };

/* Bytes of text that a row takes: whole words, if there is more than one. */
static int row_of_words(const char *text, int columns)
{
    int fit = text_fit(text, -1, columns, NULL), end = fit;
    if (text[fit] == '\0') {
        return fit;
    }
    while (end > 0 && text[end] != ' ') {
        end--;
    }
    return end > 0 ? end : MAX(fit, 1);
}

/* One request's keys and help, in as many rows as its help takes; the row behind. */
static int draw_request(struct surface surface, int y, const char *keys, const char *help)
{
    int x = MIN(KEYS_COLUMNS, surface.width / KEYS_SHARE);
    surface_put_fit(surface, 2, y, x - 3, ROLE_HINT_KEY, keys);
    do {
        int len = row_of_words(help, MAX(surface.width - x, 1));
        surface_put_len(surface, x, y++, ROLE_OVERLAY, help, len);
        help += len;
        help += *help == ' ';
    } while (*help != '\0');
    return y;
}

/* Rows of one context from row y on; rows outside of the surface are only counted. */
static int draw_context(struct surface surface, int y, enum request_context context)
{
    const char *name = request_context_name(context);
    int x = 3 + text_columns(name, -1);
    surface_put(surface, 1, y, ROLE_STRONG, name);
    surface_put_fit(surface, x, y, surface.width - x, ROLE_DIM, request_context_help(context));
    y++;
    for (int request = 0; request < REQUEST_COUNT; request++) {
        g_autofree char *keys = keymap_keys(context, request);
        if (keys != NULL) {
            y = draw_request(surface, y, keys, request_info(request)->help);
        }
    }
    return y + 1;
}

/* Everything from row y on; the row behind. */
static int draw_all(const struct desk *desk, struct surface surface, int y)
{
    y = draw_context(surface, y, desk->help_context);
    if (desk->help_context != REQUEST_CONTEXT_CONSOLE) {
        y = draw_context(surface, y, REQUEST_CONTEXT_GLOBAL);
        y = draw_context(surface, y, REQUEST_CONTEXT_MOVE);
    }
    return y - 1;
}

void help_draw(struct desk *desk, struct surface surface)
{
    int width = MIN(surface.width, WIDTH_MAX);
    struct surface box = surface_part(surface, (surface.width - width) / 2, 0, width, surface.height);
    surface_fill(box, ROLE_OVERLAY, ' ');
    surface_frame(box, ROLE_FRAME_FOCUS);
    struct surface inside = surface_part(box, 1, 1, box.width - 2, box.height - 2);
    desk->help_page = inside.height;
    desk->help_rows = draw_all(desk, surface_part(inside, 0, 0, inside.width, 0), 0);
    desk->help_top = MIN(desk->help_top, MAX(desk->help_rows - desk->help_page, 0)); /* the screen may have grown */
    draw_all(desk, inside, -desk->help_top);
    bool more = desk->help_rows > desk->help_top + desk->help_page;
    surface_title(box, ROLE_TITLE_FOCUS, more ? "keys · Down for more" : "keys");
}
