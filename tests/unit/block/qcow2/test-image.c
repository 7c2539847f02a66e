/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole images, put together by hand. */
#include <libdeflate.h>

#include "block/blk-internal.h"
#include "block/inspect.h"
#include "block/qcow2/check.h"
#include "block/qcow2/hostmap.h"
#include "craft.h"

enum { K = CRAFT_CLUSTER, FIRST = 8 /* host cluster that no table of these images takes */ };

/* A bit of everything in the first clusters of each table. */
static struct craft some_image(void)
{
    struct craft craft = craft_new(3 * CRAFT_ENTRIES * (int64_t)K, 40);
    craft_data(&craft, 0, FIRST, 1);
    craft_data(&craft, 1, FIRST + 1, 2);
    craft_data(&craft, 3, FIRST + 5, 3);
    craft_entry(&craft, 5, 1);
    craft_entry(&craft, 6, (UINT64_C(1) << 63) | (FIRST + 6) * K | 1);
    craft_refcount(&craft, FIRST + 6, 1);
    craft_data(&craft, CRAFT_ENTRIES - 1, FIRST + 7, 4);
    craft_data(&craft, CRAFT_ENTRIES, FIRST + 8, 5);
    craft_data(&craft, 3 * CRAFT_ENTRIES - 1, FIRST + 9, 6);
    return craft;
}

static void test_reads(void)
{
    struct craft craft = some_image();
    char *name = craft_save(&craft);
    struct blk *blk = harness_open_co(name, "qcow2", 0);
    const uint8_t expected[] = {1, 2, 0, 3, 0, 0, 0, 0};
    for (unsigned i = 0; i < G_N_ELEMENTS(expected); i++)
        harness_assert_bytes_co(blk, i * K, K, expected[i]);
    /* Across runs, tables and the end of one, in vectors that end anywhere. */
    g_autofree uint8_t *bytes = g_malloc(8 * K);
    struct iovec iov[] = {{bytes, 100}, {bytes + 100, 3 * K}, {bytes + 100 + 3 * K, K - 200}};
    g_assert_cmpint(blk_preadv_co(blk, 100, iov, 3, 0, "read"), ==, 0);
    for (int i = 0; i < 4 * K - 100; i++)
        g_assert_cmpuint(bytes[i], ==, expected[(i + 100) / K]);
    harness_assert_bytes_co(blk, (CRAFT_ENTRIES - 1) * (int64_t)K, K, 4);
    harness_assert_bytes_co(blk, CRAFT_ENTRIES * (int64_t)K, K, 5);
    harness_close_co(blk);
    harness_remove(name);
}

struct extents {
    struct blk *blk;
    int64_t at;
};

static int same_as_single_co(void *data, const struct blk_extent *extent)
{
    struct extents *extents = data;
    g_assert_cmpint(extent->start, ==, extents->at);
    extents->at += extent->length;
    for (int64_t at = extent->start; at < extents->at;) {
        struct blk_extent single;
        g_assert_cmpint(blk_status_co(extents->blk, at, extents->at - at, &single), ==, 0);
        g_assert_cmpint(single.kind, ==, extent->kind);
        g_assert_cmpint(single.depth, ==, extent->depth);
        if (extent->host_offset >= 0)
            g_assert_cmpint(single.host_offset, ==, extent->host_offset + (at - extent->start));
        else
            g_assert_cmpint(single.host_offset, <, 0);
        at += single.length;
    }
    return 0;
}

/* The fast way over all tables and the one question at a time agree, from any offset. */
static void test_bulk_is_single(void)
{
    struct craft craft = some_image();
    int64_t size = craft.size;
    char *name = craft_save(&craft);
    struct blk *blk = harness_open_co(name, "qcow2", 0);
    const int64_t starts[] = {0, 1, K - 1, K, 5 * K + 7, (CRAFT_ENTRIES - 1) * (int64_t)K, size - 1};
    for (unsigned i = 0; i < G_N_ELEMENTS(starts); i++) {
        struct extents extents = {blk, starts[i]};
        g_assert_cmpint(blk_status_bulk_co(blk, starts[i], size - starts[i], same_as_single_co, &extents), ==, 0);
        g_assert_cmpint(extents.at, ==, size);
    }
    harness_close_co(blk);
    harness_remove(name);
}

/* ---- compressed clusters ---- */

static uint32_t compress(const uint8_t *in, size_t n, uint8_t *out, size_t room)
{
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(6);
    size_t bytes = libdeflate_deflate_compress(compressor, in, n, out, room);
    libdeflate_free_compressor(compressor);
    g_assert_cmpuint(bytes, >, 0);
    return bytes;
}

