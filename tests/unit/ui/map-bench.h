/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The map of a qcow2 image, for the tests of its own files: images with anything in them, all that is shown, every run by hand. */
#pragma once

#include "panel-bench.h"
#include "ui/panels/map-panel.h"

enum { SIZE = 24 << 20 };

static inline struct map_panel *map_of(struct bench *bench)
{
    return (struct map_panel *)bench->panel;
}

static inline struct map_side *side_of(struct bench *bench)
{
    return map_panel_side(map_of(bench));
}

/* Until the counts of what is visible are true again: scans that are repeated rest in between. */
static inline void show(struct bench *bench, int width, int height)
{
    bench_show(bench, width, height);
    while (map_side_is_busy(side_of(bench))) {
        bench_wait();
        bench_show(bench, width, height);
    }
}

/* ---- images ---- */

static inline void random_writes(struct bench *bench, int count)
{
    static const char *const words[] = {"write -q -P 7", "write -q -z", "write -q -z -u", "discard -q", "write -q -P 9"};

    for (int i = 0; i < count; i++) {
        int64_t offset = g_test_rand_int_range(0, SIZE / 512 - 600) * 512;
        g_autofree char *line = g_strdup_printf("%s %" G_GINT64_FORMAT " %d", words[g_test_rand_int_range(0, G_N_ELEMENTS(words))],
                                                offset, g_test_rand_int_range(1, 600) * 512);

        bench_run(bench, line);
    }
}

/* An open, writable qcow2 image on a backing file of its own, or without one. */
static inline struct bench *qcow2_bench(bool backing)
{
    struct bench *bench = bench_new(&panel_map, SIZE);
    g_autofree char *base = g_strconcat(bench->image, ".base", NULL), *top = g_strconcat(bench->image, ".top", NULL);
    g_autofree char *make_base = g_strdup_printf("create -q -f qcow2 %s %d", base, SIZE);
    g_autofree char *make_top =
        backing ? g_strdup_printf("create -q -f qcow2 -b %s -F qcow2 %s", base, top) : g_strdup_printf("create -q -f qcow2 %s %d", top, SIZE);
    g_autofree char *open_base = g_strdup_printf("open -w %s", base);
    g_autofree char *open_top = g_strdup_printf("open -w -o driver=qcow2,file.filename=%s,%s%s%s %s", top, backing ? "backing.driver=qcow2,backing.file.filename=" : "",
                                                backing ? base : "", backing ? "" : "lazy-refcounts=off", "");

    bench_run(bench, make_base);
    bench_run(bench, open_base);
    random_writes(bench, 20);
    bench_run(bench, "close");
    bench_run(bench, make_top);
    bench_run(bench, g_strchomp(open_top));
    if (!session_blk(bench->session))
        g_error("%s", sink_buffer_text(bench->sink));
    random_writes(bench, 20);
    bench_settle(bench);
    return bench;
}

static inline void qcow2_bench_free(struct bench *bench)
{
    g_autofree char *base = g_strconcat(bench->image, ".base", NULL), *top = g_strconcat(bench->image, ".top", NULL);

    bench_free(bench);
    g_unlink(base);
    g_unlink(top);
}

/* ---- by hand ---- */

struct runs {
    struct map_run run[4096];
    unsigned count;
};

struct collect {
    struct bench *bench;
    const struct map_source *source;
    int64_t size;
    struct runs *runs;
    bool done;
};

static inline int on_run(void *data, const struct map_run *run)
{
    struct runs *runs = data;

    g_assert_cmpuint(runs->count, <, G_N_ELEMENTS(runs->run));
    runs->run[runs->count++] = *run;
    return 0;
}

static inline void collect_co(void *data)
{
    struct collect *collect = data;

    collect->runs->count = 0;
    g_assert_cmpint(collect->source->visit_co(collect->source, session_blk(collect->bench->session), 0, collect->size, on_run, collect->runs), ==, 0);
    collect->done = true;
}

/* Every run of the side shown. */
static inline struct runs *runs_of(struct bench *bench)
{
    struct collect collect = {bench, side_of(bench)->source, side_of(bench)->size, g_new0(struct runs, 1), false};

    co_start(collect_co, &collect);
    while (!collect.done)
        bench_settle(bench);
    return collect.runs;
}

/* ---- comparisons ---- */

static inline void wait_for_differences(struct bench *bench, const struct map_differences *differences)
{
    bench_settle(bench);
    while (map_differences_is_busy(differences) || map_differences_is_stale(differences)) {
        bench_wait();
        bench_settle(bench);
    }
}
