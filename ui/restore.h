/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Puts the terminal back on every way out of the program, fatal signals included. */
#pragma once

#include <stddef.h>
#include <termios.h>

/*
 * From now on any signal that ends the process, and exit(3), first set fd's modes and write the bytes (copied) to it;
 * then the signal takes its usual effect.  One terminal at a time.
 */
void restore_arm(int fd, const struct termios *modes, const char *bytes, size_t len);
/* The terminal is as it was: nothing to do any more.  The signals' former actions are back. */
void restore_disarm(void);
