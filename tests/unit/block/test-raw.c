/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness.h"

enum { KIB = 1024, MIB = 1 << 20 };

static void round_trip(void)
{
    char *name = harness_file(MIB);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE);
    g_assert_cmpint(blk_length(blk), ==, MIB);
    g_assert_cmpint(blk_length_co(blk), ==, MIB);
    g_assert_cmpint(harness_fill_co(blk, 1000, 5000, 0x5a), ==, 0);
    harness_assert_bytes_co(blk, 1000, 5000, 0x5a);
    harness_assert_bytes_co(blk, 0, 1000, 0);
    harness_assert_bytes_co(blk, 6000, MIB - 6000, 0);
    g_assert_cmpint(blk_flush_co(blk, NULL), ==, 0);
    harness_close_co(blk);
    struct blk *again = harness_open_co(name, "raw", 0);
    harness_assert_bytes_co(again, 1000, 5000, 0x5a);
    harness_close_co(again);
    harness_remove(name);
}

static void add_tests(void)
{
    harness_add("/block/raw/round-trip", round_trip);
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, NULL, add_tests);
}
