/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text from images, paths and servers, made safe to show on a terminal. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * Returns a new string (g_free) that is valid UTF-8 and has no character a terminal or a reader could be fooled
 * by: C0 and C1 controls become \n, \t, \r, \e or \xHH, bytes that are no UTF-8 \xHH, bidirectional and other
 * invisible format characters \u{HHHH}.  A backslash that would make the result ambiguous is doubled.
 * len is in bytes, -1 for a terminated string.
 */
char *safetext_escape(const char *text, ssize_t len);

/* Whether safetext_escape() would return the text unchanged. */
bool safetext_is_safe(const char *text, ssize_t len);
