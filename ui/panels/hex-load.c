/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A load is a coroutine that makes one block known: it asks for the status, notes holes in their whole length, and reads only what is
 * data.
 *
 * Loads outlive the cache's interest: when the image goes away or the panel does, load->cache becomes NULL and the load
 * returns without a look at anything.  The bytes a load reads are its own until then.
 */
#include "ui/panels/hex-cache-private.h"

#include <errno.h>

#include "io/co.h"
#include "ui/panels/lookup.h"

enum {
    LOADS_MAX = 32,
    STATUS_TRIES = 3, /* before a place that changes all the time is simply read */
    STEPS_MAX = 2048, /* questions for one end of a hole: it is shown so far, and the next load goes on */
};

/* How far back a hole of the file is looked for at once, bytes. */
#define BACK_MIN (INT64_C(1) << 30)
#define BACK_MAX (INT64_C(1) << 37)

struct hex_load {
    GList link; /* in cache->loads; data = this */
    struct hex_cache *cache; /* NULL: nobody is interested any more */
    struct co *co;
    struct blk *blk;
    int64_t block, end; /* first byte, first one behind */
    bool stale;         /* changed while it was read */
    bool has_data;
    bool walking; /* visits holes of the file */
    bool of_file; /* some of what was found not to need reading is data by the tables and a hole of the file */
    int64_t in_holes; /* bytes */
    uint8_t *bytes;
    uint32_t bad;
};

/* It may have been forgotten for a change near by, and its bytes noted as data since. */
static void add_hole(struct hex_cache *cache, int64_t start, int64_t end, uint64_t pattern)
{
    hex_holes_add(&cache->holes, start, end, pattern);
    hex_repeats_forget(cache->repeats, start, end);
}

/* Of a preallocated image, most of the data is a hole of the file. */
static bool needs_no_reading(const struct blk_extent *extent)
{
    return blk_extent_is_zeroes(extent) || extent->kind == BLK_KIND_MISSING;
}

static uint64_t pattern_of(enum blk_kind kind)
{
    return kind == BLK_KIND_MISSING ? HEX_MISSING : 0;
}

/*
 * Where the part of one sort at offset ends, and whether it is a hole.  An answer from before a change is worth
 * nothing; then, and when there is no answer, reading will tell.
 */
static int64_t part_at_co(struct hex_load *load, int64_t offset, bool *ret_hole)
{
    struct blk_extent extent;

    *ret_hole = false;
    for (int i = 0; i < STATUS_TRIES; i++) {
        uint64_t changes = load->cache->changes;
        int64_t end;
        int ret = blk_status_or_hole_co(load->blk, offset, load->cache->size - offset, &extent);

        if (!load->cache || ret < 0 || extent.length <= 0) {
            break;
        }
        if (changes != load->cache->changes) {
            continue;
        }
        end = offset + MIN(extent.length, load->cache->size - offset);
        if (!needs_no_reading(&extent)) {
            return MIN(end, load->end);
        }
        *ret_hole = true;
        load->of_file |= extent.hole;
        load->in_holes += MIN(end, load->end) - offset;
        add_hole(load->cache, offset, end, pattern_of(extent.kind));
        return end;
    }
    return load->end;
}

static int read_part_co(struct hex_load *load, int64_t offset, int64_t end)
{
    struct iovec iov = {load->bytes + (offset - load->block), (size_t)(end - offset)};

    return blk_preadv_co(load->blk, offset, &iov, 1, BLK_INTERNAL, NULL);
}

