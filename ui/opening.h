/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The image of the command line: it opens before the screen is there, or behind it when the disk is slow. */
#pragma once

#include <stdbool.h>

#include "ui/app.h"

struct sink;

/* Starts it and gives it a moment (a tenth of a second at most): false if it has failed by then.  Once in a process. */
bool opening_start(struct session *session, const struct app_open *open);

/* What it said so far, and from now on says, goes to sink (sink_null() when that goes away). */
void opening_forward(struct sink *sink);