static void put_compressed(struct craft *craft, int64_t i, int64_t host, const uint8_t *in, size_t n)
{
    uint32_t bytes = compress(in, n, craft->bytes + host, 2 * K);
    uint64_t sectors = (host + bytes - 1) / 512 - host / 512;
    craft_entry(craft, i, UINT64_C(1) << 62 | sectors << (62 - (CRAFT_BITS - 8)) | (uint64_t)host);
}

static uint8_t *noise(size_t n)
{
    uint8_t *bytes = g_malloc(n);
    for (size_t i = 0; i < n; i++)
        bytes[i] = i * i >> 7;
    return bytes;
}

static void test_compressed(void)
{
    struct craft craft = craft_new(8 * K, 40);
    g_autofree uint8_t *data = noise(2 * K), *got = g_malloc(K);
    put_compressed(&craft, 0, FIRST * K + 77, data, K);
    put_compressed(&craft, 1, (FIRST + 3) * K, data, 2 * K); /* goes on behind the cluster */
    put_compressed(&craft, 2, (FIRST + 6) * K, data, K - 1); /* too short */
    char *name = craft_save(&craft);
    struct blk *blk = harness_open_co(name, "qcow2", 0);
    for (int i = 0; i < 2; i++) {
        g_assert_cmpint(harness_read_co(blk, i * K, K, got), ==, 0);
        g_assert_cmpmem(got, K, data, K);
        g_assert_cmpint(harness_read_co(blk, i * K + 1000, 1234, got), ==, 0);
        g_assert_cmpmem(got, 1234, data + 1000, 1234);
        g_assert_cmpint(harness_read_co(blk, i * K + 2000, 700, got), ==, 0); /* from memory */
        g_assert_cmpmem(got, 700, data + 2000, 700);
    }
    g_assert_cmpint(harness_read_co(blk, 2 * K, K, got), ==, -EIO);
    g_assert_cmpint(harness_read_co(blk, 2 * K + 5, 5, got), ==, -EIO);
    harness_close_co(blk);
    harness_remove(name);
}

struct reader {
    struct blk *blk;
    const uint8_t *expected;
    int64_t offset;
};

static unsigned readers_done;

static void read_part(void *data)
{
    g_autofree struct reader *reader = data;
    uint8_t got[100];
    g_assert_cmpint(harness_read_co(reader->blk, reader->offset, sizeof(got), got), ==, 0);
    g_assert_cmpmem(got, sizeof(got), reader->expected + reader->offset % K, sizeof(got));
    readers_done++;
}

/* More clusters at a time than are kept, several readers of each. */
static void test_compressed_in_parallel(void)
{
    enum { CLUSTERS = 300 };
    struct craft craft = craft_new(CLUSTERS * K, FIRST + CLUSTERS);
    g_autofree uint8_t *data = noise(K);
    for (int i = 0; i < CLUSTERS; i++)
        put_compressed(&craft, i, (FIRST + i) * (int64_t)K + 7, data, K);
    char *name = craft_save(&craft);
    struct blk *blk = harness_open_co(name, "qcow2", 0);
    readers_done = 0;
    for (int i = 0; i < 3 * CLUSTERS; i++) {
        struct reader reader = {blk, data, i % CLUSTERS * (int64_t)K + i};
        co_start(read_part, g_memdup2(&reader, sizeof(reader)));
    }
    while (readers_done < 3 * CLUSTERS)
        co_yield_co();
    harness_close_co(blk);
    harness_remove(name);
}

/* ---- check and the map of the file, with windows of every size ---- */

static int add_line(void *data, const struct inspect_problem *problem)
{
    g_ptr_array_add(data, g_strdup(problem->text));
    return 0;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *check_lines_co(struct blk *blk, uint64_t window, struct inspect_check *ret_check)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    g_assert_cmpint(qcow2_check_window_co(blk->root, window, add_line, lines, ret_check), ==, 0);
    qsort(lines->pdata, lines->len, sizeof(void *), compare_lines);
    return lines;
}

static struct craft broken_image(void)
{
    struct craft craft = some_image();
    craft_refcount(&craft, FIRST + 20, 1);                                                     /* leaked */
    craft_refcount(&craft, FIRST + 1, 0);                                                      /* in use, but free */
    craft_refcount(&craft, FIRST, 300);                                                        /* far too many */
    craft_entry(&craft, 10, (UINT64_C(1) << 63) | (FIRST + 5) * K);                            /* twice */
    craft_entry(&craft, 11, (UINT64_C(1) << 63) | ((FIRST + 12) * K + 512));                   /* unaligned */
    craft_entry(&craft, 12, (UINT64_C(1) << 63) | 1000 * K);                                   /* past the end */
    craft_entry(&craft, 13, (UINT64_C(1) << 62) | ((FIRST + 15) * K - 100) | UINT64_C(1) << 58); /* in two clusters */
    return craft;
}

