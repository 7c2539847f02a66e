/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How much there is of each kind, where one layer says it all: entries are counted as they are read, millions of them at the speed at which
 * their tables are.  What it counts is what status.c would tell, run by run.
 */
#include <errno.h>

#include "block/qcow2/l2.h"
#include "block/qcow2/tables.h"

struct count {
    const struct qcow2 *qcow2;
    uint64_t unallocated, zero_plain, zero_allocated, data, compressed; /* clusters */
    uint64_t extents;
    uint64_t expected; /* what the next entry is if it goes on where the last one ended */
    uint64_t never;    /* bits that an entry can't have unless it is compressed */
    bool invalid;
};

/* Of some entries: how many are compressed; of the others how many read as zeroes, have a host cluster, or both; runs that begin. */
struct sums {
    uint64_t compressed, zero, host, both, extents, bad;
};

static void add_sums(struct count *count, uint64_t n, struct sums sums)
{
    count->extents += sums.extents;
    count->compressed += sums.compressed;
    count->data += sums.host - sums.both;
    count->zero_allocated += sums.both;
    count->zero_plain += sums.zero - sums.both;
    count->unallocated += n - sums.compressed - sums.zero - sums.host + sums.both;
    count->invalid |= sums.bad != 0;
}

#define KIND_MASK (QCOW2_ENTRY_OFFSET | QCOW2_ENTRY_COMPRESSED | QCOW2_ENTRY_ZERO)

/* Without a branch in the loop: what comes next is anybody's guess. */
static void count_one_by_one(struct count *count, const uint64_t *words, unsigned n)
{
    uint64_t step = count->qcow2->cluster_size, expected = count->expected;
    uint64_t compressed = 0, zero = 0, host = 0, both = 0, extents = 0, bad = 0;
    for (unsigned i = 0; i < n; i++) {
        uint64_t entry = qcow2_be64(&words[i]);
        uint64_t c = entry >> 62 & 1, plain = c - 1; /* all ones if it is not compressed */
        uint64_t z = entry & 1 & plain;
        uint64_t h = ((entry & QCOW2_ENTRY_OFFSET) != 0) & plain;
        uint64_t what = (entry & KIND_MASK & plain) | (entry & QCOW2_ENTRY_COMPRESSED);
        compressed += c;
        zero += z;
        host += h;
        both += z & h;
        bad |= entry & count->never & plain;
        extents += what != expected;
        expected = what + (step & -h);
    }
    count->expected = expected;
    add_sums(count, n, (struct sums){compressed, zero, host, both, extents, bad});
}

#ifdef __x86_64__
/* The same, four at a time. */
typedef uint64_t four __attribute__((vector_size(32), aligned(8), may_alias));
typedef uint8_t bytes32 __attribute__((vector_size(32), aligned(8), may_alias));

#define WIDE __attribute__((target("avx2")))

static inline WIDE __attribute__((always_inline)) four load_four(const uint64_t *words)
{
    bytes32 raw = *(const bytes32 *)words;
    return (four)__builtin_shufflevector(raw, raw, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8, 23, 22, 21, 20, 19, 18, 17, 16, 31,
                                         30, 29, 28, 27, 26, 25, 24);
}

static inline uint64_t sum_of(const four *sums)
{
    return (*sums)[0] + (*sums)[1] + (*sums)[2] + (*sums)[3];
}

/* words[-1] is an entry, too. */
static WIDE void count_fours(struct count *count, const uint64_t *words, unsigned n)
{
    four compressed = {0}, zero = {0}, host = {0}, both = {0}, extents = {0}, bad = {0}, one = {1, 1, 1, 1};
    four step = one * (uint64_t)count->qcow2->cluster_size, never = one * count->never;
    for (unsigned i = 0; i < n; i += 4) {
        four entry = load_four(words + i), before = load_four(words + i - 1);
        four c = entry >> 62 & 1, plain = c - 1, before_plain = (before >> 62 & 1) - 1;
        four z = entry & 1 & plain;
        four h = (four)((entry & QCOW2_ENTRY_OFFSET & plain) != 0) & 1;
        four before_host = (four)((before & QCOW2_ENTRY_OFFSET & before_plain) != 0);
        four expected = (before & KIND_MASK & before_plain) + (before & QCOW2_ENTRY_COMPRESSED) + (step & before_host);
        compressed += c;
        zero += z;
        host += h;
        both += z & h;
        bad |= entry & never & plain;
        extents += (four)(((entry & KIND_MASK & plain) | (entry & QCOW2_ENTRY_COMPRESSED)) != expected) & 1;
    }
    add_sums(count, n,
             (struct sums){sum_of(&compressed), sum_of(&zero), sum_of(&host), sum_of(&both), sum_of(&extents),
                           bad[0] | bad[1] | bad[2] | bad[3]});
}

