/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of the session, as typed in the console and as keys stood for them, and `save-script`, which keeps them. */
#pragma once

#include "engine/command.h"

extern const struct command command_save_script;

void script_note(const char *line);
/* The newest line gives way to another. */
void script_take_back(void);
void script_forget(void);
