/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness.h"

#include "block/blk_overlay.h"
#include "block/chain.h"

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
    g_assert_true(chain_has_temporary_writes(blk));
    g_assert_cmpint(blk_overlay_discard_co(blk, NULL), ==, 0);
    g_assert_false(chain_has_temporary_writes(blk));
    g_assert_cmpint(blk_truncate_co(blk, SIZE / 2, BLK_PREALLOC_OFF, NULL, NULL), ==, 0);
    g_assert_true(chain_has_temporary_writes(blk));
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

/* ---- undone and done again ---- */

enum { STEPS = 40, ROOM = 6 * KIB64 };

struct moment {
    int64_t size;
    uint8_t bytes[ROOM];
};

static void assert_moment_co(struct blk *blk, const struct moment *moment)
{
    static uint8_t buf[ROOM];
    g_assert_cmpint(blk_length(blk), ==, moment->size);
    g_assert_cmpint(harness_read_co(blk, 0, moment->size, buf), ==, 0);
    g_assert_cmpint(memcmp(buf, moment->bytes, moment->size), ==, 0);
}

static void change_at_random_co(struct blk *blk, struct moment *moment, GRand *rand)
{
    int64_t offset = g_rand_int_range(rand, 0, moment->size), bytes = g_rand_int_range(rand, 1, MIN(moment->size - offset, 70000) + 1);
    uint8_t pattern = g_rand_int_range(rand, 1, 256);
    switch (g_rand_int_range(rand, 0, 6)) {
    case 0: {
        int64_t size = g_rand_int_range(rand, 1, ROOM / 512 + 1) * 512;
        enum blk_prealloc prealloc = size > moment->size ? g_rand_int_range(rand, 0, BLK_PREALLOC_FULL + 1) : BLK_PREALLOC_OFF;
        g_assert_cmpint(blk_truncate_co(blk, size, prealloc, NULL, NULL), ==, 0);
        if (size > moment->size)
            memset(moment->bytes + moment->size, 0, size - moment->size);
        moment->size = size;
        break;
    }
    case 1:
    case 2:
        g_assert_cmpint(blk_pwrite_zeroes_co(blk, offset, bytes, 0, NULL), ==, 0);
        memset(moment->bytes + offset, 0, bytes);
        break;
    default:
        g_assert_cmpint(harness_fill_co(blk, offset, bytes, pattern), ==, 0);
        memset(moment->bytes + offset, pattern, bytes);
    }
}

static void move_to_co(struct blk *blk, unsigned *at, unsigned to)
{
    for (; *at != to; *at = *at < to ? *at + 1 : *at - 1) {
        g_autofree char *label = NULL;
        g_assert_cmpint(blk_overlay_move_co(blk, *at < to, &label, NULL), ==, 0);
        g_assert_cmpint(atoi(label), ==, *at < to ? *at + 1 : *at);
    }
}

static void steps_lead_back_and_forth(void)
{
    struct moment *moments = g_new0(struct moment, STEPS + 1);
    for (unsigned seed = 1; seed <= 20; seed++) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
        char *name = harness_file(3 * KIB64);
        struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE);
        g_assert_cmpint(harness_fill_co(blk, 0, 3 * KIB64, 0x77), ==, 0);
        harness_close_co(blk);
        blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE | BLK_OPEN_SNAPSHOT);
        moments[0].size = 3 * KIB64;
        memset(moments[0].bytes, 0x77, 3 * KIB64);
        for (unsigned i = 1; i <= STEPS; i++) {
            g_autofree char *label = g_strdup_printf("%u", i);
            moments[i] = moments[i - 1];
            blk_overlay_mark(blk, "nothing"); /* a step without changes vanishes */
            blk_overlay_mark(blk, label);
            do
                change_at_random_co(blk, &moments[i], rand);
            while (g_rand_boolean(rand));
            assert_moment_co(blk, &moments[i]);
            struct blk_overlay_status status;
            g_assert_cmpint(blk_overlay_status(blk, &status), ==, 0);
            if (status.undo < i) { /* cut to the size it had: no change */
                change_at_random_co(blk, &moments[i], rand);
                while (blk_overlay_status(blk, &status) == 0 && status.undo < i)
                    change_at_random_co(blk, &moments[i], rand);
            }
        }
        unsigned at = STEPS;
        for (unsigned i = 0; i < 30; i++) {
            move_to_co(blk, &at, g_rand_int_range(rand, 0, STEPS + 1));
            assert_moment_co(blk, &moments[at]);
        }
        move_to_co(blk, &at, STEPS / 2);
        struct blk_overlay_progress progress;
        g_assert_cmpint(blk_overlay_commit_co(blk, &progress, NULL), ==, 0);
        g_assert_cmpint(progress.done, ==, progress.total);
        assert_moment_co(blk, &moments[at]);
        g_assert_cmpint(blk_overlay_move_co(blk, false, NULL, NULL), ==, -ENOENT);
        g_assert_cmpint(harness_fill_co(blk, 0, 512, 0xee), ==, 0);
        g_assert_cmpint(blk_overlay_discard_co(blk, NULL), ==, 0);
        assert_moment_co(blk, &moments[at]);
        harness_close_co(blk);
        blk = harness_open_co(name, "raw", 0);
        assert_moment_co(blk, &moments[at]);
        harness_close_co(blk);
        harness_remove(name);
    }
    g_free(moments);
}

