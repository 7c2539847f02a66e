/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What entries of L2 tables mean, without a file. */
#include <glib.h>

#include "block/qcow2/l2.h"

#define C INT64_C(65536)
#define COPIED QCOW2_ENTRY_COPIED

static struct qcow2 image(bool extended)
{
    return (struct qcow2){
        .header.version = 3,
        .cluster_bits = 16,
        .cluster_size = C,
        .extended = extended,
        .entry_words = extended ? 2 : 1,
        .l2_bits = extended ? 12 : 13,
        .unit_bits = extended ? 11 : 16,
    };
}

static struct qcow2_run run_at(const struct qcow2 *qcow2, const uint64_t *words, unsigned count, int64_t offset, int64_t bytes)
{
    uint64_t disk[16];
    struct qcow2_run run;
    for (unsigned i = 0; i < count * qcow2->entry_words; i++)
        disk[i] = __builtin_bswap64(words[i]);
    qcow2_l2_run(qcow2, &(struct qcow2_entries){disk, 0, count}, offset, bytes, &run);
    return run;
}

#define assert_run(run, k, b, h)                                                                                                           \
    G_STMT_START                                                                                                                           \
    {                                                                                                                                      \
        struct qcow2_run r_ = (run);                                                                                                       \
        g_assert_cmpint(r_.kind, ==, (k));                                                                                                 \
        g_assert_cmpint(r_.bytes, ==, (b));                                                                                                \
        if ((h) >= 0)                                                                                                                      \
            g_assert_cmpint(r_.host, ==, (h));                                                                                             \
    }                                                                                                                                      \
    G_STMT_END

static void test_standard(void)
{
    struct qcow2 q = image(false);
    const uint64_t words[] = {COPIED | 5 * C, 6 * C, COPIED | 8 * C, 0, 0, 1, 9 * C | 1, COPIED | 10 * C | 1};
    assert_run(run_at(&q, words, 8, 0, 8 * C), QCOW2_DATA, 2 * C, 5 * C);
    assert_run(run_at(&q, words, 8, 100, C), QCOW2_DATA, C, 5 * C + 100);
    assert_run(run_at(&q, words, 8, 100, 50), QCOW2_DATA, 50, 5 * C + 100);
    assert_run(run_at(&q, words, 8, C + 1, 8 * C), QCOW2_DATA, C - 1, 6 * C + 1);
    assert_run(run_at(&q, words, 8, 2 * C, 8 * C), QCOW2_DATA, C, 8 * C);
    assert_run(run_at(&q, words, 8, 3 * C, 8 * C), QCOW2_UNALLOCATED, 2 * C, -1);
    assert_run(run_at(&q, words, 8, 5 * C, 8 * C), QCOW2_ZERO_PLAIN, C, -1);
    assert_run(run_at(&q, words, 8, 6 * C, 8 * C), QCOW2_ZERO_ALLOCATED, 2 * C, 9 * C);
}

static void test_invalid(void)
{
    struct qcow2 q = image(false);
    const uint64_t words[] = {5 * C, 6 * C + 512, 1};
    assert_run(run_at(&q, words, 3, 0, 3 * C), QCOW2_DATA, C, 5 * C);
    assert_run(run_at(&q, words, 3, C, 3 * C), QCOW2_INVALID, C, -1);
    q.header.version = 2;
    assert_run(run_at(&q, words, 3, 2 * C, C), QCOW2_INVALID, C, -1);
}

static void test_compressed(void)
{
    struct qcow2 q = image(false);
    const uint64_t words[] = {QCOW2_ENTRY_COMPRESSED | UINT64_C(3) << 54 | 0x50123, 0};
    struct qcow2_run run = run_at(&q, words, 2, 10, 2 * C);
    assert_run(run, QCOW2_COMPRESSED, C - 10, 0x50123);
    g_assert_cmpuint(run.stored, ==, 4 * 512 - 0x123);
}

