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
    g_test_add_func("/map-pages/frames", test_frames);
    ret = g_test_run();
    co_done();
    return ret;
}
