/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pending panel's commands that are no requests: they take words. */
#pragma once

#include "engine/command.h"

struct panel;

extern const struct command pending_command_trace;

/* From now on they are about this panel; NULL: about none. */
void pending_commands_serve(struct panel *panel);
