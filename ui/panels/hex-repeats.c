/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/hex-repeats.h"

#include <string.h>

#include "io/co.h"
#include "ui/panels/hex-cache.h"
#include "ui/panels/updates.h"

enum {
    UNIT = 8,
    LEAST = 64,            /* bytes that are worth an entry */
    LONG = 16 * 1024,      /* bytes that are worth reading on */
    CHUNK = 1024 * 1024,   /* read at once then */
    TELL_INTERVAL_US = 50 * 1000,
};

struct scan {
    struct hex_repeats *repeats; /* NULL: nobody is interested any more */
    struct co *co;
    struct blk *blk;
    struct hex_hole stretch;
    int direction;
    uint8_t *bytes;
};

struct hex_repeats {
    struct updates updates;
    struct blk *blk;
    int64_t size;
    struct hex_holes list;
    struct scan *scan; /* NULL: none */
    GHashTable *stuck[2]; /* of int64_t: where one ended and another one would at once, forward and backward */
};

static int64_t window_of(int64_t offset)
{
    return offset - offset % HEX_REPEATS_WINDOW;
}

/* Stretches are those of whole blocks, and what of a block next to them is noted when that is read: so they are the same whoever found them. */
static int64_t block_of(int64_t offset)
{
    return offset - offset % HEX_BLOCK;
}

static int64_t block_end(int64_t offset)
{
    return offset > INT64_MAX - (HEX_BLOCK - 1) ? INT64_MAX : block_of(offset + (HEX_BLOCK - 1));
}

static int64_t window_end(const struct hex_repeats *repeats, int64_t offset)
{
    int64_t window = window_of(offset);

    return repeats->size - window > HEX_REPEATS_WINDOW ? window + HEX_REPEATS_WINDOW : repeats->size;
}

/* ---- comparing ---- */

/* How many of n bytes are the pattern again and again. */
static size_t prefix(const uint8_t *bytes, size_t n, const uint8_t pattern[UNIT])
{
    size_t i = 0;

    if (n >= UNIT && memcmp(bytes, pattern, UNIT) == 0 && memcmp(bytes, bytes + UNIT, n - UNIT) == 0) {
        return n;
    }
    while (i + UNIT <= n && memcmp(bytes + i, pattern, UNIT) == 0) {
        i += UNIT;
    }
    return i + UNIT > n && memcmp(bytes + i, pattern, n - i) == 0 ? n : i;
}

/* The same from the end on; n is a multiple of UNIT. */
static size_t suffix(const uint8_t *bytes, size_t n, const uint8_t pattern[UNIT])
{
    size_t i = n;

    if (prefix(bytes, n, pattern) == n) {
        return n;
    }
    while (i >= UNIT && memcmp(bytes + i - UNIT, pattern, UNIT) == 0) {
        i -= UNIT;
    }
    return n - i;
}

static uint64_t pattern_of(const uint8_t *bytes)
{
    uint64_t pattern;

    memcpy(&pattern, bytes, UNIT);
    return pattern;
}

/* Whether that is new. */
static bool add(struct hex_repeats *repeats, int64_t start, int64_t end, uint64_t pattern)
{
    const struct hex_hole *known = hex_holes_at(&repeats->list, start);

    if (known && known->start <= start && known->end >= end && known->pattern == pattern) {
        return false;
    }
    hex_holes_add(&repeats->list, start, end, pattern);
    return true;
}

bool hex_repeats_note(struct hex_repeats *repeats, int64_t offset, const uint8_t *bytes, size_t n)
{
    bool is_new = false;

    if (n < LEAST || offset % UNIT != 0) {
        return false;
    }
    size_t first = prefix(bytes, n, bytes);

    if (first >= LEAST) {
        is_new = add(repeats, offset, offset + (int64_t)first, pattern_of(bytes));
    }
    if (first == n || n % UNIT != 0) {
        return is_new;
    }
    size_t last = suffix(bytes, n, bytes + n - UNIT);

    if (last >= LEAST) {
        is_new |= add(repeats, offset + (int64_t)(n - last), offset + (int64_t)n, pattern_of(bytes + n - UNIT));
    }
    return is_new;
}

/* ---- reading on ---- */

/* The piece of data next to the stretch; false: there is none, or it is not known. */
static bool next_piece_co(struct scan *scan, int64_t *ret_start, int64_t *ret_end)
{
    const struct hex_repeats *repeats = scan->repeats;
    struct blk_extent extent;
    bool on = scan->direction > 0;
    int64_t start = on ? scan->stretch.end : MAX(scan->stretch.start - CHUNK, window_of(scan->stretch.start - 1));
    int64_t end = on ? MIN(window_end(repeats, start), start + CHUNK) : scan->stretch.start;

    do {
        if (start >= end || blk_status_or_hole_co(scan->blk, start, end - start, &extent) < 0 || extent.length <= 0 || !scan->repeats) {
            return false;
        }
        *ret_start = start;
        *ret_end = MIN(end, start + extent.length);
        start = *ret_end;
    } while (!on && start < end);
    return (extent.kind == BLK_KIND_DATA && !extent.hole) || extent.kind == BLK_KIND_COMPRESSED;
}

