/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Temporary files that no other program can find, and that are gone with their last descriptor. */
#pragma once

/* TMPDIR or /var/tmp. */
const char *tempfile_folder(void);

/* Open for reading and writing, in that folder.  A descriptor, or a negative errno.  May block. */
int tempfile_open(void);
