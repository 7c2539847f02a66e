/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The map of qcow2 images: host order, the curve, lists and comparisons, each against counting by hand. */
#include <errno.h>
#include <inttypes.h>

#include "block/inspect.h"
#include "panel-bench.h"
#include "ui/panels/map-panel.h"

enum { SIZE = 24 << 20 };

struct runs {
    struct map_run run[4096];
    unsigned count;
};

static struct map_panel *map_of(struct bench *bench)
{
    return (struct map_panel *)bench->panel;
}

static struct map_side *side_of(struct bench *bench)
{
    return map_panel_side(map_of(bench));
}

/* Until the counts of what is visible are true again: scans that are repeated rest in between. */
static void show(struct bench *bench, int width, int height)
{
    bench_show(bench, width, height);
    while (map_side_is_busy(side_of(bench))) {
        bench_wait();
        bench_show(bench, width, height);
    }
}

/* ---- images ---- */

static void random_writes(struct bench *bench, int count)
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
static struct bench *qcow2_bench(bool backing)
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

static void qcow2_bench_free(struct bench *bench)
{
    g_autofree char *base = g_strconcat(bench->image, ".base", NULL), *top = g_strconcat(bench->image, ".top", NULL);

    bench_free(bench);
    g_unlink(base);
    g_unlink(top);
}

/* ---- by hand ---- */

struct collect {
    struct bench *bench;
    const struct map_source *source;
    int64_t size;
    struct runs *runs;
    bool done;
};

static int on_run(void *data, const struct map_run *run)
{
    struct runs *runs = data;

    g_assert_cmpuint(runs->count, <, G_N_ELEMENTS(runs->run));
    runs->run[runs->count++] = *run;
    return 0;
}

static void collect_co(void *data)
{
    struct collect *collect = data;

    collect->runs->count = 0;
    g_assert_cmpint(collect->source->visit_co(collect->source, session_blk(collect->bench->session), 0, collect->size, on_run, collect->runs), ==, 0);
    collect->done = true;
}

/* Every run of the side shown. */
static struct runs *runs_of(struct bench *bench)
{
    struct collect collect = {bench, side_of(bench)->source, side_of(bench)->size, g_new0(struct runs, 1), false};

    co_start(collect_co, &collect);
    while (!collect.done)
        bench_settle(bench);
    return collect.runs;
}

static struct map_counts count_by_hand(const struct runs *runs, int64_t start, int64_t end)
{
    struct map_counts counts = {0};

    for (unsigned i = 0; i < runs->count; i++) {
        int64_t from = MAX(start, runs->run[i].start), to = MIN(end, runs->run[i].start + runs->run[i].length);

        counts.bytes[runs->run[i].kind] += MAX(0, to - from);
    }
    return counts;
}

static void assert_same_counts(const struct map_counts *a, const struct map_counts *b)
{
    for (unsigned k = 0; k < MAP_KIND_COUNT; k++)
        g_assert_cmpint(a->bytes[k], ==, b->bytes[k]);
}

/* Each cell shown: what is counted, and that the picture has it where the order says. */
static void check_cells(struct bench *bench, const struct runs *runs)
{
    const struct map_side *side = side_of(bench);
    const struct map_view *view = &side->view;
    struct grid_traits traits = {.utf8 = true, .colour = true};

    for (int64_t i = 0; i < (int64_t)view->columns * view->rows; i++) {
        int64_t start = view->top + i * view->span, end = MIN(start + view->span, side->size);
        struct map_counts expected, counted;
        enum role role;
        uint32_t ch;
        int column, row;

        if (start >= side->size)
            break;
        expected = count_by_hand(runs, start, end);
        counted = map_pyramid_count(map_side_pyramid(side), start, end);
        assert_same_counts(&counted, &expected);
        map_order_place(&side->order, i, &column, &row);
        map_cell_look(side->source->space, &expected, end - start, NULL, traits, &ch, &role);
        const struct cell *cell = grid_cell(bench->grid, view->gutter + column, view->strip + row);
        if (cell->flags & CELL_CURSOR)
            map_marked_look(side->source->space, &expected, end - start, traits, &ch, &role);
        if (cell->ch != 0x258c && cell->ch != 0x2590)
            g_assert_cmphex(cell->ch, ==, ch);
    }
}

/* ---- tests ---- */

