/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/qcow2/hostmap.h"

#include "block/qcow2/refcount.h"
#include "block/qcow2/tally.h"
#include "block/qcow2/walk.h"
#include "block/qcow2/writer.h"

struct hostmap {
    struct node *node;
    int64_t size; /* of the file when it was begun */
    struct qcow2_tally tally;
    struct qcow2_refcounts refcounts;
    uint8_t *actual; /* refcounts of the window */
    inspect_host_fn *fn;
    void *data;
    struct inspect_host_run held; /* goes out once the next one differs; bytes 0: none */
};

static void add(struct hostmap *map, enum inspect_role role, int snapshot, uint64_t host, uint64_t bytes)
{
    uint64_t overflow;
    unsigned roles = 1U << role | (snapshot >= 0 ? QCOW2_TALLY_SNAPSHOT : QCOW2_TALLY_ACTIVE);
    qcow2_tally_add(&map->tally, map->size, host, bytes, roles, UINT64_MAX, &overflow);
}

static int on_region(void *data, const struct qcow2_walk_region *region)
{
    bool own = region->role == INSPECT_L1 || region->role == INSPECT_L2;
    add(data, region->role, own ? region->snapshot : QCOW2_WALK_ACTIVE, region->host, region->bytes);
    return 0;
}

static int on_table(void *data, const struct qcow2_walk_table *table)
{
    struct hostmap *map = data;
    const struct qcow2 *qcow2 = map->node->opaque;
    struct qcow2_walk_use use;
    for (unsigned i = 0; i < 1U << qcow2->l2_bits; i++)
        if (qcow2_walk_entry(qcow2, table, i, &use))
            add(map, use.role, table->snapshot, use.host, use.bytes);
    return 0;
}

static void add_blocks(struct hostmap *map)
{
    const struct qcow2 *qcow2 = map->node->opaque;
    for (uint64_t i = 0; i < map->refcounts.count; i++)
        if (map->refcounts.table[i] & QCOW2_REFCOUNT_TABLE_OFFSET)
            add(map, INSPECT_REFCOUNT_BLOCK, QCOW2_WALK_ACTIVE, map->refcounts.table[i] & QCOW2_REFCOUNT_TABLE_OFFSET, qcow2->cluster_size);
}

static bool is_alike(const struct inspect_host_run *a, const struct inspect_host_run *b)
{
    return a->roles == b->roles && a->snapshot == b->snapshot && a->active == b->active && a->references == b->references &&
           a->refcount == b->refcount && a->refcount_known == b->refcount_known;
}

static int emit(struct hostmap *map, const struct inspect_host_run *run)
{
    int ret = 0;
    if (map->held.bytes && is_alike(&map->held, run)) {
        map->held.bytes += run->bytes;
        return 0;
    }
    if (map->held.bytes)
        ret = map->fn(map->data, &map->held);
    map->held = *run;
    return ret;
}

static int emit_cluster_co(struct hostmap *map, uint64_t cluster)
{
    const struct qcow2 *qcow2 = map->node->opaque;
    uint64_t i = cluster - map->tally.first;
    struct inspect_host_run run = {
        .start = (int64_t)(cluster << qcow2->cluster_bits),
        .bytes = qcow2->cluster_size,
        .roles = map->tally.roles[i] & ~(unsigned)(QCOW2_TALLY_ACTIVE | QCOW2_TALLY_SNAPSHOT),
        .snapshot = map->tally.roles[i] & QCOW2_TALLY_SNAPSHOT,
        .active = map->tally.roles[i] & QCOW2_TALLY_ACTIVE,
        .references = qcow2_tally_get(&map->tally, cluster),
        .refcount = map->actual[i],
        .refcount_known = map->actual[i] != QCOW2_REFCOUNT_UNKNOWN,
    };
    if (map->actual[i] == QCOW2_REFCOUNT_MANY)
        run.refcount_known = qcow2_refcounts_get_co(map->node, &map->refcounts, cluster, &run.refcount) == 0;
    run.refcount = run.refcount_known ? run.refcount : 0;
    run.bytes = MIN(run.bytes, map->size - run.start);
    return emit(map, &run);
}

/* How many clusters from the i-th of the window on nothing names or counts. */
static uint64_t count_free(const struct hostmap *map, uint64_t i)
{
    enum { STEP = 8 };
    static const uint16_t nothing[STEP];
    const struct qcow2_tally *tally = &map->tally;
    uint64_t first = i;
    while (i + STEP <= tally->count && !memcmp(map->actual + i, nothing, STEP) && !memcmp(tally->references + i, nothing, STEP) &&
           !memcmp(tally->roles + i, nothing, sizeof(nothing)))
        i += STEP;
    while (i < tally->count && !map->actual[i] && !tally->references[i] && !tally->roles[i])
        i++;
    return i - first;
}

/* A file may be large and sparse: what is free goes by in one piece. */
static int emit_free(struct hostmap *map, uint64_t i, uint64_t clusters)
{
    const struct qcow2 *qcow2 = map->node->opaque;
    int64_t start = (int64_t)((map->tally.first + i) << qcow2->cluster_bits);
    struct inspect_host_run run = {
        .start = start,
        .bytes = MIN((int64_t)(clusters << qcow2->cluster_bits), map->size - start),
        .refcount_known = true,
    };
    return emit(map, &run);
}

static int map_window_co(struct hostmap *map)
{
    static const struct qcow2_walk_ops ops = {.region = on_region, .table = on_table};
    int ret = qcow2_refcounts_load_co(map->node, &map->refcounts, map->tally.first, map->tally.count, map->actual);
    if (ret == 0)
        ret = qcow2_walk_co(map->node, &ops, map);
    if (ret != 0)
        return ret;
    add_blocks(map);
    for (uint64_t i = 0; ret == 0 && i < map->tally.count;) {
        uint64_t clusters = count_free(map, i);
        ret = clusters ? emit_free(map, i, clusters) : emit_cluster_co(map, map->tally.first + i);
        i += clusters ? clusters : 1;
        co_relax_co();
    }
    return ret;
}

int qcow2_hostmap_window_co(struct node *node, uint64_t window, inspect_host_fn *fn, void *data)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct hostmap map = {.node = node, .size = node->file->size, .fn = fn, .data = data};
    int ret = qcow2_refcounts_open_co(node, &map.refcounts);
    if (ret < 0)
        return ret;
    ret = qcow2_tally_init(&map.tally, qcow2->cluster_bits, map.size, true, window);
    if (ret < 0) {
        qcow2_refcounts_clear(&map.refcounts);
        return ret;
    }
    map.actual = g_try_malloc(map.tally.count);
    ret = map.actual ? 0 : -ENOMEM;
    while (ret == 0) {
        ret = map_window_co(&map);
        if (ret == 0 && !qcow2_tally_next(&map.tally))
            break;
    }
    if (ret == 0 && map.held.bytes)
        ret = fn(data, &map.held);
    g_free(map.actual);
    qcow2_tally_done(&map.tally);
    qcow2_refcounts_clear(&map.refcounts);
    return ret;
}

int qcow2_hostmap_co(struct node *node, inspect_host_fn *fn, void *data)
{
    int ret = qcow2_writer_settle_co(node);
    return ret < 0 ? ret : qcow2_hostmap_window_co(node, 0, fn, data);
}
