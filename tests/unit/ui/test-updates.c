/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib.h>

#include "io/clock.h"
#include "ui/panels/updates.h"

enum { INTERVAL_US = 50 * 1000, BEGIN_US = 1000 * 1000 };

static void count(void *data)
{
    ++*(int *)data;
}

static void test_an_owner_is_told_no_more_often_than_the_interval(void)
{
    int told = 0;
    struct updates updates = {count, &told, INTERVAL_US};
    clock_set_fake_us(BEGIN_US);
    updates_tell(&updates, false);
    g_assert_cmpint(told, ==, 1); /* the first is not kept waiting */
    clock_set_fake_us(BEGIN_US + INTERVAL_US - 1);
    updates_tell(&updates, false);
    g_assert_cmpint(told, ==, 1);
    clock_set_fake_us(BEGIN_US + INTERVAL_US);
    updates_tell(&updates, false);
    g_assert_cmpint(told, ==, 2);
    clock_set_fake_us(-1);
}

static void test_what_is_told_at_once_begins_an_interval_too(void)
{
    int told = 0;
    struct updates updates = {count, &told, INTERVAL_US};
    clock_set_fake_us(BEGIN_US);
    updates_tell(&updates, true);
    updates_tell(&updates, true);
    g_assert_cmpint(told, ==, 2);
    clock_set_fake_us(BEGIN_US + INTERVAL_US / 2);
    updates_tell(&updates, false);
    g_assert_cmpint(told, ==, 2);
    clock_set_fake_us(-1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/updates/interval", test_an_owner_is_told_no_more_often_than_the_interval);
    g_test_add_func("/updates/at-once", test_what_is_told_at_once_begins_an_interval_too);
    return g_test_run();
}
