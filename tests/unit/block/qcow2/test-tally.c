/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/qcow2/tally.h"

#define C UINT64_C(65536)

static void add(struct qcow2_tally *tally, uint64_t host, uint64_t bytes, unsigned roles)
{
    uint64_t overflow;
    g_assert_cmpint(qcow2_tally_add(tally, 10 * C, host, bytes, roles, UINT64_MAX, &overflow), ==, QCOW2_TALLY_COUNTED);
    g_assert_cmpuint(overflow, ==, UINT64_MAX);
}

static void test_ranges(void)
{
    struct qcow2_tally tally;
    qcow2_tally_init(&tally, 16, 10 * C, true, 0);
    add(&tally, 0, C, 1);
    add(&tally, C - 1, 2, 2); /* both neighbours */
    add(&tally, 3 * C, 2 * C, 4);
    const uint64_t expected[] = {2, 1, 0, 1, 1, 0};
    for (unsigned i = 0; i < G_N_ELEMENTS(expected); i++)
        g_assert_cmpuint(qcow2_tally_get(&tally, i), ==, expected[i]);
    g_assert_cmpuint(tally.roles[0], ==, 3);
    g_assert_false(qcow2_tally_next(&tally));
    qcow2_tally_done(&tally);
}

static void test_windows(void)
{
    struct qcow2_tally tally;
    unsigned sum = 0, windows = 0;
    qcow2_tally_init(&tally, 16, 10 * C - 5, false, 4);
    do {
        add(&tally, 3 * C, 6 * C, 0);
        for (uint64_t i = 0; i < tally.count; i++)
            sum += qcow2_tally_get(&tally, tally.first + i);
        windows++;
    } while (qcow2_tally_next(&tally));
    g_assert_cmpuint(sum, ==, 6);
    g_assert_cmpuint(windows, ==, 3);
    qcow2_tally_done(&tally);
}

static void test_many(void)
{
    struct qcow2_tally tally;
    qcow2_tally_init(&tally, 16, 10 * C, false, 0);
    for (unsigned i = 1; i <= 1000; i++) {
        add(&tally, 2 * C, C, 0);
        g_assert_cmpuint(qcow2_tally_get(&tally, 2), ==, i);
    }
    g_assert_cmpuint(qcow2_tally_get(&tally, 3), ==, 0);
    qcow2_tally_done(&tally);
}

static void test_limits(void)
{
    struct qcow2_tally tally;
    uint64_t overflow;
    qcow2_tally_init(&tally, 16, 10 * C, false, 0);
    qcow2_tally_add(&tally, 10 * C, 0, 3 * C, 0, 1, &overflow);
    g_assert_cmpuint(overflow, ==, UINT64_MAX);
    qcow2_tally_add(&tally, 10 * C, C, 2 * C, 0, 1, &overflow);
    g_assert_cmpuint(overflow, ==, 1);
    g_assert_cmpuint(qcow2_tally_get(&tally, 1), ==, 1);
    /* Less than a cluster past the end is in the last cluster's rest. */
    g_assert_cmpint(qcow2_tally_add(&tally, 10 * C - 5, 9 * C, C, 0, 1, &overflow), ==, QCOW2_TALLY_COUNTED);
    g_assert_cmpint(qcow2_tally_add(&tally, 10 * C, 9 * C, 2 * C, 0, 1, &overflow), ==, QCOW2_TALLY_OUTSIDE);
    g_assert_cmpint(qcow2_tally_add(&tally, 10 * C, UINT64_C(1) << 62, C, 0, 1, &overflow), ==, QCOW2_TALLY_OUTSIDE);
    qcow2_tally_done(&tally);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qcow2/tally/ranges", test_ranges);
    g_test_add_func("/qcow2/tally/windows", test_windows);
    g_test_add_func("/qcow2/tally/many-references", test_many);
    g_test_add_func("/qcow2/tally/limits", test_limits);
    return g_test_run();
}
