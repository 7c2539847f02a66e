/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "util/hexrow.h"

#include <string.h>

/* "xx " and a byte that whatever comes next overwrites: one store a byte. */
#define CELL(high, low)                                                                                                \
    {                                                                                                                  \
        high, low, ' ', ' '                                                                                            \
    }
#define CELLS(high)                                                                                                    \
    CELL(high, '0'), CELL(high, '1'), CELL(high, '2'), CELL(high, '3'), CELL(high, '4'), CELL(high, '5'),              \
        CELL(high, '6'), CELL(high, '7'), CELL(high, '8'), CELL(high, '9'), CELL(high, 'a'), CELL(high, 'b'),          \
        CELL(high, 'c'), CELL(high, 'd'), CELL(high, 'e'), CELL(high, 'f')

static const char cells[256][4] = {
    CELLS('0'), CELLS('1'), CELLS('2'), CELLS('3'), CELLS('4'), CELLS('5'), CELLS('6'), CELLS('7'),
    CELLS('8'), CELLS('9'), CELLS('a'), CELLS('b'), CELLS('c'), CELLS('d'), CELLS('e'), CELLS('f'),
};

static char *put_offset(char *out, uint64_t offset)
{
    unsigned digits = 8;
    while (digits < 16 && offset >> (4 * digits))
        digits++;
    if (digits & 1)
        *out++ = cells[offset >> (4 * --digits) & 15][1];
    for (; digits; digits -= 2, out += 2)
        memcpy(out, cells[offset >> (4 * (digits - 2)) & 255], 2);
    memcpy(out, ":  ", 3);
    return out + 3;
}

/* Without branches or tables, so that a whole row of it becomes a few vector instructions. */
static inline char shown(uint8_t byte)
{
    uint8_t letter = (byte | 0x20) - 'a', digit = byte - '0';
    return ((letter < 26) | (digit < 10)) ? byte : '.';
}

static char *put_row(char *restrict out, const uint8_t *restrict bytes)
{
    for (unsigned i = 0; i < HEXROW_BYTES; i++)
        memcpy(out + 3 * i, cells[bytes[i]], 4);
    out += 3 * HEXROW_BYTES;
    *out++ = ' ';
    for (unsigned i = 0; i < HEXROW_BYTES; i++)
        out[i] = shown(bytes[i]);
    out += HEXROW_BYTES;
    *out++ = '\n';
    return out;
}

static char *put_last_row(char *out, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++, out += 3)
        memcpy(out, cells[bytes[i]], 3);
    *out++ = ' ';
    for (size_t i = 0; i < n; i++)
        *out++ = shown(bytes[i]);
    *out++ = '\n';
    return out;
}

size_t hexrow_format(char *out, uint64_t offset, const uint8_t *bytes, size_t n)
{
    char *start = out;
    for (; n >= HEXROW_BYTES; n -= HEXROW_BYTES, bytes += HEXROW_BYTES, offset += HEXROW_BYTES)
        out = put_row(put_offset(out, offset), bytes);
    if (n)
        out = put_last_row(put_offset(out, offset), bytes, n);
    return out - start;
}

size_t hexrow_text_size(size_t n)
{
    return (n / HEXROW_BYTES + (n % HEXROW_BYTES != 0)) * HEXROW_TEXT_MAX;
}
