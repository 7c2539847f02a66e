/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loop of the full screen: keys and signals go into the desk, its frames go to the display.  One source paints: it
 * becomes ready when something changed, at most sixty times a second, and at the desk's next tick; with neither it
 * sleeps for ever. Frames go before other sources of the context, so that a busy engine can't starve them; their pace is
 * bounded, so neither do they starve it.  So do keys, as long as they come one by one; where they come faster than they are dealt with they
 * take turns with the engine: a paste of a megabyte that went first would keep the commands in it from running.
 */
#include "ui/app.h"

#include <glib-unix.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "engine/session.h"
#include "io/clock.h"
#include "ui/console/console.h"
#include "ui/console/histfile.h"
#include "ui/panels/hex-marks.h"
#include "ui/config.h"
#include "ui/desk-private.h"
#include "ui/display.h"
#include "ui/opening.h"
#include "ui/signals.h"
#include "util/source.h"

enum {
    FRAME_US = 1000 * 1000 / 60, /* between frames that a busy engine causes */
    KEY_FRAME_US = 4000,         /* between frames that keys cause: a person waits for those */
    INPUT_TURN_US = 8000,        /* pasting a book must not keep frames from being painted */
};

struct app {
    struct display *display;
    struct desk *desk; /* NULL while it is made */
    GMainLoop *loop;
    GSource *frames, *input;
    int64_t last_frame_us;
    bool wanted;  /* a frame is, as soon as the pace allows */
    bool suspend; /* asked for by key; done outside of the desk's own calls */
    GError *unsaved; /* why the borders are not kept; NULL: they are */
};

static const char *theme_option;
static bool config_option;

void app_set_options(const char *theme, bool use_config)
{
    theme_option = theme;
    config_option = use_config;
}

char *app_state_folder(void)
{
    return config_state_path(NULL);
}

bool app_has_theme(void)
{
    return theme_option != NULL;
}

/* A theme that can't be had is no reason not to start. */
void app_dress(struct desk *desk)
{
    g_autoptr(GError) error = NULL;
    desk_use_config(desk, config_option);
    if (config_option) {
        settings_load(desk);
    }
    if (theme_option != NULL && !desk_theme(desk, theme_option, &error)) {
        g_prefix_error(&error, "theme: ");
        desk_note(desk, ROLE_WARNING, error->message);
    }
}

/* ---- frames ---- */

static void want_frame(void *data)
{
    struct app *app = data;
    if (!app->wanted && app->frames != NULL) {
        app->wanted = true;
        g_source_set_ready_time(app->frames, app->last_frame_us + FRAME_US);
    }
}

/* What a key changed is shown sooner. */
static void hurry_frame(struct app *app)
{
    if (app->wanted) {
        g_source_set_ready_time(app->frames, app->last_frame_us + KEY_FRAME_US);
    }
}

static void draw_frame(struct app *app)
{
    app->wanted = false;
    app->last_frame_us = g_get_monotonic_time();
    app->display->ops->show(app->display, desk_draw(app->desk));
    if (!app->wanted) {
        g_source_set_ready_time(app->frames, desk_next_tick_us(app->desk));
    }
}

static gboolean on_frame(void *data)
{
    struct app *app = data;
    g_source_set_ready_time(app->frames, -1);
    if (desk_wants_quit(app->desk)) {
        g_main_loop_quit(app->loop);
    } else {
        draw_frame(app);
    }
    return G_SOURCE_CONTINUE;
}

static gboolean call_callback(GSource *source, GSourceFunc callback, void *data)
{
    return callback(data);
}

static GSourceFuncs timed_source = {.dispatch = call_callback};

/* ---- the terminal ---- */

static void check_size(struct app *app)
{
    int width, height;
    app->display->ops->size(app->display, &width, &height);
    desk_resize(app->desk, width, height);
}

static void repaint(void *data)
{
    struct app *app = data;
    app->display->ops->leave(app->display);
    app->display->ops->enter(app->display);
    if (app->desk != NULL) {
        check_size(app);
    }
    want_frame(app);
}

static void stop(struct app *app, bool group)
{
    app->display->ops->leave(app->display);
    signals_stop(group);
    app->display->ops->enter(app->display);
    check_size(app);
    want_frame(app);
}

static void want_suspend(void *data)
{
    ((struct app *)data)->suspend = true;
}

static void dress(void *data, const struct theme *theme)
{
    struct app *app = data;
    app->display->ops->dress(app->display, theme);
    want_frame(app);
}

static void set_mouse(void *data, bool on)
{
    struct app *app = data;
    app->display->ops->mouse(app->display, on);
}

static bool copy(void *data, const char *text, size_t len)
{
    struct app *app = data;
    return app->display->ops->copy(app->display, text, len);
}

static const struct desk_ops desk_ops = {
    .wake = want_frame,
    .suspend = want_suspend,
    .repaint = repaint,
    .dress = dress,
    .mouse = set_mouse,
    .copy = copy,
};

static void on_signals(void *data, unsigned which)
{
    struct app *app = data;
    if (which & SIGNALS_TSTP) {
        stop(app, false);
    }
    if (which & SIGNALS_CONT) {
        repaint(app); /* was stopped without being asked: who knows what the shell did to the terminal */
    }
    if (which & SIGNALS_WINCH) {
        /* It may have been smaller for a moment, and have the same size again. */
        app->display->ops->forget(app->display);
        check_size(app);
        want_frame(app);
    }
    if (which & SIGNALS_INT) {
        desk_request(app->desk, REQUEST_CANCEL, 1);
    }
}

