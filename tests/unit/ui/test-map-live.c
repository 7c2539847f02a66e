/* SPDX-License-Identifier: GPL-3.0-or-later */
/* While an image is written, the map follows: after anything at random, no count, row of a list or readout is of what was before. */
#include <errno.h>

#include "block/inspect.h"
#include "panel-bench.h"
#include "ui/panels/map-panel.h"

enum { SIZE = 24 << 20 };

static int grain = 512; /* of what is written */
static bool layered;    /* what is written goes to a temporary layer */

static struct map_panel *map_of(struct bench *bench)
{
    return (struct map_panel *)bench->panel;
}

/* ---- by hand ---- */

struct collect {
    const struct map_source *source;
    struct blk *blk;
    int64_t size;
    GArray *runs; /* struct map_run */
    bool done;
};

static int on_run(void *data, const struct map_run *run)
{
    struct collect *collect = data;

    if (collect->runs->len > 0 && map_run_goes_on(&g_array_index(collect->runs, struct map_run, collect->runs->len - 1), run))
        g_error("two runs that are one: %" G_GINT64_FORMAT " +%" G_GINT64_FORMAT " kind %u depth %d host %" G_GINT64_FORMAT, run->start, run->length, run->kind, run->depth, run->host);
    g_array_append_vals(collect->runs, run, 1);
    return 0;
}

static void collect_co(void *data)
{
    struct collect *collect = data;

    g_assert_cmpint(collect->source->visit_co(collect->source, collect->blk, 0, collect->size, on_run, collect), ==, 0);
    collect->done = true;
}

/* Every run of a side, asked for now. */
static GArray *runs_of(struct bench *bench, const struct map_side *side)
{
    struct collect collect = {side->source, session_blk(bench->session), side->size, g_array_new(FALSE, FALSE, sizeof(struct map_run)), false};

    co_start(collect_co, &collect);
    while (!collect.done)
        bench_settle(bench);
    return collect.runs;
}

static void check_pyramid(const char *name, const struct map_pyramid *pyramid, const GArray *runs)
{
    unsigned at = 0;

    for (size_t leaf = 0; leaf < map_pyramid_leaves(pyramid); leaf++) {
        int64_t start = map_pyramid_leaf_start(pyramid, leaf), end = map_pyramid_leaf_end(pyramid, leaf);
        struct map_counts expected = {0};

        while (at > 0 && g_array_index(runs, struct map_run, at).start > start)
            at--;
        for (;; at++) {
            g_assert_cmpuint(at, <, runs->len);
            const struct map_run *run = &g_array_index(runs, struct map_run, at);
            int64_t from = MAX(start, run->start), to = MIN(end, run->start + run->length);

            expected.bytes[run->kind] += MAX(0, to - from);
            if (run->start + run->length >= end)
                break;
        }
        for (unsigned k = 0; k < MAP_KIND_COUNT; k++)
            if (pyramid->level[0][leaf].bytes[k] != expected.bytes[k])
                g_error("%s%" G_GSIZE_FORMAT ": [%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT "): kind %u is %" G_GINT64_FORMAT " bytes and not %" G_GINT64_FORMAT, name, map_pyramid_leaves(pyramid), start, end, k,
                        expected.bytes[k], pyramid->level[0][leaf].bytes[k]);
    }
}

/* ---- what is on the screen, when nothing is to be done any more ---- */

static bool is_busy(struct bench *bench)
{
    for (int i = 0; i < MAP_SIDES; i++) {
        const struct map_side *side = &map_of(bench)->sides[i];

        if (side->blk && (map_scan_is_busy(side->whole) || (side->detail_end > 0 && map_scan_is_busy(side->detail))))
            return true;
    }
    return false;
}

static void show(struct bench *bench)
{
    bench_show(bench, 100, 30);
    while (is_busy(bench)) {
        bench_wait();
        bench_show(bench, 100, 30);
    }
}

static void check_list(struct bench *bench, const struct map_side *side, const GArray *runs)
{
    unsigned count, at = 0;

    bench_ask(bench, REQUEST_MAP_LIST, 1);
    show(bench);
    const struct map_run *rows = map_list_runs(map_of(bench)->list, &count);
    g_assert_cmpint(map_list_find(map_of(bench)->list, side->cursor), >=, 0);
    while (g_array_index(runs, struct map_run, at).start + g_array_index(runs, struct map_run, at).length <= rows[0].start)
        at++;
    for (unsigned i = 0; i < count; i++, at++) {
        const struct map_run *run = &g_array_index(runs, struct map_run, at);

        g_assert_cmpuint(rows[i].kind, ==, run->kind);
        if (rows[i].start + rows[i].length != run->start + run->length)
            g_error("row %u of %u: [%" G_GINT64_FORMAT ", +%" G_GINT64_FORMAT ") kind %u host %" G_GINT64_FORMAT " and not [%" G_GINT64_FORMAT
                    ", +%" G_GINT64_FORMAT ") kind %u host %" G_GINT64_FORMAT, i, count, rows[i].start, rows[i].length, rows[i].kind, rows[i].host,
                    run->start, run->length, run->kind, run->host);
        g_assert_cmpint(rows[i].depth, ==, run->depth);
    }
    bench_ask(bench, REQUEST_MAP_LIST, 1);
}

