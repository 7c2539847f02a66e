/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tells from its first bytes what format an image has. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many bytes are looked at; a guarded raw image refuses writes that change what they probe as. */
enum { PROBE_BYTES = 512 };

/*
 * Name of the format an image that begins with these bytes (n may be less than PROBE_BYTES) and has this name (may be
 * NULL) is most likely in: that of a driver, that of a format this build knows only by sight, or "raw".  Static.
 */
const char *probe_format(const uint8_t *bytes, size_t n, const char *filename);
/* Whether a format of that name exists in the field, though this build may have no driver for it. */
bool probe_knows_format(const char *name);
