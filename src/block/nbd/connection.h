/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A connection to an NBD server: libnbd's state machine on the main context, and what to do when the server goes away.
 *
 * Requests are coroutines' and any number of them is in flight.  A request that was under way when the connection broke is sent
 * again on the next one within the reconnect delay (each is idempotent, and none that depends on it was sent before it was
 * reported), else it fails with -EIO.  What was answered and not flushed before the break may be gone if the server itself was: whoever
 * owns the connection is told, and has to fail a flush.  A server that sends nothing for the time-out while requests wait for it counts as gone; so does
 * one that answers what was sent a time-out after a request that it did not answer.  When a request is cancelled the server has two seconds
 * (five, if it sends other things); then the connection is dropped, and the requests that were not cancelled are sent again on another.  Where the
 * image is being closed and reads are all that it owes, it has next to none.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "block/blk.h"
#include "block/nbd/address.h"
#include "block/nbd/library.h"
#include "io/aio.h"

struct nbd_connection;

/* What the server said of the export, checked. */
struct nbd_export {
    int64_t size;
    uint32_t minimum_block, preferred_block, maximum_block; /* bytes; minimum is a power of two, the others are multiples of it */
    bool read_only, can_flush, can_fua, can_trim, can_zero, can_fast_zero, can_df;
    bool has_allocation, has_depth; /* what can be asked about */
    bool is_dirty_bitmap; /* in place of the allocation, */
    const char *context;  /* whose name this is; valid as long as the connection */
    GPtrArray *bitmaps;   /* char *, names of dirty bitmaps that can be asked for, without what stands before them; valid until who uses it suspends */
    bool tls;
};

struct nbd_settings {
    struct nbd_address address; /* taken over */
    char *dirty_bitmap;         /* taken over: context that is asked for in place of base:allocation; NULL: none */
    uint64_t reconnect_delay_s; /* 0: a request under way fails, the next one connects again */
    uint64_t open_timeout_s;    /* how long the first connection is tried again; 0: once */
    uint64_t request_timeout_s; /* 0: none */
    bool one_at_a_time;         /* a request goes when the one before it is answered, and whole */
    const bool *closing;        /* whether the image is being closed; NULL: never */
    unsigned *losses;           /* counts how often the connection went with writes that no flush had followed; may be NULL */
};

#define NBD_BITMAP_PREFIX "qemu:dirty-bitmap:" /* of the context of a dirty bitmap */

enum nbd_operation { NBD_READ, NBD_WRITE, NBD_FLUSH, NBD_TRIM, NBD_ZERO, NBD_STATUS };

struct nbd_request {
    enum nbd_operation operation;
    int64_t offset, bytes;
    void *buf;               /* READ, WRITE */
    unsigned flags;          /* LIBNBD_CMD_FLAG_* */
    nbd_extent_callback extent; /* STATUS */
    void (*restart)(void *data); /* STATUS: forget what was told; may be NULL */
};

/*
 * Nothing is connected yet.  tell: what nbd_connection_describe() says changed; line is for people, or NULL.  It does not suspend; data is
 * passed to it.
 */
struct nbd_connection *nbd_connection_new(const struct nbd_library *library, struct nbd_settings *settings, struct aio *aio,
                                          void (*tell)(void *data, const char *line), void *data);
/* Takes leave of the server without waiting for it.  No request is under way. */
void nbd_connection_free(struct nbd_connection *connection);

/* *settings.closing has just changed. */
void nbd_connection_hurry(struct nbd_connection *connection);

/* The first connection: 0, -ECANCELED, or an error with its message. */
int nbd_connection_open_co(struct nbd_connection *connection, GError **error);
/* As of the last time it was up; valid until the connection is freed. */
const struct nbd_export *nbd_connection_export(const struct nbd_connection *connection);
/* See struct blk_connection; blk_connection_clear(). */
void nbd_connection_describe(const struct nbd_connection *connection, struct blk_connection *ret_description);
/* Adds what connecting again takes; a socket that has no name any more (that of a helper) can't be connected to. */
void nbd_connection_needs(const struct nbd_connection *connection, struct blk_needs *needs);
/* As in struct nbd_settings, from now on. */
void nbd_connection_set_patience(struct nbd_connection *connection, uint64_t reconnect_delay_s, uint64_t request_timeout_s);

/* Sends a request and waits for its reply: 0 or the server's error as a negative errno; -EIO when the connection is lost. */
int nbd_connection_request_co(struct nbd_connection *connection, const struct nbd_request *request);
