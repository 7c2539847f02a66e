/* SPDX-License-Identifier: GPL-3.0-or-later */
/* copy-before-write and snapshot-access: what was there stays readable, whatever happens at the same time; nodes used once more. */
#include "harness.h"

enum { SIZE = 1 << 20, CLUSTER = 64 << 10, OLD = 1 };

static char *old_file(void)
{
    char *name = harness_file(0);
    g_autofree char *bytes = g_malloc(SIZE);
    memset(bytes, OLD, SIZE);
    g_assert_true(g_file_set_contents(name, bytes, SIZE, NULL));
    return name;
}

/* Of each cluster of the target: old bytes, or still nothing. */
static void assert_target(const char *name, int64_t copied)
{
    g_autofree char *bytes = NULL;
    gsize length;
    int64_t found = 0;
    g_assert_true(g_file_get_contents(name, &bytes, &length, NULL));
    for (gsize at = 0; at < length; at += CLUSTER) {
        for (int i = 1; i < CLUSTER; i++)
            g_assert_cmphex(bytes[at + i], ==, bytes[at]);
        g_assert_true(bytes[at] == 0 || bytes[at] == OLD);
        found += bytes[at] == OLD;
    }
    if (copied >= 0)
        g_assert_cmpint(found, ==, copied);
}

static char *copying(const char *prefix, const char *file, const char *target)
{
    return g_strdup_printf("%1$sdriver=copy-before-write,%1$sfile.driver=file,%1$sfile.filename=%2$s,%3$s", prefix, file, target);
}

static struct blk *open_copying_co(const char *file, const char *target)
{
    g_autofree char *options = copying("", file, target);
    return harness_open_options_co(options, BLK_OPEN_WRITABLE);
}

/* Writes go to the image, reads say what it was: the snapshot is asked first, and takes no writes. */
static struct blk *open_pair_co(const char *file, const char *target)
{
    g_autofree char *to = g_strdup_printf("children.0.file.target.driver=file,children.0.file.target.filename=%s", target);
    g_autofree char *below = copying("children.0.file.", file, to);
    g_autofree char *options = g_strdup_printf("driver=quorum,vote-threshold=1,read-pattern=fifo,children.0.driver=snapshot-access,%s,"
                                               "children.0.file.node-name=c,children.1=c", below);
    return harness_open_options_co(options, BLK_OPEN_WRITABLE);
}

static void what_was_there_is_in_the_target(void)
{
    char *file = old_file(), *target = harness_file(SIZE);
    g_autofree char *to = g_strdup_printf("target.driver=file,target.filename=%s", target);
    struct blk *blk = open_copying_co(file, to);
    g_assert_cmpint(harness_fill_co(blk, CLUSTER - 1, 2, 9), ==, 0);
    assert_target(target, 2);
    g_assert_cmpint(blk_pwrite_zeroes_co(blk, 5 * CLUSTER, CLUSTER, 0, NULL), ==, 0);
    assert_target(target, 3);
    g_assert_cmpint(harness_fill_co(blk, CLUSTER, 512, 8), ==, 0);
    assert_target(target, 3);
    g_assert_cmpint(blk_truncate_co(blk, 15 * CLUSTER + 5, BLK_PREALLOC_OFF, NULL, NULL), ==, 0);
    assert_target(target, 4);
    harness_assert_bytes_co(blk, CLUSTER - 1, 1, 9);
    harness_close_co(blk);
    harness_remove(file);
    harness_remove(target);
}

static void what_can_not_be_copied_is_not_written(void)
{
    char *file = old_file(), *target = harness_file(SIZE);
    g_autofree char *to = g_strdup_printf("target.driver=blkdebug,target.image.driver=file,target.image.filename=%s,"
                                          "target.inject-error.0.event=pwritev,target.inject-error.0.errno=28,target.inject-error.0.once=on", target);
    struct blk *blk = open_copying_co(file, to);
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 9), ==, -ENOSPC);
    harness_assert_bytes_co(blk, 0, 512, OLD);
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 9), ==, 0);
    assert_target(target, 1);
    harness_close_co(blk);
    harness_remove(file);
    harness_remove(target);
}

/* ---- a target that takes its time ---- */

static void write_first_cluster_co(void *data)
{
    g_assert_cmpint(harness_fill_co(data, 0, 512, 9), ==, -ECANCELED);
}

static void who_is_cancelled_writes_nothing(void)
{
    char *file = old_file();
    struct blk *blk = open_copying_co(file, "target.driver=null-co,target.cache.no-flush=on,target.latency-ns=9000000000000000");
    struct co *first = co_start(write_first_cluster_co, blk), *second = co_start(write_first_cluster_co, blk);
    g_assert_nonnull(first);
    co_yield_co();
    co_cancel(first);
    co_cancel(second); /* waits for the first, and goes on then */
    harness_close_co(blk);
    blk = harness_open_co(file, "raw", 0);
    harness_assert_bytes_co(blk, 0, 512, OLD);
    harness_close_co(blk);
    harness_remove(file);
}

static void copying_ends_when_its_time_is_over(void)
{
    char *file = old_file();
    struct blk *blk = open_copying_co(file, "target.driver=null-co,target.cache.no-flush=on,target.latency-ns=9000000000000000,cbw-timeout=1");
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 9), ==, -ETIMEDOUT);
    harness_assert_bytes_co(blk, 0, 512, OLD);
    harness_close_co(blk);
    harness_remove(file);
}

