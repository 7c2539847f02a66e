/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of the pending panel, for its own files. */
#pragma once

#include "ui/panel.h"
#include "ui/panels/pending-list.h"
#include "ui/panels/pending-order.h"
#include "ui/panels/pending-stats.h"
#include "ui/panels/pending-table.h"
#include "ui/panels/pending-trace.h"

enum pending_page {
    PENDING_PAGE_LIST,
    PENDING_PAGE_TIMES,  /* how long requests took */
    PENDING_PAGE_EVENTS, /* what the selected request passed */
    PENDING_PAGE_BREAKS, /* breakpoints and injected errors */
};

enum pending_sort { PENDING_BY_AGE, PENDING_BY_OFFSET, PENDING_BY_SIZE, PENDING_BY_OPERATION, PENDING_BY_STATE, PENDING_SORTS };

enum pending_filter { PENDING_ALL, PENDING_SUSPENDED, PENDING_IN_FLIGHT, PENDING_QUEUED, PENDING_DONE, PENDING_FAILED, PENDING_FILTERS };

struct pending_panel {
    struct panel panel;
    struct blk *blk; /* NULL: no image */
    struct pending_list *list;
    enum pending_page page;
    enum pending_sort sort;
    enum pending_filter filter;
    struct pending_order *order; /* rows of the list as shown; used if they are sorted or filtered */
    bool order_is_old; /* something happened since */
    uint64_t selected; /* id; 0: nothing */
    size_t selected_row, top; /* as shown */
    int lines; /* rows of requests, as last drawn */
    int64_t drawn_us;
    struct pending_times times[BLK_OP_COUNT];
    struct pending_trace *trace; /* NULL: events are not kept */
    size_t break_row, break_top; /* of the list of breakpoints and rules, as last drawn */
};

/* ---- pending-view.c: rows as they are shown ---- */

size_t pending_view_count(struct pending_panel *pending);
/* index < count. */
struct pending_row pending_view_row(struct pending_panel *pending, size_t index);
/* The request of a row, NULL: it is done. */
const struct blk_request *pending_view_request(struct pending_panel *pending, size_t index);
bool pending_view_find(struct pending_panel *pending, uint64_t id, size_t *ret_index);
const char *pending_sort_name(enum pending_sort sort);
const char *pending_filter_name(enum pending_filter filter);

/* ---- pending-pages.c ---- */

/* As panel_ops has it. */
const struct panel_hint *pending_hints(struct panel *panel);
void pending_draw_times(const struct pending_panel *pending, struct surface surface);
void pending_draw_events(const struct pending_panel *pending, struct surface surface);

/* "resume TAG", with the word quoted where it has to be. */
void pending_run_with(struct pending_panel *pending, const char *command, const char *word);

/* ---- pending-breaks.c ---- */

void pending_draw_breaks(struct pending_panel *pending, struct surface surface, bool focused);
/* Requests of the page, while it is shown. */
enum panel_reaction pending_breaks_request(struct pending_panel *pending, enum request request, int count);
/* Asks for a breakpoint, for an error. */
enum panel_reaction pending_ask_break(struct pending_panel *pending);
enum panel_reaction pending_ask_error(struct pending_panel *pending);

/* ---- pending-commands.c ---- */

/* Events are kept, or no more. */
void pending_set_trace(struct pending_panel *pending, bool on);