static void count_entries(struct count *count, const uint64_t *words, unsigned n)
{
    unsigned fours = n > 4 ? (n - 2) & ~3U : 0;
    if (!__builtin_cpu_supports("avx2") || fours == 0) {
        count_one_by_one(count, words, n);
        return;
    }
    count_one_by_one(count, words, 1);
    count_fours(count, words + 1, fours);
    /* The last one of those again, for what is expected behind it. */
    struct count last = {.qcow2 = count->qcow2};
    count_one_by_one(&last, words + fours, 1);
    count->expected = last.expected;
    count_one_by_one(count, words + 1 + fours, n - 1 - fours);
}
#else
static void count_entries(struct count *count, const uint64_t *words, unsigned n)
{
    count_one_by_one(count, words, n);
}
#endif

static void count_unallocated(struct count *count, uint64_t clusters)
{
    count->unallocated += clusters;
    count->extents += count->expected != 0;
    count->expected = 0;
}

/* Clusters [at, end) of the disk. */
static int count_range_co(struct node *node, struct count *count, uint64_t end)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct qcow2_tables tables;
    int ret = 0;
    qcow2_tables_init(&tables, node, (end >> qcow2->l2_bits) + 1);
    for (uint64_t at = 0; ret == 0 && at < end;) {
        uint64_t index = at >> qcow2->l2_bits, n = MIN(end - at, UINT64_C(1) << qcow2->l2_bits);
        const uint64_t *words;
        if (index >= qcow2->l1_count) {
            count_unallocated(count, end - at);
            break;
        }
        int64_t table = qcow2_l2_table(node, index);
        if (table == 0) {
            count_unallocated(count, n);
        } else {
            ret = table < 0 ? (int)table
                            : qcow2_tables_get_co(&tables, table, qcow2->l1 + index + 1, qcow2->l1_count - index - 1, &words);
            if (ret == 0)
                count_entries(count, words, n);
        }
        at += n;
        if (ret == 0)
            ret = count->invalid ? -ENOTSUP : co_cancelled() ? -ECANCELED : 0; /* status.c says what is wrong */
        co_relax_co();
    }
    qcow2_tables_done(&tables);
    return ret;
}

int qcow2_kinds_co(struct node *node, struct blk_kinds *ret_kinds)
{
    const struct qcow2 *qcow2 = node->opaque;
    struct count count = {.qcow2 = qcow2, .expected = UINT64_MAX};
    struct blk_kinds kinds = {0};
    count.never = ((uint64_t)(qcow2->cluster_size - 1) & QCOW2_ENTRY_OFFSET) | (qcow2->header.version < 3);
    uint64_t clusters = ((uint64_t)qcow2->size + qcow2->cluster_size - 1) >> qcow2->cluster_bits;
    int64_t beyond = (int64_t)(clusters << qcow2->cluster_bits) - qcow2->size; /* of the last cluster */
    if (qcow2->backing || qcow2->backing_left_out || qcow2->data_file || qcow2->extended || !qcow2->data)
        return -ENOTSUP;
    int ret = count_range_co(node, &count, clusters);
    if (ret < 0)
        return ret;
    kinds.extents = count.extents;
    kinds.bytes[BLK_KIND_UNALLOCATED] = (int64_t)(count.unallocated << qcow2->cluster_bits);
    kinds.bytes[BLK_KIND_ZERO_PLAIN] = (int64_t)(count.zero_plain << qcow2->cluster_bits);
    kinds.bytes[BLK_KIND_ZERO_ALLOCATED] = (int64_t)(count.zero_allocated << qcow2->cluster_bits);
    kinds.bytes[BLK_KIND_DATA] = (int64_t)(count.data << qcow2->cluster_bits);
    kinds.bytes[BLK_KIND_COMPRESSED] = (int64_t)(count.compressed << qcow2->cluster_bits);
    if (beyond) {
        struct node_status last;
        ret = qcow2_status_co(node, qcow2->size - 1, 1, 0, &last);
        if (ret < 0)
            return ret;
        kinds.bytes[last.kind] -= beyond;
    }
    *ret_kinds = kinds;
    return 0;
}
