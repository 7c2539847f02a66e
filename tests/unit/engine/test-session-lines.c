/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The order of lines and what they may be, from a descriptor too. */
#include <errno.h>
#include <string.h>

#include "session-fixture.h"

/* ---- order ---- */

static void lines_run_one_after_the_other(struct fixture *fixture, const void *data)
{
    struct ticket a, b, c;
    start(fixture, &a, "a", "sleep 5", 0);
    start(fixture, &b, "b", "sleep 1", 0);
    start(fixture, &c, "c", "help help", 0);
    g_assert_false(a.done || b.done || c.done);
    g_assert_cmpstr(text(fixture), ==, "");
    wait_for(&c);
    g_assert_cmpstr(fixture->ended->str, ==, "abc");
}

static void a_line_may_run_beside(struct fixture *fixture, const void *data)
{
    struct ticket slow, beside;
    start(fixture, &slow, "s", "sleep 60000", 0);
    start(fixture, &beside, "b", "help help", SESSION_RUN_NOW);
    g_assert_true(beside.done);
    g_assert_false(slow.done);
    session_cancel(fixture->session);
    wait_for(&slow);
}

/* Filling, comparing and freeing 256 MiB takes a long time for a screen: others have their turn in between. */
static void a_large_request_lets_others_go_on(struct fixture *fixture, const void *data)
{
    struct ticket ticket;
    int turns = 0;
    session_keep_buffers(fixture->session, true);
    g_assert_cmpint(run(fixture, "open -o driver=null-co,size=256M,read-zeroes=off"), ==, 0);
    start(fixture, &ticket, "r", "read -q -P 0xab 0 256M", 0);
    for (; !ticket.done; turns++)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpint(ticket.ret, ==, 0);
    g_assert_cmpint(turns, >, 40); /* each is about a millisecond; with pauses only where memory is freed there are a dozen */
    start(fixture, &ticket, "c", "read -q -P 0xab 0 256M", 0);
    g_assert_false(ticket.done);
    session_cancel(fixture->session);
    wait_for(&ticket);
    g_assert_cmpint(ticket.ret, ==, -ECANCELED);
}

static void many_lines_may_wait(struct fixture *fixture, const void *data)
{
    enum { N = 20000 };
    struct ticket first, last;
    g_autofree struct ticket *tickets = g_new(struct ticket, N);
    start(fixture, &first, "", "sleep 1", 0);
    for (int i = 0; i < N; i++)
        start(fixture, &tickets[i], "", "sleep 0", 0);
    start(fixture, &last, "z", "sleep 0", 0);
    wait_for(&last);
    for (int i = 0; i < N; i++)
        g_assert_true(tickets[i].done);
    g_assert_cmpuint(session_outstanding(fixture->session), ==, 0);
}

static void again(void *data, int ret)
{
    struct fixture *fixture = data;
    if (fixture->ended->len < 10000) {
        g_string_append_c(fixture->ended, '.');
        session_run(fixture->session, "aio_flush; help help", fixture->sink, 0, again, fixture);
    }
}

static void a_line_may_be_given_when_one_ends(struct fixture *fixture, const void *data)
{
    session_run(fixture->session, "", fixture->sink, 0, again, fixture);
    g_assert_cmpuint(fixture->ended->len, ==, 10000);
}

static void one_line_may_hold_several_commands(struct fixture *fixture, const void *data)
{
    g_assert_cmpint(run(fixture, "open -o driver=null-co,size=1M; length; length # twice"), ==, 0);
    g_assert_cmpstr(text(fixture), ==, "1 MiB\n1 MiB\n");
}

static void a_failed_command_does_not_end_its_line(struct fixture *fixture, const void *data)
{
    open_null(fixture);
    g_assert_cmpint(run(fixture, "nonsense; length"), <, 0);
    g_assert_nonnull(strstr(text(fixture), "1 MiB\n"));
}

static void unless_it_is_to_stop_on_errors(void)
{
    struct fixture fixture;
    set_up_with(&fixture, "threads", (struct session_config){.stop_on_error = true});
    open_null(&fixture);
    g_assert_cmpint(run(&fixture, "nonsense; length"), <, 0);
    g_assert_null(strstr(text(&fixture), "1 MiB\n"));
    tear_down(&fixture, NULL);
}

