/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pages of the map beside its picture: every extent is listed and counted, whatever the room. */
#include "map-bench.h"

static void check_list(struct bench *bench)
{
    g_autofree struct runs *runs = runs_of(bench);
    unsigned at = runs->count / 2;

    side_of(bench)->cursor = runs->run[at].start;
    bench_ask(bench, REQUEST_MAP_LIST, 1);
    show(bench, 100, 8);
    for (int i = 0; i < 200; i++) {
        int step = g_test_rand_int_range(-20, 20);

        at = (unsigned)CLAMP((int)at + step, 0, (int)runs->count - 1);
        bench_ask(bench, step < 0 ? REQUEST_UP : REQUEST_DOWN, ABS(step));
        show(bench, 100, 8);
        if (step != 0)
            g_assert_cmpint(side_of(bench)->cursor, ==, runs->run[at].start);
    }
    bench_ask(bench, REQUEST_LAST, 1);
    show(bench, 100, 8);
    bench_ask(bench, REQUEST_DOWN, 1);
    g_assert_cmpint(side_of(bench)->cursor, ==, runs->run[runs->count - 1].start);
    bench_ask(bench, REQUEST_MAP_LIST, 1);
}

static void check_sizes(struct bench *bench)
{
    g_autofree struct runs *runs = runs_of(bench);
    const struct map_sizes *sizes = map_list_sizes(map_of(bench)->list);
    struct map_sizes expected = {0};

    bench_ask(bench, REQUEST_MAP_SIZES, 1);
    show(bench, 100, 30);
    for (unsigned i = 0; i < runs->count; i++) {
        int bucket = 63 - __builtin_clzll((unsigned long long)runs->run[i].length);

        expected.runs[bucket]++;
        expected.bytes[bucket] += runs->run[i].length;
    }
    g_assert_true(sizes->done);
    g_assert_cmpint(sizes->count, ==, runs->count);
    g_assert_cmpmem(sizes->runs, sizeof(sizes->runs), expected.runs, sizeof(expected.runs));
    g_assert_cmpmem(sizes->bytes, sizeof(sizes->bytes), expected.bytes, sizeof(expected.bytes));
    bench_ask(bench, REQUEST_MAP_SIZES, 1);
}

/* However few lines there are, all extents are in them. */
static void check_any_height(struct bench *bench)
{
    const struct map_sizes *sizes = map_list_sizes(map_of(bench)->list);

    bench_ask(bench, REQUEST_MAP_SIZES, 1);
    for (int height = 2; height < 40; height++) {
        int64_t sum = 0;

        show(bench, 43, height); /* no room for bars */
        for (int y = 1; y < height; y++) {
            g_autofree char *line = bench_line(bench, y);

            sum += strlen(line) > 13 ? g_ascii_strtoll(line + 13, NULL, 10) : 0;
        }
        g_assert_cmpint(sum, ==, sizes->count);
    }
    bench_ask(bench, REQUEST_MAP_SIZES, 1);
}

static void test_every_extent_is_listed_and_counted(void)
{
    struct bench *bench = qcow2_bench(true);

    random_writes(bench, 300);
    show(bench, 80, 24);
    check_list(bench);
    check_sizes(bench);
    bench_ask(bench, REQUEST_MAP_HOST, 1);
    show(bench, 80, 24);
    check_list(bench);
    check_sizes(bench);
    check_any_height(bench);
    qcow2_bench_free(bench);
}

/* A press puts the cursor on the row that is there, in every row that is drawn. */
static void test_each_row_of_a_list_can_be_pressed(void)
{
    enum { HEIGHT = 24 };
    static const enum request lists[] = {REQUEST_MAP_LIST, REQUEST_MAP_DIFFERENCE_LIST};
    struct bench *bench = qcow2_bench(true);

    random_writes(bench, 200);
    show(bench, 80, HEIGHT);
    map_differences_start(map_of(bench)->differences, bench->session, NULL);
    wait_for_differences(bench, map_of(bench)->differences);
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        bench_ask(bench, lists[i], 1);
        for (int y = 0; y < HEIGHT; y++) {
            struct mouse mouse = {.what = MOUSE_PRESS, .button = 1, .x = 3, .y = y};
            side_of(bench)->cursor = 0;
            show(bench, 80, HEIGHT);
            g_autofree char *line = bench_line(bench, y);
            bool is_row = g_str_has_prefix(line, "0x");

            g_assert_true(is_row == (i == 0 ? y < HEIGHT - 1 : y > 0)); /* but the readout and the head */
            g_assert_cmpint(bench->panel->ops->mouse(bench->panel, &mouse), ==, is_row ? PANEL_REDRAW : PANEL_IGNORED);
            g_assert_cmpint(side_of(bench)->cursor, ==, is_row ? g_ascii_strtoll(line, NULL, 16) : 0);
        }
    }
    qcow2_bench_free(bench);
}

