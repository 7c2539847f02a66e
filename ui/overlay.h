/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lies over the panels and has all keys meanwhile: help, and lists to choose from. */
#pragma once

#include "ui/grid.h"
#include "ui/key.h"
#include "ui/request.h"

struct desk;

/* Base of every overlay: the first member of its own struct. */
struct overlay {
    const struct overlay_ops *ops;
    struct desk *desk;
};

/* What it shows of all there is, as far as keys change that. */
struct overlay_state {
    int row, top;     /* the marked line of a list, 0 where there is none; the first that is visible */
    const char *text; /* that narrows it down, "" for none; valid until the next key */
    int typed;        /* characters of it before the cursor; -1: it is not being typed, or a list has none */
};

struct overlay_ops {
    /* In `show NAME`; NULL: it leads to what it shows now by itself. */
    const char *(*name)(const struct overlay *overlay);
    /* Whose keys hold now: REQUEST_CONTEXT_OVERLAY, REQUEST_CONTEXT_CHOOSER where text is typed, or one of its own. */
    enum request_context (*context)(const struct overlay *overlay);
    /* Whether a request of its context does anything now: others are not hinted at.  NULL: all do. */
    bool (*offers)(const struct overlay *overlay, enum request request);
    void (*draw)(struct overlay *overlay, struct surface surface);
    /* A request of its context, or a movement; closing it is its own to do, too. */
    void (*request)(struct overlay *overlay, enum request request, int count);
    /* A request of its context that a key asks for; NULL: a key does no less than whoever else asks. */
    void (*asked_by_key)(struct overlay *overlay, enum request request, keycode key);
    /* A key that types; NULL: none does here. */
    void (*key)(struct overlay *overlay, keycode key);
    /* Pasted text (UTF-8), which may be long; NULL: nothing is typed here. */
    void (*paste)(struct overlay *overlay, const char *text);
    /* A press of the mouse on the surface last drawn (outside: coordinates beyond it); NULL: it means nothing here. */
    void (*press)(struct overlay *overlay, int x, int y);
    void (*free)(struct overlay *overlay);
    /* Where it is, and there again, as far as there is such a place. */
    void (*state)(const struct overlay *overlay, struct overlay_state *ret_state);
    void (*set_state)(struct overlay *overlay, const struct overlay_state *state);
};

/* Takes the place of the one there is; NULL: there is none any more. */
void overlay_show(struct desk *desk, struct overlay *overlay);

/* Rows that a movement, count times, comes to where a page has that many (from its first to its last is more than any list has); false: it is none. */
bool overlay_rows(enum request request, int count, int page, int64_t *ret_rows);

/* ---- the ones there are ---- */

/* NULL: there is nothing to ask. */
struct overlay *approval_new(struct desk *desk);
struct overlay *help_new(struct desk *desk);
struct overlay *chain_view_new(struct desk *desk);

/* A line of a list to choose from. */
struct choice {
    char *name, *keys, *help; /* keys and help may be NULL */
    int value;                /* the caller's */
    const char *where;        /* the panel whose keys they are, where that is not the one with the focus; static.  Others go before such */
};

struct chooser_ops {
    const char *title;    /* and name */
    const char *question; /* before what is typed */
    const char *hint;     /* what may be typed */
    /* The mark moved to another line (NULL: nothing fits); may be NULL. */
    void (*mark)(struct desk *desk, const struct choice *choice);
    /* It was taken; the overlay is closed already. */
    void (*accept)(struct desk *desk, const struct choice *choice);
    /* The list is gone, before anything is done about what was taken; may be NULL. */
    void (*gone)(struct desk *desk);
};

/* choices (struct choice *, taken over) must free its elements with choice_free(); marked: the one marked at first. */
struct overlay *chooser_new(struct desk *desk, const struct chooser_ops *ops, GPtrArray *choices, unsigned marked);
struct choice *choice_new(const char *name, const char *keys, const char *help, int value);
void choice_free(void *choice);
/*
 * How well text fits a pattern whose characters must appear in it in this order (ASCII letters in either case): 0 not at all,
 * more where they are together or begin words.
 */
int chooser_score(const char *pattern, const char *text);

struct overlay *format_chooser_new(struct desk *desk);
struct overlay *palette_new(struct desk *desk);
struct overlay *theme_chooser_new(struct desk *desk);
