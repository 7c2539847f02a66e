/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The map survives any request, size and mouse, and an image that goes, comes and changes meanwhile. */
#include <errno.h>

#include "map-bench.h"

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
    g_test_add_func("/map-survival/anything", test_survives_anything);
    g_test_add_func("/map-survival/comes-and-goes", test_survives_an_image_that_comes_and_goes);
    ret = g_test_run();
    co_done();
    return ret;
}
