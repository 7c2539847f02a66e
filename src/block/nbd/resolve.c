/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What waits for name servers.  One that says nothing keeps getaddrinfo(3) waiting for half a minute, and nothing ends that: it
 * waits on a thread of its own, which is left alone when nobody wants to know any more, also at the program's end.
 */
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "block/nbd/connection-private.h"

/* Something that is done on such a thread. */
struct errand {
    gint refs; /* the thread's, and the waiting coroutine's */
    void (*work)(void *data);
    void *data;
    GDestroyNotify free; /* of data, on whichever thread is the last to have it */
    GMainContext *context;
    struct co *waiter; /* only on the loop's thread; NULL: left */
    bool ended;
};

static void errand_unref(gpointer data)
{
    struct errand *errand = data;

    if (!g_atomic_int_dec_and_test(&errand->refs))
        return;
    errand->free(errand->data);
    g_main_context_unref(errand->context);
    g_free(errand);
}

static gboolean end(gpointer data)
{
    struct errand *errand = data;

    errand->ended = true;
    if (errand->waiter)
        co_wake(errand->waiter, 0);
    return G_SOURCE_REMOVE;
}

static gpointer run(gpointer data)
{
    struct errand *errand = data;
    GSource *source = g_idle_source_new();

    errand->work(errand->data);
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, end, errand, errand_unref);
    g_source_attach(source, errand->context);
    g_source_unref(source);
    return NULL;
}

/* Takes one reference; data is valid while errand is. */
static int errand_run_co(struct errand *errand, GError **error)
{
    GThread *thread = g_thread_try_new("resolve", run, errand, error);
    int ret = 0;

    if (!thread) {
        errand_unref(errand);
        return -EAGAIN;
    }
    g_thread_unref(thread);
    while (ret == 0 && !errand->ended)
        ret = co_suspend_cancellable_co();
    errand->waiter = NULL;
    return ret;
}

static struct errand *errand_new(void (*work)(void *data), void *data, GDestroyNotify free)
{
    struct errand *errand = g_new(struct errand, 1);

    *errand = (struct errand){.refs = 2, .work = work, .data = data, .free = free, .context = g_main_context_ref_thread_default(), .waiter = co_self()};
    return errand;
}

/* ---- addresses ---- */

struct lookup {
    char *host, *port;
    struct addrinfo *found;
    int result;
};

static void lookup_free(void *data)
{
    struct lookup *lookup = data;

    if (lookup->found)
        freeaddrinfo(lookup->found);
    g_free(lookup->host);
    g_free(lookup->port);
    g_free(lookup);
}

static void look_up(void *data)
{
    struct lookup *lookup = data;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};

    lookup->result = getaddrinfo(lookup->host, lookup->port, &hints, &lookup->found);
}

int nbd_resolve_co(const char *host, const char *port, struct addrinfo **ret_found, GError **error)
{
    g_autoptr(GError) no_thread = NULL;
    struct lookup *lookup = g_new0(struct lookup, 1);
    struct errand *errand = errand_new(look_up, lookup, lookup_free);
    int ret;

    lookup->host = g_strdup(host);
    lookup->port = g_strdup(port);
    ret = errand_run_co(errand, &no_thread);
    if (ret == 0 && lookup->result == 0) {
        *ret_found = g_steal_pointer(&lookup->found);
    } else if (ret != -ECANCELED) {
        g_set_error(error, OPTIONS_ERROR, EIO, strchr(host, ':') ? "address resolution failed for [%s]:%s: %s" : "address resolution failed for %s:%s: %s",
                    host, port, no_thread ? no_thread->message : gai_strerror(lookup->result));
        ret = -EIO;
    }
    errand_unref(errand);
    return ret;
}
