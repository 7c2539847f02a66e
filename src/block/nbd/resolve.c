/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The addresses of a host.  A name server that says nothing keeps getaddrinfo(3) waiting for half a minute, and nothing ends that: it
 * waits on a thread of its own, which is left alone when nobody wants to know any more, also at the program's end.
 */
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "block/nbd/connection-private.h"

struct lookup {
    gint refs; /* the thread's, and the waiting coroutine's */
    char *host, *port;
    struct addrinfo *found;
    int result;
    GMainContext *context;
    struct co *waiter; /* only on the loop's thread; NULL: left */
    bool answered;     /* atomic; after it, found and result are the loop's */
};

static void lookup_unref(gpointer data)
{
    struct lookup *lookup = data;

    if (!g_atomic_int_dec_and_test(&lookup->refs))
        return;
    if (lookup->found)
        freeaddrinfo(lookup->found);
    g_main_context_unref(lookup->context);
    g_free(lookup->host);
    g_free(lookup->port);
    g_free(lookup);
}

static gboolean answer(gpointer data)
{
    struct lookup *lookup = data;

    if (lookup->waiter)
        co_wake(lookup->waiter, 0);
    return G_SOURCE_REMOVE;
}

static gpointer look_up(gpointer data)
{
    struct lookup *lookup = data;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    GSource *source = g_idle_source_new();

    lookup->result = getaddrinfo(lookup->host, lookup->port, &hints, &lookup->found);
    __atomic_store_n(&lookup->answered, true, __ATOMIC_RELEASE);
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, answer, lookup, lookup_unref);
    g_source_attach(source, lookup->context);
    g_source_unref(source);
    return NULL;
}

static struct lookup *start(const char *host, const char *port, GError **error)
{
    struct lookup *lookup = g_new0(struct lookup, 1);
    GThread *thread;

    *lookup = (struct lookup){.refs = 2, .host = g_strdup(host), .port = g_strdup(port), .waiter = co_self(),
                              .context = g_main_context_ref_thread_default()};
    thread = g_thread_try_new("resolve", look_up, lookup, error);
    if (thread)
        g_thread_unref(thread);
    else
        lookup_unref(lookup);
    return lookup;
}

int nbd_resolve_co(const char *host, const char *port, struct addrinfo **ret_found, GError **error)
{
    g_autoptr(GError) no_thread = NULL;
    struct lookup *lookup = start(host, port, &no_thread);
    int ret = no_thread ? -EAGAIN : 0;

    while (ret == 0 && !__atomic_load_n(&lookup->answered, __ATOMIC_ACQUIRE))
        ret = co_suspend_cancellable_co();
    lookup->waiter = NULL;
    if (ret == 0 && lookup->result == 0) {
        *ret_found = g_steal_pointer(&lookup->found);
    } else if (ret != -ECANCELED) {
        g_set_error(error, OPTIONS_ERROR, EIO, strchr(host, ':') ? "address resolution failed for [%s]:%s: %s" : "address resolution failed for %s:%s: %s",
                    host, port, no_thread ? no_thread->message : gai_strerror(lookup->result));
        ret = -EIO;
    }
    lookup_unref(lookup);
    return ret;
}
