/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One frame: title, tabs, panels in their frames, overlay, and the bottom line. */
#include <string.h>

#include "ui/console/console.h"
#include "ui/desk-private.h"
#include "ui/keymap.h"

static struct surface panel_surface(const struct desk *desk, int i)
{
    const struct rectangle *r = &desk->layout.panels[i];
    return surface_part(surface_of(desk->grid), r->x, r->y, r->width, r->height);
}

static bool is_focused(const struct desk *desk, int i)
{
    return (int)desk->focus == i;
}

static bool is_visible(const struct desk *desk, int i)
{
    return desk->layout.panels[i].width > 0;
}

static void draw_title(struct desk *desk, int i)
{
    struct panel *panel = desk->panels[i];
    g_autoptr(GString) title = g_string_new(panel->ops->name);
    if (panel->ops->title != NULL) {
        g_string_append(title, " · ");
        gsize len = title->len;
        panel->ops->title(panel, title);
        if (title->len == len) {
            g_string_truncate(title, strlen(panel->ops->name));
        }
    }
    surface_title(panel_surface(desk, i), is_focused(desk, i) ? ROLE_TITLE_FOCUS : ROLE_TITLE, title->str);
}

static void draw_panel(struct desk *desk, int i)
{
    struct surface outer = panel_surface(desk, i);
    bool focused = is_focused(desk, i) && desk->overlay == NULL && desk->prompt == NULL;
    desk->panels[i]->ops->draw(desk->panels[i], surface_part(outer, 1, 1, outer.width - 2, outer.height - 2), focused);
    draw_title(desk, i); /* after: it may say what has just been painted */
}

/* All lines before the first title, and the focused frame last: it wins where lines are shared. */
static void draw_panels(struct desk *desk)
{
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        if (is_visible(desk, i) && !is_focused(desk, i)) {
            surface_frame(panel_surface(desk, i), ROLE_FRAME);
        }
    }
    surface_frame(panel_surface(desk, desk->focus), ROLE_FRAME_FOCUS);
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        if (is_visible(desk, i)) {
            draw_panel(desk, i);
        }
    }
}

/* Brackets, not only colour, say which tab it is; all are as wide as with them. */
static int tab_columns(const struct desk *desk, int i)
{
    return text_columns(desk->panels[i]->ops->name, -1) + 2;
}

static void draw_tabs(struct desk *desk, struct surface row)
{
    int x = 1;
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        bool focused = is_focused(desk, i);
        const char *name = desk->panels[i]->ops->name;
        surface_printf(row, x, 0, focused ? ROLE_TAB_FOCUS : ROLE_TAB, focused ? "[%s]" : " %s ", name);
        x += tab_columns(desk, i) + 1;
    }
}

int frame_tab_at(const struct desk *desk, int x, int y)
{
    int left = 1;
    for (int i = 0; y == desk->layout.tabs_y && i < LAYOUT_PANELS; i++) {
        if (x >= left && x < left + tab_columns(desk, i)) {
            return i;
        }
        left += tab_columns(desk, i) + 1;
    }
    return -1;
}

static int draw_hint(struct surface row, int x, enum request_context context, enum request request)
{
    g_autofree char *key = keymap_key(context, request);
    const char *label = request_info(request)->label;
    if (key == NULL || label == NULL || x + text_columns(key, -1) + 1 + text_columns(label, -1) >= row.width) {
        return x;
    }
    x = surface_put(row, x, 0, ROLE_HINT_KEY, key);
    return surface_put(row, x + 1, 0, ROLE_HINT_LABEL, label) + 2;
}

static int draw_hints_of(struct surface row, int x, enum request_context context)
{
    for (int request = 0; request < REQUEST_COUNT; request++) {
        x = request == REQUEST_ZOOM ? x : draw_hint(row, x, context, request);
    }
    return x;
}

static void draw_hints(struct desk *desk, struct surface row)
{
    enum request_context context = desk_focused(desk)->ops->context, typing = input_typing(desk_focused(desk));
    if (desk->overlay != NULL) {
        draw_hints_of(row, 1, desk->overlay->ops->context(desk->overlay));
    } else if (typing == REQUEST_CONTEXT_EDIT) {
        draw_hints_of(row, 1, typing);
    } else if (typing != REQUEST_CONTEXT_COUNT) {
        g_autofree char *usage = desk->usage ? console_usage(desk_console(desk)) : NULL;
        if (usage != NULL) {
            surface_put_fit(row, 1, 0, row.width - 2, ROLE_HINT_LABEL, usage);
        } else {
            draw_hints_of(row, 1, context);
        }
    } else {
        int x = draw_hints_of(row, 1, REQUEST_CONTEXT_GLOBAL);
        x = draw_hints_of(row, x, context);
        draw_hint(row, x, REQUEST_CONTEXT_GLOBAL, REQUEST_ZOOM); /* what is special here matters more */
    }
}

static void draw_bottom(struct desk *desk, struct surface row)
{
    if (desk->prompt != NULL) {
        prompt_draw(desk->prompt, row);
    } else if (desk->remark != NULL) {
        surface_put_fit(row, 1, 0, row.width - 2, desk->remark_role, desk->remark);
    } else {
        draw_hints(desk, row);
    }
}

static void draw_too_small(struct surface all)
{
    const char *text = "too small: 40x10 needed";
    int columns = text_columns(text, -1);
    surface_put_fit(all, MAX((all.width - columns) / 2, 0), all.height / 2, all.width, ROLE_NOTE, text);
}

static struct surface row_of(struct surface all, int y)
{
    return surface_part(all, 0, y, all.width, 1);
}

void frame_draw(struct desk *desk)
{
    struct surface all = surface_of(desk->grid);
    const struct layout *layout = &desk->layout;
    if (layout->shape == LAYOUT_TOO_SMALL) {
        draw_too_small(all);
        return;
    }
    title_draw(desk, row_of(all, layout->title_y));
    if (layout->tabs_y >= 0) {
        draw_tabs(desk, row_of(all, layout->tabs_y));
    }
    draw_panels(desk);
    if (desk->overlay != NULL) {
        desk->overlay->ops->draw(desk->overlay, surface_part(all, 0, layout->title_y + 1, all.width,
                                                             layout->hints_y - layout->title_y - 1));
    }
    draw_bottom(desk, row_of(all, layout->hints_y));
}
