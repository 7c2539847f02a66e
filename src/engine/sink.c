/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/sink.h"

#include <glib.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/fd.h"
#include "util/oom.h"
#include "util/safetext.h"

void sink_write(struct sink *sink, enum sink_stream stream, const char *text, size_t len)
{
    sink->ops->write(sink, stream, text, len);
}

void sink_printf(struct sink *sink, enum sink_stream stream, const char *format, ...)
{
    char small[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(small, sizeof(small), format, args);
    va_end(args);
    if (len < (int)sizeof(small)) {
        sink_write(sink, stream, small, MAX(len, 0));
        return;
    }
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    sink_write(sink, stream, text, strlen(text));
}

void sink_mark(struct sink *sink)
{
    if (sink->ops->mark)
        sink->ops->mark(sink);
}

void sink_flush(struct sink *sink)
{
    if (sink->ops->flush)
        sink->ops->flush(sink);
}

bool sink_holds(const struct sink *sink)
{
    return sink->ops->flush && (!sink->ops->holds || sink->ops->holds(sink));
}

void sink_line(struct sink *sink, const char *line)
{
    if (sink->ops->line)
        sink->ops->line(sink, line);
}

void sink_prompt(struct sink *sink, const char *text)
{
    if (sink->ops->prompt)
        sink->ops->prompt(sink, text);
    else
        sink_write(sink, SINK_OUT, text, strlen(text));
}

bool sink_is_joined(const struct sink *sink)
{
    return sink->ops->joined && sink->ops->joined(sink);
}

void sink_free(struct sink *sink)
{
    if (sink && sink->ops->free)
        sink->ops->free(sink);
}

/* ---- stdout and stderr ---- */

enum { STDOUT_ROOM = 64 << 10 };

/*
 * stdout is collected here and not in stdio, for one reason: what was marked is written before anything on stderr, and what
 * came after the mark stays behind.  With both on one pipe the reader then sees the order the reference program gives.
 */
struct stdio_sink {
    struct sink sink;
    bool terminal[2];    /* stdout, stderr */
    bool joined;         /* they are one */
    size_t used, marked; /* of text; marked <= used */
    int error;           /* see sink_stdio_error() */
    char text[STDOUT_ROOM];
};

static void write_out(struct stdio_sink *stdio, const char *text, size_t len)
{
    int ret = fd_write_all(STDOUT_FILENO, text, len);
    if (!stdio->error)
        stdio->error = -ret;
}

/* Writes the first len collected bytes. */
static void write_collected(struct stdio_sink *stdio, size_t len)
{
    if (!len)
        return;
    write_out(stdio, stdio->text, len);
    memmove(stdio->text, stdio->text + len, stdio->used - len);
    stdio->used -= len;
    stdio->marked -= MIN(stdio->marked, len);
}

/* A terminal never gets what could drive it. */
static void write_to_terminal(int fd, const char *text, size_t len)
{
    g_autofree char *safe = safetext_mask_lines(text, len);
    fd_write_all(fd, safe, strlen(safe));
}

static void stdio_write(struct sink *sink, enum sink_stream stream, const char *text, size_t len)
{
    struct stdio_sink *stdio = (struct stdio_sink *)sink;
    if (stream == SINK_ERR)
        write_collected(stdio, stdio->marked);
    if (stdio->terminal[stream == SINK_ERR]) {
        write_to_terminal(stream == SINK_ERR ? STDERR_FILENO : STDOUT_FILENO, text, len);
    } else if (stream == SINK_ERR) {
        fd_write_all(STDERR_FILENO, text, len);
    } else {
        if (len > STDOUT_ROOM - stdio->used)
            write_collected(stdio, stdio->used);
        if (len > STDOUT_ROOM) {
            write_out(stdio, text, len);
            return;
        }
        memcpy(stdio->text + stdio->used, text, len);
        stdio->used += len;
    }
}

static void stdio_mark(struct sink *sink)
{
    struct stdio_sink *stdio = (struct stdio_sink *)sink;
    stdio->marked = stdio->used;
}

static void stdio_flush(struct sink *sink)
{
    struct stdio_sink *stdio = (struct stdio_sink *)sink;
    write_collected(stdio, stdio->used);
}

static void flush_out_of_memory(void *data)
{
    stdio_flush(data);
}

static void stdio_free(struct sink *sink)
{
    oom_remove_hook(flush_out_of_memory, sink);
    stdio_flush(sink);
    g_free(sink);
}

static bool stdio_joined(const struct sink *sink)
{
    return ((const struct stdio_sink *)sink)->joined;
}

static bool stdio_holds(const struct sink *sink)
{
    return ((const struct stdio_sink *)sink)->used > 0;
}

static const struct sink_ops stdio_ops = {
    .joined = stdio_joined,
    .holds = stdio_holds,
    .write = stdio_write,
    .mark = stdio_mark,
    .flush = stdio_flush,
    .free = stdio_free,
};

bool sink_stdio_is_joined(void)
{
    struct stat out, err;
    return fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0 && out.st_dev == err.st_dev && out.st_ino == err.st_ino;
}

struct sink *sink_new_stdio(void)
{
    struct stdio_sink *stdio = g_new(struct stdio_sink, 1);
    stdio->sink.ops = &stdio_ops;
    stdio->used = stdio->marked = 0;
    stdio->error = 0;
    stdio->terminal[0] = isatty(STDOUT_FILENO);
    stdio->terminal[1] = isatty(STDERR_FILENO);
    stdio->joined = sink_stdio_is_joined();
    oom_add_hook(flush_out_of_memory, stdio);
    return &stdio->sink;
}

int sink_stdio_error(const struct sink *sink)
{
    return ((const struct stdio_sink *)sink)->error;
}

/* ---- memory ---- */

struct buffer_sink {
    struct sink sink;
    GString *text;
};

static void buffer_write(struct sink *sink, enum sink_stream stream, const char *text, size_t len)
{
    g_string_append_len(((struct buffer_sink *)sink)->text, text, len);
}

static void buffer_free(struct sink *sink)
{
    g_string_free(((struct buffer_sink *)sink)->text, TRUE);
    g_free(sink);
}

static const struct sink_ops buffer_ops = {
    .write = buffer_write,
    .free = buffer_free,
};

struct sink *sink_new_buffer(void)
{
    struct buffer_sink *buffer = g_new0(struct buffer_sink, 1);
    buffer->sink.ops = &buffer_ops;
    buffer->text = g_string_new(NULL);
    return &buffer->sink;
}

const char *sink_buffer_text(struct sink *sink)
{
    return ((struct buffer_sink *)sink)->text->str;
}

/* ---- nowhere ---- */

static void null_write(struct sink *sink, enum sink_stream stream, const char *text, size_t len)
{
}

static const struct sink_ops null_ops = {
    .write = null_write,
};

struct sink *sink_null(void)
{
    static struct sink null = {.ops = &null_ops};
    return &null;
}
