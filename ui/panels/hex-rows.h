/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of bytes as lines of the hex panel: repeated rows fold into one line. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ui/panels/hex-source.h"

enum { HEX_ROW_MAX = 32 };

/*
 * A row is folded when it is full, known, not the last one, not the cursor's, and equal to the row before it; in an
 * image's data the row that a block of the cache begins with is only when a known stretch of the same bytes goes on there, so that how a line
 * looks depends on bytes near by, whichever way it was reached.  All offsets below are of a row's first byte.
 */
struct hex_rows {
    struct hex_source *source;
    int width; /* bytes a row, 1..HEX_ROW_MAX */
    bool fold;
    int64_t cursor; /* a byte */
};

struct hex_line {
    int64_t start;
    int64_t rows; /* 1: a row of bytes; more: that many folded ones */
    bool hole;    /* folded: all of it is a hole */
    bool missing; /* folded: the layer that would have it is not open */
};

/* First row's offset that has this byte; the last row. */
int64_t hex_rows_row(const struct hex_rows *rows, int64_t offset);
int64_t hex_rows_last(const struct hex_rows *rows);

/* The line that this row is in. */
struct hex_line hex_rows_line(const struct hex_rows *rows, int64_t row);
/* The line behind and the one before: false at the ends. */
bool hex_rows_next(const struct hex_rows *rows, struct hex_line *line);
bool hex_rows_previous(const struct hex_rows *rows, struct hex_line *line);
