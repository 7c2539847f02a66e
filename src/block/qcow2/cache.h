/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pieces of tables in memory, all of one size, at most so many; the one used least recently makes room. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct node;
struct qcow2_cache;

/* For pieces of bytes bytes of file, max of them at most (more while more are held). */
struct qcow2_cache *qcow2_cache_new(struct node *file, size_t bytes, unsigned max);
void qcow2_cache_free(struct qcow2_cache *cache);
size_t qcow2_cache_piece(const struct qcow2_cache *cache);

/*
 * The piece at offset, as it is on disk.  It stays where it is until qcow2_cache_put().  0, or a negative errno.  Several
 * coroutines that ask for one piece cause one read; suspends only to read.
 */
int qcow2_cache_get_co(struct qcow2_cache *cache, int64_t offset, const uint64_t **ret_words);
void qcow2_cache_put(struct qcow2_cache *cache, const uint64_t *words);
