/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pattern bytes: parsed, and looked for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parses all of text, as strtol(3) does with base 0: 0..255, or -EINVAL. */
int pattern_parse(const char *text);

/* Whether every one of n bytes equals pattern (0 bytes: true).  Word- or vector-wise. */
bool pattern_matches(const void *bytes, size_t n, uint8_t pattern);

/* Whether every one of n bytes is zero. */
bool pattern_is_zero(const void *bytes, size_t n);