static void test_check_windows(void)
{
    struct craft craft = broken_image();
    char *name = craft_save(&craft);
    struct blk *blk = harness_open_co(name, "qcow2", 0);
    struct inspect_check whole, part;
    g_autoptr(GPtrArray) lines = check_lines_co(blk, 0, &whole);
    g_assert_cmpint(whole.leaks, ==, 2);
    g_assert_cmpint(whole.corruptions, >=, 6);
    g_assert_cmpint(inspect_check_status(&whole), ==, 2);
    for (uint64_t window = 1; window < 45; window += 3) {
        g_autoptr(GPtrArray) others = check_lines_co(blk, window, &part);
        g_assert_cmpmem(&part, sizeof(part), &whole, sizeof(whole));
        g_assert_cmpuint(others->len, ==, lines->len);
        for (unsigned i = 0; i < lines->len; i++)
            g_assert_cmpstr(others->pdata[i], ==, lines->pdata[i]);
    }
    harness_close_co(blk);
    harness_remove(name);
}

static int add_run(void *data, const struct inspect_host_run *run)
{
    GString *text = data;
    g_string_append_printf(text, "%" G_GINT64_FORMAT "+%" G_GINT64_FORMAT " %x %d %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %d\n", run->start,
                           run->bytes, run->roles, run->snapshot, run->references, run->refcount, run->refcount_known);
    return 0;
}

static void test_host_map_windows(void)
{
    struct craft craft = broken_image();
    char *name = craft_save(&craft);
    struct blk *blk = harness_open_co(name, "qcow2", 0);
    g_autoptr(GString) whole = g_string_new(NULL);
    g_assert_cmpint(qcow2_hostmap_window_co(blk->root, 0, add_run, whole), ==, 0);
    g_assert_nonnull(strstr(whole->str, "32768+4096 20 0 1 300 1\n")); /* the exact refcount */
    for (uint64_t window = 1; window < 45; window += 3) {
        g_autoptr(GString) part = g_string_new(NULL);
        g_assert_cmpint(qcow2_hostmap_window_co(blk->root, window, add_run, part), ==, 0);
        g_assert_cmpstr(part->str, ==, whole->str);
    }
    harness_close_co(blk);
    harness_remove(name);
}

/* ---- reopening ---- */

static unsigned problems, owners;

static int see_problem(void *data, const struct inspect_problem *problem)
{
    problems++;
    g_assert_cmpuint(((struct blk *)data)->busy, ==, 1);
    return 0;
}

static int see_owner(void *data, unsigned i, const struct inspect_owner *owner)
{
    owners++;
    g_assert_cmpuint(((struct blk *)data)->busy, ==, 1);
    return 0;
}

/* A reopen frees what they read from. */
static void test_reopening_waits_for_who_looks_at_the_structure(void)
{
    struct craft craft = some_image();
    craft_refcount(&craft, FIRST + 20, 1);
    char *name = craft_save(&craft);
    struct blk *blk = harness_open_co(name, "qcow2", BLK_OPEN_WRITABLE);
    struct inspect_check check;
    int64_t host = FIRST * K;
    g_assert_cmpint(inspect_owners_co(blk, &host, 1, see_owner, blk), ==, 0);
    g_assert_cmpint(inspect_check_co(blk, see_problem, blk, &check), ==, 0);
    g_assert_cmpint(inspect_repair_co(blk, INSPECT_FIX_LEAKS, see_problem, blk, &check), ==, 0);
    g_assert_cmpuint(owners, ==, 1);
    g_assert_cmpuint(problems, >=, 2);
    g_assert_cmpuint(blk->busy, ==, 0);
    harness_close_co(blk);
    harness_remove(name);
}

static void test_reopening_a_corrupt_image_for_writing_is_refused(void)
{
    struct craft craft = some_image();
    craft_put64(&craft, 72, 1 << 1); /* the corrupt bit */
    char *name = craft_save(&craft);
    struct blk *blk = harness_open_co(name, "qcow2", 0);
    GError *error = NULL;
    g_assert_cmpint(blk_reopen_co(blk, 1, -1, NULL, &error), ==, -EACCES);
    g_clear_error(&error);
    harness_assert_bytes_co(blk, 0, K, 1);
    harness_close_co(blk);
    harness_remove(name);
}

