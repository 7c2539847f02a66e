/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The screen in memory: a grid of cells {character, role, flags}, painted through clipped surfaces, shown by a back
 * end. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "ui/role.h"

enum { CELL_COMBINING_MAX = 3 };

enum cell_flags {
    CELL_SELECTED = 1 << 0,  /* looks like ROLE_SELECTION, in the role's own hue where the theme allows it */
    CELL_CURSOR = 1 << 1,    /* a panel's own cursor (ROLE_CURSOR); the terminal's cursor is another thing */
    CELL_CONTINUED = 1 << 2, /* right half of a wide character; set by the grid only */
};

struct cell {
    uint32_t ch;                            /* code point; 0 in a CELL_CONTINUED cell */
    uint32_t combining[CELL_COMBINING_MAX]; /* zero-width marks upon it, 0: none */
    uint8_t role;                           /* enum role */
    uint8_t flags;                          /* enum cell_flags */
};

/* What the terminal can do, for those who choose glyphs: meaning must survive both being false. */
struct grid_traits {
    bool utf8;   /* else ASCII only: the grid replaces what it knows (borders, blocks, dots), '?' for the rest */
    bool colour; /* else attributes only */
};

/* Appends the cell's characters; nothing for the right half of a wide one. */
void cell_append(GString *text, const struct cell *cell);

struct grid;

struct grid *grid_new(int width, int height, struct grid_traits traits);
void grid_free(struct grid *grid);
/* Contents are blank after it.  Sizes below 1 count as 1. */
void grid_resize(struct grid *grid, int width, int height);
/* Blanks all cells in ROLE_TEXT and hides the terminal's cursor. */
void grid_clear(struct grid *grid);
int grid_width(const struct grid *grid);
int grid_height(const struct grid *grid);
/* The same contents. */
struct grid *grid_copy(const struct grid *grid);
/* Its characters, a line a row, without trailing spaces.  g_free. */
char *grid_text(const struct grid *grid);
/* (x, y) must be in the grid. */
const struct cell *grid_cell(const struct grid *grid, int x, int y);
/* Where the terminal's cursor is to be: false when it is hidden. */
bool grid_cursor(const struct grid *grid, int *ret_x, int *ret_y);

/*
 * A rectangle of a grid that a panel paints into and cannot leave: coordinates are relative to it, what lies outside
 * is clipped, a wide character that does not fit wholly becomes spaces.  Passed by value.
 */
struct surface {
    struct grid *grid;
    int x, y;          /* of its top left corner in the grid */
    int width, height; /* >= 0 */
};

struct surface surface_of(struct grid *grid);
/* The part of surface that begins at (x, y) and has at most this size; perhaps empty. */
struct surface surface_part(struct surface surface, int x, int y, int width, int height);
struct grid_traits surface_traits(struct surface surface);

/*
 * Puts UTF-8 text at (x, y); returns the column after it (which may lie outside).  Columns are those of the terminal:
 * wide characters take two, combining marks none.  Controls, invisible format characters and invalid bytes are shown
 * escaped (as safetext_escape() does), so any text may be given; newlines are no exception.
 */
int surface_put(struct surface surface, int x, int y, enum role role, const char *text);
/* len in bytes, -1: terminated. */
int surface_put_len(struct surface surface, int x, int y, enum role role, const char *text, int len);
int surface_printf(struct surface surface, int x, int y, enum role role, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* At most columns wide; when it is longer it ends in an ellipsis.  Returns the column after it. */
int surface_put_fit(struct surface surface, int x, int y, int columns, enum role role, const char *text);
/*
 * Wrapped at words, in at most rows of that many columns (the last then ends in an ellipsis); returns the row behind.  Rows outside
 * the surface are only counted.
 */
int surface_put_words(struct surface surface, int x, int y, int columns, int rows, enum role role, const char *text);
/* One character of width one (block, border, letter). */
void surface_put_char(struct surface surface, int x, int y, enum role role, uint32_t ch);
/* count copies of ch from (x, y) to the right. */
void surface_repeat(struct surface surface, int x, int y, int count, enum role role, uint32_t ch);
/* Fills the whole surface. */
void surface_fill(struct surface surface, enum role role, uint32_t ch);
/* Adds flags (CELL_SELECTED, CELL_CURSOR) to count cells from (x, y); characters and roles stay. */
void surface_mark(struct surface surface, int x, int y, int count, unsigned flags);
/* Shows the terminal's cursor at (x, y), if that is inside. */
void surface_set_cursor(struct surface surface, int x, int y);

/*
 * A frame along the surface's edge: lines that meet those of frames already painted in the grid are joined to them.
 */
void surface_frame(struct surface surface, enum role role);
/*
 * A title in the frame's top line, shortened when too long; after all frames that share the line.  Without colour one in
 * ROLE_TITLE_FOCUS stands in brackets.
 */
void surface_title(struct surface surface, enum role role, const char *title);

/* Columns that surface_put() would take for this text (len in bytes, -1: terminated). */
int text_columns(const char *text, int len);
/* Columns of a code point: 0, 1 or 2; for what is shown escaped, the width of that escape. */
int text_char_columns(uint32_t ch);
