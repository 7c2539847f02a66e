/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/qcow2/cache.h"

#include "block/node.h"

struct piece {
    int64_t offset;   /* the key: first, for g_int64_hash() */
    GList link;       /* in `unused`, most recent first, while nobody holds it */
    unsigned holders;
    bool loading;
    struct co_queue waiters; /* for the end of loading */
    uint64_t words[];
};

struct qcow2_cache {
    struct node *file;
    size_t bytes;
    unsigned max;
    GHashTable *pieces; /* by offset */
    GQueue unused;
};

struct qcow2_cache *qcow2_cache_new(struct node *file, size_t bytes, unsigned max)
{
    struct qcow2_cache *cache = g_new0(struct qcow2_cache, 1);
    cache->file = file;
    cache->bytes = bytes;
    cache->max = max;
    cache->pieces = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
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

static void hold(struct qcow2_cache *cache, struct piece *piece)
{
    if (piece->holders++ == 0)
        g_queue_unlink(&cache->unused, &piece->link);
}

static void release(struct qcow2_cache *cache, struct piece *piece)
{
    if (--piece->holders == 0)
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

/* A new piece, held by the caller. */
static struct piece *add_piece(struct qcow2_cache *cache, int64_t offset)
{
    make_room(cache);
    struct piece *piece = g_malloc(sizeof(*piece) + cache->bytes);
    *piece = (struct piece){.offset = offset, .holders = 1, .loading = true};
    piece->link.data = piece;
    g_hash_table_insert(cache->pieces, &piece->offset, piece);
    return piece;
}

/* Those who waited look again: a piece that could not be read is gone then. */
static int load_co(struct qcow2_cache *cache, int64_t offset, struct piece **ret_piece)
{
    struct piece *piece = add_piece(cache, offset);
    node_debug_event_co(cache->file, BLK_EVENT_L2_LOAD);
    int ret = node_pread_co(cache->file, offset, cache->bytes, piece->words);
    piece->loading = false;
    co_queue_wake_all(&piece->waiters);
    if (ret < 0)
        remove_piece(cache, piece);
    else
        *ret_piece = piece;
    return ret;
}

int qcow2_cache_get_co(struct qcow2_cache *cache, int64_t offset, const uint64_t **ret_words)
{
    struct piece *piece;
    while ((piece = g_hash_table_lookup(cache->pieces, &offset)) && piece->loading)
        co_queue_wait_uncancellable_co(&piece->waiters);
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
    release(cache, (struct piece *)((char *)words - offsetof(struct piece, words)));
}