static void test_reopened_images_are_written(void)
{
    struct craft craft = craft_new(2 * K * K, 5);
    char *name = craft_save(&craft);
    struct blk *blk = harness_open_co(name, "qcow2", 0);
    uint8_t bytes[K];
    struct iovec iov = {memset(bytes, 7, K), K};
    g_assert_cmpint(blk_reopen_co(blk, 1, -1, NULL, NULL), ==, 0);
    g_assert_cmpint(blk_pwritev_co(blk, 4 * K, &iov, 1, 0, NULL), ==, 0);
    harness_assert_bytes_co(blk, 4 * K, K, 7);
    g_assert_cmpint(blk_reopen_co(blk, 0, -1, NULL, NULL), ==, 0);
    g_assert_cmpint(blk_pwritev_co(blk, 0, &iov, 1, 0, NULL), <, 0);
    harness_assert_bytes_co(blk, 4 * K, K, 7);
    g_assert_cmpint(blk_reopen_co(blk, 1, -1, NULL, NULL), ==, 0);
    g_assert_cmpint(blk_pwritev_co(blk, 0, &iov, 1, 0, NULL), ==, 0);
    harness_assert_bytes_co(blk, 0, K, 7);
    harness_close_co(blk);
    harness_remove(name);
}

/* ---- breakpoints ---- */

static struct blk *open_with_blkdebug_co(const char *name)
{
    g_autofree char *options = g_strdup_printf("driver=qcow2,file.driver=blkdebug,file.image.filename=%s", name);
    return harness_open_options_co(options, 0);
}

static void read_all(void *data)
{
    g_autofree uint8_t *bytes = g_malloc(8 * K);
    g_assert_cmpint(harness_read_co(data, 0, 8 * K, bytes), ==, 0);
    g_assert_cmpuint(bytes[3 * K], ==, 3);
    readers_done++;
}

/* A part of a request that stops is the request that stops. */
static void test_parts_stop_at_breakpoints(void)
{
    struct craft craft = some_image();
    char *name = craft_save(&craft);
    struct blk *blk = open_with_blkdebug_co(name);
    readers_done = 0;
    g_assert_cmpint(blk_break(blk, "read_aio", "A"), ==, 0);
    co_start(read_all, blk);
    g_assert_cmpint(blk_wait_break_co(blk, "A"), ==, 0);
    g_assert_cmpuint(blk_requests(blk)->length, ==, 1);
    const struct blk_request *request = blk_requests(blk)->head->data;
    g_assert_cmpint(request->state, ==, BLK_REQUEST_SUSPENDED);
    g_assert_cmpstr(request->tag, ==, "A");
    g_assert_cmpint(blk_resume(blk, "A"), ==, 0);
    while (readers_done == 0)
        co_yield_co();
    harness_close_co(blk);
    harness_remove(name);
}

/* What a panel reads for itself does not stop, in parts either. */
static void test_looks_pass_breakpoints(void)
{
    struct craft craft = some_image();
    char *name = craft_save(&craft);
    struct blk *blk = open_with_blkdebug_co(name);
    g_autofree uint8_t *bytes = g_malloc(8 * K);
    struct iovec iov = {bytes, 8 * K};
    g_assert_cmpint(blk_break(blk, "read_aio", "A"), ==, 0);
    g_assert_cmpint(blk_preadv_co(blk, 0, &iov, 1, BLK_INTERNAL, NULL), ==, 0);
    g_assert_cmpuint(bytes[3 * K], ==, 3);
    g_assert_false(blk_is_suspended(blk, "A"));
    harness_close_co(blk);
    harness_remove(name);
}

static void add_tests(void)
{
    harness_add("/qcow2/image/parts-stop-at-breakpoints", test_parts_stop_at_breakpoints);
    harness_add("/qcow2/image/looks-pass-breakpoints", test_looks_pass_breakpoints);
    harness_add("/qcow2/image/reads", test_reads);
    harness_add("/qcow2/image/bulk-status-is-single-status", test_bulk_is_single);
    harness_add("/qcow2/image/compressed", test_compressed);
    harness_add("/qcow2/image/compressed-in-parallel", test_compressed_in_parallel);
    harness_add("/qcow2/image/check-in-windows", test_check_windows);
    harness_add("/qcow2/image/host-map-in-windows", test_host_map_windows);
    harness_add("/qcow2/image/reopening-a-corrupt-image-for-writing-is-refused", test_reopening_a_corrupt_image_for_writing_is_refused);
    harness_add("/qcow2/image/reopening-waits-for-who-looks-at-the-structure", test_reopening_waits_for_who_looks_at_the_structure);
    harness_add("/qcow2/image/reopened-images-are-written", test_reopened_images_are_written);
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, NULL, add_tests);
}
