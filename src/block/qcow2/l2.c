/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/qcow2/l2.h"

#include <errno.h>
#include <inttypes.h>

#include "block/qcow2/cache.h"
#include "block/qcow2/writer.h"

/* ---- one unit ---- */

/* What one entry, or one subcluster of it, says. */
struct unit {
    enum qcow2_kind kind;
    uint64_t host; /* of its first byte; DATA, ZERO_ALLOCATED, reserved */
    bool reserved; /* a subcluster that is UNALLOCATED in a cluster that has a place */
};

static bool is_host_valid(const struct qcow2 *qcow2, uint64_t host, int64_t guest)
{
    if (qcow2->data_file)
        return host == (uint64_t)guest;
    return host % qcow2->cluster_size == 0;
}

/* guest: offset of the cluster. */
static struct unit cluster_unit(const struct qcow2 *qcow2, uint64_t entry, int64_t guest)
{
    uint64_t host = entry & QCOW2_ENTRY_OFFSET;
    struct unit unit = {QCOW2_INVALID, host, false};
    if (entry & QCOW2_ENTRY_COMPRESSED) {
        unit.kind = qcow2->data_file ? QCOW2_INVALID : QCOW2_COMPRESSED;
        return unit;
    }
    /* With an external file, offset 0 is a place like any other, and the flag tells it from none. */
    bool has_host = host != 0 || (qcow2->data_file && (entry & QCOW2_ENTRY_COPIED));
    if (has_host && !is_host_valid(qcow2, host, guest))
        return unit;
    if (entry & QCOW2_ENTRY_ZERO) {
        if (qcow2->header.version >= 3)
            unit.kind = has_host ? QCOW2_ZERO_ALLOCATED : QCOW2_ZERO_PLAIN;
        return unit;
    }
    unit.kind = has_host ? QCOW2_DATA : QCOW2_UNALLOCATED;
    return unit;
}

/* The same of a subcluster of an extended entry. */
static struct unit subcluster_unit(const struct qcow2 *qcow2, const uint64_t *words, int64_t guest, unsigned sub)
{
    uint64_t entry = qcow2_be64(&words[0]), bitmap = qcow2_be64(&words[1]);
    uint32_t allocated = bitmap, zeroes = bitmap >> QCOW2_SUBCLUSTERS;
    struct unit unit = cluster_unit(qcow2, entry & ~QCOW2_ENTRY_ZERO, guest);
    if (unit.kind == QCOW2_COMPRESSED || unit.kind == QCOW2_INVALID)
        return unit;
    bool has_host = unit.kind == QCOW2_DATA;
    unit.host += (uint64_t)sub << qcow2->unit_bits;
    if ((allocated & zeroes) || (allocated && !has_host))
        unit.kind = QCOW2_INVALID;
    else if (zeroes >> sub & 1)
        unit.kind = has_host ? QCOW2_ZERO_ALLOCATED : QCOW2_ZERO_PLAIN;
    else
        unit.kind = allocated >> sub & 1 ? QCOW2_DATA : QCOW2_UNALLOCATED;
    unit.reserved = has_host && unit.kind == QCOW2_UNALLOCATED;
    return unit;
}

/* "Compressed Clusters Descriptor": the bits of the offset; those of the number of further sectors come above them. */
static unsigned compressed_offset_bits(const struct qcow2 *qcow2)
{
    return 62 - (qcow2->cluster_bits - 8);
}

void qcow2_l2_compressed(const struct qcow2 *qcow2, uint64_t entry, int64_t *ret_host, uint32_t *ret_stored)
{
    unsigned offset_bits = compressed_offset_bits(qcow2);
    uint64_t host = entry & ((UINT64_C(1) << offset_bits) - 1);
    uint64_t sectors = (entry & (QCOW2_ENTRY_COMPRESSED - 1)) >> offset_bits;
    *ret_host = host;
    *ret_stored = (sectors + 1) * QCOW2_COMPRESSED_SECTOR - host % QCOW2_COMPRESSED_SECTOR;
}

uint64_t qcow2_l2_compressed_entry(const struct qcow2 *qcow2, int64_t host, int64_t stored)
{
    uint64_t sectors = (host + stored - 1) / QCOW2_COMPRESSED_SECTOR - host / QCOW2_COMPRESSED_SECTOR;
    return QCOW2_ENTRY_COMPRESSED | sectors << compressed_offset_bits(qcow2) | (uint64_t)host;
}