/* Every width of the offset: with the smallest and the largest clusters. */
static void test_compressed_widths(void)
{
    for (unsigned bits = 9; bits <= 21; bits++) {
        struct qcow2 q = {.cluster_bits = bits};
        unsigned x = 62 - (bits - 8);
        int64_t host;
        uint32_t stored;
        qcow2_l2_compressed(&q, QCOW2_ENTRY_COMPRESSED | UINT64_C(1) << x | 512, &host, &stored);
        g_assert_cmpint(host, ==, 512);
        g_assert_cmpuint(stored, ==, 1024);
        qcow2_l2_compressed(&q, UINT64_MAX, &host, &stored);
        g_assert_cmpint(host, ==, (INT64_C(1) << x) - 1);
        g_assert_cmpuint(stored, ==, (512U << (bits - 8)) - 511);
    }
}

static void test_subclusters(void)
{
    struct qcow2 q = image(true);
    const int64_t s = C / 32;
    const uint64_t words[] = {COPIED | 5 * C, UINT64_C(0xc) << 32 | 0x80000003, COPIED | 6 * C, 0xffffffff, 0, UINT64_C(1) << 32};
    assert_run(run_at(&q, words, 3, 0, 3 * C), QCOW2_DATA, 2 * s, 5 * C);
    assert_run(run_at(&q, words, 3, 2 * s + 5, 3 * C), QCOW2_ZERO_ALLOCATED, 2 * s - 5, 5 * C + 2 * s + 5);
    assert_run(run_at(&q, words, 3, 4 * s, 3 * C), QCOW2_UNALLOCATED, 27 * s, -1);
    /* The last subcluster goes on in the next cluster. */
    assert_run(run_at(&q, words, 3, 31 * s, 3 * C), QCOW2_DATA, s + C, 5 * C + 31 * s);
    assert_run(run_at(&q, words, 3, 2 * C, C), QCOW2_ZERO_PLAIN, s, -1);
    assert_run(run_at(&q, words, 3, 2 * C + s, C), QCOW2_UNALLOCATED, C - s, -1);
}

static void test_invalid_subclusters(void)
{
    struct qcow2 q = image(true);
    const uint64_t both[] = {5 * C, UINT64_C(1) << 32 | 1}, nowhere[] = {0, 1};
    g_assert_cmpint(run_at(&q, both, 1, C / 2, C / 2).kind, ==, QCOW2_INVALID);
    g_assert_cmpint(run_at(&q, nowhere, 1, 0, C).kind, ==, QCOW2_INVALID);
}

/* Host offset 0 is a place there, told from none by the flag; places are where the guest's are. */
static void test_data_file(void)
{
    struct qcow2 q = image(false);
    q.data_file = true;
    const uint64_t words[] = {COPIED, COPIED | C, 0, COPIED | 2 * C, QCOW2_ENTRY_COMPRESSED};
    assert_run(run_at(&q, words, 5, 0, 5 * C), QCOW2_DATA, 2 * C, 0);
    assert_run(run_at(&q, words, 5, 2 * C, C), QCOW2_UNALLOCATED, C, -1);
    g_assert_cmpint(run_at(&q, words, 5, 3 * C, C).kind, ==, QCOW2_INVALID);
    g_assert_cmpint(run_at(&q, words, 5, 4 * C, C).kind, ==, QCOW2_INVALID);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qcow2/l2/standard-entries", test_standard);
    g_test_add_func("/qcow2/l2/invalid-entries-end-a-run", test_invalid);
    g_test_add_func("/qcow2/l2/compressed", test_compressed);
    g_test_add_func("/qcow2/l2/compressed-offset-widths", test_compressed_widths);
    g_test_add_func("/qcow2/l2/subclusters", test_subclusters);
    g_test_add_func("/qcow2/l2/invalid-subclusters", test_invalid_subclusters);
    g_test_add_func("/qcow2/l2/external-data-file", test_data_file);
    return g_test_run();
}
