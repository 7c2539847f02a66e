/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "panel-bench.h"
#include "ui/panels/pending-panel.h"

#define WITH_BREAKPOINTS ",file.driver=blkdebug,file.image.driver=file,file.image.filename="

static char *title_of(struct bench *bench)
{
    GString *title = g_string_new(NULL);

    bench->panel->ops->title(bench->panel, title);
    return g_string_free(title, FALSE);
}

static void assert_title(struct bench *bench, const char *text)
{
    g_autofree char *title = title_of(bench);

    g_assert_cmpstr(title, ==, text);
}

static void test_says_that_there_is_nothing(void)
{
    struct bench *bench = bench_new(&panel_pending, 0);

    bench_show(bench, 40, 5);
    bench_assert_line(bench, 0, "no image is open");
    bench_open(bench, "");
    bench_show(bench, 40, 5);
    bench_assert_line(bench, 0, "no request is pending");
    g_assert_cmpint(bench->panel->ops->next_tick_us(bench->panel), ==, -1);
    g_assert_cmpint(bench_ask(bench, REQUEST_DOWN, 1), ==, PANEL_IGNORED);
    bench_ask(bench, REQUEST_PENDING_RESUME, 1);
    g_assert_cmpstr(bench->remark, ==, "no request is selected");
    bench_free(bench);
}

static void test_requests_come_age_and_leave(void)
{
    struct bench *bench = bench_new(&panel_pending, 1 << 20);

    bench_open(bench, "");
    clock_set_fake_us(1000000);
    session_run(bench->session, "aio_read -q 64k 4k", bench->sink, 0, NULL, NULL);
    bench_turn(bench);
    clock_set_fake_us(1012000);
    bench_draw(bench, 120, 5);
    assert_title(bench, "1 in flight");
    g_assert_true(bench_shows(bench, "#1   read     0x10000  +4 KiB  12 ms   in flight"));
    g_assert_true(bench_shows(bench, "aio_read -q 64k 4k"));
    g_assert_cmpint(bench->panel->ops->next_tick_us(bench->panel), ==, 1112000);
    bench_settle(bench);
    bench_draw(bench, 120, 5);
    assert_title(bench, "");
    g_assert_true(bench_shows(bench, "done"));
    g_assert_cmpint(grid_cell(bench->grid, 0, 1)->role, ==, ROLE_STATE_DONE);
    g_assert_cmpint(bench->panel->ops->next_tick_us(bench->panel), ==, -1);
    clock_set_fake_us(-1);
    bench_free(bench);
}

static void test_a_breakpoint_is_resumed_from_its_row(void)
{
    struct bench *bench = bench_new(&panel_pending, 1 << 20);

    bench_open(bench, WITH_BREAKPOINTS);
    bench_run(bench, "break read_aio 'odd tag'");
    bench_run(bench, "aio_read -q 0 512");
    bench_draw(bench, 120, 5);
    assert_title(bench, "1 suspended");
    g_assert_cmpint(grid_cell(bench->grid, 44, 1)->role, ==, ROLE_STATE_SUSPENDED);
    bench_ask(bench, REQUEST_PENDING_RESUME, 1);
    bench_settle(bench);
    g_assert_cmpstr(bench->ran, ==, "resume 'odd tag'");
    assert_title(bench, "");
    bench_run(bench, "break read_aio B");
    bench_run(bench, "aio_read -q 512 512");
    bench_draw(bench, 120, 5);
    bench_ask(bench, REQUEST_FIRST, 1);
    bench_ask(bench, REQUEST_PENDING_SHOW, 1);
    g_assert_cmpint(bench->gone_to, ==, 512);
    bench_ask(bench, REQUEST_PENDING_REMOVE_BREAK, 1);
    bench_settle(bench);
    g_assert_cmpstr(bench->ran, ==, "remove_break B");
    assert_title(bench, "");
    bench_ask(bench, REQUEST_PENDING_RESUME, 1);
    g_assert_nonnull(bench->remark);
    bench_free(bench);
}

