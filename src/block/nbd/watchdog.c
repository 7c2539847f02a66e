/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looks from time to time whether the server still answers: tells people that it has stalled, and ends a connection that is of no more use. */
#include "block/nbd/connection-private.h"

#include <errno.h>

enum {
    CLOSING_US = G_USEC_PER_SEC / 20,  /* for what nobody wants any more when the image is being closed */
    IMPATIENT_US = 2 * G_USEC_PER_SEC, /* after a cancellation, if nothing comes */
    DRIBBLE_US = 5 * G_USEC_PER_SEC,   /* the same, if something does */
    STALL_US = 5 * G_USEC_PER_SEC,     /* without a word, while there is something to answer: people are told, */
    TELL_US = G_USEC_PER_SEC,          /* and again as often until it goes on */
};

/* ---- its time ---- */

bool nbd_is_done_with(const struct nbd_connection *connection)
{
    const bool *closing = connection->settings.closing;

    return closing && *closing && connection->cancelled >= connection->in_flight && nbd_only_reads(connection);
}

static int64_t patience_us(const struct nbd_connection *connection)
{
    if (connection->cancelled > 0)
        return nbd_is_done_with(connection) ? CLOSING_US : IMPATIENT_US;
    return connection->settings.request_timeout_s * G_USEC_PER_SEC;
}

static void set_alarm(struct nbd_connection *connection)
{
    int64_t at = connection->deadline_us;

    g_source_set_ready_time(connection->source, at ? MIN(at, connection->look_us) : connection->look_us);
}

void nbd_arm(struct nbd_connection *connection)
{
    int64_t now_us = g_get_monotonic_time(), patience = patience_us(connection);

    if (!connection->armed)
        connection->look_us = now_us + STALL_US;
    connection->armed = true;
    connection->watched = connection->progress;
    connection->deadline_us = patience > 0 ? now_us + patience : 0;
    set_alarm(connection);
}

void nbd_connection_hurry(struct nbd_connection *connection)
{
    if (connection->state == NBD_UP && connection->cancelled > 0)
        nbd_arm(connection);
}

/* ---- whether the server has stalled ---- */

/* For how long there has been something to answer, and nothing came. */
static int64_t silence_us(const struct nbd_connection *connection, int64_t now_us)
{
    int64_t since_us = connection->state == NBD_UP ? nbd_unanswered_since_us(connection) : 0;

    return since_us ? now_us - MAX(since_us, connection->heard_us) : 0;
}

unsigned nbd_watchdog_stalled_s(const struct nbd_connection *connection)
{
    int64_t silence = silence_us(connection, g_get_monotonic_time());

    return silence >= STALL_US ? (unsigned)(silence / G_USEC_PER_SEC) : 0;
}

static void set_stalled(struct nbd_connection *connection, bool stalled)
{
    bool before = connection->stalled;

    connection->stalled = stalled;
    if (before || stalled) /* for how long is news, too */
        nbd_tell(connection, NULL);
}

static void look_for_stall(struct nbd_connection *connection, int64_t now_us)
{
    int64_t silence = silence_us(connection, now_us);

    set_stalled(connection, silence >= STALL_US);
    connection->look_us = now_us + (silence >= STALL_US ? TELL_US : STALL_US - silence);
}

void nbd_watchdog_hear(struct nbd_connection *connection)
{
    connection->progress++;
    connection->heard_us = g_source_get_time(connection->source);
    if (connection->stalled)
        set_stalled(connection, false);
}

/* ---- its look ---- */

/* Something comes, but the one reply that is waited for does not: a server that dribbles, or forgot it. */
static bool goes_on_too_long(const struct nbd_connection *connection)
{
    return connection->cancelled > 0 && g_get_monotonic_time() - connection->cancelled_us > DRIBBLE_US;
}

/* Runs once after the last reply at the latest, so that an idle connection makes no wake-ups. */
void nbd_watchdog_bark(struct nbd_connection *connection)
{
    int64_t now_us = g_get_monotonic_time();

    if (connection->in_flight == 0) {
        g_source_set_ready_time(connection->source, -1);
        connection->armed = false;
        set_stalled(connection, false);
        return;
    }
    if (now_us >= connection->look_us)
        look_for_stall(connection, now_us);
    if (!connection->deadline_us || now_us < connection->deadline_us) {
        set_alarm(connection);
        return;
    }
    if (connection->progress != connection->watched && !goes_on_too_long(connection)) {
        nbd_arm(connection);
        return;
    }
    g_autofree char *why = nbd_is_done_with(connection)
                               ? g_strdup("the server did not answer when the image was closed")
                               : g_strdup_printf("the server did not answer for %" G_GINT64_FORMAT " seconds", patience_us(connection) / G_USEC_PER_SEC);
    /* Who cancelled has no time for this server: the others, who have, are sent again. */
    connection->hung_up = connection->cancelled > 0 ? connection->generation : 0;
    nbd_drop(connection, why, ETIMEDOUT);
}
