/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The whole of the metadata is walked once for each window of host clusters (tally.h).  What is wrong with an entry itself is told
 * in the first walk; what a cluster's refcount has to do with it, in that of the cluster's window, for there the refcounts are in memory.
 */
#include "block/qcow2/check.h"

#include <errno.h>
#include <inttypes.h>

#include "block/qcow2/check-internal.h"
#include "block/qcow2/counts.h"
#include "block/qcow2/l2.h"
#include "block/qcow2/walk.h"
#include "block/qcow2/writer.h"
#include "util/checked.h"

/* Bits that no standard entry may have set; bit 0 has a meaning of its own. */
#define L2_RESERVED UINT64_C(0x3f000000000001fe)

static int G_GNUC_PRINTF(5, 0) tell(struct qcow2_check *check, enum inspect_severity severity, int64_t host, bool fixed, const char *format, va_list args)
{
    if (!check->fn)
        return 0;
    g_autofree char *text = g_strdup_vprintf(format, args);
    return check->fn(check->data, &(struct inspect_problem){severity, text, host, fixed});
}

int qcow2_check_tell(struct qcow2_check *check, enum inspect_severity severity, int64_t host, const char *format, ...)
{
    check->result.corruptions += severity == INSPECT_CORRUPTION;
    check->result.leaks += severity == INSPECT_LEAK;
    check->result.check_errors += severity == INSPECT_ERROR;
    va_list args;
    va_start(args, format);
    int ret = tell(check, severity, host, false, format, args);
    va_end(args);
    return ret;
}

int qcow2_check_tell_fixed(struct qcow2_check *check, enum inspect_severity severity, int64_t host, const char *format, ...)
{
    check->result.corruptions_fixed += severity == INSPECT_CORRUPTION;
    check->result.leaks_fixed += severity == INSPECT_LEAK;
    va_list args;
    va_start(args, format);
    int ret = tell(check, severity, host, true, format, args);
    va_end(args);
    return ret;
}

/* ---- counting ---- */

static int count_range(struct qcow2_check *check, uint64_t host, uint64_t bytes)
{
    uint64_t overflow;
    enum qcow2_tally_add added = qcow2_tally_add(&check->tally, check->node->file->size, host, bytes, 0, check->refcount_max, &overflow);
    if (added == QCOW2_TALLY_OUTSIDE)
        return !check->first ? 0
                             : qcow2_check_tell(check, INSPECT_CORRUPTION, host,
                                    "ERROR: counting reference for region exceeding the end of the file by one cluster or more: offset "
                                    "0x%" PRIx64 " size 0x%" PRIx64,
                                    host, bytes);
    if (overflow == UINT64_MAX)
        return 0;
    return qcow2_check_tell(check, INSPECT_CORRUPTION, overflow << check->qcow2->cluster_bits,
                "ERROR: overflow cluster offset=0x%" PRIx64 "\n"
                "Use qemu-img amend to increase the refcount entry width or qemu-img convert to create a clean copy if the image cannot be "
                "opened for writing",
                overflow << check->qcow2->cluster_bits);
}

/* The image's refcount of a cluster in the window, or in the first walk of one past the end; false: not now, or not readable. */
bool qcow2_check_get_refcount_co(struct qcow2_check *check, uint64_t cluster, uint64_t *ret_refcount)
{
    bool here = qcow2_tally_has(&check->tally, cluster);
    if (!here && (!check->first || cluster < check->clusters))
        return false;
    if (here && check->actual[cluster - check->tally.first] == QCOW2_REFCOUNT_UNKNOWN)
        return false;
    if (here && check->actual[cluster - check->tally.first] < QCOW2_REFCOUNT_MANY) {
        *ret_refcount = check->actual[cluster - check->tally.first];
        return true;
    }
    return qcow2_refcounts_get_co(check->node, &check->refcounts, cluster, ret_refcount) == 0;
}

/* ---- what the walk finds ---- */

static int on_problem(void *data, int64_t host, const char *text)
{
    struct qcow2_check *check = data;
    return check->first ? qcow2_check_tell(check, INSPECT_CORRUPTION, host, "%s", text) : 0;
}