/* Under the sanitizers: what was refused may end behind the last offset there is. */
static void test_a_range_that_no_image_has_is_told(void)
{
    struct bench *bench = bench_new(&panel_pending, 1 << 20);

    bench_open(bench, "");
    bench_run(bench, "aio_read -q 9223372036854775807 4k");
    bench_draw(bench, 120, 12);
    g_assert_true(bench_shows(bench, "0x7fffffffffffffff..0x8000000000000ffe"));
    bench_free(bench);
}

static void test_a_large_request_tells_how_far_it_is(void)
{
    struct bench *bench = bench_new(&panel_pending, 32 << 20);

    bench_open(bench, "");
    session_run(bench->session, "aio_read -q 0 32M", bench->sink, 0, NULL, NULL);
    bench_turn(bench);
    bench_draw(bench, 120, 5);
    g_assert_true(bench_shows(bench, "+32 MiB    0%"));
    aio_manual_complete(bench->aio, 0, 0);
    bench_turn(bench);
    bench_draw(bench, 120, 5);
    g_assert_true(bench_shows(bench, "done"));
    g_assert_true(bench_shows(bench, "+32 MiB   12%"));
    bench_settle(bench);
    bench_draw(bench, 120, 5);
    g_assert_false(bench_shows(bench, "%"));
    bench_free(bench);
}

/* Not with all that was typed in one line. */
static void test_each_request_has_its_own_command(void)
{
    struct bench *bench = bench_new(&panel_pending, 1 << 20);

    bench_open(bench, WITH_BREAKPOINTS);
    bench_run(bench, "break read_aio A;  aio_read -q 0 512;aio_read -q 512 '512' ");
    bench_draw(bench, 120, 5);
    g_autofree char *first = bench_line(bench, 1), *second = bench_line(bench, 2);
    g_assert_true(g_str_has_suffix(first, "  aio_read -q 0 512"));
    g_assert_true(g_str_has_suffix(second, "  aio_read -q 512 '512'"));
    bench_draw(bench, 70, 12);
    bench_assert_line(bench, 11, "#1 read 0x0..0x1ff · read_aio · aio_read -q 0 512");
    bench_ask(bench, REQUEST_LAST, 1);
    bench_ask(bench, REQUEST_PENDING_CANCEL, 1);
    g_assert_cmpstr(bench->remark, ==, "this request is done");
    bench_run(bench, "resume A");
    bench_free(bench);
}

/* Whole columns go, the least telling ones first. */
static void test_what_matters_fits_narrow_panels(void)
{
    static const struct {
        int width;
        const char *line;
    } cases[] = {
        {100, "#1   read     0x0     +512 bytes  0 us    suspended  A    read_aio           aio_read -q 0 512"},
        {72, "#1  read    0x0    +512 bytes 0 us   suspended A   read_aio"},
        {60, "#1   read     0x0     +512 bytes  0 us    suspended  A"},
        {46, "read    0x0    +512 bytes 0 us   suspended A"},
        {45, "read     0x0     +512 bytes  suspended  A"},
        {30, "read    0x0    suspended A"},
        {22, "read    suspended A"},
    };
    struct bench *bench = bench_new(&panel_pending, 1 << 20);

    bench_open(bench, WITH_BREAKPOINTS);
    clock_set_fake_us(1000000);
    bench_run(bench, "break read_aio A");
    bench_run(bench, "aio_read -q 0 512");
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        bench_draw(bench, cases[i].width, 5);
        g_autofree char *text = grid_text(bench->grid);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        g_assert_cmpstr(lines[1], ==, cases[i].line);
    }
    bench_run(bench, "resume A");
    bench_settle(bench);
    clock_set_fake_us(-1);
    bench_free(bench);
}

