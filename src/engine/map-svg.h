/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The map of an image as a picture in a file, for documents and browsers. */
#pragma once

#include <stdbool.h>

struct command_call;

/*
 * `map export`: writes an SVG with a square for each of a few thousand parts of the image, how full it is as its
 * opacity and what most of it is as its colour; a legend with exact totals; and each square's range and shares as its title.  A file that is
 * there is replaced only if force.  host: of the image's file instead, what each part of it is for, as `map --host` has it.  0, or a negative errno after having said what is wrong.
 */
int map_svg_export_co(const struct command_call *call, const char *path, bool host, bool force);
