/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The filters, each on files of its own: what reaches them, what comes back, what goes wrong. */
#include "harness.h"

#include "block/create.h"

enum { SIZE = 1 << 20, CLUSTER = 64 << 10 };

static void assert_file(const char *name, int64_t offset, int64_t bytes, uint8_t value)
{
    g_autofree char *contents = NULL;
    gsize length;
    g_assert_true(g_file_get_contents(name, &contents, &length, NULL));
    g_assert_cmpint(offset + bytes, <=, (int64_t)length);
    for (int64_t i = offset; i < offset + bytes; i++)
        g_assert_cmphex((uint8_t)contents[i], ==, value);
}

static void spoil(const char *name, int64_t offset)
{
    int fd = open(name, O_WRONLY);
    g_assert_cmpint(pwrite(fd, "X", 1, offset), ==, 1);
    close(fd);
}

static int64_t file_size(const char *name)
{
    struct stat st;
    g_assert_cmpint(stat(name, &st), ==, 0);
    return st.st_size;
}

/* An empty qcow2 image, perhaps above a raw file. */
static char *make_qcow2_co(const char *backing)
{
    char *name = harness_file(0);
    g_autoptr(GError) error = NULL;
    struct blk_create create = {.filename = name, .format = "qcow2", .backing = backing, .backing_format = backing ? "raw" : NULL, .size = SIZE,
                                .replace = true, .refs = BLK_REFS_ALL, .aio = harness_aio};
    blk_create_co(&create, &error);
    g_assert_no_error(error);
    return name;
}

/* ---- quorum ---- */

static struct blk *open_quorum_co(char *names[3], const char *more)
{
    g_autofree char *options = g_strdup_printf(
        "driver=quorum%s,children.0.driver=raw,children.0.file.filename=%s,children.1.driver=raw,children.1.file.filename=%s,"
        "children.2.driver=raw,children.2.file.filename=%s", more, names[0], names[1], names[2]);
    return harness_open_options_co(options, BLK_OPEN_WRITABLE);
}

static void a_quorum_outvotes_one(void)
{
    char *names[3] = {harness_file(SIZE), harness_file(SIZE), harness_file(SIZE)};
    struct blk *blk = open_quorum_co(names, ",vote-threshold=2,rewrite-corrupted=on");
    uint8_t buf[512];
    g_assert_cmpint(harness_fill_co(blk, 0, SIZE, 7), ==, 0);
    spoil(names[0], 4100);
    harness_assert_bytes_co(blk, 4096, 512, 7);
    assert_file(names[0], 0, SIZE, 7); /* corrected */
    spoil(names[0], 5000);
    spoil(names[1], 5001);
    g_assert_cmpint(harness_read_co(blk, 4608, 512, buf), ==, -EIO);
    harness_close_co(blk);
    for (int i = 0; i < 3; i++)
        harness_remove(names[i]);
}

static void the_first_that_can_be_read(void)
{
    char *names[3] = {harness_file(SIZE), harness_file(SIZE), harness_file(SIZE)};
    struct blk *blk = open_quorum_co(names, ",vote-threshold=3,read-pattern=fifo");
    spoil(names[1], 0);
    spoil(names[2], 0);
    harness_assert_bytes_co(blk, 0, 512, 0);
    harness_close_co(blk);
    for (int i = 0; i < 3; i++)
        harness_remove(names[i]);
}

/* Who is cancelled does not wait for children that never answer. */
static void wait_for_read_co(void *data)
{
    uint8_t buf[512];
    g_assert_cmpint(harness_read_co(data, 0, 512, buf), ==, -ECANCELED);
}

static void a_cancelled_vote_ends(void)
{
    struct blk *blk = harness_open_options_co("driver=quorum,vote-threshold=2,children.0.driver=null-co,children.0.latency-ns=9000000000000000,"
                                              "children.1.driver=null-co,children.1.latency-ns=9000000000000000", 0);
    struct co *co = co_start(wait_for_read_co, blk);
    g_assert_nonnull(co);
    co_yield_co();
    co_cancel(co);
    harness_close_co(blk);
}

/* ---- compress and preallocate ---- */

static void only_compressed_clusters_are_made(void)
{
    char *name = make_qcow2_co(NULL);
    g_autofree char *options = g_strdup_printf("driver=compress,file.driver=qcow2,file.file.filename=%s", name);
    struct blk *blk = harness_open_options_co(options, BLK_OPEN_WRITABLE);
    struct blk_extent extent;
    g_assert_cmpint(harness_fill_co(blk, 100, 1000, 5), ==, 0);
    harness_assert_bytes_co(blk, 100, 1000, 5);
    harness_assert_bytes_co(blk, 1100, 1000, 0);
    g_assert_cmpint(blk_status_co(blk, 0, SIZE, &extent), ==, 0);
    g_assert_cmpint(extent.kind, ==, BLK_KIND_COMPRESSED);
    g_assert_cmpint(extent.length, ==, CLUSTER);
    harness_close_co(blk);
    harness_remove(name);
}

