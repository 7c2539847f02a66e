/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/updates.h"

#include "io/clock.h"

void updates_tell(struct updates *updates, bool at_once)
{
    int64_t now = clock_now_us();

    if (at_once || now - updates->told_us >= updates->interval_us) {
        updates->told_us = now;
        updates->fn(updates->data);
    }
}
