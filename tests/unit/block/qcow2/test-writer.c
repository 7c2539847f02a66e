/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every write of the header or of a table's entry fails once, without having been carried out or all the same, and every flush after one;
 * what comes after that succeeds.  The tables grow meanwhile: the refcount table, the L1 table, and they shrink.
 */
#include "block/create.h"
#include "block/inspect.h"
#include "harness.h"

enum { K = 1024, M = K * K, KEPT = 64 * K };

static struct blk *blk;
static char *name;
static const char *new_options; /* of the image */
static unsigned answered;     /* requests so far that may fail */
static unsigned failing;      /* the one that fails, from 1; 0: none */
static bool carried_out;      /* and was carried out all the same */
static bool no_flush_fails;
static bool failed;           /* a command did */

static void turn(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

/* Entries of 8 bytes, of the L1 and the refcount table, or the header. */
static bool may_fail(void)
{
    static bool after;
    struct aio_manual_view view = aio_manual_peek(harness_aio, 0);
    bool was_after = after;
    if (view.op != AIO_WRITE && view.op != AIO_FSYNC)
        return false;
    after = view.op == AIO_WRITE && (view.bytes == 8 || view.offset < 512);
    return after || (was_after && view.op == AIO_FSYNC && !no_flush_fails);
}

static void answer(void)
{
    if (!may_fail() || ++answered != failing)
        aio_manual_complete(harness_aio, 0, 0);
    else if (carried_out)
        aio_manual_complete_failing(harness_aio, 0, -EIO);
    else
        aio_manual_complete(harness_aio, 0, -EIO);
}

static void run(co_fn *fn)
{
    co_start(fn, NULL);
    for (turn(); aio_manual_count(harness_aio); turn())
        answer();
    g_assert_cmpuint(co_live(), ==, 0);
}

static void create_body(void *data)
{
    g_autoptr(options) parsed = options_new();
    GError *error = NULL;
    g_assert_true(options_parse(parsed, new_options, NULL, &error));
    struct blk_create how = {.filename = name, .format = "qcow2", .options = parsed, .size = 4 * M, .replace = true, .aio = harness_aio};
    blk_create_co(&how, &error);
    g_assert_no_error(error);
}

/* Close to where the refcount table has to grow. */
static void fill_body(void *data)
{
    blk = harness_open_co(name, "qcow2", BLK_OPEN_WRITABLE);
    g_assert_cmpint(harness_fill_co(blk, 0, KEPT, 7), ==, 0);
    g_assert_cmpint(harness_fill_co(blk, KEPT, 2 * M - 3 * KEPT / 2, 9), ==, 0);
    harness_close_co(blk);
}

static void note(int ret)
{
    failed = failed || ret < 0;
}

static void work_body(void *data)
{
    blk = harness_open_co(name, "qcow2", BLK_OPEN_WRITABLE | BLK_OPEN_DISCARD_UNMAP);
    note(harness_fill_co(blk, 2 * M - KEPT / 2, KEPT, 3));
    note(harness_fill_co(blk, 3 * M, 30 * K, 4));
    note(blk_truncate_co(blk, 5 * M, BLK_PREALLOC_OFF, "truncate", NULL));
    note(harness_fill_co(blk, blk_length(blk) - 20 * K, 20 * K, 5));
    note(blk_pdiscard_co(blk, 2 * M - KEPT, 40 * K, 0, "discard"));
    note(blk_flush_co(blk, "flush"));
    note(blk_truncate_co(blk, 9 * M / 2, BLK_PREALLOC_OFF, "truncate", NULL));
    note(harness_fill_co(blk, 5 * M / 2, 20 * K, 6));
    note(harness_fill_co(blk, blk_length(blk) - 100 * K, 20 * K, 6));
    note(blk_flush_co(blk, "flush"));
    note(blk_close_co(blk, NULL));
}

static int show_problem(void *data, const struct inspect_problem *problem)
{
    g_test_message("request %u: %s", failing, problem->text);
    return 0;
}

static void check_body(void *data)
{
    struct inspect_check check;
    blk = harness_open_co(name, "qcow2", strstr(new_options, "lazy") ? BLK_OPEN_WRITABLE : 0);
    g_assert_cmpint(inspect_check_co(blk, show_problem, NULL, &check), ==, 0);
    g_assert_cmpint(check.check_errors + check.corruptions, ==, 0);
    if (!failed && !failing)
        g_assert_cmpint(check.leaks, ==, 0);
    harness_assert_bytes_co(blk, 0, KEPT, 7);
    harness_assert_bytes_co(blk, KEPT, 2 * M - 5 * KEPT / 2, 9);
    harness_close_co(blk);
}

/* How many requests there were. */
static unsigned work(unsigned which, bool done, const char *image, gsize bytes)
{
    g_assert_true(g_file_set_contents(name, image, bytes, NULL));
    answered = 0;
    failing = which;
    carried_out = done;
    failed = false;
    run(work_body);
    unsigned n = answered;
    answered = G_MAXUINT / 2;
    run(check_body);
    return n;
}

static void test_each_request_fails(gconstpointer data)
{
    g_autofree char *image = NULL;
    gsize bytes;
    new_options = data;
    failing = 0;
    name = harness_file(0);
    run(create_body);
    run(fill_body);
    g_assert_true(g_file_get_contents(name, &image, &bytes, NULL));
    unsigned n = work(0, false, image, bytes);
    g_assert_false(failed);
    for (unsigned i = 1; i <= n; i += 1 + n / 40) {
        work(i, false, image, bytes);
        work(i, true, image, bytes);
    }
    harness_remove(name);
}

/* ---- repairing ---- */

/* A byte of the image's file, at the offset that stands at `at` and something more. */
static void overwrite(int64_t at, uint64_t more, const void *bytes, gsize n)
{
    g_autofree char *image = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(name, &image, &size, NULL));
    uint64_t offset = 0;
    memcpy(&offset, image + at, sizeof(offset));
    offset = (GUINT64_FROM_BE(offset) & UINT64_C(0x00fffffffffffe00)) + more;
    g_assert_cmpuint(offset + n, <=, size);
    memcpy(image + offset, bytes, n);
    g_assert_true(g_file_set_contents(name, image, size, NULL));
}

