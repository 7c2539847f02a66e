/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/qcow2/cache.h"

#include <string.h>

#include "block/node.h"

struct piece {
    int64_t offset;   /* the key: first, for g_int64_hash() */
    GList link;       /* in `unused`, most recent first, while nobody holds it and it is as on disk */
    unsigned holders;
    bool loading;
    bool changed;
    bool asked_for; /* since the last cleaning */
    struct co_queue waiters; /* for the end of loading */
    uint64_t words[];
};

struct qcow2_cache {
    struct node *file;
    size_t bytes;
    unsigned max;
    GHashTable *pieces; /* by offset */
    GQueue unused;
    unsigned changed;   /* pieces that are */
    uint64_t written;
    struct qcow2_cache_writing writing;
    struct qcow2_cache *depends;
    bool needs_barrier;
};

struct qcow2_cache *qcow2_cache_new(struct node *file, size_t bytes, unsigned max)
{
    struct qcow2_cache *cache = g_new0(struct qcow2_cache, 1);
    cache->file = file;
    cache->bytes = bytes;
    cache->max = max;
    cache->pieces = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    cache->writing.load = BLK_EVENT_L2_LOAD;
    g_queue_init(&cache->unused);
    return cache;
}

void qcow2_cache_free(struct qcow2_cache *cache)
{
    if (!cache)
        return;
    g_hash_table_unref(cache->pieces);
    g_free(cache);
}

size_t qcow2_cache_piece(const struct qcow2_cache *cache)
{
    return cache->bytes;
}

static struct piece *piece_of(const uint64_t *words)
{
    return (struct piece *)((char *)words - offsetof(struct piece, words));
}

static bool is_unused(const struct piece *piece)
{
    return piece->holders == 0 && !piece->changed;
}

static void hold(struct qcow2_cache *cache, struct piece *piece)
{
    if (is_unused(piece))
        g_queue_unlink(&cache->unused, &piece->link);
    piece->holders++;
    piece->asked_for = true;
}

static void release(struct qcow2_cache *cache, struct piece *piece)
{
    piece->holders--;
    if (is_unused(piece))
        g_queue_push_head_link(&cache->unused, &piece->link);
}

static void remove_piece(struct qcow2_cache *cache, struct piece *piece)
{
    g_hash_table_remove(cache->pieces, &piece->offset);
}

static void make_room(struct qcow2_cache *cache)
{
    while (g_hash_table_size(cache->pieces) >= cache->max && cache->unused.tail) {
        GList *link = g_queue_pop_tail_link(&cache->unused);
        remove_piece(cache, link->data);
    }
}

void qcow2_cache_clean(struct qcow2_cache *cache)
{
    for (GList *link = cache->unused.head, *next; link; link = next) {
        struct piece *piece = link->data;
        next = link->next;
        if (!piece->asked_for) {
            g_queue_unlink(&cache->unused, link);
            remove_piece(cache, piece);
        } else {
            piece->asked_for = false;
        }
    }
}

/* A new piece, held by the caller, or NULL. */
static struct piece *add_piece(struct qcow2_cache *cache, int64_t offset)
{
    make_room(cache);
    struct piece *piece = g_try_malloc(sizeof(*piece) + cache->bytes);
    if (!piece)
        return NULL;
    *piece = (struct piece){.offset = offset, .holders = 1, .loading = true, .asked_for = true};
    piece->link.data = piece;
    g_hash_table_insert(cache->pieces, &piece->offset, piece);
    return piece;
}

/* Those who waited look again: a piece that could not be read is gone then. */
static int load_co(struct qcow2_cache *cache, int64_t offset, struct piece **ret_piece)
{
    struct piece *piece = add_piece(cache, offset);
    if (!piece)
        return -ENOMEM;
    node_debug_event_co(cache->file, cache->writing.load);
    int ret = node_pread_co(cache->file, offset, cache->bytes, piece->words);
    piece->loading = false;
    co_queue_wake_all(&piece->waiters);
    if (ret < 0)
        remove_piece(cache, piece);
    else
        *ret_piece = piece;
    return ret;
}

/* The piece if it is there, loaded; NULL. */
static struct piece *find_co(struct qcow2_cache *cache, int64_t offset)
{
    struct piece *piece;
    while ((piece = g_hash_table_lookup(cache->pieces, &offset)) && piece->loading)
        co_queue_wait_uncancellable_co(&piece->waiters);
    return piece;
}

int qcow2_cache_get_co(struct qcow2_cache *cache, int64_t offset, const uint64_t **ret_words)
{
    struct piece *piece = find_co(cache, offset);
    if (piece) {
        hold(cache, piece);
    } else {
        int ret = load_co(cache, offset, &piece);
        if (ret < 0)
            return ret;
    }
    *ret_words = piece->words;
    return 0;
}

void qcow2_cache_put(struct qcow2_cache *cache, const uint64_t *words)
{
    release(cache, piece_of(words));
}

