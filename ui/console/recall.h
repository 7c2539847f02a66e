/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the console is left: where its output is scrolled to, what is marked in it, what is typed; as words of commands, and these. */
#pragma once

#include "engine/command.h"
#include "ui/panel.h"

/*
 * The words of `scroll` that lead to what is shown now ("23 1 -t 'text' -f 12 -m 5..7"; g_free), lines counted back from the end; the
 * absolute ones differ exactly when something of that did change.
 */
char *console_scroll_words(struct panel *console, bool absolute);

/* The words of `type` that lead to the line that is being typed ("'read 0' 4"; "": nothing is).  g_free. */
char *console_typed_words(struct panel *console);

/* Commands are found by name only: whose they are; NULL: nobody's. */
void console_commands_serve(struct panel *console);
extern const struct command console_command_scroll, console_command_type;
