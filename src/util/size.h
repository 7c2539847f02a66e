/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sizes as people type and read them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SIZE_TEXT_MAX = 64 };

/*
 * Parses a whole string as a number of bytes: decimal, 0x hexadecimal, or a decimal fraction with one of the
 * suffixes b k K m M g G t T p P e E (powers of 1024).  No sign, no leading or trailing space; 010 is ten.
 * Returns 0 and sets *ret_value (0..INT64_MAX), -EINVAL for what is not such a number, -ERANGE beyond int64.
 */
int size_parse(const char *text, int64_t *ret_value);

/*
 * Writes a size for people: the largest unit of EiB..KiB that is not below 1 as "%.3f UNIT" with a ".000"
 * dropped, below 1 KiB "%f bytes" trimmed the same way.  Returns buf.
 */
const char *size_format(double bytes, char buf[static SIZE_TEXT_MAX]);
