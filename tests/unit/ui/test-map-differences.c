/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Comparisons on the map: what is marked, in both orders, while it is compared, afterwards and when either image changes. */
#include "map-bench.h"

static void ignore(void *data)
{
}

/* What is known after changes is what a comparison of everything finds. */
static void assert_true_of_all(struct bench *bench, const struct map_differences *differences)
{
    struct map_differences *all = map_differences_new(ignore, NULL);

    map_differences_start(all, bench->session, NULL);
    wait_for_differences(bench, all);
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

/* What was a guess from the tables goes as the comparison passes it, also while a frame is drawn. */
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

static void test_what_is_written_is_compared_again(void)
{
    struct bench *bench = qcow2_bench(true);
    struct map_differences *differences = map_of(bench)->differences;

    show(bench, 80, 24);
    map_differences_start(differences, bench->session, NULL);
    random_writes(bench, 2); /* while it runs */
    wait_for_differences(bench, differences);
    assert_true_of_all(bench, differences);
    for (int i = 0; i < 6; i++) {
        random_writes(bench, i == 3 ? 90 : 3); /* more than are kept apart */
        wait_for_differences(bench, differences);
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
    wait_for_differences(bench, differences);
    g_assert_true(map_differences_touch_host(differences, host, host + 1));
    g_assert_true(map_differences_touch_host(differences, host + 65535, host + 65536));
    g_assert_false(map_differences_touch_host(differences, 0, 65536)); /* the header */
    bench_ask(bench, REQUEST_MAP_HOST, 1);
    show(bench, 100, 24);
    g_assert_true(bench_shows(bench, "\u2260"));
    bench_run(bench, "write -q -P 77 12M 64k"); /* where there was nothing */
    wait_for_differences(bench, differences);
    bench_ask(bench, REQUEST_MAP_HOST, 1);
    bench->panel->ops->go(bench->panel, 12 << 20, 0);
    show(bench, 100, 24);
    host = map_of(bench)->answer.extent.host_offset;
    g_assert_true(map_differences_touch_host(differences, host, host + 1));
    qcow2_bench_free(bench);
}

/* An image in two parts each 32 KiB, whose tables are so small that they are read one by one. */
static char *open_finely_divided(struct bench *bench)
{
    g_autofree char *top = g_strconcat(bench->image, ".top", NULL);
    g_autofree char *create = g_strdup_printf("create -q -f qcow2 -o cluster_size=512 %s 1M", top);
    g_autofree char *writable = g_strdup_printf("open -w %s", top), *again = g_strdup_printf("open %s", top);

    bench_run(bench, create);
    bench_run(bench, writable);
    for (int64_t at = 0; at < 1 << 20; at += 32 << 10) {
        g_autofree char *line = g_strdup_printf("write -q -P 9 %" G_GINT64_FORMAT " 16k", at);
        bench_run(bench, line);
    }
    bench_run(bench, "close");
    bench_run(bench, again);
    return g_steal_pointer(&top);
}

/* What the tables say is still there when nothing was compared yet. */
static void test_stopped_before_contents_it_keeps_what_the_tables_say(void)
{
    struct bench *bench = bench_new(&panel_map, 1 << 20);
    g_autofree char *top = open_finely_divided(bench);
    struct map_differences *differences = map_of(bench)->differences;
    unsigned found;

    map_differences_start(differences, bench->session, bench->image);
    do {
        bench_turn(bench);
        if (map_differences_count(differences) > 2)
            break;
        aio_manual_complete(bench->aio, 0, 0);
    } while (aio_manual_count(bench->aio) > 0 || map_differences_is_busy(differences));
    found = map_differences_count(differences);
    g_assert_cmpuint(found, >, 2);
    g_assert_cmpint(map_differences_progress(differences)->done, ==, 0);
    g_assert_true(bench->panel->ops->cancel(bench->panel));
    g_assert_cmpuint(map_differences_count(differences), ==, found);
    g_assert_cmpint(map_differences_at(differences, 0).kind, ==, COMPARE_PERHAPS);
    bench_settle(bench);
    bench_free(bench);
    g_unlink(top);
}

/* However narrow the panel is, how far it is can be read; and what a stopped one does not follow any more is told at once. */
static void test_a_narrow_list_says_how_far_it_is(void)
{
    struct bench *bench = bench_new(&panel_map, 1 << 20);
    g_autofree char *other = g_strconcat(bench->image, ".with-a-rather-long-name", NULL), *make = g_strdup_printf("create -q %s 1M", other);
    struct map_differences *differences = map_of(bench)->differences;

    bench_run(bench, make);
    bench_write(bench->image, 0, 1 << 20, 1);
    bench_open(bench, "");
    show(bench, 32, 24);
    bench_ask(bench, REQUEST_MAP_DIFFERENCE_LIST, 1);
    map_differences_start(differences, bench->session, other);
    for (bench_turn(bench); map_differences_progress(differences)->size == 0; bench_turn(bench))
        aio_manual_complete(bench->aio, 0, 0);
    bench_draw(bench, 32, 24);
    bench_assert_line(bench, 0, "1 differs, 0 bytes · compared 0%");
    bench->panel->ops->cancel(bench->panel);
    bench_settle(bench);
    bench->redraws = 0;
    bench_write(other, 4096, 512, 2);
    while (!map_differences_is_stale(differences)) {
        bench_wait();
        bench_settle(bench);
    }
    g_assert_cmpuint(bench->redraws, >, 0);
    bench_draw(bench, 30, 24);
    bench_assert_line(bench, 0, "1 · stopped 0% · changed");
    bench_free(bench);
    g_unlink(other);
}

/* A page further than the list goes is its end. */
static void test_pages_end_at_the_first_and_the_last_difference(void)
{
    struct bench *bench = qcow2_bench(true);
    struct map_differences *differences = map_of(bench)->differences;

    bench_run(bench, "discard -q 0 24M");
    bench_run(bench, "write -q -P 77 1M 64k");
    bench_run(bench, "write -q -P 77 3M 64k");
    bench_run(bench, "write -q -P 77 5M 64k");
    show(bench, 80, 24);
    map_differences_start(differences, bench->session, bench->image);
    wait_for_differences(bench, differences);
    bench_ask(bench, REQUEST_MAP_DIFFERENCE_LIST, 1);
    show(bench, 80, 24);
    unsigned last = map_differences_count(differences) - 1;
    g_assert_cmpuint(last, >, 0);
    bench_ask(bench, REQUEST_PAGE_DOWN, 100);
    g_assert_cmpint(side_of(bench)->cursor, ==, map_differences_at(differences, last).start);
    bench_ask(bench, REQUEST_PAGE_UP, 100);
    g_assert_cmpint(side_of(bench)->cursor, ==, map_differences_at(differences, 0).start);
    bench_ask(bench, REQUEST_LAST, 1); /* behind all of them */
    bench_ask(bench, REQUEST_PAGE_DOWN, 1);
    g_assert_cmpint(side_of(bench)->cursor, ==, SIZE - 1);
    qcow2_bench_free(bench);
}

/* Each write would tell of it once more. */
static void test_what_can_not_be_opened_is_tried_once(void)
{
    struct bench *bench = qcow2_bench(true);
    struct map_differences *differences;

    show(bench, 80, 24);
    differences = map_of(bench)->differences;
    map_differences_start(differences, bench->session, "/none/there");
    wait_for_differences(bench, differences);
    g_assert_nonnull(map_differences_error(differences));
    bench_run(bench, "write -q -P 78 5M 1k");
    g_assert_false(map_differences_is_busy(differences));
    g_assert_nonnull(map_differences_error(differences));
    qcow2_bench_free(bench);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    co_init();
    g_test_add_func("/map-differences/differences", test_differences_are_marked);
    g_test_add_func("/map-differences/unreadable", test_what_can_not_be_read_is_not_called_different);
    g_test_add_func("/map-differences/shrinks", test_the_list_shrinks_while_it_is_drawn);
    g_test_add_func("/map-differences/again", test_what_is_written_is_compared_again);
    g_test_add_func("/map-differences/differences-in-the-file", test_differences_are_marked_in_the_file);
    g_test_add_func("/map-differences/stopped-early", test_stopped_before_contents_it_keeps_what_the_tables_say);
    g_test_add_func("/map-differences/narrow", test_a_narrow_list_says_how_far_it_is);
    g_test_add_func("/map-differences/tried-once", test_what_can_not_be_opened_is_tried_once);
    g_test_add_func("/map-differences/pages", test_pages_end_at_the_first_and_the_last_difference);
    ret = g_test_run();
    co_done();
    return ret;
}
