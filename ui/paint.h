/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A frame as the sequences that make a terminal show it, for those terminals that all speak the same (ECMA-48, and colours as xterm
 * has them): a fraction of the time and bytes that curses takes, which asks its description of the terminal for every change.
 */
#pragma once

#include <glib.h>

#include "ui/grid.h"
#include "ui/theme.h"

struct paint;

struct paint *paint_new(void);
void paint_free(struct paint *paint);
/* How roles look from now on; the theme stays the caller's. */
void paint_dress(struct paint *paint, const struct theme *theme, enum theme_depth depth);
/*
 * Appends what turns shown (NULL: anything may be there) into cells, both width * height.  Nothing when they are alike.  Begins
 * and ends with plain attributes and the cursor anywhere.
 */
void paint_frame(struct paint *paint, const struct cell *cells, const struct cell *shown, int width, int height, GString *out);
/* Appends what moves the cursor there. */
void paint_cursor(GString *out, int x, int y);
/* Whether two cells look the same. */
bool paint_same(const struct cell *a, const struct cell *b);