/* Whether all of the piece belongs to it, so that it may go on. */
static bool take_piece(struct scan *scan, int64_t start, int64_t end)
{
    struct hex_repeats *repeats = scan->repeats;
    uint8_t pattern[UNIT];
    size_t n = (size_t)(end - start), taken;

    memcpy(pattern, &scan->stretch.pattern, UNIT);
    if (scan->direction > 0) {
        taken = prefix(scan->bytes, n, pattern);
        scan->stretch.end = start + (int64_t)taken;
    } else {
        taken = n % UNIT == 0 ? suffix(scan->bytes, n, pattern) : 0;
        scan->stretch.start = end - (int64_t)taken;
    }
    start = scan->direction > 0 ? scan->stretch.start : block_end(scan->stretch.start);
    end = scan->direction > 0 ? block_of(scan->stretch.end) : scan->stretch.end;
    if (start < end) {
        add(repeats, start, end, scan->stretch.pattern);
    }
    return taken == n;
}

static void scan_co(void *data)
{
    struct scan *scan = data;
    int64_t start, end;
    bool more = true;

    scan->co = co_self();
    co_yield_co(); /* a frame is being painted right now */
    while (more && scan->repeats && next_piece_co(scan, &start, &end)) {
        struct iovec iov = {scan->bytes, (size_t)(end - start)};
        int ret = blk_preadv_co(scan->blk, start, &iov, 1, BLK_INTERNAL, NULL);

        more = ret >= 0 && scan->repeats && take_piece(scan, start, end);
        if (more) {
            updates_tell(&scan->repeats->updates, false);
        }
        co_relax_co();
    }
    if (scan->repeats) {
        int64_t at = scan->direction > 0 ? block_of(scan->stretch.end) : block_end(scan->stretch.start);

        scan->repeats->scan = NULL;
        g_hash_table_add(scan->repeats->stuck[scan->direction < 0], g_memdup2(&at, sizeof(at)));
        updates_tell(&scan->repeats->updates, true);
    }
    g_free(scan->bytes);
    g_free(scan);
}

static void stop(struct hex_repeats *repeats)
{
    struct scan *scan = g_steal_pointer(&repeats->scan);

    if (scan) {
        scan->repeats = NULL;
        co_cancel(scan->co);
    }
}

void hex_repeats_extend(struct hex_repeats *repeats, int64_t offset, int direction)
{
    struct hex_hole stretch;

    if (repeats->scan || !hex_repeats_at(repeats, offset, &stretch) || stretch.end - stretch.start < LONG) {
        return;
    }
    int64_t from = direction > 0 ? stretch.end : stretch.start;

    if (from % HEX_BLOCK != 0 || from % HEX_REPEATS_WINDOW == 0 || from >= repeats->size ||
        g_hash_table_contains(repeats->stuck[direction < 0], &from)) {
        return;
    }
    struct scan *scan = g_new0(struct scan, 1);

    scan->repeats = repeats;
    scan->blk = repeats->blk;
    scan->stretch = stretch;
    scan->direction = direction;
    scan->bytes = g_malloc(CHUNK);
    repeats->scan = scan;
    co_start(scan_co, scan);
}

void hex_repeats_show(struct hex_repeats *repeats, int64_t start, int64_t end)
{
    const struct scan *scan = repeats->scan;
    int64_t at = !scan ? 0 : scan->direction > 0 ? scan->stretch.end : scan->stretch.start;

    if (scan && (at < start - LONG || at - LONG > end)) {
        stop(repeats);
    }
}

/* ---- what is known ---- */

bool hex_repeats_at(const struct hex_repeats *repeats, int64_t offset, struct hex_hole *ret_stretch)
{
    const struct hex_hole *found = hex_holes_at(&repeats->list, offset);

    if (found) {
        *ret_stretch = *found;
        ret_stretch->start = MAX(found->start, window_of(offset));
        ret_stretch->end = MIN(found->end, window_end(repeats, offset));
    }
    return found != NULL;
}

int64_t hex_repeats_next(const struct hex_repeats *repeats, int64_t offset)
{
    return hex_holes_next(&repeats->list, offset);
}

void hex_repeats_fill(const struct hex_hole *stretch, int64_t offset, uint8_t *bytes, size_t n)
{
    uint8_t pattern[UNIT];

    memcpy(pattern, &stretch->pattern, UNIT);
    for (size_t i = 0; i < n; i++) {
        bytes[i] = pattern[(offset + (int64_t)i) % UNIT];
    }
}

static void nothing_is_stuck(struct hex_repeats *repeats)
{
    g_hash_table_remove_all(repeats->stuck[0]);
    g_hash_table_remove_all(repeats->stuck[1]);
}

void hex_repeats_changed(struct hex_repeats *repeats, int64_t start, int64_t end)
{
    stop(repeats);
    nothing_is_stuck(repeats);
    hex_holes_remove(&repeats->list, block_of(start), block_end(end));
}

void hex_repeats_forget(struct hex_repeats *repeats, int64_t start, int64_t end)
{
    hex_holes_remove(&repeats->list, start, end);
}

void hex_repeats_open(struct hex_repeats *repeats, struct blk *blk, int64_t size)
{
    stop(repeats);
    hex_holes_clear(&repeats->list);
    repeats->blk = blk;
    repeats->size = size;
    nothing_is_stuck(repeats);
}

struct hex_repeats *hex_repeats_new(void (*updated)(void *data), void *data)
{
    struct hex_repeats *repeats = g_new0(struct hex_repeats, 1);

    repeats->updates = (struct updates){updated, data, TELL_INTERVAL_US};
    for (int i = 0; i < 2; i++) {
        repeats->stuck[i] = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    }
    return repeats;
}

void hex_repeats_free(struct hex_repeats *repeats)
{
    if (repeats) {
        stop(repeats);
        g_hash_table_unref(repeats->stuck[0]);
        g_hash_table_unref(repeats->stuck[1]);
        g_free(repeats);
    }
}
