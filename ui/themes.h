/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where themes are found: compiled in, in the user's configuration folder, or a file. */
#pragma once

#include <stdbool.h>

#include "ui/theme.h"

/*
 * The theme of that name: a built-in one; else, with use_config, NAME.theme in the configuration folder's
 * blkscope/themes; else the file of that path.  NULL and an error that says which file, which line and why.
 */
struct theme *themes_load(const char *name, bool use_config, GError **error);

/* Names themes_load() knows: the built-in ones, then the user's own, sorted.  g_strfreev. */
char **themes_list(bool use_config);
