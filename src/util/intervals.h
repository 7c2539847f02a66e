/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A set of numbers, kept as the intervals it consists of: memory and time go with their count and not with their length. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct intervals;

struct intervals *intervals_new(void);
void intervals_free(struct intervals *set);
/* Adds or takes out [start, end); nothing if it is empty. */
void intervals_add(struct intervals *set, int64_t start, int64_t end);
void intervals_remove(struct intervals *set, int64_t start, int64_t end);
/* Whether at is in the set; the answer is the same for all up to ret_end (INT64_MAX: to the end). */
bool intervals_at(const struct intervals *set, int64_t at, int64_t *ret_end);
