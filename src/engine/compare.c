/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Both images are walked side by side, an extent of each in hand.  A piece that lies in one extent of both is either settled by these
 * (zeroes on both sides, or the same place of the same file), or read: one side only where the other is known to be zeroes.
 */
#include "engine/compare.h"

#include <errno.h>
#include <string.h>

#include "block/inspect.h"
#include "block/pins.h"
#include "engine/session.h"
#include "io/co.h"

enum { PIECE = 1 << 20 };

struct side {
    struct blk *blk;
    int64_t size;
    struct blk_extent extent; /* with the position; length 0: none in hand */
    uint8_t *buffer;
    bool failed; /* to read the piece */
};

struct walk {
    const struct compare *compare;
    struct compare_progress *progress;
    compare_fn *fn;
    void *data;
    struct side a, b;
    int64_t start, end; /* of the range held until the next one differs in kind or place; empty: none */
    enum compare_kind kind;
};

const char *compare_kind_name(enum compare_kind kind)
{
    static const char *const names[] = {
        [COMPARE_DIFFERENT] = "different", [COMPARE_PERHAPS] = "perhaps", [COMPARE_UNREADABLE] = "unreadable"};
    return names[kind];
}

/* ---- what is told ---- */

static int flush(struct walk *walk)
{
    int ret = walk->start < walk->end ? walk->fn(walk->data, walk->start, walk->end - walk->start, walk->kind) : 0;
    walk->start = walk->end = 0;
    return ret;
}

static int found(struct walk *walk, int64_t offset, int64_t bytes, enum compare_kind kind)
{
    int ret = 0;
    walk->progress->bytes[kind] += bytes;
    bool full = walk->compare->part > 0 && walk->end - walk->start >= walk->compare->part;
    if (walk->start < walk->end && walk->end == offset && walk->kind == kind && !full) {
        walk->end += bytes;
        return 0;
    }
    ret = flush(walk);
    walk->start = offset;
    walk->end = offset + bytes;
    walk->kind = kind;
    return ret;
}

/* ---- metadata ---- */

/* Has the side hold the extent with that byte. */
static int look_co(struct side *side, int64_t at)
{
    const struct blk_extent *extent = &side->extent;
    if (extent->length > 0 && at >= extent->start && at - extent->start < extent->length)
        return 0;
    if (at >= side->size) {
        side->extent = (struct blk_extent){at, INT64_MAX - at, BLK_KIND_ZERO_PLAIN, .host_offset = -1};
        return 0;
    }
    int ret = blk_status_or_hole_co(side->blk, at, side->size - at, &side->extent);
    return ret < 0 ? ret : side->extent.length <= 0 ? -EIO : 0;
}

static bool same_place(const struct blk_extent *a, const struct blk_extent *b, int64_t at)
{
    return a->host_offset >= 0 && b->host_offset >= 0 && a->host != NULL && b->host != NULL &&
           a->host_offset + (at - a->start) == b->host_offset + (at - b->start) && strcmp(a->host, b->host) == 0;
}

static bool is_settled(const struct walk *walk, int64_t at)
{
    const struct blk_extent *a = &walk->a.extent, *b = &walk->b.extent;
    return (blk_extent_is_zeroes(a) && blk_extent_is_zeroes(b)) || same_place(a, b, at) || (walk->compare->below && a->depth > 0);
}

/* ---- content ---- */

/* Of the extent in hand, to that place in the buffer. */
static int read_part_co(struct side *side, int64_t at, int64_t bytes, uint8_t *to, struct compare_progress *progress)
{
    struct iovec iov = {to, (size_t)bytes};
    int ret;
    if (blk_extent_is_zeroes(&side->extent)) {
        memset(to, 0, (size_t)bytes);
        return 0;
    }
    if (side->extent.kind == BLK_KIND_MISSING) {
        side->failed = true;
        return 0;
    }
    ret = blk_preadv_co(side->blk, at, &iov, 1, BLK_INTERNAL, NULL);
    side->failed = side->failed || ret < 0;
    progress->read += ret < 0 ? 0 : bytes;
    return ret == -ECANCELED || ret == -ENOMEDIUM ? ret : 0;
}

static int read_side_co(struct side *side, int64_t at, int64_t bytes, struct compare_progress *progress)
{
    side->failed = false;
    return read_part_co(side, at, bytes, side->buffer, progress);
}

