/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A place of the image is a hole (in the list of holes), in a block (a slot of the cache), or unknown.  A load is a coroutine that
 * makes one block known: it asks for the status, notes holes in their whole length, and reads only what is data.
 *
 * Loads outlive the cache's interest: when the image goes away or the panel does, load->cache becomes NULL and the load
 * returns without a look at anything.  The bytes a load reads are its own until then.
 */
#include "ui/panels/hex-cache.h"

#include <errno.h>
#include <string.h>

#include "io/co.h"
#include "ui/panels/hex-holes.h"
#include "ui/panels/hex-repeats.h"
#include "ui/panels/hex-rows.h"
#include "ui/panels/lookup.h"

enum {
    SECTOR = 512,
    SECTORS = HEX_BLOCK / SECTOR, /* as many as bits in a slot's bad */
    LOADS_MAX = 32,
    WANTED_MAX = HEX_BLOCKS_MAX,
    AHEAD_BLOCKS = 4,
    STATUS_TRIES = 3, /* before a place that changes all the time is simply read */
    ALLOCATED_MAX = 2 << 20, /* no format of ours allocates more at a time for a byte that is written */
};

struct slot {
    int64_t block; /* its first byte; -1: the slot is free */
    uint8_t *bytes;
    uint32_t bad;   /* a bit for each sector that could not be read */
    bool stale;     /* changed since it was read */
    int64_t in_holes; /* bytes that were then, as the list of holes has them until it is too long */
    uint64_t frame; /* that showed it last */
};

struct load {
    GList link; /* in cache->loads; data = this */
    struct hex_cache *cache; /* NULL: nobody is interested any more */
    struct co *co;
    struct blk *blk;
    int64_t block, end; /* first byte, first one behind */
    bool stale;         /* changed while it was read */
    bool has_data;
    int64_t in_holes; /* bytes */
    uint8_t *bytes;
    uint32_t bad;
};

struct hex_cache {
    struct hex_source source;
    void (*updated)(void *data);
    void *data;
    struct blk *blk;
    int64_t size;
    struct slot slots[HEX_BLOCKS_MAX];
    GHashTable *by_block; /* of &slot->block to slot */
    GQueue loads;
    struct hex_holes holes;
    struct hex_repeats *repeats;
    uint64_t frame;
    uint64_t changes; /* how often the image changed */
    int64_t wanted[WANTED_MAX];
    size_t wanted_count;
};

static int64_t block_of(int64_t offset)
{
    return offset - offset % HEX_BLOCK;
}

static struct slot *slot_of(const struct hex_cache *cache, int64_t offset)
{
    int64_t block = block_of(offset);

    return g_hash_table_lookup(cache->by_block, &block);
}

static void free_slot(struct hex_cache *cache, struct slot *slot)
{
    if (slot->block >= 0) {
        g_hash_table_remove(cache->by_block, &slot->block);
        g_clear_pointer(&slot->bytes, g_free);
        slot->block = -1;
    }
}

/* A free slot, or the one not seen for the longest time; NULL when the frame shows them all. */
static struct slot *make_room(struct hex_cache *cache)
{
    struct slot *oldest = &cache->slots[0];

    for (size_t i = 0; i < HEX_BLOCKS_MAX && oldest->block >= 0; i++) {
        struct slot *slot = &cache->slots[i];

        if (slot->block < 0 || slot->frame < oldest->frame) {
            oldest = slot;
        }
    }
    if (oldest->block >= 0 && oldest->frame == cache->frame) {
        return NULL;
    }
    free_slot(cache, oldest);
    return oldest;
}

/* ---- as a source ---- */

static int64_t size(const struct hex_source *source)
{
    return ((const struct hex_cache *)source)->size;
}

static void get_from_slot(struct hex_cache *cache, struct slot *slot, int64_t offset, size_t n, uint8_t *bytes,
                          uint8_t *states)
{
    slot->frame = cache->frame;
    memcpy(bytes, slot->bytes + (offset - slot->block), n);
    for (size_t i = 0; i < n; i++) {
        states[i] = slot->bad >> ((offset + (int64_t)i - slot->block) / SECTOR) & 1 ? HEX_ERROR : HEX_KNOWN;
    }
}