static void test_the_selection_follows_its_request(void)
{
    struct bench *bench = bench_new(&panel_pending, 1 << 20);

    bench_open(bench, "");
    for (int i = 0; i < 8; i++) {
        g_autofree char *line = g_strdup_printf("aio_read -q %d 1", i);

        session_run(bench->session, line, bench->sink, 0, NULL, NULL);
        bench_turn(bench);
    }
    bench_draw(bench, 80, 4); /* three rows */
    bench_ask(bench, REQUEST_DOWN, 5);
    bench_draw(bench, 80, 4);
    g_assert_true(bench_shows(bench, "#6"));
    g_assert_false(bench_shows(bench, "#2"));
    g_assert_true(grid_cell(bench->grid, 0, 3)->flags & CELL_CURSOR);
    aio_manual_complete(bench->aio, 0, 0);
    bench_turn(bench);
    bench_ask(bench, REQUEST_PENDING_SHOW, 1);
    g_assert_cmpint(bench->gone_to, ==, 5);
    bench_ask(bench, REQUEST_UP, 4);
    bench_draw(bench, 80, 4);
    g_assert_true(bench_shows(bench, "#2"));
    g_assert_true(grid_cell(bench->grid, 0, 1)->flags & CELL_CURSOR);
    bench_free(bench);
}

/* What the registry says of many requests, without a disk. */
static void check_many(int many)
{
    enum { FRAMES = 200 };
    struct bench *bench = bench_new(&panel_pending, 1 << 20);
    g_autofree struct blk_request *requests = g_new0(struct blk_request, many);
    g_autofree char *all = g_strdup_printf("%d in flight", many);
    int64_t start_us, frame_us;

    for (int i = 0; i < many; i++) {
        requests[i] = (struct blk_request){.id = (uint64_t)i + 1, .op = BLK_OP_READ, .state = BLK_REQUEST_IN_FLIGHT, .offset = (i * 7919LL) % many * 4096, .bytes = 4096};
        bench->panel->ops->io(bench->panel, &requests[i]);
    }
    bench_draw(bench, 100, 40);
    bench_ask(bench, REQUEST_LAST, 1);
    start_us = g_get_monotonic_time();
    for (int i = 0; i < FRAMES; i++) {
        bench_draw(bench, 100, 40);
        bench_ask(bench, REQUEST_UP, 41);
    }
    frame_us = (g_get_monotonic_time() - start_us) / FRAMES;
    g_test_message("%" G_GINT64_FORMAT " us a frame", frame_us);
    assert_title(bench, all);
    for (int sort = 1; sort <= PENDING_SORTS; sort++) {
        bench_ask(bench, REQUEST_PENDING_SORT, 1);
        start_us = g_get_monotonic_time();
        for (int i = 0; i < FRAMES; i++) { /* each of them looks anew */
            bench->panel->ops->io(bench->panel, &requests[i]);
            bench_draw(bench, 100, 40);
        }
        g_test_message("%" G_GINT64_FORMAT " us a frame, by %s", (g_get_monotonic_time() - start_us) / FRAMES,
                       pending_sort_name(((struct pending_panel *)bench->panel)->sort));
    }
    for (int i = many; i-- > 0;) {
        requests[i].state = BLK_REQUEST_DONE;
        bench->panel->ops->io(bench->panel, &requests[i]);
    }
    bench_draw(bench, 100, 40);
    assert_title(bench, "");
    bench_free(bench);
}

static void test_many_are_drawn_fast(void)
{
    check_many(10000);
    check_many(100000);
}

static void assert_rows(struct bench *bench, const char *ids)
{
    g_auto(GStrv) wanted = g_strsplit(ids, " ", -1);

    bench_draw(bench, 120, 12);
    for (int i = 0; wanted[i]; i++) {
        g_autofree char *line = bench_line(bench, 1 + i), *start = g_strdup_printf("#%s ", wanted[i]);

        g_assert_true(g_str_has_prefix(line, start));
    }
}

