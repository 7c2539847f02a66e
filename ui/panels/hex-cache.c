/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A place of the image is a hole (in the list of holes), in a block (a slot of the cache), in a stretch that repeats (hex-repeats.h), or
 * unknown: then a load (hex-load.c) makes its block known.
 */
#include "ui/panels/hex-cache-private.h"

#include <string.h>

#include "ui/panels/hex-rows.h"

enum {
    AHEAD_BLOCKS = 4,
    ALLOCATED_MAX = 2 << 20, /* no format of ours allocates more at a time for a byte that is written */
};

/* The first byte of the block that offset is in. */
static int64_t block_of(int64_t offset)
{
    return offset - offset % HEX_BLOCK;
}

struct hex_slot *hex_cache_slot(const struct hex_cache *cache, int64_t offset)
{
    int64_t block = block_of(offset);

    return g_hash_table_lookup(cache->by_block, &block);
}

void hex_cache_free_slot(struct hex_cache *cache, struct hex_slot *slot)
{
    if (slot->block >= 0) {
        g_hash_table_remove(cache->by_block, &slot->block);
        g_clear_pointer(&slot->bytes, g_free);
        slot->block = -1;
    }
}

struct hex_slot *hex_cache_make_room(struct hex_cache *cache)
{
    struct hex_slot *oldest = &cache->slots[0];

    for (size_t i = 0; i < HEX_BLOCKS_MAX && oldest->block >= 0; i++) {
        struct hex_slot *slot = &cache->slots[i];

        if (slot->block < 0 || slot->frame < oldest->frame) {
            oldest = slot;
        }
    }
    if (oldest->block >= 0 && oldest->frame == cache->frame) {
        return NULL;
    }
    hex_cache_free_slot(cache, oldest);
    return oldest;
}

/* ---- as a source ---- */

static int64_t size(const struct hex_source *source)
{
    return ((const struct hex_cache *)source)->size;
}

static void get_from_slot(struct hex_cache *cache, struct hex_slot *slot, int64_t offset, size_t n, uint8_t *bytes,
                          uint8_t *states)
{
    slot->frame = cache->frame;
    memcpy(bytes, slot->bytes + (offset - slot->block), n);
    for (size_t i = 0; i < n; i++) {
        states[i] = slot->bad >> ((offset + (int64_t)i - slot->block) / HEX_SECTOR) & 1 ? HEX_ERROR : HEX_KNOWN;
    }
}

static void get(struct hex_source *source, int64_t offset, size_t n, uint8_t *bytes, uint8_t *states)
{
    struct hex_cache *cache = (struct hex_cache *)source;

    while (n > 0) {
        const struct hex_hole *hole = hex_holes_at(&cache->holes, offset);
        struct hex_slot *slot = hole ? NULL : hex_cache_slot(cache, offset);
        struct hex_hole stretch;
        bool repeats = !hole && !slot && hex_repeats_at(cache->repeats, offset, &stretch);
        int64_t to = hole ? hole->end : MIN(block_of(offset) + HEX_BLOCK, hex_holes_next(&cache->holes, offset));

        if (!hole && !slot) {
            to = MIN(to, repeats ? stretch.end : hex_repeats_next(cache->repeats, offset));
        }
        size_t part = (size_t)MIN((int64_t)n, to - offset);

        if (slot) {
            get_from_slot(cache, slot, offset, part, bytes, states);
        } else if (repeats) {
            hex_repeats_fill(&stretch, offset, bytes, part);
            memset(states, HEX_KNOWN, part);
        } else {
            memset(bytes, 0, part);
            memset(states, !hole ? HEX_UNKNOWN : hole->pattern == HEX_MISSING ? HEX_ERROR : HEX_HOLE, part);
        }
        bytes += part;
        states += part;
        offset += (int64_t)part;
        n -= part;
    }
}

static size_t piece(struct hex_source *source, int64_t offset, const uint8_t **ret_bytes)
{
    struct hex_cache *cache = (struct hex_cache *)source;
    struct hex_slot *slot = hex_cache_slot(cache, offset);

    if (!slot || slot->bad || hex_holes_at(&cache->holes, offset)) {
        return 0;
    }
    *ret_bytes = slot->bytes + (offset - slot->block);
    return (size_t)(MIN(MIN(slot->block + HEX_BLOCK, cache->size), hex_holes_next(&cache->holes, offset)) - offset);
}

