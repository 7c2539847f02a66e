/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of the display that is a terminal, for its own files: what is known of the terminal, what it shows, what came in. */
#pragma once

#define NCURSES_WIDECHAR 1
#include <curses.h>

#include <termios.h>

#include "ui/decode.h"
#include "ui/display.h"
#include "ui/paint.h"
#include "ui/role.h"

struct escape;

enum { CURSES_FLAG_VARIANTS = 4 /* combinations of CELL_SELECTED and CELL_CURSOR */ };

struct looks {
    attr_t attributes;
    int pair;
};

struct curses {
    struct display base;
    SCREEN *screen;
    struct termios modes; /* of the terminal as it was found */
    char restore[512];    /* what a fatal signal writes */
    size_t restore_len;
    struct looks looks[ROLE_COUNT][CURSES_FLAG_VARIANTS];
    struct cell *shown; /* width * height, NULL: nothing is known to be shown */
    int width, height;
    bool cursor_visible;
    bool left;
    enum theme_depth depth;
    struct escape *escape;
    struct decode decode; /* of a character that came in part */
    int64_t heard_us; /* g_get_monotonic_time() of the last input */
    bool wraps_early;  /* its description says that it goes to the next row behind the last column, which few do today: see show_by_curses() */
    bool speaks_xterm; /* knows the mouse, bracketed paste and questions for colours, or ignores them */
    bool mouse;
    bool asked;          /* for the colour of the background, and not answered yet */
    int64_t asked_us;
    struct paint *paint; /* NULL: curses paints */
    GString *out;        /* what it says of a frame */
};

static inline struct curses *curses_of(struct display *display)
{
    return (struct curses *)display;
}

/* ---- curses-show.c: as display_ops has them ---- */

void curses_show(struct display *display, const struct grid *grid);
void curses_size(struct display *display, int *ret_width, int *ret_height);
void curses_forget(struct display *display);
void curses_dress(struct display *display, const struct theme *theme);
/* How roles look in the theme, where curses paints; to begin with. */
void curses_make_looks(struct curses *curses, const struct theme *theme);

/* ---- curses-input.c: as display_ops has it ---- */

struct event curses_read(struct display *display);
