/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "util/intervals.h"

#include <glib.h>

enum { SIZE = 64, ROUNDS = 20000 };

static void test_empty(void)
{
    struct intervals *set = intervals_new();
    int64_t end;
    g_assert_false(intervals_at(set, 0, &end));
    g_assert_cmpint(end, ==, INT64_MAX);
    intervals_add(set, 5, 5);
    intervals_remove(set, 0, INT64_MAX);
    g_assert_false(intervals_at(set, 5, &end));
    intervals_free(set);
    intervals_free(NULL);
}

static void test_extremes(void)
{
    struct intervals *set = intervals_new();
    int64_t end;
    intervals_add(set, 0, INT64_MAX);
    g_assert_true(intervals_at(set, INT64_MAX - 1, &end));
    g_assert_cmpint(end, ==, INT64_MAX);
    intervals_remove(set, 10, INT64_MAX);
    g_assert_true(intervals_at(set, 9, &end));
    g_assert_cmpint(end, ==, 10);
    g_assert_false(intervals_at(set, 10, &end));
    g_assert_cmpint(end, ==, INT64_MAX);
    intervals_free(set);
}

static void check(const struct intervals *set, const bool *model)
{
    for (int at = 0; at < SIZE; at++) {
        int64_t end;
        g_assert_cmpint(intervals_at(set, at, &end), ==, model[at]);
        /* As far as it can be: what touches is one interval. */
        int same = at;
        while (same < SIZE && model[same] == model[at])
            same++;
        if (same < SIZE || model[at])
            g_assert_cmpint(end, ==, same);
        else
            g_assert_cmpint(end, ==, INT64_MAX);
    }
}

static void test_against_an_array(void)
{
    struct intervals *set = intervals_new();
    bool model[SIZE] = {false};
    for (int round = 0; round < ROUNDS; round++) {
        int start = g_test_rand_int_range(0, SIZE), end = g_test_rand_int_range(start, MIN(start + 12, SIZE) + 1);
        bool add = g_test_rand_int_range(0, 2);
        for (int at = start; at < end; at++)
            model[at] = add;
        if (add)
            intervals_add(set, start, end);
        else
            intervals_remove(set, start, end);
        check(set, model);
    }
    intervals_free(set);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/util/intervals/empty", test_empty);
    g_test_add_func("/util/intervals/extremes", test_extremes);
    g_test_add_func("/util/intervals/against-an-array", test_against_an_array);
    return g_test_run();
}
