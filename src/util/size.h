/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sizes as people type and read them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SIZE_TEXT_MAX = 64 };

/*
 * Parses a whole string as a number of bytes: decimal or 0x hexadecimal, with or without one of the suffixes
 * b k K m M g G t T p P e E (powers of 1024).  A decimal number with a suffix of more than a byte may have a fraction,
 * rounded to the next byte, half a byte up.  010 is ten; white space and a plus sign may come first, a minus may not.
 * Returns 0 and sets *ret_value (0..INT64_MAX), -EINVAL for what is not such a number, -ERANGE beyond int64.
 */
int size_parse(const char *text, int64_t *ret_value);
/* The same, up to 2^64 - 1. */
int size_parse_huge(const char *text, uint64_t *ret_value);

/*
 * Writes a size for people: in the largest unit of EiB..KiB that is not above it as "%.3f UNIT", below 1 KiB as "%f bytes".
 * From ".000" on decimals are dropped: "1.500 KiB", "64 KiB", "0.250000 bytes", "205 bytes".  Returns buf.
 */
const char *size_format(double bytes, char buf[static SIZE_TEXT_MAX]);

/* The same for bytes >= 0 where that is exact, else all of the number: "3 MiB", "3145727 bytes". */
const char *size_format_exact(int64_t bytes, char buf[static SIZE_TEXT_MAX]);

/* part of whole in per cent, 0 < part <= whole: "41.25%", cut and not rounded, so that only what is whole is "100%"; "<0.01%".  Returns buf. */
const char *size_share(int64_t part, int64_t whole, char buf[static SIZE_TEXT_MAX]);
/* The smallest 4, 5, 6 or 7 times a power of two that is no less, which is good to read (below 4, the number itself); bytes > 0 and at most 7 << 60. */
int64_t size_round(int64_t bytes);
