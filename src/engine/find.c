/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The range is taken in windows.  A window's allocation status cuts it into pieces of places where a match may begin: some have
 * to be read, in others (zeroes, and the pattern is zeroes) every place matches, and the rest is left out.  Pieces to be read are
 * cut into chunks, which go round a ring: read by a coroutine each, several at a time, looked through in order by the one who
 * asked.  A chunk is small enough to stay in the processor's cache between the two.
 *
 * Where a byte of the pattern can't be zero, at place k of it say, a match at o needs data at o + k: data [s, e) is looked through from s - k to
 * e - k.  Otherwise the places of data are searched as they are, and of zeroes all but the last few match.
 */
#include "engine/find.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "io/co.h"

enum {
    CHUNK = 512 * 1024,
    RING = 4,
    SECTOR = 4096, /* what is given up when it can't be read */
    PIECES_MAX = 64 * 1024,
    TOLD_AT_ONCE = 64, /* matches */
};
#define WINDOW (INT64_C(64) << 30)
#define WINDOW_BACK (INT64_C(64) << 20) /* the first one; the next ones double */

struct piece {
    int64_t from, to; /* places */
    bool all;         /* all of them match */
};

/* A run of bytes that could be read. */
struct span {
    size_t start, end;
};

struct chunk {
    struct finder *finder;
    int64_t from, to; /* places */
    bool all;
    struct co *reader; /* reads it; NULL: nobody does any more */
    size_t size;      /* bytes that belong to them */
    uint8_t *bytes;
    uint8_t *others;  /* those of the layer below */
    GArray *spans;
};

struct finder {
    struct blk *blk;
    const struct find *find;
    struct find_progress *progress;
    find_fn *fn;
    void *data;
    int64_t size;
    size_t len;     /* bytes of a match */
    GArray *pieces; /* of the window, in order of offsets */
    struct chunk ring[RING];
    struct co *waiter; /* waits for the chunk whose turn it is; NULL: does not */
    bool stop;      /* what is not read yet need not be, */
    bool cancelled; /* nor what is being read */
    unsigned told;  /* matches, or runs of them */
};

/* ---- what has to be looked through ---- */

static void add_piece(struct finder *finder, int64_t from, int64_t to, bool all)
{
    from = MAX(from, finder->find->from);
    to = MIN(to, MIN(finder->find->to, finder->size - (int64_t)finder->len + 1));
    if (from >= to) {
        return;
    }
    struct piece *last =
        finder->pieces->len > 0 ? &g_array_index(finder->pieces, struct piece, finder->pieces->len - 1) : NULL;
    if (last && last->all == all && last->to == from) {
        last->to = to;
    } else {
        struct piece piece = {from, to, all};
        g_array_append_val(finder->pieces, piece);
    }
}

struct survey {
    struct finder *finder;
    int64_t end; /* of what was seen */
};

static int on_extent(void *data, const struct blk_extent *extent)
{
    struct survey *survey = data;
    struct finder *finder = survey->finder;
    const struct search *search = &finder->find->search;
    int64_t start = extent->start, end = extent->start + extent->length;
    survey->end = end;
    if (finder->find->against) {
        if (extent->depth == 0 && extent->kind != BLK_KIND_UNALLOCATED) {
            add_piece(finder, start, end, false); /* what the top does not hold it can't change */
        }
    } else if (search->not_zero >= 0) {
        if (!blk_extent_is_zeroes(extent)) {
            add_piece(finder, start - search->not_zero, end - search->not_zero, false);
        }
    } else if (blk_extent_is_zeroes(extent)) {
        int64_t rest = MAX(start, end - (int64_t)search->len + 1);
        add_piece(finder, start, rest, true);
        add_piece(finder, rest, end, false);
    } else {
        add_piece(finder, start, end, false);
    }
    return finder->pieces->len >= PIECES_MAX && !finder->find->backward ? 1 : 0;
}