static int on_region(void *data, const struct qcow2_walk_region *region)
{
    struct qcow2_check *check = data;
    uint64_t refcount;
    int ret = count_range(check, region->host, region->bytes);
    if (ret != 0 || check->copied_later || region->role != INSPECT_L2 || region->snapshot != QCOW2_WALK_ACTIVE)
        return ret;
    if (!qcow2_check_get_refcount_co(check, (uint64_t)region->host >> check->qcow2->cluster_bits, &refcount))
        return 0;
    if ((refcount == 1) == !!(region->entry & QCOW2_ENTRY_COPIED))
        return 0;
    return qcow2_check_tell(check, INSPECT_CORRUPTION, region->entry_host,
                "ERROR OFLAG_COPIED L2 cluster: l1_index=%" PRIu64 " l1_entry=%" PRIx64 " refcount=%" PRIu64, region->index, region->entry,
                refcount);
}

enum { DROPPED = 1 };

/* Where an L2 entry is, while a table is gone through. */
struct place {
    const struct qcow2_walk_table *table;
    unsigned index;
    uint64_t entry, bitmap; /* bitmap: 0 without extended entries */
    uint64_t expected;      /* host offset that goes on where the last cluster ended, 0: none yet */
};

static int64_t entry_host(const struct qcow2_check *check, const struct place *place)
{
    return place->table->host + (int64_t)place->index * 8 * check->qcow2->entry_words;
}

static int check_compressed(struct qcow2_check *check, struct place *place)
{
    int64_t host;
    uint32_t stored;
    int ret = 0;
    if (check->qcow2->data_file)
        return !check->first ? 0
                             : qcow2_check_tell(check, INSPECT_CORRUPTION, entry_host(check, place),
                                    "ERROR compressed cluster %u with data file, entry=0x%" PRIx64, place->index, place->entry);
    if (place->bitmap)
        return !check->first ? 0
                             : qcow2_check_tell(check, INSPECT_CORRUPTION, entry_host(check, place),
                                    "ERROR compressed cluster %u with non-zero subcluster allocation bitmap, entry=0x%" PRIx64, place->index,
                                    place->entry);
    qcow2_l2_compressed(check->qcow2, place->entry, &host, &stored);
    if (check->first && (place->entry & QCOW2_ENTRY_COPIED))
        ret = qcow2_check_tell(check, INSPECT_CORRUPTION, entry_host(check, place),
                   "ERROR: coffset=0x%" PRIx64 ": copied flag must never be set for compressed clusters", host);
    if (check->first && place->table->snapshot == QCOW2_WALK_ACTIVE) {
        check->result.allocated_clusters++;
        check->result.compressed_clusters++;
        check->result.fragmented_clusters++;
    }
    return ret ? ret : count_range(check, host, stored);
}

static int check_copied(struct qcow2_check *check, const struct place *place, uint64_t host)
{
    uint64_t refcount = 1;
    if (check->copied_later || place->table->snapshot != QCOW2_WALK_ACTIVE)
        return 0;
    if (check->qcow2->data_file ? !check->first : !qcow2_check_get_refcount_co(check, host >> check->qcow2->cluster_bits, &refcount))
        return 0;
    if ((refcount == 1) == !!(place->entry & QCOW2_ENTRY_COPIED))
        return 0;
    return qcow2_check_tell(check, INSPECT_CORRUPTION, entry_host(check, place), "ERROR OFLAG_COPIED data cluster: l2_entry=%" PRIx64 " refcount=%" PRIu64,
                place->entry, refcount);
}

/* The cluster reads as zeroes, wherever its place is: it loses that.  1: the entry names nothing any more. */
static int drop_host_co(struct qcow2_check *check, const struct place *place, uint64_t host)
{
    uint64_t entry = check->qcow2->extended ? 0 : QCOW2_ENTRY_ZERO, word = qcow2_be64(&entry);
    int ret = node_pwrite_co(check->node->file, entry_host(check, place), sizeof(word), &word, 0);
    if (ret == 0)
        ret = qcow2_check_tell_fixed(check, INSPECT_CORRUPTION, entry_host(check, place),
                                     "Repairing offset=%" PRIx64 ": Preallocated cluster is not properly aligned; L2 entry corrupted.", host);
    return ret ? ret : DROPPED;
}

