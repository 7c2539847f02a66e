/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Line mode: the same engine behind a readline prompt, without a screen.  While a command runs there is no prompt and
 * nothing is read, so that what is typed ahead waits in the terminal; what asynchronous requests say later goes above
 * the prompt.
 */
#include <glib-unix.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/session.h"
#include "ui/app.h"
#include "ui/console/histfile.h"
#include "ui/console/line.h"
#include "ui/console/meter.h"
#include "ui/console/script.h"
#include "ui/signals.h"
#include "ui/text.h"
#include "util/safetext.h"
#include "util/source.h"

struct plain {
    struct sink sink, *out; /* out: sink, or the meter before it */
    struct session *session;
    GMainLoop *loop;
    GSource *input; /* NULL while a command runs */
    bool prompting;
};

/* ---- output ---- */

static void sink_take(struct sink *sink, enum sink_stream stream, const char *text, size_t len)
{
    struct plain *plain = (struct plain *)sink;
    g_autofree char *safe = safetext_mask_lines(text, len); /* lines may be anything, but a terminal is only shown what is harmless */
    if (plain->prompting) {
        line_hide();
    }
    fputs(safe, stream == SINK_ERR ? stderr : stdout);
    if (plain->prompting) {
        fflush(stdout);
        line_show();
    }
}

static void sink_flush_stdout(struct sink *sink)
{
    fflush(stdout);
}

static bool joined(const struct sink *sink)
{
    return sink_stdio_is_joined();
}

static const struct sink_ops plain_sink_ops = {
    .joined = joined,
    .write = sink_take,
    .flush = sink_flush_stdout,
    .live = true,
};

/* ---- input ---- */

static void accept_line(void *data, const char *line);
static void list_words(void *data, char **words);

static const struct line_ops line_ops = {
    .accept = accept_line,
    .list = list_words,
};

static gboolean on_input(int fd, GIOCondition condition, void *data)
{
    struct plain *plain = data;
    line_read_terminal();
    if (condition & (G_IO_HUP | G_IO_ERR | G_IO_NVAL)) {
        g_main_loop_quit(plain->loop);
    }
    return G_SOURCE_CONTINUE;
}

static void begin_prompt(struct plain *plain)
{
    plain->prompting = true;
    line_prompt();
    plain->input = g_unix_fd_source_new(STDIN_FILENO, G_IO_IN);
    g_source_set_callback(plain->input, G_SOURCE_FUNC(on_input), plain, NULL);
    g_source_attach(plain->input, g_main_context_get_thread_default());
}

static void end_prompt(struct plain *plain)
{
    if (plain->prompting) {
        plain->prompting = false;
        line_unprompt();
        source_clear(&plain->input);
    }
}

static void command_done(void *data, int ret)
{
    struct plain *plain = data;
    fflush(stdout);
    if (session_wants_quit(plain->session)) {
        g_main_loop_quit(plain->loop);
    } else {
        begin_prompt(plain);
    }
}

/* For save-script. */
static void note(struct plain *plain, const char *line)
{
    const char *reason = session_config(plain->session)->drop_in ? NULL : script_note(line);
    if (reason != NULL) {
        fprintf(stderr, "%s: save-script can't keep all commands of this session any more: temporary file: %s\n",
                session_config(plain->session)->prog, reason);
    }
}

static void accept_line(void *data, const char *line)
{
    struct plain *plain = data;
    if (line == NULL) {
        end_prompt(plain);
        putchar('\n');
        g_main_loop_quit(plain->loop);
    } else if (line[strspn(line, " ")] != '\0') {
        end_prompt(plain);
        note(plain, line);
        session_run(plain->session, line, plain->out, 0, command_done, plain);
    }
}

static void list_words(void *data, char **words)
{
    line_hide();
    for (; *words != NULL; words++) {
        g_autofree char *safe = safetext_escape(*words, -1);
        printf("%s\n", safe);
    }
    fflush(stdout);
    line_show();
}

/* The prompt is the shell's while this is stopped; who stopped it without asking leaves the terminal to the shell all the same. */
static void stop_and_go_on(struct plain *plain, bool asked)
{
    if (plain->prompting) {
        line_leave_terminal();
    }
    if (asked) {
        signals_stop(false);
    }
    if (plain->prompting) {
        line_enter_terminal();
    }
}

static void on_signals(void *data, unsigned which)
{
    struct plain *plain = data;
    if (which & (SIGNALS_TSTP | SIGNALS_CONT)) {
        stop_and_go_on(plain, which & SIGNALS_TSTP);
    }
    if (!(which & SIGNALS_INT)) {
        return;
    }
    if (session_is_busy(plain->session)) {
        session_cancel(plain->session);
    } else if (plain->prompting) {
        line_clear();
    }
}

static void complain(const struct session_config *config, GError *error)
{
    if (error != NULL) {
        fprintf(stderr, "%s: %s\n", config->prog, error->message);
        g_error_free(error);
    }
}

int app_run_plain(struct session *session, bool use_history)
{
    GError *error = NULL;
    const struct session_config *config = session_config(session);
    g_autofree char *prompt = g_strdup_printf("%s> ", config->prog);
    setlocale(LC_CTYPE, "");
    /* Requests may outlive the prompt and still speak; the process ends soon after. */
    static struct plain only;
    struct plain *plain = &only;
    *plain = (struct plain){.sink = {&plain_sink_ops}, .session = session};
    plain->loop = g_main_loop_new(g_main_context_get_thread_default(), FALSE);
    static const struct command *const own_commands[] = {&command_save_script, NULL};
    if (!config->drop_in) {
        script_begin(session);
        command_add(own_commands);
    }
    line_open(session, prompt, true, &line_ops, plain);
    if (use_history) {
        histfile_begin(&error);
        complain(config, g_steal_pointer(&error));
    }
    signals_init(SIGNALS_INT | SIGNALS_TSTP | SIGNALS_CONT, on_signals, plain);
    struct meter *meter = config->drop_in ? NULL : meter_new(session, &plain->sink);
    plain->out = meter_sink(meter, &plain->sink);
    begin_prompt(plain);
    g_main_loop_run(plain->loop);
    end_prompt(plain);
    meter_free(meter);
    signals_done();
    line_close();
    if (!config->drop_in) {
        command_remove(own_commands);
        script_forget();
    }
    g_main_loop_unref(plain->loop);
    fflush(stdout);
    histfile_end(&error);
    complain(config, error);
    return session_exit_status(session);
}