/* A sector that several extents have parts of. */
static int read_sector_co(struct side *side, int64_t at, int64_t bytes, struct compare_progress *progress)
{
    int ret = 0;
    side->failed = false;
    for (int64_t i = 0, n; ret == 0 && i < bytes; i += n) {
        if ((ret = look_co(side, at + i)) < 0)
            break;
        n = MIN(bytes - i, side->extent.length - (at + i - side->extent.start));
        ret = read_part_co(side, at + i, n, side->buffer + i, progress);
    }
    return ret;
}

static int compare_sectors(struct walk *walk, int64_t at, int64_t bytes)
{
    int ret = 0;
    if (memcmp(walk->a.buffer, walk->b.buffer, (size_t)bytes) == 0)
        return 0;
    for (int64_t i = 0; ret == 0 && i < bytes;) {
        int64_t n = MIN(bytes - i, COMPARE_GRAIN - (at + i) % COMPARE_GRAIN);
        if (memcmp(walk->a.buffer + i, walk->b.buffer + i, (size_t)n) != 0)
            ret = found(walk, at + i, n, COMPARE_DIFFERENT);
        i += n;
    }
    return ret;
}

static int compare_piece_co(struct walk *walk, int64_t at, int64_t bytes)
{
    int ret = read_side_co(&walk->a, at, bytes, walk->progress);
    if (ret == 0)
        ret = read_side_co(&walk->b, at, bytes, walk->progress);
    if (ret < 0)
        return ret;
    if (walk->a.failed || walk->b.failed) {
        if (bytes > COMPARE_GRAIN && walk->a.extent.kind != BLK_KIND_MISSING && walk->b.extent.kind != BLK_KIND_MISSING) {
            /* Which part of it?  Sector by sector, once. */
            for (int64_t i = 0, n; ret == 0 && i < bytes; i += n) {
                n = MIN(bytes - i, COMPARE_GRAIN - (at + i) % COMPARE_GRAIN);
                ret = compare_piece_co(walk, at + i, n);
            }
            return ret;
        }
        return found(walk, at, bytes, COMPARE_UNREADABLE);
    }
    return compare_sectors(walk, at, bytes);
}

/* That both extents in hand have. */
static int64_t common_bytes(const struct walk *walk, int64_t at)
{
    const struct blk_extent *a = &walk->a.extent, *b = &walk->b.extent;
    return MIN(MIN(a->length - (at - a->start), b->length - (at - b->start)), walk->progress->size - at);
}

/* Where an image ends within a sector that goes on in the other, or an extent does: the sector is looked at, and told, as a whole. */
static int sector_co(struct walk *walk, int64_t at, int64_t bytes)
{
    bool settled = true;
    for (int64_t i = 0; settled && i < bytes;) {
        int ret = look_co(&walk->a, at + i);
        if (ret == 0)
            ret = look_co(&walk->b, at + i);
        if (ret < 0)
            return ret;
        settled = is_settled(walk, at + i);
        i += common_bytes(walk, at + i);
    }
    if (settled)
        return 0;
    if (walk->compare->metadata_only)
        return found(walk, at, bytes, COMPARE_PERHAPS);
    int ret = read_sector_co(&walk->a, at, bytes, walk->progress);
    if (ret == 0)
        ret = read_sector_co(&walk->b, at, bytes, walk->progress);
    if (ret < 0)
        return ret;
    return walk->a.failed || walk->b.failed ? found(walk, at, bytes, COMPARE_UNREADABLE) : compare_sectors(walk, at, bytes);
}

/* Whole sectors from at on, which begins one, that lie in one extent of each; 0: the first one does not.  A layer may have single bytes. */
static int64_t piece_bytes(const struct walk *walk, int64_t at, bool read)
{
    int64_t bytes = common_bytes(walk, at);
    if (bytes < walk->progress->size - at && !walk->compare->below)
        bytes -= bytes % COMPARE_GRAIN;
    return read ? MIN(bytes, PIECE - at % COMPARE_GRAIN) : bytes;
}

static int step_co(struct walk *walk, int64_t at, int64_t *ret_bytes)
{
    int ret = look_co(&walk->a, at);
    if (ret == 0)
        ret = look_co(&walk->b, at);
    if (ret < 0)
        return ret;
    bool settled = is_settled(walk, at), read = !settled && !walk->compare->metadata_only;
    int64_t bytes = *ret_bytes = piece_bytes(walk, at, read);
    if (bytes == 0) {
        *ret_bytes = MIN(COMPARE_GRAIN, walk->progress->size - at);
        return sector_co(walk, at, *ret_bytes);
    }
    if (settled)
        return 0;
    return read ? compare_piece_co(walk, at, bytes) : found(walk, at, bytes, COMPARE_PERHAPS);
}