void qcow2_cache_overlay(const struct qcow2_cache *cache, int64_t offset, size_t bytes, void *buf)
{
    int64_t first = offset - offset % (int64_t)cache->bytes;
    for (int64_t at = first; at < offset + (int64_t)bytes; at += cache->bytes) {
        const struct piece *piece = g_hash_table_lookup(cache->pieces, &at);
        if (!piece || piece->loading)
            continue;
        int64_t from = MAX(at, offset), to = MIN(at + (int64_t)cache->bytes, offset + (int64_t)bytes);
        memcpy((char *)buf + (from - offset), (const char *)piece->words + (from - at), to - from);
    }
}

uint64_t qcow2_cache_written(const struct qcow2_cache *cache)
{
    return cache->written;
}

/* ---- writing ---- */

void qcow2_cache_set_writing(struct qcow2_cache *cache, const struct qcow2_cache_writing *writing)
{
    cache->writing = *writing;
}

uint64_t *qcow2_cache_change(struct qcow2_cache *cache, const uint64_t *words)
{
    struct piece *piece = piece_of(words);
    if (!piece->changed)
        cache->changed++;
    piece->changed = true;
    return piece->words;
}

int qcow2_cache_get_new_co(struct qcow2_cache *cache, int64_t offset, const uint64_t **ret_words)
{
    struct piece *piece = find_co(cache, offset);
    if (piece) {
        hold(cache, piece);
    } else {
        piece = add_piece(cache, offset);
        if (!piece)
            return -ENOMEM;
        piece->loading = false;
    }
    memset(piece->words, 0, cache->bytes);
    qcow2_cache_change(cache, piece->words);
    *ret_words = piece->words;
    return 0;
}

static void set_unchanged(struct qcow2_cache *cache, struct piece *piece)
{
    if (!piece->changed)
        return;
    piece->changed = false;
    cache->changed--;
    if (piece->holders == 0)
        g_queue_push_head_link(&cache->unused, &piece->link);
}

void qcow2_cache_forget(struct qcow2_cache *cache, int64_t offset, int64_t bytes)
{
    for (int64_t at = offset; at < offset + bytes; at += cache->bytes) {
        struct piece *piece = g_hash_table_lookup(cache->pieces, &at);
        if (!piece || piece->loading)
            continue;
        set_unchanged(cache, piece);
        if (piece->holders > 0)
            continue;
        g_queue_unlink(&cache->unused, &piece->link);
        remove_piece(cache, piece);
    }
}

void qcow2_cache_empty(struct qcow2_cache *cache)
{
    struct piece *piece;
    while ((piece = g_queue_peek_head(&cache->unused))) {
        g_queue_unlink(&cache->unused, &piece->link);
        remove_piece(cache, piece);
    }
}

/* What has to be on stable storage first. */
static int settle_co(struct qcow2_cache *cache)
{
    int ret = cache->depends ? qcow2_cache_flush_co(cache->depends) : 0;
    if (ret == 0 && (cache->depends || cache->needs_barrier))
        ret = cache->writing.barrier_co(cache->writing.node);
    if (ret < 0)
        return ret;
    cache->depends = NULL;
    cache->needs_barrier = false;
    return 0;
}

int qcow2_cache_depend_co(struct qcow2_cache *cache, struct qcow2_cache *other)
{
    int ret = 0;
    /* Two that depend on each other could never be written. */
    if (other->depends)
        ret = settle_co(other);
    if (ret == 0 && cache->depends && cache->depends != other)
        ret = settle_co(cache);
    if (ret == 0)
        cache->depends = other;
    return ret;
}

void qcow2_cache_depend_barrier(struct qcow2_cache *cache)
{
    cache->needs_barrier = true;
}

static int write_piece_co(struct qcow2_cache *cache, struct piece *piece)
{
    const struct qcow2_cache_writing *writing = &cache->writing;
    int ret = writing->check(writing->node, piece->offset, cache->bytes);
    if (ret < 0)
        return ret;
    node_debug_event_co(cache->file, writing->update);
    ret = node_pwrite_co(cache->file, piece->offset, cache->bytes, piece->words, 0);
    cache->written++;
    if (ret == 0)
        set_unchanged(cache, piece);
    return ret;
}

static int compare_offsets(const void *a, const void *b)
{
    int64_t first = (*(struct piece *const *)a)->offset, second = (*(struct piece *const *)b)->offset;
    return first < second ? -1 : first > second;
}

static GPtrArray *list_changed(struct qcow2_cache *cache)
{
    GPtrArray *list = g_ptr_array_sized_new(cache->changed);
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, cache->pieces);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        if (((struct piece *)value)->changed)
            g_ptr_array_add(list, value);
    }
    g_ptr_array_sort(list, compare_offsets);
    return list;
}

int qcow2_cache_flush_co(struct qcow2_cache *cache)
{
    if (cache->changed == 0)
        return 0;
    int ret = settle_co(cache);
    if (ret < 0)
        return ret;
    g_autoptr(GPtrArray) list = list_changed(cache);
    for (unsigned i = 0; i < list->len; i++) {
        int piece_ret = write_piece_co(cache, list->pdata[i]);
        if (ret == 0)
            ret = piece_ret;
    }
    return ret;
}

bool qcow2_cache_is_full(const struct qcow2_cache *cache)
{
    return cache->changed > cache->max / 2;
}
