/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text as a JSON string. */
#pragma once

#include <glib.h>

/*
 * Adds text in quotes, with what JSON wants escaped and what a terminal or a reader could be fooled by (safetext_is_showable()): the report may be
 * looked at.  Bytes that are no UTF-8 stay as they are: see g_utf8_make_valid().
 */
void jsontext_append(GString *out, const char *text);
