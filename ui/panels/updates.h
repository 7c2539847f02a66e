/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Telling an owner that there is something new: at once, or no more often than pictures are worth painting while work goes on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct updates {
    void (*fn)(void *data);
    void *data;
    int64_t interval_us;
    int64_t told_us; /* when it was last told, clock_now_us(); 0: never */
};

/* Calls fn: always if at_once, else unless that was done within the interval. */
void updates_tell(struct updates *updates, bool at_once);
