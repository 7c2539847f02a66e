/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text as a JSON string. */
#pragma once

#include <glib.h>

/* Adds text in quotes, with what JSON wants escaped.  Bytes that are no UTF-8 stay as they are: see g_utf8_make_valid(). */
void jsontext_append(GString *out, const char *text);
