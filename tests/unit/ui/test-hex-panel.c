/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib/gstdio.h>

#include "panel-bench.h"

static enum role role_at(struct bench *bench, int x, int y)
{
    return (enum role)grid_cell(bench->grid, x, y)->role;
}

static bool is_cursor(struct bench *bench, int x, int y)
{
    return grid_cell(bench->grid, x, y)->flags & CELL_CURSOR;
}

static void test_says_that_there_is_nothing(void)
{
    struct bench *bench = bench_new(&panel_hex, 0);

    bench_show(bench, 40, 5);
    bench_assert_line(bench, 0, "no image is open");
    bench_open(bench, "");
    bench_show(bench, 40, 5);
    bench_assert_line(bench, 0, "the image is empty");
    bench_ask(bench, REQUEST_HEX_FOLLOW, 1);
    bench_show(bench, 40, 5);
    bench_assert_line(bench, 0, "nothing was read or written yet");
    bench_ask(bench, REQUEST_HEX_NEXT_EXTENT, 1);
    g_assert_nonnull(bench->remark);
    bench_free(bench);
}

static void test_is_unknown_until_the_disk_answers(void)
{
    struct bench *bench = bench_new(&panel_hex, 4096);

    bench_write(bench->image, 0, 4096, 'A');
    bench_open(bench, "");
    bench_draw(bench, 80, 8);
    bench_turn(bench);
    bench_draw(bench, 80, 8);
    bench_assert_line(bench, 0, "00000000  ?? ?? ?? ?? ?? ?? ?? ??  ?? ?? ?? ?? ?? ?? ?? ??│????????????????│");
    g_assert_cmpint(role_at(bench, 10, 0), ==, ROLE_BYTE_UNKNOWN);
    bench_show(bench, 80, 8);
    bench_assert_line(bench, 0, "00000000  41 41 41 41 41 41 41 41  41 41 41 41 41 41 41 41│AAAAAAAAAAAAAAAA│");
    g_assert_cmpint(role_at(bench, 10, 0), ==, ROLE_BYTE_PRINT);
    g_assert_true(is_cursor(bench, 10, 0) && is_cursor(bench, 11, 0) && is_cursor(bench, 59, 0));
    g_assert_true(bench_shows(bench, "* 254 rows"));
    bench_free(bench);
}

static void test_a_hung_read_delays_nothing_else(void)
{
    struct bench *bench = bench_new(&panel_hex, 1 << 20);

    bench_write(bench->image, 0, 1 << 20, 'B');
    bench_open(bench, "");
    bench_draw(bench, 80, 3);
    bench_turn(bench);
    while (aio_manual_count(bench->aio) > 0 && aio_manual_peek(bench->aio, 0).op != AIO_READ) {
        aio_manual_complete(bench->aio, 0, 0);
        bench_turn(bench);
    }
    g_assert_cmpint(aio_manual_peek(bench->aio, 0).offset, ==, 0);
    bench->panel->ops->go(bench->panel, 900000, 0);
    for (int i = 0; i < 4; i++) {
        bench_draw(bench, 80, 3);
        bench_settle_but(bench, 1);
    }
    g_assert_true(bench_shows(bench, "42 42 42"));
    bench_ask(bench, REQUEST_FIRST, 1);
    bench_draw(bench, 80, 3);
    g_assert_true(bench_shows(bench, "?? ?? ??"));
    bench_free(bench);
}

static void test_holes_are_not_read(void)
{
    struct bench *bench = bench_new(&panel_hex, INT64_C(15) << 40);

    bench_open(bench, "");
    bench_draw(bench, 100, 10);
    bench_turn(bench);
    while (aio_manual_count(bench->aio) > 0) {
        g_assert_cmpint(aio_manual_peek(bench->aio, 0).op, ==, AIO_CALL);
        aio_manual_complete(bench->aio, 0, 0);
        bench_turn(bench);
        bench_draw(bench, 100, 10);
    }
    bench_assert_line(bench, 0, "00000000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00│                │");
    bench_assert_line(bench, 1, "00000000010  * 1030792151038 rows, 16492674416608 bytes (about 15 TiB) of zeroes without data");
    bench_assert_line(bench, 2, "efffffffff0  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00│                │");
    g_assert_cmpint(role_at(bench, 13, 0), ==, ROLE_BYTE_HOLE);
    bench_ask(bench, REQUEST_DOWN, 1); /* over the fold */
    g_assert_cmpint(bench->panel->ops->position(bench->panel), ==, (INT64_C(15) << 40) - 16);
    bench_free(bench);
}

