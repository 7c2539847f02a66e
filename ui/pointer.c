/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The mouse: what lies under it gets what it does.  A press moves the focus first, as Tab would; until the button is released
 * everything goes to that panel, or to the border that was taken.  The wheel moves the panel under the pointer and leaves the focus where it is.
 */
#include "ui/desk-private.h"

/* The panel at a cell; where frames share a line, the lower one, whose title it has.  -1: none. */
static int panel_at(const struct desk *desk, int x, int y)
{
    int found = -1;
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        const struct rectangle *r = &desk->layout.panels[i];
        if (r->width > 0 && rectangle_has(r, x, y) && (found < 0 || r->y >= desk->layout.panels[found].y)) {
            found = i;
        }
    }
    return found;
}

/* Whether the panel did something with it; coordinates become its own. */
static bool give(struct desk *desk, int panel, const struct mouse *mouse)
{
    const struct rectangle *r = &desk->layout.panels[panel];
    struct mouse own = *mouse;
    own.x -= r->x + 1;
    own.y -= r->y + 1;
    own.rows = desk->wheel_rows;
    const struct panel_ops *ops = desk->panels[panel]->ops;
    struct panel_view before = moves_begin(desk->panels[panel]);
    enum panel_reaction reaction = ops->mouse != NULL ? ops->mouse(desk->panels[panel], &own) : PANEL_IGNORED;
    moves_end(desk, desk->panels[panel], &before);
    if (reaction == PANEL_REDRAW) {
        desk_dirty(desk);
    }
    return reaction != PANEL_IGNORED;
}

/* A turn of the wheel moves up or down what has no other use for it. */
static void turn(struct desk *desk, struct panel *panel, enum request request)
{
    struct panel_view before = moves_begin(panel);
    if (panel->ops->request != NULL && panel->ops->request(panel, request, desk->wheel_rows) == PANEL_REDRAW) {
        desk_dirty(desk);
    }
    moves_end(desk, panel, &before);
}

static void wheel(struct desk *desk, const struct mouse *mouse)
{
    enum request request = mouse->what == MOUSE_WHEEL_UP ? REQUEST_UP : REQUEST_DOWN;
    int panel = panel_at(desk, mouse->x, mouse->y);
    if (desk->overlay != NULL) {
        desk->overlay->ops->request(desk->overlay, request, desk->wheel_rows);
    } else if (panel >= 0 && !give(desk, panel, mouse)) {
        turn(desk, desk->panels[panel], request);
    }
}

static void press(struct desk *desk, const struct mouse *mouse)
{
    int tab = frame_tab_at(desk, mouse->x, mouse->y);
    int panel = tab >= 0 ? tab : panel_at(desk, mouse->x, mouse->y);
    if (desk->overlay != NULL) {
        if (desk->overlay->ops->press != NULL) {
            desk->overlay->ops->press(desk->overlay, mouse->x, mouse->y - desk->layout.title_y - 1);
        }
        return;
    }
    if (panel < 0) {
        return;
    }
    if (panel != (int)desk->focus) {
        input_focus(desk, (enum layout_panel)panel);
    }
    desk->held_border = mouse->button == 1 ? layout_border_at(&desk->layout, mouse->x, mouse->y) : -1;
    if (tab < 0 && desk->held_border < 0) {
        desk->held = panel;
        give(desk, panel, mouse);
    }
}

void desk_mouse(struct desk *desk, const struct mouse *mouse)
{
    if (!desk->mouse || desk->prompt != NULL) {
        desk->held = desk->held_border = -1; /* how it ends is not heard */
        return;
    }
    switch (mouse->what) {
    case MOUSE_WHEEL_UP:
    case MOUSE_WHEEL_DOWN:
        wheel(desk, mouse);
        break;
    case MOUSE_PRESS:
        desk->held = desk->held_border = -1;
        press(desk, mouse);
        break;
    case MOUSE_DRAG:
    case MOUSE_RELEASE:
        if (desk->held_border >= 0 && mouse->what == MOUSE_DRAG) {
            borders_drag(desk, desk->held_border, mouse->x, mouse->y);
        }
        if (desk->held >= 0 && desk->layout.panels[desk->held].width > 0) {
            give(desk, desk->held, mouse);
        }
        if (mouse->what == MOUSE_RELEASE) {
            desk->held = desk->held_border = -1;
        }
        break;
    }
    modal_log(desk);
}

void desk_use_mouse(struct desk *desk, bool use)
{
    desk->mouse = use;
    desk->held = desk->held_border = -1;
    desk->ops->mouse(desk->data, use);
}
