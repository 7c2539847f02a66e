/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where offset, bytes, text and inspector are in the hex panel. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    HEX_PANE_LINES = 11,
    HEX_BRIEF_LINES = 2,
    HEX_SIDE_FROM = 150,  /* columns of a panel that has room for the inspector beside the bytes */
    HEX_SIDE_COLUMNS = 60,
    HEX_SIDE_LINES = 27,  /* when all of it is there */
};

/* How much of what the bytes mean is shown. */
enum hex_inspector { HEX_INSPECTOR_FULL, HEX_INSPECTOR_BRIEF, HEX_INSPECTOR_NONE, HEX_INSPECTOR_COUNT };

struct hex_layout {
    int width;     /* bytes a row: 32, 24, 16 or 8; fewer where not even 8 fit */
    int digits;    /* of the offset */
    int hex;       /* column of the first byte; 0: no room for offsets */
    int text;      /* column of the first character; 0: no room */
    bool bars;     /* lines around the text */
    bool gaps;     /* a space more between groups of eight */
    int group;     /* bytes without a space between them */
    bool little;   /* the last of a group first */
    int lines;     /* of bytes */
    int inspector; /* lines below them */
    int side;      /* column of the inspector beside them; 0: it is below, or nowhere */
};

/* Of the offsets below end, in hex or decimal. */
int hex_layout_digits(int64_t end, bool decimal);
/* digits: of an offset; group: 1, 2, 4 or 8; most: bytes a row where that many fit, 0: as many as fit. */
struct hex_layout hex_layout(int width, int height, int digits, int group, bool little, int most, enum hex_inspector inspector);
/* Column of the i-th byte's first digit. */
int hex_layout_byte(const struct hex_layout *layout, int i);
