/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A picture of the screen as a document: for manuals, reproducible to the byte. */
#pragma once

#include "ui/grid.h"
#include "ui/theme.h"

/* The grid in a theme's 24-bit colours as SVG 1.1.  g_free. */
char *shot_svg(const struct grid *grid, const struct theme *theme);
