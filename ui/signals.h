/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The terminal's signals, delivered by the main context: window size, job control, interrupt. */
#pragma once

#include <glib.h>
#include <stdbool.h>

enum signals_flags {
    SIGNALS_WINCH = 1 << 0,
    SIGNALS_TSTP = 1 << 1,
    SIGNALS_CONT = 1 << 2,
    SIGNALS_INT = 1 << 3,
};

/* which: those that arrived since the last call. */
typedef void signals_fn(void *data, unsigned which);

/* Catches those (enum signals_flags) until signals_done(); fn is called from the thread-default main context. */
void signals_init(unsigned which, signals_fn *fn, void *data);
void signals_done(void);

/*
 * Stops the process, or its whole group as a terminal's Ctrl-Z does, until it is continued.  The terminal is the
 * caller's to give back before and take after.
 */
void signals_stop(bool group);
