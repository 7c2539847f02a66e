/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/overlay.h"

#include "ui/desk-private.h"

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
