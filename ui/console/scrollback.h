/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of output, very many in bounded memory, and a view of them that scrolls by rows of the screen. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/grid.h"

enum {
    SCROLLBACK_BYTES_DEFAULT = 64 << 20, /* holds 100,000 lines of 500 bytes, or 600,000 of a hex dump */
    SCROLLBACK_LINE_MAX = 4096,          /* a longer line goes on in the next one */
};

struct scrollback;

/* max_bytes: memory for text and lines; the oldest lines are dropped beyond it. */
struct scrollback *scrollback_new(size_t max_bytes);
void scrollback_free(struct scrollback *scrollback);

/*
 * Appends text, any bytes; it is shown escaped.  A line ends at a newline; an unfinished one is continued by the next
 * text of the same role and ended by any other.
 */
void scrollback_add(struct scrollback *scrollback, enum role role, const char *text, size_t len);
/* Takes the newest line away if it is finished, has that role and begins with prefix: whether it was. */
bool scrollback_take_last(struct scrollback *scrollback, enum role role, const char *prefix);
/* Lines held, the unfinished one included; and the number of those already dropped. */
uint64_t scrollback_lines(const struct scrollback *scrollback);
uint64_t scrollback_dropped(const struct scrollback *scrollback);
/* Memory in use, in bytes. */
size_t scrollback_bytes(const struct scrollback *scrollback);

/* Paints the view, as many rows as there are; returns how many.  Remembers the surface's size for scrolling. */
int scrollback_draw(struct scrollback *scrollback, struct surface surface);
/* Moves the view by rows, negative: back.  Whether it moved. */
bool scrollback_scroll(struct scrollback *scrollback, int rows);
void scrollback_scroll_first(struct scrollback *scrollback);
/* The view follows new text again. */
void scrollback_scroll_last(struct scrollback *scrollback);
/* Whether the view follows new text. */
bool scrollback_follows(const struct scrollback *scrollback);
/* Lines below the view. */
uint64_t scrollback_below(const struct scrollback *scrollback);