static void test_rows_are_sorted_and_filtered(void)
{
    struct bench *bench = bench_new(&panel_pending, 1 << 20);

    bench_open(bench, WITH_BREAKPOINTS);
    bench_run(bench, "break write_aio A");
    bench_run(bench, "aio_write -q 64k 512");
    session_run(bench->session, "aio_read -q 128k 4k", bench->sink, 0, NULL, NULL);
    session_run(bench->session, "aio_read -q 0 64k", bench->sink, 0, NULL, NULL);
    bench_turn(bench);
    assert_rows(bench, "1 2 3");
    bench_ask(bench, REQUEST_PENDING_SORT, 1);
    assert_title(bench, "2 in flight · 1 suspended · by offset");
    assert_rows(bench, "3 1 2");
    bench_ask(bench, REQUEST_FIRST, 1);
    bench_ask(bench, REQUEST_PENDING_SORT, 1); /* by size; the selection is still the same request */
    assert_rows(bench, "3 2 1");
    bench_ask(bench, REQUEST_PENDING_SHOW, 1);
    g_assert_cmpint(bench->gone_to, ==, 0);
    bench_ask(bench, REQUEST_PENDING_FILTER, 1);
    assert_rows(bench, "1");
    g_assert_false(bench_shows(bench, "#2"));
    bench_ask(bench, REQUEST_PENDING_RESUME, 1);
    g_assert_cmpstr(bench->ran, ==, "resume A");
    bench_settle(bench);
    bench_draw(bench, 120, 12);
    g_assert_true(bench_shows(bench, "no such request: f shows others"));
    bench_free(bench);
}

/* The key again and again: what it would let go of is marked first. */
static void test_resuming_goes_on_to_the_next_that_is_stopped(void)
{
    struct bench *bench = bench_new(&panel_pending, 1 << 20);

    bench_open(bench, WITH_BREAKPOINTS);
    bench_run(bench, "read -q 0 512"); /* done */
    for (int i = 0; i < 3; i++) {
        g_autofree char *line = g_strdup_printf("break read_aio %c", 'A' + i);

        bench_run(bench, line);
        bench_run(bench, "aio_read -q 64k 512");
    }
    bench_draw(bench, 120, 12);
    bench_ask(bench, REQUEST_DOWN, 1); /* on the second of three; once done it is below the others */
    static const char *const ran[] = {"resume B", "resume A", "resume C"};
    for (size_t i = 0; i < G_N_ELEMENTS(ran); i++) {
        bench_ask(bench, REQUEST_PENDING_RESUME, 1);
        g_assert_cmpstr(bench->ran, ==, ran[i]);
        bench_settle(bench);
        bench_draw(bench, 120, 12);
        bench_ask(bench, REQUEST_PENDING_RESUME, 1);
        g_assert_cmpstr(bench->ran, ==, ran[i]); /* nothing more yet */
        g_assert_cmpstr(bench->remark, ==, i == 2 ? "this request is done" : "this is the next request at a breakpoint");
        bench_draw(bench, 120, 12);
    }
    bench_free(bench);
}

static void test_a_suspended_request_is_cancelled(void)
{
    struct bench *bench = bench_new(&panel_pending, 1 << 20);

    bench_open(bench, WITH_BREAKPOINTS);
    bench_ask(bench, REQUEST_PENDING_CANCEL, 1);
    g_assert_cmpstr(bench->remark, ==, "no request is selected");
    bench_run(bench, "break read_aio A");
    bench_run(bench, "aio_read -q 0 512");
    bench_draw(bench, 120, 6);
    assert_title(bench, "1 suspended");
    bench_ask(bench, REQUEST_PENDING_CANCEL, 1);
    bench_settle(bench);
    g_assert_cmpstr(bench->ran, ==, "cancel 1");
    bench_draw(bench, 120, 6);
    assert_title(bench, "");
    g_assert_true(bench_shows(bench, "failed"));
    g_assert_true(bench_shows(bench, "Operation cancel"));
    bench_free(bench);
}

