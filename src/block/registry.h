/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of requests an image has, and the one who watches it. */
#pragma once

#include "block/blk.h"
#include "block/event.h"
#include "io/co.h"

/* One for an image, embedded in struct blk; every node of its chain points to it. */
struct registry {
    GQueue requests; /* struct blk_request, by its link, oldest first */
    uint64_t last_id;
    const struct blk_observer *observer;
    void *data;
    const char *program; /* as struct blk_open's */
    GQueue looks; /* struct co by request's link: coroutines that carry out BLK_INTERNAL requests */
    struct co_queue stopped; /* woken when a request comes to stand at a breakpoint, */
    struct co_queue *idle;   /* and this: of those who wait for all requests to end; NULL: nobody does */
    unsigned hurry; /* how many wait for all requests to end */
    unsigned reuses; /* nodes that are used in one more place, by their names */
    bool repairing; /* the tables are being mended: nobody would resume that, as the next command waits for it; nothing stops at a breakpoint */
    bool closing; /* the image is being closed: no request stops at a breakpoint any more */
};

/* Puts a request the caller owns (stack or heap) into the list, in state queued; the issuer is copied. */
void registry_enter(struct registry *registry, struct blk_request *request, enum blk_op op, unsigned flags, int64_t offset, int64_t bytes,
                    const char *issuer);
void registry_set_state(struct registry *registry, struct blk_request *request, enum blk_request_state state);
/* Done: takes it off the list, tells the observer, frees what it owns. */
void registry_leave(struct registry *registry, struct blk_request *request, int ret);

/*
 * Around a request that is not in the list.  What it does goes unnoticed by blkdebug: it stops at no breakpoint, moves no state and
 * uses up no error that comes once, so that looking at an image from a panel changes nothing of an experiment.
 */
void registry_look_begin(struct registry *registry, struct blk_request *request);
void registry_look_end(struct registry *registry, struct blk_request *request);
/* Whether the running coroutine is in between. */
bool registry_is_look(const struct registry *registry);
/*
 * A driver that carries out the parts of a request in coroutines of their own says so in each: the part is then the request's, at
 * breakpoints and in the list.
 */
struct registry_part {
    struct blk_request *request; /* NULL: none */
    bool look;
    GList link; /* while carried out */
};
/* What the running coroutine carries out, to be copied for each part. */
struct registry_part registry_part(const struct registry *registry);
/* Around all that the part's coroutine does; part is the caller's own copy. */
void registry_part_begin(struct registry *registry, struct registry_part *part);
void registry_part_end(struct registry *registry, struct registry_part *part);

/* So many bytes (negative: none) of the running coroutine's request are dealt with, if node is the one that counts them. */
void registry_count(const struct node *node, int64_t bytes);

/*
 * From here on the running coroutine's request is so many bytes of work, which node counts: preallocating, where the request itself says
 * nothing of how much there is to do.
 */
void registry_work(const struct node *node, int64_t bytes);

/* Notes that the running coroutine's request passed an event. */
void registry_event(struct registry *registry, enum blk_event event);
/* It is suspended at tag (which stays valid until resumed), and goes on again. */
void registry_suspended(struct registry *registry, const char *tag);
void registry_resumed(struct registry *registry);

/* Whether any request stands at a breakpoint. */
bool registry_has_suspended(const struct registry *registry);

/* A line for people, without newline (blkdebug). */
void registry_message(struct registry *registry, const char *line);
void registry_connection(struct registry *registry);
void registry_changed(struct registry *registry, int64_t offset, int64_t bytes);
