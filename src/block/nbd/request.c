/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A request on an NBD connection: waited for, and sent again when the connection broke; message.c does the sending. */
#include <errno.h>

#include "block/nbd/connection-private.h"

static void lose_patience(struct nbd_connection *connection)
{
    if (connection->cancelled++ == 0)
        connection->cancelled_us = g_get_monotonic_time();
    nbd_arm(connection);
}

static void regain_patience(struct nbd_connection *connection)
{
    if (--connection->cancelled == 0 && connection->state == NBD_UP)
        nbd_arm(connection);
}

/* The memory belongs to libnbd until the reply; whoever cancels gets the connection dropped if it stands still. */
static void await_reply_co(struct nbd_connection *connection, struct nbd_waiter *waiter)
{
    bool impatient = false;

    waiter->suspended = true;
    while (waiter->held || waiter->pending) {
        if (impatient) {
            co_suspend_co();
        } else if (co_suspend_cancellable_co() == -ECANCELED) {
            if (waiter->held)
                nbd_take_back(connection, waiter, ECANCELED);
            if (waiter->pending) {
                impatient = true;
                lose_patience(connection);
            }
        }
    }
    if (impatient)
        regain_patience(connection);
}

/* Sends once.  *ret_lost: it is not known what became of it. */
static int send_co(struct nbd_connection *connection, const struct nbd_request *request, bool alone, bool *ret_lost, bool *ret_shared)
{
    struct nbd_waiter waiter = {.request = request, .co = co_self(), .alone = alone};
    unsigned generation = connection->generation;

    connection->in_flight++;
    nbd_send(connection, &waiter);
    await_reply_co(connection, &waiter);
    connection->in_flight--;
    *ret_lost = waiter.error && (connection->state != NBD_UP || connection->generation != generation);
    *ret_shared = waiter.shares;
    return -waiter.error;
}

/* ---- until it is known what became of it ---- */

static int request_co(struct nbd_connection *connection, const struct nbd_request *request)
{
    bool alone = false;

    for (;;) {
        int ret = nbd_ensure_up_co(connection);
        unsigned generation = connection->generation;
        bool lost, shared;

        if (ret < 0)
            return ret;
        ret = send_co(connection, request, alone, &lost, &shared);
        if (!lost && ret < 0 && shared && !co_cancelled()) { /* it may be a neighbour's error */
            alone = true;
            continue;
        }
        if (!lost)
            return ret;
        if (co_cancelled())
            return -ECANCELED;
        if (!connection->settings.reconnect_delay_s && connection->hung_up != generation)
            return -EIO;
        if (request->restart)
            request->restart(request->extent.user_data);
    }
}

int nbd_connection_request_co(struct nbd_connection *connection, const struct nbd_request *request)
{
    int ret;

    if (!connection->settings.one_at_a_time)
        return request_co(connection, request);
    if (connection->busy && co_queue_wait_co(&connection->turn) < 0) /* else it was handed on */
        return -ECANCELED;
    connection->busy = true;
    ret = request_co(connection, request);
    connection->busy = co_queue_wake_one(&connection->turn);
    return ret;
}
