/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/qcow2/explain.h"

#include <errno.h>
#include <inttypes.h>

#include "block/qcow2/l2.h"
#include "block/qcow2/refcount.h"
#include "block/qcow2/walk.h"
#include "block/qcow2/writer.h"

/* ---- guest to host ---- */

struct explain {
    struct node *node;
    const struct qcow2 *qcow2;
    int64_t offset;
    int depth;
    inspect_step_fn *fn;
    void *data;
};

static int step(const struct explain *explain, const char *what, int64_t host, const char *format, ...) G_GNUC_PRINTF(4, 5);

static int step(const struct explain *explain, const char *what, int64_t host, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    return explain->fn(explain->data, &(struct inspect_step){explain->depth, explain->node->filename, what, text, host});
}

static int explain_refcount_co(const struct explain *explain, int64_t host)
{
    struct qcow2_refcounts refcounts;
    uint64_t refcount = 0, cluster = (uint64_t)host >> explain->qcow2->cluster_bits;
    int ret = qcow2_refcounts_open_co(explain->node, &refcounts);
    if (ret < 0)
        return ret;
    int got = qcow2_refcounts_get_co(explain->node, &refcounts, cluster, &refcount);
    qcow2_refcounts_clear(&refcounts);
    if (got < 0)
        return step(explain, "refcount", -1, "of cluster %#" PRIx64 ": can't be read (%s)", cluster, g_strerror(-got));
    return step(explain, "refcount", -1, "of cluster %#" PRIx64 ": %" PRIu64, cluster, refcount);
}

static int explain_subcluster(const struct explain *explain, uint64_t bitmap, int64_t entry_host)
{
    unsigned sub = explain->offset >> explain->qcow2->unit_bits & (QCOW2_SUBCLUSTERS - 1);
    bool allocated = bitmap >> sub & 1, zero = bitmap >> (QCOW2_SUBCLUSTERS + sub) & 1;
    return step(explain, "subcluster", entry_host + 8, "%u of bitmap 0x%016" PRIx64 ": %s", sub, bitmap,
                allocated && zero ? "allocated and zero, which can't be"
                : zero            ? "reads as zeroes"
                : allocated       ? "allocated"
                                  : "not allocated");
}

static int explain_stored_co(const struct explain *explain, const struct qcow2_run *run)
{
    const struct qcow2 *qcow2 = explain->qcow2;
    int ret;
    if (run->kind == QCOW2_COMPRESSED)
        ret = step(explain, "compressed", run->host, "up to %u bytes of compressed data at %#" PRIx64, run->stored, run->host);
    else
        ret = step(explain, run->kind == QCOW2_DATA ? "data" : "zero", run->host, "%s at %#" PRIx64 "%s",
                   run->kind == QCOW2_DATA ? "bytes" : "zeroes; space is reserved", run->host,
                   qcow2->data_file ? " of the external data file" : "");
    return ret || qcow2->data_file ? ret : explain_refcount_co(explain, run->host);
}

static int explain_run_co(const struct explain *explain, const struct qcow2_run *run, struct node **ret_next, int64_t *ret_offset)
{
    const struct qcow2 *qcow2 = explain->qcow2;
    switch (run->kind) {
    case QCOW2_DATA:
    case QCOW2_ZERO_ALLOCATED:
    case QCOW2_COMPRESSED:
        return explain_stored_co(explain, run);
    case QCOW2_ZERO_PLAIN:
        return step(explain, "zero", -1, "zeroes, and no space behind them");
    case QCOW2_INVALID:
        return step(explain, "invalid", -1, "the entry can't be right; reading here fails");
    case QCOW2_UNALLOCATED:
        break;
    }
    if (qcow2->backing) {
        *ret_next = qcow2->backing;
        *ret_offset = explain->offset;
        return step(explain, "backing", -1, "not allocated here: goes on in the backing file");
    }
    if (qcow2->backing_left_out)
        return step(explain, "backing", -1, "not allocated here: the backing file has it, which was not opened");
    return step(explain, "unallocated", -1, "not allocated, and no backing file: zeroes");
}

