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
    {"Alt-", KEYCODE_ALT},
    {"Ctrl-", KEYCODE_CTRL},
    {"Shift-", KEYCODE_SHIFT},
};

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

/* A key without modifiers but those that make another character or key of it. */
static keycode parse_plain(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(names[i].name, name) == 0) {
            return names[i].key;
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
        return ch >= 0x80 && ch < 0xa0 ? (keycode)KEYCODE_NONE : key_from_char(ch); /* nobody types those */
    }
    return KEYCODE_NONE;
}

/* Each modifier once at most: who writes very many of them names no key. */
keycode key_parse(const char *name)
{
    keycode bits = 0, key;
    while ((key = parse_plain(name)) == KEYCODE_NONE) {
        size_t i = 0;
        while (i < G_N_ELEMENTS(modifiers) && ((bits & modifiers[i].bit) || !g_str_has_prefix(name, modifiers[i].prefix))) {
            i++;
        }
        if (i == G_N_ELEMENTS(modifiers)) {
            return KEYCODE_NONE;
        }
        bits |= modifiers[i].bit;
        name += strlen(modifiers[i].prefix);
    }
    bool only_special = bits & (keycode)(KEYCODE_CTRL | KEYCODE_SHIFT);
    return only_special && key <= KEYCODE_NONE ? (keycode)KEYCODE_NONE : key | bits;
}

char *key_format(keycode key)
{
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
