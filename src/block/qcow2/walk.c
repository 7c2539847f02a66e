/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/qcow2/walk.h"

#include <errno.h>
#include <inttypes.h>

#include "block/qcow2/l2.h"
#include "block/qcow2/tables.h"

/* Bits that no entry may have set. */
#define L1_RESERVED     UINT64_C(0x7f000000000001ff)
#define BITMAP_RESERVED UINT64_C(0xff000000000001fe)

enum { CHUNK = 8192 }; /* entries of a table read at once */

struct walk {
    struct node *node;
    const struct qcow2_walk_ops *ops;
    void *data;
    struct qcow2_tables tables;
    uint64_t *chunk; /* CHUNK entries */
};

static int tell_region(const struct walk *walk, const struct qcow2_walk_region *region)
{
    return walk->ops->region ? walk->ops->region(walk->data, region) : 0;
}

static int tell_problem(const struct walk *walk, int64_t host, const char *format, ...) G_GNUC_PRINTF(3, 4);

static int tell_problem(const struct walk *walk, int64_t host, const char *format, ...)
{
    if (!walk->ops->problem)
        return 0;
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    return walk->ops->problem(walk->data, host, text);
}

/* ---- L1 and L2 tables ---- */

struct l1 {
    int snapshot;
    int64_t offset;
    uint64_t size;
};

/* next: L1 entries behind the one that names the table, count of them. */
static int walk_l2_co(struct walk *walk, const struct qcow2_walk_table *at, const uint64_t *next, uint64_t count)
{
    if (!walk->ops->table)
        return 0;
    /* Tables past the end of the file are zeroes, which name nothing. */
    if (at->host >= walk->node->file->size)
        return 0;
    struct qcow2_walk_table table = *at;
    int ret = qcow2_tables_get_co(&walk->tables, at->host, next, count, &table.words);
    if (ret < 0)
        return ret;
    return walk->ops->table(walk->data, &table);
}

/* entries[0] is the one at index, with others behind it. */
static int walk_l1_entry_co(struct walk *walk, const struct l1 *l1, uint64_t index, const uint64_t *entries, uint64_t count)
{
    const struct qcow2 *qcow2 = walk->node->opaque;
    uint64_t entry = entries[0];
    struct qcow2_walk_region region = {
        .role = INSPECT_L2,
        .host = entry & QCOW2_ENTRY_OFFSET,
        .bytes = qcow2->cluster_size,
        .snapshot = l1->snapshot,
        .index = index,
        .entry = entry,
        .entry_host = l1->offset + (int64_t)index * 8,
    };
    int ret = 0;
    if (entry & L1_RESERVED)
        ret = tell_problem(walk, region.entry_host, "ERROR found L1 entry with reserved bits set: %" PRIx64, entry);
    if (ret == 0)
        ret = tell_region(walk, &region);
    if (ret == 0 && region.host % qcow2->cluster_size)
        ret = tell_problem(walk, region.entry_host, "ERROR l2_offset=%" PRIx64 ": Table is not cluster aligned; L1 entry corrupted",
                           (uint64_t)region.host);
    struct qcow2_walk_table table = {.snapshot = l1->snapshot, .l1_index = index, .host = region.host};
    return ret ? ret : walk_l2_co(walk, &table, entries + 1, count - 1);
}

/* Entries of a table in the file, CHUNK of them at most; those past the end of the file are left out. */
static int read_entries_co(const struct walk *walk, int64_t offset, uint64_t index, uint64_t size, uint64_t *ret_count)
{
    int64_t start = offset + (int64_t)index * 8;
    uint64_t there = (CLAMP(walk->node->file->size - start, 0, CHUNK * 8) + 7) / 8;
    *ret_count = MIN(there, size - index);
    return *ret_count ? node_pread_co(walk->node->file, start, *ret_count * 8, walk->chunk) : 0;
}

