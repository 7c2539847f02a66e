/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What can be large is allocated with g_try_malloc() and its like, and its failure is an error like any other.  What is small comes from
 * g_malloc(), and GLib ends the process when it can't be had.  It does so in three ways, all of which arrive here:
 *
 *   g_malloc()          g_error(): the log handler;
 *   g_slice_alloc()     a message of its own, then abort(), with ENOMEM in errno;
 *   g_malloc(), when not even the message of g_error() can be allocated: that failure is a g_error(), too, and so on until the stack
 *                       is used up.  The signal comes with ENOMEM in errno and the address of the fault beside the stack pointer.
 *
 * Images need nothing from this end: at any moment the file is what a crash may leave, and that is never corrupt.
 */
#include "util/oom.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

enum { HOOKS_MAX = 4, NEAR_STACK = 64 << 10 };

static struct {
    const char *prog;
    struct {
        oom_hook_fn *fn;
        void *data;
    } hooks[HOOKS_MAX];
    struct sigaction on_abort, on_fault; /* what was set before */
} state;

/* ---- the end ---- */

static void say(const char *text)
{
    ssize_t n = write(STDERR_FILENO, text, strlen(text));
    (void)n; /* there is nobody else to tell */
}

static void end(const char *reason) __attribute__((noreturn));

static void end(const char *reason)
{
    static int ending;
    /* A second thread, or a hook that fails, must not begin it again. */
    if (!__atomic_exchange_n(&ending, 1, __ATOMIC_SEQ_CST)) {
        for (int i = HOOKS_MAX; i-- > 0;) {
            if (state.hooks[i].fn)
                state.hooks[i].fn(state.hooks[i].data);
        }
        say(state.prog);
        say(": ");
        say(reason);
        say("\n");
    }
    _exit(1);
}

/* ---- the ways to get here ---- */

static const char *const allocation = "failed to allocate"; /* in what GLib says of memory */

static void on_log(const char *domain, GLogLevelFlags level, const char *message, void *data)
{
    if (level & G_LOG_LEVEL_ERROR)
        end(strstr(message, allocation) ? "out of memory" : message);
    g_log_default_handler(domain, level, message, data);
}

static void put_back(int number, const struct sigaction *before)
{
    sigaction(number, before, NULL);
}

static void on_abort(int number)
{
    if (errno == ENOMEM)
        end("out of memory");
    put_back(number, &state.on_abort);
    raise(number);
}

static bool is_stack_overflow(const siginfo_t *info, const ucontext_t *context)
{
#if defined(__x86_64__)
    uintptr_t stack = (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    uintptr_t stack = (uintptr_t)context->uc_mcontext.sp;
#else
    return false;
#endif
    return info->si_code > 0 && (uintptr_t)info->si_addr - (stack - NEAR_STACK) < 2 * NEAR_STACK;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    if (errno == ENOMEM && is_stack_overflow(info, context))
        end("out of memory");
    put_back(number, &state.on_fault);
    if (info->si_code <= 0)
        raise(number); /* else the instruction faults again */
}

void oom_init(const char *prog)
{
    static char room[OOM_ROOM];
    state.prog = prog;
    g_log_set_default_handler(on_log, NULL);
    oom_thread_begin(room);
    sigaction(SIGABRT, &(struct sigaction){.sa_handler = on_abort, .sa_flags = SA_ONSTACK}, &state.on_abort);
    sigaction(SIGSEGV, &(struct sigaction){.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK}, &state.on_fault);
}

/* A handler can't run on a stack that is used up.  A sanitizer may have made another already. */
void oom_thread_begin(char room[static OOM_ROOM])
{
    stack_t now;
    if (sigaltstack(NULL, &now) == 0 && now.ss_flags & SS_DISABLE)
        sigaltstack(&(stack_t){.ss_sp = room, .ss_size = OOM_ROOM}, NULL);
}

void oom_thread_end(const char *room)
{
    stack_t now;
    if (sigaltstack(NULL, &now) == 0 && now.ss_sp == room)
        sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
}

/* ---- hooks ---- */

void oom_add_hook(oom_hook_fn *fn, void *data)
{
    for (int i = 0; i < HOOKS_MAX; i++) {
        if (!state.hooks[i].fn) {
            state.hooks[i].data = data;
            state.hooks[i].fn = fn;
            return;
        }
    }
    g_assert_not_reached();
}

void oom_remove_hook(oom_hook_fn *fn, void *data)
{
    for (int i = 0; i < HOOKS_MAX; i++) {
        if (state.hooks[i].fn == fn && state.hooks[i].data == data)
            state.hooks[i].fn = NULL;
    }
}