/* From and to places within blocks, in one byte and in eight different ones. */
static void test_equal_rows_fold_over_any_length(void)
{
    static const uint8_t patterns[2][8] = {{7, 7, 7, 7, 7, 7, 7, 7}, {1, 2, 3, 4, 5, 6, 7, 8}};
    struct bench *bench = bench_new(&panel_hex, 40 << 20);
    g_autofree uint8_t *bytes = g_malloc(20 << 20);
    int fd = open(bench->image, O_WRONLY | O_CLOEXEC);

    for (int i = 0; i < 2; i++) {
        for (int at = 0; at < 20 << 20; at++)
            bytes[at] = patterns[i][at % 8];
        g_assert_cmpint(pwrite(fd, bytes, (size_t)(20 << 20) - 1001 * 16, i * (20 << 20) + 1000), ==, (20 << 20) - 1001 * 16);
    }
    close(fd);
    bench_open(bench, "");
    bench_show(bench, 100, 40);
    bench_settle(bench);
    for (int i = 0; i < 2; i++) {
        g_autofree char *fold = g_strdup_printf("* %d rows, 20955472 bytes (about 19.985 MiB) the same", ((20 << 20) - 1001 * 16) / 16 - 2);
        bench->panel->ops->go(bench->panel, i * (20 << 20), 1);
        bench_show(bench, 100, 40);
        g_assert_true(bench_shows(bench, fold));
        bench->panel->ops->go(bench->panel, (i + 1) * (20 << 20) - 1, 1); /* and from below */
        bench_ask(bench, REQUEST_UP, 12);
        bench_show(bench, 100, 40);
        bench_ask(bench, REQUEST_HEX_READ_AGAIN, 1);
        bench_show(bench, 100, 40);
        bench_ask(bench, REQUEST_PAGE_UP, 1);
        bench_show(bench, 100, 40);
        bench_ask(bench, REQUEST_PAGE_UP, 1);
        bench_show(bench, 100, 40);
        g_assert_true(bench_shows(bench, "MiB) the same"));
    }
    bench_run(bench, "write -P 9 3M 16");
    bench->panel->ops->go(bench->panel, 0, 1);
    bench_show(bench, 100, 40);
    g_assert_true(bench_shows(bench, "00300000  09 09 09 09"));
    bench_free(bench);
}

/* Blocks of one pattern, of two that meet anywhere, of holes, and of anything, in the file. */
static void fill_with_stretches(GRand *dice, const char *name, int64_t size)
{
    g_autofree uint8_t *bytes = g_malloc(256 << 10);
    int fd = open(name, O_WRONLY | O_CLOEXEC);

    for (int64_t at = 0; at < size;) {
        int64_t length = g_rand_int_range(dice, 1, g_rand_boolean(dice) ? 200 : 200 << 10), n = MIN(length, size - at);
        int sort = g_rand_int_range(dice, 0, 5), first = g_rand_int_range(dice, 0, 3), period = 1 << g_rand_int_range(dice, 0, 5);

        n = g_rand_boolean(dice) ? MIN((n + 4095) / 4096 * 4096, size - at) : n;
        for (int64_t i = 0; i < n && sort > 0; i++)
            bytes[i] = (uint8_t)(sort == 1 ? 0 : sort == 2 ? (int)g_rand_int(dice) : first + (at + i) % period);
        g_assert_cmpint(sort > 0 ? pwrite(fd, bytes, (size_t)n, at) : n, ==, n);
        at += n;
    }
    close(fd);
}

/*
 * However much of the rest is known: a view that was wandered to, and the same one taken back before anything was read.  SEED=N is for other images;
 * among these are some that told what had been read before, and one whose two long stretches made the panel read and paint for ever.
 */