static void test_times_and_events(void)
{
    struct bench *bench = bench_new(&panel_pending, 1 << 20);

    bench_open(bench, WITH_BREAKPOINTS);
    clock_set_fake_us(1000000);
    bench_ask(bench, REQUEST_PENDING_TIMES, 1);
    bench_draw(bench, 120, 12);
    g_assert_true(bench_shows(bench, "no request is done yet"));
    bench_ask(bench, REQUEST_PENDING_EVENTS, 1);
    bench_draw(bench, 120, 12);
    g_assert_true(bench_shows(bench, "events are not kept: T keeps them from now on"));
    pending_set_trace((struct pending_panel *)bench->panel, true);
    bench_run(bench, "break read_aio A");
    bench_run(bench, "aio_read -q 0 512");
    clock_set_fake_us(1012000);
    bench_run(bench, "resume A");
    bench_draw(bench, 120, 12);
    g_assert_true(bench_shows(bench, "#1, "));
    g_assert_true(bench_shows(bench, "0 us             queued"));
    g_assert_true(bench_shows(bench, "read_aio"));
    g_assert_true(bench_shows(bench, "suspended"));
    g_assert_true(bench_shows(bench, "12.0 ms  +12.0 ms   in flight"));
    g_assert_true(bench_shows(bench, "done"));
    bench_ask(bench, REQUEST_PENDING_TIMES, 1);
    bench_draw(bench, 120, 12);
    bench_assert_line(bench, 1, "read          1      12.0 ms  12.0 ms  12.0 ms  12.0 ms               █");
    bench_draw(bench, 78, 12); /* two powers of two in a character */
    bench_assert_line(bench, 0, "request    done fail least    median   99%      most     1us  1ms  1s");
    bench_assert_line(bench, 1, "read          1      12.0 ms  12.0 ms  12.0 ms  12.0 ms        █");
    bench_draw(bench, 38, 12);
    bench_assert_line(bench, 0, "request   done fail median   99%");
    bench_assert_line(bench, 1, "read         1      12.0 ms  12.0 ms");
    bench_assert_line(bench, 2, " 12.0 ms..12.0 ms         █");
    bench_assert_line(bench, 3, "                    1us  1ms  1s");
    bench_draw(bench, 38, 2); /* no room for more than what matters most */
    bench_assert_line(bench, 1, "read         1      12.0 ms  12.0 ms");
    clock_set_fake_us(-1);
    bench_free(bench);
}

static void answer(struct bench *bench, const char *text)
{
    g_assert_nonnull(bench->question);
    bench->question->answer(bench->panel, text);
    bench_settle(bench);
}

