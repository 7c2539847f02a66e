/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Padding, zeroes and writers side by side on nodes with an alignment, against a model in memory. */
#include "harness.h"

enum { SIZE = 64 * 1024, ALIGNMENT = 4096 };

static struct blk *open_aligned_co(const char *name, const char *limits)
{
    g_autofree char *options =
        g_strdup_printf("driver=raw,file.driver=blkdebug,file.align=%d,%sfile.image.driver=file,file.image.filename=%s", ALIGNMENT, limits, name);
    return harness_open_options_co(options, BLK_OPEN_WRITABLE | BLK_OPEN_DISCARD_UNMAP);
}

static void assert_equals_model_co(struct blk *blk, const uint8_t *model)
{
    g_autofree uint8_t *buf = g_malloc(SIZE);
    g_assert_cmpint(harness_read_co(blk, 0, SIZE, buf), ==, 0);
    g_assert_cmpmem(buf, SIZE, model, SIZE);
}

/* One write or zeroing of that range, in the image and in the model. */
static void change_both_co(struct blk *blk, uint8_t *model, int64_t offset, int64_t bytes, int kind, uint8_t pattern)
{
    if (kind == 0) {
        memset(model + offset, pattern, bytes);
        g_assert_cmpint(harness_fill_co(blk, offset, bytes, pattern), ==, 0);
    } else {
        memset(model + offset, 0, bytes);
        g_assert_cmpint(blk_pwrite_zeroes_co(blk, offset, bytes, kind == 2 ? BLK_MAY_UNMAP : 0, NULL), ==, 0);
    }
}

/* Every misalignment of head and tail, with none to three whole blocks between. */
static void check_every_misalignment_co(const char *limits)
{
    static const int edges[] = {0, 1, 511, 512, 2048, 4095};
    g_autofree uint8_t *model = g_malloc0(SIZE);
    char *name = harness_file(SIZE);
    struct blk *blk = open_aligned_co(name, limits);
    uint8_t pattern = 1;
    for (unsigned head = 0; head < G_N_ELEMENTS(edges); head++) {
        for (unsigned tail = 0; tail < G_N_ELEMENTS(edges); tail++) {
            for (int blocks = 0; blocks < 4; blocks++) {
                int64_t start = ALIGNMENT + edges[head], end = ALIGNMENT * (1 + blocks) + edges[tail];
                if (end <= start)
                    continue;
                change_both_co(blk, model, start, end - start, pattern % 3, pattern);
                pattern = pattern % 255 + 1;
            }
        }
        assert_equals_model_co(blk, model);
    }
    harness_close_co(blk);
    harness_remove(name);
}

static void every_misalignment(void)
{
    check_every_misalignment_co("");
}

static void every_misalignment_in_pieces(void)
{
    check_every_misalignment_co("file.max-transfer=4096,file.opt-write-zero=8192,file.max-write-zero=8192,");
}

/* Without the fallback nothing may be written, and what lies around the zeroes would be. */
static void unaligned_zeroes_need_the_fallback(void)
{
    char *name = harness_file(SIZE);
    unsigned cheap = harness_cheap_zeroes(name);
    struct blk *blk = open_aligned_co(name, "");
    g_assert_cmpint(harness_fill_co(blk, 0, SIZE, 7), ==, 0);
    g_assert_cmpint(blk_pwrite_zeroes_co(blk, 0, 1, BLK_NO_FALLBACK, NULL), ==, -ENOTSUP);
    g_assert_cmpint(blk_pwrite_zeroes_co(blk, 100, 3 * ALIGNMENT, BLK_NO_FALLBACK, NULL), ==, -ENOTSUP);
    harness_assert_bytes_co(blk, 0, SIZE, 7);
    g_assert_cmpint(blk_pwrite_zeroes_co(blk, ALIGNMENT, ALIGNMENT, cheap, NULL), ==, 0);
    harness_assert_bytes_co(blk, ALIGNMENT, ALIGNMENT, 0);
    harness_assert_bytes_co(blk, 2 * ALIGNMENT, ALIGNMENT, 7);
    harness_close_co(blk);
    harness_remove(name);
}

