/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "util/size.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/checked.h"
#include "util/decimal.h"

/* Scale of a suffix as a shift, -1 for a character that is none. */
static int suffix_shift(char c)
{
    static const char suffixes[] = "bkmgtpe";
    const char *found = c ? strchr(suffixes, g_ascii_tolower(c)) : NULL;
    return found ? (int)(found - suffixes) * 10 : -1;
}

/* Digits of the base at *text, which is moved behind them: whether they fit. */
static bool parse_digits(const char **text, unsigned base, uint64_t *ret_value)
{
    bool fits = true;
    uint64_t value = 0;
    for (int digit; (digit = g_ascii_xdigit_value(**text)) >= 0 && (unsigned)digit < base; (*text)++)
        fits = fits && checked_mul(value, base, &value) && checked_add(value, (unsigned)digit, &value);
    *ret_value = value;
    return fits;
}

/*
 * The digits behind a point, moving *text behind them, in units of 2^-64.  They go through a double, as in the
 * reference program: what differs from a whole one by less than a double can say is no fraction.
 */
static uint64_t parse_fraction(const char **text)
{
    size_t n = strspn(*text, "0123456789");
    g_autofree char *digits = g_strdup_printf("0.%.*s", (int)MIN(n, 2000), *text);
    *text += n;
    double fraction = g_ascii_strtod(digits, NULL);
    return fraction < 1 ? (uint64_t)(fraction * 0x1p64) : 0;
}

int size_parse_huge(const char *text, uint64_t *ret_value)
{
    text += strspn(text, " \t\n\v\f\r");
    text += *text == '+';
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    if (hex)
        text += 2;
    if (hex ? !g_ascii_isxdigit(*text) : !g_ascii_isdigit(*text))
        return -EINVAL;

    uint64_t whole, fraction = 0, value;
    if (!parse_digits(&text, hex ? 16 : 10, &whole))
        return *text ? -EINVAL : -ERANGE;
    if (!hex && *text == '.') {
        text++;
        fraction = parse_fraction(&text);
    }
    int shift = suffix_shift(*text);
    text += shift >= 0;
    shift = MAX(shift, 0);
    if (*text || (fraction && !shift))
        return -EINVAL;

    uint64_t part = shift ? ((fraction >> (63 - shift)) + 1) >> 1 : 0;
    if (!checked_mul(whole, UINT64_C(1) << shift, &value) || !checked_add(value, part, &value))
        return -ERANGE;
    *ret_value = value;
    return 0;
}

int size_parse(const char *text, int64_t *ret_value)
{
    uint64_t value;
    int ret = size_parse_huge(text, &value);
    if (ret == 0 && value > INT64_MAX)
        return -ERANGE;
    if (ret == 0)
        *ret_value = (int64_t)value;
    return ret;
}

static const char units[] = "KMGTPE";

/*
 * A whole number of bytes without printf(): maps have millions of them.  The quotient by a power of two is exact in a double, and
 * its third decimal is rounded as printf() does, to the nearest, an even one from the middle.
 */
static const char *format_whole(uint64_t bytes, int unit, char *buf)
{
    unsigned shift = 10 * (unit + 1);
    uint64_t thousandths = bytes * 1000 >> shift;
    uint64_t rest = (bytes * 1000) & ((UINT64_C(1) << shift) - 1), half = (UINT64_C(1) << shift) / 2;
    thousandths += rest > half || (rest == half && (thousandths & 1));
    unsigned decimals = thousandths % 1000;
    char *end = decimal_put(buf, thousandths / 1000);
    if (decimals) {
        const char point[] = {'.', '0' + decimals / 100, '0' + decimals / 10 % 10, '0' + decimals % 10};
        memcpy(end, point, sizeof point);
        end += sizeof point;
    }
    memcpy(end, " KiB", 5);
    end[1] = units[unit];
    return buf;
}

const char *size_format(double bytes, char buf[static SIZE_TEXT_MAX])
{
    int unit = (int)strlen(units) - 1;
    while (unit >= 0 && bytes < (double)(INT64_C(1) << (10 * (unit + 1))))
        unit--;
    if (unit >= 0 && bytes < (double)(INT64_C(1) << 53) && bytes == (double)(uint64_t)bytes)
        return format_whole(bytes, unit, buf);

    char number[SIZE_TEXT_MAX - 8];
    if (unit >= 0)
        snprintf(number, sizeof number, "%.3f", bytes / (double)(INT64_C(1) << (10 * (unit + 1))));
    else
        snprintf(number, sizeof number, "%f", bytes);
    char *zeroes = strstr(number, ".000");
    if (zeroes)
        *zeroes = 0;
    if (unit >= 0)
        snprintf(buf, SIZE_TEXT_MAX, "%s %ciB", number, units[unit]);
    else
        snprintf(buf, SIZE_TEXT_MAX, "%s bytes", number);
    return buf;
}

const char *size_format_exact(int64_t bytes, char buf[static SIZE_TEXT_MAX])
{
    int64_t unit = 1;
    while (bytes / 1024 >= unit)
        unit *= 1024;
    /* Three decimals hold eighths of a unit, and no smaller part of one. */
    if (bytes % MAX(unit / 8, 1) == 0)
        return size_format((double)bytes, buf);
    snprintf(buf, SIZE_TEXT_MAX, "%" PRId64 " bytes", bytes);
    return buf;
}

const char *size_share(int64_t part, int64_t whole, char buf[static SIZE_TEXT_MAX])
{
    int hundredths = (int)((__int128)part * 10000 / whole);
    if (part == whole)
        snprintf(buf, SIZE_TEXT_MAX, "100%%");
    else if (hundredths == 0)
        snprintf(buf, SIZE_TEXT_MAX, "<0.01%%");
    else
        snprintf(buf, SIZE_TEXT_MAX, "%d.%02d%%", hundredths / 100, hundredths % 100);
    return buf;
}

int64_t size_round(int64_t bytes)
{
    unsigned shift = 0;
    while (shift < 60 && bytes > INT64_C(7) << shift)
        shift++;
    return ((bytes - 1) / (INT64_C(1) << shift) + 1) << shift;
}
