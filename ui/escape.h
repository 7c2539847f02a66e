/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sequences that terminals send and curses does not know: the mouse (SGR 1006), bracketed paste, keys with modifiers, answers. */
#pragma once

#include <glib.h>

#include "ui/event.h"

enum { ESCAPE_PASTE_MAX = 16 << 20 };

struct escape;

struct escape *escape_new(void);
void escape_free(struct escape *escape);

/* Whether ch, which came right behind an escape character, begins a sequence; then all that follows is to be fed. */
bool escape_begins(struct escape *escape, uint32_t ch);
/* Whether one is under way. */
bool escape_is_open(const struct escape *escape);
/* Whether it is pasted text. */
bool escape_is_paste(const struct escape *escape);
/*
 * The next character of it.  EVENT_NONE: go on, or what it was meant nothing (escape_is_open() tells).  Does not wait, and what
 * is no sequence after all ends at its first wrong character.
 */
struct event escape_feed(struct escape *escape, uint32_t ch);
/*
 * Nothing has come for a while: a sequence that was cut off is forgotten; a paste that never ends is given out as far as it
 * came.
 */
struct event escape_give_up(struct escape *escape);
