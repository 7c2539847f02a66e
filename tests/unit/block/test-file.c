/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <sys/resource.h>

#include "block/blk-internal.h"
#include "harness.h"

enum { KIB = 1024, MIB = 1 << 20 };

/* ---- holes ---- */

struct visit {
    GString *seen;
    int64_t at;
};

static int note_extent(void *data, const struct blk_extent *extent)
{
    static const char kinds[] = "dzacu";
    struct visit *visit = data;
    g_assert_cmpint(extent->start, ==, visit->at);
    g_assert_cmpint(extent->host_offset, ==, extent->kind == BLK_KIND_DATA ? extent->start : -1);
    visit->at += extent->length;
    g_string_append_printf(visit->seen, "%c%" G_GINT64_FORMAT " ", kinds[extent->kind], extent->length / KIB);
    return 0;
}

/* "d64 z128 ": kinds and KiB of the runs. */
static char *extents_co(struct blk *blk, int64_t offset, int64_t bytes)
{
    struct visit visit = {g_string_new(NULL), offset};
    g_assert_cmpint(blk_status_bulk_co(blk, offset, bytes, note_extent, &visit), ==, 0);
    return g_string_free(visit.seen, FALSE);
}

/* The same, asked for one by one. */
static char *extents_one_by_one_co(struct blk *blk, int64_t offset, int64_t bytes)
{
    struct visit visit = {g_string_new(NULL), offset};
    while (visit.at < offset + bytes) {
        struct blk_extent extent;
        g_assert_cmpint(blk_status_co(blk, visit.at, offset + bytes - visit.at, &extent), ==, 0);
        g_assert_cmpint(extent.length, >, 0);
        note_extent(&visit, &extent);
    }
    return g_string_free(visit.seen, FALSE);
}

static bool has_holes(const char *name)
{
    int fd = open(name, O_RDONLY);
    bool has = lseek(fd, 0, SEEK_DATA) < 0;
    close(fd);
    return has;
}

static void holes_and_data(void)
{
    char *name = harness_file(MIB);
    if (!has_holes(name)) {
        g_test_skip("the file system has no holes");
        harness_remove(name);
        return;
    }
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE | BLK_OPEN_DISCARD_UNMAP);
    g_assert_cmpint(harness_fill_co(blk, 128 * KIB, 64 * KIB, 1), ==, 0);
    g_assert_cmpint(harness_fill_co(blk, 512 * KIB, 128 * KIB, 1), ==, 0);
    g_autofree char *bulk = extents_co(blk, 0, MIB), *single = extents_one_by_one_co(blk, 0, MIB);
    g_assert_cmpstr(bulk, ==, "z128 d64 z320 d128 z384 ");
    g_assert_cmpstr(single, ==, bulk);
    g_autofree char *inner = extents_co(blk, 160 * KIB, 400 * KIB);
    g_assert_cmpstr(inner, ==, "d32 z320 d48 ");
    /* What was found is forgotten when a discard makes a hole of it. */
    g_assert_cmpint(blk_pdiscard_co(blk, 512 * KIB, 64 * KIB, 0, NULL), ==, 0);
    g_autofree char *after = extents_one_by_one_co(blk, 512 * KIB, 128 * KIB);
    g_assert_cmpstr(after, ==, "z64 d64 ");
    g_assert_cmpint(blk_pwrite_zeroes_co(blk, 576 * KIB, 64 * KIB, BLK_MAY_UNMAP, NULL), ==, 0);
    g_autofree char *zeroed = extents_one_by_one_co(blk, 512 * KIB, 128 * KIB);
    g_assert_cmpstr(zeroed, ==, "z128 ");
    harness_close_co(blk);
    harness_remove(name);
}

static void discard_without_unmap_keeps_the_bytes(void)
{
    char *name = harness_file(MIB);
    unsigned cheap = harness_cheap_zeroes(name);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE);
    g_assert_cmpint(harness_fill_co(blk, 0, MIB, 7), ==, 0);
    g_assert_cmpint(blk_pdiscard_co(blk, 0, MIB, 0, NULL), ==, 0);
    harness_assert_bytes_co(blk, 0, MIB, 7);
    g_assert_cmpint(blk_pwrite_zeroes_co(blk, 1000, 300000, cheap, NULL), ==, 0);
    harness_assert_bytes_co(blk, 1000, 300000, 0);
    harness_assert_bytes_co(blk, 0, 1000, 7);
    harness_assert_bytes_co(blk, 301000, MIB - 301000, 7);
    harness_close_co(blk);
    harness_remove(name);
}

