/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The full-screen inspector and the line mode with readline. */
#pragma once

#include <stdbool.h>

#include "engine/session.h"

/* What the program's options say, before app_run(): the theme's name (NULL: not given), whether to read configuration
 * files. */
void app_set_options(const char *theme, bool use_config);
/* Whether they name a theme: a screen in memory then shows what one with colours does. */
bool app_has_theme(void);
/* Gives a new desk what these options ask for; what is wrong with the theme is said in its console. */
struct desk;
void app_dress(struct desk *desk);

/* Where the screen and the line mode keep history, marks and layouts (g_free); NULL: nowhere. */
char *app_state_folder(void);

/* What opens the image of the command line: a task for session_run_task(). */
struct app_open {
    const char *line; /* what it is called while it runs */
    session_task_co *task;
    void *data;
};

/*
 * Runs the full-screen program on the terminal until quit; the exit status.  open (NULL: no image) runs first.  An open that
 * fails at once is said on stderr and there is no screen; one that takes longer goes on behind the screen.  use_history: what
 * is typed is kept for later runs (ui/console/histfile.h).  after: what is told once the screen is gone, as long as anything runs.
 */
int app_run(struct session *session, const struct app_open *open, bool use_history, struct sink *after);

/* Runs `--plain`: a readline prompt on the terminal; the exit status. */
int app_run_plain(struct session *session, bool use_history);

struct app_headless;

/*
 * A screen in memory (COLUMNS and LINES say its size, else 80x24), so that the screen's commands work without a
 * terminal: a session's log replays, `keys` drives it, `screen` prints it.  Until app_headless_end(), before the
 * session is freed.
 */
struct app_headless *app_headless_begin(struct session *session);
/* What commands are to write to, so that they are in its console, too; valid until the session's end.  out itself without a headless one. */
struct sink *app_headless_sink(struct app_headless *headless, struct sink *out);
/* headless may be NULL. */
void app_headless_end(struct app_headless *headless);
