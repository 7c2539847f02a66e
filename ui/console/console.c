/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/console/console-private.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "engine/command.h"
#include "engine/session.h"
#include "engine/waiting.h"
#include "io/clock.h"
#include "ui/console/line.h"
#include "ui/console/script.h"
#include "ui/progress.h"
#include "ui/setting.h"
#include "ui/text.h"
#include "util/safetext.h"

#define PROMPT "> "
#define ENDS_IT "  Ctrl-C ends it"

enum {
    BUSY_SHOWN_AFTER_US = 300 * 1000, /* a quick command must not make the line flash */
    SECOND_US = 1000 * 1000,
    PROGRESS_US = SECOND_US / 5,
    LIST_GAP = 2,
    LIST_MAX = 1000, /* completions listed */
    LOGGED_MAX = 1000, /* characters of what a key stood for that are shown */
    MIB = 1 << 20,
    SCROLLBACK_MIB_MAX = 1024,
};

/* Owned by nobody once its console is gone: requests that outlive the screen may still write to it. */
struct console_sink {
    struct sink sink;
    struct console *console; /* NULL: the console is gone */
};

static GPtrArray *orphans;  /* sinks of consoles that are gone */
static struct sink *heir;   /* what they are written is for it; NULL: for nobody */

static struct console *console_of(struct panel *panel)
{
    return (struct console *)panel;
}

/* ---- output ---- */

/* Hints stand behind two spaces, and are not what went wrong. */
static enum role role_of(enum sink_stream stream, const char *text, size_t len)
{
    static const char warning[] = ": warning: ";
    if (stream == SINK_ERR && len > 2 && text[0] == ' ' && text[1] == ' ') {
        return ROLE_NOTE;
    }
    if (stream == SINK_ERR && memmem(text, len, warning, strlen(warning)) != NULL) {
        return ROLE_WARNING;
    }
    return stream == SINK_OUT ? ROLE_TEXT : ROLE_ERROR;
}

static void sink_take(struct sink *sink, enum sink_stream stream, const char *text, size_t len)
{
    struct console *console = ((struct console_sink *)sink)->console;
    if (console != NULL) {
        linestore_add(scrollback_store(console->scrollback), role_of(stream, text, len), text, len);
        panel_redraw(&console->panel);
    } else if (heir != NULL) {
        sink_write(heir, stream, text, len);
    }
}

void console_leave_to(struct sink *sink)
{
    heir = sink;
}

void console_forget(void)
{
    g_clear_pointer(&orphans, g_ptr_array_unref);
}

static bool joined(const struct sink *sink)
{
    return true;
}

static const struct sink_ops console_sink_ops = {
    .joined = joined,
    .write = sink_take,
    .live = true,
};

struct sink *console_sink(struct panel *panel)
{
    return &console_of(panel)->sink->sink;
}

/* A whole line, on a line of its own. */
static void add_line(struct console *console, enum role role, const char *before, const char *text)
{
    linestore_add(scrollback_store(console->scrollback), role, before, strlen(before));
    linestore_add(scrollback_store(console->scrollback), role, text, strlen(text));
    linestore_add(scrollback_store(console->scrollback), role, "\n", 1);
    panel_redraw(&console->panel);
}

static void note(struct console *console, const char *line)
{
    const char *reason = script_note(line);
    if (reason != NULL) {
        g_autofree char *text = g_strdup_printf("save-script can't keep all commands of this session any more: temporary file: %s", reason);
        add_line(console, ROLE_WARNING, "", text);
    }
}

/* A pasted megabyte, or several lines of it, is one line of the log, which may give way to the next. */
static char *log_text(const char *line)
{
    g_auto(GStrv) lines = g_strsplit(line, "\n", -1);
    g_autofree char *text = g_strjoinv("\\n", lines), *valid = g_utf8_make_valid(text, -1);
    if (g_utf8_strlen(valid, -1) <= LOGGED_MAX) {
        return g_steal_pointer(&valid);
    }
    g_autofree char *start = g_utf8_substring(valid, 0, LOGGED_MAX);
    return g_strconcat(start, "...", NULL);
}

void console_log(struct panel *panel, const char *line)
{
    g_autofree char *text = log_text(line);
    add_line(console_of(panel), ROLE_ECHO, PROMPT, text);
    note(console_of(panel), line);
}

