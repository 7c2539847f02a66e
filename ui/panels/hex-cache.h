/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of an image's bytes: a few blocks read in the background, and holes that need no reading. */
#pragma once

#include "block/blk.h"
#include "ui/panels/hex-source.h"

enum {
    HEX_BLOCK = 16 * 1024,
    HEX_BLOCKS_MAX = 128, /* kept in memory */
};

struct hex_cache;

/* updated is called from a coroutine when something became known. */
struct hex_cache *hex_cache_new(void (*updated)(void *data), void *data);
/* Reads under way end by themselves later and touch neither the owner nor the image any more. */
void hex_cache_free(struct hex_cache *cache);
/* Valid as long as the cache. */
struct hex_source *hex_cache_source(struct hex_cache *cache);

/* This is the image now (NULL: none), and nothing is known of it. */
void hex_cache_open(struct hex_cache *cache, struct blk *blk);
/* The image may be longer or shorter than it was; what is known of it stays. */
void hex_cache_resized(struct hex_cache *cache);
/* These bytes changed: what is known of them is read again, shown as it was until then. */
void hex_cache_changed(struct hex_cache *cache, int64_t offset, int64_t bytes);

/*
 * A frame: hex_cache_begin(), then what it shows is asked for through the source, each place where it met unknown bytes is
 * given to hex_cache_want(), and hex_cache_end() starts the reads: those places first, then, in the direction of
 * travel (1 or -1), what follows end or precedes start.
 */
void hex_cache_begin(struct hex_cache *cache);
void hex_cache_want(struct hex_cache *cache, int64_t offset);
void hex_cache_end(struct hex_cache *cache, int64_t start, int64_t end, int direction);
/* Whether bytes are being read, from wherever the image is. */
bool hex_cache_is_reading(const struct hex_cache *cache);
