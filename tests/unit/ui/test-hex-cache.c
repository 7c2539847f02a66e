/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the hex panel knows of an image: unknown first, then bytes, holes and errors where they are. */
#include "../block/harness.h"
#include "ui/panels/hex-cache.h"

enum { SIZE = 40 * HEX_BLOCK, NEVER = 0xee };

static unsigned updates;

static void on_updated(void *data)
{
    updates++;
}

static void frame(struct hex_cache *cache, int64_t start, int64_t end, int direction)
{
    struct hex_source *source = hex_cache_source(cache);

    hex_cache_begin(cache);
    for (int64_t at = start; at < end; at += 512) {
        uint8_t bytes[512], states[512];
        size_t n = (size_t)MIN(end - at, 512);

        source->ops->get(source, at, n, bytes, states);
        if (memchr(states, HEX_UNKNOWN, n))
            hex_cache_want(cache, at);
    }
    hex_cache_end(cache, start, end, direction);
}

static uint8_t state_at(struct hex_cache *cache, int64_t offset, uint8_t *ret_byte)
{
    struct hex_source *source = hex_cache_source(cache);
    uint8_t state = NEVER;

    source->ops->get(source, offset, 1, ret_byte, &state);
    return state;
}

/* Frames until the place is known. */
static uint8_t known_co(struct hex_cache *cache, int64_t offset, uint8_t *ret_byte)
{
    while (state_at(cache, offset, ret_byte) == HEX_UNKNOWN) {
        frame(cache, offset, offset + 1, 1);
        co_yield_co();
    }
    return state_at(cache, offset, ret_byte);
}

static void put(const char *name, int64_t offset, uint8_t byte, int64_t n)
{
    g_autofree uint8_t *bytes = g_malloc((size_t)n);
    int fd = open(name, O_WRONLY | O_CLOEXEC);

    memset(bytes, byte, (size_t)n);
    g_assert_cmpint(pwrite(fd, bytes, (size_t)n, offset), ==, n);
    close(fd);
}

static void test_random_places_are_as_in_the_file_co(void)
{
    char *name = harness_file(SIZE + 100);
    struct blk *blk;
    struct hex_cache *cache = hex_cache_new(on_updated, NULL);
    g_autofree uint8_t *all = g_malloc0(SIZE + 100);
    int fd = open(name, O_RDONLY | O_CLOEXEC);

    for (int i = 0; i < 30; i++)
        put(name, g_test_rand_int_range(0, SIZE), (uint8_t)(i + 1), 100);
    g_assert_cmpint(pread(fd, all, SIZE + 100, 0), ==, SIZE + 100);
    blk = harness_open_co(name, "raw", 0);
    hex_cache_open(cache, blk);
    for (int i = 0; i < 400; i++) {
        int64_t offset = i == 0 ? SIZE + 99 : g_test_rand_int_range(0, SIZE + 100);
        uint8_t byte = 0, state = known_co(cache, offset, &byte);
        off_t data = lseek(fd, offset, SEEK_DATA);

        g_assert_cmpint(byte, ==, all[offset]);
        g_assert_cmpint(state, ==, data == offset ? HEX_KNOWN : HEX_HOLE);
    }
    close(fd);
    hex_cache_free(cache);
    harness_close_co(blk);
    harness_remove(name);
}

static void test_a_hole_is_known_to_both_ends_co(void)
{
    int64_t size = INT64_C(16) << 40;
    struct hex_source_hole hole;
    char *name;
    struct blk *blk;
    struct hex_cache *cache = hex_cache_new(on_updated, NULL);
    struct hex_source *source = hex_cache_source(cache);
    uint8_t byte;

    name = harness_file(size - 4096); /* what ext4 can hold */
    put(name, 0, 1, 8192);
    blk = harness_open_co(name, "raw", 0);
    hex_cache_open(cache, blk);
    g_assert_cmpint(known_co(cache, size / 2, &byte), ==, HEX_HOLE);
    while (!source->ops->hole(source, 8192, &hole))
        co_yield_co();
    g_assert_cmpint(hole.start, ==, 8192);
    g_assert_cmpint(hole.end, ==, size - 4096);
    g_assert_false(hole.missing);
    hex_cache_free(cache);
    harness_close_co(blk);
    harness_remove(name);
}

static void test_only_sectors_that_fail_are_errors_co(void)
{
    char *name = harness_file(SIZE);
    g_autofree char *options = g_strdup_printf("driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=%s,"
                                               "file.inject-error.0.event=none,file.inject-error.0.iotype=read,"
                                               "file.inject-error.0.sector=3",
                                               name);
    struct blk *blk;
    struct hex_cache *cache = hex_cache_new(on_updated, NULL);
    uint8_t byte;

    put(name, 0, 9, HEX_BLOCK);
    blk = harness_open_options_co(options, 0);
    hex_cache_open(cache, blk);
    for (int64_t offset = 0; offset < HEX_BLOCK; offset += 256) {
        bool bad = offset / 512 == 3;

        g_assert_cmpint(known_co(cache, offset, &byte), ==, bad ? HEX_ERROR : HEX_KNOWN);
        g_assert_true(bad || byte == 9);
    }
    hex_cache_free(cache);
    harness_close_co(blk);
    harness_remove(name);
}

