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
    case QCOW2_ROLE_INACTIVE_L2:
        return "inactive L2 table";
    default:
        return "bitmap directory";
    }
}

/* The cluster's number: an image may have millions of tables, and each takes the hash table's own bytes only. */
static void *key_of(const struct qcow2 *qcow2, int64_t offset)
{
    return GSIZE_TO_POINTER((size_t)offset >> qcow2->cluster_bits);
}

static unsigned roles_at(const struct qcow2 *qcow2, int64_t offset)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(qcow2->writer->roles, key_of(qcow2, offset)));
}

void qcow2_overlap_add(struct node *node, enum qcow2_role role, int64_t offset)
{
    struct qcow2 *qcow2 = node->opaque;
    g_hash_table_insert(qcow2->writer->roles, key_of(qcow2, offset), GUINT_TO_POINTER(roles_at(qcow2, offset) | role));
}

/* What a snapshot has is still there. */
void qcow2_overlap_remove(struct node *node, int64_t offset)
{
    struct qcow2 *qcow2 = node->opaque;
    unsigned kept = roles_at(qcow2, offset) & QCOW2_ROLE_INACTIVE_L2;
    if (kept)
        g_hash_table_insert(qcow2->writer->roles, key_of(qcow2, offset), GUINT_TO_POINTER(kept));
    else
        g_hash_table_remove(qcow2->writer->roles, key_of(qcow2, offset));
}

/* A table that can't be read guards nothing: nobody can reach what it names, either. */
static void add_snapshot_co(struct node *node, const struct qcow2_snapshot *snapshot)
{
    if (snapshot->l1_size > QCOW2_L1_MAX / 8 || snapshot->l1_offset < 0)
        return;
    g_autofree uint64_t *l1 = g_new(uint64_t, snapshot->l1_size);
    if (node_pread_co(node->file, snapshot->l1_offset, snapshot->l1_size * INT64_C(8), l1) < 0)
        return;
    for (uint32_t i = 0; i < snapshot->l1_size; i++) {
        uint64_t table = qcow2_be64(&l1[i]) & QCOW2_ENTRY_OFFSET;
        if (table)
            qcow2_overlap_add(node, QCOW2_ROLE_INACTIVE_L2, table);
        co_relax_co();
    }
}

void qcow2_overlap_open_co(struct node *node)
{
    struct qcow2 *qcow2 = node->opaque;
    struct qcow2_writer *writer = qcow2->writer;
    g_clear_pointer(&writer->roles, g_hash_table_unref);
    writer->roles = g_hash_table_new(g_direct_hash, g_direct_equal);
    for (uint32_t i = 0; i < qcow2->l1_count; i++) {
        if (qcow2->l1[i] & QCOW2_ENTRY_OFFSET)
            qcow2_overlap_add(node, QCOW2_ROLE_ACTIVE_L2, qcow2->l1[i] & QCOW2_ENTRY_OFFSET);
    }
    for (uint32_t i = 0; i < writer->table_count; i++) {
        if (writer->table[i] & QCOW2_REFCOUNT_TABLE_OFFSET)
            qcow2_overlap_add(node, QCOW2_ROLE_REFCOUNT_BLOCK, writer->table[i] & QCOW2_REFCOUNT_TABLE_OFFSET);
    }
    for (unsigned i = 0; (writer->settings.overlap & QCOW2_ROLE_INACTIVE_L2) && i < qcow2->snapshots->len; i++)
        add_snapshot_co(node, qcow2->snapshots->pdata[i]);
}

static bool hits(int64_t offset, int64_t bytes, uint64_t table, uint64_t table_bytes)
{
    return table_bytes > 0 && (uint64_t)offset < table + table_bytes && table < (uint64_t)offset + bytes;
}

static bool hits_snapshot(const struct qcow2 *qcow2, int64_t offset, int64_t bytes)
{
    for (unsigned i = 0; i < qcow2->snapshots->len; i++) {
        const struct qcow2_snapshot *snapshot = qcow2->snapshots->pdata[i];
        if (hits(offset, bytes, snapshot->l1_offset, snapshot->l1_size * UINT64_C(8)))
            return true;
    }
    return false;
}

/* Roles of tables that lie in one piece. */
static unsigned find_tables(const struct qcow2 *qcow2, int64_t offset, int64_t bytes)
{
    const struct qcow2_header *header = &qcow2->header;
    unsigned roles = offset < qcow2->cluster_size ? QCOW2_ROLE_HEADER : 0;
    if (hits(offset, bytes, qcow2->l1_offset, qcow2->l1_size * UINT64_C(8)))
        roles |= QCOW2_ROLE_ACTIVE_L1;
    if (hits(offset, bytes, header->refcount_table_offset, (uint64_t)header->refcount_table_clusters << qcow2->cluster_bits))
        roles |= QCOW2_ROLE_REFCOUNT_TABLE;
    if (hits(offset, bytes, header->snapshots_offset, qcow2->snapshot_table_bytes))
        roles |= QCOW2_ROLE_SNAPSHOT_TABLE;
    if (header->has_bitmaps && hits(offset, bytes, header->bitmaps.directory_offset, header->bitmaps.directory_size))
        roles |= QCOW2_ROLE_BITMAP_DIRECTORY;
    return roles | (hits_snapshot(qcow2, offset, bytes) ? QCOW2_ROLE_INACTIVE_L1 : 0);
}

static unsigned find_clusters(const struct qcow2 *qcow2, int64_t offset, int64_t bytes)
{
    unsigned roles = 0;
    for (int64_t at = offset & -qcow2->cluster_size; at < offset + bytes; at += qcow2->cluster_size)
        roles |= roles_at(qcow2, at);
    return roles;
}

int qcow2_overlap_check(struct node *node, unsigned ignored, int64_t offset, int64_t bytes)
{
    const struct qcow2 *qcow2 = node->opaque;
    if (node->dead)
        return -EIO;
    unsigned checked = qcow2->writer->settings.overlap & ~ignored;
    unsigned found = (find_tables(qcow2, offset, bytes) | find_clusters(qcow2, offset, bytes)) & checked;
    if (!found)
        return 0;
    return qcow2_writer_corrupt(node, "Preventing invalid write on metadata (overlaps with %s)", role_name(found & -found));
}