static void repair_body(void *data)
{
    struct inspect_check check;
    blk = harness_open_co(name, "qcow2", BLK_OPEN_WRITABLE);
    int ret = inspect_repair_co(blk, INSPECT_FIX_ALL, NULL, NULL, &check);
    failed = ret < 0;
    if (failed && carried_out) /* the refcounts that are there now are good */
        g_assert_cmpint(harness_fill_co(blk, 3 * M, M / 2, 4), ==, 0);
    harness_close_co(blk);
}

/* Of the last header that is written, the one that names the new refcounts, it is not told that it was. */
static void test_repair_that_was_done_all_the_same(void)
{
    static const uint8_t nothing[8];
    new_options = "cluster_size=4096";
    failing = 0;
    no_flush_fails = true; /* or the file can't be written any more */
    name = harness_file(0);
    run(create_body);
    run(fill_body);
    enum { REFCOUNT_TABLE_AT = 48 };
    overwrite(REFCOUNT_TABLE_AT, 0, nothing, sizeof(nothing));
    g_autofree char *image = NULL;
    gsize bytes;
    g_assert_true(g_file_get_contents(name, &image, &bytes, NULL));
    unsigned met = 0;
    for (failing = 1, failed = true; failed; failing++) {
        g_assert_true(g_file_set_contents(name, image, bytes, NULL));
        answered = 0;
        carried_out = true;
        run(repair_body);
        met += failed;
        answered = G_MAXUINT / 2;
        run(check_body);
    }
    g_assert_cmpuint(met, >, 0);
    no_flush_fails = false;
    harness_remove(name);
}

/* ---- marking ---- */

static void write_body(void *data)
{
    blk = harness_open_co(name, "qcow2", BLK_OPEN_WRITABLE);
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 1), ==, -EIO);
    GError *error = NULL;
    g_assert_cmpint(blk_reopen_co(blk, 0, -1, NULL, &error), ==, 0);
    g_assert_no_error(error);
    blk_close_co(blk, NULL);
}

/* The mark in the header is still being written, by nobody's request, when the image is reopened read-only. */
static void test_marked_corrupt_while_reopened(void)
{
    static const uint8_t unaligned[8] = {0x80, 0, 0, 0, 0, 1, 2, 0};
    enum { L1_TABLE_AT = 40 };
    new_options = "cluster_size=4096";
    failing = 0;
    name = harness_file(0);
    run(create_body);
    run(fill_body);
    g_autofree char *image = NULL;
    gsize bytes;
    g_assert_true(g_file_get_contents(name, &image, &bytes, NULL));
    uint64_t l1;
    memcpy(&l1, image + L1_TABLE_AT, sizeof(l1));
    overwrite((int64_t)GUINT64_FROM_BE(l1), 0, unaligned, sizeof(unaligned));
    run(write_body);
    g_clear_pointer(&image, g_free);
    g_assert_true(g_file_get_contents(name, &image, &bytes, NULL));
    g_assert_cmphex(image[79] & 2, ==, 2); /* "Header", incompatible features: corrupt */
    harness_remove(name);
}

/* ---- the file's length ---- */

static bool write_ended, resize_ended;
static bool no_room; /* for more than is needed: the file system refuses to set any aside */

static void write_fresh_body(void *data)
{
    g_assert_cmpint(harness_fill_co(blk, 0, KEPT, 7), ==, 0);
    write_ended = true;
}

