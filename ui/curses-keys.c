/* SPDX-License-Identifier: GPL-3.0-or-later */
#define NCURSES_WIDECHAR 1
#include <curses.h>

#include <string.h>

#include "ui/curses-keys.h"

/* The modifier digits that extended capabilities end in (kLFT5) are those of the sequences. */
static keycode from_extended_key(int code)
{
    static const struct {
        const char *name;
        keycode key;
    } keys[] = {
        {"kUP", KEYCODE_UP},     {"kDN", KEYCODE_DOWN},      {"kLFT", KEYCODE_LEFT},     {"kRIT", KEYCODE_RIGHT},
        {"kHOM", KEYCODE_HOME},  {"kEND", KEYCODE_END},      {"kPRV", KEYCODE_PAGE_UP},  {"kNXT", KEYCODE_PAGE_DOWN},
        {"kIC", KEYCODE_INSERT}, {"kDC", KEYCODE_DELETE},
    };
    const char *name = keyname(code);
    for (size_t i = 0; name != NULL && i < G_N_ELEMENTS(keys); i++) {
        size_t len = strlen(keys[i].name);
        if (strncmp(name, keys[i].name, len) == 0 && g_ascii_isdigit(name[len]) && name[len + 1] == '\0') {
            int bits = name[len] - '1';
            return keys[i].key | (bits & 1 ? KEYCODE_SHIFT : 0u) | (bits & 2 ? KEYCODE_ALT : 0u) |
                   (bits & 4 ? KEYCODE_CTRL : 0u);
        }
    }
    return KEYCODE_NONE;
}

keycode curses_keys_find(wint_t code)
{
    static const struct {
        wint_t code;
        keycode key;
    } keys[] = {
        {KEY_UP, KEYCODE_UP},
        {KEY_DOWN, KEYCODE_DOWN},
        {KEY_LEFT, KEYCODE_LEFT},
        {KEY_RIGHT, KEYCODE_RIGHT},
        {KEY_PPAGE, KEYCODE_PAGE_UP},
        {KEY_NPAGE, KEYCODE_PAGE_DOWN},
        {KEY_HOME, KEYCODE_HOME},
        {KEY_END, KEYCODE_END},
        {KEY_IC, KEYCODE_INSERT},
        {KEY_DC, KEYCODE_DELETE},
        {KEY_BACKSPACE, KEYCODE_BACKSPACE},
        {KEY_ENTER, KEYCODE_ENTER},
        {KEY_BTAB, KEYCODE_SHIFT_TAB},
        {KEY_RESIZE, KEYCODE_RESIZE},
        {KEY_A1, KEYCODE_HOME},
        {KEY_A3, KEYCODE_PAGE_UP},
        {KEY_C1, KEYCODE_END},
        {KEY_C3, KEYCODE_PAGE_DOWN},
        {KEY_FIND, KEYCODE_HOME},
        {KEY_SELECT, KEYCODE_END},
        {KEY_SR, KEYCODE_UP | KEYCODE_SHIFT},
        {KEY_SF, KEYCODE_DOWN | KEYCODE_SHIFT},
        {KEY_SLEFT, KEYCODE_LEFT | KEYCODE_SHIFT},
        {KEY_SRIGHT, KEYCODE_RIGHT | KEYCODE_SHIFT},
        {KEY_SHOME, KEYCODE_HOME | KEYCODE_SHIFT},
        {KEY_SEND, KEYCODE_END | KEYCODE_SHIFT},
        {KEY_SPREVIOUS, KEYCODE_PAGE_UP | KEYCODE_SHIFT},
        {KEY_SNEXT, KEYCODE_PAGE_DOWN | KEYCODE_SHIFT},
        {KEY_SDC, KEYCODE_DELETE | KEYCODE_SHIFT},
        {KEY_SIC, KEYCODE_INSERT | KEYCODE_SHIFT},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (keys[i].code == code) {
            return keys[i].key;
        }
    }
    if (code >= KEY_F(1) && code <= KEY_F(12)) {
        return KEYCODE_F1 + (code - KEY_F(1));
    }
    return code > KEY_MAX ? from_extended_key((int)code) : KEYCODE_NONE;
}
