/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Everything on the screen and what keys do to it: the panels, who has the focus, overlays and the question at the
 * bottom.  It knows neither a terminal nor a loop; a display shows its grid and somebody feeds it keys.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "ui/event.h"
#include "ui/grid.h"
#include "ui/layout.h"
#include "ui/request.h"

struct command_call;
struct desk;
struct panel;
struct session;
struct theme;

/* What only the one who runs the loop can do.  No member is NULL. */
struct desk_ops {
    void (*wake)(void *data);    /* there is something to paint, or the next tick changed; called often */
    void (*suspend)(void *data); /* stop the process, as job control does */
    void (*repaint)(void *data); /* the terminal's contents are not to be trusted */
    void (*dress)(void *data, const struct theme *theme); /* paint with that theme, which may go after the call */
    void (*mouse)(void *data, bool on);                   /* whether the mouse is the program's or the terminal's own */
    bool (*copy)(void *data, const char *text, size_t len); /* into the terminal's clipboard; false: it has none */
};

/* One at a time (the console's readline, and the commands it adds to the engine's).  The session outlives it. */
struct desk *desk_new(struct session *session, struct grid_traits traits, const struct desk_ops *ops, void *data);
void desk_free(struct desk *desk);

void desk_resize(struct desk *desk, int width, int height);
void desk_key(struct desk *desk, keycode key);
void desk_mouse(struct desk *desk, const struct mouse *mouse);
/* Pasted text: goes where text is typed, and runs nothing by itself. */
void desk_paste(struct desk *desk, const char *text);
/* A key by name ("Tab"), or text that is typed letter by letter. */
void desk_type(struct desk *desk, const char *word);
/* What a key of a name would do; count >= 1. */
void desk_request(struct desk *desk, enum request request, int count);

/* Says something in the console, in a line of its own. */
void desk_note(struct desk *desk, enum role role, const char *text);
/* A line that is about to run is in the console as if a key had stood for it. */
void desk_replay(struct desk *desk, const char *line);
/* What is written there appears in the console; stays valid (and silent) after the desk is gone. */
struct sink *desk_sink(struct desk *desk);

/* Whether something changed since it was last painted. */
bool desk_is_dirty(const struct desk *desk);
/* Paints; the grid is valid until the next call. */
const struct grid *desk_draw(struct desk *desk);
/*
 * Its picture once whatever it is reading has come, or after ten seconds as it is then (finished: all of it, also what is done in the background,
 * however long that takes); valid until the next one.  NULL: cancelled, the desk may be gone.
 */
const struct grid *desk_picture_co(struct desk *desk, bool finished);
/* When to paint although nothing happened, on clock_now_us(); -1: never. */
int64_t desk_next_tick_us(const struct desk *desk);
/* The user is done. */
bool desk_wants_quit(const struct desk *desk);

/* ---- what commands do to it ---- */

/* Shows bytes at offset wherever that can be shown. */
void desk_show(struct desk *desk, int64_t offset, int64_t bytes);
void desk_focus(struct desk *desk, enum layout_panel panel);
/*
 * Asks the panel that request belongs to for it, count >= 1 times, with its cursor at offset (-1: where it is).  False when there is
 * nothing it could do.
 */
bool desk_panel_request(struct desk *desk, enum request request, int64_t offset, int count);
/* Zooms the focused panel, or shares the screen again. */
void desk_zoom(struct desk *desk);
/* The panel of that name, or -1. */
int desk_find_panel(const struct desk *desk, const char *name);
/*
 * An offset as people type it: a number, +N and -N from the cursor, N%, $ for the last byte.  Negative, with *ret_why
 * (g_free) set to what is wrong, when it is none or lies outside the image.
 */
int64_t desk_parse_offset(const struct desk *desk, const char *text, char **ret_why);
/* Whether the user's own themes are looked for in the configuration folder; at first they are not. */
void desk_use_config(struct desk *desk, bool use_config);
/* Makes everything look as the theme of that name (see themes.h).  False and an error: it looks as before. */
bool desk_theme(struct desk *desk, const char *name, GError **error);
/* What is behind the terminal's text: a theme that nobody chose follows it. */
void desk_background(struct desk *desk, bool light);
/* Only looks like it, until the next of either; one that can't be had changes nothing. */
void desk_try_theme(struct desk *desk, const char *name);
/* Whether the mouse does anything here. */
void desk_use_mouse(struct desk *desk, bool use);
/* Ends the program as `q` does. */
void desk_quit(struct desk *desk);
