/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a command's words go: stdout and stderr, a scrollback, a test's buffer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum sink_stream {
    SINK_OUT,
    SINK_ERR,
    SINK_FAILURE, /* lines of SINK_OUT that say what failed: the contract wants them on stdout, a person wants to see them */
};

struct sink;

struct sink_ops {
    /* Takes len bytes of text.  Not NULL. */
    void (*write)(struct sink *sink, enum sink_stream stream, const char *text, size_t len);
    /* Everything written so far is to be seen before what is written to SINK_ERR from now on; NULL: it is anyway. */
    void (*mark)(struct sink *sink);
    /* Everything written so far is to be seen now; NULL: nothing to do. */
    void (*flush)(struct sink *sink);
    /* Whether flush would have something to do; NULL: it may. */
    bool (*holds)(const struct sink *sink);
    /* A line of commands is about to run, whose words come here; NULL: it is all the same. */
    void (*line)(struct sink *sink, const char *line);
    /* Words that ask for the next line; NULL: they are text like any other. */
    void (*prompt)(struct sink *sink, const char *text);
    void (*free)(struct sink *sink); /* NULL: nothing to do */
    /* Whether both streams are read in one place, so that what would be said on each is to be said once; NULL: they are not. */
    bool (*joined)(const struct sink *sink);
    /* Somebody watches what comes and may have enough of it: who writes much lets others go on in between. */
    bool live;
};

struct sink {
    const struct sink_ops *ops;
};

void sink_write(struct sink *sink, enum sink_stream stream, const char *text, size_t len);
void sink_printf(struct sink *sink, enum sink_stream stream, const char *format, ...) __attribute__((format(printf, 3, 4)));
void sink_mark(struct sink *sink);
void sink_flush(struct sink *sink);
/* Whether sink_flush() may have something to do. */
bool sink_holds(const struct sink *sink);
void sink_line(struct sink *sink, const char *line);
void sink_prompt(struct sink *sink, const char *text);
bool sink_is_joined(const struct sink *sink);
/* sink may be NULL. */
void sink_free(struct sink *sink);

/* The errno of the first write to stdout that failed, 0 if none did; sink is one of sink_new_stdio(). */
int sink_stdio_error(const struct sink *sink);

/* stdout (buffered here, not by stdio) and stderr; what goes to a terminal is escaped line by line (util/safetext.h). */
struct sink *sink_new_stdio(void);
/* Whether the process's stdout and stderr are one file or terminal. */
bool sink_stdio_is_joined(void);
/* Collects both streams in memory; sink_buffer_text() is valid until the next write. */
struct sink *sink_new_buffer(void);
const char *sink_buffer_text(struct sink *sink);
/* Takes everything and shows nothing; never freed. */
struct sink *sink_null(void);