static void huge_sparse_file_is_one_hole(void)
{
    char *name = harness_file(INT64_C(15) << 40);
    struct blk *blk = harness_open_co(name, "raw", 0);
    struct blk_extent extent;
    g_assert_cmpint(blk_status_co(blk, 1, INT64_MAX, &extent), ==, 0);
    g_assert_cmpint(extent.length, ==, (INT64_C(15) << 40) - 1);
    g_assert_cmpint(extent.kind, ==, BLK_KIND_ZERO_PLAIN);
    int64_t run;
    g_assert_cmpint(blk_is_allocated_co(blk, 0, INT64_MAX, &run), ==, 1);
    g_assert_cmpint(run, ==, INT64_C(15) << 40);
    g_assert_cmpint(blk_is_allocated_co(blk, INT64_C(15) << 40, 512, &run), ==, 0);
    g_assert_cmpint(run, ==, 0);
    harness_close_co(blk);
    harness_remove(name);
}

static int stop_at_once(void *data, const struct blk_extent *extent)
{
    return 42;
}

static void visit_ends_with_the_visitors_result(void)
{
    char *name = harness_file(MIB);
    struct blk *blk = harness_open_co(name, "raw", 0);
    g_assert_cmpint(blk_status_bulk_co(blk, 0, MIB, stop_at_once, NULL), ==, 42);
    harness_close_co(blk);
    harness_remove(name);
}

/* ---- ends of files ---- */

static void shrunk_file_reads_as_zeroes(void)
{
    char *name = harness_file(MIB);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE);
    g_assert_cmpint(harness_fill_co(blk, 0, MIB, 9), ==, 0);
    g_assert_cmpint(truncate(name, 100000), ==, 0);
    harness_assert_bytes_co(blk, 0, 100000, 9);
    harness_assert_bytes_co(blk, 100000, 50000, 0);
    g_autofree uint8_t *buf = g_malloc(MIB);
    g_assert_cmpint(harness_read_co(blk, 0, MIB, buf), ==, 0);
    g_assert_cmpint(buf[99999], ==, 9);
    g_assert_cmpint(buf[100000] | buf[MIB - 1], ==, 0);
    struct blk_extent extent;
    g_assert_cmpint(blk_status_co(blk, 500000, MIB, &extent), ==, 0);
    g_assert_cmpint(extent.kind, ==, BLK_KIND_ZERO_PLAIN);
    harness_close_co(blk);
    harness_remove(name);
}

static void last_sector_is_rounded_up(void)
{
    char *name = harness_file(1000);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE);
    GStatBuf st;
    g_assert_cmpint(blk_length(blk), ==, 1024);
    harness_assert_bytes_co(blk, 990, 34, 0);
    g_assert_cmpint(harness_fill_co(blk, 900, 101, 1), ==, 0);
    g_assert_cmpint(g_stat(name, &st), ==, 0);
    g_assert_cmpint(st.st_size, ==, 1001);
    g_assert_cmpint(harness_fill_co(blk, 1000, 25, 1), ==, -EIO);
    harness_close_co(blk);
    harness_remove(name);
}

static void ranges_outside_are_refused(void)
{
    static const int64_t outside[][2] = {{MIB, 1}, {MIB - 1, 2}, {INT64_MAX, 1}, {INT64_MAX - 1, 1}, {-1, 1}, {INT64_MIN, 512}};
    char *name = harness_file(MIB);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE | BLK_OPEN_DISCARD_UNMAP);
    char buf[512] = {0};
    for (unsigned i = 0; i < G_N_ELEMENTS(outside); i++) {
        int64_t offset = outside[i][0], bytes = outside[i][1];
        g_assert_cmpint(harness_read_co(blk, offset, bytes, buf), ==, -EIO);
        g_assert_cmpint(harness_write_co(blk, offset, bytes, buf), ==, -EIO);
        g_assert_cmpint(blk_pwrite_zeroes_co(blk, offset, bytes, 0, NULL), ==, -EIO);
        g_assert_cmpint(blk_pdiscard_co(blk, offset, bytes, 0, NULL), ==, -EIO);
    }
    g_assert_cmpint(blk_pdiscard_co(blk, 0, INT64_MAX, 0, NULL), ==, -EIO);
    g_assert_cmpint(blk_pwrite_zeroes_co(blk, 1, INT64_MAX, 0, NULL), ==, -EIO);
    g_assert_cmpint(blk_pdiscard_co(blk, 0, -1, 0, NULL), ==, -EIO);
    g_assert_cmpint(harness_read_co(blk, MIB, 0, buf), ==, 0);
    struct blk_extent extent;
    g_assert_cmpint(blk_status_co(blk, -1, 10, &extent), ==, -EIO);
    g_assert_cmpint(blk_status_co(blk, MIB + 1, 10, &extent), ==, -EIO);
    harness_close_co(blk);
    harness_remove(name);
}

