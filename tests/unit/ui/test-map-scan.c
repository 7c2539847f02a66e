/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scan against the file system's own answer, and against everything that may happen while it runs. */
#include "../block/harness.h"
#include "ui/panels/map-scan.h"

enum { PIECE = 4096, PIECES = 3000 };

static unsigned updates;

static void on_updated(void *data)
{
    updates++;
}

static void wait_scan_co(struct map_scan *scan)
{
    while (map_scan_is_busy(scan))
        co_yield_co();
}

/* A file with random data in random places. */
static char *sparse_file(int64_t *ret_size)
{
    int64_t size = (int64_t)PIECE * PIECES - g_test_rand_int_range(0, PIECE);
    char *name = harness_file(size);
    int fd = open(name, O_WRONLY | O_CLOEXEC);

    for (int i = g_test_rand_int_range(0, 300); i > 0; i--)
        g_assert_cmpint(pwrite(fd, "x", 1, g_test_rand_int_range(0, (int32_t)size)), ==, 1);
    close(fd);
    *ret_size = size;
    return name;
}

/* Bytes of data in [start, end), asked of the file system. */
static int64_t data_bytes(int fd, int64_t start, int64_t end)
{
    int64_t sum = 0;

    while (start < end) {
        off_t data = lseek(fd, start, SEEK_DATA), hole;

        if (data < 0 || data >= end)
            break;
        hole = lseek(fd, data, SEEK_HOLE);
        sum += MIN(hole, end) - data;
        start = hole;
    }
    return sum;
}

static void check_against_file(const struct map_pyramid *pyramid, const char *name)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);

    for (unsigned l = 0; l < pyramid->levels; l++) {
        int64_t span = INT64_C(1) << (pyramid->shift + l * MAP_FAN_SHIFT);

        for (size_t i = 0; i < pyramid->count[l]; i++) {
            int64_t start = pyramid->start + (int64_t)i * span, end = MIN(start + span, pyramid->end);
            const int64_t *bytes = pyramid->level[l][i].bytes;

            g_assert_cmpint(bytes[MAP_DATA], ==, data_bytes(fd, start, end));
            g_assert_cmpint(bytes[MAP_DATA] + bytes[MAP_ZERO_PLAIN], ==, end - start);
        }
    }
    close(fd);
}

static void test_every_level_is_what_the_file_system_says_co(void)
{
    for (int i = 0; i < 12; i++) {
        int64_t size;
        char *name = sparse_file(&size);
        struct blk *blk = harness_open_co(name, "raw", 0);
        struct map_scan *scan = map_scan_new(on_updated, NULL);
        unsigned shift = map_pyramid_fit(size) + (unsigned)g_test_rand_int_range(0, 12);
        int64_t start = g_test_rand_bit() ? 0 : INT64_C(1) << shift;

        map_scan_prefer(scan, size / 2, size / 2 + 100000);
        map_scan_start(scan, blk, &map_source_guest, start, size, shift);
        wait_scan_co(scan);
        check_against_file(map_scan_pyramid(scan), name);
        map_scan_free(scan);
        harness_close_co(blk);
        harness_remove(name);
    }
}

static void test_changes_are_seen_co(void)
{
    int64_t size;
    char *name = sparse_file(&size);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE);
    struct map_scan *scan = map_scan_new(on_updated, NULL);

    map_scan_start(scan, blk, &map_source_guest, 0, size, 14);
    wait_scan_co(scan);
    for (int i = 0; i < 20; i++) {
        int64_t offset = g_test_rand_int_range(0, (int32_t)size - 100);

        g_assert_cmpint(harness_fill_co(blk, offset, 100, 7), ==, 0);
        map_scan_changed(scan, offset, 100);
        g_assert_true(map_scan_is_busy(scan));
    }
    wait_scan_co(scan);
    check_against_file(map_scan_pyramid(scan), name);
    map_scan_changed(scan, size + 5, 100);
    g_assert_false(map_scan_is_busy(scan));
    map_scan_changed(scan, size - 1, INT64_MAX);
    wait_scan_co(scan);
    check_against_file(map_scan_pyramid(scan), name);
    map_scan_free(scan);
    harness_close_co(blk);
    harness_remove(name);
}