/* ---- many at once ---- */

struct crowd {
    struct blk *blk;
    GRand *random;
    unsigned running, left;
    struct co_queue ended;
};

static void one_of_many(void *data)
{
    struct crowd *crowd = data;
    while (crowd->left > 0) {
        int64_t offset = g_rand_int_range(crowd->random, 0, SIZE), bytes = g_rand_int_range(crowd->random, 1, 3 * CLUSTER);
        bytes = MIN(bytes, SIZE - offset);
        crowd->left--;
        if (g_rand_int_range(crowd->random, 0, 2))
            harness_assert_bytes_co(crowd->blk, offset, bytes, OLD);
        else
            g_assert_cmpint(harness_fill_co(crowd->blk, offset, bytes, (uint8_t)g_rand_int_range(crowd->random, 2, 256)), ==, 0);
        co_relax_co();
    }
    crowd->running--;
    co_queue_wake_one(&crowd->ended);
}

static void old_bytes_are_read_while_others_write(void)
{
    for (uint32_t seed = 1; seed <= 20; seed++) {
        char *file = old_file(), *target = harness_file(SIZE);
        struct crowd crowd = {.blk = open_pair_co(file, target), .random = g_rand_new_with_seed(seed), .running = 8, .left = 100};
        for (int i = 0; i < 8; i++)
            co_start(one_of_many, &crowd);
        while (crowd.running > 0)
            co_queue_wait_uncancellable_co(&crowd.ended);
        harness_assert_bytes_co(crowd.blk, 0, SIZE, OLD);
        harness_close_co(crowd.blk);
        assert_target(target, -1);
        g_rand_free(crowd.random);
        harness_remove(file);
        harness_remove(target);
    }
}

/* ---- snapshot-access alone ---- */

static void nothing_is_written_to_a_snapshot(void)
{
    char *file = old_file(), *target = harness_file(SIZE);
    g_autofree char *to = g_strdup_printf("file.target.driver=file,file.target.filename=%s", target), *below = copying("file.", file, to);
    g_autofree char *options = g_strdup_printf("driver=snapshot-access,%s", below);
    struct blk *blk = harness_open_options_co(options, BLK_OPEN_WRITABLE | BLK_OPEN_DISCARD_UNMAP);
    uint8_t buf[512];
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 9), ==, -ENOTSUP);
    g_assert_cmpint(blk_pwrite_zeroes_co(blk, 0, 512, 0, NULL), ==, -ENOTSUP);
    g_assert_cmpint(blk_pdiscard_co(blk, CLUSTER - 1, CLUSTER + 1, 0, NULL), ==, 0); /* of whole clusters, one */
    harness_assert_bytes_co(blk, 0, CLUSTER, OLD);
    g_assert_cmpint(harness_read_co(blk, 2 * CLUSTER - 1, 2, buf), ==, -EACCES);
    harness_assert_bytes_co(blk, 2 * CLUSTER, SIZE - 2 * CLUSTER, OLD);
    harness_close_co(blk);
    blk = harness_open_co(file, "raw", 0);
    harness_assert_bytes_co(blk, 0, SIZE, OLD);
    harness_close_co(blk);
    harness_remove(file);
    harness_remove(target);
}

static void replication_moves_nothing(void)
{
    char *file = old_file();
    g_autofree char *options = g_strdup_printf("driver=replication,mode=secondary,top-id=x,file.driver=file,file.filename=%s", file);
    struct blk *blk = harness_open_options_co(options, BLK_OPEN_WRITABLE | BLK_OPEN_DISCARD_UNMAP);
    uint8_t buf[512];
    g_assert_cmpint(harness_read_co(blk, 0, 512, buf), ==, -EIO);
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 9), ==, -EIO);
    g_assert_cmpint(blk_pdiscard_co(blk, 0, SIZE, 0, NULL), ==, 0);
    harness_close_co(blk);
    blk = harness_open_co(file, "raw", 0);
    harness_assert_bytes_co(blk, 0, SIZE, OLD);
    harness_close_co(blk);
    harness_remove(file);
}

/* When nothing else is to do, one of the requests that wait is carried out, any. */
static gboolean carry_out_one(void *random)
{
    unsigned count = aio_manual_count(harness_aio);
    if (count > 0)
        aio_manual_complete(harness_aio, (unsigned)g_rand_int_range(random, 0, (gint32)count), 0);
    return G_SOURCE_CONTINUE;
}

static void add(void)
{
    g_idle_add_full(G_PRIORITY_DEFAULT_IDLE, carry_out_one, g_rand_new_with_seed(1), (GDestroyNotify)g_rand_free);
    harness_add("/before-write/what-was-there-is-in-the-target", what_was_there_is_in_the_target);
    harness_add("/before-write/what-can-not-be-copied-is-not-written", what_can_not_be_copied_is_not_written);
    harness_add("/before-write/who-is-cancelled-writes-nothing", who_is_cancelled_writes_nothing);
    harness_add("/before-write/copying-ends-when-its-time-is-over", copying_ends_when_its_time_is_over);
    harness_add("/before-write/old-bytes-are-read-while-others-write", old_bytes_are_read_while_others_write);
    harness_add("/before-write/nothing-is-written-to-a-snapshot", nothing_is_written_to_a_snapshot);
    harness_add("/before-write/replication-moves-nothing", replication_moves_nothing);
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, "manual", add);
}
