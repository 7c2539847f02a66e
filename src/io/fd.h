/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is done with a descriptor as a whole. */
#pragma once

#include <stddef.h>

/*
 * Writes all of it where the descriptor is, going on after parts and interruptions; where somebody made it one that does not wait, it is
 * waited for.  0, or a negative errno: then a part may be written.  May block.
 */
int fd_write_all(int fd, const void *bytes, size_t len);
