/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A command that waits for a request at a breakpoint says so, and what is typed to let it go on does not wait behind it. */
#include <glib.h>

#include "driver.h"
#include "engine/session.h"
#include "ui/desk.h"

enum { SEEN_AFTER_MS = 400 };

/* A read of the image that is stopped at A. */
static struct driver *with_stopped_read(int width, int height)
{
    struct driver *driver = driver_new(width, height, driver_colour, "disk.img");
    g_autofree char *open = g_strdup_printf("open -w -o driver=raw blkdebug::%s/disk.img", driver->dir);
    driver_command(driver, "close");
    driver_command(driver, open);
    driver_command(driver, "break read_aio A");
    driver_command(driver, "aio_read -q 64k 4k");
    return driver;
}

static void run_and_wait(struct driver *driver, const char *line)
{
    driver_command(driver, line);
    driver_pass_ms(driver, SEEN_AFTER_MS);
}

static void check_resumed(const char *line)
{
    struct driver *driver = with_stopped_read(100, 30);
    run_and_wait(driver, line);
    g_assert_true(driver_shows(driver, "  waits for read at breakpoint A: resume A  Ctrl-C ends it"));
    driver_command(driver, "resume A");
    g_assert_false(driver_shows(driver, "waits for"));
    g_assert_false(session_is_busy(driver->session));
    driver_free(driver);
}

static void test_what_is_waited_for_is_told_and_let_go(void)
{
    check_resumed("aio_flush");
    check_resumed("reopen");
    check_resumed("reopen -r");
}

static void test_others_that_are_stopped_are_counted(void)
{
    struct driver *driver = with_stopped_read(100, 30);
    driver_command(driver, "break read_aio B; aio_read -q 0 4k; break read_aio C; aio_read -q 32k 4k");
    run_and_wait(driver, "aio_flush");
    g_assert_true(driver_shows(driver, "  waits for read at breakpoint A and 2 more: resume A  Ctrl-C ends it"));
    driver_command(driver, "resume A");
    g_assert_true(driver_shows(driver, "  waits for read at breakpoint B and 1 more: resume B  Ctrl-C ends it"));
    driver_resize(driver, 60, 15);
    g_assert_true(driver_shows(driver, "waits: resume B, 1 more  Ctrl-C ends it"));
    driver_command(driver, "resume B");
    driver_command(driver, "resume C");
    g_assert_false(session_is_busy(driver->session));
    driver_free(driver);
}

static void test_ctrl_c_ends_the_wait_and_says_what_is_left(void)
{
    static const char *const lines[] = {"aio_flush", "reopen"};
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        struct driver *driver = with_stopped_read(100, 30);
        run_and_wait(driver, lines[i]);
        driver_keys(driver, "Ctrl-C");
        g_assert_false(session_is_busy(driver->session));
        g_assert_true(driver_shows(driver, "it waited for read at breakpoint A: resume A"));
        driver_free(driver);
    }
}

static void test_a_request_of_its_own_is_told(void)
{
    struct driver *driver = with_stopped_read(100, 30);
    driver_command(driver, "break read_aio 'B C'");
    run_and_wait(driver, "read 0 512");
    g_assert_true(driver_shows(driver, "  stopped at breakpoint B C: resume 'B C'  Ctrl-C ends it"));
    driver_command(driver, "resume 'B C'");
    g_assert_false(session_is_busy(driver->session));
    driver_free(driver);
}

static void test_what_comes_by_itself_is_not_called_waiting(void)
{
    struct driver *driver = with_stopped_read(100, 30);
    run_and_wait(driver, "sleep 60000");
    g_assert_true(driver_shows(driver, "Ctrl-C ends it"));
    g_assert_false(driver_shows(driver, "waits"));
    driver_keys(driver, "Ctrl-C");
    run_and_wait(driver, "wait_break B");
    g_assert_true(driver_shows(driver, "waits until a request stops there"));
    driver_free(driver);
}

static void test_little_room_is_enough(void)
{
    struct driver *driver = with_stopped_read(60, 15); /* one panel at a time */
    run_and_wait(driver, "aio_flush");
    g_assert_true(driver_shows(driver, "waits: resume A  Ctrl-C ends it"));
    driver_keys(driver, "Esc");
    g_assert_true(driver_shows(driver, "waits: resume A"));
    driver_free(driver);
}

static void test_quit_typed_does_not_wait_for_what_never_ends(void)
{
    struct driver *driver = with_stopped_read(100, 30);
    driver_command(driver, "aio_flush");
    driver_command(driver, "quit");
    g_assert_true(desk_wants_quit(driver->desk));
    driver_free(driver);
}

static void test_quit_typed_comes_after_what_runs(void)
{
    struct driver *driver = driver_new(100, 30, driver_colour, "disk.img");
    driver_command(driver, "sleep 60000");
    driver_command(driver, "quit");
    g_assert_false(desk_wants_quit(driver->desk));
    g_assert_true(driver_shows(driver, "the program ends when the command that runs has ended: Ctrl-C ends that"));
    driver_keys(driver, "Ctrl-C");
    g_assert_true(desk_wants_quit(driver->desk));
    driver_free(driver);
}

int main(int argc, char **argv)
{
    driver_init(&argc, &argv);
    g_test_add_func("/waiting/what-is-waited-for-is-told-and-let-go", test_what_is_waited_for_is_told_and_let_go);
    g_test_add_func("/waiting/others-that-are-stopped-are-counted", test_others_that_are_stopped_are_counted);
    g_test_add_func("/waiting/ctrl-c-ends-the-wait-and-says-what-is-left", test_ctrl_c_ends_the_wait_and_says_what_is_left);
    g_test_add_func("/waiting/a-request-of-its-own-is-told", test_a_request_of_its_own_is_told);
    g_test_add_func("/waiting/what-comes-by-itself-is-not-called-waiting", test_what_comes_by_itself_is_not_called_waiting);
    g_test_add_func("/waiting/little-room-is-enough", test_little_room_is_enough);
    g_test_add_func("/waiting/quit-typed-does-not-wait-for-what-never-ends", test_quit_typed_does_not_wait_for_what_never_ends);
    g_test_add_func("/waiting/quit-typed-comes-after-what-runs", test_quit_typed_comes_after_what_runs);
    return driver_run_tests();
}
