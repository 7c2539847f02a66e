/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text of the program's tables as source of manuals, in the language of scdoc(5). */
#pragma once

#include <glib.h>

/* Text with nothing in it that scdoc takes for markup; g_free. */
char *help_plain(const char *text);
/* Adds what `help COMMAND` says, indented once: its sentences as paragraphs, its tables by their lines, which fit a terminal of 80 columns. */
void help_for_manual(GString *out, const char *help);
