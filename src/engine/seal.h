/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Closes the sandbox (io/sandbox.h) around a session: what it still needs, from its settings and its first image. */
#pragma once

#include "block/blk.h"
#include "engine/command.h"

/*
 * The session's image was opened as how says.  Closes the sandbox if the settings want it and it is open; call is for what is to be said.
 */
void seal_close(const struct command_call *call, const struct blk_open *how);

/* Whether a line may hold a command that makes files: for who runs known lines and would start no broker in vain. */
bool seal_makes_files(const char *line);
