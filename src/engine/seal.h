/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Closes the sandbox (io/sandbox.h) around a session: what it still needs, from its settings and its first image. */
#pragma once

#include "block/blk.h"
#include "engine/command.h"

/*
 * The session's image was opened as how says.  Closes the sandbox if the settings want it and it is open; call is for what is to be said.  While the user
 * has not said whether a file that the image names is to be opened (BLK_REFS_ASK), and the answer may need a program that the sandbox lets nobody start
 * (qemu-nbd), it is left open: but a session that only reads keeps to that.
 */
void seal_close(const struct command_call *call, const struct blk_open *how);

/*
 * Whether the session's image may be closed to be opened again: 0, or -EPERM, having said it, where it is read through a program that can't be started
 * any more.
 */
int seal_check_again(const struct command_call *call);

/* Whether a line may hold a command that makes files: for who runs known lines and would start no broker in vain. */
bool seal_makes_files(const char *line);
