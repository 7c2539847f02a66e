/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preloaded into the program under measurement: how long each turn of its loop runs, which is how long a key may have to wait until it is
 * looked at.  A turn lasts from one poll() to the next; of it and of each dispatch of the program's own sources the processor time of the
 * thread counts, so that what other processes take does not.  SIGURG, one of the few that do not end a program, writes what was counted
 * since the last one behind the end of the file TURNS, which is opened at the start because the sandbox lets nothing be opened later: a line for
 * each name with the number of times, the sum and the longest, in microseconds, and how many were longer than 1, 2, 4, 8 and 16 ms; then "end".
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NAMES_MAX = 32, LIMITS = 5 };

struct count {
    char name[32];
    uint64_t times, sum_ns, longest_ns, longer[LIMITS];
};

/* The functions of a source as the program gave them, behind those that GLib calls. */
struct wrapped {
    GSourceFuncs funcs;
    GSourceFuncs *own;
};

static struct count counts[NAMES_MAX];
static GThread *loop_thread;
static uint64_t turn_ns;
static int turns_fd;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void add(const char *name, uint64_t ns)
{
    struct count *count = counts;
    while (count->name[0] != '\0' && strncmp(count->name, name, sizeof(count->name) - 1) != 0 && count < counts + NAMES_MAX - 1)
        count++;
    strncpy(count->name, name, sizeof(count->name) - 1);
    count->times++;
    count->sum_ns += ns;
    count->longest_ns = MAX(count->longest_ns, ns);
    for (unsigned i = 0; i < LIMITS; i++)
        count->longer[i] += ns > UINT64_C(1000000) << i;
}

/* In the handler of a signal, of which the measuring process sends few: good enough for that. */
static void tell(int number)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (struct count *count = counts; count < counts + NAMES_MAX && count->name[0] != '\0'; count++) {
        g_string_append_printf(text, "%s\t%lu\t%lu\t%lu", count->name, count->times, count->sum_ns / 1000, count->longest_ns / 1000);
        for (unsigned i = 0; i < LIMITS; i++)
            g_string_append_printf(text, "\t%lu", count->longer[i]);
        g_string_append_c(text, '\n');
    }
    g_string_append(text, "end\n");
    if (write(turns_fd, text->str, text->len) < 0)
        abort();
    memset(counts, 0, sizeof(counts));
}

__attribute__((constructor)) static void begin(void)
{
    turns_fd = open(getenv("TURNS"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    signal(SIGURG, tell);
}

/* ---- what is called in place of the libraries' own ---- */

int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    static int (*real)(struct pollfd *, nfds_t, int);
    if (!real)
        real = (int (*)(struct pollfd *, nfds_t, int))dlsym(RTLD_NEXT, "poll");
    bool counts_here = loop_thread && g_thread_self() == loop_thread;
    if (counts_here && turn_ns)
        add("turn of the loop", now_ns() - turn_ns);
    int ret = real(fds, n, timeout_ms);
    if (counts_here)
        turn_ns = now_ns();
    return ret;
}

static gboolean dispatch(GSource *source, GSourceFunc callback, void *data)
{
    GSourceFuncs *own = ((struct wrapped *)source->source_funcs)->own;
    const char *name = g_source_get_name(source);
    uint64_t begin = now_ns();
    gboolean ret = own->dispatch(source, callback, data);
    add(name ? name : "a source without a name", now_ns() - begin);
    return ret;
}

GSource *g_source_new(GSourceFuncs *funcs, guint size)
{
    static GSource *(*real)(GSourceFuncs *, guint);
    if (!real)
        real = (GSource * (*)(GSourceFuncs *, guint)) dlsym(RTLD_NEXT, "g_source_new");
    if (!loop_thread)
        loop_thread = g_thread_self();
    if (g_thread_self() != loop_thread || !funcs->dispatch)
        return real(funcs, size);
    struct wrapped *wrapped = g_new(struct wrapped, 1); /* sources live for as long as the program, or nearly */
    *wrapped = (struct wrapped){*funcs, funcs};
    wrapped->funcs.dispatch = dispatch;
    return real(&wrapped->funcs, size);
}
