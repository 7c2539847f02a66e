/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where offset, bytes, text and inspector are in the hex panel. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { HEX_PANE_LINES = 9 };

struct hex_layout {
    int width;     /* bytes a row: 32, 16 or 8; fewer where not even 8 fit */
    int digits;    /* of the offset */
    int hex;       /* column of the first byte; 0: no room for offsets */
    int text;      /* column of the first character; 0: no room */
    bool bars;     /* lines around the text */
    bool gaps;     /* a space more between groups of eight */
    int group;     /* bytes without a space between them */
    bool little;   /* the last of a group first */
    int lines;     /* of bytes */
    int inspector; /* lines below them */
};

/* end: the largest offset to be shown; group: 1, 2, 4 or 8. */
struct hex_layout hex_layout(int width, int height, int64_t end, int group, bool little);
/* Column of the i-th byte's first digit. */
int hex_layout_byte(const struct hex_layout *layout, int i);
