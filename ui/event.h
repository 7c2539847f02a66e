/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What comes in from a terminal: keys, the mouse, pasted text, and what it answers when asked for its colours. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/key.h"

enum mouse_what {
    MOUSE_PRESS,
    MOUSE_DRAG, /* moved with the button held */
    MOUSE_RELEASE,
    MOUSE_WHEEL_UP,
    MOUSE_WHEEL_DOWN,
};

struct mouse {
    enum mouse_what what;
    int x, y;            /* cells from the top left corner of the screen, or of what it is given to */
    int button;          /* 1 left, 2 middle, 3 right; 0 with the wheel */
    keycode modifiers;   /* KEYCODE_SHIFT, KEYCODE_CTRL, KEYCODE_ALT */
    int rows;            /* that the wheel moves, where a panel is given it */
};

enum event_kind {
    EVENT_NONE,
    EVENT_KEY,
    EVENT_MOUSE,
    EVENT_PASTE,
    EVENT_BACKGROUND,
};

struct event {
    enum event_kind kind;
    keycode key;
    struct mouse mouse;
    const char *text;  /* pasted: UTF-8, terminated, valid until the next event is asked for */
    uint8_t colour[3]; /* of the background: red, green, blue */
};