static void test_a_place_looks_the_same_whoever_came_there(void)
{
    static const enum request steps[] = {REQUEST_UP, REQUEST_DOWN, REQUEST_PAGE_UP, REQUEST_PAGE_DOWN, REQUEST_LEFT, REQUEST_RIGHT, REQUEST_LAST};

    static const guint32 seeds[] = {0, 2012, 2168, 3900, 5508};
    const char *seed = g_getenv("SEED");

    for (guint32 i = 0; i < (seed ? 1 : G_N_ELEMENTS(seeds)) * 12; i++) {
        g_autoptr(GRand) dice = g_rand_new_with_seed((seed ? (guint32)atoi(seed) : seeds[i / 12]) + i % 12);
        struct bench *bench = bench_new(&panel_hex, 3 << 20);
        int width = g_rand_int_range(dice, 60, 150);

        fill_with_stretches(dice, bench->image, 3 << 20);
        bench_open(bench, "");
        bench_show(bench, width, 30);
        for (int j = 0; j < 25; j++) {
            struct panel_view view = {0};
            g_autoptr(GPtrArray) seen = g_ptr_array_new_with_free_func(g_free);

            if (g_rand_int_range(dice, 0, 3) == 0)
                bench->panel->ops->go(bench->panel, g_rand_int_range(dice, 0, 3 << 20), 0);
            else
                bench_ask(bench, steps[g_rand_int_range(dice, 0, G_N_ELEMENTS(steps))], g_rand_int_range(dice, 1, 4));
            if (g_rand_int_range(dice, 0, 8) == 0) {
                g_autofree char *line = g_strdup_printf("write -P %d %d 5", g_rand_int_range(dice, 0, 3), g_rand_int_range(dice, 0, (3 << 20) - 5));
                bench_run(bench, line);
            }
            bench_show(bench, width, 30);
            for (int y = 0; y < 30; y++)
                g_ptr_array_add(seen, bench_line(bench, y));
            bench->panel->ops->view(bench->panel, &view);
            bench_ask(bench, REQUEST_HEX_READ_AGAIN, 1);
            if (g_rand_boolean(dice)) { /* from far away */
                bench->panel->ops->go(bench->panel, g_rand_int_range(dice, 0, 3 << 20), 0);
                bench_show(bench, width, 30);
            }
            g_assert_true(bench->panel->ops->set_view(bench->panel, &view));
            bench_show(bench, width, 30);
            for (int y = 0; y < 30; y++)
                bench_assert_line(bench, y, seen->pdata[y]);
        }
        bench_free(bench);
    }
}

static void test_pages_cross_a_huge_image_both_ways(void)
{
    int64_t size = INT64_C(15) << 40, middle = INT64_C(6) << 40;
    struct bench *bench = bench_new(&panel_hex, size);
    int pages = 0;

    bench_write(bench->image, middle, 100000, 1);
    for (int64_t at = 0; at < 100000; at += 16)
        bench_write(bench->image, middle + at, 8, (uint8_t)(at / 16));
    bench_open(bench, "");
    bench_show(bench, 100, 24);
    while (bench->panel->ops->position(bench->panel) < size - 16) {
        bench_ask(bench, REQUEST_PAGE_DOWN, 1);
        bench_show(bench, 100, 24);
        g_assert_cmpint(++pages, <, 1000);
    }
    g_assert_cmpint(pages, >, 100000 / 16 / 24);
    while (bench->panel->ops->position(bench->panel) >= 16) {
        bench_ask(bench, REQUEST_PAGE_UP, 1);
        bench_show(bench, 100, 24);
        g_assert_cmpint(--pages, >, -1000);
    }
    bench_ask(bench, REQUEST_LAST, 1);
    bench_show(bench, 100, 24);
    g_assert_cmpint(bench->panel->ops->position(bench->panel), ==, size - 1);
    bench_free(bench);
}