/* ---- refusals ---- */

static void read_only_is_never_written(void)
{
    char *name = harness_file(MIB);
    struct blk *blk = harness_open_co(name, "raw", 0);
    char buf[512] = {1};
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(harness_write_co(blk, 0, 512, buf), ==, -EPERM);
    g_assert_cmpint(blk_pwrite_zeroes_co(blk, 0, 512, 0, NULL), ==, -EPERM);
    g_assert_cmpint(blk_pdiscard_co(blk, 0, 512, 0, NULL), ==, -EPERM);
    g_assert_cmpint(blk_truncate_co(blk, 0, BLK_PREALLOC_OFF, NULL, &error), ==, -EPERM);
    g_assert_nonnull(error);
    g_assert_cmpint(blk_flush_co(blk, NULL), ==, 0);
    harness_close_co(blk);
    harness_remove(name);
}

static void assert_not_opened_co(const char *name, const char *format, const char *message)
{
    struct blk *blk;
    g_assert_cmpint(harness_try_open_co(name, format, NULL, 0, BLK_CACHE_WRITEBACK, &blk), <, 0);
    g_assert_cmpstr(harness_error->message, ==, message);
}

static void wrong_kinds_of_files(void)
{
    g_autofree char *dir = g_dir_make_tmp("blkscope-XXXXXX", NULL);
    g_autofree char *fifo = g_build_filename(dir, "fifo", NULL), *none = g_build_filename(dir, "none", NULL);
    g_autofree char *no_fifo = g_strdup_printf("'file' driver requires '%s' to be a regular file", fifo);
    g_autofree char *no_dir = g_strdup_printf("'file' driver requires '%s' to be a regular file", dir);
    g_autofree char *missing = g_strdup_printf("Could not open '%s': No such file or directory", none);
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    assert_not_opened_co(fifo, "raw", no_fifo);
    assert_not_opened_co(dir, "raw", no_dir);
    assert_not_opened_co(none, "raw", missing);
    assert_not_opened_co("/dev/null", "file", "'file' driver requires '/dev/null' to be a regular file");
    g_unlink(fifo);
    g_rmdir(dir);
}

static void full_disk_is_told(void)
{
    struct rlimit old, small = {256 * KIB, RLIM_INFINITY};
    char *name = harness_file(128 * KIB);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE);
    g_autoptr(GError) error = NULL;
    signal(SIGXFSZ, SIG_IGN);
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &old), ==, 0);
    small.rlim_max = old.rlim_max;
    g_assert_cmpint(blk_truncate_co(blk, MIB, BLK_PREALLOC_OFF, NULL, NULL), ==, 0);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
    /* The first part fits, the rest does not. */
    g_assert_cmpint(harness_fill_co(blk, 128 * KIB, 512 * KIB, 1), ==, -EFBIG);
    g_assert_cmpint(blk_truncate_co(blk, 2 * MIB, BLK_PREALLOC_FULL, NULL, &error), <, 0);
    g_assert_nonnull(error);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &old), ==, 0);
    g_assert_cmpint(blk_length(blk), ==, MIB);
    harness_close_co(blk);
    harness_remove(name);
}

/* ---- sizes ---- */

