/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What concerns all of an image, or bytes that are read just then, while a write is under way: nothing that was written is lost. */
#include "block/create.h"
#include "block/inspect.h"
#include "harness.h"

enum { K = 1024, M = K * K };

static struct blk *blk;
static char *name;
static int write_ret, other_ret;

/* ---- turns of the loop, and requests of the files ---- */

static void turn(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static void complete_all(void)
{
    for (turn(); aio_manual_count(harness_aio); turn())
        aio_manual_complete(harness_aio, 0, 0);
}

/* The others stay where they are. */
static void complete_writes(void)
{
    for (unsigned i = 0; i < aio_manual_count(harness_aio);) {
        if (aio_manual_peek(harness_aio, i).op == AIO_WRITE)
            aio_manual_complete(harness_aio, i, 0);
        else
            i++;
    }
    turn();
}

static void run(co_fn *fn)
{
    co_start(fn, NULL);
    complete_all();
    g_assert_cmpuint(co_live(), ==, 0);
}

static void create_body(void *data)
{
    GError *error = NULL;
    struct blk_create how = {.filename = name, .format = "qcow2", .size = 4 * M, .replace = true, .aio = harness_aio};
    blk_create_co(&how, &error);
    g_assert_no_error(error);
}

/* What the first write does besides is over. */
static void open_body(void *data)
{
    g_autofree char *options = g_strconcat(data, name, NULL);
    blk = harness_open_options_co(options, BLK_OPEN_WRITABLE | BLK_OPEN_DISCARD_UNMAP);
    g_assert_cmpint(harness_fill_co(blk, 3 * M, 512, 3), ==, 0);
    g_assert_cmpint(blk_flush_co(blk, NULL), ==, 0);
}

/* options: up to the name. */
static void open_new(const char *options)
{
    name = harness_file(0);
    run(create_body);
    co_start(open_body, (void *)options);
    complete_all();
    g_assert_cmpuint(co_live(), ==, 0);
}

static void write_body(void *data)
{
    write_ret = harness_fill_co(blk, 0, M, 1);
}

/* Stops a write there, carries other out as far as it goes, and then the rest of both. */
static void carry_out_beside(const char *event, co_fn *other)
{
    write_ret = other_ret = 1;
    g_assert_cmpint(blk_break(blk, event, "here"), ==, 0);
    co_start(write_body, NULL);
    complete_all();
    g_assert_cmpint(write_ret, ==, 1);
    co_start(other, NULL);
    complete_all();
    g_assert_cmpint(blk_resume(blk, "here"), ==, 0);
    complete_all();
    g_assert_cmpuint(co_live(), ==, 0);
    g_assert_cmpint(write_ret, ==, 0);
    g_assert_cmpint(other_ret, ==, 0);
}

static int show_problem(void *data, const struct inspect_problem *problem)
{
    g_test_message("%s", problem->text);
    return 0;
}

static void check_body(void *data)
{
    struct inspect_check check;
    harness_assert_bytes_co(blk, 0, M, 1);
    harness_close_co(blk);
    blk = harness_open_co(name, "qcow2", 0);
    harness_assert_bytes_co(blk, 0, M, 1);
    g_assert_cmpint(inspect_check_co(blk, show_problem, NULL, &check), ==, 0);
    g_assert_cmpint(check.corruptions + check.leaks, ==, 0);
    harness_close_co(blk);
}

static void close_body(void *data)
{
    harness_close_co(blk);
}

static void finish(void)
{
    run(check_body);
    harness_remove(name);
}

/* ---- qcow2 ---- */

static const char below_blkdebug[] = "driver=qcow2,file.driver=blkdebug,file.image.driver=file,file.image.filename=";

/* Nothing that is compressed tells that no more of it comes, and the file gets its end. */
static void end_body(void *data)
{
    other_ret = blk_pwrite_compressed_co(blk, 0, NULL, 0, NULL);
}

static void test_end_of_compressed_writes(void)
{
    open_new(below_blkdebug);
    carry_out_beside("pwritev_done", end_body);
    finish();
}

static void repair_body(void *data)
{
    struct inspect_check check;
    other_ret = inspect_repair_co(blk, INSPECT_FIX_ALL, show_problem, NULL, &check);
    g_assert_cmpint(check.leaks_fixed + check.corruptions_fixed, ==, 0);
}

/* Clusters inside of the file that nobody has. */
static void free_some_body(void *data)
{
    g_assert_cmpint(harness_fill_co(blk, 2 * M, M / 2, 3), ==, 0);
    g_assert_cmpint(blk_pdiscard_co(blk, 2 * M, M / 2, 0, NULL), ==, 0);
    g_assert_cmpint(blk_flush_co(blk, NULL), ==, 0);
}

/* What the write has taken and not named yet is no leak. */
static void test_repair(void)
{
    open_new(below_blkdebug);
    run(free_some_body);
    carry_out_beside("write_aio", repair_body);
    finish();
}

static int see_run(void *data, const struct inspect_host_run *run)
{
    g_assert_cmpint(run->bytes, >, 0);
    *(int64_t *)data = run->start + run->bytes;
    return 0;
}

static void map_body(void *data)
{
    int64_t before = blk_length(blk), end = 0;
    other_ret = inspect_host_map_co(blk, see_run, &end);
    g_assert_cmpint(before, >, blk_length(blk));
    g_assert_cmpint(end, ==, *(int64_t *)data);
}

static void shrink_body(void *data)
{
    write_ret = blk_truncate_co(blk, 2 * M, BLK_PREALLOC_OFF, NULL, NULL);
}

/* The map of a file that becomes shorter is that of the file as long as it was. */
static void test_map_of_what_is_cut_off(void)
{
    open_new(below_blkdebug);
    int64_t size = inspect_host_size(blk);
    write_ret = other_ret = 1;
    co_start(map_body, &size);
    turn();
    g_assert_cmpuint(aio_manual_count(harness_aio), ==, 1);
    co_start(shrink_body, NULL);
    for (turn(); aio_manual_count(harness_aio) > 1; turn())
        aio_manual_complete(harness_aio, 1, 0);
    g_assert_cmpint(write_ret, ==, 0);
    g_assert_cmpint(inspect_host_size(blk), <, size);
    complete_all();
    g_assert_cmpint(other_ret, ==, 0);
    run(close_body);
    harness_remove(name);
}

static void reopen_read_only_body(void *data)
{
    harness_close_co(blk);
    blk = harness_open_co(name, "qcow2", 0);
}

static void refresh_body(void *data)
{
    write_ret = blk_refresh_co(blk);
}

static void info_body(void *data)
{
    struct blk_info info;
    other_ret = blk_info_co(blk, &info);
    g_assert_cmpint(other_ret, ==, 0);
    g_assert_cmpint(info.cluster_size, ==, 64 * K);
    blk_info_clear(&info);
}

static int see_snapshot(void *data, const struct inspect_snapshot *snapshot)
{
    g_assert_not_reached();
}

/* Who asks just then, after any of the reads, finds tables: those from before, or waits. */
static void test_tables_that_are_read_again(void)
{
    open_new(below_blkdebug);
    run(reopen_read_only_body);
    unsigned reads = 0;
    for (bool over = false; !over; reads++) {
        write_ret = other_ret = 1;
        co_start(refresh_body, NULL);
        turn();
        for (unsigned i = 0; i < reads && aio_manual_count(harness_aio) > 0; i++, turn())
            aio_manual_complete(harness_aio, 0, 0);
        over = write_ret == 0;
        co_start(info_body, NULL);
        g_assert_cmpint(inspect_snapshots(blk, see_snapshot, NULL), ==, 0);
        g_auto(GStrv) names = inspect_bitmap_names(blk);
        g_assert_cmpuint(g_strv_length(names), ==, 0);
        g_assert_cmpint(blk_length(blk), ==, 4 * M);
        complete_all();
        g_assert_cmpint(write_ret, ==, 0);
        g_assert_cmpint(other_ret, ==, 0);
    }
    g_assert_cmpuint(reads, >=, 3);
    run(close_body);
    harness_remove(name);
}

/* ---- preallocate ---- */

static void grow_body(void *data)
{
    other_ret = blk_truncate_co(blk, 8 * M, BLK_PREALLOC_METADATA, NULL, NULL);
}

static void test_room_that_is_given_back(void)
{
    open_new("driver=qcow2,file.driver=preallocate,file.file.driver=blkdebug,file.file.image.driver=file,file.file.image.filename=");
    carry_out_beside("pwritev_done", grow_body);
    finish();
}

/* ---- quorum ---- */

static char *names[3];

static void open_quorum_body(void *data)
{
    g_autofree char *options = g_strdup_printf(
        "driver=quorum,vote-threshold=2,rewrite-corrupted=on,children.0.driver=raw,children.0.file.filename=%s,children.1.driver=raw,"
        "children.1.file.filename=%s,children.2.driver=raw,children.2.file.filename=%s", names[0], names[1], names[2]);
    blk = harness_open_options_co(options, BLK_OPEN_WRITABLE);
}

static void read_body(void *data)
{
    uint8_t buf[4 * K];
    other_ret = harness_read_co(blk, 0, sizeof(buf), buf);
}

static void look_body(void *data)
{
    uint8_t buf[4 * K];
    struct iovec iov = {buf, sizeof(buf)};
    other_ret = blk_preadv_co(blk, 0, &iov, 1, BLK_INTERNAL, NULL);
    g_assert_cmphex(buf[0], ==, 0);
}

static void assert_first(unsigned child, uint8_t value)
{
    g_autofree char *contents = NULL;
    g_assert_true(g_file_get_contents(names[child], &contents, NULL, NULL));
    g_assert_cmphex((uint8_t)contents[0], ==, value);
}

static void open_quorum(void)
{
    for (int i = 0; i < 3; i++)
        names[i] = harness_file(4 * M);
    run(open_quorum_body);
}

static void close_quorum(void)
{
    run(close_body);
    for (int i = 0; i < 3; i++)
        harness_remove(names[i]);
}

/* Two have said what was there, the third what has been written since: it is not outvoted by them. */
static void test_quorum_corrects_what_was_said(void)
{
    open_quorum();
    co_start(read_body, NULL);
    turn();
    g_assert_cmpuint(aio_manual_count(harness_aio), ==, 3);
    for (int i = 0; i < 2; i++)
        aio_manual_complete(harness_aio, 0, 0);
    turn();
    co_start(write_body, NULL);
    turn();
    complete_writes();
    complete_all();
    g_assert_cmpuint(co_live(), ==, 0);
    g_assert_cmpint(write_ret, ==, 0);
    for (unsigned i = 0; i < 3; i++)
        assert_first(i, 1);
    close_quorum();
}

/* A panel that shows it. */
static void test_quorum_that_is_looked_at(void)
{
    static const uint8_t spoilt = 'X';
    open_quorum();
    int fd = open(names[2], O_WRONLY);
    g_assert_cmpint(pwrite(fd, &spoilt, 1, 0), ==, 1);
    close(fd);
    run(look_body);
    assert_first(2, 'X');
    run(read_body);
    g_assert_cmpint(other_ret, ==, 0);
    assert_first(2, 0);
    close_quorum();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    co_init();
    harness_aio = aio_new("manual", NULL);
    g_test_add_func("/beside/qcow2-end-of-compressed-writes", test_end_of_compressed_writes);
    g_test_add_func("/beside/qcow2-repair", test_repair);
    g_test_add_func("/beside/qcow2-map-of-what-is-cut-off", test_map_of_what_is_cut_off);
    g_test_add_func("/beside/qcow2-tables-that-are-read-again", test_tables_that_are_read_again);
    g_test_add_func("/beside/preallocate-room-that-is-given-back", test_room_that_is_given_back);
    g_test_add_func("/beside/quorum-corrects-what-was-said", test_quorum_corrects_what_was_said);
    g_test_add_func("/beside/quorum-that-is-looked-at", test_quorum_that_is_looked_at);
    int ret = g_test_run();
    aio_free(harness_aio);
    co_done();
    return ret;
}
