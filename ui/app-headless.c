/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib.h>
#include <langinfo.h>
#include <locale.h>
#include <string.h>

#include "engine/sink.h"
#include "ui/app.h"
#include "ui/console/console.h"
#include "ui/desk.h"

enum { SIZE_MAX_COLUMNS = 1000 };

struct app_headless {
    struct desk *desk;
};

/*
 * What runs is in the console as if it had been typed there, so that a replay shows what the session did; `screen`, which looks at it, is not.
 * Static: requests may speak to it until the session's end.
 */
static struct tee {
    struct sink sink;
    struct sink *out;
    struct desk *desk; /* NULL: only the other one listens */
    bool hidden;
} tee;

static void tee_write(struct sink *sink, enum sink_stream stream, const char *text, size_t len)
{
    sink_write(tee.out, stream, text, len);
    if (tee.desk != NULL && !tee.hidden) {
        sink_write(desk_sink(tee.desk), stream, text, len);
    }
}

static void tee_mark(struct sink *sink)
{
    sink_mark(tee.out);
}

static void tee_flush(struct sink *sink)
{
    sink_flush(tee.out);
}

static void tee_line(struct sink *sink, const char *line)
{
    tee.hidden = console_is_looking(line);
    if (tee.desk != NULL && !tee.hidden) {
        desk_replay(tee.desk, line);
    }
}

/* The console has its own. */
static void tee_prompt(struct sink *sink, const char *text)
{
    sink_prompt(tee.out, text);
}

static bool tee_joined(const struct sink *sink)
{
    return sink_is_joined(tee.out);
}

static const struct sink_ops tee_ops = {
    .joined = tee_joined,
    .write = tee_write,
    .mark = tee_mark,
    .flush = tee_flush,
    .line = tee_line,
    .prompt = tee_prompt,
};

/* Nobody looks at frames that nobody asked for, and there is neither a shell to go back to nor a terminal. */
static void nothing(void *data)
{
}

/* Roles are what a screen in memory has, not colours. */
static void dress(void *data, const struct theme *theme)
{
}

static void set_mouse(void *data, bool on)
{
}

static bool copy(void *data, const char *text, size_t len)
{
    return false;
}

static const struct desk_ops desk_ops = {
    .wake = nothing,
    .suspend = nothing,
    .repaint = nothing,
    .dress = dress,
    .mouse = set_mouse,
    .copy = copy,
};

static int size_from(const char *variable, int otherwise)
{
    uint64_t size;
    const char *text = g_getenv(variable);
    return text != NULL && g_ascii_string_to_unsigned(text, 10, 1, SIZE_MAX_COLUMNS, &size, NULL) ? (int)size
                                                                                                  : otherwise;
}

struct app_headless *app_headless_begin(struct session *session)
{
    struct app_headless *headless = g_new0(struct app_headless, 1);
    setlocale(LC_CTYPE, "");
    struct grid_traits traits = {.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0, .colour = app_has_theme()};
    headless->desk = desk_new(session, traits, &desk_ops, NULL);
    desk_resize(headless->desk, size_from("COLUMNS", 80), size_from("LINES", 24));
    app_dress(headless->desk);
    return headless;
}

struct sink *app_headless_sink(struct app_headless *headless, struct sink *out)
{
    if (headless == NULL) {
        return out;
    }
    tee = (struct tee){.sink = {&tee_ops}, .out = out, .desk = headless->desk};
    return &tee.sink;
}

void app_headless_end(struct app_headless *headless)
{
    if (headless != NULL) {
        tee.desk = NULL;
        desk_free(headless->desk);
        g_free(headless);
    }
}
