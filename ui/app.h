/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The full-screen inspector and the line mode with readline. */
#pragma once

#include <stdbool.h>

struct session;

/* What the program's options say, before app_run(): the theme's name (NULL: not given), whether to read configuration
 * files. */
void app_set_options(const char *theme, bool use_config);

/* Runs the full-screen program on the terminal until quit; the exit status. */
int app_run(struct session *session);

/* Runs `--plain`: a readline prompt on the terminal; the exit status. */
int app_run_plain(struct session *session);

struct app_headless;

/*
 * A screen in memory (COLUMNS and LINES say its size, else 80x24), so that the screen's commands work without a
 * terminal: a session's log replays, `keys` drives it, `screen` prints it.  Until app_headless_end(), before the
 * session is freed.
 */
struct app_headless *app_headless_begin(struct session *session);
/* headless may be NULL. */
void app_headless_end(struct app_headless *headless);
