/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plain handlers and an eventfd: GLib's own signal sources would cost a thread, and know neither SIGTSTP nor SIGCONT.
 */
#include "ui/signals.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "util/source.h"

static const struct {
    int number;
    unsigned flag;
} table[] = {
    {SIGWINCH, SIGNALS_WINCH},
    {SIGTSTP, SIGNALS_TSTP},
    {SIGCONT, SIGNALS_CONT},
    {SIGINT, SIGNALS_INT},
};

static struct {
    atomic_uint arrived;
    int fd;
    unsigned which;
    struct sigaction before[G_N_ELEMENTS(table)];
    GSource *source;
    signals_fn *fn;
    void *data;
} state = {.fd = -1};

static void on_signal(int number)
{
    int saved = errno;
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        if (table[i].number == number) {
            atomic_fetch_or(&state.arrived, table[i].flag);
        }
    }
    ssize_t n = write(state.fd, &(uint64_t){1}, sizeof(uint64_t)); /* fails only when it is readable anyway */
    (void)n;
    errno = saved;
}

static gboolean deliver(int fd, GIOCondition condition, void *data)
{
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof count);
    unsigned which = atomic_exchange(&state.arrived, 0);
    if (n > 0 && which != 0) {
        state.fn(state.data, which);
    }
    return G_SOURCE_CONTINUE;
}

void signals_init(unsigned which, signals_fn *fn, void *data)
{
    state.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    g_assert(state.fd >= 0);
    state.which = which;
    state.fn = fn;
    state.data = data;
    state.source = g_unix_fd_source_new(state.fd, G_IO_IN);
    g_source_set_callback(state.source, G_SOURCE_FUNC(deliver), NULL, NULL);
    g_source_set_priority(state.source, G_PRIORITY_HIGH);
    g_source_attach(state.source, g_main_context_get_thread_default());
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        if (which & table[i].flag) {
            sigaction(table[i].number, &(struct sigaction){.sa_handler = on_signal, .sa_flags = SA_RESTART},
                      &state.before[i]);
        }
    }
}

void signals_done(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        if (state.which & table[i].flag) {
            sigaction(table[i].number, &state.before[i], NULL);
        }
    }
    source_clear(&state.source);
    close(state.fd);
    state.fd = -1;
    state.which = 0;
}

void signals_stop(bool group)
{
    struct sigaction ours;
    sigaction(SIGTSTP, &(struct sigaction){.sa_handler = SIG_DFL}, &ours);
    kill(group ? 0 : getpid(), SIGTSTP);
    sigaction(SIGTSTP, &ours, NULL);
    atomic_fetch_and(&state.arrived, ~(unsigned)(SIGNALS_CONT | SIGNALS_TSTP)); /* dealt with by returning */
}
