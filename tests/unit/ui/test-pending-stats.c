/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib.h>
#include <stdlib.h>

#include "ui/panels/pending-stats.h"

static int by_value(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

static void test_shares_are_those_of_the_sorted_list(void)
{
    enum { COUNT = 5000 };
    int64_t *list = g_new(int64_t, COUNT);

    for (int round = 0; round < 20; round++) {
        struct pending_times times = {0};
        static const double shares[] = {0.01, 0.5, 0.9, 0.99, 1};

        for (int i = 0; i < COUNT; i++) {
            list[i] = (int64_t)(g_test_rand_double() * (double)(INT64_C(1) << g_test_rand_int_range(0, 2 * round + 2)));
            pending_times_add(&times, list[i], i % 10 == 0);
        }
        qsort(list, COUNT, sizeof(*list), by_value);
        g_assert_cmpint(times.least_us, ==, list[0]);
        g_assert_cmpint(times.most_us, ==, list[COUNT - 1]);
        g_assert_cmpuint(times.failed, ==, COUNT / 10);
        for (size_t i = 0; i < G_N_ELEMENTS(shares); i++) {
            int64_t exact = list[(int)(shares[i] * COUNT + 0.5) - 1], said = pending_times_share(&times, shares[i]);

            g_assert_cmpint(said, >=, exact);
            g_assert_cmpint(said, <=, exact < PENDING_FINE ? exact : exact + exact / PENDING_FINE + 1);
        }
        for (unsigned power = 0; power < 41; power++) {
            uint64_t count = 0;

            for (int i = 0; i < COUNT; i++)
                count += list[i] >= (power == 0 ? 0 : INT64_C(1) << power) && list[i] < INT64_C(2) << power;
            g_assert_cmpuint(pending_times_power(&times, power), ==, count);
        }
    }
    g_free(list);
}

static void test_none_and_the_longest(void)
{
    struct pending_times times = {0};

    g_assert_cmpint(pending_times_share(&times, 0.5), ==, -1);
    pending_times_add(&times, INT64_MAX, false);
    pending_times_add(&times, -5, false);
    g_assert_cmpint(times.least_us, ==, 0);
    g_assert_cmpuint(times.count, ==, 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pending-stats/shares", test_shares_are_those_of_the_sorted_list);
    g_test_add_func("/pending-stats/edges", test_none_and_the_longest);
    return g_test_run();
}
