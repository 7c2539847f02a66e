/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The registry of requests: what every user request of an image is doing right now. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum blk_op {
    BLK_OP_READ,
    BLK_OP_WRITE,
    BLK_OP_WRITE_ZEROES,
    BLK_OP_WRITE_COMPRESSED,
    BLK_OP_DISCARD,
    BLK_OP_FLUSH,
    BLK_OP_TRUNCATE,
    BLK_OP_STATUS,
    BLK_OP_LOAD_VMSTATE,
    BLK_OP_SAVE_VMSTATE,
    BLK_OP_COUNT,
};

enum blk_request_state {
    BLK_REQUEST_QUEUED,    /* waits for another request or for a drain */
    BLK_REQUEST_IN_FLIGHT,
    BLK_REQUEST_SUSPENDED, /* at a breakpoint */
    BLK_REQUEST_DONE,
};

/*
 * One request of a user.  Lives from submission until its observer saw it done; a request is in exactly one list.
 * Others read it, only src/block writes it.
 */
struct blk_request {
    GList link; /* in the registry's list; data = this */
    uint64_t id; /* from 1, in order of submission */
    enum blk_op op;
    enum blk_request_state state;
    unsigned flags; /* enum blk_request_flags, as submitted */
    int64_t offset, bytes;
    int64_t total;           /* bytes of work: all of them, or what a driver said that it has to write (registry_work()) */
    int64_t done;            /* of these, so far, as far as a driver tells; more where it reads around what it writes */
    const struct node *counts; /* the node that tells; NULL: none does */
    int64_t started_us, done_us; /* clock_now_us(); done_us valid when done */
    int ret;                     /* valid when done: 0 or negative errno */
    const char *tag;             /* breakpoint it is suspended at, NULL otherwise */
    const char *last_event;      /* static; NULL before the first */
    char *issuer;                /* the command line that asked, NULL when unknown (owned) */
    struct co *co;               /* the coroutine it runs in */
    struct blk_request *outer;   /* the one that coroutine was carrying out before, NULL: none */
};

const char *blk_op_name(enum blk_op op);                     /* "read", "write", "zeroes", ... */
const char *blk_request_state_name(enum blk_request_state s); /* "in flight", ... */