static void quit_ends_its_line(struct fixture *fixture, const void *data)
{
    open_null(fixture);
    g_assert_cmpint(run(fixture, "quit; length"), ==, 0);
    g_assert_true(session_wants_quit(fixture->session));
    g_assert_cmpstr(text(fixture), ==, "");
}

/* ---- hostile input ---- */

static void a_line_of_a_mebibyte_is_a_line(struct fixture *fixture, const void *data)
{
    g_autofree char *long_word = g_strnfill(1 << 20, 'x');
    g_assert_cmpint(run(fixture, long_word), <, 0);
    GString *many = g_string_new("readv -q 0");
    for (int i = 0; i < 1 << 18; i++)
        g_string_append(many, " 0 0");
    open_null(fixture);
    run(fixture, many->str);
    g_string_free(many, TRUE);
    g_assert_cmpint(run(fixture, "length"), ==, 0);
}

static void rubbish_is_refused(struct fixture *fixture, const void *data)
{
    GRand *rand = g_rand_new_with_seed(1);
    open_null(fixture);
    for (int i = 0; i < 2000; i++) {
        char line[64];
        int n = g_rand_int_range(rand, 0, sizeof(line));
        for (int j = 0; j < n; j++)
            line[j] = g_rand_int_range(rand, 1, 256);
        line[n] = '\0';
        run(fixture, line);
    }
    g_rand_free(rand);
    g_assert_cmpint(run(fixture, "help help"), ==, 0);
}

static void names_are_shown_escaped(struct fixture *fixture, const void *data)
{
    open_null(fixture);
    g_assert_cmpint(run(fixture, "compare '/no/such\033[31m'"), <, 0);
    g_assert_nonnull(strstr(text(fixture), "/no/such"));
    g_assert_null(strchr(text(fixture), '\033'));
}

/* ---- lines from a descriptor ---- */

static void feed(struct fixture *fixture, const char *input, size_t len, const char *expected)
{
    int fds[2];
    g_assert_cmpint(pipe(fds), ==, 0);
    g_assert_cmpint(write(fds[1], input, len), ==, len);
    close(fds[1]);
    g_assert_cmpint(batch_run_fd(fixture->session, fds[0], "> ", fixture->sink), ==, 0);
    close(fds[0]);
    g_assert_cmpstr(text(fixture), ==, expected);
}

static void lines_of_a_descriptor_are_prompted(struct fixture *fixture, const void *data)
{
    open_null(fixture);
    feed(fixture, "length\n\nlength\n", 15, "> 1 MiB\n> > 1 MiB\n> ");
}

static void the_last_line_needs_no_newline(struct fixture *fixture, const void *data)
{
    open_null(fixture);
    feed(fixture, "length", 6, "> 1 MiB\n> ");
}

static void a_nul_byte_ends_a_line_early(struct fixture *fixture, const void *data)
{
    open_null(fixture);
    feed(fixture, "length\0 x\nlength\n", 17, "> 1 MiB\n> 1 MiB\n> ");
}

static void nothing_follows_quit(struct fixture *fixture, const void *data)
{
    open_null(fixture);
    feed(fixture, "quit\nlength\n", 12, "> ");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    SESSION_TEST("order/foreground", lines_run_one_after_the_other);
    SESSION_TEST("order/beside", a_line_may_run_beside);
    SESSION_TEST("order/many", many_lines_may_wait);
    SESSION_TEST("order/large", a_large_request_lets_others_go_on);
    SESSION_TEST("order/from-done", a_line_may_be_given_when_one_ends);
    SESSION_TEST("order/several", one_line_may_hold_several_commands);
    SESSION_TEST("order/failure", a_failed_command_does_not_end_its_line);
    g_test_add_func("/session/order/stop-on-error", unless_it_is_to_stop_on_errors);
    SESSION_TEST("order/quit", quit_ends_its_line);
    SESSION_TEST("hostile/long", a_line_of_a_mebibyte_is_a_line);
    SESSION_TEST("hostile/rubbish", rubbish_is_refused);
    SESSION_TEST("hostile/names", names_are_shown_escaped);
    SESSION_TEST("descriptor/prompt", lines_of_a_descriptor_are_prompted);
    SESSION_TEST("descriptor/no-newline", the_last_line_needs_no_newline);
    SESSION_TEST("descriptor/nul", a_nul_byte_ends_a_line_early);
    SESSION_TEST("descriptor/quit", nothing_follows_quit);
    return run_session_tests();
}
