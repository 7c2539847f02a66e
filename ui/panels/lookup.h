/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A panel's questions about extents, answered in the background, one at a time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "block/blk.h"

enum lookup_question {
    LOOKUP_AT,       /* the extent at offset, from there on */
    LOOKUP_NEXT,     /* where the next extent (another kind or layer) begins after offset */
    LOOKUP_PREVIOUS, /* where the extent with offset begins, or if it begins right there, the one before */
    LOOKUP_NEXT_SORT,     /* where the next stretch of a sort begins after offset */
    LOOKUP_PREVIOUS_SORT, /* where such a stretch begins before offset, the last one */
    LOOKUP_NEXT_FAULT,     /* of the image's file: where corrupt or leaked clusters begin after offset (-1: from the start) */
    LOOKUP_PREVIOUS_FAULT, /* and where the last such begin before it */
};

/* Stretches that a question may be about. */
enum lookup_sort {
    LOOKUP_SAME, /* of the kind and layer of the byte at offset */
    LOOKUP_DATA, /* that some layer holds, compressed or not */
    LOOKUP_ZERO, /* that read as zeroes without being read */
    LOOKUP_COMPRESSED,
};

struct lookup_answer {
    enum lookup_question question;
    enum lookup_sort sort;
    int64_t offset;           /* that was asked about */
    int ret;                  /* 0, -ENOENT: there is none, or another negative errno */
    struct blk_extent extent; /* AT; its host is NULL */
    bool elsewhere;           /* AT: the host offset is not in the file of the layer itself */
    int64_t found;            /* the others */
};

struct panel;

/* Says in the panel why a question for what is next or previous has no answer. */
void lookup_remark(struct panel *panel, const struct lookup_answer *answer);

typedef void lookup_fn(void *data, const struct lookup_answer *answer);

struct lookup;

/* fn is called from a coroutine and must not suspend; it may ask again, and who waits does so for that answer, too. */
struct lookup *lookup_new(lookup_fn *fn, void *data);
/* A question under way ends by itself and nobody hears of it. */
void lookup_free(struct lookup *lookup);

/* Asks; a question not yet answered is dropped, and this one put as soon as that has come back. */
void lookup_ask(struct lookup *lookup, struct blk *blk, enum lookup_question question, int64_t offset);
/*
 * Goes so many steps, each a question for what is next or previous from where the last led to; offset counts where no steps are under way, which
 * these come after.  fn is called for each; where there is no further one, those left of that question are dropped, after another error and after
 * lookup_ask() all.
 */
void lookup_step(struct lookup *lookup, struct blk *blk, enum lookup_question question, enum lookup_sort sort, int64_t offset, int count);
/* Whether steps are under way. */
bool lookup_is_stepping(const struct lookup *lookup);
/* Until there is an answer, or nobody wants one: 0, or -ECANCELED.  The lookup may be gone after it. */
int lookup_wait_co(struct lookup *lookup);
/* Whether an answer is on its way. */
bool lookup_is_busy(const struct lookup *lookup);
/* Drops every question: the image is about to go away. */
void lookup_reset(struct lookup *lookup);

/* First byte of the run of one kind and layer that offset is in, found by visits that double in length: 0 or a negative errno. */
int lookup_run_start_co(struct blk *blk, int64_t offset, int64_t *ret_start);
