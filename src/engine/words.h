/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line of input, cut into commands and words. */
#pragma once

#include <stdbool.h>

/*
 * The words of one command after the other.  Words point into the text, which is changed in place; the array is
 * reused from line to line, so that the usual line costs no allocation.
 */
struct words {
    char **argv; /* argv[argc] is NULL */
    int argc;
    int room;
    char *next; /* rest of the text, NULL at its end */
};

/*
 * Starts on a terminated text that stays valid and is overwritten.
 */
void words_start(struct words *words, char *text);

/*
 * Takes the next command: true with argc >= 1, false at the end of the text.  plain: words are separated by spaces and
 * nothing else has a meaning.  Otherwise by any white space; '..', ".." and backslash quote, # at the
 * beginning of a word starts a comment that ends with the line, a newline ends a command, and so does ; (a word of its own
 * in `multiwrite`).
 * *ret_error (static text, NULL for none) tells of a quote that does not end; nothing more follows then.
 */
bool words_next(struct words *words, bool plain, const char **ret_error);

/* The word as words_next() takes it when it is not plain: in quotes where it has to be.  g_free. */
char *words_quote(const char *word);

/* Frees the array. */
void words_done(struct words *words);