static void check_every_zoom(struct bench *bench)
{
    g_autofree struct runs *runs = runs_of(bench);

    for (int i = 0; i < 24; i++) {
        int width = g_test_rand_int_range(20, 120), height = g_test_rand_int_range(4, 50);

        side_of(bench)->cursor = g_test_rand_int_range(0, (int32_t)side_of(bench)->size);
        show(bench, width, height);
        check_cells(bench, runs);
        switch (g_test_rand_int_range(0, 5)) {
        case 0:
            bench_ask(bench, REQUEST_MAP_ZOOM_ALL, 1);
            break;
        case 1:
            bench_ask(bench, REQUEST_MAP_CURVE, 1);
            break;
        case 2:
            bench_ask(bench, REQUEST_MAP_ZOOM_CELL, 1);
            break;
        default:
            bench_ask(bench, REQUEST_MAP_ZOOM_IN, 1);
        }
    }
}

static void test_guest_order_at_every_zoom(void)
{
    for (int i = 0; i < 4; i++) {
        struct bench *bench = qcow2_bench(i % 2);

        show(bench, 80, 24);
        check_every_zoom(bench);
        qcow2_bench_free(bench);
    }
}

static void test_host_order_at_every_zoom(void)
{
    for (int i = 0; i < 4; i++) {
        struct bench *bench = qcow2_bench(i % 2);

        show(bench, 80, 24);
        bench_ask(bench, REQUEST_MAP_HOST, 1);
        show(bench, 80, 24);
        g_assert_cmpint(map_of(bench)->at, ==, MAP_HOST);
        check_every_zoom(bench);
        random_writes(bench, 3); /* the file perhaps grows */
        show(bench, 80, 24);
        check_every_zoom(bench);
        qcow2_bench_free(bench);
    }
}

static void test_raw_images_have_no_order_of_their_own(void)
{
    struct bench *bench = bench_new(&panel_map, SIZE);

    bench_open(bench, "");
    show(bench, 80, 24);
    bench_ask(bench, REQUEST_MAP_HOST, 1);
    g_assert_cmpstr(bench->remark, ==, "this format has no structure of its own: the file is the image");
    g_assert_cmpint(map_of(bench)->at, ==, MAP_GUEST);
    bench_free(bench);
}

static void test_both_cursors_are_on_the_same_byte(void)
{
    struct bench *bench = qcow2_bench(false);

    bench_run(bench, "write -q -P 3 1M 64k");
    bench->panel->ops->go(bench->panel, (1 << 20) + 4096, 0);
    show(bench, 100, 24);
    int64_t host = map_of(bench)->answer.extent.host_offset;
    g_assert_cmpint(host, >, 0);
    bench_ask(bench, REQUEST_MAP_HOST, 1);
    show(bench, 100, 24);
    g_assert_cmpint(map_of(bench)->sides[MAP_HOST].cursor, ==, host);
    g_assert_true(bench_shows(bench, "data of guest 0x101000, refcount 1"));
    map_of(bench)->sides[MAP_HOST].cursor = host + 8192; /* within the same cluster */
    show(bench, 100, 24);
    g_assert_cmpint(bench->panel->ops->position(bench->panel), ==, (1 << 20) + 12288);
    bench_ask(bench, REQUEST_MAP_HOST, 1);
    show(bench, 100, 24);
    g_assert_cmpint(map_of(bench)->sides[MAP_GUEST].cursor, ==, (1 << 20) + 12288);
    bench_ask(bench, REQUEST_MAP_HOST, 1);
    show(bench, 100, 24);
    map_of(bench)->sides[MAP_HOST].cursor = 0; /* the header is nobody's data */
    show(bench, 100, 24);
    g_assert_true(bench_shows(bench, "at 0x0: header, refcount 1"));
    bench_ask(bench, REQUEST_MAP_SHOW, 1);
    g_assert_cmpstr(bench->remark, ==, "nothing of the guest is here");
    qcow2_bench_free(bench);
}