int64_t qcow2_l2_compressed_end(const struct qcow2 *qcow2)
{
    return MIN(INT64_C(1) << compressed_offset_bits(qcow2), (int64_t)QCOW2_ENTRY_OFFSET);
}

/* ---- runs ---- */

/* index is that of a unit, counted from the first entry's first one. */
static struct unit unit_at(const struct qcow2 *qcow2, const struct qcow2_entries *entries, int64_t guest_base, uint64_t index)
{
    if (!qcow2->extended)
        return cluster_unit(qcow2, qcow2_be64(&entries->words[index]), guest_base + (int64_t)(index << qcow2->cluster_bits));
    uint64_t i = index / QCOW2_SUBCLUSTERS;
    return subcluster_unit(qcow2, &entries->words[2 * i], guest_base + (int64_t)(i << qcow2->cluster_bits), index % QCOW2_SUBCLUSTERS);
}

static void set_compressed(const struct qcow2 *qcow2, const struct qcow2_entries *entries, uint64_t cluster, int64_t in_cluster,
                           int64_t bytes, struct qcow2_run *run)
{
    uint64_t entry = qcow2_be64(&entries->words[cluster * qcow2->entry_words]);
    run->bytes = MIN(bytes, qcow2->cluster_size - in_cluster);
    qcow2_l2_compressed(qcow2, entry, &run->host, &run->stored);
}

/* How many of count standard entries go on as the first one begins: of its kind, and with hosts one after the other. */
static uint64_t same_clusters(const struct qcow2 *qcow2, const uint64_t *words, uint64_t count, bool has_host)
{
    uint64_t mask = QCOW2_ENTRY_OFFSET | QCOW2_ENTRY_COMPRESSED | QCOW2_ENTRY_ZERO;
    uint64_t step = has_host ? qcow2->cluster_size : 0;
    /* See cluster_unit(): without an offset the flag matters there. */
    if (qcow2->data_file && !has_host)
        mask |= QCOW2_ENTRY_COPIED;
    uint64_t expected = qcow2_be64(&words[0]) & mask;
    uint64_t n = 1;
    while (n < count && (qcow2_be64(&words[n]) & mask) == (expected += step))
        n++;
    return n;
}

void qcow2_l2_run(const struct qcow2 *qcow2, const struct qcow2_entries *entries, int64_t offset, int64_t bytes, struct qcow2_run *ret_run)
{
    unsigned bits = qcow2->unit_bits, per_cluster_bits = qcow2->cluster_bits - bits;
    uint64_t table_mask = (UINT64_C(1) << (qcow2->l2_bits + per_cluster_bits)) - 1;
    uint64_t first = (offset >> bits & table_mask) - ((uint64_t)entries->first << per_cluster_bits);
    uint64_t end = (uint64_t)entries->count << per_cluster_bits;
    int64_t in_unit = offset & ((INT64_C(1) << bits) - 1);
    int64_t guest_base = (offset >> bits << bits) - (int64_t)(first << bits);
    struct unit unit = unit_at(qcow2, entries, guest_base, first);

    *ret_run = (struct qcow2_run){.kind = unit.kind, .host = unit.host + in_unit, .reserved = unit.reserved};
    if (unit.kind == QCOW2_COMPRESSED) {
        set_compressed(qcow2, entries, first >> per_cluster_bits, offset & (qcow2->cluster_size - 1), bytes, ret_run);
        return;
    }
    bool has_host = unit.kind == QCOW2_DATA || unit.kind == QCOW2_ZERO_ALLOCATED || unit.reserved;
    int64_t length = (INT64_C(1) << bits) - in_unit;
    if (!qcow2->extended && unit.kind != QCOW2_INVALID) {
        uint64_t most = ((uint64_t)(bytes - 1 + in_unit) >> bits) + 1;
        uint64_t units = same_clusters(qcow2, &entries->words[first], MIN(end - first, most), has_host);
        ret_run->bytes = MIN(length + (int64_t)((units - 1) << bits), bytes);
        return;
    }
    for (uint64_t i = first + 1; i < end && length < bytes && unit.kind != QCOW2_INVALID; i++) {
        struct unit next = unit_at(qcow2, entries, guest_base, i);
        if (next.kind != unit.kind || next.reserved != unit.reserved || (has_host && next.host != unit.host + ((i - first) << bits)))
            break;
        length += INT64_C(1) << bits;
    }
    ret_run->bytes = MIN(length, bytes);
}

/* ---- what is wrong ---- */

/* Tells of corruption found in a table, the first time; a writable image is marked as corrupt.  -EIO. */
static int corrupt(struct node *node, const char *format, ...) G_GNUC_PRINTF(2, 3);