static void test_errors_are_shown_where_they_are(void)
{
    struct bench *bench = bench_new(&panel_hex, 4096);

    bench_write(bench->image, 0, 4096, 'A');
    bench_open(bench, ",file.driver=blkdebug,file.inject-error.0.event=none,file.inject-error.0.iotype=read,"
                      "file.inject-error.0.sector=1,file.image.driver=file,file.image.filename=");
    bench_show(bench, 80, 4);
    bench->panel->ops->go(bench->panel, 512, 0);
    bench_show(bench, 80, 1);
    bench_assert_line(bench, 0, "00000200  !! !! !! !! !! !! !! !!  !! !! !! !! !! !! !! !!│!!!!!!!!!!!!!!!!│");
    g_assert_cmpint(role_at(bench, 10, 0), ==, ROLE_ERROR);
    for (int height = 8; height <= 20; height += 12) { /* behind the offset, and on a line of its own */
        bench_show(bench, 80, height);
        g_assert_true(bench_shows(bench, "what is here can't be read"));
    }
    bench->panel->ops->go(bench->panel, 511, 0);
    bench_show(bench, 80, 1);
    g_assert_true(bench_shows(bench, "41 41│AAAA"));
    bench_free(bench);
}

static void test_looking_uses_up_no_breakpoint(void)
{
    struct bench *bench = bench_new(&panel_hex, 1 << 20);

    bench_write(bench->image, 0, 1 << 20, 'A');
    bench_open(bench, ",file.driver=blkdebug,file.inject-error.0.event=none,file.inject-error.0.once=on,"
                      "file.image.driver=file,file.image.filename=");
    bench_run(bench, "break read_aio A");
    bench_show(bench, 80, 8);
    g_assert_true(bench_shows(bench, "41 41 41"));
    g_assert_false(blk_is_suspended(session_blk(bench->session), "A"));
    bench_run(bench, "aio_read -q 0 512");
    g_assert_true(blk_is_suspended(session_blk(bench->session), "A"));
    bench_run(bench, "resume A");
    g_assert_nonnull(strstr(sink_buffer_text(bench->sink), "readv failed: Input/output error"));
    bench_free(bench);
}

static void test_a_range_is_marked(void)
{
    struct bench *bench = bench_new(&panel_hex, 4096);

    bench_write(bench->image, 0, 4096, 'A');
    bench_open(bench, "");
    bench->panel->ops->go(bench->panel, 14, 3);
    bench_show(bench, 80, 2);
    g_assert_true(grid_cell(bench->grid, 10, 1)->flags & CELL_SELECTED); /* the folded rows have one of them */
    bench_ask(bench, REQUEST_HEX_FOLD, 1);
    bench_show(bench, 80, 2);
    for (int i = 0; i < 32; i++) {
        const struct cell *cell = grid_cell(bench->grid, 10 + i % 16 * 3 + i % 16 / 8, i / 16);

        g_assert_cmpint(cell->flags & CELL_SELECTED, ==, i >= 14 && i < 17 ? CELL_SELECTED : 0);
    }
    bench->panel->ops->go(bench->panel, 14, 0);
    bench_show(bench, 80, 2);
    g_assert_false(grid_cell(bench->grid, 10, 1)->flags & CELL_SELECTED);
    bench_free(bench);
}

static void test_the_last_buffer_is_shown(void)
{
    struct bench *bench = bench_new(&panel_hex, 1 << 20);
    GString *title = g_string_new(NULL);

    bench_write(bench->image, 65536, 3, 0x1b);
    bench_open(bench, "");
    bench_run(bench, "read -q 65536 5");
    bench_show(bench, 80, 8);
    bench_assert_line(bench, 0, "00010000  1b 1b 1b 00 00                                  │.....           │");
    bench->panel->ops->title(bench->panel, title);
    g_assert_cmpstr(title->str, ==, "read 5 bytes at 0x10000");
    g_assert_cmpint(role_at(bench, 10, 0), ==, ROLE_BYTE_CONTROL);
    g_assert_true(bench_shows(bench, "offset 65536 0x10000 · sector 128 + 0"));
    g_assert_true(bench_shows(bench, "le u8 27 0x1b · u16 6939 0x1b1b · u32 1776411 0x1b1b1b · u64 -"));
    bench_ask(bench, REQUEST_RIGHT, 3);
    bench_ask(bench, REQUEST_HEX_FOLLOW, 1);
    g_assert_cmpint(bench->panel->ops->position(bench->panel), ==, 65539);
    bench_run(bench, "write -q 0 512"); /* the image stays in view */
    bench_show(bench, 80, 8);
    g_assert_cmpint(bench->panel->ops->position(bench->panel), ==, 65539);
    bench_run(bench, "close");
    bench_show(bench, 80, 8);
    bench_assert_line(bench, 0, "no image is open");
    g_string_free(title, TRUE);
    bench_free(bench);
}

