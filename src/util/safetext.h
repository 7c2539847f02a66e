/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text from images, paths and servers, made safe to show on a terminal. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * Returns a new string (g_free) that is valid UTF-8 and has no character a terminal or a reader could be fooled
 * by: \n, \t, \r and \e for these, \xHH for every byte of another C0 or C1 control and for what is no UTF-8, \u{HHHH}
 * for bidirectional and other invisible characters, spaces that are not the space, private and unassigned ones.  A
 * backslash that could be taken for the beginning of one of these is doubled.  len is in bytes, -1 for a terminated
 * string.
 */
char *safetext_escape(const char *text, ssize_t len);

/*
 * The same but for backslashes, which stay as they are: for text that has been escaped in parts already, and must not be
 * escaped twice.
 */
char *safetext_mask(const char *text, ssize_t len);

/* The same of whole lines, len bytes of them: newlines stay. */
char *safetext_mask_lines(const char *text, size_t len);

/* Whether safetext_escape() would return the text unchanged. */
bool safetext_is_safe(const char *text, ssize_t len);

/* Whether the character is one that stays as it is. */
bool safetext_is_showable(gunichar c);
