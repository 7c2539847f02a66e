/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pieces of tables in memory, all of one size, at most so many; the one used least recently makes room.
 *
 * A writer changes pieces in memory and they are written later, in an order that a crash can't turn into corruption: a cache may depend on
 * another, whose changes are then on stable storage before any of its own is written, or on everything written so far (a barrier).  All
 * that changes pieces or writes them is called with the writer's lock held; reading needs none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "block/event.h"

struct node;
struct qcow2_cache;

/* For pieces of bytes bytes of file, max of them at most (more while more are held or changed). */
struct qcow2_cache *qcow2_cache_new(struct node *file, size_t bytes, unsigned max);
/* What was changed and not flushed is lost. */
void qcow2_cache_free(struct qcow2_cache *cache);
size_t qcow2_cache_piece(const struct qcow2_cache *cache);

/*
 * The piece at offset, as it is on disk.  It stays where it is until qcow2_cache_put().  0, or a negative errno.  Several
 * coroutines that ask for one piece cause one read; suspends only to read.
 */
int qcow2_cache_get_co(struct qcow2_cache *cache, int64_t offset, const uint64_t **ret_words);
void qcow2_cache_put(struct qcow2_cache *cache, const uint64_t *words);

/* Pieces that nobody asked for since the last call leave memory; changed ones stay. */
void qcow2_cache_clean(struct qcow2_cache *cache);

/* Copies what is in memory of [offset, offset + bytes), whole pieces, over what was read from the file. */
void qcow2_cache_overlay(const struct qcow2_cache *cache, int64_t offset, size_t bytes, void *buf);
/* Counts pieces written: a read of the file during which it moved may have missed one. */
uint64_t qcow2_cache_written(const struct qcow2_cache *cache);

/* ---- writing ---- */

struct qcow2_cache_writing {
    enum blk_event load, update;
    /* Called before a piece is written: 0, or a negative errno and it is not. */
    int (*check)(struct node *node, int64_t offset, int64_t bytes);
    /* Everything written so far, of all files, is on stable storage. */
    int (*barrier_co)(struct node *node);
    struct node *node;
};

/* Before the first change; the load event counts from now on. */
void qcow2_cache_set_writing(struct qcow2_cache *cache, const struct qcow2_cache_writing *writing);
/* As qcow2_cache_get_co() for a piece whose old bytes don't matter: it is all zeroes, and changed. */
int qcow2_cache_get_new_co(struct qcow2_cache *cache, int64_t offset, const uint64_t **ret_words);
/* The piece may be changed until qcow2_cache_put(), and will be written. */
uint64_t *qcow2_cache_change(struct qcow2_cache *cache, const uint64_t *words);
/* Pieces of [offset, offset + bytes) are no tables any more: what was changed in them is not written. */
void qcow2_cache_forget(struct qcow2_cache *cache, int64_t offset, int64_t bytes);

/* Nothing is held, changed or being read: every piece is read anew, since somebody else may have written to the file. */
void qcow2_cache_empty(struct qcow2_cache *cache);

/* Nothing of cache is written before what other now has is on stable storage.  0, or a negative errno: then it is as before. */
int qcow2_cache_depend_co(struct qcow2_cache *cache, struct qcow2_cache *other);
/* Nothing of cache is written before everything written until then is on stable storage. */
void qcow2_cache_depend_barrier(struct qcow2_cache *cache);
/* Writes what was changed, in order of offsets.  The first error; what could not be written stays changed. */
int qcow2_cache_flush_co(struct qcow2_cache *cache);
/* Whether many pieces wait to be written: a flush is due for the sake of memory. */
bool qcow2_cache_is_full(const struct qcow2_cache *cache);
