/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness.h"

enum { SIZE = 40 << 20, PAGE = 16 << 20 };

static uint8_t *model;

static void change_co(struct blk *blk, int64_t offset, int64_t bytes, uint8_t pattern)
{
    memset(model + offset, pattern, bytes);
    if (pattern)
        g_assert_cmpint(harness_fill_co(blk, offset, bytes, pattern), ==, 0);
    else
        g_assert_cmpint(blk_pwrite_zeroes_co(blk, offset, bytes, 0, NULL), ==, 0);
}

static void assert_model_co(struct blk *blk)
{
    g_autofree uint8_t *buf = g_malloc(SIZE);
    g_assert_cmpint(harness_read_co(blk, 0, SIZE, buf), ==, 0);
    g_assert_cmpint(memcmp(buf, model, SIZE), ==, 0);
}

static void writes_stay_in_the_temporary_layer(void)
{
    char *name = harness_file(SIZE);
    model = g_malloc0(SIZE);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE);
    change_co(blk, 0, SIZE, 0x77);
    harness_close_co(blk);
    blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE | BLK_OPEN_SNAPSHOT);
    g_assert_true(blk_is_writable(blk));
    change_co(blk, 100, 1, 0x11);
    change_co(blk, 511, 2, 0x22);
    change_co(blk, PAGE - 300, 700, 0x33);
    change_co(blk, 2 * PAGE - 5000, 9000, 0);
    change_co(blk, SIZE - 10, 10, 0x44);
    assert_model_co(blk);
    int64_t run;
    g_assert_cmpint(blk_is_allocated_co(blk, 0, SIZE, &run), ==, 1);
    g_assert_cmpint(run, ==, 1024);
    g_assert_cmpint(blk_is_allocated_co(blk, 1024, SIZE, &run), ==, 0);
    g_assert_cmpint(run, ==, PAGE - 512 - 1024);
    struct blk_extent extent;
    g_assert_cmpint(blk_status_co(blk, 1024, SIZE, &extent), ==, 0);
    g_assert_cmpint(extent.depth, ==, 1);
    g_assert_cmpstr(extent.host, ==, name);
    g_assert_cmpint(harness_fill_co(blk, SIZE - 1, 2, 1), ==, -EIO);
    harness_close_co(blk);
    /* The image is as it was. */
    blk = harness_open_co(name, "raw", 0);
    harness_assert_bytes_co(blk, 0, SIZE, 0x77);
    harness_close_co(blk);
    g_free(model);
    harness_remove(name);
}

static void read_only_stays_read_only(void)
{
    char *name = harness_file(1 << 20);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_SNAPSHOT);
    g_assert_false(blk_is_writable(blk));
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 1), ==, -EPERM);
    harness_close_co(blk);
    harness_remove(name);
}

static void add_tests(void)
{
    harness_add("/block/overlay/writes-stay-in-it", writes_stay_in_the_temporary_layer);
    harness_add("/block/overlay/read-only", read_only_stays_read_only);
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, NULL, add_tests);
}
