/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/child.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/co.h"

enum { LONG_MS = 20000 };

static pid_t start_child(void)
{
    pid_t pid = fork();
    g_assert_cmpint(pid, >=, 0);
    while (pid == 0)
        pause();
    return pid;
}

static void collect(pid_t pid, int number)
{
    int status;
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == number);
}

struct wait {
    pid_t pid;
    unsigned patience_ms;
    bool cancellable;
    int ret;
};

static void wait_body(void *data)
{
    struct wait *wait = data;
    wait->ret = child_await_co(wait->pid, wait->patience_ms, wait->cancellable);
}

static void turn_until_nobody_lives(void)
{
    while (co_live())
        g_main_context_iteration(NULL, TRUE);
}

/* However it ends, and it is left to be collected; also when it has ended before. */
static void test_ends(void)
{
    for (unsigned i = 0; i < 2; i++) {
        struct wait wait = {.pid = start_child(), .patience_ms = LONG_MS, .ret = 1};
        siginfo_t info;
        kill(wait.pid, SIGKILL);
        if (i == 1)
            g_assert_cmpint(waitid(P_PID, (id_t)wait.pid, &info, WEXITED | WNOWAIT), ==, 0);
        co_start(wait_body, &wait);
        turn_until_nobody_lives();
        g_assert_cmpint(wait.ret, ==, 0);
        collect(wait.pid, SIGKILL);
    }
}

static void test_takes_too_long(void)
{
    struct wait wait = {.pid = start_child(), .patience_ms = 1};
    co_start(wait_body, &wait);
    turn_until_nobody_lives();
    g_assert_cmpint(wait.ret, ==, -ETIMEDOUT);
    kill(wait.pid, SIGKILL);
    collect(wait.pid, SIGKILL);
}

static void test_cancelled(void)
{
    struct wait wait = {.pid = start_child(), .patience_ms = LONG_MS, .cancellable = true};
    co_cancel(co_start(wait_body, &wait));
    turn_until_nobody_lives();
    g_assert_cmpint(wait.ret, ==, -ECANCELED);
    wait.cancellable = false;
    co_cancel(co_start(wait_body, &wait));
    kill(wait.pid, SIGKILL);
    turn_until_nobody_lives();
    g_assert_cmpint(wait.ret, ==, 0);
    collect(wait.pid, SIGKILL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    co_init();
    g_test_add_func("/child/ends", test_ends);
    g_test_add_func("/child/takes-too-long", test_takes_too_long);
    g_test_add_func("/child/cancelled", test_cancelled);
    int ret = g_test_run();
    co_done();
    return ret;
}