static bool hole(struct hex_source *source, int64_t offset, struct hex_source_hole *ret_hole)
{
    const struct hex_hole *found = hex_holes_at(&((struct hex_cache *)source)->holes, offset);

    if (found) {
        *ret_hole = (struct hex_source_hole){found->start, found->end, found->pattern == HEX_MISSING};
    }
    return found != NULL;
}

/* Rows that are no whole number of patterns are the same only where all bytes are. */
static bool same(struct hex_source *source, int64_t offset, int width, int64_t *ret_start, int64_t *ret_end)
{
    struct hex_hole stretch;

    if (!hex_repeats_at(((struct hex_cache *)source)->repeats, offset, &stretch) ||
        (width % 8 != 0 && (stretch.pattern << 8 | stretch.pattern >> 56) != stretch.pattern)) {
        return false;
    }
    *ret_start = stretch.start;
    *ret_end = stretch.end;
    return true;
}

static const struct hex_source_ops ops = {.size = size, .get = get, .piece = piece, .hole = hole, .same = same};

/* ---- for the owner ---- */

struct hex_cache *hex_cache_new(void (*updated)(void *data), void *data)
{
    struct hex_cache *cache = g_new0(struct hex_cache, 1);

    cache->source.ops = &ops;
    cache->updated = updated;
    cache->data = data;
    cache->repeats = hex_repeats_new(updated, data);
    cache->by_block = g_hash_table_new(g_int64_hash, g_int64_equal);
    for (size_t i = 0; i < HEX_BLOCKS_MAX; i++) {
        cache->slots[i].block = -1;
    }
    return cache;
}

void hex_cache_free(struct hex_cache *cache)
{
    if (cache) {
        hex_cache_open(cache, NULL);
        hex_repeats_free(cache->repeats);
        g_hash_table_unref(cache->by_block);
        g_free(cache);
    }
}

struct hex_source *hex_cache_source(struct hex_cache *cache)
{
    return &cache->source;
}

void hex_cache_open(struct hex_cache *cache, struct blk *blk)
{
    hex_load_let_go(cache);
    for (size_t i = 0; i < HEX_BLOCKS_MAX; i++) {
        hex_cache_free_slot(cache, &cache->slots[i]);
    }
    hex_holes_clear(&cache->holes);
    cache->blk = blk;
    cache->size = blk ? MAX(0, blk_length(blk)) : 0;
    hex_repeats_open(cache->repeats, blk, cache->size);
}

void hex_cache_resized(struct hex_cache *cache)
{
    int64_t size = cache->blk ? MAX(0, blk_length(cache->blk)) : 0;

    if (size < cache->size) {
        hex_cache_open(cache, cache->blk);
    } else if (size > cache->size) {
        hex_cache_changed(cache, cache->size - 1, 1); /* the last block is longer now */
        cache->size = size;
        hex_repeats_open(cache->repeats, cache->blk, size);
    }
}

void hex_cache_changed(struct hex_cache *cache, int64_t offset, int64_t bytes)
{
    int64_t end = offset > INT64_MAX - bytes ? INT64_MAX : offset + bytes;

    cache->changes++;
    hex_holes_remove(&cache->holes, offset - offset % ALLOCATED_MAX, end > INT64_MAX - ALLOCATED_MAX ? INT64_MAX : end - end % ALLOCATED_MAX + ALLOCATED_MAX);
    hex_repeats_changed(cache->repeats, offset, end);
    for (size_t i = 0; i < HEX_BLOCKS_MAX; i++) {
        struct hex_slot *slot = &cache->slots[i];

        if (slot->block >= 0 && slot->block < end && offset < slot->block + HEX_BLOCK) {
            slot->stale = true;
        }
    }
    hex_load_changed(cache, offset, end);
}

void hex_cache_begin(struct hex_cache *cache)
{
    cache->frame++;
    cache->wanted_count = 0;
}

