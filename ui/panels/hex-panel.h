/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of the hex panel, for its own files: what it holds, how it moves, how it is painted. */
#pragma once

#include "engine/session.h"
#include "ui/panel.h"
#include "ui/panels/hex-cache.h"
#include "ui/panels/hex-layout.h"
#include "ui/panels/lookup.h"
#include "ui/panels/hex-rows.h"
#include "util/search.h"
#include "ui/setting.h"

struct hex_edit;
struct hex_hunt;
struct hex_marks;
struct hex_notes;

enum hex_shown { HEX_SHOW_BUFFER, HEX_SHOW_IMAGE, HEX_SHOW_HOST };

/*
 * How a view came to its top: found anew in each frame from where it was before the cursor went, so that it does not depend on how much of the
 * bytes was known when.
 */
struct hex_placing {
    int64_t base;   /* the top before */
    int64_t top;    /* that was found; another one was set since, and is the next base */
    int64_t cursor;
    int width, lines;
    bool fold;
};

/* One of the things the panel can show. */
struct hex_view {
    struct hex_source *source;
    struct hex_cache *cache; /* that is the source; NULL: the bytes are all there */
    struct blk *blk;         /* NULL: none */
    struct hex_notes *notes; /* NULL: there can't be any */
    int64_t origin; /* offset in the image of the source's first byte */
    int64_t top;    /* a byte of the first line */
    struct hex_placing placing;
    int64_t cursor;
    int64_t range_start, range_end; /* shown as selected; empty: nothing is */
    int64_t anchor;    /* selected is from here to the cursor, whatever the range was; -1: the range */
    int64_t drawn_top; /* for the direction of travel */
    int direction;
};

/* What stands before a row. */
enum hex_offsets { HEX_OFFSETS_HEX, HEX_OFFSETS_DECIMAL, HEX_OFFSETS_IN_CLUSTER, HEX_OFFSETS_COUNT };

/* A place to come back to. */
struct hex_place {
    enum hex_shown shown;
    unsigned layer; /* HEX_SHOW_HOST */
    int64_t offset; /* in the view */
};

struct hex_panel {
    struct panel panel;
    struct blk *blk; /* NULL: no image */
    struct hex_view buffer, image, host;
    enum hex_shown shown;
    unsigned layer; /* whose file host is */
    bool fold;
    int most;    /* bytes a row; 0: as many as fit */
    int group;   /* bytes that stand together: 1, 2, 4, 8 */
    bool little; /* the last of a group first */
    enum hex_offsets offsets;
    enum hex_inspector inspector;
    GBytes *bytes; /* of the buffer view */
    enum blk_op op;
    int64_t length; /* of the request the buffer is from */
    struct hex_layout layout; /* as last drawn */
    struct lookup *seek;
    struct hex_view *seek_view; /* that was asked about */
    bool seek_went_on;          /* and is at one of its steps already */
    struct search search;
    char *search_label;    /* as it was typed; NULL: nothing was searched for yet */
    bool show_matches;
    struct hex_hunt *hunt; /* NULL: none runs */
    struct hex_view *hunt_view;
    int64_t hunt_cursor;   /* where the cursor was then */
    const char *hunt_what; /* "search", "difference"; static */
    bool translating;      /* from the file to the guest, when the notes are there */
    struct hex_marks *marks;
    struct hex_edit *edit; /* bytes of the image are typed over; NULL: none */
    GArray *jumps;         /* struct hex_place */
    guint jump;            /* index of where one is; the length: at no noted place */
};

/* The view that is shown, its size, and its rows as last laid out. */
struct hex_view *hex_panel_view(struct hex_panel *hex);
int64_t hex_view_size(const struct hex_view *view);
struct hex_rows hex_panel_rows(struct hex_panel *hex);

/* What is selected in the view: false when nothing is. */
bool hex_view_selection(const struct hex_view *view, int64_t *ret_start, int64_t *ret_end);
/* The place the cursor is at is one to come back to. */
void hex_panel_note_jump(struct hex_panel *hex);

/* hex-requests.c: as panel_ops has them, and as lookup_new(). */
enum panel_reaction hex_request(struct panel *panel, enum request request, int count);
bool hex_cancel(struct panel *panel);
bool hex_steps_on(struct panel *panel, enum request request);
void hex_on_seek(void *data, const struct lookup_answer *answer);