/* Keys are faster than the list is made anew. */
static void test_a_list_of_before_leads_to_no_place_behind_the_end(void)
{
    struct bench *bench = qcow2_bench(false);

    random_writes(bench, 100);
    show(bench, 80, 24);
    bench_ask(bench, REQUEST_MAP_LIST, 1);
    show(bench, 80, 24);
    bench_run(bench, "truncate 1M");
    g_assert_cmpint(blk_length(session_blk(bench->session)), ==, 1 << 20);
    bench_ask(bench, REQUEST_PAGE_DOWN, 100);
    g_assert_cmpint(side_of(bench)->cursor, <, 1 << 20);
    qcow2_bench_free(bench);
}

/* Of a disk of no bytes there is its file, whose order is shown. */
static void test_a_disk_without_a_byte_has_no_place(void)
{
    static const enum request keys[] = {REQUEST_LAST, REQUEST_FIRST, REQUEST_DOWN, REQUEST_PAGE_DOWN, REQUEST_MAP_SHOW};
    struct bench *bench = qcow2_bench(false);

    show(bench, 80, 24);
    bench_ask(bench, REQUEST_MAP_HOST, 1);
    show(bench, 80, 24);
    bench_run(bench, "truncate 0");
    map_differences_start(map_of(bench)->differences, bench->session, bench->image); /* that one is longer */
    bench_write(bench->image, 4096, 512, 1);
    wait_for_differences(bench, map_of(bench)->differences);
    g_assert_cmpuint(map_differences_count(map_of(bench)->differences), >, 0);
    bench_ask(bench, REQUEST_MAP_DIFFERENCE_LIST, 1);
    g_assert_cmpint(map_of(bench)->at, ==, MAP_HOST);
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        show(bench, 80, 24);
        bench_ask(bench, keys[i], 1);
        g_assert_cmpint(map_of(bench)->sides[MAP_GUEST].cursor, ==, 0);
    }
    qcow2_bench_free(bench);
}

/* What a frame costs, told and not judged: machines differ. */
static void test_frames(void)
{
    enum { FRAMES = 200 };
    static const struct {
        const char *name;
        enum request request;
    } pages[] = {{"picture", REQUEST_NONE}, {"curve", REQUEST_MAP_CURVE}, {"file", REQUEST_MAP_HOST}, {"extents", REQUEST_MAP_LIST},
                 {"differences", REQUEST_MAP_DIFFERENCE_LIST}};
    struct bench *bench = qcow2_bench(true);

    random_writes(bench, 60);
    for (int compared = 0; compared < 2; compared++) {
        if (compared) {
            map_differences_start(map_of(bench)->differences, bench->session, NULL);
            wait_for_differences(bench, map_of(bench)->differences);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(pages); i++) {
            if (pages[i].request != REQUEST_NONE)
                bench_ask(bench, pages[i].request, 1);
            show(bench, 160, 48);
            int64_t start_us = g_get_monotonic_time();
            for (int k = 0; k < FRAMES; k++)
                bench_draw(bench, 160, 48);
            g_test_message("%s%s: %" G_GINT64_FORMAT " us a frame", pages[i].name, compared ? ", compared" : "",
                           (g_get_monotonic_time() - start_us) / FRAMES);
            if (pages[i].request != REQUEST_NONE)
                bench_ask(bench, pages[i].request, 1);
        }
    }
    qcow2_bench_free(bench);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    co_init();
    g_test_add_func("/map-pages/list", test_every_extent_is_listed_and_counted);
    g_test_add_func("/map-pages/press", test_each_row_of_a_list_can_be_pressed);
    g_test_add_func("/map-pages/shrunk", test_a_list_of_before_leads_to_no_place_behind_the_end);
    g_test_add_func("/map-pages/nothing", test_a_disk_without_a_byte_has_no_place);
    g_test_add_func("/map-pages/frames", test_frames);
    ret = g_test_run();
    co_done();
    return ret;
}
