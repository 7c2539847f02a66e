/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/overlay.h"

#include "ui/desk-private.h"

bool overlay_rows(enum request request, int count, int page, int64_t *ret_rows)
{
    enum step { ROW, HALF, PAGE, ALL };
    static const struct {
        enum request request;
        int direction;
        enum step step;
    } moves[] = {
        {REQUEST_UP, -1, ROW},      {REQUEST_CHOOSER_UP, -1, ROW},       {REQUEST_DOWN, 1, ROW},      {REQUEST_CHOOSER_DOWN, 1, ROW},
        {REQUEST_HALF_UP, -1, HALF}, {REQUEST_HALF_DOWN, 1, HALF},       {REQUEST_PAGE_UP, -1, PAGE}, {REQUEST_CHOOSER_PAGE_UP, -1, PAGE},
        {REQUEST_PAGE_DOWN, 1, PAGE}, {REQUEST_CHOOSER_PAGE_DOWN, 1, PAGE}, {REQUEST_FIRST, -1, ALL}, {REQUEST_LAST, 1, ALL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(moves); i++) {
        if (moves[i].request == request) {
            enum step step = moves[i].step;
            *ret_rows = moves[i].direction * (step == ALL ? INT32_MAX : (int64_t)count * (step == ROW ? 1 : MAX(step == HALF ? page / 2 : page, 1)));
            return true;
        }
    }
    return false;
}

void overlay_show(struct desk *desk, struct overlay *overlay)
{
    struct overlay *before = desk->overlay;
    desk->overlay = overlay;
    if (before != NULL) {
        before->ops->free(before);
    }
    modal_log(desk);
    desk_dirty(desk);
}
