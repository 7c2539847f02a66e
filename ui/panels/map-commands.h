/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The map panel's commands that are no requests: they take words. */
#pragma once

#include "engine/command.h"

struct panel;

extern const struct command map_command_differences, map_command_only;

/* From now on they are about this panel; NULL: about none. */
void map_commands_serve(struct panel *panel);
