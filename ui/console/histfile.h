/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The history file: what was typed in earlier runs.  Between histfile_begin() and histfile_end() lines are noted; they
 * reach the file at the end, beside those of other sessions that ended meanwhile.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

enum { HISTFILE_LINES_MAX = 10000 };

/* $XDG_STATE_HOME/blkscope/history, or below ~/.local/state; NULL: there is no such place.  A new string (g_free). */
char *histfile_path(void);

/*
 * The newest lines of the file, oldest first (g_ptr_array_unref); none of a file that is not there.  Lines that could
 * not have been typed (control characters, broken UTF-8, too long) are passed over.  NULL and an error: it can't be
 * read, or is no regular file.
 */
GPtrArray *histfile_read(const char *path, GError **ret_error);
/*
 * Adds lines at the end, drops the oldest beyond HISTFILE_LINES_MAX, and puts the new file in the old one's place, all
 * under a lock (PATH.lock).  Folders that miss are made, for the user alone, as is the file.
 */
bool histfile_append(const char *path, const GPtrArray *lines, GError **ret_error);

/*
 * Gives readline the lines of the file; from now on lines are noted.  On failure none are, so that one complaint is all
 * there is.
 */
bool histfile_begin(GError **ret_error);
void histfile_note(const char *line);
/* Writes what was noted.  Without a begin: nothing. */
bool histfile_end(GError **ret_error);