static int corrupt(struct node *node, const char *format, ...)
{
    struct qcow2 *qcow2 = node->opaque;
    if (qcow2->corruption_said)
        return -EIO;
    qcow2->corruption_said = true;
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    if (qcow2->writer)
        return qcow2_writer_corrupt(node, "%s", text);
    node_warn(node, "qcow2: Image is corrupt: %s; further non-fatal corruption events will be suppressed", text);
    return -EIO;
}

int qcow2_l2_invalid(struct node *node, const struct qcow2_entries *entries, int64_t table, int64_t offset)
{
    const struct qcow2 *qcow2 = node->opaque;
    unsigned index = offset >> qcow2->cluster_bits & ((1U << qcow2->l2_bits) - 1);
    uint64_t entry = qcow2_be64(&entries->words[(uint64_t)(index - entries->first) * qcow2->entry_words]);
    int64_t guest = offset & ~(qcow2->cluster_size - 1);
    uint64_t host = entry & QCOW2_ENTRY_OFFSET;
    bool has_host = host != 0 || (qcow2->data_file && (entry & QCOW2_ENTRY_COPIED));

    if (entry & QCOW2_ENTRY_COMPRESSED)
        return corrupt(node,
                       "Compressed cluster entry found in image with external data file (L2 offset: %#" PRIx64 ", L2 index: %#x)",
                       table, index);
    if ((entry & QCOW2_ENTRY_ZERO) && !qcow2->extended && qcow2->header.version < 3)
        return corrupt(node, "Zero cluster entry found in pre-v3 image (L2 offset: %#" PRIx64 ", L2 index: %#x)", table, index);
    if (has_host && qcow2->data_file && host != (uint64_t)guest)
        return corrupt(node,
                       "External data file host cluster offset %#" PRIx64 " does not match guest cluster offset: %#" PRIx64
                       ", L2 index: %#x)",
                       host, guest, index);
    if (has_host && !qcow2->data_file && host % qcow2->cluster_size)
        return corrupt(node, "Cluster allocation offset %#" PRIx64 " unaligned (L2 offset: %#" PRIx64 ", L2 index: %#x)", host,
                       table, index);
    return corrupt(node, "Invalid cluster entry found  (L2 offset: %#" PRIx64 ", L2 index: %#x)", table, index);
}

/* ---- finding ---- */

uint64_t qcow2_l2_l1_entry(const struct qcow2 *qcow2, uint64_t index)
{
    return index < qcow2->l1_count ? qcow2->l1[index] : 0;
}

int64_t qcow2_l2_table(struct node *node, uint64_t l1_index)
{
    const struct qcow2 *qcow2 = node->opaque;
    uint64_t table = qcow2_l2_l1_entry(qcow2, l1_index) & QCOW2_ENTRY_OFFSET;
    if (table % qcow2->cluster_size)
        return corrupt(node, "L2 table offset %#" PRIx64 " unaligned (L1 index: %#" PRIx64 ")", table, l1_index);
    return table;
}

int qcow2_l2_find_co(struct node *node, int64_t offset, int64_t bytes, struct qcow2_run *ret_run)
{
    struct qcow2 *qcow2 = node->opaque;
    unsigned table_bits = qcow2->cluster_bits + qcow2->l2_bits;
    int64_t table = qcow2_l2_table(node, offset >> table_bits);
    if (table < 0)
        return table;
    if (table == 0) {
        int64_t left = (INT64_C(1) << table_bits) - (offset & ((INT64_C(1) << table_bits) - 1));
        *ret_run = (struct qcow2_run){.kind = QCOW2_UNALLOCATED, .bytes = MIN(left, bytes)};
        return 0;
    }
    size_t piece = qcow2_cache_piece(qcow2->l2_cache);
    unsigned piece_entries = piece / (8 * qcow2->entry_words);
    unsigned index = offset >> qcow2->cluster_bits & ((1U << qcow2->l2_bits) - 1);
    struct qcow2_entries entries = {.first = index - index % piece_entries, .count = piece_entries};
    int ret = qcow2_cache_get_co(qcow2->l2_cache, table + (int64_t)entries.first * 8 * qcow2->entry_words, &entries.words);
    if (ret < 0)
        return ret;
    qcow2_l2_run(qcow2, &entries, offset, bytes, ret_run);
    if (ret_run->kind == QCOW2_INVALID)
        ret = qcow2_l2_invalid(node, &entries, table, offset);
    qcow2_cache_put(qcow2->l2_cache, entries.words);
    return ret;
}
