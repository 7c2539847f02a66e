/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/batch.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#include "engine/session.h"
#include "engine/sink.h"
#include "engine/waiting.h"

enum {
    READ_CHUNK = 64 << 10,
    TURN_EVERY = 16, /* lines between two looks at what is outstanding */
    LINE_MAX_BYTES = 16 << 20,
};

/* ---- one line ---- */

struct outcome {
    unsigned running; /* lines */
    int ret;          /* of the last one that failed, or 0 */
};

static void on_done(void *data, int ret)
{
    struct outcome *outcome = data;
    outcome->running--;
    outcome->ret = ret < 0 ? ret : outcome->ret;
}

static void begin(struct session *session, const char *line, struct sink *sink, unsigned flags, struct outcome *outcome)
{
    outcome->running++;
    sink_line(sink, line);
    session_run(session, line, sink, flags, on_done, outcome);
}

static void turn(struct sink *sink)
{
    GMainContext *context = g_main_context_get_thread_default();
    bool holds = sink_holds(sink); /* a look whether it has to wait costs as much as waiting: only where that matters */
    if (g_main_context_iteration(context, !holds) || !holds)
        return;
    sink_flush(sink);
    g_main_context_iteration(context, TRUE);
}

int batch_run_line(struct session *session, const char *line, struct sink *sink)
{
    struct outcome outcome = {0};
    begin(session, line, sink, 0, &outcome);
    while (outcome.running > 0)
        turn(sink);
    return outcome.ret;
}

/* ---- many lines ---- */

struct reader {
    int fd;
    char *buffer;
    size_t start, end, room; /* unread bytes: [start, end) */
    size_t scanned;          /* no newline in [start, scanned) */
    bool eof;
};

static gboolean set_flag(int fd, GIOCondition condition, void *data)
{
    *(bool *)data = true;
    return G_SOURCE_REMOVE;
}

/* Lets everything else go on until there is something to read. */
static void wait_readable(int fd)
{
    GMainContext *context = g_main_context_get_thread_default();
    bool readable = false;
    g_autoptr(GSource) source = g_unix_fd_source_new(fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
    g_source_set_callback(source, G_SOURCE_FUNC(set_flag), &readable, NULL);
    g_source_attach(source, context);
    while (!readable)
        g_main_context_iteration(context, TRUE);
    g_source_destroy(source);
}

static int fill(struct reader *reader, struct session *session, struct sink *sink)
{
    if (reader->end - reader->start > LINE_MAX_BYTES)
        return -EMSGSIZE;
    if (reader->start) {
        memmove(reader->buffer, reader->buffer + reader->start, reader->end - reader->start);
        reader->end -= reader->start;
        reader->scanned -= reader->start;
        reader->start = 0;
    }
    if (reader->room - reader->end < READ_CHUNK) {
        reader->room = MAX(reader->room * 2, reader->end + READ_CHUNK + 1);
        reader->buffer = g_realloc(reader->buffer, reader->room);
    }
    sink_flush(sink);
    ssize_t n;
    do {
        if (session_needs_turns(session))
            wait_readable(reader->fd);
        n = read(reader->fd, reader->buffer + reader->end, reader->room - reader->end - 1);
        if (n < 0 && errno == EAGAIN)
            wait_readable(reader->fd);
    } while (n < 0 && (errno == EINTR || errno == EAGAIN));
    if (n < 0)
        return -errno;
    reader->eof = n == 0;
    reader->end += n;
    return 0;
}

/* The next line, terminated in place of its newline: 1, 0 at the end, or a negative errno. */
static int next_line(struct reader *reader, struct session *session, struct sink *sink, char **ret_line)
{
    for (;;) {
        char *from = reader->buffer + reader->scanned;
        char *newline = reader->end > reader->scanned ? memchr(from, '\n', reader->end - reader->scanned) : NULL;
        if (newline || (reader->eof && reader->end > reader->start)) {
            *ret_line = reader->buffer + reader->start;
            reader->start = newline ? (size_t)(newline - reader->buffer) + 1 : reader->end;
            reader->scanned = reader->start;
            *(newline ?: reader->buffer + reader->end) = '\0';
            return 1;
        }
        if (reader->eof)
            return 0;
        reader->scanned = reader->end;
        int ret = fill(reader, session, sink);
        if (ret < 0)
            return ret;
    }
}

/*
 * As batch_run_line(), but while it waits for a request at a breakpoint the lines that follow are given as they would be typed: what lets that
 * go on is among them, if anything is.
 */
static int run_line_of_script(struct session *session, struct reader *reader, const char *line, struct sink *sink)
{
    struct outcome outcome = {0};
    enum session_wait wait;
    char *next;
    begin(session, line, sink, 0, &outcome);
    while (outcome.running > 0) {
        while (session_waits(session, &wait) && wait != SESSION_WAIT_BREAK && next_line(reader, session, sink, &next) > 0)
            begin(session, next, sink, session_runs_beside(session, next) ? SESSION_RUN_NOW : 0, &outcome);
        if (outcome.running > 0)
            turn(sink);
    }
    return outcome.ret;
}

int batch_run_fd(struct session *session, int fd, const char *prompt, struct sink *sink)
{
    struct reader reader = {.fd = fd};
    bool stop = false;
    unsigned turns = 0;
    int ret = 0;
    char *line;
    while (!stop && !session_wants_quit(session)) {
        if (prompt)
            sink_prompt(sink, prompt);
        sink_mark(sink);
        ret = next_line(&reader, session, sink, &line);
        if (ret <= 0)
            break;
        bool script = !prompt && !session_config(session)->drop_in;
        int failed = script ? run_line_of_script(session, &reader, line, sink) : batch_run_line(session, line, sink);
        stop = failed < 0 && session_config(session)->stop_on_error;
        if (session_needs_turns(session) && ++turns % TURN_EVERY == 0)
            g_main_context_iteration(g_main_context_get_thread_default(), FALSE);
    }
    g_free(reader.buffer);
    return MIN(ret, 0);
}
