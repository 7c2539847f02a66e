/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands that come from arguments, a file or standard input, one line after the other, without a screen. */
#pragma once

#include <stdbool.h>

struct session;
struct sink;

/* Runs one line to its end in the thread-default main context: 0, or a negative errno when a command failed. */
int batch_run_line(struct session *session, const char *line, struct sink *sink);

/*
 * Runs the lines of a descriptor until its end, `quit`, or a failure where the session stops on errors.  prompt: written before each
 * line, NULL for none.  While requests are outstanding, waiting for input lets them go on.  0, or a negative errno when
 * reading failed: -EMSGSIZE at a line of more than 16 MiB, which nobody wrote on purpose.
 */
int batch_run_fd(struct session *session, int fd, const char *prompt, struct sink *sink);
