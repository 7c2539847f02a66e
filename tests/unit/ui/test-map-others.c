/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What others write to an image that is open shows on the map. */
#include "map-bench.h"

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
    g_assert_true(bench_shows(bench, "all: · zero 24 MiB 100%"));
    bench_write(bench->image, 1 << 20, 4096, 1);
    wait_until_shown(bench, "data 4 KiB");
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
    g_assert_true(bench_shows(bench, "unallocated 24 MiB 100%"));
    session_run(other, writer, bench->sink, 0, NULL, NULL);
    session_run(other, "write -q 1M 64k", bench->sink, 0, NULL, NULL);
    session_run(other, "flush", bench->sink, 0, NULL, NULL);
    bench_settle(bench);
    wait_until_shown(bench, "data 64 KiB");
    session_run(other, "write -q 9M 64k", bench->sink, 0, NULL, NULL);
    session_run(other, "flush", bench->sink, 0, NULL, NULL);
    bench_settle(bench);
    wait_until_shown(bench, "data 128 KiB");
    session_run(other, "close", bench->sink, 0, NULL, NULL);
    bench_settle(bench);
    session_free(other);
    bench_free(bench);
    g_unlink(top);
}

/* A qcow2 image as it was before a write and as it is after it: two files of the same bytes but for these.  g_free. */
static void make_before_and_after(struct bench *bench, const char *image, GBytes **ret_before, GBytes **ret_after)
{
    g_autofree char *make = g_strdup_printf("create -q -f qcow2 %s %d", image, SIZE), *open = g_strdup_printf("open -w %s", image);
    char *text;
    gsize n;

    bench_run(bench, make);
    g_assert_true(g_file_get_contents(image, &text, &n, NULL));
    *ret_before = g_bytes_new_take(text, n);
    bench_run(bench, open);
    bench_run(bench, "write -q 1M 64k");
    bench_run(bench, "close");
    g_assert_true(g_file_get_contents(image, &text, &n, NULL));
    *ret_after = g_bytes_new_take(text, n);
}

static void overwrite(const char *image, GBytes *bytes)
{
    int fd = open(image, O_WRONLY | O_CLOEXEC);

    g_assert_cmpint(write(fd, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)), ==, g_bytes_get_size(bytes));
    close(fd);
}

/* Whenever it is: between a look at its tables and the moment from which it is watched, too. */
static void test_what_others_write_while_it_is_opened_shows(void)
{
    struct bench *bench = bench_new(&panel_map, SIZE);
    g_autofree char *image = g_strconcat(bench->image, ".top", NULL), *base = g_strconcat(bench->image, ".base", NULL);
    g_autofree char *make_base = g_strdup_printf("create -q -f qcow2 %s %d", base, SIZE);
    g_autofree char *line = g_strdup_printf("open -U -o driver=qcow2,file.filename=%s,backing.driver=qcow2,backing.file.filename=%s", image, base);
    g_autoptr(GBytes) before = NULL, after = NULL;
    bool is_open = false;

    bench_run(bench, make_base);
    make_before_and_after(bench, image, &before, &after);
    for (int looks = 0; !is_open; looks++) {
        overwrite(image, before);
        session_run(bench->session, line, bench->sink, 0, NULL, NULL);
        bench_turn(bench);
        for (int i = 0; i < looks && !session_blk(bench->session); i++) {
            aio_manual_complete(bench->aio, 0, 0);
            bench_turn(bench);
        }
        is_open = session_blk(bench->session) != NULL;
        overwrite(image, after);
        bench_settle(bench);
        bench_show(bench, 80, 24);
        wait_until_shown(bench, "data 64 KiB");
        bench_run(bench, "close");
        g_assert_cmpint(looks, <, 100);
    }
    bench_free(bench);
    g_unlink(image);
    g_unlink(base);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    co_init();
    g_test_add_func("/map-others/others-raw", test_what_others_write_to_a_raw_image_shows);
    g_test_add_func("/map-others/others-qcow2", test_what_others_write_to_a_qcow2_image_shows);
    g_test_add_func("/map-others/while-opened", test_what_others_write_while_it_is_opened_shows);
    ret = g_test_run();
    co_done();
    return ret;
}