/* Reads, and when that fails sector by sector, so that only what can't be read is shown as such. */
static void read_data_co(struct hex_load *load, int64_t offset, int64_t end)
{
    load->has_data = true;
    if (read_part_co(load, offset, end) >= 0) {
        return;
    }
    while (load->cache && offset < end) {
        int64_t sector = (offset - load->block) / HEX_SECTOR;
        int64_t to = MIN(end, load->block + (sector + 1) * HEX_SECTOR);

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

bool hex_load_note(struct hex_cache *cache, int64_t block, const uint8_t *bytes, uint32_t bad, int64_t in_holes, bool *ret_is_new)
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

static void keep(struct hex_load *load)
{
    struct hex_cache *cache = load->cache;
    struct hex_slot *slot = hex_cache_slot(cache, load->block);
    bool is_new;

    if (!load->stale && load->has_data) {
        load->stale = !hex_load_note(cache, load->block, load->bytes, load->bad, load->in_holes, &is_new);
    }
    if (slot) {
        hex_cache_free_slot(cache, slot);
    } else if (load->has_data) {
        slot = hex_cache_make_room(cache);
    }
    if (!slot || !load->has_data) {
        return; /* a hole, which the list of holes has, or nobody will see it */
    }
    *slot = (struct hex_slot){.block = load->block, .bytes = g_steal_pointer(&load->bytes), .bad = load->bad,
                          .stale = load->stale, .in_holes = load->in_holes, .frame = cache->frame > 0 ? cache->frame - 1 : 0};
    g_hash_table_insert(cache->by_block, &slot->block, slot);
}

/* Joins a visit's holes of one pattern; non-zero at the first that is none. */
struct hole_visit {
    int64_t end, behind; /* of what the last one was that is none */
    uint64_t pattern;
};

static int is_hole_still(void *data, const struct blk_extent *extent)
{
    struct hole_visit *visit = data;

    if (!needs_no_reading(extent) || pattern_of(extent->kind) != visit->pattern) {
        return 1;
    }
    visit->end = extent->start + extent->length;
    return 0;
}

/* One at a time: what others want to know, too, is mostly what this one finds. */
static bool is_walked(const struct hex_cache *cache)
{
    for (GList *link = cache->loads.head; link; link = link->next) {
        if (((struct hex_load *)link->data)->walking) {
            return true;
        }
    }
    return false;
}

/* The same by one question after the other, which the file below is asked, too: 1 at the first that is none, 0 at the end or after *steps. */
static int visit_file_holes_co(struct hex_load *load, int64_t end, unsigned *steps, struct hole_visit *visit)
{
    int ret = 0;

    load->walking = true;
    for (; ret == 0 && *steps > 0 && load->cache && visit->end < end; --*steps) {
        struct blk_extent extent;

        ret = blk_status_or_hole_co(load->blk, visit->end, end - visit->end, &extent);
        if (ret == 0) {
            ret = extent.length > 0 ? is_hole_still(visit, &extent) : -ENODATA;
        }
        if (ret == 1) {
            visit->behind = visit->end + extent.length;
        }
        co_relax_co();
    }
    load->walking = false;
    return ret;
}

/*
 * Where the hole begins that goes on at the block: what is before is gone through in order, from as far back as the hole is known to
 * be long.
 */
static int find_file_hole_start_co(struct hex_load *load, const struct hex_hole *hole, int64_t *ret_start)
{
    int64_t back = CLAMP(hole->end - load->block, BACK_MIN, BACK_MAX), start = MAX(0, load->block - back);
    struct hole_visit visit = {.end = start, .pattern = hole->pattern};
    unsigned steps = STEPS_MAX;
    int ret;

    while ((ret = visit_file_holes_co(load, load->block, &steps, &visit)) == 1) {
        start = visit.end = visit.behind;
    }
    *ret_start = steps > 0 ? start : load->block;
    return ret;
}

/* A hole that began before the block: where?  Going back through it then takes one step and not a million. */
static void find_hole_start_co(struct hex_load *load)
{
    struct hex_cache *cache = load->cache;
    uint64_t changes = cache->changes;
    const struct hex_hole *hole = hex_holes_at(&cache->holes, load->block);
    int64_t start;

    if (load->block == 0 || !hole || hex_holes_at(&cache->holes, load->block - 1) || hex_cache_slot(cache, load->block - 1) ||
        (load->of_file && is_walked(cache))) {
        return;
    }
    uint64_t pattern = hole->pattern; /* the list may be another one when this comes back */
    int ret = load->of_file ? find_file_hole_start_co(load, hole, &start) : lookup_run_start_co(load->blk, load->block, &start);

    if (ret >= 0 && load->cache && changes == cache->changes && start < load->block) {
        add_hole(cache, start, load->block, pattern);
        cache->updated(cache->data);
    }
}

/* A hole that goes on behind what one question tells: where does it end?  A disk of 16 TiB that is empty is one row, at once. */
static void find_hole_end_co(struct hex_load *load)
{
    struct hex_cache *cache = load->cache;
    const struct hex_hole *hole = hex_holes_at(&cache->holes, load->end - 1);
    struct hole_visit visit = {hole ? hole->end : cache->size, hole ? hole->pattern : 0};
    int64_t start = visit.end;
    uint64_t changes = cache->changes;
    unsigned steps = STEPS_MAX;
    int ret;

    if (start <= load->end || start >= cache->size || hex_holes_at(&cache->holes, start) || hex_cache_slot(cache, start) ||
        (load->of_file && is_walked(cache))) {
        return;
    }
    if (load->of_file) {
        ret = visit_file_holes_co(load, cache->size, &steps, &visit);
    } else {
        ret = blk_status_bulk_co(load->blk, start, cache->size - start, is_hole_still, &visit);
    }
    if (ret >= 0 && load->cache && changes == cache->changes && visit.end > start) {
        add_hole(cache, start, visit.end, visit.pattern);
        cache->updated(cache->data);
    }
}

static void load_co(void *data)
{
    struct hex_load *load = data;
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
        if (((struct hex_load *)link->data)->block == block) {
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

void hex_load_start(struct hex_cache *cache, int64_t block)
{
    const struct hex_hole *hole = hex_holes_at(&cache->holes, block);
    struct hex_slot *slot = hex_cache_slot(cache, block);
    int64_t end = MIN(cache->size - block, HEX_BLOCK) + block;
    struct hex_hole stretch;
    bool repeats = !slot && hex_repeats_at(cache->repeats, block, &stretch) && stretch.end >= end;
    struct hex_load *load;

    if ((hole && hole->end >= end) || repeats || (slot && !slot->stale) || is_loading(cache, block) ||
        cache->loads.length >= LOADS_MAX || (!slot && !has_room(cache))) {
        return;
    }
    load = g_new0(struct hex_load, 1);
    load->link.data = load;
    load->cache = cache;
    load->blk = cache->blk;
    load->block = block;
    load->end = end;
    load->bytes = g_malloc0(HEX_BLOCK);
    g_queue_push_tail_link(&cache->loads, &load->link);
    co_start(load_co, load);
}

void hex_load_let_go(struct hex_cache *cache)
{
    GList *link;

    while ((link = g_queue_pop_head_link(&cache->loads))) {
        struct hex_load *load = link->data;

        load->cache = NULL;
        co_cancel(load->co);
    }
}

void hex_load_changed(struct hex_cache *cache, int64_t offset, int64_t end)
{
    for (GList *link = cache->loads.head; link; link = link->next) {
        struct hex_load *load = link->data;
        if (load->block < end && offset < load->end) {
            load->stale = true;
        }
    }
}
