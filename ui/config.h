/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of the user's, line by line, with what is wrong in them told by file and line. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* A line's words are good, or not: then why.  It may also complain without failing, by adding to complaints itself. */
typedef bool config_line_fn(void *data, char **words, unsigned count, GError **error);

/*
 * Gives every line that is neither empty nor a comment (# first) to fn, cut at white space.  Adds "FILE:LINE: reason" to
 * complaints for each it refuses, and one for a file that can't be read; none for one that is not there.
 */
void config_read(const char *path, config_line_fn *fn, void *data, GPtrArray *complaints);
/* blkscope/NAME in the configuration folder; in the state folder (NULL: there is none).  name NULL: blkscope itself.  g_free. */
char *config_path(const char *name);
char *config_state_path(const char *name);
/*
 * Puts text in place of a file of the state folder, readable for its owner alone; the folder has to be there.  All of it or, with a negative
 * errno, nothing: then what was there stays.  -EINVAL: the path is no plain file (a symbolic link is none), which nobody wants replaced.
 */
int config_state_write(const char *path, const char *text, size_t len);
