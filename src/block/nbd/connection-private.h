/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What connect.c (making connections), request.c and message.c (using them), watchdog.c and connection.c (the rest) share. */
#pragma once

#include "block/nbd/connection.h"
#include "io/co.h"

/* A coroutine that waits for the reply to its request. */
struct nbd_waiter {
    const struct nbd_request *request;
    struct co *co;
    bool alone;        /* it does not share a message with others */
    GList link;        /* in connection->held; valid while */
    bool held;
    int64_t sent;      /* bytes of a large read, piece by piece */
    unsigned pending;  /* messages with it that are not answered; it waits while held or pending */
    bool suspended;    /* it is to be woken after that */
    bool shares;       /* its message was for others, too */
    int error;         /* positive errno, the first one; 0 */
};

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
    unsigned generation;       /* of connections that were good, from 1 */
    GPtrArray *listed;         /* char *: bitmaps that the server has named in this handshake; the export's once that was good */
    bool choosing;             /* an option of the handshake is not answered yet */
    char *refused;             /* why the server does not serve the export; NULL: it does */
    struct nbd_handle *handle; /* NULL while down */
    char *why;                 /* it went down; NULL: never */
    int why_errno;
    char *told;                /* why the last attempts to connect again failed; NULL: none did since it was up */
    char *said;                /* by the server, of why it refuses what the handshake asks for; NULL: nothing */
    int64_t lost_us;           /* when it went down */
    int64_t retry_us;          /* not to be tried again before */

    GSource *source;           /* of handle's socket, and the watchdog's time */
    gpointer tag;
    int fd;
    GIOCondition condition;

    struct co *connector;      /* waits for handle to be ready */
    struct co_queue waiting;   /* for state to leave NBD_CONNECTING */
    unsigned trying;           /* coroutines that wait for it to be up */
    GQueue held;               /* struct nbd_waiter: reads that go at the end of this turn of the loop */
    GQueue sent;               /* message.c's, oldest first */
    unsigned answers;          /* counts replies */
    uint64_t written;          /* counts writes that were answered, not those with FUA; */
    uint64_t flushed;          /* of these, by a flush that was answered, or counted in settings.losses */
    int64_t reading;           /* bytes in sent */
    bool quick;                /* the server answers at once: see message.c */
    unsigned in_flight;
    bool busy;                 /* settings.one_at_a_time: one is under way, */
    struct co_queue turn;      /* and the others wait here */
    unsigned cancelled;        /* of those in flight; */
    int64_t cancelled_us;      /* since when there are any */
    unsigned hung_up;          /* the generation that was dropped while the server was there: what was under way is sent again; 0: none */
    uint64_t progress, watched; /* counts what arrived; as of the watchdog's last look */
    bool armed;                /* the watchdog is to run; */
    int64_t deadline_us;       /* when it ends the connection unless something arrives until then, 0: never; */
    int64_t look_us;           /* when it looks whether the server has stalled */
    int64_t heard_us;          /* when something arrived last; 0: never */
    bool stalled;              /* people are told that it has */
    bool forgotten;            /* a request will not be answered */
    bool of_helper;            /* the server is one of ours (server.h): always the same process */
    bool hopeless;             /* it can't be connected to again */
    bool status_failed;        /* a question what is where was answered with an error; others may be between that and the second answer */
    bool one_context;          /* the server is not to be asked for more than one */
};

/* Makes handle and its source; then nbd_watch() after each call of the library. */
void nbd_attach(struct nbd_connection *connection);
/* libnbd's message, without the name of the function in front; NULL: the server hung up. */
char *nbd_plain_error(const char *text);
/* Follows what libnbd waits for now.  Ends the connection if it is dead. */
void nbd_watch(struct nbd_connection *connection);
/* What nbd_connection_describe() says changed; line is for people, or NULL. */
void nbd_tell(const struct nbd_connection *connection, const char *line);
/* Waits until the connection is up, and makes it if nobody does: 0, -EIO or -ECANCELED. */
int nbd_ensure_up_co(struct nbd_connection *connection);
/* Ends the connection; requests under way end with it.  why (copied) may be NULL: what libnbd says. */
void nbd_drop(struct nbd_connection *connection, const char *why, int error);

/* watchdog.c: gives the server time from now on. */
void nbd_arm(struct nbd_connection *connection);
/* Something arrived. */
void nbd_watchdog_hear(struct nbd_connection *connection);
/* Its time has come; may end the connection. */
void nbd_watchdog_bark(struct nbd_connection *connection);
/* Nobody waits for anything of it any more, as the image is being closed: the connection is of no more use, and its end no news. */
bool nbd_is_done_with(const struct nbd_connection *connection);
/* For how many seconds the server has owed an answer and said nothing; 0: it has not stalled. */
unsigned nbd_watchdog_stalled_s(const struct nbd_connection *connection);

/* message.c: since when the oldest message is not answered; 0: all are. */
int64_t nbd_unanswered_since_us(const struct nbd_connection *connection);
/* message.c: whether nothing else is under way than reads and questions. */
bool nbd_only_reads(const struct nbd_connection *connection);
/* message.c: sends it, or a read at the end of the turn; connection is up.  waiter stays where it is until it need not wait any more. */
void nbd_send(struct nbd_connection *connection, struct nbd_waiter *waiter);
void nbd_send_held(struct nbd_connection *connection);
/* What is left of it is not sent any more; it is held. */
void nbd_take_back(struct nbd_connection *connection, struct nbd_waiter *waiter, int error);
void nbd_fail_held(struct nbd_connection *connection);

/*
 * connect.c: connects once, to whichever of the host's addresses answers.  state is NBD_CONNECTING.  0 and another export (whose bitmaps are to be
 * unreferenced), or error, NBD_DOWN and the export as it was.
 */
int nbd_connect_co(struct nbd_connection *connection, GError **error);

/* resolve.c: getaddrinfo(3) for a stream, without anybody waiting in it.  0 and *ret_found (freeaddrinfo), -ECANCELED, or an error. */
struct addrinfo;
int nbd_resolve_co(const char *host, const char *port, struct addrinfo **ret_found, GError **error);
