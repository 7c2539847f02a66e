/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What no write may hit: whatever the refcounts of an image say, its header, tables and counts are not given away as free.
 *
 * Tables that lie in one piece are few and compared one by one; L2 tables and refcount blocks are looked up by cluster.
 */
#include <errno.h>

#include "block/qcow2/writer.h"

static const char *role_name(unsigned role)
{
    switch (role) {
    case QCOW2_ROLE_HEADER:
        return "qcow2_header";
    case QCOW2_ROLE_ACTIVE_L1:
        return "active L1 table";
    case QCOW2_ROLE_ACTIVE_L2:
        return "active L2 table";
    case QCOW2_ROLE_REFCOUNT_TABLE:
        return "refcount table";
    case QCOW2_ROLE_REFCOUNT_BLOCK:
        return "refcount block";
    case QCOW2_ROLE_SNAPSHOT_TABLE:
        return "snapshot table";
    case QCOW2_ROLE_INACTIVE_L1:
        return "inactive L1 table";
    default:
        return "bitmap directory";
    }
}

/* The cluster's number: an image may have millions of tables, and each takes the hash table's own bytes only. */
static void *key_of(const struct qcow2 *qcow2, int64_t offset)
{
    return GSIZE_TO_POINTER((size_t)offset >> qcow2->cluster_bits);
}

void qcow2_overlap_add(struct node *node, enum qcow2_role role, int64_t offset)
{
    struct qcow2 *qcow2 = node->opaque;
    g_hash_table_insert(qcow2->writer->roles, key_of(qcow2, offset), GUINT_TO_POINTER(role));
}

void qcow2_overlap_remove(struct node *node, int64_t offset)
{
    struct qcow2 *qcow2 = node->opaque;
    g_hash_table_remove(qcow2->writer->roles, key_of(qcow2, offset));
}

void qcow2_overlap_open(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    writer->roles = g_hash_table_new(g_direct_hash, g_direct_equal);
    for (uint32_t i = 0; i < qcow2->l1_count; i++) {
        if (qcow2->l1[i] & QCOW2_ENTRY_OFFSET)
            qcow2_overlap_add(node, QCOW2_ROLE_ACTIVE_L2, qcow2->l1[i] & QCOW2_ENTRY_OFFSET);
    }
    for (uint32_t i = 0; i < writer->table_count; i++) {
        if (writer->table[i] & QCOW2_REFCOUNT_TABLE_OFFSET)
            qcow2_overlap_add(node, QCOW2_ROLE_REFCOUNT_BLOCK, writer->table[i] & QCOW2_REFCOUNT_TABLE_OFFSET);
    }
}

static bool hits(int64_t offset, int64_t bytes, uint64_t table, uint64_t table_bytes)
{
    return table_bytes > 0 && (uint64_t)offset < table + table_bytes && table < (uint64_t)offset + bytes;
}

static unsigned find_snapshot(const struct qcow2 *qcow2, int64_t offset, int64_t bytes)
{
    for (unsigned i = 0; i < qcow2->snapshots->len; i++) {
        const struct qcow2_snapshot *snapshot = qcow2->snapshots->pdata[i];
        if (hits(offset, bytes, snapshot->l1_offset, snapshot->l1_size * UINT64_C(8)))
            return QCOW2_ROLE_INACTIVE_L1;
    }
    return 0;
}

static unsigned find_table(const struct qcow2 *qcow2, int64_t offset, int64_t bytes)
{
    const struct qcow2_header *header = &qcow2->header;
    if (offset < qcow2->cluster_size)
        return QCOW2_ROLE_HEADER;
    if (hits(offset, bytes, qcow2->l1_offset, qcow2->l1_size * UINT64_C(8)))
        return QCOW2_ROLE_ACTIVE_L1;
    if (hits(offset, bytes, header->refcount_table_offset, (uint64_t)header->refcount_table_clusters << qcow2->cluster_bits))
        return QCOW2_ROLE_REFCOUNT_TABLE;
    if (hits(offset, bytes, header->snapshots_offset, qcow2->snapshot_table_bytes))
        return QCOW2_ROLE_SNAPSHOT_TABLE;
    if (header->has_bitmaps && hits(offset, bytes, header->bitmaps.directory_offset, header->bitmaps.directory_size))
        return QCOW2_ROLE_BITMAP_DIRECTORY;
    return find_snapshot(qcow2, offset, bytes);
}

static unsigned find_cluster(const struct qcow2 *qcow2, int64_t offset, int64_t bytes)
{
    for (int64_t at = offset & -qcow2->cluster_size; at < offset + bytes; at += qcow2->cluster_size) {
        unsigned role = GPOINTER_TO_UINT(g_hash_table_lookup(qcow2->writer->roles, key_of(qcow2, at)));
        if (role)
            return role;
    }
    return 0;
}

int qcow2_overlap_check(struct node *node, unsigned ignored, int64_t offset, int64_t bytes)
{
    const struct qcow2 *qcow2 = node->opaque;
    if (node->dead)
        return -EIO;
    unsigned role = find_table(qcow2, offset, bytes);
    if (!role || (role & ignored)) {
        unsigned other = find_cluster(qcow2, offset, bytes);
        role = other ? other : role;
    }
    if (!role || (role & ignored))
        return 0;
    return qcow2_writer_corrupt(node, "Preventing invalid write on metadata (overlaps with %s)", role_name(role));
}