static void room_is_made_and_given_back(void)
{
    char *name = make_qcow2_co(NULL);
    g_autofree char *options =
        g_strdup_printf("driver=qcow2,file.driver=preallocate,file.prealloc-size=4M,file.file.driver=file,file.file.filename=%s", name);
    struct blk *blk = harness_open_options_co(options, BLK_OPEN_WRITABLE);
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 5), ==, 0);
    int64_t during = file_size(name);
    g_assert_cmpint(during, >=, 4 << 20);
    g_assert_cmpint(during % (1 << 20), ==, 0);
    g_assert_cmpint(blk_reopen_co(blk, 0, -1, NULL, NULL), ==, 0);
    g_assert_cmpint(file_size(name), <, 1 << 20);
    g_assert_cmpint(blk_reopen_co(blk, 1, -1, NULL, NULL), ==, 0);
    g_assert_cmpint(harness_fill_co(blk, 8 * CLUSTER, 512, 6), ==, 0);
    g_assert_cmpint(file_size(name), >=, 4 << 20);
    harness_close_co(blk);
    g_assert_cmpint(file_size(name), <, 1 << 20);
    harness_remove(name);
}

/* ---- copy-on-read, blkverify, blklogwrites ---- */

static void what_is_read_is_there_afterwards(void)
{
    char *base = harness_file(SIZE), *name = make_qcow2_co(base);
    spoil(base, 5);
    g_autofree char *options = g_strdup_printf("driver=copy-on-read,file.driver=qcow2,file.file.filename=%s", name);
    struct blk *blk = harness_open_options_co(options, BLK_OPEN_WRITABLE);
    uint8_t byte;
    int64_t n;
    g_assert_cmpint(blk_is_allocated_co(blk, 0, SIZE, &n), ==, 0);
    g_assert_cmpint(harness_read_co(blk, 5, 1, &byte), ==, 0);
    g_assert_cmphex(byte, ==, 'X');
    g_assert_cmpint(blk_is_allocated_co(blk, 0, SIZE, &n), ==, 1);
    g_assert_cmpint(n, ==, CLUSTER);
    harness_close_co(blk);
    harness_remove(name);
    harness_remove(base);
}

static void a_difference_is_an_error(void)
{
    char *raw = harness_file(SIZE), *test = harness_file(SIZE);
    g_autofree char *options = g_strdup_printf("driver=blkverify,raw.driver=file,raw.filename=%s,test.driver=raw,test.file.filename=%s", raw, test);
    struct blk *blk = harness_open_options_co(options, BLK_OPEN_WRITABLE);
    uint8_t buf[512];
    g_assert_cmpint(harness_fill_co(blk, 0, 4096, 5), ==, 0);
    assert_file(raw, 0, 4096, 5);
    assert_file(test, 0, 4096, 5);
    spoil(test, 600);
    harness_assert_bytes_co(blk, 0, 512, 5);
    g_assert_cmpint(harness_read_co(blk, 512, 512, buf), ==, -EIO);
    harness_close_co(blk);
    harness_remove(raw);
    harness_remove(test);
}

static void writes_are_in_the_log(void)
{
    char *file = harness_file(SIZE), *log = harness_file(0);
    g_autofree char *options =
        g_strdup_printf("driver=blklogwrites,file.driver=file,file.filename=%s,log.driver=file,log.filename=%s", file, log), *contents = NULL;
    struct blk *blk = harness_open_options_co(options, BLK_OPEN_WRITABLE);
    gsize length;
    g_assert_cmpint(harness_fill_co(blk, 512, 512, 5), ==, 0);
    g_assert_cmpint(blk_flush_co(blk, NULL), ==, 0);
    harness_close_co(blk);
    g_assert_true(g_file_get_contents(log, &contents, &length, NULL));
    g_assert_cmpuint(length, >=, 4 * 512); /* superblock, entry, its data, flush */
    g_assert_cmpmem(contents, 7, "rhswfsj", 7);
    g_assert_cmphex(contents[512], ==, 1); /* sector 1 */
    assert_file(log, 1024, 512, 5);
    harness_remove(file);
    harness_remove(log);
}

static void add(void)
{
    harness_add("/filters/a-quorum-outvotes-one", a_quorum_outvotes_one);
    harness_add("/filters/the-first-that-can-be-read", the_first_that_can_be_read);
    harness_add("/filters/a-cancelled-vote-ends", a_cancelled_vote_ends);
    harness_add("/filters/only-compressed-clusters-are-made", only_compressed_clusters_are_made);
    harness_add("/filters/room-is-made-and-given-back", room_is_made_and_given_back);
    harness_add("/filters/what-is-read-is-there-afterwards", what_is_read_is_there_afterwards);
    harness_add("/filters/a-difference-is-an-error", a_difference_is_an_error);
    harness_add("/filters/writes-are-in-the-log", writes_are_in_the_log);
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, NULL, add);
}
