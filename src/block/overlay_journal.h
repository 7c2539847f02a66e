/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the temporary layer was before: steps of records, to go back by and forth again.
 *
 * It is bounded: the oldest steps go first, and a step that is too large alone is forgotten with all before it.  Old bytes are in an unlinked file.
 */
#pragma once

#include "block/node.h"
#include "util/intervals.h"

enum {
    OVERLAY_STEPS_MAX = 1000,
    OVERLAY_RECORDS_MAX = 1 << 18, /* of all steps */
};

enum overlay_was {
    OVERLAY_WAS_NOT_OURS,
    OVERLAY_WAS_ZEROES,
    OVERLAY_WAS_BYTES,
    OVERLAY_WAS_SIZE,
};

/* The state of a range before it was changed. */
struct overlay_record {
    enum overlay_was was;
    int64_t start, end; /* WAS_SIZE: the size, and up to where the image below showed */
    int64_t place;      /* WAS_BYTES: in the journal's file */
    enum blk_prealloc prealloc; /* WAS_SIZE: of the growth between this size and the one that took its place */
};

/* Taken back from its last record to its first. */
struct overlay_step {
    char *label;
    GArray *records;        /* struct overlay_record */
    struct intervals *kept; /* ranges that have a record since the last one of a size: what was there first is what counts */
};

struct overlay_journal {
    struct node *file;     /* NULL: nothing is in it */
    int64_t end;           /* of what is in it */
    GQueue undo, redo;     /* struct overlay_step, the next one to take at the tail */
    struct overlay_step *current; /* in undo, open for more records; NULL: none */
    size_t records;        /* of all steps */
    char *label;           /* of the next one */
    bool deaf;             /* the step is forgotten: nothing of it is kept */
    bool lost;             /* steps were forgotten since the journal was empty */
};

struct overlay_journal *overlay_journal_new(void);
void overlay_journal_free_co(struct overlay_journal *journal);

/* What comes from now on is a step of its own; label is copied. */
void overlay_journal_mark(struct overlay_journal *journal, const char *label);
/* The step that changes belong to, made when it is the first one; what could be done again is no more.  NULL: it is not to be kept. */
struct overlay_step *overlay_journal_step_co(struct overlay_journal *journal);

struct overlay_step *overlay_step_new(const char *label);
/* Gives the room of its bytes back. */
void overlay_journal_free_step_co(struct overlay_journal *journal, struct overlay_step *step);
void overlay_journal_add(struct overlay_journal *journal, struct overlay_step *step, const struct overlay_record *record);

/* Copies bytes of from to the end of the journal's file, which is open: 0 or a negative errno. */
int overlay_journal_store_co(struct overlay_journal *journal, struct node *from, int64_t offset, int64_t bytes, int64_t *ret_place);
/* And back. */
int overlay_journal_fetch_co(struct overlay_journal *journal, struct node *to, int64_t offset, int64_t bytes, int64_t place);

/* Drops the oldest steps until the rest is within bounds. */
void overlay_journal_trim_co(struct overlay_journal *journal);
/* Forgets all steps, and what comes until the next mark. */
void overlay_journal_forget_co(struct overlay_journal *journal);
/* As it was when it was new, but for the mark. */
void overlay_journal_clear_co(struct overlay_journal *journal);
