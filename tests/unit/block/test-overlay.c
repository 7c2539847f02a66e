/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness.h"

enum { SIZE = 40 << 20, PAGE = 16 << 20, KIB64 = 64 << 10 };

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
    g_assert_cmpint(blk_is_allocated_co(blk, 100, SIZE, &run), ==, 1);
    g_assert_cmpint(run, ==, 1);
    g_assert_cmpint(blk_is_allocated_co(blk, 513, SIZE, &run), ==, 0);
    g_assert_cmpint(run, ==, PAGE - 300 - 513);
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

static void parts_show_the_layers_and_their_files(void)
{
    char *name = harness_file(4 * KIB64);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE);
    g_assert_cmpint(harness_fill_co(blk, 0, 4 * KIB64, 0x77), ==, 0);
    harness_close_co(blk);
    blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE | BLK_OPEN_SNAPSHOT);
    g_assert_cmpint(harness_fill_co(blk, 0, KIB64, 0x11), ==, 0);
    g_assert_null(blk_layer(blk, 0, BLK_PART_FILE)); /* it is in memory */
    g_assert_null(blk_layer(blk, 2, BLK_PART_LAYER));
    struct blk *below = blk_layer(blk, 1, BLK_PART_LAYER), *file = blk_layer(blk, 1, BLK_PART_FILE);
    g_assert_true(below == blk_layer(blk, 1, BLK_PART_LAYER) && below != file);
    g_assert_cmpstr(blk_filename(file), ==, name);
    uint8_t byte = 0;
    struct iovec iov = {&byte, 1};
    g_assert_cmpint(blk_preadv_co(blk, 0, &iov, 1, BLK_INTERNAL, NULL), ==, 0);
    g_assert_cmpint(byte, ==, 0x11);
    g_assert_cmpint(blk_preadv_co(below, 0, &iov, 1, BLK_INTERNAL, NULL), ==, 0);
    g_assert_cmpint(byte, ==, 0x77);
    byte = 0;
    g_assert_cmpint(blk_preadv_co(file, 4 * KIB64 - 1, &iov, 1, BLK_INTERNAL, NULL), ==, 0);
    g_assert_cmpint(byte, ==, 0x77);
    g_assert_cmpint(blk_length(file), ==, 4 * KIB64);
    g_assert_false(blk_is_writable(below));
    g_assert_cmpint(blk_pwritev_co(below, 0, &iov, 1, BLK_INTERNAL, NULL), ==, -EPERM);
    harness_close_co(blk); /* and they with it */
    harness_remove(name);
}

static void truncation_cuts_off_what_is_below(void)
{
    char *name = harness_file(4 * KIB64);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE);
    g_autoptr(GError) odd = NULL, shrink = NULL;
    int64_t run;
    g_assert_cmpint(harness_fill_co(blk, 0, 4 * KIB64, 0x77), ==, 0);
    harness_close_co(blk);
    blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE | BLK_OPEN_SNAPSHOT);
    g_assert_cmpint(harness_fill_co(blk, 0, 2 * KIB64, 0x11), ==, 0);
    g_assert_cmpint(blk_truncate_co(blk, KIB64, BLK_PREALLOC_OFF, NULL, NULL), ==, 0);
    g_assert_cmpint(blk_truncate_co(blk, 8 * KIB64, BLK_PREALLOC_OFF, NULL, NULL), ==, 0);
    harness_assert_bytes_co(blk, 0, KIB64, 0x11);
    harness_assert_bytes_co(blk, KIB64, 7 * KIB64, 0);
    g_assert_cmpint(blk_is_allocated_co(blk, KIB64, 7 * KIB64, &run), ==, 0);
    g_assert_cmpint(run, ==, 7 * KIB64);
    g_assert_cmpint(harness_fill_co(blk, 8 * KIB64 - 10, 10, 0x22), ==, 0);
    g_assert_cmpint(blk_truncate_co(blk, 9 * KIB64, BLK_PREALLOC_METADATA, NULL, NULL), ==, 0);
    g_assert_cmpint(blk_is_allocated_co(blk, 8 * KIB64, KIB64, &run), ==, 1);
    harness_assert_bytes_co(blk, 8 * KIB64, KIB64, 0);
    g_assert_cmpint(blk_truncate_co(blk, 100, BLK_PREALLOC_OFF, NULL, &odd), ==, -EINVAL);
    g_assert_cmpstr(odd->message, ==, "The new size must be a multiple of 512");
    g_assert_cmpint(blk_truncate_co(blk, KIB64, BLK_PREALLOC_FALLOC, NULL, &shrink), ==, -EINVAL);
    g_assert_cmpint(blk_length(blk), ==, 9 * KIB64);
    harness_close_co(blk);
    harness_remove(name);
}

static void discards_are_for_whole_clusters(void)
{
    char *name = harness_file(4 * KIB64);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE);
    g_assert_cmpint(harness_fill_co(blk, 0, 4 * KIB64, 0x77), ==, 0);
    harness_close_co(blk);
    blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE | BLK_OPEN_SNAPSHOT | BLK_OPEN_DISCARD_UNMAP);
    g_assert_cmpint(blk_pdiscard_co(blk, 100, 3 * KIB64, 0, NULL), ==, 0);
    harness_assert_bytes_co(blk, 0, KIB64, 0x77);
    harness_assert_bytes_co(blk, KIB64, 2 * KIB64, 0);
    harness_assert_bytes_co(blk, 3 * KIB64, KIB64, 0x77);
    harness_close_co(blk);
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
    harness_add("/block/overlay/parts-show-the-layers-and-their-files", parts_show_the_layers_and_their_files);
    harness_add("/block/overlay/truncation", truncation_cuts_off_what_is_below);
    harness_add("/block/overlay/discards", discards_are_for_whole_clusters);
    harness_add("/block/overlay/read-only", read_only_stays_read_only);
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, NULL, add_tests);
}