void hex_cache_want(struct hex_cache *cache, int64_t offset)
{
    int64_t block = block_of(offset);

    if (cache->wanted_count < HEX_BLOCKS_MAX &&
        (cache->wanted_count == 0 || cache->wanted[cache->wanted_count - 1] != block)) {
        cache->wanted[cache->wanted_count++] = block;
    }
}

/* Reads ahead, over holes, which need none. */
static void want_ahead(struct hex_cache *cache, int64_t offset, int direction)
{
    for (int i = 0; i < AHEAD_BLOCKS && offset >= 0 && offset < cache->size; i++) {
        const struct hex_hole *hole = hex_holes_at(&cache->holes, offset);
        struct hex_hole stretch;

        if (hole) {
            offset = direction > 0 ? hole->end : hole->start - 1;
        } else if (hex_repeats_at(cache->repeats, offset, &stretch)) {
            offset = direction > 0 ? stretch.end : stretch.start - 1;
        } else {
            hex_load_start(cache, block_of(offset));
            offset = direction > 0 ? block_of(offset) + HEX_BLOCK : block_of(offset) - 1;
        }
    }
}

/* ---- what is seen is known ---- */

/* What the lists have forgotten of a block that is still there, because they were too long, is noted again, or read again. */
static void remember(struct hex_cache *cache, struct hex_slot *slot)
{
    bool is_new;

    slot->stale = !hex_load_note(cache, slot->block, slot->bytes, slot->bad, slot->in_holes, &is_new);
    if (is_new) {
        cache->updated(cache->data);
    }
}

static bool is_known(struct hex_cache *cache, int64_t offset)
{
    struct hex_slot *slot = hex_cache_slot(cache, offset);
    struct hex_hole stretch;

    if (slot) {
        slot->frame = cache->frame; /* it stays as long as what is beside it is seen */
        if (!slot->stale) {
            remember(cache, slot);
        }
    }
    return (slot && !slot->stale) || hex_holes_at(&cache->holes, offset) || (!slot && hex_repeats_at(cache->repeats, offset, &stretch));
}

/*
 * How the first and the last line look depends on the rows next to them, too, and whether that before the first one folds on the one before it:
 * whatever was read before and is still known, they come to look the same.
 */
static void want_around(struct hex_cache *cache, int64_t start, int64_t end)
{
    const int64_t before[] = {start - 1, start - 2 * HEX_ROW_MAX}, behind[] = {end, MIN(end, INT64_MAX - HEX_ROW_MAX) + HEX_ROW_MAX - 1};

    for (int i = 0; i < 2; i++) {
        if (before[i] >= 0 && !is_known(cache, before[i])) {
            hex_load_start(cache, block_of(before[i]));
            hex_repeats_extend(cache->repeats, start, -1);
        }
        if (behind[i] < cache->size && !is_known(cache, behind[i])) {
            hex_load_start(cache, block_of(behind[i]));
            hex_repeats_extend(cache->repeats, end - 1, 1);
        }
    }
}

void hex_cache_end(struct hex_cache *cache, int64_t start, int64_t end, int direction)
{
    if (!cache->blk) {
        return;
    }
    for (size_t i = 0; i < cache->wanted_count; i++) {
        hex_load_start(cache, cache->wanted[i]);
    }
    for (size_t i = 0; i < HEX_BLOCKS_MAX; i++) {
        struct hex_slot *slot = &cache->slots[i];

        if (slot->block >= 0 && slot->frame == cache->frame) {
            if (!slot->stale) {
                remember(cache, slot);
            }
            if (slot->stale) {
                hex_load_start(cache, slot->block);
            }
        }
    }
    /* What folds has to be known to its end for what is behind it to be shown. */
    hex_repeats_show(cache->repeats, start, end);
    for (size_t i = 0; i < cache->wanted_count; i++) {
        if (cache->wanted[i] > 0) {
            hex_repeats_extend(cache->repeats, cache->wanted[i] - 1, 1);
        }
    }
    want_around(cache, start, end);
    want_ahead(cache, direction > 0 ? end : start - 1, direction);
}

bool hex_cache_is_reading(const struct hex_cache *cache)
{
    return cache->loads.length > 0;
}
