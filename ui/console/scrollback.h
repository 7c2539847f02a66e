/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A view of lines of output that scrolls by rows of the screen; the lines are in a store of its own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/console/linestore.h"
#include "ui/grid.h"

enum { SCROLLBACK_BYTES_DEFAULT = 64 << 20 }; /* holds 100,000 lines of 500 bytes, or 600,000 of a hex dump */

struct scrollback;

/* max_bytes: memory for text and lines; the oldest lines are dropped beyond it. */
struct scrollback *scrollback_new(size_t max_bytes);
void scrollback_free(struct scrollback *scrollback);
/* The lines it shows; what is added to them is shown escaped.  Valid as long as it. */
struct linestore *scrollback_store(struct scrollback *scrollback);

/* Paints the view, as many rows as there are; returns how many.  Remembers the surface's size for scrolling. */
int scrollback_draw(struct scrollback *scrollback, struct surface surface);
/* Moves the view by rows, negative: back.  Whether it moved. */
bool scrollback_scroll(struct scrollback *scrollback, int rows);
void scrollback_scroll_first(struct scrollback *scrollback);
/* The view follows new text again. */
void scrollback_scroll_last(struct scrollback *scrollback);
/* Lines below the view. */
uint64_t scrollback_below(const struct scrollback *scrollback);

/* ---- looking for text, and taking it ---- */

/*
 * The next line with that text in it (ASCII letters in either case when text has no capitals) above the line from, or from there
 * on, that one not included; false: there is none.  Lines keep their numbers.
 */
bool scrollback_find(struct scrollback *scrollback, const char *text, uint64_t from, bool backward, uint64_t *ret_line);
/* Where the view is: its first line and row of that line. */
struct scrollback_place {
    bool follows; /* new text; the others do not count */
    uint64_t line;
    int row;
};
struct scrollback_place scrollback_place(struct scrollback *scrollback);
/* Goes there, or as near as there are lines. */
void scrollback_set_place(struct scrollback *scrollback, struct scrollback_place place);
/* Moves the view so that the line is in it. */
void scrollback_show(struct scrollback *scrollback, uint64_t line);
/* The line behind the view's last. */
uint64_t scrollback_view_end(struct scrollback *scrollback);
/* The line behind the newest. */
uint64_t scrollback_end(const struct scrollback *scrollback);
/* The line that a row of the view last drawn belongs to; false: none. */
bool scrollback_line_at(const struct scrollback *scrollback, int y, uint64_t *ret_line);
/* From now on that text is marked wherever it is painted; NULL: none is. */
void scrollback_mark_text(struct scrollback *scrollback, const char *text);
/* The same of lines first to last; first behind last: none. */
void scrollback_mark_lines(struct scrollback *scrollback, uint64_t first, uint64_t last);
bool scrollback_marked_lines(const struct scrollback *scrollback, uint64_t *ret_first, uint64_t *ret_last);
/* Those lines that are still held, with newlines; NULL: more than max bytes.  g_free. */
char *scrollback_text(struct scrollback *scrollback, uint64_t first, uint64_t last, size_t max);
/* The newest line of that role above the line before; false: there is none. */
bool scrollback_find_role(struct scrollback *scrollback, enum role role, uint64_t before, uint64_t *ret_line);