/* hex-places.c: as panel_ops has them. */
void hex_places_go(struct panel *panel, int64_t offset, int64_t bytes);
int64_t hex_places_position(struct panel *panel);
void hex_places_place(struct panel *panel, int64_t offset);
char *hex_places_where(struct panel *panel);
bool hex_places_place_named(struct panel *panel, const char *name, char **ret_why);
/* What hex_places_where() would say with the cursor at a place that somebody typed; NULL, and why, where there is none such.  g_free both. */
char *hex_places_name(struct hex_panel *hex, const char *word, char **ret_why);

/* hex-views.c: the image appears where the buffer is from; the buffer and the file as they were left. */
void hex_views_toggle_image(struct hex_panel *hex);
/* The file of the next layer, or of the top.  False: there is none. */
bool hex_views_show_host(struct hex_panel *hex, unsigned layer);
bool hex_views_next_host(struct hex_panel *hex);
/* The file's name and layer, for the title. */
void hex_views_describe_host(const struct hex_panel *hex, GString *text);
/* From the guest's byte to the file's that holds it, or back, as soon as that is known. */
void hex_views_translate(struct hex_panel *hex);
/* The notes of what is shown say more than before. */
void hex_views_notes_updated(struct hex_panel *hex);
/* The extent at the image's cursor, which was asked for to translate. */
void hex_views_translated(struct hex_panel *hex, const struct lookup_answer *answer);
/* Ask in what form to copy, and for a mark. */
void hex_views_ask_copy(struct hex_panel *hex);
void hex_views_ask_mark(struct hex_panel *hex, bool set);
/* Goes where the field under the cursor points to. */
void hex_views_follow(struct hex_panel *hex);
/* Back and forward in the list of jumps: false at its ends. */
bool hex_views_jump(struct hex_panel *hex, int steps);

/* hex-find.c: searches what is shown.  label is copied; from: bytes behind (before) this one, -1: the cursor's; count: the count-th match. */
void hex_find(struct hex_panel *hex, const struct search *search, const char *label, int64_t from, bool backward, int count);
/* The same again. */
void hex_find_again(struct hex_panel *hex, bool backward, int count);
void hex_find_not_zero(struct hex_panel *hex, bool backward, int count);
void hex_find_difference(struct hex_panel *hex, bool backward, int count);
/* Whether one was running. */
bool hex_find_stop(struct hex_panel *hex);
/* Sets marks[i] for each of n bytes from start (of a row) that is part of a match. */
void hex_find_mark(struct hex_panel *hex, int64_t start, int n, bool *marks);
/* Asks what to search for. */
void hex_find_ask(struct hex_panel *hex, bool as_hex);

/*
 * hex-typing.c: typing over the image's bytes begins (NULL), by key, so that it is in the log that the image is shown then; or why it can't
 * (static).  It ends, forgetting what was typed.
 */
const char *hex_typing_ask(struct hex_panel *hex);
void hex_typing_end(struct hex_panel *hex);
/* What is asked for while it goes on: false when it does not, or for another request. */
bool hex_typing_request(struct hex_panel *hex, enum request request, int count);

/* Moves the top so that the cursor's line is visible, with some lines of context when it was far away; there must be lines. */
void hex_move_show_cursor(struct hex_panel *hex);
/* While a frame is painted: what the top was found by, on the way from the base to the cursor, is to be read where it is not known. */
void hex_move_want_base(struct hex_panel *hex);
/* A movement in the view, which must not be empty: what is no movement is ignored. */
enum panel_reaction hex_move(struct hex_panel *hex, enum request request, int count);

/* Paints the view's lines and the inspector, and asks the image's cache for what is not known. */
void hex_draw(struct hex_panel *hex, struct surface surface);
/* hex-side.c: the inspector for panels with room for it beside the bytes. */
void hex_side_draw(struct hex_panel *hex, struct surface surface);

/* As panel_ops has them. */
extern const struct setting hex_settings[];
const struct panel_hint *hex_hints(struct panel *panel);
int hex_recall_page_rows(struct panel *panel);
void hex_recall_view(struct panel *panel, struct panel_view *ret_view);
bool hex_recall_set_view(struct panel *panel, const struct panel_view *view);
enum panel_reaction hex_mouse(struct panel *panel, const struct mouse *mouse);
bool hex_typing(struct panel *panel);
enum panel_reaction hex_typing_key(struct panel *panel, keycode key);
char *hex_typing_unwritten(struct panel *panel);