static void test_breakpoints_and_errors_are_listed_and_changed(void)
{
    struct bench *bench = bench_new(&panel_pending, 1 << 20);

    bench_ask(bench, REQUEST_PENDING_BREAKS, 1);
    bench_draw(bench, 80, 6);
    bench_assert_line(bench, 0, "no image is open");
    bench_open(bench, "");
    bench_draw(bench, 80, 6);
    bench_assert_line(bench, 0, "breakpoints need blkdebug: open blkdebug::IMAGE");
    bench_run(bench, "close");
    bench_open(bench, WITH_BREAKPOINTS);
    bench_draw(bench, 80, 6);
    bench_assert_line(bench, 0, "nothing stops requests: a adds a breakpoint, i injects an error");
    bench_ask(bench, REQUEST_PENDING_REMOVE_BREAK, 1);
    g_assert_cmpstr(bench->remark, ==, "there is no breakpoint and no error");
    bench_ask(bench, REQUEST_PENDING_ADD_BREAK, 1);
    answer(bench, " read_aio  odd tag ");
    g_assert_cmpstr(bench->ran, ==, "break read_aio 'odd tag'");
    answer(bench, "l2_load");
    g_assert_cmpstr(bench->ran, ==, "break l2_load l2_load");
    bench_ask(bench, REQUEST_PENDING_INJECT, 1);
    answer(bench, "write_aio,errno=28,once=on");
    bench_run(bench, "aio_read -q 0 512");
    bench_run(bench, "aio_write -q 0 512");
    bench_draw(bench, 80, 6);
    assert_title(bench, "breakpoints · 1 suspended");
    bench_assert_line(bench, 0, "tag, #   event      state           hits  error");
    bench_assert_line(bench, 1, "odd tag  read_aio   1 suspended        1");
    bench_assert_line(bench, 2, "l2_load  l2_load    waits              0");
    bench_assert_line(bench, 3, "#1       write_aio  used up            1  No space left on device, once=on");
    g_assert_true(grid_cell(bench->grid, 0, 1)->flags & CELL_CURSOR);
    bench_ask(bench, REQUEST_LAST, 1);
    bench_draw(bench, 80, 3); /* two rows */
    bench_assert_line(bench, 2, "#1       write_aio  used up            1  No space left on device, once=on");
    bench_ask(bench, REQUEST_PENDING_REMOVE_BREAK, 1);
    g_assert_cmpstr(bench->ran, ==, "inject -r 1");
    bench_ask(bench, REQUEST_PENDING_REMOVE_BREAK, 1);
    g_assert_cmpstr(bench->ran, ==, "remove_break l2_load");
    bench_ask(bench, REQUEST_PENDING_SHOW, 1);
    bench_draw(bench, 80, 6);
    g_assert_true(bench_shows(bench, "#1"));
    bench_ask(bench, REQUEST_PENDING_BREAKS, 1);
    bench_ask(bench, REQUEST_PENDING_RESUME, 1);
    bench_settle(bench);
    g_assert_cmpstr(bench->ran, ==, "resume 'odd tag'");
    bench_run(bench, "break write_aio one"); /* a request at two of them is found from both */
    bench_run(bench, "break write_aio two");
    bench_run(bench, "aio_write -q 0 512");
    for (int row = 0; row < 2; row++) {
        bench_ask(bench, REQUEST_FIRST, 1);
        if (row > 0)
            bench_ask(bench, REQUEST_DOWN, 1);
        g_clear_pointer(&bench->remark, g_free);
        bench_draw(bench, 80, 6);
        bench_ask(bench, REQUEST_PENDING_SHOW, 1);
        g_assert_null(bench->remark);
        bench_ask(bench, REQUEST_PENDING_BREAKS, 1);
    }
    bench_run(bench, "remove_break one");
    bench_run(bench, "remove_break two");
    bench_draw(bench, 80, 6);
    bench_assert_line(bench, 1, "odd tag  read_aio  used up            1");
    bench_free(bench);
}

static void test_survives_anything(void)
{
    bench_anything(&panel_pending);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    co_init();
    g_test_add_func("/pending-panel/nothing", test_says_that_there_is_nothing);
    g_test_add_func("/pending-panel/ages", test_requests_come_age_and_leave);
    g_test_add_func("/pending-panel/breakpoint", test_a_breakpoint_is_resumed_from_its_row);
    g_test_add_func("/pending-panel/own-command", test_each_request_has_its_own_command);
    g_test_add_func("/pending-panel/a-range-that-no-image-has", test_a_range_that_no_image_has_is_told);
    g_test_add_func("/pending-panel/large", test_a_large_request_tells_how_far_it_is);
    g_test_add_func("/pending-panel/narrow", test_what_matters_fits_narrow_panels);
    g_test_add_func("/pending-panel/resuming-goes-on", test_resuming_goes_on_to_the_next_that_is_stopped);
    g_test_add_func("/pending-panel/selection", test_the_selection_follows_its_request);
    g_test_add_func("/pending-panel/many", test_many_are_drawn_fast);
    g_test_add_func("/pending-panel/sorted", test_rows_are_sorted_and_filtered);
    g_test_add_func("/pending-panel/cancel", test_a_suspended_request_is_cancelled);
    g_test_add_func("/pending-panel/times", test_times_and_events);
    g_test_add_func("/pending-panel/breakpoints", test_breakpoints_and_errors_are_listed_and_changed);
    g_test_add_func("/pending-panel/anything", test_survives_anything);
    ret = g_test_run();
    co_done();
    return ret;
}