/* Compressed clusters share one of the file, and what is not allocated has the entry of a table there. */
static void test_there_and_back_is_the_same_byte(void)
{
    static const int64_t places[] = {(2 << 20) + 5000, (2 << 20) + 65536 + 7000, (2 << 20) + 2 * 65536 + 1, (3 << 20) + 123};
    struct bench *bench = qcow2_bench(false);

    bench_run(bench, "write -q -z -u 2M 4M");
    bench_run(bench, "discard -q 2M 4M");
    bench_run(bench, "write -q -c -P 3 2M 64k");
    bench_run(bench, "write -q -c -P 4 2112k 64k");
    bench_run(bench, "write -q -c -P 5 2176k 64k");
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *owner = g_strdup_printf("compressed data of guest 0x%" PRIx64, places[i] / 65536 * 65536);

        bench->panel->ops->go(bench->panel, places[i], 0);
        show(bench, 100, 24);
        bench_ask(bench, REQUEST_MAP_HOST, 1);
        show(bench, 100, 24);
        g_assert_true(bench_shows(bench, i < 3 ? owner : "L2 table of guest"));
        bench_ask(bench, REQUEST_MAP_HOST, 1);
        show(bench, 100, 24);
        g_assert_cmpint(map_of(bench)->sides[MAP_GUEST].cursor, ==, places[i]);
    }
    qcow2_bench_free(bench);
}

static void test_keys_are_faster_than_the_screen(void)
{
    struct bench *bench = qcow2_bench(false);

    show(bench, 80, 24);
    bench_ask(bench, REQUEST_MAP_HOST, 1);
    bench_ask(bench, REQUEST_MAP_HOST, 1);
    show(bench, 80, 24);
    g_assert_true(bench_shows(bench, "at 0x0: ")); /* where it is, it says what is there */
    bench_ask(bench, REQUEST_MAP_HOST, 1);
    g_assert_cmpint(bench_ask(bench, REQUEST_MAP_LIST, 1), ==, PANEL_REDRAW); /* nothing was drawn in between */
    show(bench, 80, 24);
    g_assert_true(bench_shows(bench, "header         +64 KiB"));
    qcow2_bench_free(bench);
}

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

static void test_differences_are_marked(void)
{
    struct bench *bench = qcow2_bench(true);
    struct map_differences *differences;

    bench_run(bench, "write -q -P 77 5M 1k");
    show(bench, 80, 24);
    differences = map_of(bench)->differences;
    g_assert_null(map_differences_with(differences));
    map_differences_start(differences, bench->session, NULL);
    show(bench, 80, 24);
    while (map_differences_is_busy(differences))
        bench_settle(bench);
    g_assert_null(map_differences_error(differences));
    unsigned at = map_differences_find(differences, 5 << 20);
    g_assert_cmpuint(at, <, map_differences_count(differences));
    g_assert_cmpint(map_differences_at(differences, at).start, <=, 5 << 20);
    side_of(bench)->cursor = 0;
    for (unsigned i = map_differences_at(differences, 0).start == 0; i < map_differences_count(differences); i++) {
        bench_ask(bench, REQUEST_MAP_NEXT_DIFFERENCE, 1);
        g_assert_cmpint(side_of(bench)->cursor, ==, map_differences_at(differences, i).start);
    }
    bench_ask(bench, REQUEST_MAP_NEXT_DIFFERENCE, 1);
    g_assert_cmpstr(bench->remark, ==, "no next difference");
    for (unsigned i = map_differences_count(differences) - 1; i > 0; i--) {
        bench_ask(bench, REQUEST_MAP_PREVIOUS_DIFFERENCE, 1);
        g_assert_cmpint(side_of(bench)->cursor, ==, map_differences_at(differences, i - 1).start);
    }
    bench_ask(bench, REQUEST_MAP_DIFFERENCE_LIST, 1);
    show(bench, 80, 24);
    g_assert_true(bench_shows(bench, "from the backing file"));
    map_differences_start(differences, bench->session, "/none/there"); /* and the image closes meanwhile */
    bench_run(bench, "close");
    g_assert_null(map_differences_with(differences));
    qcow2_bench_free(bench);
}

