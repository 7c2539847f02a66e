/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/hex-rows.h"

#include <string.h>

#include "ui/panels/hex-cache.h"

int64_t hex_rows_row(const struct hex_rows *rows, int64_t offset)
{
    return offset - offset % rows->width;
}

int64_t hex_rows_last(const struct hex_rows *rows)
{
    int64_t size = rows->source->ops->size(rows->source);

    return size > 0 ? hex_rows_row(rows, size - 1) : 0;
}

static bool hole_at(const struct hex_rows *rows, int64_t offset, int64_t *ret_start, int64_t *ret_end)
{
    struct hex_source_hole hole;

    if (!rows->source->ops->hole || !rows->source->ops->hole(rows->source, offset, &hole)) {
        return false;
    }
    *ret_start = hole.start;
    *ret_end = hole.end;
    return true;
}

static bool same_at(const struct hex_rows *rows, int64_t offset, int64_t *ret_start, int64_t *ret_end)
{
    return rows->source->ops->same && rows->source->ops->same(rows->source, offset, rows->width, ret_start, ret_end);
}

static bool is_known(const uint8_t *states, int n)
{
    for (int i = 0; i < n; i++) {
        if (states[i] != HEX_KNOWN && states[i] != HEX_HOLE) {
            return false;
        }
    }
    return true;
}

/* Whether a row may be folded at all, whatever its bytes are. */
static bool may_fold(const struct hex_rows *rows, int64_t row, int64_t last)
{
    return row > 0 && row < last && (rows->cursor < row || rows->cursor >= row + rows->width);
}

static bool is_folded(const struct hex_rows *rows, int64_t row, int64_t last)
{
    uint8_t bytes[2 * HEX_ROW_MAX], states[2 * HEX_ROW_MAX];
    int width = rows->width;
    int64_t before = row - width, start, end;

    if (!may_fold(rows, row, last)) {
        return false;
    }
    if (rows->source->ops->run) {
        rows->source->ops->run(rows->source, row, width, &start, &end);
        return row > start;
    }
    if ((hole_at(rows, before, &start, &end) || same_at(rows, before, &start, &end)) && row + width <= end) {
        return true;
    }
    if (row / HEX_BLOCK != before / HEX_BLOCK) {
        return false;
    }
    rows->source->ops->get(rows->source, before, (size_t)(2 * width), bytes, states);
    return is_known(states, 2 * width) && memcmp(bytes, bytes + width, (size_t)width) == 0;
}

/* How many bytes from the start of a piece are the same as those a row further on. */
static size_t equal_bytes(const uint8_t *bytes, size_t n, size_t width)
{
    size_t i = 0, all = n > width ? n - width : 0;

    if (all > 0 && memcmp(bytes, bytes + width, all) == 0) {
        return all;
    }
    while (i < all && bytes[i] == bytes[i + width]) {
        i++;
    }
    return i;
}

/* First row from row on, which is folded, that is not. */
static int64_t fold_end(const struct hex_rows *rows, int64_t row, int64_t last)
{
    const int64_t cursor_row = hex_rows_row(rows, rows->cursor);
    const int width = rows->width;

    while (is_folded(rows, row, last)) {
        int64_t limit = cursor_row > row ? MIN(cursor_row, last) : last;
        int64_t start, end, to = row + width;
        const uint8_t *bytes;

        if (rows->source->ops->run) {
            rows->source->ops->run(rows->source, row, width, &start, &to);
        } else if ((hole_at(rows, row - width, &start, &end) || same_at(rows, row - width, &start, &end)) && row + width <= end) {
            to = hex_rows_row(rows, end); /* the first row not wholly in there */
        } else {
            size_t n = rows->source->ops->piece(rows->source, row - width, &bytes);
            int64_t block_end = (row / HEX_BLOCK + 1) * HEX_BLOCK;

            n = MIN(n, (size_t)(block_end + width - (row - width)));
            to = MAX(to, row + (int64_t)(equal_bytes(bytes, n, (size_t)width) / (size_t)width) * width);
            to = MIN(to, hex_rows_row(rows, block_end + width - 1)); /* the row that begins in the next block */
        }
        row = MIN(MAX(to, row + width), limit);
    }
    return row;
}

/* The first of the folded rows that row is one of. */
static int64_t fold_start(const struct hex_rows *rows, int64_t row, int64_t last)
{
    const int64_t cursor_row = hex_rows_row(rows, rows->cursor);
    const int width = rows->width;

    while (is_folded(rows, row - width, last)) {
        int64_t start, end, first;

        row -= width;
        if (rows->source->ops->run) {
            rows->source->ops->run(rows->source, row, width, &start, &end);
            first = start + width;
        } else if (hole_at(rows, row, &start, &end) || same_at(rows, row, &start, &end)) {
            /* The first full row of it is not folded for its sake, the one behind it is. */
            first = hex_rows_row(rows, start + width - 1) + width;
        } else {
            continue;
        }
        if (cursor_row < row) {
            first = MAX(first, cursor_row + width);
        }
        row = MIN(row, first);
    }
    return row;
}

struct hex_line hex_rows_line(const struct hex_rows *rows, int64_t row)
{
    struct hex_line line = {.start = row, .rows = 1};
    int64_t last = hex_rows_last(rows), end;
    struct hex_source_hole hole;

    if (!rows->fold || !is_folded(rows, row, last)) {
        return line;
    }
    line.start = fold_start(rows, row, last);
    end = fold_end(rows, row, last);
    line.rows = (end - line.start) / rows->width;
    if (line.rows == 1) {
        return line; /* shorter as it is */
    }
    if (rows->source->ops->hole && rows->source->ops->hole(rows->source, line.start, &hole) && hole.end >= end) {
        line.hole = !hole.missing;
        line.missing = hole.missing;
    }
    return line;
}

bool hex_rows_next(const struct hex_rows *rows, struct hex_line *line)
{
    int64_t bytes = line->rows * rows->width;

    if (bytes > hex_rows_last(rows) - line->start) { /* adding might overflow */
        return false;
    }
    *line = hex_rows_line(rows, line->start + bytes);
    return true;
}

bool hex_rows_previous(const struct hex_rows *rows, struct hex_line *line)
{
    if (line->start == 0) {
        return false;
    }
    *line = hex_rows_line(rows, line->start - rows->width);
    return true;
}
