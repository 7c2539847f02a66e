/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The full-screen inspector and the line mode with readline. */
#pragma once

struct session;

/* Runs the full-screen program on the terminal until quit; the exit status. */
int app_run(struct session *session);

/* Runs `--plain`: a readline prompt on the terminal; the exit status. */
int app_run_plain(struct session *session);
