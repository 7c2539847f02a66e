/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two orders of a qcow2 image on the map: each cell, in rows and on the curve, against counting by hand; their cursors. */
#include <inttypes.h>

#include "map-bench.h"

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
    g_test_add_func("/map-orders/places", test_places_in_the_file_have_names);
    g_test_add_func("/map-orders/layers", test_layers_are_told_apart);
    g_test_add_func("/map-orders/both-cursors", test_both_cursors_are_seen);
    ret = g_test_run();
    co_done();
    return ret;
}