static int walk_l1_co(struct walk *walk, const struct l1 *l1)
{
    struct qcow2_walk_region region = {
        .role = INSPECT_L1, .host = l1->offset, .bytes = l1->size * 8, .snapshot = l1->snapshot, .entry_host = -1};
    int ret = l1->size ? tell_region(walk, &region) : 0;
    uint64_t count;
    for (uint64_t index = 0; ret == 0 && index < l1->size; index += count) {
        ret = read_entries_co(walk, l1->offset, index, l1->size, &count);
        if (ret < 0 || count == 0)
            break;
        for (uint64_t i = 0; i < count; i++)
            walk->chunk[i] = qcow2_be64(&walk->chunk[i]);
        for (uint64_t i = 0; ret == 0 && i < count; i++) {
            if (walk->chunk[i] == 0)
                continue;
            ret = walk_l1_entry_co(walk, l1, index + i, walk->chunk + i, count - i);
            if (ret == 0 && co_cancelled())
                ret = -ECANCELED;
            co_relax_co();
        }
    }
    return ret;
}

/* ---- snapshots ---- */

static int walk_snapshot_co(struct walk *walk, int i)
{
    const struct qcow2 *qcow2 = walk->node->opaque;
    const struct qcow2_snapshot *snapshot = qcow2->snapshots->pdata[i];
    struct l1 l1 = {i, snapshot->l1_offset, snapshot->l1_size};
    if (snapshot->l1_offset < 0 || snapshot->l1_offset % qcow2->cluster_size)
        return tell_problem(walk, -1,
                            "ERROR snapshot %s (%s) l1_offset=%#" PRIx64 ": L1 table is not cluster aligned; snapshot table entry corrupted",
                            snapshot->id, snapshot->name, (uint64_t)snapshot->l1_offset);
    if (snapshot->l1_size > QCOW2_L1_MAX / 8 || snapshot->l1_offset > INT64_MAX - QCOW2_L1_MAX)
        return tell_problem(walk, -1, "ERROR snapshot %s (%s) l1_size=%#" PRIx32 ": L1 table is too large; snapshot table entry corrupted",
                            snapshot->id, snapshot->name, snapshot->l1_size);
    return walk_l1_co(walk, &l1);
}

static int walk_snapshots_co(struct walk *walk)
{
    const struct qcow2 *qcow2 = walk->node->opaque;
    int ret = 0;
    for (unsigned i = 0; ret == 0 && qcow2->header.version >= 3 && i < qcow2->snapshots->len; i++)
        if (((struct qcow2_snapshot *)qcow2->snapshots->pdata[i])->extra_size < 16)
            ret = tell_problem(walk, qcow2->header.snapshots_offset, "ERROR snapshot table entry %u is incomplete", i);
    for (unsigned i = 0; ret == 0 && i < qcow2->snapshots->len; i++)
        ret = walk_snapshot_co(walk, i);
    struct qcow2_walk_region region = {
        .role = INSPECT_SNAPSHOT_TABLE, .host = qcow2->header.snapshots_offset, .bytes = qcow2->snapshot_table_bytes, .entry_host = -1};
    return ret == 0 && region.bytes ? tell_region(walk, &region) : ret;
}

/* ---- bitmaps ---- */

static int walk_bitmap_entry(const struct walk *walk, int bitmap, uint64_t index, uint64_t entry, int64_t entry_host)
{
    const struct qcow2 *qcow2 = walk->node->opaque;
    struct qcow2_walk_region region = {
        .role = INSPECT_BITMAP_DATA,
        .host = entry & QCOW2_ENTRY_OFFSET,
        .bytes = qcow2->cluster_size,
        .bitmap = bitmap,
        .index = index,
        .entry = entry,
        .entry_host = entry_host,
    };
    if ((entry & BITMAP_RESERVED) || region.host % qcow2->cluster_size || (region.host && (entry & 1)))
        return tell_problem(walk, entry_host, "ERROR bitmap table entry %" PRIu64 " of bitmap '%s' is invalid: %" PRIx64, index,
                            ((struct qcow2_bitmap *)qcow2->bitmaps->pdata[bitmap])->name, entry);
    return region.host ? tell_region(walk, &region) : 0;
}