/* What was a guess from the tables goes as the comparison passes it, also while a frame is drawn. */
static void test_what_can_not_be_read_is_not_called_different(void)
{
    struct bench *bench = bench_new(&panel_map, 1 << 20);
    g_autofree char *other = g_strconcat(bench->image, ".base", NULL), *make = g_strdup_printf("create -q %s 1M", other);
    g_autofree char *open = g_strdup_printf("open -o driver=raw,file.driver=blkdebug,file.image.filename=%s,file.inject-error.0.event=none,"
                                            "file.inject-error.0.iotype=read,file.inject-error.0.sector=1024,file.inject-error.0.once=off", bench->image);
    struct map_differences *differences;

    bench_run(bench, make);
    bench_write(bench->image, 0, 1 << 20, 1);
    bench_write(other, 0, 1 << 20, 1);
    bench_write(other, 4096, 512, 2);
    bench_run(bench, open);
    differences = map_of(bench)->differences;
    map_differences_start(differences, bench->session, other);
    while (map_differences_is_busy(differences))
        bench_settle(bench);
    g_assert_cmpuint(map_differences_count(differences), ==, 2);
    g_assert_true(map_differences_unreadable(differences, 0, 1 << 20));
    g_assert_false(map_differences_unreadable(differences, 0, 512 << 10));
    g_assert_false(map_differences_unreadable(differences, (512 << 10) + 512, 1 << 20));
    show(bench, 80, 24);
    g_assert_true(bench_shows(bench, "0x00080000 !█"));
    g_assert_true(bench_shows(bench, "█≠█"));
    bench_ask(bench, REQUEST_MAP_DIFFERENCE_LIST, 1);
    show(bench, 80, 24);
    g_assert_true(bench_shows(bench, "512 bytes, 512 bytes unreadable"));
    bench_free(bench);
    g_unlink(other);
}

static void test_the_list_shrinks_while_it_is_drawn(void)
{
    enum { HEIGHT = 300 };
    struct bench *bench = qcow2_bench(true);
    struct map_differences *differences = map_of(bench)->differences;

    for (int64_t at = 0; at < SIZE; at += 256 << 10) { /* zeroes as data, where there are zeroes anyway */
        g_autofree char *line = g_strdup_printf("write -q -P 0 %" G_GINT64_FORMAT " 64k", at);
        bench_run(bench, line);
    }
    show(bench, 80, 48);
    map_differences_start(differences, bench->session, NULL);
    bench_ask(bench, REQUEST_MAP_DIFFERENCE_LIST, 1);
    side_of(bench)->cursor = SIZE - 1; /* where the list ends */
    do {
        unsigned rows = 0;

        bench_draw(bench, 80, HEIGHT);
        for (int y = 1; y < HEIGHT; y++) {
            g_autofree char *line = bench_line(bench, y);
            rows += g_str_has_prefix(line, "0x");
        }
        g_assert_cmpuint(rows, ==, MIN(HEIGHT - 1, map_differences_count(differences)));
        if (aio_manual_count(bench->aio) > 0)
            aio_manual_complete(bench->aio, 0, 0); /* a step */
        bench_turn(bench);
    } while (map_differences_is_busy(differences));
    qcow2_bench_free(bench);
}

static void ignore(void *data)
{
}

static void wait_for(struct bench *bench, const struct map_differences *differences)
{
    bench_settle(bench);
    while (map_differences_is_busy(differences) || map_differences_is_stale(differences)) {
        bench_wait();
        bench_settle(bench);
    }
}

/* What is known after changes is what a comparison of everything finds. */
static void assert_true_of_all(struct bench *bench, const struct map_differences *differences)
{
    struct map_differences *all = map_differences_new(ignore, NULL);

    map_differences_start(all, bench->session, NULL);
    wait_for(bench, all);
    g_assert_cmpuint(map_differences_count(differences), ==, map_differences_count(all));
    for (unsigned i = 0; i < map_differences_count(all); i++) {
        g_assert_cmpint(map_differences_at(differences, i).start, ==, map_differences_at(all, i).start);
        g_assert_cmpint(map_differences_at(differences, i).end, ==, map_differences_at(all, i).end);
        g_assert_cmpint(map_differences_at(differences, i).kind, ==, map_differences_at(all, i).kind);
    }
    g_assert_cmpint(map_differences_progress((struct map_differences *)differences)->bytes[COMPARE_DIFFERENT], ==,
                    map_differences_progress(all)->bytes[COMPARE_DIFFERENT]);
    map_differences_free(all);
}

static void test_what_is_written_is_compared_again(void)
{
    struct bench *bench = qcow2_bench(true);
    struct map_differences *differences = map_of(bench)->differences;

    show(bench, 80, 24);
    map_differences_start(differences, bench->session, NULL);
    random_writes(bench, 2); /* while it runs */
    wait_for(bench, differences);
    assert_true_of_all(bench, differences);
    for (int i = 0; i < 6; i++) {
        random_writes(bench, i == 3 ? 90 : 3); /* more than are kept apart */
        wait_for(bench, differences);
        assert_true_of_all(bench, differences);
    }
    random_writes(bench, 1); /* and while that is compared again the comparison ends */
    map_differences_clear(differences);
    bench_settle(bench);
    g_assert_false(map_differences_is_stale(differences));
    qcow2_bench_free(bench);
}

