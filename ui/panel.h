/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a panel is to the screen, and what the screen offers a panel. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "ui/event.h"
#include "ui/grid.h"
#include "ui/request.h"

struct blk_request;
struct panel;
struct panel_host;
struct setting;
struct session;

/* Base of every panel: the first member of its own struct. */
struct panel {
    const struct panel_ops *ops;
    struct panel_host *host;
};

/* A question a panel has at the bottom of the screen; static. */
struct panel_question {
    enum request request;        /* that asks it */
    const char *question, *hint; /* "search: ", and what may be typed */
    bool one_key;                /* the first key that types something is the answer */
    /* Not called for no answer.  May ask again. */
    void (*answer)(struct panel *panel, const char *text);
};

/* What a panel says after it was asked something. */
enum panel_reaction {
    PANEL_IGNORED, /* not mine: the next one may have it */
    PANEL_HANDLED, /* done, nothing to see */
    PANEL_REDRAW,  /* done, paint me */
};

/* What movements and the mouse change in a panel; offsets in what it shows, rows where it shows rows. */
struct panel_view {
    int64_t cursor; /* -1: it has none now */
    int64_t top;    /* the first that is visible */
    int64_t range_start, range_end; /* marked; empty: nothing is */
    bool growing;   /* the range goes from range_start to wherever the cursor is; range_end is 0 */
    int64_t other;  /* of a second cursor, where that is not where the first one leads it; -1: it is, or there is none */
};

/* What the bottom line offers first: a request, and what to call it where its label does not say what it does now. */
struct panel_hint {
    enum request request; /* REQUEST_NONE: the end */
    const char *label;    /* NULL: as in the table */
};

struct panel_progress {
    const char *what;    /* "search"; static */
    int64_t done, total; /* bytes; total 0: not known */
    int64_t since_us;    /* clock_now_us() when it began */
};

/*
 * All run on the one thread, outside of coroutines, and never wait: what takes time is started in a coroutine, which
 * calls panel_redraw() when it has something to show.  Members may be NULL unless said otherwise.
 */
struct panel_ops {
    const char *name;             /* "hex": its tab, and its name in `focus NAME`; not NULL */
    enum request_context context; /* its own requests */

    /* A new panel (embedding struct panel, ops and host set).  Not NULL. */
    struct panel *(*create)(struct panel_host *host);
    /* Ends whatever it has running (coroutines of its own must not touch it any more) and frees.  Not NULL. */
    void (*free)(struct panel *panel);

    /* Appends what follows the name in the frame's top line ("linear · 1.25 GiB/cell"); NULL: only the name. */
    void (*title)(struct panel *panel, GString *title);
    /*
     * Paints everything; the surface is blank, inside the frame, and of any size, 0x0 included.  The size seen here is
     * the one that page movements go by.  Not NULL.
     */
    void (*draw)(struct panel *panel, struct surface surface, bool focused);
    /*
     * A request of its own context or a movement; count >= 1 repeats it.  Where rows have numbers, REQUEST_FIRST with a count goes to that row.
     */
    bool has_row_numbers;
    enum panel_reaction (*request)(struct panel *panel, enum request request, int count);
    /*
     * A key that means nothing in typing_context, for a panel in which text is typed: while it is, neither movements nor
     * global keys reach it as requests.  NULL: no text is typed here.
     */
    enum panel_reaction (*key)(struct panel *panel, keycode key);
    enum request_context typing_context; /* of keys while text is typed; with key only */
    bool (*typing)(struct panel *panel); /* whether it is now; NULL: always, with key */
    /* Show bytes at offset (bytes 0: unknown how many): a `goto`.  offset is inside the image. */
    void (*go)(struct panel *panel, int64_t offset, int64_t bytes);
    /* Byte of the image its cursor is on, -1: none.  A relative `goto +64k` starts there. */
    int64_t (*position)(struct panel *panel);
    /* Rows that a page moves by; NULL: as many as it has inside its frame. */
    int (*page_rows)(struct panel *panel);
    /* Where it is now, zeroed before; and back there: false when what it shows has no such place.  Both or neither. */
    void (*view)(struct panel *panel, struct panel_view *ret_view);
    bool (*set_view)(struct panel *panel, const struct panel_view *view);
    /* Whether the request is for steps (to the next extent and the like) that come after others, which are under way.  NULL: it never is. */
    bool (*steps_on)(struct panel *panel, enum request request);
    /* Moves the cursor to where position() was offset, in what is shown now; nothing when that is not there. */
    void (*place)(struct panel *panel, int64_t offset);
    /*
     * For a panel whose cursor may be at what is no byte of the image: how the log names where it is ("0x1000", "h1:0x200"; g_free), NULL:
     * nowhere.  NULL: position() says it.
     */
    char *(*where)(struct panel *panel);
    /* Moves the cursor to a place named so that is none of the image: false (or NULL) when it is no such name; else true, with
     * *ret_why (g_free) what is wrong with it, or NULL. */
    bool (*place_named)(struct panel *panel, const char *name, char **ret_why);
    /*
     * The mouse, in cells of the surface last drawn; a drag and the release that ends it may lie outside.  A press comes after
     * the focus did.  A wheel that is ignored (or a NULL here) becomes movements up and down.
     */
    enum panel_reaction (*mouse)(struct panel *panel, const struct mouse *mouse);
    /* The command that brings back what was typed and is not written yet, for the log; NULL: nothing was.  g_free. */
    char *(*unwritten)(struct panel *panel);
    /* What is worth a hint in what is shown now, most useful first; static.  NULL: what has a label in the table. */
    const struct panel_hint *(*hints)(struct panel *panel);
    /* Appends what is selected for the status line ("0x1000..0x1fff 4 KiB"); nothing or NULL: nothing is. */
    void (*selection)(struct panel *panel, GString *text);
    /* What takes long (a search, a scan): false or NULL when nothing does.  Asked for when the panel is not visible, too. */
    bool (*progress)(struct panel *panel, struct panel_progress *ret_progress);
    /* Whether what it shows is still being read, in the background; NULL: it reads when it draws. */
    bool (*unfinished)(struct panel *panel);
    /* The same of what was there already and changed: as long as others write, that may have no end. */
    bool (*settling)(struct panel *panel);
    /* Whether bytes that the last frame lacked are on their way, or where its cursor goes; NULL: it has all that it shows. */
    bool (*reading)(struct panel *panel);
    /* Until what requests asked for is done: 0, or -ECANCELED.  Scripts wait so; the panel may be gone after it. */
    int (*wait_co)(struct panel *panel);
    /* Ends such work (Ctrl-C while no command runs): false when there is none. */
    bool (*cancel)(struct panel *panel);
    const struct setting *settings; /* its options, ended by one without a name; NULL: none.  Names begin with the panel's own */
    /* When it has to be painted again although nothing happened (ages), on clock_now_us(); -1 (and NULL): never. */
    int64_t (*next_tick_us)(struct panel *panel);