bool console_take_back(struct panel *panel, const char *prefix)
{
    g_autofree char *logged = g_strconcat(PROMPT, prefix, NULL);
    bool taken = linestore_take_last(scrollback_store(console_of(panel)->scrollback), ROLE_ECHO, logged);
    if (taken) {
        script_take_back();
    }
    return taken;
}

void console_note(struct panel *panel, enum role role, const char *text)
{
    add_line(console_of(panel), role, "", text);
}

/* ---- commands ---- */

static void command_done(void *data, int ret)
{
    struct console *console = ((struct console_sink *)data)->console;
    if (console != NULL) {
        panel_redraw(&console->panel);
    }
}

/* It comes after what runs, as everything that is typed. */
static void tell_of_quit(struct console *console, const char *line)
{
    const char *start = line + strspn(line, " \t");
    g_autofree char *name = g_strndup(start, strcspn(start, " \t;"));
    if (session_is_busy(panel_session(&console->panel)) && command_find(name) == command_find("quit")) {
        add_line(console, ROLE_NOTE, "", "  the program ends when the command that runs has ended: Ctrl-C ends that");
    }
}

static void run_line(struct console *console, const char *line)
{
    scrollback_scroll_last(console->scrollback);
    add_line(console, ROLE_INPUT, PROMPT, line);
    note(console, line);
    struct session *session = panel_session(&console->panel);
    unsigned flags = session_runs_beside(session, line) ? SESSION_RUN_NOW : 0;
    if (!flags) {
        tell_of_quit(console, line);
    }
    session_run(session, line, &console->sink->sink, flags, command_done, console->sink);
}

void console_run(struct panel *panel, const char *line)
{
    run_line(console_of(panel), line);
}

static void accept_line(void *data, const char *line)
{
    struct console *console = data;
    if (line == NULL) {
        panel_ask(&console->panel, REQUEST_QUIT);
    } else if (line[strspn(line, " ")] == '\0') {
        scrollback_scroll_last(console->scrollback);
        add_line(console, ROLE_INPUT, PROMPT, "");
        note(console, "");
    } else {
        run_line(console, line);
    }
}

/* What is told apart by its end is listed by its end: paths without the folders they share. */
static const char *short_word(const char *word)
{
    size_t len = strlen(word);
    while (len > 1 && word[len - 1] == '/') {
        len--;
    }
    const char *slash = g_strrstr_len(word, (gssize)len, "/");
    return slash != NULL && slash[1] != '\0' ? slash + 1 : word;
}

static void list_words(void *data, char **words)
{
    struct console *console = data;
    int widest = 1, count = 0;
    g_autoptr(GPtrArray) shown = g_ptr_array_new_with_free_func(g_free);
    for (; words[count] != NULL && count < LIST_MAX; count++) {
        g_ptr_array_add(shown, safetext_escape(short_word(words[count]), -1));
        widest = MAX(widest, text_columns(shown->pdata[count], -1));
    }
    int columns = MAX(console->width / (widest + LIST_GAP), 1);
    int rows = (count + columns - 1) / columns;
    for (int row = 0; row < rows; row++) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (int i = row; i < count; i += rows) {
            const char *word = shown->pdata[i];
            g_string_append(text, word);
            int gap = i + rows < count ? widest + LIST_GAP - text_columns(word, -1) : 0;
            g_string_append_printf(text, "%*s", gap, "");
        }
        add_line(console, ROLE_DIM, "", text->str);
    }
    if (words[count] != NULL) {
        add_line(console, ROLE_DIM, "", "... and more");
    }
}

static const struct line_ops line_ops = {
    .accept = accept_line,
    .list = list_words,
};

/* ---- the panel ---- */

static struct panel *console_create(struct panel_host *host)
{
    struct console *console = g_new0(struct console, 1);
    console->panel = (struct panel){&panel_console, host};
    console->scrollback = scrollback_new(SCROLLBACK_BYTES_DEFAULT);
    console->scrollback_mib = SCROLLBACK_BYTES_DEFAULT / MIB;
    console->sink = g_new0(struct console_sink, 1);
    console->sink->sink.ops = &console_sink_ops;
    console->sink->console = console;
    console->width = 80;
    script_begin(panel_session(&console->panel));
    line_open(panel_session(&console->panel), PROMPT, false, &line_ops, console);
    return &console->panel;
}

