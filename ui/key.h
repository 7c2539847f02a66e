/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys as the screen sees them, whichever terminal sent them, and their names. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A code point, a control character (Ctrl-A is 1), or one of these; modifiers may be added. */
typedef uint32_t keycode;

enum keycode_special {
    KEYCODE_NONE = 0x110000,
    KEYCODE_UP,
    KEYCODE_DOWN,
    KEYCODE_LEFT,
    KEYCODE_RIGHT,
    KEYCODE_PAGE_UP,
    KEYCODE_PAGE_DOWN,
    KEYCODE_HOME,
    KEYCODE_END,
    KEYCODE_INSERT,
    KEYCODE_DELETE,
    KEYCODE_BACKSPACE,
    KEYCODE_ENTER,
    KEYCODE_TAB,
    KEYCODE_SHIFT_TAB,
    KEYCODE_ESCAPE,
    KEYCODE_F1,
    KEYCODE_F12 = KEYCODE_F1 + 11,
    KEYCODE_RESIZE, /* no key: the size of the display changed */
    /* Modifiers.  Shift and control only upon the special ones above (with letters they make another character). */
    KEYCODE_SHIFT = 1 << 28,
    KEYCODE_CTRL = 1 << 29,
    KEYCODE_ALT = 1 << 30,
};

/* The one form of keys that have several: 9 is KEYCODE_TAB, 13 and 10 KEYCODE_ENTER, 27 KEYCODE_ESCAPE, 8 and 127
 * KEYCODE_BACKSPACE. */
keycode key_from_char(uint32_t ch);
/* "q", "Ctrl-C", "Shift-Tab", "PageUp", "Alt-x", "Ctrl-Left", "Space": KEYCODE_NONE when it is no key. */
keycode key_parse(const char *name);
/* The name key_parse() takes; g_free. */
char *key_format(keycode key);
/* Whether it is a character that text is typed with. */
bool key_is_text(keycode key);