    /* As in struct session_observer; the host repaints a panel after any it has. */
    void (*image)(struct panel *panel);
    void (*buffer)(struct panel *panel);
    void (*io)(struct panel *panel, const struct blk_request *request);
    void (*changed)(struct panel *panel, int64_t offset, int64_t bytes);
};

/* ---- what a panel may ask of the screen ---- */

/* The screen's side, a table so that a test can stand in for it.  No member is NULL. */
struct panel_host_ops {
    struct session *(*session)(struct panel_host *host);
    void (*redraw)(struct panel_host *host, struct panel *panel);
    void (*run)(struct panel_host *host, const char *line);
    void (*go)(struct panel_host *host, int64_t offset, int64_t bytes, const char *focus);
    void (*remark)(struct panel_host *host, const char *text);
    void (*ask)(struct panel_host *host, enum request request);
    void (*question)(struct panel_host *host, struct panel *panel, const struct panel_question *question);
    char *(*copy)(struct panel_host *host, const char *text, size_t len, const char *what);
};

enum { PANEL_COPY_MAX = 75000 }; /* what terminals take at once */

struct panel_host {
    const struct panel_host_ops *ops;
};

struct session *panel_session(struct panel *panel);
/* Paint me with the next frame (at most one a turn of the loop). */
void panel_redraw(struct panel *panel);
/* Does what the command line says beside whatever runs (SESSION_RUN_NOW) and logs it in the console like a typed one.
 */
void panel_run(struct panel *panel, const char *line);
/*
 * Shows bytes at offset in every panel that can, as `goto OFFSET` does, and logs that.  focus: the panel that is to get
 * the focus ("hex"), NULL: it stays.
 */
void panel_go(struct panel *panel, int64_t offset, int64_t bytes, const char *focus);
/* A short remark for the user ("no next extent"), shown until the next key; copied. */
void panel_remark(struct panel *panel, const char *text);
/* Asks the screen for a request, logged as if a key had: REQUEST_QUIT, or one of the panel's own. */
void panel_ask(struct panel *panel, enum request request);
/*
 * Gives text (len bytes, anything; control characters become question marks) to the terminal's clipboard, at most PANEL_COPY_MAX
 * bytes, and says so: what is its name in that remark ("3 lines").  NULL, or why it was not, for the caller to say: g_free.
 */
char *panel_copy(struct panel *panel, const char *text, size_t len, const char *what);
/* Asks the user; the question that stood there is gone. */
void panel_question(struct panel *panel, const struct panel_question *question);

/* ---- the panels there are ---- */

extern const struct panel_ops panel_map;
extern const struct panel_ops panel_hex;
extern const struct panel_ops panel_pending;
