/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this program was built with and what it finds here: for --version, and so for reports of errors. */
#pragma once

/* Writes the lines below the version's own to stdout; tries io_uring and loads libnbd to see whether they work. */
void version_print_features(void);