static void console_free(struct panel *panel)
{
    struct console *console = console_of(panel);
    line_close();
    script_forget();
    console->sink->console = NULL;
    if (orphans == NULL) {
        orphans = g_ptr_array_new_with_free_func(g_free);
    }
    g_ptr_array_add(orphans, console->sink);
    scrollback_free(console->scrollback);
    g_free(console->wanted);
    g_free(console);
}

static void console_title(struct panel *panel, GString *title)
{
    uint64_t below = scrollback_below(console_of(panel)->scrollback);
    if (below > 0) {
        g_string_append_printf(title, "%" PRIu64 " lines below", below);
    }
}

bool console_is_looking(const char *line)
{
    static const char looking[] = "screen";
    const char *word = line + strspn(line, " \t");
    size_t len = strlen(looking);
    return strncmp(word, looking, len) == 0 && strchr(" \t;", word[len]) != NULL;
}

const char *console_busy_line(struct panel *panel, int64_t *ret_since)
{
    const char *line = session_busy_line(panel_session(panel), ret_since);
    return line != NULL && !console_is_looking(line) && clock_now_us() - *ret_since >= BUSY_SHOWN_AFTER_US ? line : NULL;
}

/* "3 s  34%  1.2 GiB/s  8 s left" */
static char *progress_text(struct console *console, int64_t elapsed_us)
{
    struct session_progress progress;
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "  %" PRId64 " s", elapsed_us / SECOND_US);
    if (session_progress(panel_session(&console->panel), &progress) && progress.total > 0) {
        progress_append(text, progress.done, progress.total, elapsed_us);
    }
    return g_string_free(text, FALSE);
}

enum { LEAST_LINE = 8 }; /* columns of what runs, which has to give way */

static int put_busy(struct surface surface, int y, const char *line, const char *time, const char *wait)
{
    int end = surface.width - text_columns(time, -1) - text_columns(wait, -1) - text_columns(ENDS_IT, -1);
    int x = surface_put_fit(surface, 0, y, MAX(end, LEAST_LINE), ROLE_STATE_IN_FLIGHT, line);
    return surface_put(surface, x, y, ROLE_DIM, time);
}

/* What it waits for, where that does not come by itself, in as many words as there is room for. */
static void draw_busy(struct console *console, struct surface surface, int y, const char *line, int64_t since)
{
    const struct session *session = panel_session(&console->panel);
    g_autofree char *progress = progress_text(console, clock_now_us() - since);
    g_autofree char *wait = NULL;
    int room = surface.width - LEAST_LINE - text_columns(progress, -1) - text_columns(ENDS_IT, -1);
    for (int words = SESSION_WAIT_ADVICE; words <= SESSION_WAIT_BRIEF; words++) {
        g_autofree char *text = session_wait_text(session, (enum session_wait_words)words);
        if (text != NULL && (words == SESSION_WAIT_BRIEF || text_columns(text, -1) + 2 <= room)) {
            wait = g_strconcat("  ", text, NULL);
            break;
        }
    }
    int x = put_busy(surface, y, line, progress, wait != NULL ? wait : "");
    x = wait != NULL ? surface_put(surface, x, y, ROLE_STATE_SUSPENDED, wait) : x;
    surface_put(surface, x, y, ROLE_DIM, ENDS_IT);
}

static void console_draw(struct panel *panel, struct surface surface, bool focused)
{
    struct console *console = console_of(panel);
    int64_t since;
    const char *busy = console_busy_line(panel, &since);
    int lines_below = 1 + (busy != NULL && surface.height > 2);
    console->utf8 = surface_traits(surface).utf8;
    console->width = surface.width;
    console->height = MAX(surface.height - lines_below, 0);
    int y = scrollback_draw(console->scrollback, surface_part(surface, 0, 0, surface.width, console->height));
    if (lines_below == 2) {
        draw_busy(console, surface, y++, busy, since);
    }
    if (surface.height > 0) {
        line_draw(surface, y, focused);
    }
}

static enum panel_reaction scroll(struct console *console, int64_t rows)
{
    return scrollback_scroll(console->scrollback, (int)CLAMP(rows, -G_MAXINT, G_MAXINT)) ? PANEL_REDRAW : PANEL_HANDLED;
}

static enum panel_reaction feed(struct console *console, keycode key)
{
    line_key(key, console->utf8);
    return PANEL_REDRAW;
}

static enum panel_reaction complete_or_leave(struct console *console)
{
    if (line_is_empty()) {
        panel_ask(&console->panel, REQUEST_FOCUS_NEXT);
        return PANEL_HANDLED;
    }
    return feed(console, KEYCODE_TAB);
}

