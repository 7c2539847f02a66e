/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The runs of an order one by one, and how large they are.  However many there are, only those around a place are kept, so that going
 * through a list of any length takes no memory.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ui/panels/map-source.h"

enum { MAP_LIST_ROWS = 512, MAP_SIZES = 63 };

struct map_sizes {
    int64_t runs[MAP_SIZES], bytes[MAP_SIZES]; /* of runs with 1 << index to twice that, less one byte */
    int64_t count;     /* of all runs */
    int64_t position;  /* how far it got */
    bool done;
    int error; /* with which it ended before the end, a negative errno, or 0 */
};

struct map_list;

/* updated is called when there is something new, perhaps from a coroutine. */
struct map_list *map_list_new(void (*updated)(void *data), void *data);
/* What is under way ends by itself and nobody hears of it. */
void map_list_free(struct map_list *list);
/* From now on it is about that; blk NULL: nothing.  What was known is forgotten. */
void map_list_open(struct map_list *list, struct blk *blk, const struct map_source *source, int64_t size);
/* What is known is of an image that has changed: it is shown until it is known anew. */
void map_list_stale(struct map_list *list);
/* The same, and it is of another size now. */
void map_list_resized(struct map_list *list, int64_t size);

/* The run with that byte is wanted, and rows on both sides of it. */
void map_list_want(struct map_list *list, int64_t offset, unsigned rows);
/* Whether it is known so, as the image is now.  More than a third of MAP_LIST_ROWS may never be. */
bool map_list_knows(const struct map_list *list, int64_t offset, unsigned rows);
/* Whether what was found around it, as the image is now, is all that there will be. */
bool map_list_has_looked(const struct map_list *list, int64_t offset);
/* Those known, in order, the first and the last perhaps cut; valid until the next call or turn of the loop. */
const struct map_run *map_list_runs(const struct map_list *list, unsigned *ret_count);
/* The negative errno with which looking for what was wanted last ended, or 0. */
int map_list_error(const struct map_list *list);
/* The one with that byte, -1: it is not among them. */
int map_list_find(const struct map_list *list, int64_t offset);

/* Counts if it does not yet; what is known so far. */
const struct map_sizes *map_list_sizes(struct map_list *list);
/* When they are to be asked for again, clock_now_us(), since they are of before a change; -1: they are not. */
int64_t map_list_sizes_due_us(const struct map_list *list);