static void get(struct hex_source *source, int64_t offset, size_t n, uint8_t *bytes, uint8_t *states)
{
    struct hex_cache *cache = (struct hex_cache *)source;

    while (n > 0) {
        const struct hex_hole *hole = hex_holes_at(&cache->holes, offset);
        struct slot *slot = hole ? NULL : slot_of(cache, offset);
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
            memset(states, hole ? HEX_HOLE : HEX_UNKNOWN, part);
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
    struct slot *slot = slot_of(cache, offset);

    if (!slot || slot->bad || hex_holes_at(&cache->holes, offset)) {
        return 0;
    }
    *ret_bytes = slot->bytes + (offset - slot->block);
    return (size_t)(MIN(MIN(slot->block + HEX_BLOCK, cache->size), hex_holes_next(&cache->holes, offset)) - offset);
}

static bool hole(struct hex_source *source, int64_t offset, int64_t *ret_start, int64_t *ret_end)
{
    const struct hex_hole *found = hex_holes_at(&((struct hex_cache *)source)->holes, offset);

    if (found) {
        *ret_start = found->start;
        *ret_end = found->end;
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

/* ---- a load ---- */

/* It may have been forgotten for a change near by, and its bytes noted as data since. */
static void add_hole(struct hex_cache *cache, int64_t start, int64_t end)
{
    hex_holes_add(&cache->holes, start, end);
    hex_repeats_forget(cache->repeats, start, end);
}

/*
 * Where the part of one sort at offset ends, and whether it is a hole.  An answer from before a change is worth
 * nothing; then, and when there is no answer, reading will tell.
 */
static int64_t part_at_co(struct load *load, int64_t offset, bool *ret_hole)
{
    struct blk_extent extent;

    *ret_hole = false;
    for (int i = 0; i < STATUS_TRIES; i++) {
        uint64_t changes = load->cache->changes;
        int64_t end;
        int ret = blk_status_co(load->blk, offset, load->cache->size - offset, &extent);

        if (!load->cache || ret < 0 || extent.length <= 0) {
            break;
        }
        if (changes != load->cache->changes) {
            continue;
        }
        end = offset + MIN(extent.length, load->cache->size - offset);
        if (!blk_kind_is_zeroes(extent.kind)) {
            return MIN(end, load->end);
        }
        *ret_hole = true;
        load->in_holes += MIN(end, load->end) - offset;
        add_hole(load->cache, offset, end);
        return end;
    }
    return load->end;
}

static int read_part_co(struct load *load, int64_t offset, int64_t end)
{
    struct iovec iov = {load->bytes + (offset - load->block), (size_t)(end - offset)};

    return blk_preadv_co(load->blk, offset, &iov, 1, BLK_INTERNAL, NULL);
}

/* Reads, and when that fails sector by sector, so that only what can't be read is shown as such. */
static void read_data_co(struct load *load, int64_t offset, int64_t end)
{
    load->has_data = true;
    if (read_part_co(load, offset, end) >= 0) {
        return;
    }
    while (load->cache && offset < end) {
        int64_t sector = (offset - load->block) / SECTOR;
        int64_t to = MIN(end, load->block + (sector + 1) * SECTOR);

        if (read_part_co(load, offset, to) < 0) {
            load->bad |= UINT32_C(1) << sector;
        }
        offset = to;
    }
}

/* How many bytes of a block are in known holes; where the first of them begins and the last one ends. */
static int64_t count_holes(const struct hex_cache *cache, int64_t block, int64_t *ret_first, int64_t *ret_last)
{
    int64_t end = block + MIN(cache->size - block, HEX_BLOCK), in_holes = 0;

    *ret_first = end;
    *ret_last = block;
    for (int64_t at = block; at < end;) {
        const struct hex_hole *hole = hex_holes_at(&cache->holes, at);
        int64_t to = MIN(end, hole ? hole->end : hex_holes_next(&cache->holes, at));

        if (hole) {
            in_holes += to - at;
            *ret_first = MIN(*ret_first, at);
            *ret_last = to;
        }
        at = to;
    }
    return in_holes;
}

/*
 * Notes what repeats up to its first hole and behind its last one, when as many bytes of it as were found in holes are known to be: else a hole
 * would pass for data.
 */
static bool note_block(struct hex_cache *cache, int64_t block, const uint8_t *bytes, uint32_t bad, int64_t in_holes, bool *ret_is_new)
{
    int64_t end = block + MIN(cache->size - block, HEX_BLOCK), first, last;

    *ret_is_new = false;
    if (count_holes(cache, block, &first, &last) < in_holes) {
        return false;
    }
    if (!bad) {
        *ret_is_new = hex_repeats_note(cache->repeats, block, bytes, (size_t)(first - block));
        *ret_is_new |= last > block && hex_repeats_note(cache->repeats, last, bytes + (last - block), (size_t)(end - last));
    }
    return true;
}

static void keep(struct load *load)
{
    struct hex_cache *cache = load->cache;
    struct slot *slot = slot_of(cache, load->block);
    bool is_new;

    if (!load->stale && load->has_data) {
        load->stale = !note_block(cache, load->block, load->bytes, load->bad, load->in_holes, &is_new);
    }
    if (slot) {
        free_slot(cache, slot);
    } else if (load->has_data) {
        slot = make_room(cache);
    }
    if (!slot || !load->has_data) {
        return; /* a hole, which the list of holes has, or nobody will see it */
    }
    *slot = (struct slot){.block = load->block, .bytes = g_steal_pointer(&load->bytes), .bad = load->bad,
                          .stale = load->stale, .in_holes = load->in_holes, .frame = cache->frame > 0 ? cache->frame - 1 : 0};
    g_hash_table_insert(cache->by_block, &slot->block, slot);
}

/* A hole that began before the block: where?  Going back through it then takes one step and not a million. */
static void find_hole_start_co(struct load *load)
{
    struct hex_cache *cache = load->cache;
    uint64_t changes = cache->changes;
    int64_t start;

    if (load->block == 0 || !hex_holes_at(&cache->holes, load->block) ||
        hex_holes_at(&cache->holes, load->block - 1) || slot_of(cache, load->block - 1)) {
        return;
    }
    if (lookup_run_start_co(load->blk, load->block, &start) == 0 && load->cache && changes == cache->changes) {
        add_hole(cache, start, load->block);
        cache->updated(cache->data);
    }
}

/* Joins a visit's holes; non-zero at the first that is none. */
struct hole_visit {
    int64_t end;
};

static int is_hole_still(void *data, const struct blk_extent *extent)
{
    struct hole_visit *visit = data;

    if (!blk_kind_is_zeroes(extent->kind)) {
        return 1;
    }
    visit->end = extent->start + extent->length;
    return 0;
}

/* A hole that goes on behind what one question tells: where does it end?  A disk of 16 TiB that is empty is one row, at once. */
static void find_hole_end_co(struct load *load)
{
    struct hex_cache *cache = load->cache;
    const struct hex_hole *hole = hex_holes_at(&cache->holes, load->end - 1);
    struct hole_visit visit = {hole ? hole->end : cache->size};
    int64_t start = visit.end;
    uint64_t changes = cache->changes;

    if (start <= load->end || start >= cache->size || hex_holes_at(&cache->holes, start) || slot_of(cache, start)) {
        return;
    }
    if (blk_status_bulk_co(load->blk, start, cache->size - start, is_hole_still, &visit) >= 0 && load->cache && changes == cache->changes) {
        add_hole(cache, start, visit.end);
        cache->updated(cache->data);
    }
}

static void load_co(void *data)
{
    struct load *load = data;
    int64_t offset = load->block;

    load->co = co_self();
    co_yield_co(); /* a frame is being painted right now */
    while (load->cache && offset < load->end) {
        bool is_hole;
        int64_t end = part_at_co(load, offset, &is_hole);

        if (load->cache && !is_hole) {
            read_data_co(load, offset, end);
        }
        offset = end;
    }
    if (load->cache) {
        keep(load);
        load->cache->updated(load->cache->data);
    }
    if (load->cache) {
        find_hole_start_co(load);
    }
    if (load->cache) {
        find_hole_end_co(load);
    }
    if (load->cache) {
        g_queue_unlink(&load->cache->loads, &load->link);
    }
    g_free(load->bytes);
    g_free(load);
}

static bool is_loading(const struct hex_cache *cache, int64_t block)
{
    for (GList *link = cache->loads.head; link; link = link->next) {
        if (((struct load *)link->data)->block == block) {
            return true;
        }
    }
    return false;
}

/* Whether there will be slots for one load more that nothing visible needs. */
static bool has_room(const struct hex_cache *cache)
{
    size_t visible = 0;

    for (size_t i = 0; i < HEX_BLOCKS_MAX; i++) {
        visible += cache->slots[i].block >= 0 && cache->slots[i].frame == cache->frame;
    }
    return visible + cache->loads.length < HEX_BLOCKS_MAX;
}

/* Starts a load unless the block is known, on its way, or would push out what is visible. */
static void start_load(struct hex_cache *cache, int64_t block)
{
    const struct hex_hole *hole = hex_holes_at(&cache->holes, block);
    struct slot *slot = slot_of(cache, block);
    int64_t end = MIN(cache->size - block, HEX_BLOCK) + block;
    struct hex_hole stretch;
    bool repeats = !slot && hex_repeats_at(cache->repeats, block, &stretch) && stretch.end >= end;
    struct load *load;

    if ((hole && hole->end >= end) || repeats || (slot && !slot->stale) || is_loading(cache, block) ||
        cache->loads.length >= LOADS_MAX || (!slot && !has_room(cache))) {
        return;
    }
    load = g_new0(struct load, 1);
    load->link.data = load;
    load->cache = cache;
    load->blk = cache->blk;
    load->block = block;
    load->end = end;
    load->bytes = g_malloc0(HEX_BLOCK);
    g_queue_push_tail_link(&cache->loads, &load->link);
    co_start(load_co, load);
}

static void let_go(struct hex_cache *cache)
{
    GList *link;

    while ((link = g_queue_pop_head_link(&cache->loads))) {
        struct load *load = link->data;

        load->cache = NULL;
        co_cancel(load->co);
    }
}

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
    let_go(cache);
    for (size_t i = 0; i < HEX_BLOCKS_MAX; i++) {
        free_slot(cache, &cache->slots[i]);
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
        struct slot *slot = &cache->slots[i];

        if (slot->block >= 0 && slot->block < end && offset < slot->block + HEX_BLOCK) {
            slot->stale = true;
        }
    }
    for (GList *link = cache->loads.head; link; link = link->next) {
        struct load *load = link->data;

        if (load->block < end && offset < load->end) {
            load->stale = true;
        }
    }
}

void hex_cache_begin(struct hex_cache *cache)
{
    cache->frame++;
    cache->wanted_count = 0;
}

void hex_cache_want(struct hex_cache *cache, int64_t offset)
{
    int64_t block = block_of(offset);

    if (cache->wanted_count < WANTED_MAX &&
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
            start_load(cache, block_of(offset));
            offset = direction > 0 ? block_of(offset) + HEX_BLOCK : block_of(offset) - 1;
        }
    }
}

/* ---- what is seen is known ---- */

/* What the lists have forgotten of a block that is still there, because they were too long, is noted again, or read again. */
static void remember(struct hex_cache *cache, struct slot *slot)
{
    bool is_new;

    slot->stale = !note_block(cache, slot->block, slot->bytes, slot->bad, slot->in_holes, &is_new);
    if (is_new) {
        cache->updated(cache->data);
    }
}

static bool is_known(struct hex_cache *cache, int64_t offset)
{
    struct slot *slot = slot_of(cache, offset);
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
            start_load(cache, block_of(before[i]));
            hex_repeats_extend(cache->repeats, start, -1);
        }
        if (behind[i] < cache->size && !is_known(cache, behind[i])) {
            start_load(cache, block_of(behind[i]));
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
        start_load(cache, cache->wanted[i]);
    }
    for (size_t i = 0; i < HEX_BLOCKS_MAX; i++) {
        struct slot *slot = &cache->slots[i];

        if (slot->block >= 0 && slot->frame == cache->frame) {
            if (!slot->stale) {
                remember(cache, slot);
            }
            if (slot->stale) {
                start_load(cache, slot->block);
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