/* The pieces of the bytes in [start, end); *ret_end is how far it got. */
static int survey_co(struct finder *finder, int64_t start, int64_t end, int64_t *ret_end)
{
    struct survey survey = {finder, start};
    g_array_set_size(finder->pieces, 0);
    int ret = blk_map_co(finder->blk, start, end - start, on_extent, &survey);
    *ret_end = ret == 1 ? survey.end : end;
    return MIN(ret, 0);
}

/* ---- reading ---- */

static int read_co(struct chunk *chunk, size_t start, size_t end)
{
    struct iovec iov = {chunk->bytes + start, end - start};
    return blk_preadv_co(chunk->finder->blk, chunk->from + (int64_t)start, &iov, 1, BLK_INTERNAL, NULL);
}

/* Behind its end the layer below is zeroes. */
static int read_other_co(struct chunk *chunk, size_t start, size_t end)
{
    struct blk *other = chunk->finder->find->against;
    int64_t from = chunk->from + (int64_t)start;
    size_t there = (size_t)CLAMP(blk_length(other) - from, 0, (int64_t)(end - start));
    struct iovec iov = {chunk->others + start, there};
    memset(chunk->others + start + there, 0, end - start - there);
    return there > 0 ? blk_preadv_co(other, from, &iov, 1, BLK_INTERNAL, NULL) : 0;
}

static int read_both_co(struct chunk *chunk, size_t start, size_t end)
{
    int ret = chunk->finder->find->against ? read_other_co(chunk, start, end) : 0;
    return ret < 0 ? ret : read_co(chunk, start, end);
}

static void add_span(struct chunk *chunk, size_t start, size_t end)
{
    struct span *last = chunk->spans->len > 0 ? &g_array_index(chunk->spans, struct span, chunk->spans->len - 1) : NULL;
    if (last && last->end == start) {
        last->end = end;
    } else {
        struct span span = {start, end};
        g_array_append_val(chunk->spans, span);
    }
}

static void read_chunk_co(void *data)
{
    struct chunk *chunk = data;
    struct finder *finder = chunk->finder;
    chunk->reader = co_self();
    if (read_both_co(chunk, 0, chunk->size) == 0) {
        add_span(chunk, 0, chunk->size);
    } else {
        for (size_t at = 0; at < chunk->size && !finder->stop; at += SECTOR) {
            size_t end = MIN(at + SECTOR, chunk->size);
            if (read_both_co(chunk, at, end) == 0) {
                add_span(chunk, at, end);
            } else {
                finder->progress->unreadable += (int64_t)(end - at);
            }
        }
    }
    chunk->reader = NULL;
    if (finder->waiter) {
        co_wake(g_steal_pointer(&finder->waiter), 0);
    }
}

static void start_chunk(struct finder *finder, struct chunk *chunk, const struct piece *piece, int64_t from, int64_t to)
{
    chunk->finder = finder;
    chunk->from = from;
    chunk->to = to;
    chunk->all = piece->all;
    if (piece->all) {
        return;
    }
    chunk->size = (size_t)(to - from) + finder->len - 1;
    if (!chunk->bytes) {
        chunk->bytes = g_malloc(CHUNK + SEARCH_MAX);
        chunk->others = finder->find->against ? g_malloc(CHUNK + SEARCH_MAX) : NULL;
        chunk->spans = g_array_new(FALSE, FALSE, sizeof(struct span));
    }
    g_array_set_size(chunk->spans, 0);
    co_start(read_chunk_co, chunk);
}

static void cancel_reads(struct finder *finder)
{
    finder->stop = finder->cancelled = true;
    for (int i = 0; i < RING; i++) {
        if (finder->ring[i].reader) {
            co_cancel(finder->ring[i].reader);
        }
    }
}

/* Whoever is cancelled cancels all that is read for it, and waits until that has ended: the memory is lent to it. */
static void wait_for_co(struct finder *finder, struct chunk *chunk)
{
    while (chunk->reader) {
        finder->waiter = co_self();
        if (finder->cancelled) {
            co_suspend_co();
        } else if (co_suspend_cancellable_co() == -ECANCELED) {
            cancel_reads(finder);
        }
        finder->waiter = NULL;
    }
}

