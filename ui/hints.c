/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bottom line: keys and what they do here.  What belongs to what is shown now comes first, but room is kept for the way out and
 * for help; the rest of what works everywhere takes what room is left.
 */
#include <string.h>

#include "ui/console/console.h"
#include "ui/desk-private.h"
#include "ui/keymap.h"

enum { GAP = 2, NARROW = 60 };

#define USAGE_SUMMARY " -- " /* between what may be typed and what it does, in command_usage_at() */

/* Of those that work everywhere: what nobody should have to look for.  Where there is little room, help says the others. */
static bool is_kept(enum request request, int width)
{
    return request == REQUEST_HELP || (width >= NARROW && (request == REQUEST_FOCUS_NEXT || request == REQUEST_PROMPT || request == REQUEST_QUIT));
}

/* Columns with the gap behind; 0: it has no key or no label. */
static int hint_columns(enum request_context context, enum request request, const char *label)
{
    g_autofree char *key = keymap_key(context, request);
    return key == NULL || label == NULL ? 0 : text_columns(key, -1) + 1 + text_columns(label, -1) + GAP;
}

static int draw_hint(struct surface row, int x, enum request_context context, enum request request, const char *label, int kept)
{
    int columns = hint_columns(context, request, label);
    if (columns == 0 || x + columns - GAP + kept >= row.width) {
        return x;
    }
    g_autofree char *key = keymap_key(context, request);
    int end = surface_put(row, x, 0, ROLE_HINT_KEY, key);
    surface_put(row, end + 1, 0, ROLE_HINT_LABEL, label);
    return x + columns;
}

static int draw_all_of(struct surface row, int x, enum request_context context, int kept)
{
    for (int request = 0; request < REQUEST_COUNT; request++) {
        x = draw_hint(row, x, context, request, request_info(request)->label, kept);
    }
    return x;
}

static void draw_for_overlay(const struct overlay *overlay, struct surface row)
{
    int x = 1;
    for (int request = 0; request < REQUEST_COUNT; request++) {
        if (overlay->ops->offers == NULL || overlay->ops->offers(overlay, request)) {
            x = draw_hint(row, x, overlay->ops->context(overlay), request, request_info(request)->label, 0);
        }
    }
}

static void draw_general(struct surface row, int x, int kept)
{
    for (int request = 0; request < REQUEST_COUNT; request++) {
        const struct request_info *info = request_info(request);
        if (info->context == REQUEST_CONTEXT_GLOBAL) {
            kept -= is_kept(request, row.width) ? hint_columns(info->context, request, info->label) : 0;
            x = draw_hint(row, x, info->context, request, info->label, kept);
        }
    }
}

static void draw_for_panel(struct panel *panel, struct surface row)
{
    const struct panel_hint *hint = panel->ops->hints != NULL ? panel->ops->hints(panel) : NULL;
    int kept = 0, x = 1;
    for (int request = 0; request < REQUEST_COUNT; request++) {
        const struct request_info *info = request_info(request);
        kept += is_kept(request, row.width) ? hint_columns(info->context, request, info->label) : 0;
    }
    if (hint == NULL) {
        x = draw_all_of(row, x, panel->ops->context, kept);
    }
    for (; hint != NULL && hint->request != REQUEST_NONE; hint++) {
        const struct request_info *info = request_info(hint->request);
        x = draw_hint(row, x, info->context, hint->request, hint->label != NULL ? hint->label : info->label, kept);
    }
    draw_general(row, x, kept);
}

/* The command that is being typed, or what else the keys do in the console. */
static void draw_usage(struct desk *desk, struct surface row)
{
    g_autofree char *usage = desk->usage ? console_usage(desk_console(desk)) : NULL;
    if (usage == NULL) {
        draw_all_of(row, 1, desk_focused(desk)->ops->context, 0);
        return;
    }
    char *summary = strstr(usage, USAGE_SUMMARY);
    if (summary != NULL && text_columns(usage, -1) > row.width - 2) {
        *summary = '\0'; /* what may be typed matters more than what it does */
    }
    surface_put_fit(row, 1, 0, row.width - 2, ROLE_HINT_LABEL, usage);
}

void hints_draw(struct desk *desk, struct surface row)
{
    enum request_context typing = input_typing(desk_focused(desk));
    if (desk->overlay != NULL) {
        draw_for_overlay(desk->overlay, row);
    } else if (typing == REQUEST_CONTEXT_EDIT) {
        draw_all_of(row, 1, typing, 0);
    } else if (typing != REQUEST_CONTEXT_COUNT) {
        draw_usage(desk, row);
    } else {
        draw_for_panel(desk_focused(desk), row);
    }
}
