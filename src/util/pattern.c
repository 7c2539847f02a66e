/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "util/pattern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int pattern_parse(const char *text)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 0);
    return errno || end == text || *end || value < 0 || value > 255 ? -EINVAL : (int)value;
}

bool pattern_matches(const void *bytes, size_t n, uint8_t pattern)
{
    const uint8_t *b = bytes;
    return !n || (b[0] == pattern && !memcmp(b, b + 1, n - 1));
}

bool pattern_is_zero(const void *bytes, size_t n)
{
    return pattern_matches(bytes, n, 0);
}