/* Counted again when that is due. */
static void check_sizes(struct bench *bench, const GArray *runs)
{
    const struct map_sizes *sizes;

    bench_ask(bench, REQUEST_MAP_SIZES, 1);
    show(bench);
    while (bench->panel->ops->next_tick_us(bench->panel) >= 0) {
        clock_set_fake_us(bench->panel->ops->next_tick_us(bench->panel));
        show(bench);
    }
    clock_set_fake_us(-1);
    sizes = map_list_sizes(map_of(bench)->list);
    g_assert_cmpint(sizes->count, ==, runs->len);
    for (int bucket = 0; bucket < MAP_SIZES; bucket++) {
        int64_t bytes = 0;

        for (unsigned i = 0; i < runs->len; i++) {
            int64_t length = g_array_index(runs, struct map_run, i).length;

            bytes += length >> bucket == 1 ? length : 0;
        }
        g_assert_cmpint(sizes->bytes[bucket], ==, bytes);
    }
    bench_ask(bench, REQUEST_MAP_SIZES, 1);
}

static void check_side(struct bench *bench, const struct map_side *side)
{
    g_autoptr(GArray) runs = runs_of(bench, side);

    check_pyramid(side->source->space->name, map_side_all(side), runs);
    if (side->detail_end > 0)
        check_pyramid("detail", map_scan_pyramid(side->detail), runs);
    if (side == map_panel_side(map_of(bench)))
        check_list(bench, side, runs);
    if (side == map_panel_side(map_of(bench)))
        check_sizes(bench, runs);
}

/* The guest's byte at the cursor is where the image says now. */
static void check_answer(struct bench *bench)
{
    const struct map_link_answer *answer = &map_of(bench)->answer;
    struct map_side *guest = &map_of(bench)->sides[MAP_GUEST];
    g_autoptr(GArray) runs = NULL;

    if (map_of(bench)->at != MAP_GUEST)
        return;
    runs = runs_of(bench, guest);
    g_assert_cmpint(answer->question.offset, ==, guest->cursor);
    for (unsigned i = 0; i < runs->len; i++) {
        const struct map_run *run = &g_array_index(runs, struct map_run, i);

        if (guest->cursor < run->start || guest->cursor >= run->start + run->length || guest->source != &map_source_guest)
            continue;
        g_assert_cmpuint(map_kind_of(&answer->extent), ==, run->kind);
        g_assert_cmpint(answer->extent.host_offset, ==, run->host < 0 ? -1 : run->host + guest->cursor - run->start);
    }
}

static void check(struct bench *bench)
{
    show(bench);
    for (int i = 0; i < MAP_SIDES; i++) {
        const struct map_side *side = &map_of(bench)->sides[i];

        if (side->blk && side->size > 0)
            check_side(bench, side);
    }
    check_answer(bench);
}

/* ---- what is done at random ---- */