static int walk_bitmap_co(const struct walk *walk, int number)
{
    const struct qcow2 *qcow2 = walk->node->opaque;
    const struct qcow2_bitmap *bitmap = qcow2->bitmaps->pdata[number];
    struct qcow2_walk_region region = {
        .role = INSPECT_BITMAP_TABLE,
        .host = bitmap->table_offset,
        .bytes = (int64_t)bitmap->table_size * 8,
        .bitmap = number,
        .entry_host = -1,
    };
    int ret = tell_region(walk, &region);
    uint64_t count;
    for (uint64_t index = 0; ret == 0 && index < bitmap->table_size; index += count) {
        ret = read_entries_co(walk, bitmap->table_offset, index, bitmap->table_size, &count);
        if (ret < 0 || count == 0)
            break;
        for (uint64_t i = 0; ret == 0 && i < count; i++)
            ret = walk_bitmap_entry(walk, number, index + i, qcow2_be64(&walk->chunk[i]), region.host + (int64_t)(index + i) * 8);
        co_relax_co();
    }
    return ret;
}

static int walk_bitmaps_co(const struct walk *walk)
{
    const struct qcow2 *qcow2 = walk->node->opaque;
    const struct qcow2_header *header = &qcow2->header;
    struct qcow2_walk_region region = {
        .role = INSPECT_BITMAP_DIRECTORY,
        .host = header->bitmaps.directory_offset,
        .bytes = header->bitmaps.directory_size,
        .entry_host = -1,
    };
    int ret = header->has_bitmaps ? tell_region(walk, &region) : 0;
    for (unsigned i = 0; ret == 0 && i < qcow2->bitmaps->len; i++)
        ret = walk_bitmap_co(walk, i);
    return ret;
}

/* ---- all ---- */

static int walk_header(const struct walk *walk)
{
    const struct qcow2 *qcow2 = walk->node->opaque;
    const struct qcow2_header *header = &qcow2->header;
    struct qcow2_walk_region regions[] = {
        {.role = INSPECT_HEADER, .host = 0, .bytes = qcow2->cluster_size, .entry_host = -1},
        {.role = INSPECT_CRYPTO, .host = header->crypto.offset, .bytes = MIN(header->crypto.length, INT64_MAX / 2), .entry_host = -1},
        {.role = INSPECT_REFCOUNT_TABLE,
         .host = header->refcount_table_offset,
         .bytes = (int64_t)header->refcount_table_clusters << header->cluster_bits,
         .entry_host = -1},
    };
    int ret = 0;
    for (unsigned i = 0; ret == 0 && i < G_N_ELEMENTS(regions); i++)
        if (regions[i].bytes && (regions[i].role != INSPECT_CRYPTO || header->has_crypto))
            ret = tell_region(walk, &regions[i]);
    return ret;
}

int qcow2_walk_co(struct node *node, const struct qcow2_walk_ops *ops, void *data)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct walk walk = {.node = node, .ops = ops, .data = data, .chunk = g_new(uint64_t, CHUNK)};
    struct l1 active = {QCOW2_WALK_ACTIVE, qcow2->header.l1_offset, qcow2->header.l1_size};
    qcow2_tables_init(&walk.tables, node, UINT64_MAX);
    int ret = walk_header(&walk);
    if (ret == 0)
        ret = walk_l1_co(&walk, &active);
    if (ret == 0)
        ret = walk_snapshots_co(&walk);
    if (ret == 0)
        ret = walk_bitmaps_co(&walk);
    qcow2_tables_done(&walk.tables);
    g_free(walk.chunk);
    return ret;
}

bool qcow2_walk_entry(const struct qcow2 *qcow2, const struct qcow2_walk_table *table, unsigned i, struct qcow2_walk_use *ret_use)
{
    uint64_t entry = qcow2_be64(&table->words[(uint64_t)i * qcow2->entry_words]);
    if (qcow2->data_file || !(entry & (QCOW2_ENTRY_OFFSET | QCOW2_ENTRY_COMPRESSED)))
        return false;
    *ret_use = (struct qcow2_walk_use){
        .role = INSPECT_DATA,
        .host = entry & QCOW2_ENTRY_OFFSET,
        .bytes = qcow2->cluster_size,
        .entry = entry,
        .entry_host = table->host + (int64_t)i * 8 * qcow2->entry_words,
        .guest = (int64_t)(((table->l1_index << qcow2->l2_bits) + i) << qcow2->cluster_bits),
    };
    if (entry & QCOW2_ENTRY_COMPRESSED) {
        uint32_t stored;
        ret_use->role = INSPECT_COMPRESSED;
        qcow2_l2_compressed(qcow2, entry, &ret_use->host, &stored);
        ret_use->bytes = stored;
    }
    return true;
}