static void shrink_body(void *data)
{
    g_assert_cmpint(blk_truncate_co(blk, M, BLK_PREALLOC_OFF, "truncate", NULL), ==, 0);
    resize_ended = true;
}

/* The area begins behind what is in use: the end of the file is cut off before. */
static void preallocate_body(void *data)
{
    g_assert_cmpint(blk_pdiscard_co(blk, 3 * M, M / 2, 0, "discard"), ==, 0);
    g_assert_cmpint(blk_truncate_co(blk, 5 * M, BLK_PREALLOC_FULL, "truncate", NULL), ==, 0);
    resize_ended = true;
}

static void make_room_body(void *data)
{
    g_assert_cmpint(harness_fill_co(blk, M, 2 * KEPT, 8), ==, 0);
    resize_ended = true;
}

static void fill_end_body(void *data)
{
    blk = harness_open_co(name, "qcow2", BLK_OPEN_WRITABLE);
    g_assert_cmpint(harness_fill_co(blk, 3 * M, M / 2, 9), ==, 0);
    harness_close_co(blk);
}

static void open_body(void *data)
{
    g_autofree char *options = g_strdup_printf("driver=qcow2,%s=file,%s=%s", no_room ? "file.driver=preallocate,file.file.driver" : "file.driver",
                                               no_room ? "file.file.filename" : "file.filename", name);
    blk = harness_open_options_co(options, BLK_OPEN_WRITABLE | BLK_OPEN_DISCARD_UNMAP);
}

static void close_checked_body(void *data)
{
    struct inspect_check check;
    harness_assert_bytes_co(blk, 0, KEPT, 7);
    g_assert_cmpint(inspect_check_co(blk, show_problem, NULL, &check), ==, 0);
    g_assert_cmpint(check.check_errors + check.corruptions, ==, 0);
    harness_close_co(blk);
}

static void answer_at(unsigned index)
{
    bool refused = no_room && aio_manual_peek(harness_aio, index).op == AIO_FALLOCATE;
    aio_manual_complete(harness_aio, index, refused ? -ENOSPC : 0);
}

/* The write of guest data, which lies behind the end of the file. */
static int find_data(void)
{
    for (unsigned i = 0; i < aio_manual_count(harness_aio); i++)
        if (aio_manual_peek(harness_aio, i).op == AIO_WRITE && aio_manual_peek(harness_aio, i).bytes == KEPT)
            return (int)i;
    return -1;
}

/* The data of a write reaches the file before the `when`-th request of a resizing that began after it.  False: there are fewer. */
static bool resize_beside_write(co_fn *resize, unsigned when)
{
    unsigned n = 0;
    run(open_body);
    write_ended = resize_ended = false;
    co_start(write_fresh_body, NULL);
    for (turn(); find_data() < 0; turn())
        answer_at(0);
    co_start(resize, NULL);
    for (turn(); !resize_ended || !write_ended; turn()) {
        int data = find_data();
        bool others = aio_manual_count(harness_aio) > 1;
        if (data >= 0 && (!others || n++ == when))
            answer_at((unsigned)data);
        else
            answer_at(data == 0 ? 1 : 0);
    }
    run(close_checked_body);
    return n > when;
}

static void test_resize_beside_write(gconstpointer resize)
{
    g_autofree char *image = NULL;
    gsize bytes;
    unsigned when = 0;
    new_options = "cluster_size=65536";
    failing = 0;
    answered = G_MAXUINT / 2;
    name = harness_file(0);
    no_room = false;
    run(create_body);
    run(fill_end_body);
    no_room = (co_fn *)resize == make_room_body;
    g_assert_true(g_file_get_contents(name, &image, &bytes, NULL));
    do
        g_assert_true(g_file_set_contents(name, image, bytes, NULL));
    while (resize_beside_write((co_fn *)resize, when++));
    g_assert_cmpuint(when, >, 0);
    harness_remove(name);
}

static void add(void)
{
    g_test_add_data_func("/block/qcow2/writer/shrink-beside-write", (gconstpointer)shrink_body, test_resize_beside_write);
    g_test_add_data_func("/block/qcow2/writer/no-room-beside-write", (gconstpointer)make_room_body, test_resize_beside_write);
    g_test_add_data_func("/block/qcow2/writer/preallocate-beside-write", (gconstpointer)preallocate_body, test_resize_beside_write);
    g_test_add_func("/block/qcow2/writer/repair-that-was-done-all-the-same", test_repair_that_was_done_all_the_same);
    g_test_add_func("/block/qcow2/writer/marked-corrupt-while-reopened", test_marked_corrupt_while_reopened);
    g_test_add_data_func("/block/qcow2/writer/each-request-fails", "cluster_size=512,refcount_bits=64", test_each_request_fails);
    g_test_add_data_func("/block/qcow2/writer/each-request-fails/lazy", "cluster_size=512,refcount_bits=64,lazy_refcounts=on",
                         test_each_request_fails);
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, "manual", add);
}