/* What the entry of a cluster with a place says of itself; first walk only.  0, DROPPED, or what ends the walk. */
static int check_allocated_entry(struct qcow2_check *check, struct place *place, uint64_t host)
{
    bool zero = check->qcow2->extended ? !(uint32_t)place->bitmap : place->entry & QCOW2_ENTRY_ZERO;
    int ret = 0;
    if ((uint32_t)place->bitmap & place->bitmap >> QCOW2_SUBCLUSTERS)
        ret = qcow2_check_tell(check, INSPECT_CORRUPTION, entry_host(check, place),
                   "ERROR offset=%" PRIx64 ": Allocated cluster has corrupted subcluster allocation bitmap", host);
    if (ret == 0 && host % check->qcow2->cluster_size && zero && check->fix == INSPECT_FIX_ALL)
        return drop_host_co(check, place, host);
    if (ret == 0 && host % check->qcow2->cluster_size)
        ret = qcow2_check_tell(check, INSPECT_CORRUPTION, entry_host(check, place),
                   "ERROR offset=%" PRIx64 ": %s cluster is not properly aligned; L2 entry corrupted.", host, zero ? "Preallocated" : "Data");
    if (place->table->snapshot == QCOW2_WALK_ACTIVE) {
        check->result.allocated_clusters++;
        check->result.fragmented_clusters += place->expected && host != place->expected;
    }
    place->expected = host + check->qcow2->cluster_size;
    return ret;
}

static int check_entry(struct qcow2_check *check, struct place *place)
{
    const struct qcow2 *qcow2 = check->qcow2;
    uint64_t host = place->entry & QCOW2_ENTRY_OFFSET;
    int ret = 0;
    if (place->entry & QCOW2_ENTRY_COMPRESSED)
        return check_compressed(check, place);
    if (check->first && (place->entry & L2_RESERVED))
        ret = qcow2_check_tell(check, INSPECT_CORRUPTION, entry_host(check, place), "ERROR found l2 entry with reserved bits set: %" PRIx64, place->entry);
    if (host == 0 && !(qcow2->data_file && (place->entry & QCOW2_ENTRY_COPIED))) {
        if (ret == 0 && check->first && (uint32_t)place->bitmap)
            ret = qcow2_check_tell(check, INSPECT_CORRUPTION, entry_host(check, place),
                       "ERROR: Unallocated cluster has non-zero subcluster allocation map");
        return ret;
    }
    if (ret == 0 && check->first)
        ret = check_allocated_entry(check, place, host);
    if (ret == DROPPED)
        return 0;
    if (ret == 0 && !qcow2->data_file)
        ret = count_range(check, host, qcow2->cluster_size);
    return ret ? ret : check_copied(check, place, host);
}

/* A cluster of its own, that nothing is wrong with: what nearly all entries are.  False: it may be something else. */
static bool take_usual(struct qcow2_check *check, struct place *place, uint64_t entry)
{
    const struct qcow2_tally *tally = &check->tally;
    uint64_t host = entry & QCOW2_ENTRY_OFFSET, i = (host >> tally->cluster_bits) - tally->first;
    if ((entry & ~QCOW2_ENTRY_OFFSET) != QCOW2_ENTRY_COPIED || host % check->qcow2->cluster_size || i >= tally->count || tally->first + i >= check->clusters)
        return false;
    if (tally->references[i] || check->actual[i] != 1 || host == 0)
        return false;
    tally->references[i] = 1;
    if (check->first) {
        check->result.allocated_clusters++;
        check->result.fragmented_clusters += place->expected && host != place->expected;
        place->expected = host + check->qcow2->cluster_size;
    }
    return true;
}