static void a_change_ends_what_could_be_done_again(void)
{
    char *name = harness_file(KIB64);
    struct blk *blk = harness_open_co(name, "raw", 0);
    g_autofree char *undone = NULL;
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 1), ==, -EPERM);
    g_assert_cmpint(blk_overlay_start_co(blk, NULL), ==, 0);
    g_assert_cmpint(blk_overlay_start_co(blk, NULL), ==, -EEXIST);
    blk_overlay_mark(blk, "first");
    g_assert_cmpint(harness_fill_co(blk, 0, 512, 1), ==, 0);
    g_assert_cmpint(blk_overlay_move_co(blk, false, &undone, NULL), ==, 0);
    g_assert_cmpstr(undone, ==, "first");
    blk_overlay_mark(blk, "second");
    g_assert_cmpint(harness_fill_co(blk, 512, 512, 2), ==, 0);
    g_assert_cmpint(blk_overlay_move_co(blk, true, NULL, &error), ==, -ENOENT);
    g_assert_cmpstr(error->message, ==, "there is nothing to redo");
    harness_assert_bytes_co(blk, 0, 512, 0);
    harness_close_co(blk);
    harness_remove(name);
}

static void the_oldest_steps_go_first(void)
{
    char *name = harness_file(1 << 20);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE | BLK_OPEN_SNAPSHOT);
    struct blk_overlay_status status;
    for (unsigned i = 0; i < 1005; i++) {
        blk_overlay_mark(blk, "step");
        g_assert_cmpint(harness_fill_co(blk, 0, 512, 1 + i % 200), ==, 0);
    }
    g_assert_cmpint(blk_overlay_status(blk, &status), ==, 0);
    g_assert_cmpuint(status.undo, ==, 1000);
    g_assert_true(status.lost);
    for (unsigned i = 0; i < 1000; i++) {
        g_autofree char *label = NULL;
        g_assert_cmpint(blk_overlay_move_co(blk, false, &label, NULL), ==, 0);
    }
    harness_assert_bytes_co(blk, 0, 512, 5);
    harness_close_co(blk);
    harness_remove(name);
}

/* Nothing is lost: neither what was written nor the way back. */
static void a_commit_that_fails_keeps_the_layer(void)
{
    char *name = harness_file(KIB64);
    struct blk *blk = harness_open_co(name, "raw", BLK_OPEN_WRITABLE | BLK_OPEN_SNAPSHOT);
    struct blk_overlay_progress progress;
    g_autofree char *label = NULL;
    g_autoptr(GError) error = NULL;
    blk_overlay_mark(blk, "write");
    g_assert_cmpint(harness_fill_co(blk, 100, 512, 3), ==, 0);
    g_assert_cmpint(truncate(name, 2 * KIB64), ==, 0); /* by somebody else */
    g_assert_cmpint(blk_overlay_commit_co(blk, &progress, &error), ==, -ESTALE);
    g_assert_cmpint(progress.done, ==, 0);
    harness_assert_bytes_co(blk, 100, 512, 3);
    g_assert_cmpint(blk_overlay_move_co(blk, false, &label, NULL), ==, 0);
    harness_assert_bytes_co(blk, 100, 512, 0);
    harness_close_co(blk);
    harness_remove(name);
}

static void add_tests(void)
{
    harness_add("/block/overlay/steps-lead-back-and-forth", steps_lead_back_and_forth);
    harness_add("/block/overlay/a-change-ends-redo", a_change_ends_what_could_be_done_again);
    harness_add("/block/overlay/the-oldest-steps-go-first", the_oldest_steps_go_first);
    harness_add("/block/overlay/a-failed-commit-keeps-the-layer", a_commit_that_fails_keeps_the_layer);
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
