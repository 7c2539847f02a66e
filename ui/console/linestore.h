/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of text, very many in bounded memory: numbered from 0 on, they keep their numbers when older ones are dropped. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/role.h"

enum { LINESTORE_LINE_MAX = 4096 }; /* bytes; a longer line goes on in the next one */

struct linestore;

/* max_bytes: memory for text and lines; the oldest lines are dropped beyond it. */
struct linestore *linestore_new(size_t max_bytes);
void linestore_free(struct linestore *store);
/* Another bound; the newest lines stay. */
void linestore_limit(struct linestore *store, size_t max_bytes);

/*
 * Appends text, any bytes.  A line ends at a newline; an unfinished one is continued by the next text of the same role and ended by any
 * other.
 */
void linestore_add(struct linestore *store, enum role role, const char *text, size_t len);
/* Takes the newest line away if it is finished, has that role and begins with prefix: whether it was. */
bool linestore_take_last(struct linestore *store, enum role role, const char *prefix);

/* The numbers of the oldest line held, and of the one behind the newest. */
uint64_t linestore_first(const struct linestore *store);
uint64_t linestore_end(const struct linestore *store);
/* Memory in use, in bytes. */
size_t linestore_bytes(const struct linestore *store);

/* A line without its end, as it came; valid until something is added. */
struct linestore_line {
    const char *text;
    int len; /* bytes */
    enum role role;
};
/* number must be held. */
struct linestore_line linestore_at(struct linestore *store, uint64_t number);
