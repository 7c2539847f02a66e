/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text taken apart into what a terminal shows: glyphs, marks upon them, and escapes for what must not reach it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { TEXT_ESCAPE_MAX = 16 };

struct text_item {
    const char *start; /* in the text */
    uint32_t ch;       /* code point; 0 for a byte that is no UTF-8 */
    bool escaped;      /* escape is to be shown instead of ch */
    int columns;       /* 0: a mark upon the character before */
    char escape[TEXT_ESCAPE_MAX];
};

struct text_reader {
    const char *at, *end;
    bool has_base;
};

/* len in bytes, -1: terminated.  The text must outlive the reader. */
void text_reader_init(struct text_reader *reader, const char *text, int len);
/* The next item, false at the end. */
bool text_reader_next(struct text_reader *reader, struct text_item *item);

/* How many bytes of text fit into that many columns, whole characters only; *ret_columns (may be NULL) is what they
 * take. */
int text_fit(const char *text, int len, int columns, int *ret_columns);
/* The same for a row of terminated text that is wrapped: whole words, unless the first is too long; at least one character. */
int text_fit_words(const char *text, int columns);
/* The same for a list of hints, of which some are better than a cut one: up to the last "; " or ", " that fits, or 0. */
int text_fit_clauses(const char *text, int columns);