static int explain_entry_co(const struct explain *explain, int64_t table, struct node **ret_next, int64_t *ret_offset)
{
    const struct qcow2 *qcow2 = explain->qcow2;
    unsigned index = explain->offset >> qcow2->cluster_bits & ((1U << qcow2->l2_bits) - 1);
    int64_t entry_host = table + (int64_t)index * 8 * qcow2->entry_words;
    uint64_t words[2] = {0};
    int ret = node_pread_co(explain->node->file, entry_host, 8 * qcow2->entry_words, words);
    if (ret < 0)
        return step(explain, "L2", entry_host, "can't be read: %s", g_strerror(-ret));
    struct qcow2_entries entries = {.words = words, .first = index, .count = 1};
    struct qcow2_run run;
    qcow2_l2_run(qcow2, &entries, explain->offset, 1, &run);
    uint64_t entry = qcow2_be64(&words[0]);
    ret = step(explain, "L2", entry_host, "entry %u of the table at %#" PRIx64 ": 0x%016" PRIx64 "%s", index, table, entry,
               entry & QCOW2_ENTRY_COPIED ? " (refcount is one)" : "");
    if (ret == 0 && qcow2->extended && run.kind != QCOW2_COMPRESSED)
        ret = explain_subcluster(explain, qcow2_be64(&words[1]), entry_host);
    return ret ? ret : explain_run_co(explain, &run, ret_next, ret_offset);
}

int qcow2_explain_co(struct node *node, int64_t offset, int depth, inspect_step_fn *fn, void *data, struct node **ret_next, int64_t *ret_offset)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct explain explain = {node, qcow2, offset, depth, fn, data};
    uint64_t index = offset >> (qcow2->cluster_bits + qcow2->l2_bits);
    uint64_t entry = qcow2_l2_l1_entry(qcow2, index), table = entry & QCOW2_ENTRY_OFFSET;
    struct qcow2_run none = {.kind = QCOW2_UNALLOCATED};
    *ret_next = NULL;
    int ret = qcow2_writer_settle_co(node);
    if (ret < 0)
        return ret;
    ret = step(&explain, "L1", qcow2->l1_offset + (int64_t)index * 8, "entry %" PRIu64 " of the table at %#" PRIx64 ": 0x%016" PRIx64 "%s", index,
                   qcow2->l1_offset, entry, entry & QCOW2_ENTRY_COPIED ? " (refcount is one)" : "");
    if (ret != 0)
        return ret;
    if (table == 0)
        return explain_run_co(&explain, &none, ret_next, ret_offset);
    if (table % qcow2->cluster_size)
        return step(&explain, "invalid", -1, "the L2 table can't begin at %#" PRIx64 "; reading here fails", table);
    return explain_entry_co(&explain, table, ret_next, ret_offset);
}

/* ---- host to owners ---- */

struct search {
    const struct qcow2 *qcow2;
    const int64_t *hosts; /* ascending */
    unsigned count;
    inspect_owners_fn *fn;
    void *data;
};

static uint64_t cluster_of(const struct search *search, unsigned i)
{
    return (uint64_t)search->hosts[i] >> search->qcow2->cluster_bits;
}