static int on_table(void *data, const struct qcow2_walk_table *table)
{
    struct qcow2_check *check = data;
    struct place place = {.table = table};
    unsigned words = check->qcow2->entry_words, count = 1U << check->qcow2->l2_bits;
    bool usual = words == 1 && !check->qcow2->data_file && table->snapshot == QCOW2_WALK_ACTIVE;
    int ret = 0;
    if (check->live && table->snapshot == QCOW2_WALK_ACTIVE)
        check->live->done = check->walked + (int64_t)(table->l1_index << (check->qcow2->l2_bits + check->qcow2->cluster_bits));
    for (unsigned i = 0; ret == 0 && i < count; i++) {
        uint64_t entry = table->words[i * words];
        uint64_t bitmap = words == 2 ? table->words[i * words + 1] : 0;
        if (!(entry | bitmap))
            continue;
        place.index = i;
        place.entry = qcow2_be64(&entry);
        if (usual && take_usual(check, &place, place.entry))
            continue;
        place.bitmap = qcow2_be64(&bitmap);
        ret = check_entry(check, &place);
    }
    return ret;
}

/* ---- refcount blocks ---- */

/* Counts them; what is wrong with the table's entries is told in the first walk. */
static int check_block(struct qcow2_check *check, uint64_t i)
{
    const struct qcow2 *qcow2 = check->qcow2;
    uint64_t entry = check->refcounts.table[i], host = entry & QCOW2_REFCOUNT_TABLE_OFFSET;
    int64_t at = (int64_t)qcow2->header.refcount_table_offset + (int64_t)i * 8;
    if ((entry & 511) || host % qcow2->cluster_size)
        check->rebuild = true;
    if (entry & 511)
        return !check->first ? 0 : qcow2_check_tell(check, INSPECT_CORRUPTION, at, "ERROR refcount table entry %" PRIu64 " has reserved bits set", i);
    if (host % qcow2->cluster_size)
        return !check->first ? 0
                             : qcow2_check_tell(check, INSPECT_CORRUPTION, at,
                                    "ERROR refcount block %" PRIu64 " is not cluster aligned; refcount table entry corrupted", i);
    if (host >> qcow2->cluster_bits >= check->clusters)
        check->rebuild = true;
    if (host >> qcow2->cluster_bits >= check->clusters)
        return !check->first ? 0 : qcow2_check_tell(check, INSPECT_CORRUPTION, at, "ERROR refcount block %" PRIu64 " is outside image", i);
    if (host == 0)
        return 0;
    int ret = count_range(check, host, qcow2->cluster_size);
    uint64_t cluster = host >> qcow2->cluster_bits;
    if (ret != 0 || !qcow2_tally_has(&check->tally, cluster) || qcow2_tally_get(&check->tally, cluster) == 1)
        return ret;
    check->rebuild = true;
    return qcow2_check_tell(check, INSPECT_CORRUPTION, at, "ERROR refcount block %" PRIu64 " refcount=%" PRIu64, i,
                qcow2_tally_get(&check->tally, cluster));
}

/* ---- comparing ---- */

static int set_refcount_co(struct qcow2_check *check, uint64_t cluster, uint64_t value)
{
    const struct qcow2 *qcow2 = check->qcow2;
    uint64_t per_block = qcow2_refcounts_per_block(qcow2), in_word = 64 >> qcow2->header.refcount_order;
    uint64_t block = check->refcounts.table[cluster / per_block] & QCOW2_REFCOUNT_TABLE_OFFSET;
    int64_t at = (int64_t)(block + cluster % per_block / in_word * 8);
    uint64_t word;
    int ret = node_pread_co(check->node->file, at, sizeof(word), &word);
    if (ret < 0)
        return ret;
    qcow2_counts_put_value(qcow2, &word, cluster % in_word, value);
    ret = node_pwrite_co(check->node->file, at, sizeof(word), &word, 0);
    if (ret < 0)
        return ret;
    check->actual[cluster - check->tally.first] = MIN(value, QCOW2_REFCOUNT_MANY);
    if (value == 0) {
        int64_t host = (int64_t)(cluster << qcow2->cluster_bits);
        node_pdiscard_co(check->node->file, host, MIN(qcow2->cluster_size, check->node->file->size - host)); /* space that is not given back is no harm */
    }
    return 0;
}