static enum panel_reaction console_request(struct panel *panel, enum request request, int count)
{
    struct console *console = console_of(panel);
    int64_t page = MAX(console->height - 1, 1);
    switch (request) {
    case REQUEST_CONSOLE_RUN:
        return feed(console, KEYCODE_ENTER);
    case REQUEST_CONSOLE_COMPLETE:
        return complete_or_leave(console);
    case REQUEST_CONSOLE_PAGE_UP:
        return scroll(console, -page * count);
    case REQUEST_CONSOLE_PAGE_DOWN:
        return scroll(console, page * count);
    case REQUEST_CONSOLE_QUIT:
        if (!line_is_empty()) {
            return PANEL_IGNORED;
        }
        panel_ask(panel, REQUEST_QUIT);
        return PANEL_HANDLED;
    case REQUEST_CONSOLE_FIRST:
    case REQUEST_CONSOLE_LAST:
        if (!line_is_empty()) {
            return PANEL_IGNORED;
        }
        (request == REQUEST_CONSOLE_FIRST ? scrollback_scroll_first : scrollback_scroll_last)(console->scrollback);
        return PANEL_REDRAW;
    case REQUEST_CONSOLE_LEAVE:
        return line_wants_escape() ? feed(console, KEYCODE_ESCAPE) : PANEL_IGNORED;
    default:
        return output_request(console, request);
    }
}

static enum panel_reaction console_key(struct panel *panel, keycode key)
{
    struct console *console = console_of(panel);
    if (key == ':' && line_is_empty()) {
        return PANEL_HANDLED; /* the key that leads here from elsewhere; no command begins with it */
    }
    scrollback_scroll_last(console->scrollback);
    return feed(console, key);
}

static int64_t console_next_tick_us(struct panel *panel)
{
    int64_t since;
    if (session_busy_line(panel_session(panel), &since) == NULL) {
        return -1;
    }
    int64_t elapsed = MAX(clock_now_us() - since, 0);
    struct session_progress progress;
    int64_t step = session_progress(panel_session(panel), &progress) ? PROGRESS_US : SECOND_US;
    return since + (elapsed < BUSY_SHOWN_AFTER_US ? BUSY_SHOWN_AFTER_US : (elapsed / step + 1) * step);
}

char *console_usage(struct panel *panel)
{
    return line_is_empty() ? NULL : line_usage();
}

bool console_is_typed(struct panel *panel)
{
    return !line_is_empty();
}

void console_clear_line(struct panel *panel)
{
    line_clear();
    scrollback_scroll_last(console_of(panel)->scrollback);
    panel_redraw(panel);
}

void console_paste(struct panel *panel, const char *text)
{
    scrollback_scroll_last(console_of(panel)->scrollback);
    line_paste(text);
    panel_redraw(panel);
}

static enum panel_reaction console_mouse(struct panel *panel, const struct mouse *mouse)
{
    if (mouse->what != MOUSE_WHEEL_UP && mouse->what != MOUSE_WHEEL_DOWN) {
        return output_mouse(panel, mouse);
    }
    return scroll(console_of(panel), mouse->what == MOUSE_WHEEL_UP ? -mouse->rows : mouse->rows);
}

/* ---- options ---- */

static char *get_scrollback(void *object)
{
    return g_strdup_printf("%d", ((struct console *)object)->scrollback_mib);
}

static bool set_scrollback(void *object, const char *value, GError **error)
{
    struct console *console = object;
    if (!setting_parse_number(value, 1, SCROLLBACK_MIB_MAX, &console->scrollback_mib, error)) {
        return false;
    }
    linestore_limit(scrollback_store(console->scrollback), (size_t)console->scrollback_mib * MIB);
    panel_redraw(&console->panel);
    return true;
}

static const struct setting settings[] = {
    {"console-scrollback", "1..1024", "memory for the console's output, in MiB; the oldest lines go first", get_scrollback, set_scrollback, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

const struct panel_ops panel_console = {
    .settings = settings,
    .name = "console",
    .context = REQUEST_CONTEXT_CONSOLE,
    .create = console_create,
    .free = console_free,
    .title = console_title,
    .draw = console_draw,
    .request = console_request,
    .key = console_key,
    .typing_context = REQUEST_CONTEXT_CONSOLE,
    .mouse = console_mouse,
    .next_tick_us = console_next_tick_us,
};
