/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bounded, sorted list of stretches that are known to read as zeroes, or to repeat some other eight bytes; or of what else the owner means by them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More than what a screen of blocks can have, so that what is visible is never forgotten for what is visible. */
enum { HEX_HOLES_MAX = 4096 };

struct hex_hole {
    int64_t start, end;
    uint64_t pattern; /* the bytes at each multiple of 8, in order */
};

/* Zero-initialised is empty; nothing to free. */
struct hex_holes {
    struct hex_hole list[HEX_HOLES_MAX + 1];
    size_t count;
};

/*
 * In the place of what was there, joined with those of its pattern (0: zeroes) that it touches; when there are too many, the one farthest from
 * it is forgotten.
 */
void hex_holes_add(struct hex_holes *holes, int64_t start, int64_t end, uint64_t pattern);
void hex_holes_remove(struct hex_holes *holes, int64_t start, int64_t end);
void hex_holes_clear(struct hex_holes *holes);
/* The one with this byte, or NULL. */
const struct hex_hole *hex_holes_at(const struct hex_holes *holes, int64_t offset);
/* Where the first one behind offset begins, or INT64_MAX. */
int64_t hex_holes_next(const struct hex_holes *holes, int64_t offset);
