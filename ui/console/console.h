/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console panel: a command line, above it the scrollback, which is also the log of every action. */
#pragma once

#include "ui/panel.h"

struct sink;

/* One at a time: readline has one state. */
extern const struct panel_ops panel_console;

/* Where commands run on behalf of other panels write.  Stays valid after the console is gone: requests may outlive it. */
struct sink *console_sink(struct panel *console);
/* Where that goes then, such as why the image could not be closed; NULL, at first: nowhere.  The caller's as long as anything runs. */
void console_leave_to(struct sink *sink);
/* Nothing runs any more that could write to a console that is gone: forgets where it would have. */
void console_forget(void);
/* Logs a command that a key stood for, as if it had been typed. */
void console_log(struct panel *console, const char *line);
/* If the last thing in the scrollback is such a line that begins with prefix, takes it away: whether it was. */
bool console_take_back(struct panel *console, const char *prefix);
/* A line of our own, without newline. */
void console_note(struct panel *console, enum role role, const char *text);
/* The line that runs, once it has for a moment, and since when (clock_now_us()); NULL: none. */
const char *console_busy_line(struct panel *console, int64_t *ret_since);
/* Whether a line only looks at the screen (`screen`): it is no part of what it shows, however long it waits for it to be whole. */
bool console_is_looking(const char *line);
/* Runs a line as if it had been typed there. */
void console_run(struct panel *console, const char *line);
/* Puts pasted text into the line; line ends are kept and run nothing. */
void console_paste(struct panel *console, const char *text);
/* Usage and summary of the command that is being typed, NULL: none is.  g_free. */
char *console_usage(struct panel *console);
/* Whether a line is being typed. */
bool console_is_typed(struct panel *console);
/* Drops what was typed. */
void console_clear_line(struct panel *console);
