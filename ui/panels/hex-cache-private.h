/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of the hex panel's cache, for its own files. */
#pragma once

#include <glib.h>

#include "ui/panels/hex-cache.h"
#include "ui/panels/hex-holes.h"
#include "ui/panels/hex-repeats.h"

enum {
    HEX_SECTOR = 512,
    HEX_SECTORS = HEX_BLOCK / HEX_SECTOR, /* as many as bits in a slot's bad */
};

/* Where a layer that is not open would have the bytes: not to be read, and known without trying. */
#define HEX_MISSING UINT64_MAX

struct hex_slot {
    int64_t block; /* its first byte; -1: the slot is free */
    uint8_t *bytes;
    uint32_t bad;   /* a bit for each sector that could not be read */
    bool stale;     /* changed since it was read */
    int64_t in_holes; /* bytes that were then, as the list of holes has them until it is too long */
    uint64_t frame; /* that showed it last */
};

struct hex_cache {
    struct hex_source source;
    void (*updated)(void *data);
    void *data;
    struct blk *blk;
    int64_t size;
    struct hex_slot slots[HEX_BLOCKS_MAX];
    GHashTable *by_block; /* of &slot->block to slot */
    GQueue loads; /* of struct hex_load */
    struct hex_holes holes; /* also what is missing, with that pattern */
    struct hex_repeats *repeats;
    uint64_t frame;
    uint64_t changes; /* how often the image changed */
    int64_t wanted[HEX_BLOCKS_MAX];
    size_t wanted_count;
};

/* The slot with that block, or NULL. */
struct hex_slot *hex_cache_slot(const struct hex_cache *cache, int64_t offset);
void hex_cache_free_slot(struct hex_cache *cache, struct hex_slot *slot);
/* A free slot, or the one not seen for the longest time; NULL when the frame shows them all. */
struct hex_slot *hex_cache_make_room(struct hex_cache *cache);

/* hex-load.c: starts a load unless the block is known, on its way, or would push out what is visible. */
void hex_load_start(struct hex_cache *cache, int64_t block);
/* Those under way touch neither the cache nor the image any more. */
void hex_load_let_go(struct hex_cache *cache);
/* The image changed there: what they read of it is stale when it comes. */
void hex_load_changed(struct hex_cache *cache, int64_t offset, int64_t end);
/*
 * Notes what of a block's bytes repeats up to its first hole and behind its last one, when as many bytes of it as were found in holes are
 * known to be: else a hole would pass for data.  Whether they are; *ret_is_new: something was not known before.
 */
bool hex_load_note(struct hex_cache *cache, int64_t block, const uint8_t *bytes, uint32_t bad, int64_t in_holes, bool *ret_is_new);
