/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of the session, as typed in the console and as keys stood for them, and `save-script`, which keeps them. */
#pragma once

#include "engine/command.h"

extern const struct command command_save_script;

/* Lines are kept from script_begin(), which opens a temporary file and so comes before anything that forbids it, to script_forget(). */
void script_begin(const struct session *session);
/* NULL, or once: from now on lines go missing, and this is why. */
const char *script_note(const char *line);
/* The newest line gives way to another. */
void script_take_back(void);
void script_forget(void);
