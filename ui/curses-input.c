/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What comes in from a terminal: characters and keys as curses knows them, sequences that it does not know, in pieces. */
#include "ui/curses-private.h"

#include <wchar.h>

#include "ui/curses-keys.h"
#include "ui/escape.h"

enum {
    ANSWER_US = 200 * 1000, /* between the pieces of one */
    GIVE_UP_US = 5 * 1000 * 1000, /* a sequence whose end has not come is none; what is left of a paste would be keys then */
};

/*
 * As get_wch(): OK and a character, KEY_CODE_YES and a function key, or ERR when nothing is waiting.  That one takes bytes that are no UTF-8 for
 * the beginning of a character for as long as it has room, and what comes behind them is lost.
 */
static int next_char(struct curses *curses, wint_t *ret_ch)
{
    uint32_t ch;
    int code;
    while ((code = getch()) != ERR) {
        if (code >= KEY_MIN) {
            *ret_ch = (wint_t)code;
            return KEY_CODE_YES;
        }
        if (!curses->base.traits.utf8) {
            *ret_ch = btowc(code) != WEOF ? btowc(code) : (wint_t)code;
            return OK;
        }
        enum decode_result result = decode_byte(&curses->decode, (uint8_t)code, &ch);
        if (result == DECODE_AGAIN) {
            ungetch(code);
        }
        if (result != DECODE_MORE) {
            *ret_ch = ch;
            return OK;
        }
    }
    return ERR;
}

static struct event key_event(keycode key)
{
    return (struct event){.kind = EVENT_KEY, .key = key};
}

/* An escape character came: alone, as Alt upon a key, or at the head of a sequence that is then open. */
static struct event after_escape(struct curses *curses)
{
    wint_t ch;
    int kind = next_char(curses, &ch);
    if (kind == KEY_CODE_YES) {
        keycode key = curses_keys_find(ch);
        return key_event(key == KEYCODE_NONE || key == KEYCODE_RESIZE ? KEYCODE_ESCAPE : key | KEYCODE_ALT);
    }
    if (kind == ERR) {
        return key_event(KEYCODE_ESCAPE);
    }
    if (ch == ']' && curses->asked && escape_begins(curses->escape, ch)) {
        return (struct event){EVENT_NONE}; /* the answer, perhaps in pieces */
    }
    if (ch == '[') {
        wint_t next;
        kind = next_char(curses, &next);
        if (kind == OK && escape_begins(curses->escape, ch)) {
            return escape_feed(curses->escape, next);
        }
        if (kind == KEY_CODE_YES) {
            ungetch((int)next);
        }
    }
    return key_event(key_from_char(ch) | KEYCODE_ALT);
}

struct event curses_read(struct display *display)
{
    struct curses *curses = curses_of(display);
    struct event event = {EVENT_NONE};
    wint_t ch;
    int kind;
    int64_t silence = g_get_monotonic_time() - curses->heard_us;
    bool answer = curses->asked && !escape_is_paste(curses->escape);
    if (escape_is_open(curses->escape) && silence > (answer ? ANSWER_US : GIVE_UP_US)) {
        event = escape_give_up(curses->escape);
    }
    curses->asked = curses->asked && g_get_monotonic_time() - curses->asked_us < GIVE_UP_US;
    while (event.kind == EVENT_NONE && (kind = next_char(curses, &ch)) != ERR) {
        curses->heard_us = g_get_monotonic_time();
        if (kind == KEY_CODE_YES) {
            keycode key = curses_keys_find(ch);
            event = key == KEYCODE_NONE ? event : key_event(key);
        } else if (escape_is_open(curses->escape)) {
            event = escape_feed(curses->escape, ch);
            curses->asked = curses->asked && event.kind != EVENT_BACKGROUND;
        } else if (ch != 0xfffd) { /* rubbish is no key */
            event = ch == 0x1b ? after_escape(curses) : key_event(key_from_char(ch));
        }
    }
    return event;
}
