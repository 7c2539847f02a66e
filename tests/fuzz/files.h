/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file for what is read by its name. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A folder of the run's own, empty at first; it is removed at the end with all files in it. */
const char *fuzz_folder(void);
/* A file there that holds these bytes, the same each time. */
const char *fuzz_file(const uint8_t *data, size_t size);