/* The first of those looked for that is not before this cluster; count: none. */
static unsigned first_from(const struct search *search, uint64_t cluster)
{
    unsigned low = 0, high = search->count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (cluster_of(search, middle) < cluster)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Tells of an owner to all whose clusters it names. */
static int tell_owner(const struct search *search, const struct inspect_owner *owner)
{
    unsigned bits = search->qcow2->cluster_bits;
    uint64_t last = ((uint64_t)owner->host + owner->bytes - 1) >> bits;
    int ret = 0;
    for (unsigned i = first_from(search, (uint64_t)owner->host >> bits); ret == 0 && i < search->count && cluster_of(search, i) <= last; i++)
        ret = search->fn(search->data, i, owner);
    return ret;
}

/* Most of what the tables name is not looked for. */
static bool is_wanted(const struct search *search, int64_t host, int64_t bytes)
{
    unsigned bits = search->qcow2->cluster_bits;
    uint64_t first = (uint64_t)host >> bits, last = ((uint64_t)host + bytes - 1) >> bits;
    if (bytes <= 0 || last < cluster_of(search, 0) || first > cluster_of(search, search->count - 1))
        return false;
    unsigned i = first_from(search, first);
    return i < search->count && cluster_of(search, i) <= last;
}

static void set_snapshot(const struct search *search, int snapshot, struct inspect_owner *owner)
{
    if (snapshot < 0)
        return;
    const struct qcow2_snapshot *found = search->qcow2->snapshots->pdata[snapshot];
    owner->snapshot_id = found->id;
    owner->snapshot_name = found->name;
}

static int on_region(void *data, const struct qcow2_walk_region *region)
{
    const struct search *search = data;
    const struct qcow2 *qcow2 = search->qcow2;
    if (!is_wanted(search, region->host, region->bytes))
        return 0;
    struct inspect_owner owner = {
        .role = region->role,
        .host = region->host,
        .bytes = region->bytes,
        .guest = region->role == INSPECT_L2 ? (int64_t)(region->index << (qcow2->cluster_bits + qcow2->l2_bits)) : -1,
        .entry = region->entry,
        .entry_host = region->entry_host,
    };
    if (region->role == INSPECT_L1 || region->role == INSPECT_L2)
        set_snapshot(search, region->snapshot, &owner);
    if (region->role == INSPECT_BITMAP_TABLE || region->role == INSPECT_BITMAP_DATA)
        owner.bitmap = ((struct qcow2_bitmap *)qcow2->bitmaps->pdata[region->bitmap])->name;
    return tell_owner(search, &owner);
}

static int on_table(void *data, const struct qcow2_walk_table *table)
{
    const struct search *search = data;
    int ret = 0;
    for (unsigned i = 0; ret == 0 && i < 1U << search->qcow2->l2_bits; i++) {
        struct qcow2_walk_use use;
        if (!qcow2_walk_entry(search->qcow2, table, i, &use) || !is_wanted(search, use.host, use.bytes))
            continue;
        struct inspect_owner owner = {
            .role = use.role,
            .host = use.host,
            .bytes = use.bytes,
            .guest = use.guest,
            .entry = use.entry,
            .entry_host = use.entry_host,
        };
        set_snapshot(search, table->snapshot, &owner);
        ret = tell_owner(search, &owner);
    }
    return ret;
}

static int search_blocks(struct search *search, const struct qcow2_refcounts *refcounts)
{
    const struct qcow2 *qcow2 = search->qcow2;
    int ret = 0;
    for (uint64_t i = 0; ret == 0 && i < refcounts->count; i++) {
        struct qcow2_walk_region region = {
            .role = INSPECT_REFCOUNT_BLOCK,
            .host = refcounts->table[i] & QCOW2_REFCOUNT_TABLE_OFFSET,
            .bytes = qcow2->cluster_size,
            .index = i,
            .entry = refcounts->table[i],
            .entry_host = (int64_t)(qcow2->header.refcount_table_offset + i * 8),
        };
        if (region.host)
            ret = on_region(search, &region);
    }
    return ret;
}

int qcow2_explain_owners_co(struct node *node, const int64_t *hosts, unsigned count, inspect_owners_fn *fn, void *data)
{
    static const struct qcow2_walk_ops ops = {.region = on_region, .table = on_table};
    struct search search = {node->opaque, hosts, count, fn, data};
    struct qcow2_refcounts refcounts;
    if (count == 0)
        return 0;
    int ret = qcow2_writer_settle_co(node);
    if (ret == 0)
        ret = qcow2_refcounts_open_co(node, &refcounts);
    if (ret < 0)
        return ret;
    ret = qcow2_walk_co(node, &ops, &search);
    if (ret == 0)
        ret = search_blocks(&search, &refcounts);
    qcow2_refcounts_clear(&refcounts);
    return ret;
}

struct single {
    inspect_owner_fn *fn;
    void *data;
};

static int on_owner(void *data, unsigned i, const struct inspect_owner *owner)
{
    const struct single *single = data;
    return single->fn(single->data, owner);
}

int qcow2_explain_host_co(struct node *node, int64_t host, inspect_owner_fn *fn, void *data, uint64_t *ret_refcount)
{
    struct single single = {fn, data};
    struct qcow2_refcounts refcounts;
    if (host < 0 || host >= node->file->size)
        return -EINVAL;
    int ret = qcow2_writer_settle_co(node);
    if (ret == 0)
        ret = qcow2_refcounts_open_co(node, &refcounts);
    if (ret < 0)
        return ret;
    uint64_t refcount = 0;
    qcow2_refcounts_get_co(node, &refcounts, (uint64_t)host >> ((struct qcow2 *)node->opaque)->cluster_bits, &refcount);
    qcow2_refcounts_clear(&refcounts);
    ret = qcow2_explain_owners_co(node, &host, 1, on_owner, &single);
    if (ret == 0)
        *ret_refcount = refcount;
    return ret;
}
