/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/sink.h"

#include <glib.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

void sink_flush(struct sink *sink)
{
    if (sink->ops->flush)
        sink->ops->flush(sink);
}

void sink_free(struct sink *sink)
{
    if (sink && sink->ops->free)
        sink->ops->free(sink);
}

/* ---- stdout and stderr ---- */

struct stdio_sink {
    struct sink sink;
    bool terminal[2];
};

/* A terminal never gets what could drive it: every line goes through safetext, only newlines and tabs stay. */
static void write_to_terminal(FILE *file, const char *text, size_t len)
{
    while (len) {
        const char *end = memchr(text, '\n', len);
        size_t n = end ? (size_t)(end - text) : len;
        if (safetext_is_safe(text, n)) {
            fwrite(text, 1, n, file);
        } else {
            g_autofree char *safe = safetext_escape(text, n);
            fputs(safe, file);
        }
        if (end) {
            fputc('\n', file);
            n++;
        }
        text += n;
        len -= n;
    }
}

static void stdio_write(struct sink *sink, enum sink_stream stream, const char *text, size_t len)
{
    struct stdio_sink *stdio = (struct stdio_sink *)sink;
    FILE *file = stream == SINK_ERR ? stderr : stdout;
    if (stdio->terminal[stream])
        write_to_terminal(file, text, len);
    else
        fwrite_unlocked(text, 1, len, file);
}

static void stdio_flush(struct sink *sink)
{
    fflush(stdout);
}

static void stdio_free(struct sink *sink)
{
    fflush(stdout);
    g_free(sink);
}

static const struct sink_ops stdio_ops = {
    .write = stdio_write,
    .flush = stdio_flush,
    .free = stdio_free,
};

struct sink *sink_new_stdio(void)
{
    struct stdio_sink *stdio = g_new0(struct stdio_sink, 1);
    stdio->sink.ops = &stdio_ops;
    stdio->terminal[SINK_OUT] = isatty(STDOUT_FILENO);
    stdio->terminal[SINK_ERR] = isatty(STDERR_FILENO);
    return &stdio->sink;
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