static int compare_one_co(struct qcow2_check *check, uint64_t cluster)
{
    uint64_t references = qcow2_tally_get(&check->tally, cluster), refcount;
    int64_t host = cluster << check->qcow2->cluster_bits;
    if (cluster >= check->clusters && !references)
        return 0;
    if (!qcow2_check_get_refcount_co(check, cluster, &refcount))
        return qcow2_check_tell(check, INSPECT_ERROR, host, "Can't get refcount for cluster %" PRIu64 ": %s", cluster, g_strerror(EIO));
    if (references || refcount)
        check->used_end = MAX(check->used_end, cluster + 1);
    if (references == refcount)
        return 0;
    check->rebuild |= refcount == 0;
    enum inspect_severity severity = refcount > references ? INSPECT_LEAK : INSPECT_CORRUPTION;
    if (check->fix == INSPECT_FIX_ALL || (check->fix == INSPECT_FIX_LEAKS && severity == INSPECT_LEAK)) {
        int ret = set_refcount_co(check, cluster, references);
        return ret < 0 ? ret
                       : qcow2_check_tell_fixed(check, severity, host, "Repairing cluster %" PRIu64 " refcount=%" PRIu64 " reference=%" PRIu64,
                                                cluster, refcount, references);
    }
    return qcow2_check_tell(check, severity, host, "%s cluster %" PRIu64 " refcount=%" PRIu64 " reference=%" PRIu64,
                            severity == INSPECT_LEAK ? "Leaked" : "ERROR", cluster, refcount, references);
}

enum { ALIKE = 4096 };

/* Clusters from the i-th of the window on, in whole pieces of so many, that are as they should be. */
static uint64_t skip_right(struct qcow2_check *check, uint64_t i)
{
    const struct qcow2_tally *tally = &check->tally;
    uint64_t at = i;
    while (tally->count - at >= ALIKE) {
        const uint8_t *references = tally->references + at, *actual = check->actual + at;
        uint8_t different = 0, many = 0;
        for (unsigned k = 0; k < ALIKE; k++) {
            different |= references[k] ^ actual[k];
            many |= actual[k] >= QCOW2_REFCOUNT_MANY;
        }
        if (different | many)
            break;
        unsigned used = ALIKE;
        while (used && !actual[used - 1])
            used--;
        if (used)
            check->used_end = MAX(check->used_end, tally->first + at + used);
        at += ALIKE;
    }
    return at - i;
}

int qcow2_check_compare_co(struct qcow2_check *check)
{
    const struct qcow2_tally *tally = &check->tally;
    for (uint64_t i = 0; i < tally->count; i++) {
        if (i % ALIKE == 0)
            i += skip_right(check, i);
        if (i >= tally->count)
            break;
        /* The usual case, for millions of clusters. */
        if (tally->references[i] == check->actual[i] && check->actual[i] < QCOW2_REFCOUNT_MANY) {
            if (check->actual[i] && tally->first + i < check->clusters)
                check->used_end = MAX(check->used_end, tally->first + i + 1);
            continue;
        }
        int ret = compare_one_co(check, tally->first + i);
        if (ret != 0)
            return ret;
        co_relax_co();
    }
    return 0;
}

int qcow2_check_count_co(struct qcow2_check *check)
{
    static const struct qcow2_walk_ops ops = {on_region, on_table, on_problem};
    int ret = qcow2_refcounts_load_co(check->node, &check->refcounts, check->tally.first, check->tally.count, check->actual);
    if (ret == 0)
        ret = qcow2_walk_co(check->node, &ops, check);
    for (uint64_t i = 0; ret == 0 && i < check->refcounts.count; i++)
        if (check->refcounts.table[i])
            ret = check_block(check, i);
    return ret;
}

/* ---- all ---- */

