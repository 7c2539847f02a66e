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

/* ---- the guarded first sector ---- */

static const uint8_t qcow2_header[8] = {'Q', 'F', 'I', 0xfb, 0, 0, 0, 3};

static void guessed_raw_guards_its_first_sector(void)
{
    char *name = harness_file(MIB);
    struct blk *blk = harness_open_co(name, NULL, BLK_OPEN_WRITABLE);
    uint8_t sector[512] = {0};
    memcpy(sector, qcow2_header, sizeof(qcow2_header));
    g_assert_true(blk_is_guessed_raw(blk));
    g_assert_cmpint(harness_write_co(blk, 0, 512, sector), ==, -EPERM);
    /* Byte by byte: the one that completes it is refused. */
    for (int i = 0; i < 7; i++)
        g_assert_cmpint(harness_write_co(blk, i, 1, sector + i), ==, 0);
    g_assert_cmpint(harness_write_co(blk, 7, 1, sector + 7), ==, -EPERM);
    /* As a part of something longer, in a vector cut at an odd place. */
    uint8_t rest[8 * KIB] = {0};
    struct iovec iov[3] = {{sector, 3}, {sector + 3, 509}, {rest, sizeof(rest)}};
    g_assert_cmpint(blk_pwritev_co(blk, 0, iov, 3, 0, NULL), ==, -EPERM);
    sector[7] = 0;
    g_assert_cmpint(blk_pwritev_co(blk, 0, iov, 3, 0, NULL), ==, 0);
    g_assert_cmpint(blk_pwrite_zeroes_co(blk, 0, 512, 0, NULL), ==, 0);
    sector[7] = 3;
    g_assert_cmpint(harness_write_co(blk, 512, 512, sector), ==, 0);
    harness_close_co(blk);
    harness_remove(name);
}

static void named_raw_guards_nothing(void)
{
    char *name = harness_file(MIB);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE);
    g_assert_false(blk_is_guessed_raw(blk));
    g_assert_cmpint(harness_write_co(blk, 0, sizeof(qcow2_header), qcow2_header), ==, 0);
    harness_close_co(blk);
    harness_remove(name);
}

/* ---- windows ---- */

static struct blk *open_window_co(const char *name, const char *window)
{
    g_autofree char *options = g_strdup_printf("driver=raw,%s,file.driver=file,file.filename=%s", window, name);
    return harness_open_options_co(options, BLK_OPEN_WRITABLE | BLK_OPEN_DISCARD_UNMAP);
}

static void window_bounds_every_request(void)
{
    char *name = harness_file(MIB);
    struct blk *all = harness_open_co(name, "raw", BLK_OPEN_WRITABLE);
    g_assert_cmpint(harness_fill_co(all, 0, MIB, 0xee), ==, 0);
    struct blk *blk = open_window_co(name, "offset=4k,size=8k");
    g_assert_cmpint(blk_length(blk), ==, 8 * KIB);
    g_assert_cmpint(harness_fill_co(blk, 0, 8 * KIB, 0x11), ==, 0);
    g_assert_cmpint(harness_fill_co(blk, 8 * KIB - 1, 2, 0x22), ==, -EIO);
    g_assert_cmpint(blk_pdiscard_co(blk, 4 * KIB, 4 * KIB, 0, NULL), ==, 0);
    struct blk_extent extent;
    g_assert_cmpint(blk_status_co(blk, 0, MIB, &extent), ==, 0);
    g_assert_cmpint(extent.host_offset, ==, 4 * KIB);
    g_assert_cmpstr(extent.host, ==, name);
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(blk_truncate_co(blk, 4 * KIB, BLK_PREALLOC_OFF, NULL, &error), ==, -ENOTSUP);
    g_assert_cmpstr(error->message, ==, "Cannot resize fixed-size raw disks");
    harness_close_co(blk);
    harness_assert_bytes_co(all, 0, 4 * KIB, 0xee);
    harness_assert_bytes_co(all, 4 * KIB, 4 * KIB, 0x11);
    harness_assert_bytes_co(all, 12 * KIB, MIB - 12 * KIB, 0xee);
    harness_close_co(all);
    harness_remove(name);
}

static void bad_windows(void)
{
    static const char *const bad[][2] = {
        {"offset=1048577", "Offset (1048577) cannot be greater than size of the containing file (1048576)"},
        {"size=2M", "The sum of offset (0) and size (2097152) has to be smaller or equal to the  actual size of the containing file (1048576)"},
        {"size=100", "Specified size is not multiple of 512"},
    };
    char *name = harness_file(MIB);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *options = g_strdup_printf("driver=raw,%s,file.driver=file,file.filename=%s", bad[i][0], name);
        struct blk *blk;
        g_assert_cmpint(harness_try_open_co(NULL, NULL, options, 0, BLK_CACHE_WRITEBACK, &blk), <, 0);
        g_assert_cmpstr(harness_error->message, ==, bad[i][1]);
    }
    harness_remove(name);
}

/* ---- over the null driver ---- */

static void null_reads_nothing_unless_told(void)
{
    uint8_t buf[16];
    int64_t run;
    memset(buf, 0x77, sizeof(buf));
    struct blk *blk = harness_open_options_co("driver=raw,file.driver=null-co,file.size=1M", BLK_OPEN_WRITABLE);
    g_assert_cmpint(harness_read_co(blk, 0, sizeof(buf), buf), ==, 0);
    g_assert_cmpint(buf[0], ==, 0x77);
    g_assert_cmpint(blk_is_allocated_co(blk, 0, MIB, &run), ==, 0);
    g_assert_cmpint(run, ==, MIB);
    harness_close_co(blk);
    blk = harness_open_options_co("driver=null-co,size=1M,read-zeroes=on", BLK_OPEN_WRITABLE);
    harness_assert_bytes_co(blk, 0, 16, 0);
    g_assert_cmpint(blk_is_allocated_co(blk, 0, MIB, &run), ==, 1);
    g_assert_cmpint(blk_break(blk, "read_aio", "A"), ==, -ENOTSUP);
    harness_close_co(blk);
}

static void read_at_leisure(void *data)
{
    uint8_t byte;
    struct iovec iov = {&byte, 1};
    struct blk *blk = harness_open_options_co("driver=null-co,size=1M,latency-ns=3600000000000", 0);
    *(int *)data = blk_preadv_co(blk, 0, &iov, 1, 0, NULL);
    g_assert_cmpint(blk_close_co(blk, NULL), ==, 0);
}

static void null_latency_ends_when_cancelled(void)
{
    int ret = 1;
    struct co *reader = co_start(read_at_leisure, &ret);
    g_assert_nonnull(reader);
    co_cancel(reader);
    while (ret == 1)
        co_yield_co();
    g_assert_cmpint(ret, ==, -ECANCELED);
}

static void add_tests(void)
{
    harness_add("/block/raw/guessed-guards", guessed_raw_guards_its_first_sector);
    harness_add("/block/raw/named-guards-nothing", named_raw_guards_nothing);
    harness_add("/block/raw/window", window_bounds_every_request);
    harness_add("/block/raw/bad-windows", bad_windows);
    harness_add("/block/raw/null", null_reads_nothing_unless_told);
    harness_add("/block/raw/null-latency-ends-when-cancelled", null_latency_ends_when_cancelled);
    harness_add("/block/raw/round-trip", round_trip);
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, NULL, add_tests);
}
