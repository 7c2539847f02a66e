/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What shows a grid and where keys come from: a terminal through curses, or memory for tests and scripts. */
#pragma once

#include <glib.h>

#include "ui/event.h"
#include "ui/grid.h"
#include "ui/theme.h"

/* Base of every display: the first member of its own struct. */
struct display {
    const struct display_ops *ops;
    struct grid_traits traits;
};

struct display_ops {
    const char *name;
    void (*size)(struct display *display, int *ret_width, int *ret_height);
    /* Makes the display look like the grid, which has its size; sends what changed and nothing else. */
    void (*show)(struct display *display, const struct grid *grid);
    /* What came in next, EVENT_NONE when nothing is waiting.  Never waits. */
    struct event (*read)(struct display *display);
    int fd; /* readable when something may be waiting; -1: none */
    /* Whether the mouse is the program's (on) or the terminal's own, for marking text. */
    void (*mouse)(struct display *display, bool on);
    /* Puts text into the clipboard behind it, and never asks for what is there; false: there is none. */
    bool (*copy)(struct display *display, const char *text, size_t len);
    /* What it shows is not to be trusted (it may have cut something off): all of it is sent with the next show. */
    void (*forget)(struct display *display);
    /* Gives the terminal back as it was found, and takes it again (all of it is painted with the next show). */
    void (*leave)(struct display *display);
    void (*enter)(struct display *display);
    /* From the next show on it looks as the theme says; the theme stays the caller's and may go. */
    void (*dress)(struct display *display, const struct theme *theme);
    /* leave()s if need be, and frees. */
    void (*free)(struct display *display);
};

/*
 * The terminal on standard input and output; the theme stays the caller's and may go.  From here until it is left
 * or freed a fatal signal restores the terminal before it takes effect.  NULL and an error when the terminal can't show
 * a screen.
 */
struct display *curses_new(const struct theme *theme, GError **error);
/* The library it is made with, and its version.  Static. */
const char *curses_library(void);

/* A display in memory. */
struct display *headless_new(int width, int height, struct grid_traits traits);
void headless_resize(struct display *display, int width, int height);
/* What it shows: text, roles and cursor, in the form of tests/screens (*.screen).  g_free. */
char *headless_dump(struct display *display);
/* Only the text, a line a row, without trailing spaces.  g_free. */
char *headless_text(struct display *display);
/* Number of frames shown so far. */
unsigned headless_frames(struct display *display);