/* One cluster more than the file has: an entry that is not aligned may name it in part. */
static int init_tally(struct qcow2_check *check, uint64_t window)
{
    const struct qcow2 *qcow2 = check->qcow2;
    int64_t size = check->node->file->size;
    check->clusters = ((uint64_t)size + qcow2->cluster_size - 1) >> qcow2->cluster_bits;
    return qcow2_tally_init(&check->tally, qcow2->cluster_bits, MIN(size, INT64_MAX - qcow2->cluster_size) + qcow2->cluster_size, false, window);
}

int qcow2_check_begin_co(struct qcow2_check *check, struct node *node, uint64_t window, inspect_problem_fn *fn, void *data)
{
    const struct qcow2 *qcow2 = node->opaque;
    unsigned bits = 1U << qcow2->header.refcount_order;
    int ret = qcow2_refcounts_open_co(node, &check->refcounts);
    if (ret < 0)
        return ret;
    check->node = node;
    check->qcow2 = qcow2;
    check->fn = fn;
    check->data = data;
    check->first = true;
    check->refcount_max = bits == 64 ? INT64_MAX : (UINT64_C(1) << bits) - 1;
    ret = init_tally(check, window);
    if (ret == 0 && !(check->actual = g_try_malloc(check->tally.count)))
        ret = -ENOMEM;
    if (ret < 0)
        qcow2_check_end(check);
    return ret;
}

int qcow2_check_restart_co(struct qcow2_check *check)
{
    struct qcow2_refcounts refcounts;
    int ret = qcow2_refcounts_open_co(check->node, &refcounts);
    if (ret < 0)
        return ret;
    qcow2_refcounts_clear(&check->refcounts);
    check->refcounts = refcounts;
    qcow2_tally_done(&check->tally);
    g_clear_pointer(&check->actual, g_free);
    ret = init_tally(check, UINT64_MAX);
    if (ret == 0 && !(check->actual = g_try_malloc(check->tally.count)))
        ret = -ENOMEM;
    if (ret < 0)
        return ret;
    check->result = (struct inspect_check){0};
    check->first = true;
    check->used_end = 0;
    return 0;
}

void qcow2_check_end(struct qcow2_check *check)
{
    g_clear_pointer(&check->actual, g_free);
    qcow2_tally_done(&check->tally);
    qcow2_refcounts_clear(&check->refcounts);
}

void qcow2_check_sum_up(struct qcow2_check *check)
{
    const struct qcow2 *qcow2 = check->qcow2;
    uint64_t size = qcow2->header.size;
    check->result.total_clusters = (size >> qcow2->cluster_bits) + ((size & (qcow2->cluster_size - 1)) != 0);
    check->result.image_end = (int64_t)MAX(check->used_end, 1) << qcow2->cluster_bits;
}

int qcow2_check_window_co(struct node *node, uint64_t window, inspect_problem_fn *fn, void *data, struct inspect_check *ret_check)
{
    struct qcow2_check check = {0};
    int ret = qcow2_check_begin_co(&check, node, window, fn, data);
    if (ret < 0)
        return ret;
    int64_t size = (int64_t)check.qcow2->header.size, walks = (int64_t)(check.clusters / MAX(check.tally.count, 1)) + 1;
    *ret_check = (struct inspect_check){0};
    if (!checked_mul(size, walks, &ret_check->total))
        ret_check->total = 0;
    check.live = ret_check;
    do {
        ret = qcow2_check_count_co(&check);
        if (ret == 0)
            ret = qcow2_check_compare_co(&check);
        check.first = false;
        check.walked += size;
    } while (ret == 0 && qcow2_tally_next(&check.tally));
    qcow2_check_sum_up(&check);
    *ret_check = check.result;
    qcow2_check_end(&check);
    return ret;
}

int qcow2_check_co(struct node *node, inspect_problem_fn *fn, void *data, struct inspect_check *ret_check)
{
    int ret = qcow2_writer_settle_co(node);
    return ret < 0 ? ret : qcow2_check_window_co(node, 0, fn, data, ret_check);
}
