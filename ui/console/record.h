/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lines of a session from its first on, in memory that does not grow: the newest are held, those before them are in a temporary file.
 * When that takes no more, the first and the newest are kept, and it is known how many between them are missing.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    RECORD_KEPT = 64 << 10,        /* bytes of the newest lines that stay in memory */
    RECORD_HELD_MAX = 1024 << 10, /* when the file takes no more */
};

struct record;

/* fd is owned, open for reading and writing and empty; a negative errno: there is no file. */
struct record *record_new(int fd);
void record_free(struct record *record);
/* False, once: from now on lines will go missing; record_reason() is why (a positive errno). */
bool record_add(struct record *record, const char *line);
int record_reason(const struct record *record);
/* The newest line goes. */
void record_take_back(struct record *record);

/* What there is at a moment, for another thread. */
struct record_copy {
    int fd;
    int64_t filed;    /* bytes in the file */
    uint64_t missing; /* lines after those in the file and before the held ones */
    GString *held;
};

/* 0 or a negative errno; record_copy_done() in any case. */
int record_copy(const struct record *record, struct record_copy *ret_copy);
void record_copy_done(struct record_copy *copy);
/* Calls take with each line, the oldest first, and with NULL where some are missing, until it returns an error.  May block. */
int record_each(const struct record_copy *copy, int (*take)(void *data, const char *line), void *data);
