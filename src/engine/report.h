/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Everything a command says.  The only place that knows the dialect's formats, JSON and the hints. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "block/blk.h"
#include "engine/command.h"

/* Whether what is said is to be JSON: then each report is an object a line. */
bool report_as_json(const struct command_call *call);

/* ---- lines of text ---- */

/* A line on stdout, newline added; with --json an object {"message": ...}. */
void report_say(const struct command_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same of what was refused or failed: a screen shows it as an error, though it belongs on stdout. */
void report_refuse(const struct command_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
/*
 * What failed, as a line on stderr, newline added; with --json on stdout, too, as an object {"error": ...}, and only there
 * where both are read in one place. */
void report_complain(const struct command_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same behind "PROG: ". */
void report_error(const struct command_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line on stderr about what is no failure, newline added. */
void report_warn(const struct command_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What to do about it: only for a person, that is under our own name and not with JSON. */
void report_hint(const struct command_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "WHAT failed: strerror" on stdout; returns ret, a negative errno. */
int report_failure(const struct command_call *call, const char *what, int ret);
/* The same of a request for [offset, offset + bytes): under our own name an I/O error says so where that is not in the image. */
int report_range_failure(const struct command_call *call, const char *what, int ret, int64_t offset, int64_t bytes);

/*
 * Text from outside (paths, tags, words typed) as it may stand in a message: escaped under our own name, as it is in
 * drop-in mode.  A new string (g_free).
 */
char *report_text(const struct command_call *call, const char *text);
/* The same of a message of several lines, which stay lines. */
char *report_lines(const struct command_call *call, const char *text);

/* ---- numbers of a command line: 0, or a negative errno after having said what is wrong ---- */

/* what: "offset", "length", "truncate", "signal number" (the 2.4 dialect names it). */
int report_parse_size(const struct command_call *call, const char *what, const char *text, int64_t *ret_value);
int report_parse_pattern(const struct command_call *call, const char *text, int *ret_pattern);
/* The 2.4 dialect wants whole sectors here: "WHAT N is not sector aligned". */
int report_check_sector(const struct command_call *call, const char *what, int64_t value);

/* ---- reports ---- */

struct report_transfer {
    const char *done;  /* "read", "wrote", "discard" */
    int64_t offset;
    int64_t count;     /* asked for */
    int64_t total;     /* carried out */
    int ops;
    int64_t elapsed_ns;
    bool machine;      /* -C */
};

/* The end of a read, write or discard; -q is the caller's. */
void report_transfer(const struct command_call *call, const struct report_transfer *transfer);
/* A pattern that is not there. */
void report_mismatch(const struct command_call *call, int64_t offset, int64_t bytes);
/* -v: rows of 16 bytes; *done says how far it is.  0, or -ECANCELED.  Gives way to others where somebody watches. */
int report_dump_co(const struct command_call *call, int64_t offset, const uint8_t *bytes, size_t n, int64_t *done);
void report_length(const struct command_call *call, int64_t length);
void report_info(const struct command_call *call, const struct blk_info *info);
/* A run of `map`; left: bytes from offset to the end of the image. */
void report_map_run(const struct command_call *call, int64_t offset, int64_t bytes, int64_t left, bool allocated);
void report_alloc(const struct command_call *call, int64_t offset, int64_t sum, int64_t count);
/* An extent of our own `map` forms. */
void report_extent(const struct command_call *call, const struct blk_extent *extent);
/* Bytes of each share, as struct blk_kinds has them. */
void report_kinds(const struct command_call *call, const int64_t bytes[BLK_SHARE_COUNT], int64_t extents, int64_t length);

/* "NAME ARGS -- SUMMARY", with --json an object; where name is NULL, with the command's name and alias. */
void report_usage(const struct command_call *call, const struct command *command, const char *name);
