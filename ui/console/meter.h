/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far a long command is, on stderr, where nobody but a person at a terminal reads that. */
#pragma once

#include "engine/session.h"

struct meter;

/*
 * From now on a line on stderr says how far the command in the foreground is that has run for a second and can tell, and goes away
 * before anything else is written to meter_sink() and when the command has ended.  NULL where stderr is no terminal.  sink stays the
 * caller's, and is what words should go to without a meter; session stays as long.
 */
struct meter *meter_new(struct session *session, struct sink *sink);
/* meter may be NULL; the last line is taken away. */
void meter_free(struct meter *meter);
/* What commands are to write to: passes everything on to sink.  meter NULL: sink itself. */
struct sink *meter_sink(struct meter *meter, struct sink *sink);
