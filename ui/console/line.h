/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A command line edited by readline, in callback mode: keys go in, an accepted line comes out, and what it looks like
 * is asked for. Readline has one state for the whole process, hence no object: between line_open() and line_close()
 * there is one line.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "ui/grid.h"
#include "ui/key.h"

struct session;

struct line_ops {
    /* A line was accepted (valid during the call); NULL: end of input on an empty line. */
    void (*accept)(void *data, const char *line);
    /* Several words fit where the cursor is: show them.  NULL-terminated, valid during the call. */
    void (*list)(void *data, char **words);
};

/*
 * session is asked for completions.  tty: readline itself talks to the terminal on stdin and stdout (line mode); else
 * it touches no terminal at all, and line_key() and line_draw() are its hands and eyes.
 */
void line_open(struct session *session, const char *prompt, bool tty, const struct line_ops *ops, void *data);
void line_close(void);

/* readline's version.  Static. */
const char *line_library(void);

void line_key(keycode key, bool utf8);
/* UTF-8 text goes in where the cursor is, as one change that can be undone; control characters but line ends are left out. */
void line_paste(const char *text);

/* Line mode: shows the prompt and takes the terminal; gives it back; a key is waiting on stdin; makes room for output,
 * and shows the line again. */
void line_prompt(void);
void line_unprompt(void);
void line_read_terminal(void);
void line_hide(void);
void line_show(void);
/* The same before the process stops, and when it goes on; in between the terminal is as it was found. */
void line_leave_terminal(void);
void line_enter_terminal(void);

bool line_is_empty(void);
/* What is typed so far, valid until the next key, and how many characters of it are before the cursor; and that in its place. */
const char *line_text(int *ret_typed);
void line_set(const char *text, int typed);
/* Of the command that the cursor is in; NULL: it is in none.  g_free. */
char *line_usage(void);
/* Drops what was typed (and any search in the history). */
void line_clear(void);
/* Whether Escape means something to the line itself (vi mode, inserting; a search in the history). */
bool line_wants_escape(void);

/* Paints prompt and text into one row, scrolled so that the cursor is visible; with the terminal's cursor if focused.
 */
void line_draw(struct surface surface, int y, bool focused);
