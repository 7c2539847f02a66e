/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pattern bytes: parse, fill and verify. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parses as strtol(text, NULL-terminated, 0) does; 0..255 or -EINVAL. */
int pattern_parse(const char *text);

/* Whether every one of n bytes equals pattern (0 bytes: true).  Word- or vector-wise. */
bool pattern_matches(const void *bytes, size_t n, uint8_t pattern);

/* Whether every one of n bytes is zero. */
bool pattern_is_zero(const void *bytes, size_t n);
