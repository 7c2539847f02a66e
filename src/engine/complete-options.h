/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Completion of the options that an image is opened with. */
#pragma once

#include <glib.h>

/* Adds whole words (the part before the last comma stays) that continue word, none twice. */
void complete_open_options(GPtrArray *found, const char *word);
