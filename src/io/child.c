/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/child.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/co.h"

static gboolean on_end(int fd, GIOCondition condition, void *co)
{
    co_wake(co, 0);
    return G_SOURCE_CONTINUE;
}

static gboolean on_time(void *co)
{
    co_wake(co, -ETIMEDOUT);
    return G_SOURCE_CONTINUE;
}

static GSource *attach(GSource *source, GSourceFunc fn)
{
    g_source_set_callback(source, fn, co_self(), NULL);
    g_source_attach(source, g_main_context_get_thread_default());
    return source;
}

static void detach(GSource *source)
{
    g_source_destroy(source);
    g_source_unref(source);
}

static GSource *watch(int fd)
{
    return attach(g_unix_fd_source_new(fd, G_IO_IN), G_SOURCE_FUNC(on_end));
}

/* word: -1, or what else ends the wait. */
static int await_co(pid_t pid, int word, unsigned patience_ms, bool cancellable)
{
    int process = syscall(SYS_pidfd_open, pid, 0);
    if (process < 0)
        return -errno;
    GSource *end = watch(process), *said = word >= 0 ? watch(word) : NULL;
    GSource *time = attach(g_timeout_source_new(patience_ms), on_time);
    int ret = cancellable ? co_suspend_cancellable_co() : co_suspend_co();
    detach(end);
    detach(time);
    if (said)
        detach(said);
    close(process);
    return ret;
}

int child_await_co(pid_t pid, unsigned patience_ms, bool cancellable)
{
    return await_co(pid, -1, patience_ms, cancellable);
}

int child_await_word_co(pid_t pid, int fd, unsigned patience_ms)
{
    return await_co(pid, fd, patience_ms, true);
}
