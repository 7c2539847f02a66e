/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why the command in the foreground does not get on, where only the user can change that: a request stands at a breakpoint. */
#pragma once

#include <stdbool.h>

struct session;

enum session_wait {
    SESSION_WAIT_NONE,  /* it runs, or waits for something that comes by itself; or there is none */
    SESSION_WAIT_OTHER, /* it waits for a request that is stopped */
    SESSION_WAIT_OWN,   /* its own request is */
    SESSION_WAIT_BREAK, /* wait_break: for one that comes to be */
};

/* Which of these; true once nothing is under way any more that could end it (SESSION_WAIT_NONE: false). */
bool session_waits(const struct session *session, enum session_wait *ret_wait);

enum session_wait_words {
    SESSION_WAIT_REASON, /* "waits for write at breakpoint A", or "... A and 2 more" */
    SESSION_WAIT_ADVICE, /* "waits for write at breakpoint A: resume A" */
    SESSION_WAIT_BRIEF,  /* "waits: resume A", or "waits: resume A, 2 more" */
};

/* What it waits for; NULL: it does not wait.  Harmless on a terminal; g_free. */
char *session_wait_text(const struct session *session, enum session_wait_words words);
/*
 * Whether a line that is typed while it waits is to run beside it (SESSION_RUN_NOW): after it, it would never come.  Such are resume, remove_break
 * and cancel alone on their line, and quit.
 */
bool session_runs_beside(const struct session *session, const char *line);
