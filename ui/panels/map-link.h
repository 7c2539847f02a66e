/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What there is to say of the cursor's byte and cell beyond the counts, found in the background: the same byte in the other order
 * (from a guest offset to the place in the image's file and back), what names it, and the extents of the cell.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ui/panels/map-source.h"

struct map_link_question {
    struct blk *blk;
    const struct map_source *source; /* whose order offset and the cell are in */
    int64_t offset, cell_start, cell_end;
};

struct map_link_answer {
    struct map_link_question question;
    int64_t other;        /* the same byte in the other order, else what stands for it (the entry of a table); -1: nowhere */
    struct blk_extent extent; /* guest order: at offset; length 0: not known.  Its host is NULL */
    bool elsewhere;       /* guest order: the top layer has the bytes in another file than its tables */
    char *text;           /* host order: what names the byte; else NULL */
    /* Of the cell; counted only if known. */
    bool known;
    int64_t runs, smallest, largest; /* parts of runs that lie in the cell; sizes as far as they do */
};

struct map_link;

/* fn is called from a coroutine, first with what is quick and then with the cell's extents; it must not suspend. */
struct map_link *map_link_new(void (*fn)(void *data, const struct map_link_answer *answer), void *data);
/* What is under way ends by itself and nobody hears of it. */
void map_link_free(struct map_link *link);
/* Asks; a question not yet answered is dropped, and this one put as soon as that has come back. */
void map_link_ask(struct map_link *link, const struct map_link_question *question);
/* Until every question is answered or dropped: 0, or -ECANCELED; the link may be gone after it. */
int map_link_wait_co(struct map_link *link);
/* Drops every question: the image is about to go away. */
void map_link_reset(struct map_link *link);
