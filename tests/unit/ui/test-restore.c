/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Children die on a terminal of their own; what they leave behind is looked at. */
#include <fcntl.h>
#include <glib.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ui/restore.h"

#define RESTORE_BYTES "\033[?1049l"

static void die_quietly(int how)
{
    if (how == 0) {
        exit(3);
    }
    if (how == SIGABRT) {
        abort();
    }
    raise(how);
    _exit(4);
}

/* In the child, on a terminal in raw mode. */
static void live_and_die(int how, bool disarm)
{
    struct termios found, raw;
    if (how != 0) {
        signal(how, SIG_DFL); /* whoever started the test may ignore it */
    }
    signal(SIGHUP, SIG_IGN); /* ignored before: stays ignored */
    tcgetattr(STDOUT_FILENO, &found);
    raw = found;
    cfmakeraw(&raw);
    restore_arm(STDOUT_FILENO, &found, RESTORE_BYTES, strlen(RESTORE_BYTES));
    tcsetattr(STDOUT_FILENO, TCSANOW, &raw);
    raise(SIGHUP);
    if (disarm) {
        restore_disarm();
    }
    die_quietly(how);
}

/* Returns the wait status. */
static int run_child(int how, bool disarm, GString *output, struct termios *ret_modes)
{
    int master, slave, status;
    g_assert_cmpint(openpty(&master, &slave, NULL, NULL, NULL), ==, 0);
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        close(master);
        dup2(slave, STDOUT_FILENO);
        live_and_die(how, disarm);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    tcgetattr(slave, ret_modes);
    close(slave);
    char buf[256];
    ssize_t n;
    while ((n = read(master, buf, sizeof buf)) > 0) {
        g_string_append_len(output, buf, n);
    }
    close(master);
    return status;
}

static void test_signals_restore_the_terminal_and_still_kill(void)
{
    static const int signals[] = {SIGTERM, SIGABRT, SIGUSR1, SIGQUIT, SIGBUS, SIGSEGV, SIGFPE, SIGALRM, SIGPIPE};
    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
        g_autoptr(GString) output = g_string_new(NULL);
        struct termios modes;
        int status = run_child(signals[i], false, output, &modes);
        g_assert_cmpstr(output->str, ==, RESTORE_BYTES);
        g_assert_true(modes.c_lflag & ECHO);
        g_assert_true(modes.c_lflag & ICANON);
        /* A sanitizer's handler, which comes after ours, exits instead. */
        g_assert_true((WIFSIGNALED(status) && WTERMSIG(status) == signals[i]) ||
                      (WIFEXITED(status) && WEXITSTATUS(status) == 1));
    }
}

static void test_exit_restores_the_terminal(void)
{
    g_autoptr(GString) output = g_string_new(NULL);
    struct termios modes;
    int status = run_child(0, false, output, &modes);
    g_assert_cmpint(WEXITSTATUS(status), ==, 3);
    g_assert_cmpstr(output->str, ==, RESTORE_BYTES);
    g_assert_true(modes.c_lflag & ECHO);
}

static void test_disarmed_it_does_nothing(void)
{
    g_autoptr(GString) output = g_string_new(NULL);
    struct termios modes;
    int status = run_child(SIGTERM, true, output, &modes);
    g_assert_true(WIFSIGNALED(status));
    g_assert_cmpstr(output->str, ==, "");
    g_assert_false(modes.c_lflag & ECHO);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/restore/signals-restore-the-terminal-and-still-kill",
                    test_signals_restore_the_terminal_and_still_kill);
    g_test_add_func("/restore/exit-restores-the-terminal", test_exit_restores_the_terminal);
    g_test_add_func("/restore/disarmed-it-does-nothing", test_disarmed_it_does_nothing);
    return g_test_run();
}
