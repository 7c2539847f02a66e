/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Everything the handler touches was made ready beforehand: it may run on a coroutine's overflown stack (hence the
 * alternate one), inside malloc, or inside curses.  write(2), tcsetattr(3), sigaction(2) and raise(3) are
 * async-signal-safe.
 */
#include "ui/restore.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/oom.h"

enum { STACK_SIZE = 64 << 10 };

static struct {
    volatile sig_atomic_t armed;
    int fd;
    struct termios modes;
    char bytes[512];
    size_t len;
    struct sigaction before[NSIG];
    bool caught[NSIG];
    void *stack;
} state;

static void put_back(void)
{
    if (state.armed) {
        state.armed = 0;
        int saved = errno;
        for (size_t done = 0; done < state.len;) {
            ssize_t n = write(state.fd, state.bytes + done, state.len - done);
            if (n <= 0) {
                break;
            }
            done += (size_t)n;
        }
        tcsetattr(state.fd, TCSANOW, &state.modes);
        errno = saved;
    }
}

static void put_back_out_of_memory(void *data)
{
    put_back();
}

static void on_fatal(int signal_number, siginfo_t *info, void *context)
{
    put_back();
    sigaction(signal_number, &state.before[signal_number], NULL);
    /* A faulting instruction faults again under the former action; anything else is sent once more. */
    bool fault = info->si_code > 0 && (signal_number == SIGSEGV || signal_number == SIGBUS || signal_number == SIGILL ||
                                       signal_number == SIGFPE || signal_number == SIGTRAP);
    if (!fault) {
        raise(signal_number);
    }
}

/* Whether its default action ends the process, and nobody else waits for it. */
static bool is_fatal(int signal_number)
{
    switch (signal_number) {
    case SIGKILL:
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
    case SIGCONT:
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
    case SIGINT: /* the loop's: cancels a command */
        return false;
    default:
        return true;
    }
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigfillset(&action.sa_mask);
    for (int i = 1; i < NSIG; i++) {
        state.caught[i] = false;
        if (!is_fatal(i) || sigaction(i, NULL, &state.before[i]) != 0) {
            continue;
        }
        /* Handlers of others (curses', a sanitizer's) come after ours; what is ignored stays ignored. */
        bool ignored = !(state.before[i].sa_flags & SA_SIGINFO) && state.before[i].sa_handler == SIG_IGN;
        state.caught[i] = !ignored && sigaction(i, &action, NULL) == 0;
    }
}

static void use_own_stack(void)
{
    stack_t now;
    if (sigaltstack(NULL, &now) == 0 && (now.ss_flags & SS_DISABLE)) {
        state.stack = g_malloc(STACK_SIZE);
        sigaltstack(&(stack_t){.ss_sp = state.stack, .ss_size = STACK_SIZE}, NULL);
    }
}

void restore_arm(int fd, const struct termios *modes, const char *bytes, size_t len)
{
    static bool at_exit;
    if (!at_exit) {
        at_exit = true;
        atexit(put_back);
        oom_add_hook(put_back_out_of_memory, NULL);
    }
    restore_disarm();
    state.fd = fd;
    state.modes = *modes;
    state.len = MIN(len, sizeof state.bytes);
    memcpy(state.bytes, bytes, state.len);
    use_own_stack();
    catch_signals();
    state.armed = 1;
}

void restore_disarm(void)
{
    state.armed = 0;
    for (int i = 1; i < NSIG; i++) {
        if (state.caught[i]) {
            sigaction(i, &state.before[i], NULL);
            state.caught[i] = false;
        }
    }
    if (state.stack != NULL) {
        sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
        g_free(state.stack);
        state.stack = NULL;
    }
}