static void test_differences_are_marked_in_the_file(void)
{
    struct bench *bench = qcow2_bench(true);
    struct map_differences *differences = map_of(bench)->differences;

    bench_run(bench, "discard -q 4M 2M");
    bench_run(bench, "write -q -P 77 5M 64k");
    bench->panel->ops->go(bench->panel, 5 << 20, 0);
    show(bench, 100, 24);
    int64_t host = map_of(bench)->answer.extent.host_offset;
    g_assert_cmpint(host, >, 0);
    map_differences_start(differences, bench->session, NULL);
    wait_for(bench, differences);
    g_assert_true(map_differences_touch_host(differences, host, host + 1));
    g_assert_true(map_differences_touch_host(differences, host + 65535, host + 65536));
    g_assert_false(map_differences_touch_host(differences, 0, 65536)); /* the header */
    bench_ask(bench, REQUEST_MAP_HOST, 1);
    show(bench, 100, 24);
    g_assert_true(bench_shows(bench, "\u2260"));
    bench_run(bench, "write -q -P 77 12M 64k"); /* where there was nothing */
    wait_for(bench, differences);
    bench_ask(bench, REQUEST_MAP_HOST, 1);
    bench->panel->ops->go(bench->panel, 12 << 20, 0);
    show(bench, 100, 24);
    host = map_of(bench)->answer.extent.host_offset;
    g_assert_true(map_differences_touch_host(differences, host, host + 1));
    qcow2_bench_free(bench);
}

static void test_places_in_the_file_have_names(void)
{
    struct bench *bench = qcow2_bench(false);
    g_autofree char *guest = NULL, *host = NULL, *why = NULL;

    bench->panel->ops->go(bench->panel, 1 << 20, 0);
    show(bench, 100, 24);
    guest = bench->panel->ops->where(bench->panel);
    g_assert_cmpstr(guest, ==, "0x100000");
    g_assert_false(bench->panel->ops->place_named(bench->panel, "0x100000", &why));
    g_assert_true(bench->panel->ops->place_named(bench->panel, "h:0", &why));
    g_assert_cmpstr(why, ==, "the map does not show the file: map-host does");
    g_clear_pointer(&why, g_free);
    bench_ask(bench, REQUEST_MAP_HOST, 1);
    show(bench, 100, 24);
    g_assert_true(bench->panel->ops->place_named(bench->panel, "h:64k", &why));
    g_assert_null(why);
    g_assert_cmpint(map_of(bench)->sides[MAP_HOST].cursor, ==, 65536);
    host = bench->panel->ops->where(bench->panel);
    g_assert_cmpstr(host, ==, "h:0x10000");
    g_assert_true(bench->panel->ops->place_named(bench->panel, "h:1T", &why));
    g_assert_cmpstr(why, ==, "that is no place in the file: type h:64k");
    qcow2_bench_free(bench);
}

static void test_layers_are_told_apart(void)
{
    static const char *const names[] = {"data", "backing", "backing 2", "backing 3", "backing 4+", "backing 4+"};

    for (int depth = 0; depth < (int)G_N_ELEMENTS(names); depth++) {
        struct blk_extent extent = {.length = 1, .kind = BLK_KIND_DATA, .depth = depth};

        g_assert_cmpstr(map_kind_name(map_kind_of(&extent)), ==, names[depth]);
        extent.kind = BLK_KIND_ZERO_PLAIN;
        g_assert_cmpstr(map_kind_name(map_kind_of(&extent)), ==, "zero");
    }
}

