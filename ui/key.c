/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/key.h"

#include <string.h>

static const struct {
    const char *name;
    keycode key;
} names[] = {
    {"Up", KEYCODE_UP},
    {"Down", KEYCODE_DOWN},
    {"Left", KEYCODE_LEFT},
    {"Right", KEYCODE_RIGHT},
    {"PageUp", KEYCODE_PAGE_UP},
    {"PageDown", KEYCODE_PAGE_DOWN},
    {"Home", KEYCODE_HOME},
    {"End", KEYCODE_END},
    {"Insert", KEYCODE_INSERT},
    {"Delete", KEYCODE_DELETE},
    {"Backspace", KEYCODE_BACKSPACE},
    {"Enter", KEYCODE_ENTER},
    {"Tab", KEYCODE_TAB},
    {"Shift-Tab", KEYCODE_SHIFT_TAB},
    {"Esc", KEYCODE_ESCAPE},
    {"Space", ' '},
};

static const struct {
    const char *prefix;
    keycode bit;
} modifiers[] = {
    {"Ctrl-", KEYCODE_CTRL},
    {"Shift-", KEYCODE_SHIFT},
};

#define KEYCODE_MODIFIERS ((keycode)(KEYCODE_SHIFT | KEYCODE_CTRL | KEYCODE_ALT))

keycode key_from_char(uint32_t ch)
{
    switch (ch) {
    case '\t':
        return KEYCODE_TAB;
    case '\r':
    case '\n':
        return KEYCODE_ENTER;
    case 0x1b:
        return KEYCODE_ESCAPE;
    case 0x08:
    case 0x7f:
        return KEYCODE_BACKSPACE;
    default:
        return ch;
    }
}

keycode key_parse(const char *name)
{
    if (g_str_has_prefix(name, "Alt-")) {
        keycode key = key_parse(name + 4);
        return key == KEYCODE_NONE ? key : key | KEYCODE_ALT;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(names[i].name, name) == 0) {
            return names[i].key;
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(modifiers); i++) {
        if (g_str_has_prefix(name, modifiers[i].prefix)) {
            keycode key = key_parse(name + strlen(modifiers[i].prefix));
            if ((key & ~KEYCODE_MODIFIERS) > KEYCODE_NONE) {
                return key | modifiers[i].bit;
            }
        }
    }
    if (g_str_has_prefix(name, "Ctrl-") && name[5] >= '@' && name[5] <= '_' && name[6] == '\0') {
        return key_from_char((uint32_t)name[5] & 0x1f);
    }
    if (name[0] == 'F' && g_ascii_isdigit(name[1])) {
        uint64_t number = g_ascii_strtoull(name + 1, NULL, 10);
        return number >= 1 && number <= 12 && strlen(name) <= 3 ? (keycode)(KEYCODE_F1 + number - 1) : KEYCODE_NONE;
    }
    gunichar ch = g_utf8_get_char_validated(name, -1);
    if (name[0] != '\0' && ch < KEYCODE_NONE && *g_utf8_next_char(name) == '\0') {
        return key_from_char(ch);
    }
    return KEYCODE_NONE;
}

char *key_format(keycode key)
{
    if (key & KEYCODE_ALT) {
        g_autofree char *plain = key_format(key & ~(keycode)KEYCODE_ALT);
        return g_strconcat("Alt-", plain, NULL);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(modifiers); i++) {
        if (key & modifiers[i].bit) {
            g_autofree char *plain = key_format(key & ~modifiers[i].bit);
            return g_strconcat(modifiers[i].prefix, plain, NULL);
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (names[i].key == key) {
            return g_strdup(names[i].name);
        }
    }
    if (key >= KEYCODE_F1 && key <= KEYCODE_F12) {
        return g_strdup_printf("F%u", key - KEYCODE_F1 + 1);
    }
    if (key < 0x20) {
        return g_strdup_printf("Ctrl-%c", (char)(key + '@'));
    }
    char text[7] = {0};
    g_unichar_to_utf8(key < KEYCODE_NONE ? key : '?', text);
    return g_strdup(text);
}

bool key_is_text(keycode key)
{
    return key >= 0x20 && key < KEYCODE_NONE;
}