static void test_changes_are_read_again_co(void)
{
    char *name = harness_file(SIZE);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE);
    struct hex_cache *cache = hex_cache_new(on_updated, NULL);
    uint8_t byte;

    hex_cache_open(cache, blk);
    g_assert_cmpint(known_co(cache, 5 * HEX_BLOCK + 7, &byte), ==, HEX_HOLE);
    harness_fill_co(blk, 5 * HEX_BLOCK, 4096, 1);
    hex_cache_changed(cache, 5 * HEX_BLOCK, 4096);
    g_assert_cmpint(known_co(cache, 5 * HEX_BLOCK + 7, &byte), ==, HEX_KNOWN);
    g_assert_cmpint(byte, ==, 1);
    harness_fill_co(blk, 5 * HEX_BLOCK, 4096, 2);
    hex_cache_changed(cache, 5 * HEX_BLOCK + 4095, 1);
    g_assert_cmpint(state_at(cache, 5 * HEX_BLOCK + 7, &byte), ==, HEX_KNOWN); /* as it was, no flicker */
    g_assert_cmpint(byte, ==, 1);
    while (byte == 1) {
        frame(cache, 5 * HEX_BLOCK, 5 * HEX_BLOCK + 1, 1);
        co_yield_co();
        state_at(cache, 5 * HEX_BLOCK + 7, &byte);
    }
    g_assert_cmpint(byte, ==, 2);
    hex_cache_free(cache);
    harness_close_co(blk);
    harness_remove(name);
}

static void test_more_visible_than_fits_comes_to_rest_co(void)
{
    int64_t size = 3 * HEX_BLOCKS_MAX * (int64_t)HEX_BLOCK;
    char *name = harness_file(size);
    struct blk *blk;
    struct hex_cache *cache = hex_cache_new(on_updated, NULL);
    unsigned before;
    int quiet = 0;

    for (int64_t at = 0; at < size; at += HEX_BLOCK)
        put(name, at, 3, 100);
    blk = harness_open_co(name, "raw", 0);
    hex_cache_open(cache, blk);
    for (int i = 0; i < 100000 && quiet < 50; i++) {
        before = updates;
        frame(cache, 0, size, 1);
        co_yield_co();
        quiet = aio_in_flight(harness_aio) == 0 && updates == before && co_live() == 1 ? quiet + 1 : 0;
    }
    g_assert_cmpint(quiet, ==, 50);
    hex_cache_free(cache);
    harness_close_co(blk);
    harness_remove(name);
}

static void test_a_file_that_shrank_is_shown_somehow_co(void)
{
    char *name = harness_file(SIZE);
    struct blk *blk;
    struct hex_cache *cache = hex_cache_new(on_updated, NULL);
    uint8_t byte;

    put(name, 0, 1, SIZE);
    blk = harness_open_co(name, "raw", 0);
    hex_cache_open(cache, blk);
    g_assert_cmpint(truncate(name, 100), ==, 0);
    known_co(cache, SIZE - 1, &byte);
    known_co(cache, 100, &byte);
    g_assert_cmpint(known_co(cache, 99, &byte), ==, HEX_KNOWN);
    hex_cache_free(cache);
    harness_close_co(blk);
    harness_remove(name);
}

static void test_an_owner_may_go_while_it_reads_co(void)
{
    for (int turns = 0; turns < 6; turns++) {
        char *name = harness_file(SIZE);
        struct blk *blk;
        struct hex_cache *cache = hex_cache_new(on_updated, NULL);

        put(name, 0, 1, SIZE);
        blk = harness_open_co(name, "raw", 0);
        hex_cache_open(cache, blk);
        frame(cache, 0, 1000, 1);
        frame(cache, SIZE - 5000, SIZE, -1);
        for (int i = 0; i < turns; i++)
            co_yield_co();
        hex_cache_free(cache);
        harness_close_co(blk);
        harness_remove(name);
    }
}

static void add(void)
{
    harness_add("/hex-cache/random", test_random_places_are_as_in_the_file_co);
    harness_add("/hex-cache/hole", test_a_hole_is_known_to_both_ends_co);
    harness_add("/hex-cache/error", test_only_sectors_that_fail_are_errors_co);
    harness_add("/hex-cache/changes", test_changes_are_read_again_co);
    harness_add("/hex-cache/bounded", test_more_visible_than_fits_comes_to_rest_co);
    harness_add("/hex-cache/shrunk", test_a_file_that_shrank_is_shown_somehow_co);
    harness_add("/hex-cache/owner-gone", test_an_owner_may_go_while_it_reads_co);
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, "threads", add);
}