static void assert_is_at(struct bench *bench, const char *wanted)
{
    g_autofree char *where = bench->panel->ops->where(bench->panel);

    g_assert_cmpstr(where, ==, wanted);
}

static char *go_to(struct bench *bench, const char *name)
{
    char *why = NULL;

    g_assert_true(bench->panel->ops->place_named(bench->panel, name, &why));
    return why;
}

static void test_places_in_files_are_jumped_to_and_back_from(void)
{
    struct bench *bench = bench_new(&panel_hex, 1 << 20);
    g_autofree char *top = g_strconcat(bench->image, ".top", NULL), *why = NULL;
    g_autofree char *create = g_strdup_printf("create -q -f qcow2 -b %s -F raw %s", bench->image, top);
    g_autofree char *open = g_strdup_printf("open -o backing.driver=raw,backing.file.filename=%s %s", bench->image, top);

    bench_run(bench, create);
    bench_run(bench, open);
    bench_show(bench, 80, 8);
    g_assert_cmpstr(go_to(bench, "h:0x10"), ==, NULL);
    g_assert_cmpstr(go_to(bench, "h1:$"), ==, NULL);
    g_assert_cmpstr(go_to(bench, "h1:$"), ==, NULL); /* is there: no jump */
    assert_is_at(bench, "h1:0xfffff");
    why = go_to(bench, "h:1T");
    g_assert_true(g_str_has_prefix(why, "0x10000000000 is outside the file"));
    assert_is_at(bench, "h1:0xfffff");
    bench_ask(bench, REQUEST_HEX_JUMP_BACK, 1);
    assert_is_at(bench, "h:0x10");
    bench_ask(bench, REQUEST_HEX_JUMP_BACK, 1);
    assert_is_at(bench, "0");
    bench_free(bench);
    g_unlink(top);
}

/* Jumps that another question put an end to are not there to be stopped. */
static void test_jumps_end_with_the_next_question(void)
{
    struct bench *bench = bench_new(&panel_hex, 1 << 20);

    bench_open(bench, "");
    bench_show(bench, 80, 8);
    bench->panel->ops->request(bench->panel, REQUEST_HEX_NEXT_ZERO, 5);
    bench->panel->ops->request(bench->panel, REQUEST_HEX_TRANSLATE, 1);
    bench_settle(bench);
    g_assert_false(bench->panel->ops->cancel(bench->panel));
    bench_free(bench);
}

static void test_writes_appear(void)
{
    struct bench *bench = bench_new(&panel_hex, 1 << 20);

    bench_open(bench, "");
    bench_show(bench, 80, 8);
    g_assert_true(bench_shows(bench, "00 00 00"));
    bench_run(bench, "write -q -P 0x61 0 512");
    bench_show(bench, 80, 8);
    g_assert_true(bench_shows(bench, "61 61 61"));
    bench_free(bench);
}

