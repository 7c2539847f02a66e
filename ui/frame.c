/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One frame: title, tabs, panels in their frames, overlay, and the bottom line. */
#include <limits.h>
#include <string.h>

#include "ui/desk-private.h"

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

static struct surface row_of(struct surface all, int y)
{
    return surface_part(all, 0, y, all.width, 1);
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
    /* Whole parts of it, the first of which matters most: that one is rather cut than left out. */
    char *first = strstr(title->str, " · "), *last;
    while (text_columns(title->str, -1) > panel_surface(desk, i).width - 5 && (last = g_strrstr(title->str, " · ")) != first) {
        g_string_truncate(title, (gsize)(last - title->str));
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

void frame_draw_panels(struct desk *desk)
{
    if (desk->layout.shape != LAYOUT_TOO_SMALL) {
        draw_panels(desk);
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

/* A long one covers what is above the last row: half a sentence helps nobody. */
static void draw_remark(const struct desk *desk, struct surface all, int y)
{
    enum { ROWS_MAX = 4 };
    int columns = all.width - 2;
    int rows = surface_put_words(surface_part(all, 0, 0, 0, 0), 1, 0, columns, MIN(ROWS_MAX, y), desk->remark_role, desk->remark);
    struct surface part = surface_part(all, 0, y - rows + 1, all.width, rows);
    surface_fill(part, ROLE_TEXT, ' ');
    surface_put_words(part, 1, 0, columns, rows, desk->remark_role, desk->remark);
}

static void draw_bottom(struct desk *desk, struct surface all, int y)
{
    struct surface row = row_of(all, y);
    if (desk->prompt != NULL) {
        prompt_draw(desk->prompt, row);
    } else if (desk->remark != NULL) {
        draw_remark(desk, all, y);
    } else {
        hints_draw(desk, row);
    }
}

static void draw_too_small(struct surface all)
{
    const char *text = "too small: 40x10 needed";
    int columns = MIN(text_columns(text, -1), all.width);
    struct surface nowhere = {0};
    int rows = MIN(surface_put_words(nowhere, 0, 0, columns, INT_MAX, ROLE_NOTE, text), all.height);
    int y = MIN(all.height / 2, all.height - rows);
    surface_put_words(all, (all.width - columns) / 2, y, columns, rows, ROLE_NOTE, text);
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
    draw_bottom(desk, all, layout->hints_y);
}
