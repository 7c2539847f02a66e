/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "util/checked.h"

#include <glib.h>

static void test_overflow_is_told(void)
{
    int64_t value;
    g_assert_true(checked_add(INT64_MAX - 1, INT64_C(1), &value));
    g_assert_cmpint(value, ==, INT64_MAX);
    g_assert_false(checked_add(INT64_MAX, INT64_C(1), &value));
    g_assert_false(checked_sub(INT64_MIN, INT64_C(1), &value));
    g_assert_false(checked_mul(INT64_MAX, INT64_C(2), &value));
    uint32_t narrow;
    g_assert_false(checked_mul(UINT64_C(1) << 31, UINT64_C(2), &narrow));
}

static void test_range(void)
{
    g_assert_true(checked_range(0, 0, 0));
    g_assert_true(checked_range(10, 0, 10));
    g_assert_true(checked_range(0, INT64_MAX, INT64_MAX));
    g_assert_true(checked_range(9, 1, 10));
    g_assert_false(checked_range(9, 2, 10));
    g_assert_false(checked_range(11, 0, 10));
    g_assert_false(checked_range(INT64_MAX, INT64_MAX, INT64_MAX));
    g_assert_false(checked_range(-1, 1, 10));
    g_assert_false(checked_range(1, -1, 10));
}

static void test_align_down(void)
{
    g_assert_cmpuint(checked_align_down(0, 512), ==, 0);
    g_assert_cmpuint(checked_align_down(511, 512), ==, 0);
    g_assert_cmpuint(checked_align_down(512, 512), ==, 512);
    g_assert_cmpuint(checked_align_down(UINT64_MAX, 4096), ==, UINT64_MAX - 4095);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/checked/overflow-is-told", test_overflow_is_told);
    g_test_add_func("/checked/range", test_range);
    g_test_add_func("/checked/align-down", test_align_down);
    return g_test_run();
}
