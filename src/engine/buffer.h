/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Aligned I/O buffers, reused from request to request. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buffer_pool;

/* misalign: bytes are handed out just past an aligned address, on purpose. */
struct buffer_pool *buffer_pool_new(int misalign);
/* Lives on until its last buffer came back. */
void buffer_pool_unref(struct buffer_pool *pool);

/*
 * At least bytes bytes, page aligned; their content is whatever was there.  NULL when there is no such memory.
 */
uint8_t *buffer_get(struct buffer_pool *pool, size_t bytes);
/* Nobody looks behind the first bytes bytes any more: the memory there is given back, its content is lost.  Gives way in between. */
void buffer_trim_co(struct buffer_pool *pool, uint8_t *buffer, size_t bytes);
/* Gives back; buffer may be NULL.  Much memory leaves by and by, in later turns of the thread's main context, or with the pool. */
void buffer_put(struct buffer_pool *pool, uint8_t *buffer);
/* As above; where it is so much memory that it takes the kernel a while, others go on in between. */
void buffer_put_co(struct buffer_pool *pool, uint8_t *buffer);
