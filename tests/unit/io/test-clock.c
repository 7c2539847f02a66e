/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/clock.h"

#include <glib.h>

static void test_follows_the_monotonic_clock(void)
{
    int64_t before_us = g_get_monotonic_time(), now_us = clock_now_us(), now_ns = clock_now_ns();
    g_assert_cmpint(now_us, >=, before_us);
    g_assert_cmpint(now_ns / 1000, >=, now_us);
    g_assert_cmpint(now_ns / 1000, <=, g_get_monotonic_time());
}

static void test_fake_time_stands_still(void)
{
    clock_set_fake_us(0);
    g_assert_cmpint(clock_now_us(), ==, 0);
    clock_set_fake_us(1234567);
    g_assert_cmpint(clock_now_us(), ==, 1234567);
    g_assert_cmpint(clock_now_ns(), ==, 1234567000);
    clock_set_fake_us(-1);
    test_follows_the_monotonic_clock();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/clock/follows-the-monotonic-clock", test_follows_the_monotonic_clock);
    g_test_add_func("/clock/fake-time-stands-still", test_fake_time_stands_still);
    return g_test_run();
}
