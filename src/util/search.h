/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Patterns of bytes, some of their bits perhaps of no account, and where they are found. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEARCH_MAX = 256 };

/* A byte matches where (byte & mask) == value; text without regard to case is a matter of masks, too. */
struct search {
    size_t len; /* 1..SEARCH_MAX */
    uint8_t value[SEARCH_MAX], mask[SEARCH_MAX];
    size_t first, second; /* places that are compared before all others, many bytes at a time */
    /* A place that zero does not match, so that no match lies in zeroes alone; -1: zeroes match. */
    int not_zero;
    bool unlike;  /* of length 1: any byte that the rest does not describe matches */
};

/* The bytes of text; ignore_case: ASCII letters match in either case.  -EINVAL and an error for no text or too much. */
int search_text(const char *text, bool ignore_case, struct search *ret_search, GError **error);
/*
 * "7f 45 4c46 ?? 4?": pairs of digits, ? for any digit, white space between pairs.  -EINVAL and an error; nothing but ? is one,
 * too.
 */
int search_hex(const char *text, struct search *ret_search, GError **error);

/* Any byte that is not zero. */
struct search search_not_zero(void);

/* Whether it matches at bytes, of which there must be enough. */
bool search_matches(const struct search *search, const uint8_t *bytes);
/* The first and the last place in [0, n) where all of it matches within n bytes, or -1. */
ptrdiff_t search_first(const struct search *search, const uint8_t *bytes, size_t n);
ptrdiff_t search_last(const struct search *search, const uint8_t *bytes, size_t n);