static void truncate_modes(void)
{
    char *name = harness_file(MIB);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE);
    g_autoptr(GError) metadata = NULL, shrink = NULL, huge = NULL;
    g_assert_cmpint(blk_truncate_co(blk, 2 * MIB, BLK_PREALLOC_FALLOC, NULL, NULL), ==, 0);
    g_assert_cmpint(blk_truncate_co(blk, 3 * MIB, BLK_PREALLOC_FULL, NULL, NULL), ==, 0);
    g_assert_cmpint(blk_length(blk), ==, 3 * MIB);
    g_autofree char *full = extents_co(blk, 2 * MIB, MIB);
    g_assert_cmpstr(full, ==, "d1024 ");
    g_assert_cmpint(blk_truncate_co(blk, MIB, BLK_PREALLOC_FULL, NULL, &shrink), <, 0);
    g_assert_cmpstr(shrink->message, ==, "Cannot use preallocation for shrinking files");
    g_assert_cmpint(blk_truncate_co(blk, 4 * MIB, BLK_PREALLOC_METADATA, NULL, &metadata), <, 0);
    g_assert_cmpstr(metadata->message, ==, "Unsupported preallocation mode: metadata");
    g_assert_cmpint(blk_truncate_co(blk, INT64_MAX, BLK_PREALLOC_OFF, NULL, &huge), <, 0);
    g_assert_cmpstr(huge->message, ==, "offset(9223372036854775807) exceeds maximum(9223372035781033984)");
    g_assert_cmpint(blk_truncate_co(blk, 512, BLK_PREALLOC_OFF, NULL, NULL), ==, 0);
    g_assert_cmpint(blk_length(blk), ==, 512);
    harness_close_co(blk);
    harness_remove(name);
}

/* So that what direct I/O asks for can be tried out on it. */
static void an_empty_file_gets_its_first_block(void)
{
    char *name = harness_file(0);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE);
    g_assert_cmpint(blk_truncate_co(blk, MIB, BLK_PREALLOC_OFF, NULL, NULL), ==, 0);
    g_autofree char *first = extents_co(blk, 0, MIB);
    g_assert_cmpstr(first, ==, "d4 z1020 ");
    harness_assert_bytes_co(blk, 0, MIB, 0);
    g_assert_cmpint(blk_truncate_co(blk, 0, BLK_PREALLOC_OFF, NULL, NULL), ==, 0);
    g_assert_cmpint(blk_length(blk), ==, 0);
    g_assert_cmpint(blk_truncate_co(blk, 1000, BLK_PREALLOC_OFF, NULL, NULL), ==, 0);
    harness_close_co(blk);
    GStatBuf st;
    g_assert_cmpint(g_stat(name, &st), ==, 0);
    g_assert_cmpint(st.st_size, ==, 1000);
    harness_remove(name);
}

/* ---- direct I/O ---- */

static void direct_takes_any_request(void)
{
    char *name = harness_file(MIB);
    struct blk *blk;
    if (harness_try_open_co(name, "raw", NULL, BLK_OPEN_WRITABLE, BLK_CACHE_NONE, &blk) < 0) {
        g_test_skip(harness_error->message);
        harness_remove(name);
        return;
    }
    g_assert_cmpuint(blk->root->file->limits.request_alignment, >=, 512);
    g_assert_cmpint(harness_fill_co(blk, 1, 700001, 0x42), ==, 0);
    g_autofree uint8_t *buf = g_malloc(MIB + 1);
    g_assert_cmpint(harness_read_co(blk, 0, MIB, buf + 1), ==, 0);
    for (int i = 0; i < MIB; i++)
        g_assert_cmpint(buf[i + 1], ==, i >= 1 && i < 700002 ? 0x42 : 0);
    /* Shrunk to a length that is not aligned: what is left is still read. */
    g_assert_cmpint(truncate(name, 600100), ==, 0);
    harness_assert_bytes_co(blk, 600000, 100, 0x42);
    harness_assert_bytes_co(blk, 600100, 1000, 0);
    harness_close_co(blk);
    harness_remove(name);
}

static void add_tests(void)
{
    harness_add("/block/file/holes-and-data", holes_and_data);
    harness_add("/block/file/discard-without-unmap", discard_without_unmap_keeps_the_bytes);
    harness_add("/block/file/huge-sparse-file", huge_sparse_file_is_one_hole);
    harness_add("/block/file/visitors-result", visit_ends_with_the_visitors_result);
    harness_add("/block/file/shrunk", shrunk_file_reads_as_zeroes);
    harness_add("/block/file/last-sector", last_sector_is_rounded_up);
    harness_add("/block/file/ranges-outside", ranges_outside_are_refused);
    harness_add("/block/file/read-only", read_only_is_never_written);
    harness_add("/block/file/wrong-kinds", wrong_kinds_of_files);
    harness_add("/block/file/full-disk", full_disk_is_told);
    harness_add("/block/file/truncate-modes", truncate_modes);
    harness_add("/block/file/an-empty-file-gets-its-first-block", an_empty_file_gets_its_first_block);
    harness_add("/block/file/direct", direct_takes_any_request);
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, NULL, add_tests);
}
