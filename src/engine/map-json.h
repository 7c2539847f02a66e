/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `map --json`: the extents of an image as `qemu-img map --output=json` writes them, to the byte. */
#pragma once

#include <stdint.h>

struct command_call;

/* Of an image of length bytes.  0, or a negative errno: what was found before it has been written.  *done: bytes of it so far. */
int map_json_co(const struct command_call *call, int64_t length, int64_t *done);