/* As eyes weigh the parts. */
static bool is_light(const uint8_t colour[static 3])
{
    return colour[0] * 299 + colour[1] * 587 + colour[2] * 114 > 127 * 1000;
}

/* Terminals that can't be asked may say it in their environment: "15;0", the last is the background. */
static void look_at_environment(struct app *app)
{
    const char *colours = g_getenv("COLORFGBG"), *last = colours != NULL ? strrchr(colours, ';') : NULL;
    if (last != NULL && (strcmp(last, ";7") == 0 || strcmp(last, ";15") == 0)) {
        desk_background(app->desk, true);
    }
}

static void take_event(struct app *app, const struct event *event)
{
    switch (event->kind) {
    case EVENT_KEY:
        if (event->key == KEYCODE_RESIZE) {
            check_size(app);
        } else {
            desk_key(app->desk, event->key);
        }
        break;
    case EVENT_MOUSE:
        desk_mouse(app->desk, &event->mouse);
        break;
    case EVENT_PASTE:
        desk_paste(app->desk, event->text);
        break;
    case EVENT_BACKGROUND:
        desk_background(app->desk, is_light(event->colour));
        break;
    case EVENT_NONE:
        break;
    }
    if (app->suspend) {
        app->suspend = false;
        stop(app, true);
    }
}

static gboolean on_input(int fd, GIOCondition condition, void *data)
{
    struct app *app = data;
    int64_t until = g_get_monotonic_time() + INPUT_TURN_US;
    struct event event;
    bool more = false;
    g_source_set_ready_time(app->input, -1);
    while (!desk_wants_quit(app->desk) && (event = app->display->ops->read(app->display)).kind != EVENT_NONE) {
        take_event(app, &event);
        if (g_get_monotonic_time() > until) {
            g_source_set_ready_time(app->input, 0); /* curses may hold keys that poll knows nothing of */
            more = true;
            break;
        }
    }
    g_source_set_priority(app->input, more ? G_PRIORITY_DEFAULT : G_PRIORITY_HIGH);
    hurry_frame(app);
    if (condition & (G_IO_HUP | G_IO_ERR | G_IO_NVAL)) {
        g_main_loop_quit(app->loop); /* the terminal is gone */
    }
    return G_SOURCE_CONTINUE;
}

/* ---- coming and going ---- */

static GSource *add_source(GSource *source, const char *name, int priority, GSourceFunc fn, struct app *app)
{
    g_source_set_static_name(source, name);
    g_source_set_callback(source, fn, app, NULL);
    g_source_set_priority(source, priority);
    g_source_attach(source, g_main_context_get_thread_default());
    return source;
}

/* Trouble with the history is told in the console, once, and changes nothing else. */
static void begin_history(struct app *app)
{
    g_autoptr(GError) error = NULL;
    if (!histfile_begin(&error)) {
        desk_note(app->desk, ROLE_WARNING, error->message);
    }
}

static void end_history(struct session *session)
{
    g_autoptr(GError) error = NULL;
    if (!histfile_end(&error)) {
        fprintf(stderr, "%s: %s\n", session_config(session)->prog, error->message);
    }
}

static void run(struct app *app, struct session *session, bool use_history)
{
    g_autofree char *marks = use_history ? config_state_path("marks") : NULL;
    hex_marks_keep_in(marks); /* before there is a panel that looks for them */
    app->loop = g_main_loop_new(g_main_context_get_thread_default(), FALSE);
    app->desk = desk_new(session, app->display->traits, &desk_ops, app);
    app_dress(app->desk);
    look_at_environment(app);
    borders_load(app->desk);
    if (use_history) {
        begin_history(app);
    }
    opening_forward(desk_sink(app->desk));
    app->frames = add_source(g_source_new(&timed_source, sizeof(GSource)), "frames", G_PRIORITY_HIGH, on_frame, app);
    app->input = add_source(g_unix_fd_source_new(app->display->ops->fd, G_IO_IN), "keys", G_PRIORITY_HIGH,
                            G_SOURCE_FUNC(on_input), app);
    signals_init(SIGNALS_WINCH | SIGNALS_TSTP | SIGNALS_CONT | SIGNALS_INT, on_signals, app);
    check_size(app);
    want_frame(app);
    g_main_loop_run(app->loop);
    signals_done();
    source_clear(&app->input);
    source_clear(&app->frames);
    borders_save(app->desk, &app->unsaved);
    desk_free(app->desk);
    g_main_loop_unref(app->loop);
}

static int run_screen(struct session *session, bool use_history)
{
    g_autoptr(GError) error = NULL;
    struct app app = {0};
    g_autoptr(theme) theme = theme_default();
    app.display = curses_new(theme, &error);
    if (app.display == NULL) {
        fprintf(stderr, "%s: %s\n", session_config(session)->prog, error->message);
        return 1;
    }
    run(&app, session, use_history);
    app.display->ops->free(app.display);
    if (app.unsaved != NULL) { /* once the terminal is the shell's again */
        fprintf(stderr, "%s: %s\n", session_config(session)->prog, app.unsaved->message);
        g_error_free(app.unsaved);
    }
    end_history(session);
    return 0;
}

int app_run(struct session *session, const struct app_open *open, bool use_history, struct sink *after)
{
    setlocale(LC_CTYPE, "");
    if (open != NULL && !opening_start(session, open)) {
        struct sink *terminal = sink_new_stdio();
        opening_forward(terminal);
        opening_forward(sink_null());
        sink_free(terminal);
        return 1;
    }
    int status = run_screen(session, use_history);
    console_leave_to(after);
    return status;
}
