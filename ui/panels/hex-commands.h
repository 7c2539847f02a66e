/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The hex panel's commands that are no requests: they take more than the cursor's place. */
#pragma once

#include "engine/command.h"

struct panel;

extern const struct command hex_command_find, hex_command_copy, hex_command_save, hex_command_mark, hex_command_to_mark, hex_command_type;

/* From now on they are about this panel; NULL: about none. */
void hex_commands_serve(struct panel *panel);
struct panel *hex_commands_panel(void);

/* Says why with the command's name in front; -EINVAL. */
int hex_commands_complain(const struct command_call *call, const char *why);