/* ---- looking ---- */

/* A chunk may hold a match for every second byte, and a line is printed for each. */
static int tell_co(struct finder *finder, const struct chunk *chunk, size_t at, size_t count)
{
    if (++finder->told % TOLD_AT_ONCE == 0) {
        co_relax_co();
    }
    return co_cancelled() ? -ECANCELED : finder->fn(finder->data, chunk->from + (int64_t)at, (int64_t)count);
}

static int look_forward_co(struct finder *finder, const struct chunk *chunk, const struct span *span)
{
    const struct search *search = &finder->find->search;
    for (size_t at = span->start; at < span->end;) {
        ptrdiff_t found = search_first(search, chunk->bytes + at, span->end - at);
        if (found < 0) {
            break;
        }
        at += (size_t)found;
        size_t count = 1;
        while (at + count + search->len <= span->end && search_matches(search, chunk->bytes + at + count)) {
            count++;
        }
        int ret = tell_co(finder, chunk, at, count);
        if (ret != 0) {
            return ret;
        }
        at += count + 1; /* the place behind the run was looked at */
    }
    return 0;
}

static int look_backward_co(struct finder *finder, const struct chunk *chunk, const struct span *span)
{
    for (size_t end = span->end; end > span->start;) {
        ptrdiff_t found = search_last(&finder->find->search, chunk->bytes + span->start, end - span->start);
        if (found < 0) {
            break;
        }
        int ret = tell_co(finder, chunk, span->start + (size_t)found, 1);
        if (ret != 0) {
            return ret;
        }
        end = span->start + (size_t)found + finder->find->search.len - 1; /* the next one begins before it */
    }
    return 0;
}

/* One match for a run of bytes that differ: its first byte, backwards its last. */
static int look_for_difference_co(struct finder *finder, const struct chunk *chunk, const struct span *span)
{
    bool backward = finder->find->backward;
    bool before = false;
    int ret = 0;
    if (memcmp(chunk->bytes + span->start, chunk->others + span->start, span->end - span->start) == 0) {
        return 0;
    }
    for (size_t i = 0; i < span->end - span->start && ret == 0; i++) {
        size_t at = backward ? span->end - 1 - i : span->start + i;
        bool differs = chunk->bytes[at] != chunk->others[at];
        ret = differs && !before ? tell_co(finder, chunk, at, 1) : 0;
        before = differs;
    }
    return ret;
}

static int look_co(struct finder *finder, const struct chunk *chunk)
{
    bool backward = finder->find->backward;
    int ret = 0;
    if (chunk->all) {
        return finder->fn(finder->data, backward ? chunk->to - 1 : chunk->from, chunk->to - chunk->from);
    }
    finder->progress->read += (int64_t)chunk->size;
    for (guint i = 0; i < chunk->spans->len && ret == 0; i++) {
        guint index = backward ? chunk->spans->len - 1 - i : i;
        const struct span *span = &g_array_index(chunk->spans, struct span, index);
        ret = finder->find->against ? look_for_difference_co(finder, chunk, span)
              : backward            ? look_backward_co(finder, chunk, span)
                                    : look_forward_co(finder, chunk, span);
    }
    return ret;
}

/* ---- a window ---- */

/* Where the next chunk is cut from. */
struct cursor {
    guint piece; /* pieces before it are dealt with (backwards: behind it) */
    int64_t done; /* bytes of it */
};