int compare_co(const struct compare *compare, struct compare_progress *progress, compare_fn *fn, void *data)
{
    struct walk walk = {compare, progress, fn, data, {compare->a, blk_length(compare->a)}, {compare->b, blk_length(compare->b)}};
    int ret = 0;
    *progress = (struct compare_progress){.size = MAX(walk.a.size, walk.b.size)};
    if (compare->end > 0) {
        progress->size = MIN(progress->size, compare->end + (COMPARE_GRAIN - compare->end % COMPARE_GRAIN) % COMPARE_GRAIN);
        progress->done = compare->start - compare->start % COMPARE_GRAIN;
    }
    walk.a.buffer = compare->metadata_only ? NULL : g_malloc(PIECE);
    walk.b.buffer = compare->metadata_only ? NULL : g_malloc(PIECE);
    while (ret == 0 && progress->done < progress->size) {
        int64_t bytes = 0;
        ret = step_co(&walk, progress->done, &bytes);
        progress->done += ret == 0 ? bytes : 0;
        progress->told = walk.start < walk.end ? walk.start : progress->done;
        co_relax_co();
        if (ret == 0 && co_cancelled())
            ret = -ECANCELED; /* perhaps there is no image any more */
    }
    if (ret == 0)
        ret = flush(&walk);
    if (ret == 0)
        progress->told = progress->done;
    g_free(walk.a.buffer);
    g_free(walk.b.buffer);
    return ret;
}

/* ---- the other image ---- */

struct compare_how compare_how_in(const struct session *session)
{
    const struct session_config *config = session_config(session);
    return (struct compare_how){config->aio, config->refs, session_refs(session), session_approved(session)};
}

static int open_snapshot_co(struct blk *blk, const char *name, struct blk_open *how, struct blk **ret_blk, GError **error)
{
    struct blk_info info;
    int ret = blk_info_co(blk, &info);
    if (ret < 0) {
        g_set_error(error, OPTIONS_ERROR, -ret, "%s", g_strerror(-ret));
        return ret;
    }
    g_autofree char *format = g_strdup(info.format);
    blk_info_clear(&info);
    if (!blk_filename(blk)) {
        g_set_error(error, OPTIONS_ERROR, ENOTSUP, "the image was opened by options, not by its name: its snapshots can't be opened beside it");
        return -ENOTSUP;
    }
    /* What was written is read through another handle. */
    if ((ret = inspect_settle_co(blk)) < 0) {
        g_set_error(error, OPTIONS_ERROR, -ret, "%s", g_strerror(-ret));
        return ret;
    }
    g_autoptr(options) options = options_new();
    options_set(options, "snapshot", name);
    g_autoptr(pins) pins = pins_of_image(blk, true, error);
    if (!pins)
        return -(*error)->code;
    how->pins = pins;
    how->filename = blk_filename(blk);
    how->format = format;
    how->options = options;
    how->flags |= BLK_OPEN_FORCE_SHARE;
    return blk_open_co(how, ret_blk, error);
}

char *compare_name(const char *typed)
{
    bool is_file = typed[0] == '@' && g_file_test(typed, G_FILE_TEST_EXISTS);
    return g_strconcat(is_file ? "./" : "", typed, NULL);
}

int compare_open_co(struct blk *blk, const struct compare_how *with, const char *what, const char *format, struct compare_other *ret_other,
                    GError **error)
{
    struct blk_open how = {.aio = with->aio, .refs = with->refs, .cache = BLK_CACHE_WRITEBACK, .flags = BLK_OPEN_NO_LOCK_IF_READ_ONLY};
    struct compare_other other = {.opened = what != NULL};
    int ret = 0;
    if (!what) {
        other.blk = blk_layer(blk, 1, BLK_PART_LAYER);
        if (!other.blk) {
            g_set_error(error, OPTIONS_ERROR, ENOENT, "the image has no backing file that is open");
            return -ENOENT;
        }
    } else if (what[0] == '@') {
        how.refs = with->own_refs;
        how.approved = with->approved;
        ret = open_snapshot_co(blk, what + 1, &how, &other.blk, error);
    } else {
        how.filename = what;
        how.format = format;
        ret = blk_open_co(&how, &other.blk, error);
    }
    if (ret == 0)
        *ret_other = other;
    return ret;
}

void compare_close_co(struct compare_other *other)
{
    if (other->opened && other->blk)
        blk_close_co(other->blk, NULL);
    *other = (struct compare_other){0};
}
