/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The handle itself, for the files of the front door: blk_*.c, reopen.c, chain.c, inspect.c, overlay_*.c. */
#pragma once

#include "block/blk.h"
#include "block/node.h"
#include "block/registry.h"

struct blk {
    struct node *root; /* NULL only while opening */
    char *filename;
    char *format;            /* as it was opened, for who opens it again: NULL when none was given */
    struct options *options; /* the same */
    enum blk_refs refs;
    enum blk_cache cache;
    unsigned flags;    /* enum blk_open_flags */
    struct registry registry;
    unsigned busy;          /* requests past the gate, and the one who has quiesced the image */
    unsigned quiescing;     /* > 0: requests wait at the gate (reopen) */
    unsigned waiting;       /* requests at the gate */
    struct co_queue gate;   /* those that wait */
    struct co_queue idle;   /* who waits for busy == 0, or to close */
    struct blk *owner;      /* blk_layer(): the image this is a part of, whose gate is passed; NULL: it is whole */
    GPtrArray *layers;      /* struct blk, those parts; NULL: none was asked for */
    GPtrArray *left_out;    /* struct node, with a reference: what reopening took out of the chain, closed with the image; parts may be of them */
};

/* A handle without root; blk_open.c opens one with .registry = &blk->registry and stores it. */
struct blk *blk_new(const struct blk_open *how);
/* Frees a handle whose root is NULL. */
void blk_free(struct blk *blk);

/* Passes the gate for something that is no request: until blk_leave() the image is neither closed nor reopened.  0, or -ECANCELED. */
int blk_enter_co(struct blk *blk);
void blk_leave(struct blk *blk);

/* Takes notice of what was written to the files below by others; see blk_refresh_co().  No request is under way. */
int blk_refresh_node_co(struct node *node);

/* Keeps new requests at the gate and waits for those under way and for others who quiesce.  0, or -ECANCELED: nothing changed. */
int blk_quiesce_begin_co(struct blk *blk);
/* The same, but -EBUSY where one of them stands at a breakpoint, or comes to. */
int blk_quiesce_unless_stopped_co(struct blk *blk);
void blk_quiesce_end(struct blk *blk);