static bool next_chunk(struct finder *finder, struct cursor *cursor, struct chunk *chunk)
{
    if (cursor->piece >= finder->pieces->len) {
        return false;
    }
    bool backward = finder->find->backward;
    guint index = backward ? finder->pieces->len - 1 - cursor->piece : cursor->piece;
    const struct piece *piece = &g_array_index(finder->pieces, struct piece, index);
    int64_t bytes = piece->to - piece->from - cursor->done;
    bytes = piece->all ? bytes : MIN(bytes, CHUNK);
    int64_t from = backward ? piece->to - cursor->done - bytes : piece->from + cursor->done;
    start_chunk(finder, chunk, piece, from, from + bytes);
    cursor->done += bytes;
    if (cursor->done == piece->to - piece->from) {
        cursor->done = 0;
        cursor->piece++;
    }
    return true;
}

static int look_through_co(struct finder *finder, int64_t window_from, int64_t window_to)
{
    struct cursor cursor = {0};
    bool backward = finder->find->backward;
    int64_t base = finder->progress->done;
    unsigned turn = 0, started = 0;
    int ret = 0;
    for (;; turn++) {
        if (co_cancelled()) { /* the image may be gone */
            ret = -ECANCELED;
            break;
        }
        while (started - turn < RING && next_chunk(finder, &cursor, &finder->ring[started % RING])) {
            started++;
        }
        if (turn == started) {
            break;
        }
        struct chunk *chunk = &finder->ring[turn % RING];
        wait_for_co(finder, chunk);
        ret = co_cancelled() ? -ECANCELED : look_co(finder, chunk);
        if (ret != 0) {
            break;
        }
        finder->progress->done = base + CLAMP(backward ? window_to - chunk->from : chunk->to - window_from, 0, window_to - window_from);
        co_relax_co();
    }
    finder->stop = ret != 0;
    if (ret == -ECANCELED) {
        cancel_reads(finder);
    }
    for (; turn < started; turn++) {
        wait_for_co(finder, &finder->ring[turn % RING]);
    }
    if (ret == 0) {
        finder->progress->done = base + window_to - window_from;
    }
    return ret;
}

static int forward_co(struct finder *finder)
{
    const struct search *search = &finder->find->search;
    int64_t reach = finder->find->against ? 0 : MAX(search->not_zero, 0);
    int64_t end = MIN(finder->size, finder->find->to + reach), at = finder->find->from;
    int ret = 0;
    while (at < end && ret == 0) {
        int64_t window_end;
        ret = co_cancelled() ? -ECANCELED : survey_co(finder, at, at + MIN(WINDOW, end - at), &window_end);
        if (ret == 0) {
            ret = look_through_co(finder, at, window_end);
            at = window_end;
        }
    }
    return ret;
}

static int backward_co(struct finder *finder)
{
    const struct search *search = &finder->find->search;
    int64_t reach = finder->find->against ? 0 : MAX(search->not_zero, 0);
    int64_t end = MIN(finder->size, finder->find->to + reach), window = WINDOW_BACK;
    int ret = 0;
    while (end > finder->find->from && ret == 0) {
        int64_t start = MAX(finder->find->from, end - window), window_end;
        ret = co_cancelled() ? -ECANCELED : survey_co(finder, start, end, &window_end);
        if (ret == 0) {
            ret = look_through_co(finder, start, end);
            end = start;
            window = MIN(window * 2, WINDOW);
        }
    }
    return ret;
}

int find_co(struct blk *blk, const struct find *find, struct find_progress *progress, find_fn *fn, void *data)
{
    struct finder *finder = g_new0(struct finder, 1);
    finder->blk = blk;
    finder->find = find;
    finder->progress = progress;
    finder->fn = fn;
    finder->data = data;
    finder->size = blk_length(blk);
    finder->len = find->against ? 1 : find->search.len;
    finder->pieces = g_array_new(FALSE, FALSE, sizeof(struct piece));
    *progress = (struct find_progress){0};
    int ret = find->backward ? backward_co(finder) : forward_co(finder);
    for (int i = 0; i < RING; i++) {
        g_free(finder->ring[i].bytes);
        g_free(finder->ring[i].others);
        g_clear_pointer(&finder->ring[i].spans, g_array_unref);
    }
    g_array_unref(finder->pieces);
    g_free(finder);
    return ret;
}
