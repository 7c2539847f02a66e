/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The handler only reads: a name is whole before it counts, and counts no more before it changes.  What it calls is safe in one
 * (signal-safety(7)).
 */
#include "io/unfinished.h"

#include <errno.h>
#include <glib.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { MAX = 8 };

static struct {
    GMutex lock; /* among those that change it */
    struct {
        volatile sig_atomic_t counts;
        char path[PATH_MAX];
    } files[MAX];
} state;

static const int numbers[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

static void on_signal(int number)
{
    int before = errno;
    for (unsigned i = 0; i < MAX; i++)
        if (state.files[i].counts)
            unlink(state.files[i].path);
    signal(number, SIG_DFL);
    raise(number); /* as soon as this one returns */
    errno = before;
}

void unfinished_init(void)
{
    struct sigaction action = {.sa_handler = on_signal}, before;
    sigfillset(&action.sa_mask);
    for (unsigned i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(numbers[i], &action, NULL);
}

void unfinished_add(const char *path)
{
    size_t size = strlen(path) + 1;
    g_mutex_lock(&state.lock);
    for (unsigned i = 0; i < MAX && size <= PATH_MAX; i++) {
        if (state.files[i].counts)
            continue;
        memcpy(state.files[i].path, path, size);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        state.files[i].counts = 1;
        break;
    }
    g_mutex_unlock(&state.lock);
}

void unfinished_drop(const char *path)
{
    g_mutex_lock(&state.lock);
    for (unsigned i = 0; i < MAX; i++)
        if (state.files[i].counts && strcmp(state.files[i].path, path) == 0)
            state.files[i].counts = 0;
    g_mutex_unlock(&state.lock);
}
