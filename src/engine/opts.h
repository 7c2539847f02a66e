/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options of a command: what getopt(3) does with permutation, without its global state and allocations. */
#pragma once

struct command_call;

struct opts {
    const struct command_call *call;
    const char *spec;
    char **argv;
    int argc, index; /* index: next word to look at */
    const char *cluster; /* rest of a word like -qv, NULL between words */
    char *value;         /* argument of the option just returned, if it takes one */
    /* Valid after opts_next() returned -1: */
    int count;      /* operands */
    char **operand; /* NULL-terminated */
};

void opts_start(struct opts *opts, const struct command_call *call, const char *spec);

/*
 * The next option's letter; -1 after the last one; '?' for one that is unknown or lacks its argument: the message of
 * getopt(3) went to stderr.  The call's argv is compacted to name and operands.
 */
int opts_next(struct opts *opts);
