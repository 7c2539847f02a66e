/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What connect.c (making connections), request.c (using them) and connection.c (the rest) share. */
#pragma once

#include "block/nbd/connection.h"
#include "io/co.h"

enum nbd_state {
    NBD_DOWN,
    NBD_CONNECTING, /* by one coroutine; the others wait for it */
    NBD_UP,
};

struct nbd_connection {
    const struct nbd_library *library;
    struct nbd_settings settings;
    struct aio *aio;
    void (*tell)(void *data, const char *line);
    void *tell_data;

    enum nbd_state state;
    struct nbd_export export;
    unsigned generation;
    struct nbd_handle *handle; /* NULL while down */
    char *why;                 /* it went down; NULL: never */
    int why_errno;
    int64_t lost_us;           /* when it went down */
    int64_t retry_us;          /* not to be tried again before */

    GSource *source;           /* of handle's socket, and the watchdog's time */
    gpointer tag;
    int fd;
    GIOCondition condition;

    struct co *connector;      /* waits for handle to be ready */
    struct co_queue waiting;   /* for state to leave NBD_CONNECTING */
    unsigned trying;           /* coroutines that wait for it to be up */
    GQueue sent;               /* request.c's, oldest first */
    unsigned in_flight;
    unsigned cancelled;        /* of those in flight; */
    int64_t cancelled_us;      /* since when there are any */
    unsigned hung_up;          /* the generation that was dropped because somebody cancelled, 0: none */
    uint64_t progress, watched; /* counts what arrived; as of the watchdog's last look */
    bool armed;
    bool forgotten;            /* a request will not be answered */
};

/* Makes handle and its source; then nbd_watch() after each call of the library. */
void nbd_attach(struct nbd_connection *connection);
/* Follows what libnbd waits for now.  Ends the connection if it is dead. */
void nbd_watch(struct nbd_connection *connection);
/* Gives the server time from now on. */
void nbd_arm(struct nbd_connection *connection);
/* Waits until the connection is up, and makes it if nobody does: 0, -EIO or -ECANCELED. */
int nbd_ensure_up_co(struct nbd_connection *connection);
/* Ends the connection; requests under way end with it.  why (copied) may be NULL: what libnbd says. */
void nbd_drop(struct nbd_connection *connection, const char *why, int error);

/* connect.c: connects once, to whichever of the host's addresses answers.  state is NBD_CONNECTING.  0, or error and NBD_DOWN. */
int nbd_connect_co(struct nbd_connection *connection, GError **error);

/* resolve.c: getaddrinfo(3) for a stream, without anybody waiting in it.  0 and *ret_found (freeaddrinfo), -ECANCELED, or an error. */
struct addrinfo;
int nbd_resolve_co(const char *host, const char *port, struct addrinfo **ret_found, GError **error);
