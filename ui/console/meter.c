/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A sink in front of another one, and a timer that runs only while a command does: what is about to be written finds the line gone.  It is
 * shorter than the terminal is wide, so that a carriage return and as many spaces take it away on any.
 */
#include "ui/console/meter.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/waiting.h"
#include "io/clock.h"
#include "ui/progress.h"
#include "util/safetext.h"
#include "util/source.h"

enum { INTERVAL_MS = 200, SHOWN_AFTER_US = 1000 * 1000, COLUMNS = 80 };

struct meter {
    struct sink sink;
    struct sink *target;
    struct session *session;
    GSource *timer; /* NULL: no command runs */
    size_t shown;   /* columns of the line on the terminal; 0: there is none */
    bool unseen;    /* the target may keep back what was written */
};

/* ---- the line ---- */

static void say(const GString *text)
{
    /* Of a terminal that takes nothing there is nothing to be said either. */
    ssize_t n = write(STDERR_FILENO, text->str, text->len);
    (void)n;
}

static void wipe(struct meter *meter)
{
    if (meter->shown > 0) {
        g_autoptr(GString) text = g_string_new("\r");
        g_string_append_printf(text, "%*s\r", (int)meter->shown, "");
        say(text);
        meter->shown = 0;
    }
}

static size_t columns(void)
{
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return (known ? size.ws_col : COLUMNS) - 1;
}

/* How far it is, or what it waits for; NULL: there is nothing to say. */
static char *state_of(const struct meter *meter, int64_t elapsed_us)
{
    struct session_progress progress;
    g_autofree char *wait = session_wait_text(meter->session, SESSION_WAIT_REASON);
    if (wait != NULL) {
        return g_strconcat("  ", wait, NULL);
    }
    if (!session_progress(meter->session, &progress) || progress.total <= 0) {
        return NULL;
    }
    GString *text = g_string_new(NULL);
    progress_append(text, progress.done, progress.total, elapsed_us);
    return g_string_free(text, FALSE);
}

/* A whole character is never cut: what is no ASCII is not shown. */
static const char *plain(const char *text, const char *otherwise)
{
    return g_str_is_ascii(text) ? text : otherwise;
}

static void show(struct meter *meter, const char *line, const char *state)
{
    g_autofree char *name = g_strndup(line, strcspn(line, " "));
    g_autofree char *safe = safetext_escape(name, -1);
    g_autoptr(GString) text = g_string_new(plain(safe, "command"));
    g_string_append(text, plain(state, "  waits for a request at a breakpoint"));
    g_string_append(text, "  Ctrl-C ends it");
    g_string_truncate(text, MIN(text->len, columns()));
    size_t len = text->len;
    if (meter->shown > len) {
        g_string_append_printf(text, "%*s", (int)(meter->shown - len), "");
    }
    g_string_prepend_c(text, '\r');
    say(text);
    meter->shown = MAX(meter->shown, len);
}

static gboolean look(void *data)
{
    struct meter *meter = data;
    int64_t since;
    const char *line = session_busy_line(meter->session, &since);
    int64_t elapsed_us = line != NULL ? clock_now_us() - since : 0;
    g_autofree char *state = line != NULL ? state_of(meter, elapsed_us) : NULL;
    if (state == NULL) {
        wipe(meter);
    } else if (elapsed_us >= SHOWN_AFTER_US) {
        show(meter, line, state);
    }
    return G_SOURCE_CONTINUE;
}

static void stop_timer(struct meter *meter)
{
    wipe(meter);
    source_clear(&meter->timer);
}

static void on_busy(void *data)
{
    struct meter *meter = data;
    if (!session_is_busy(meter->session)) {
        stop_timer(meter);
    } else if (meter->timer == NULL) {
        meter->timer = g_timeout_source_new(INTERVAL_MS);
        g_source_set_callback(meter->timer, look, meter, NULL);
        g_source_attach(meter->timer, g_main_context_get_thread_default());
    }
}

static const struct session_observer observer = {.busy = on_busy};

/* ---- what passes by ---- */

static void pass_text(struct sink *sink, enum sink_stream stream, const char *text, size_t len)
{
    struct meter *meter = (struct meter *)sink;
    wipe(meter);
    meter->unseen = true;
    sink_write(meter->target, stream, text, len);
}

static void pass_mark(struct sink *sink)
{
    sink_mark(((struct meter *)sink)->target);
}

static void pass_flush(struct sink *sink)
{
    struct meter *meter = (struct meter *)sink;
    if (meter->unseen) {
        wipe(meter);
    }
    meter->unseen = false;
    sink_flush(meter->target);
}

static void pass_line(struct sink *sink, const char *line)
{
    sink_line(((struct meter *)sink)->target, line);
}

static void pass_prompt(struct sink *sink, const char *text)
{
    wipe((struct meter *)sink);
    sink_prompt(((struct meter *)sink)->target, text);
}

static bool pass_joined(const struct sink *sink)
{
    return sink_is_joined(((const struct meter *)sink)->target);
}

static const struct sink_ops ops = {
    .joined = pass_joined,
    .write = pass_text,
    .mark = pass_mark,
    .flush = pass_flush,
    .line = pass_line,
    .prompt = pass_prompt,
};
static const struct sink_ops live_ops = {
    .joined = pass_joined,
    .write = pass_text,
    .mark = pass_mark,
    .flush = pass_flush,
    .line = pass_line,
    .prompt = pass_prompt,
    .live = true,
};

/* ---- for the owner ---- */

struct meter *meter_new(struct session *session, struct sink *sink)
{
    if (!isatty(STDERR_FILENO)) {
        return NULL;
    }
    /* Requests may outlive the last command and still speak: it is never freed. */
    static struct meter only;
    only = (struct meter){.sink = {sink->ops->live ? &live_ops : &ops}, .target = sink, .session = session};
    session_add_observer(session, &observer, &only);
    return &only;
}

void meter_free(struct meter *meter)
{
    if (meter != NULL) {
        stop_timer(meter);
        session_remove_observer(meter->session, &observer, meter);
    }
}

struct sink *meter_sink(struct meter *meter, struct sink *sink)
{
    return meter != NULL ? &meter->sink : sink;
}