static void test_fifteen_tebibytes_take_a_moment_co(void)
{
    int64_t size = INT64_C(15) << 40;
    char *name = harness_file(size);
    struct blk *blk = harness_open_co(name, "raw", 0);
    struct map_scan *scan = map_scan_new(on_updated, NULL);
    int64_t start_us = g_get_monotonic_time();
    struct map_counts counts;

    map_scan_start(scan, blk, &map_source_guest, 0, size, map_pyramid_fit(size));
    g_assert_true(map_scan_is_busy(scan)); /* whoever starts it does not wait */
    wait_scan_co(scan);
    counts = map_pyramid_count(map_scan_pyramid(scan), 0, size);
    g_assert_cmpint(counts.bytes[MAP_ZERO_PLAIN], ==, size);
    g_test_message("%" G_GINT64_FORMAT " us", g_get_monotonic_time() - start_us);
    g_assert_cmpint(g_get_monotonic_time() - start_us, <, 2 * G_USEC_PER_SEC);
    map_scan_free(scan);
    harness_close_co(blk);
    harness_remove(name);
}

static void test_what_cannot_be_told_is_an_error_co(void)
{
    char *name = harness_file(1 << 20);
    g_autofree char *options = g_strdup_printf("driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=%s,"
                                               "file.inject-error.0.event=none,file.inject-error.0.iotype=block-status,"
                                               "file.inject-error.0.sector=256",
                                               name);
    struct blk *blk = harness_open_options_co(options, 0);
    struct map_scan *scan = map_scan_new(on_updated, NULL);
    struct map_counts counts;

    map_scan_start(scan, blk, &map_source_guest, 0, 1 << 20, 16);
    wait_scan_co(scan);
    counts = map_pyramid_count(map_scan_pyramid(scan), 0, 1 << 20);
    g_assert_cmpint(map_counts_known(&counts), ==, 1 << 20);
    g_assert_cmpint(counts.bytes[MAP_ERROR], >, 0);
    map_scan_free(scan);
    harness_close_co(blk);
    harness_remove(name);
}

static void test_a_file_that_shrank_ends_co(void)
{
    int64_t size;
    char *name = sparse_file(&size);
    struct blk *blk = harness_open_co(name, "raw", 0);
    struct map_scan *scan = map_scan_new(on_updated, NULL);

    g_assert_cmpint(truncate(name, 10000), ==, 0);
    map_scan_start(scan, blk, &map_source_guest, 0, size, 12);
    wait_scan_co(scan);
    map_scan_free(scan);
    harness_close_co(blk);
    harness_remove(name);
}

static void test_an_owner_may_go_while_it_runs_co(void)
{
    int64_t size;
    char *name = sparse_file(&size);
    struct blk *blk = harness_open_co(name, "raw", 0);
    struct map_scan *scan = map_scan_new(on_updated, NULL);

    for (int turns = 0; turns < 4; turns++) {
        map_scan_start(scan, blk, &map_source_guest, 0, size, 12);
        for (int i = 0; i < turns; i++)
            co_yield_co();
    }
    map_scan_free(scan);
    harness_close_co(blk); /* waits for what is still in there */
    harness_remove(name);
}

static void test_another_image_takes_over_co(void)
{
    int64_t size, other_size;
    char *name = sparse_file(&size), *other_name = sparse_file(&other_size);
    struct blk *blk = harness_open_co(name, "raw", 0), *other = harness_open_co(other_name, "raw", 0);
    struct map_scan *scan = map_scan_new(on_updated, NULL);

    map_scan_start(scan, blk, &map_source_guest, 0, size, 12);
    co_yield_co();
    map_scan_start(scan, other, &map_source_guest, 0, other_size, 12);
    harness_close_co(blk);
    wait_scan_co(scan);
    check_against_file(map_scan_pyramid(scan), other_name);
    map_scan_start(scan, NULL, &map_source_guest, 0, 0, 12);
    map_scan_changed(scan, 0, 100);
    g_assert_false(map_scan_is_busy(scan));
    map_scan_free(scan);
    harness_close_co(other);
    harness_remove(name);
    harness_remove(other_name);
}

static void add(void)
{
    harness_add("/map-scan/levels", test_every_level_is_what_the_file_system_says_co);
    harness_add("/map-scan/changes", test_changes_are_seen_co);
    harness_add("/map-scan/huge", test_fifteen_tebibytes_take_a_moment_co);
    harness_add("/map-scan/error", test_what_cannot_be_told_is_an_error_co);
    harness_add("/map-scan/shrunk", test_a_file_that_shrank_ends_co);
    harness_add("/map-scan/owner-gone", test_an_owner_may_go_while_it_runs_co);
    harness_add("/map-scan/other-image", test_another_image_takes_over_co);
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, "threads", add);
}