static void unaligned_reads(void)
{
    g_autofree uint8_t *model = g_malloc(SIZE), *buf = g_malloc(SIZE);
    char *name = harness_file(SIZE);
    for (int i = 0; i < SIZE; i++)
        model[i] = i * 7 + (i >> 8);
    struct blk *blk = open_aligned_co(name, "");
    g_assert_cmpint(harness_write_co(blk, 0, SIZE, model), ==, 0);
    for (int start = 4090; start < 4100; start++) {
        for (int end = 8190; end < 8195; end++) {
            struct iovec iov[3] = {{buf, 1}, {buf + 1, 1000}, {buf + 1001, end - start - 1001}};
            memset(buf, 0, SIZE);
            g_assert_cmpint(blk_preadv_co(blk, start, iov, 3, 0, NULL), ==, 0);
            g_assert_cmpmem(buf, end - start, model + start, end - start);
        }
    }
    harness_close_co(blk);
    harness_remove(name);
}

/* ---- writers side by side ---- */

struct writer {
    struct blk *blk;
    int64_t offset, bytes;
    uint8_t pattern;
    bool done;
};

static void writer_body(void *data)
{
    struct writer *writer = data;
    g_assert_cmpint(harness_fill_co(writer->blk, writer->offset, writer->bytes, writer->pattern), ==, 0);
    writer->done = true;
}

/* While one writer is stopped between reading the block and writing it back, a second to the same block must wait. */
static void padded_writes_exclude_each_other(void)
{
    char *name = harness_file(SIZE);
    struct blk *blk = open_aligned_co(name, "");
    struct writer first = {blk, 0, 1024, 0x11}, second = {blk, 1024, 1024, 0x22}, whole = {blk, 0, ALIGNMENT, 0x33},
                  elsewhere = {blk, 2 * ALIGNMENT, 100, 0x44};
    g_assert_cmpint(blk_break(blk, "pwritev_rmw_after_tail", "A"), ==, 0);
    co_start(writer_body, &first);
    g_assert_cmpint(blk_wait_break_co(blk, "A"), ==, 0);
    co_start(writer_body, &second);
    co_start(writer_body, &elsewhere);
    while (!elsewhere.done)
        co_yield_co();
    co_start(writer_body, &whole);
    for (int i = 0; i < 20; i++)
        co_yield_co();
    g_assert_false(second.done);
    g_assert_false(whole.done);
    g_assert_cmpint(blk_resume(blk, "A"), ==, 0);
    while (!first.done || !second.done || !whole.done)
        co_yield_co();
    /* The last one entered wrote last. */
    harness_assert_bytes_co(blk, 0, ALIGNMENT, 0x33);
    harness_assert_bytes_co(blk, 2 * ALIGNMENT, 100, 0x44);
    harness_close_co(blk);
    harness_remove(name);
}

static void truncate_waits_for_padded_write(void)
{
    char *name = harness_file(SIZE);
    struct blk *blk = open_aligned_co(name, "");
    struct writer last = {blk, SIZE - 1000, 1000, 0x11};
    GError *error = NULL;
    g_assert_cmpint(blk_break(blk, "pwritev_rmw_after_head", "A"), ==, 0);
    co_start(writer_body, &last);
    g_assert_cmpint(blk_wait_break_co(blk, "A"), ==, 0);
    g_assert_cmpint(blk_resume(blk, "A"), ==, 0);
    g_assert_cmpint(blk_truncate_co(blk, SIZE - ALIGNMENT, BLK_PREALLOC_OFF, NULL, &error), ==, 0);
    g_assert_true(last.done);
    harness_close_co(blk);
    GStatBuf st;
    g_assert_cmpint(g_stat(name, &st), ==, 0);
    g_assert_cmpint(st.st_size, ==, SIZE - ALIGNMENT);
    harness_remove(name);
}

static void add_tests(void)
{
    harness_add("/block/node/every-misalignment", every_misalignment);
    harness_add("/block/node/every-misalignment-in-pieces", every_misalignment_in_pieces);
    harness_add("/block/node/unaligned-zeroes-need-the-fallback", unaligned_zeroes_need_the_fallback);
    harness_add("/block/node/unaligned-reads", unaligned_reads);
    harness_add("/block/node/padded-writes-exclude-each-other", padded_writes_exclude_each_other);
    harness_add("/block/node/truncate-waits-for-padded-write", truncate_waits_for_padded_write);
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, NULL, add_tests);
}