static void test_wide_panels_inspect_beside_the_bytes(void)
{
    struct bench *bench = bench_new(&panel_hex, 4096);
    uint8_t bytes[16] = {0xd6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x41, 0, 0, 0, 0, 0, 0, 0x80};
    int fd = open(bench->image, O_WRONLY | O_CLOEXEC);

    g_assert_cmpint(pwrite(fd, bytes, sizeof bytes, 4080), ==, sizeof bytes);
    close(fd);
    bench_open(bench, "");
    bench->panel->ops->go(bench->panel, 4080, 1);
    bench_show(bench, 160, 30);
    g_assert_true(bench_shows(bench, "00000ff0  d6 ff ff ff ff ff ff ff  41 00 00 00 00 00 00 80│........A.......│"));
    g_assert_true(bench_shows(bench, "u16      65494                    55039"));
    g_assert_true(bench_shows(bench, "u64      18446744073709551574     15492382718154506239"));
    g_assert_true(bench_shows(bench, "i32      -42                      -687865857"));
    g_assert_true(bench_shows(bench, "unix 64  1969-12-31 23:59:18 UTC  none"));
    g_assert_true(bench_shows(bench, "UTF-8    none"));
    g_assert_true(bench_shows(bench, "UUID     d6ffffff-ffff-ffff-4100-000000000080"));
    g_assert_true(bench_shows(bench, "GUID     ffffffd6-ffff-ffff-4100-000000000080"));
    bench_ask(bench, REQUEST_RIGHT, 8);
    bench_show(bench, 160, 30);
    g_assert_true(bench_shows(bench, "UTF-8    'A' U+0041"));
    g_assert_true(bench_shows(bench, "UTF-16   'A' U+0041               '\344\204\200' U+4100"));
    g_assert_true(bench_shows(bench, "GUID     -"));
    bench_ask(bench, REQUEST_RIGHT, 1);
    bench_show(bench, 160, 30);
    g_assert_true(bench_shows(bench, "UTF-8    U+0000"));
    bench_show(bench, 160, 8); /* as much as there is room for */
    bench_show(bench, 150, 1);
    bench_free(bench);
}

static void test_a_frame_is_cheap(void)
{
    struct bench *bench = bench_new(&panel_hex, 4 << 20);
    int64_t start_us;

    bench_write(bench->image, 0, 4 << 20, 'A'); /* all rows fold: the worst */
    bench_open(bench, "");
    bench_show(bench, 160, 48);
    start_us = g_get_monotonic_time();
    for (int i = 0; i < 100; i++)
        bench_draw(bench, 160, 48);
    g_test_message("%" G_GINT64_FORMAT " us a frame", (g_get_monotonic_time() - start_us) / 100);
    bench_free(bench);
}

static void test_the_largest_image(void)
{
    bench_the_largest_image(&panel_hex, REQUEST_HEX_FOLD, REQUEST_HEX_PREVIOUS_EXTENT);
}

static void test_survives_anything(void)
{
    bench_anything(&panel_hex);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    co_init();
    g_test_add_func("/hex-panel/nothing", test_says_that_there_is_nothing);
    g_test_add_func("/hex-panel/unknown", test_is_unknown_until_the_disk_answers);
    g_test_add_func("/hex-panel/hung", test_a_hung_read_delays_nothing_else);
    g_test_add_func("/hex-panel/holes", test_holes_are_not_read);
    g_test_add_func("/hex-panel/long-folds", test_equal_rows_fold_over_any_length);
    g_test_add_func("/hex-panel/same-place", test_a_place_looks_the_same_whoever_came_there);
    g_test_add_func("/hex-panel/pages", test_pages_cross_a_huge_image_both_ways);
    g_test_add_func("/hex-panel/errors", test_errors_are_shown_where_they_are);
    g_test_add_func("/hex-panel/breakpoints", test_looking_uses_up_no_breakpoint);
    g_test_add_func("/hex-panel/range", test_a_range_is_marked);
    g_test_add_func("/hex-panel/buffer", test_the_last_buffer_is_shown);
    g_test_add_func("/hex-panel/places-in-files", test_places_in_files_are_jumped_to_and_back_from);
    g_test_add_func("/hex-panel/jumps-end", test_jumps_end_with_the_next_question);
    g_test_add_func("/hex-panel/writes", test_writes_appear);
    g_test_add_func("/hex-panel/side", test_wide_panels_inspect_beside_the_bytes);
    g_test_add_func("/hex-panel/cheap", test_a_frame_is_cheap);
    g_test_add_func("/hex-panel/largest", test_the_largest_image);
    g_test_add_func("/hex-panel/anything", test_survives_anything);
    ret = g_test_run();
    co_done();
    return ret;
}