/* A line below the cells shows the other order with its cursor. */
static void test_both_cursors_are_seen(void)
{
    struct bench *bench = qcow2_bench(false);
    struct mouse mouse = {.what = MOUSE_PRESS, .button = 1};

    bench_run(bench, "write -q -P 3 1M 64k");
    bench->panel->ops->go(bench->panel, 1 << 20, 0);
    show(bench, 100, 24);
    for (mouse.y = 0;; mouse.y++) {
        g_autofree char *line = bench_line(bench, mouse.y);

        if (g_str_has_prefix(line, "file "))
            break;
    }
    int64_t host = map_of(bench)->sides[MAP_HOST].cursor, size = map_of(bench)->sides[MAP_HOST].size;
    int gutter = side_of(bench)->view.gutter, columns = side_of(bench)->view.columns;
    int x = gutter;
    while (!(grid_cell(bench->grid, x, mouse.y)->flags & CELL_SELECTED))
        x++;
    g_assert_cmpint(size * (x - gutter) / columns, <=, host);
    g_assert_cmpint(size * (x + 1 - gutter) / columns, >=, host);
    mouse.x = gutter; /* the header: no byte of the disk, so that the disk's cursor stays */
    g_assert_cmpint(bench->panel->ops->mouse(bench->panel, &mouse), ==, PANEL_REDRAW);
    show(bench, 100, 24);
    g_assert_cmpint(side_of(bench)->cursor, ==, 1 << 20);
    mouse.x = x;
    bench->panel->ops->mouse(bench->panel, &mouse);
    show(bench, 100, 24);
    bench_draw(bench, 100, 12);
    g_assert_false(bench_shows(bench, "file "));
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
            wait_for(bench, map_of(bench)->differences);
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

/* ---- what others write ---- */

static void wait_until_shown(struct bench *bench, const char *text)
{
    while (!bench_shows(bench, text)) {
        bench_wait();
        bench_show(bench, 80, 24);
    }
}

static void test_what_others_write_to_a_raw_image_shows(void)
{
    struct bench *bench = bench_new(&panel_map, SIZE);
    g_autofree char *line = g_strdup_printf("open -U -o driver=raw %s", bench->image);

    bench_run(bench, line);
    bench_show(bench, 80, 24);
    g_assert_true(bench_shows(bench, "all: · zero 25165824 bytes 100%"));
    bench_write(bench->image, 1 << 20, 4096, 1);
    wait_until_shown(bench, "data 4096 bytes");
    bench_write(bench->image, SIZE + 512, 512, 1); /* it grows */
    while (blk_length(session_blk(bench->session)) <= SIZE) {
        bench_wait();
        bench_settle(bench);
    }
    bench_free(bench);
}

static void test_what_others_write_to_a_qcow2_image_shows(void)
{
    struct bench *bench = bench_new(&panel_map, SIZE);
    struct session_config config = {.prog = "other", .refs = BLK_REFS_NONE, .aio = bench->aio};
    struct session *other = session_new(&config);
    g_autofree char *top = g_strconcat(bench->image, ".top", NULL);
    g_autofree char *make = g_strdup_printf("create -q -f qcow2 %s %d", top, SIZE);
    g_autofree char *writer = g_strdup_printf("open -w %s", top), *reader = g_strdup_printf("open -U %s", top);

    bench_run(bench, make);
    bench_run(bench, reader);
    bench_show(bench, 80, 24);
    g_assert_true(bench_shows(bench, "unallocated 25165824 bytes 100%"));
    session_run(other, writer, bench->sink, 0, NULL, NULL);
    session_run(other, "write -q 1M 64k", bench->sink, 0, NULL, NULL);
    session_run(other, "flush", bench->sink, 0, NULL, NULL);
    bench_settle(bench);
    wait_until_shown(bench, "data 65536 bytes");
    session_run(other, "write -q 9M 64k", bench->sink, 0, NULL, NULL);
    session_run(other, "flush", bench->sink, 0, NULL, NULL);
    bench_settle(bench);
    wait_until_shown(bench, "data 131072 bytes");
    session_run(other, "close", bench->sink, 0, NULL, NULL);
    bench_settle(bench);
    session_free(other);
    bench_free(bench);
    g_unlink(top);
}

static void test_survives_anything(void)
{
    struct bench *bench = qcow2_bench(true);

    for (int i = 0; i < 600; i++) {
        bench_ask(bench, (enum request)g_test_rand_int_range(REQUEST_UP, REQUEST_COUNT), g_test_rand_int_range(1, 5));
        bench_draw(bench, g_test_rand_int_range(1, 150), g_test_rand_int_range(1, 50));
        if (i % 40 == 7)
            random_writes(bench, 1);
        if (i % 13 == 0)
            bench_settle(bench);
    }
    bench_settle(bench);
    qcow2_bench_free(bench);
}

/* The image goes, comes, changes and grows while it is scanned, listed, looked up and compared; the mouse is everywhere. */
static void test_survives_an_image_that_comes_and_goes(void)
{
    static const char *const lines[] = {"close", "truncate 30M", "truncate 24M", "truncate 100G", "reopen -r", "reopen -w", "write -q -P 5 1M 3M",
                                        "discard -q 0 8M", "write -q -c -P 3 2M 64k", "aio_write -q 5M 64k", "truncate 0"};
    struct bench *bench = qcow2_bench(true);
    g_autofree char *base = g_strconcat(bench->image, ".base", NULL), *top = g_strconcat(bench->image, ".top", NULL);
    g_autofree char *open = g_strdup_printf("open -w -o driver=qcow2,file.filename=%s,backing.driver=qcow2,backing.file.filename=%s", top, base);
    struct map_differences *differences = map_of(bench)->differences;

    for (int i = 0; i < 1500; i++) {
        struct mouse mouse = {.what = g_test_rand_int_range(0, 3), .button = 1, .x = g_test_rand_int_range(-3, 170), .y = g_test_rand_int_range(-3, 60)};

        if (!session_blk(bench->session) && g_test_rand_bit())
            bench_run(bench, open);
        if (g_test_rand_int_range(0, 10) == 0)
            session_run(bench->session, lines[g_test_rand_int_range(0, G_N_ELEMENTS(lines))], bench->sink, 0, NULL, NULL);
        if (session_blk(bench->session) && g_test_rand_int_range(0, 12) == 0)
            map_differences_start(differences, bench->session, g_test_rand_bit() ? NULL : g_test_rand_bit() ? base : "@none");
        if (g_test_rand_int_range(0, 30) == 0)
            bench->panel->ops->cancel(bench->panel);
        bench_ask(bench, (enum request)g_test_rand_int_range(REQUEST_UP, REQUEST_COUNT), g_test_rand_int_range(1, 5));
        bench->panel->ops->mouse(bench->panel, &mouse);
        bench_draw(bench, g_test_rand_int_range(1, 160), g_test_rand_int_range(1, 50));
        if (aio_manual_count(bench->aio) > 0 && g_test_rand_bit())
            aio_manual_complete(bench->aio, (unsigned)g_test_rand_int_range(0, (int32_t)aio_manual_count(bench->aio)),
                                g_test_rand_int_range(0, 20) == 0 ? -EIO : 0);
        bench_turn(bench);
        if (i % 50 == 0)
            bench_settle(bench);
    }
    bench_settle(bench);
    qcow2_bench_free(bench);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    co_init();
    g_test_add_func("/map-orders/guest", test_guest_order_at_every_zoom);
    g_test_add_func("/map-orders/host", test_host_order_at_every_zoom);
    g_test_add_func("/map-orders/raw", test_raw_images_have_no_order_of_their_own);
    g_test_add_func("/map-orders/cursors", test_both_cursors_are_on_the_same_byte);
    g_test_add_func("/map-orders/there-and-back", test_there_and_back_is_the_same_byte);
    g_test_add_func("/map-orders/faster-than-the-screen", test_keys_are_faster_than_the_screen);
    g_test_add_func("/map-orders/list", test_every_extent_is_listed_and_counted);
    g_test_add_func("/map-orders/differences", test_differences_are_marked);
    g_test_add_func("/map-orders/unreadable", test_what_can_not_be_read_is_not_called_different);
    g_test_add_func("/map-orders/shrinks", test_the_list_shrinks_while_it_is_drawn);
    g_test_add_func("/map-orders/again", test_what_is_written_is_compared_again);
    g_test_add_func("/map-orders/differences-in-the-file", test_differences_are_marked_in_the_file);
    g_test_add_func("/map-orders/places", test_places_in_the_file_have_names);
    g_test_add_func("/map-orders/layers", test_layers_are_told_apart);
    g_test_add_func("/map-orders/both-cursors", test_both_cursors_are_seen);
    g_test_add_func("/map-orders/frames", test_frames);
    g_test_add_func("/map-orders/others-raw", test_what_others_write_to_a_raw_image_shows);
    g_test_add_func("/map-orders/others-qcow2", test_what_others_write_to_a_qcow2_image_shows);
    g_test_add_func("/map-orders/anything", test_survives_anything);
    g_test_add_func("/map-orders/comes-and-goes", test_survives_an_image_that_comes_and_goes);
    ret = g_test_run();
    co_done();
    return ret;
}
