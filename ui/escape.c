/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Three shapes: ESC [ parameters final, ESC ] text ST (or BEL), and, between ESC [ 200 ~ and ESC [ 201 ~, pasted text, in
 * which nothing has a meaning but that end.  Both kinds of parameters are bounded; what is longer is passed over to its end.
 */
#include "ui/escape.h"

#include <stdlib.h>
#include <string.h>

enum { SEQUENCE_MAX = 128, NUMBERS_MAX = 4 };

enum state { CLOSED, CSI, OSC, OSC_ESCAPE, PASTE };

struct escape {
    enum state state;
    char text[SEQUENCE_MAX]; /* since the introducer */
    unsigned len; /* of that; in a paste, of its end, as far as that has come */
    bool too_long;
    GString *paste;
};

static const char paste_end[] = "\033[201~";

struct escape *escape_new(void)
{
    struct escape *escape = g_new0(struct escape, 1);
    escape->paste = g_string_new(NULL);
    return escape;
}

void escape_free(struct escape *escape)
{
    if (escape != NULL) {
        g_string_free(escape->paste, TRUE);
        g_free(escape);
    }
}

static void open_sequence(struct escape *escape, enum state state)
{
    escape->state = state;
    escape->len = 0;
    escape->too_long = false;
}

bool escape_begins(struct escape *escape, uint32_t ch)
{
    if (ch != '[' && ch != ']') {
        return false;
    }
    open_sequence(escape, ch == '[' ? CSI : OSC);
    return true;
}

bool escape_is_open(const struct escape *escape)
{
    return escape->state != CLOSED;
}

bool escape_is_paste(const struct escape *escape)
{
    return escape->state == PASTE;
}

/* ---- what sequences mean ---- */

/* Numbers between semicolons; those that miss are 0. */
static void parse_numbers(const char *text, int numbers[static NUMBERS_MAX])
{
    memset(numbers, 0, NUMBERS_MAX * sizeof *numbers);
    for (int i = 0; i < NUMBERS_MAX; i++) {
        numbers[i] = (int)MIN(strtoul(text, NULL, 10), G_MAXINT16);
        text = strchr(text, ';');
        if (text == NULL) {
            break;
        }
        text++;
    }
}

/* 1 more than a sum of shift 1, alt 2 and control 4. */
static keycode modifiers_of(int number)
{
    int bits = number > 0 ? number - 1 : 0;
    return (bits & 1 ? KEYCODE_SHIFT : 0u) | (bits & 2 ? KEYCODE_ALT : 0u) | (bits & 4 ? KEYCODE_CTRL : 0u);
}

/* Button in the low bits, then shift 4, alt 8, control 16, moved 32, wheel 64. */
static struct event mouse_event(const char *text, bool release)
{
    int numbers[NUMBERS_MAX];
    parse_numbers(text, numbers);
    int code = numbers[0], low = code & 3;
    struct mouse mouse = {
        .x = numbers[1] - 1,
        .y = numbers[2] - 1,
        .modifiers = modifiers_of((code >> 2 & 7) + 1),
    };
    if (mouse.x < 0 || mouse.y < 0 || code >= 128) {
        return (struct event){EVENT_NONE};
    }
    if (code & 64) {
        mouse.what = low == 0 ? MOUSE_WHEEL_UP : MOUSE_WHEEL_DOWN;
        return (struct event){.kind = low < 2 && !release ? EVENT_MOUSE : EVENT_NONE, .mouse = mouse};
    }
    mouse.button = low + 1;
    mouse.what = release ? MOUSE_RELEASE : code & 32 ? MOUSE_DRAG : MOUSE_PRESS;
    return (struct event){.kind = low < 3 ? EVENT_MOUSE : EVENT_NONE, .mouse = mouse};
}

static struct event key_event(keycode key, int modifiers)
{
    if (key == KEYCODE_NONE) {
        return (struct event){EVENT_NONE};
    }
    return (struct event){.kind = EVENT_KEY, .key = key | modifiers_of(modifiers)};
}

static keycode key_of_letter(uint32_t letter)
{
    switch (letter) {
    case 'A':
        return KEYCODE_UP;
    case 'B':
        return KEYCODE_DOWN;
    case 'C':
        return KEYCODE_RIGHT;
    case 'D':
        return KEYCODE_LEFT;
    case 'F':
        return KEYCODE_END;
    case 'H':
        return KEYCODE_HOME;
    case 'Z':
        return KEYCODE_SHIFT_TAB;
    default:
        return KEYCODE_NONE;
    }
}

static keycode key_of_number(int number)
{
    static const keycode keys[] = {
        [1] = KEYCODE_HOME, [2] = KEYCODE_INSERT,  [3] = KEYCODE_DELETE,    [4] = KEYCODE_END,
        [5] = KEYCODE_PAGE_UP, [6] = KEYCODE_PAGE_DOWN, [7] = KEYCODE_HOME, [8] = KEYCODE_END,
    };
    return number >= 1 && number < (int)G_N_ELEMENTS(keys) ? keys[number] : KEYCODE_NONE;
}

static struct event end_csi(struct escape *escape, uint32_t final)
{
    int numbers[NUMBERS_MAX];
    escape->text[escape->len] = '\0';
    escape->state = CLOSED;
    if (escape->too_long) {
        return (struct event){EVENT_NONE};
    }
    if (escape->text[0] == '<') {
        return final == 'M' || final == 'm' ? mouse_event(escape->text + 1, final == 'm') : (struct event){EVENT_NONE};
    }
    if (strspn(escape->text, "0123456789;") != escape->len) {
        return (struct event){EVENT_NONE}; /* an answer nobody asked for */
    }
    parse_numbers(escape->text, numbers);
    if (final == '~' && numbers[0] == 200) {
        open_sequence(escape, PASTE);
        g_string_truncate(escape->paste, 0);
        return (struct event){EVENT_NONE};
    }
    return key_event(final == '~' ? key_of_number(numbers[0]) : key_of_letter(final), numbers[1]);
}

/* A hexadecimal number of one to four digits, as a part of the largest with that many; -1: it is none. */
static int colour_part(const char **text)
{
    char *end;
    unsigned long value = strtoul(*text, &end, 16);
    ptrdiff_t digits = end - *text;
    if (!g_ascii_isxdigit(**text) || digits < 1 || digits > 4) {
        return -1;
    }
    *text = end + (*end == '/');
    return (int)(value * 255 / ((1ul << (4 * digits)) - 1));
}

/* "11;rgb:RRRR/GGGG/BBBB" */
static struct event end_osc(struct escape *escape)
{
    struct event event = {EVENT_NONE};
    escape->text[escape->len] = '\0';
    escape->state = CLOSED;
    const char *at = escape->text;
    if (escape->too_long || !g_str_has_prefix(at, "11;rgb")) {
        return event;
    }
    at = strchr(at, ':');
    for (int i = 0; at != NULL && i < 3; i++) {
        at += i == 0;
        int part = colour_part(&at);
        if (part < 0) {
            return event;
        }
        event.colour[i] = (uint8_t)part;
    }
    event.kind = at != NULL ? EVENT_BACKGROUND : EVENT_NONE;
    return event;
}

/* ---- characters ---- */

static void keep(struct escape *escape, uint32_t ch)
{
    escape->too_long = escape->too_long || escape->len + 1 == SEQUENCE_MAX || ch >= 0x80;
    if (!escape->too_long) {
        escape->text[escape->len++] = (char)ch;
    }
}

static struct event feed_csi(struct escape *escape, uint32_t ch)
{
    if (ch >= 0x40 && ch <= 0x7e) {
        return end_csi(escape, ch);
    }
    if (ch < 0x20 || ch > 0x7e) {
        escape->state = CLOSED;
    } else {
        keep(escape, ch);
    }
    return (struct event){EVENT_NONE};
}

static struct event feed_osc(struct escape *escape, uint32_t ch)
{
    if (ch == '\a' || (escape->state == OSC_ESCAPE && ch == '\\')) {
        return end_osc(escape);
    }
    if (ch == 0x1b) {
        escape->state = OSC_ESCAPE;
    } else if (ch < 0x20 || escape->state == OSC_ESCAPE) {
        escape->state = CLOSED;
    } else {
        keep(escape, ch);
    }
    return (struct event){EVENT_NONE};
}

static struct event end_paste(struct escape *escape)
{
    escape->state = CLOSED;
    return (struct event){.kind = EVENT_PASTE, .text = escape->paste->str};
}

/* Text is kept as far as there is room; what may be the end of the paste only when it turns out not to be. */
static void keep_pasted(GString *paste, uint32_t ch)
{
    if (paste->len < ESCAPE_PASTE_MAX) {
        g_string_append_unichar(paste, ch != 0 && ch < KEYCODE_NONE ? ch : 0xfffd);
    }
}

static struct event feed_paste(struct escape *escape, uint32_t ch)
{
    if (ch != (uint8_t)paste_end[escape->len]) {
        for (unsigned i = 0; i < escape->len; i++) {
            keep_pasted(escape->paste, (uint8_t)paste_end[i]);
        }
        escape->len = 0; /* only its first character is an escape: nothing of this begins another one */
    }
    if (ch != (uint8_t)paste_end[escape->len]) {
        keep_pasted(escape->paste, ch);
    } else if (paste_end[++escape->len] == '\0') {
        return end_paste(escape);
    }
    return (struct event){EVENT_NONE};
}

struct event escape_feed(struct escape *escape, uint32_t ch)
{
    switch (escape->state) {
    case CSI:
        return feed_csi(escape, ch);
    case OSC:
    case OSC_ESCAPE:
        return feed_osc(escape, ch);
    case PASTE:
        return feed_paste(escape, ch);
    case CLOSED:
        break;
    }
    return (struct event){EVENT_NONE};
}

struct event escape_give_up(struct escape *escape)
{
    if (escape->state == PASTE) {
        return end_paste(escape);
    }
    escape->state = CLOSED;
    return (struct event){EVENT_NONE};
}