static void change(struct bench *bench)
{
    static const char *const ranges[] = {"write -q -P 7", "write -q -P 0", "write -q -z", "write -q -z -u", "discard -q", "aio_write -q -P 8",
                                         "aio_write -q -z", "aio_discard -q", "writev -q -P 3", "multiwrite -q -P 9"};
    int64_t size = blk_length(session_blk(bench->session));
    int64_t offset = size > grain ? (int64_t)(g_test_rand_double() * (double)(size / grain)) * grain : 0;
    int64_t bytes = MIN(size - offset, (int64_t)g_test_rand_int_range(1, g_test_rand_bit() ? 8 : 4000) * grain);
    g_autofree char *line = NULL;

    switch (g_test_rand_int_range(0, layered ? 18 : 14)) {
    case 0:
        line = g_strdup_printf("truncate %d", g_test_rand_int_range(1, SIZE / grain) * grain);
        break;
    case 1:
        line = g_strdup_printf("write -q -c -P 5 %" G_GINT64_FORMAT " 64k", offset / 65536 * 65536);
        break;
    case 2:
        line = g_strdup("check -r all");
        break;
    case 3:
        line = g_strdup(g_test_rand_bit() ? "reopen -r" : "flush");
        break;
    case 14:
    case 15:
        line = g_strdup("overlay undo");
        break;
    case 16:
        line = g_strdup("overlay redo");
        break;
    case 17:
        line = g_strdup(g_test_rand_bit() ? "overlay commit -y" : g_test_rand_bit() ? "overlay discard -y" : "overlay start");
        break;
    default:
        line = g_strdup_printf("%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, ranges[g_test_rand_int_range(0, G_N_ELEMENTS(ranges))], offset, bytes);
    }
    g_test_message("%s", line);
    session_run(bench->session, line, bench->sink, 0, NULL, NULL);
    if (g_test_rand_bit())
        bench_settle_some(bench);
}

static void look(struct bench *bench)
{
    static const enum request requests[] = {REQUEST_MAP_ZOOM_IN, REQUEST_MAP_ZOOM_CELL, REQUEST_MAP_ZOOM_ALL, REQUEST_MAP_HOST, REQUEST_LAST,
                                            REQUEST_FIRST, REQUEST_DOWN, REQUEST_PAGE_DOWN, REQUEST_MAP_CURVE, REQUEST_RIGHT, REQUEST_MAP_LAYER};

    bench_ask(bench, requests[g_test_rand_int_range(0, G_N_ELEMENTS(requests))], g_test_rand_int_range(1, 4));
    bench_draw(bench, 100, 30);
}

static void check_live(struct bench *bench, const char *open)
{
    for (int i = 0; i < 60; i++) {
        g_test_message("%s", open);
        bench_run(bench, open);
        g_assert_nonnull(session_blk(bench->session));
        for (int k = g_test_rand_int_range(1, 8); k > 0; k--) {
            change(bench);
            if (g_test_rand_bit())
                look(bench);
        }
        bench_run(bench, "aio_flush");
        check(bench);
        if (g_test_rand_int_range(0, 4) > 0)
            continue;
        bench_run(bench, "reopen -w");
    }
}

static void test_raw(void)
{
    struct bench *bench = bench_new(&panel_map, SIZE);
    g_autofree char *open = g_strdup_printf("open -w -d unmap -o driver=raw %s", bench->image);

    check_live(bench, open);
    bench_free(bench);
}

static void check_qcow2(const char *options, const char *how)
{
    struct bench *bench = bench_new(&panel_map, SIZE);
    g_autofree char *top = g_strconcat(bench->image, ".top", NULL);
    g_autofree char *make = g_strdup_printf("create -q -f qcow2 -b %s -F raw %s %s %d", bench->image, options, top, SIZE);
    g_autofree char *open = g_strdup_printf("open %s -d unmap -o driver=qcow2,file.filename=%s,backing.driver=raw,backing.file.filename=%s", how, top,
                                            bench->image);

    bench_write(bench->image, 1 << 20, 1 << 20, 1);
    bench_write(bench->image, 9 << 20, 100000, 1);
    bench_run(bench, make);
    check_live(bench, open);
    bench_free(bench);
    g_unlink(top);
}

static void test_qcow2(void)
{
    check_qcow2("", "-w");
    check_qcow2("-o cluster_size=4k", "-w");
}

static void test_subclusters(void)
{
    check_qcow2("-o extended_l2=on", "-w");
}

static void test_temporary_layer(void)
{
    layered = true;
    grain = 4096; /* a temporary file that ends within a block has more data there when it grows */
    check_qcow2("", "-s");
    grain = 512;
    layered = false;
}

/* While a file grows, what is known of it stays, and the view, too. */
static void test_a_growing_file_is_not_unknown(void)
{
    struct bench *bench = bench_new(&panel_map, SIZE);
    g_autofree char *top = g_strconcat(bench->image, ".top", NULL);
    g_autofree char *make = g_strdup_printf("create -q -f qcow2 -o cluster_size=4k %s %d", top, SIZE);
    g_autofree char *open = g_strdup_printf("open -w -o driver=qcow2,file.filename=%s", top);

    bench_run(bench, make);
    bench_run(bench, open);
    bench_run(bench, "write -q 0 1M");
    show(bench);
    bench_ask(bench, REQUEST_MAP_HOST, 1);
    show(bench);
    bench_ask(bench, REQUEST_MAP_ZOOM_IN, 1);
    show(bench);
    int64_t span = map_panel_side(map_of(bench))->view.span;
    for (int i = 1; i < 8; i++) {
        g_autofree char *write = g_strdup_printf("write -q %dM 64k", i);
        int64_t size = map_panel_side(map_of(bench))->size;

        session_run(bench->session, write, bench->sink, 0, NULL, NULL);
        for (int k = 0; k < 100; k++) {
            bench_draw(bench, 100, 30);
            g_autofree char *line = bench_line(bench, 1);
            g_assert_null(strchr(line, '?'));
            bench_settle_some(bench);
        }
        g_assert_cmpint(map_panel_side(map_of(bench))->size, >, size);
        g_assert_cmpint(map_panel_side(map_of(bench))->view.span, ==, span);
        check(bench);
    }
    bench_free(bench);
    g_unlink(top);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    co_init();
    g_test_add_func("/map-live/raw", test_raw);
    g_test_add_func("/map-live/qcow2", test_qcow2);
    g_test_add_func("/map-live/subclusters", test_subclusters);
    g_test_add_func("/map-live/temporary-layer", test_temporary_layer);
    g_test_add_func("/map-live/grows", test_a_growing_file_is_not_unknown);
    ret = g_test_run();
    co_done();
    return ret;
}
