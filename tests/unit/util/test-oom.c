/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Children run out of memory, or crash; how they end is looked at. */
#include <errno.h>
#include <glib.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/oom.h"

static void say(void *data)
{
    ssize_t n = write(STDERR_FILENO, data, strlen(data));
    g_assert_cmpint(n, >, 0);
}

static void ask_for_everything(void)
{
    g_free(g_malloc(SIZE_MAX / 2));
}

static void *on_a_thread(void *data)
{
    char room[OOM_ROOM];
    oom_thread_begin(room);
    ask_for_everything();
    oom_thread_end(room);
    return NULL;
}

static void run_thread(void)
{
    g_thread_join(g_thread_new("test", on_a_thread, NULL));
}

static void abort_as_slices_do(void)
{
    errno = ENOMEM;
    abort();
}

static void abort_for_another_reason(void)
{
    errno = 0;
    abort();
}

/* As GLib does when not even the message can be allocated: below itself, without an end. */
static int dig(long left)
{
    volatile char here[4096];
    here[0] = (char)left;
    errno = ENOMEM;
    return left ? dig(left - 1) + here[0] : 0;
}

G_GNUC_UNUSED static void use_up_the_stack(void)
{
    dig(LONG_MAX);
}

static void read_nothing(void)
{
    errno = ENOMEM;
    raise(SIGSEGV);
}

static void warn(void)
{
    g_warning("only this");
    _exit(7);
}

/* Returns what it said; *ret_status is that of waitpid(). */
static char *run_child(void (*act)(void), int *ret_status)
{
    int ends[2];
    g_assert_cmpint(pipe(ends), ==, 0);
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGABRT, SIG_DFL);
        oom_init("prog");
        oom_add_hook(say, (char *)"never\n");
        oom_add_hook(say, (char *)"first\n");
        oom_add_hook(say, (char *)"last added\n");
        oom_remove_hook(say, (char *)"never\n");
        act();
        _exit(9);
    }
    close(ends[1]);
    GString *text = g_string_new(NULL);
    char buffer[512];
    for (ssize_t n; (n = read(ends[0], buffer, sizeof(buffer))) > 0;)
        g_string_append_len(text, buffer, n);
    close(ends[0]);
    g_assert_cmpint(waitpid(child, ret_status, 0), ==, child);
    /* A sanitizer has a line of its own about what it could not allocate. */
    const char *rest;
    while (g_str_has_prefix(text->str, "==") && (rest = strchr(text->str, '\n')))
        g_string_erase(text, 0, rest + 1 - text->str);
    return g_string_free(text, FALSE);
}

static void test_ends_in_order(gconstpointer data)
{
    int status;
    g_autofree char *text = run_child((void (*)(void))data, &status);
    g_assert_cmpstr(text, ==, "last added\nfirst\nprog: out of memory\n");
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 1);
}

static void test_a_crash_stays_one(gconstpointer data)
{
    int status;
    g_autofree char *text = run_child((void (*)(void))data, &status);
    g_assert_cmpstr(text, ==, "");
    g_assert_true(WIFSIGNALED(status));
}

static void test_a_warning_ends_nothing(void)
{
    int status;
    g_autofree char *text = run_child(warn, &status);
    g_assert_nonnull(strstr(text, "only this"));
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 7);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_FATAL_MASK);
    g_test_add_data_func("/oom/memory", ask_for_everything, test_ends_in_order);
    g_test_add_data_func("/oom/memory-on-a-thread", run_thread, test_ends_in_order);
    g_test_add_data_func("/oom/abort-of-an-allocator", abort_as_slices_do, test_ends_in_order);
#if !defined(__SANITIZE_ADDRESS__)
    if (!g_getenv("VALGRIND_LIB") && !(g_getenv("LD_PRELOAD") && strstr(g_getenv("LD_PRELOAD"), "valgrind")))
        g_test_add_data_func("/oom/stack-used-up", use_up_the_stack, test_ends_in_order);
#endif
    g_test_add_data_func("/oom/abort", abort_for_another_reason, test_a_crash_stays_one);
    g_test_add_data_func("/oom/signal", read_nothing, test_a_crash_stays_one);
    g_test_add_func("/oom/warning", test_a_warning_ends_nothing);
    return g_test_run();
}
