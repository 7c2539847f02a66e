/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pending panel: a row for each request under way, oldest first, and below them the last few that are done.  Only visible rows are
 * looked at, and nothing ticks unless a request is pending.
 */
#include <inttypes.h>
#include <string.h>

#include "engine/session.h"
#include "engine/words.h"
#include "io/clock.h"
#include "ui/panels/pending-panel.h"

enum {
    TICK_FAST_US = 100 * 1000,
    TICK_SLOW_US = 1000 * 1000,
    SLOW_AFTER_US = 10 * 1000 * 1000, /* tenths of seconds are not shown then */
    HEADER_HEIGHT_MIN = 4,
    DETAIL_HEIGHT_MIN = 10,
};

static struct pending_panel *pending_of(struct panel *panel)
{
    return (struct pending_panel *)panel;
}

/* ---- drawing ---- */

/* The selection follows its request; when that is gone for good, it stays where it is. */
static void find_selection(struct pending_panel *pending)
{
    size_t rows = pending_view_count(pending);

    if (rows == 0) {
        pending->selected = 0;
        pending->selected_row = pending->top = 0;
        return;
    }
    if (pending->selected == 0 || !pending_view_find(pending, pending->selected, &pending->selected_row)) {
        pending->selected_row = MIN(pending->selected_row, rows - 1);
        pending->selected = pending_view_row(pending, pending->selected_row).id;
    }
    if (pending->lines > 0) {
        size_t lines = (size_t)pending->lines;

        pending->top = MIN(pending->top, pending->selected_row);
        pending->top = MAX(pending->top, pending->selected_row + 1 > lines ? pending->selected_row + 1 - lines : 0);
        pending->top = MIN(pending->top, rows > lines ? rows - lines : 0);
    }
}

static void draw_rows(struct pending_panel *pending, struct surface surface, bool header, bool focused)
{
    size_t count = MIN((size_t)pending->lines, pending_view_count(pending) - pending->top);
    g_autofree struct pending_row *rows = g_new(struct pending_row, count);

    for (size_t i = 0; i < count; i++) {
        rows[i] = pending_view_row(pending, pending->top + i);
    }
    pending_table_draw(surface, header, rows, (int)count);
    if (count > 0) {
        surface_mark(surface, 0, header + (int)(pending->selected_row - pending->top), surface.width,
                     focused ? CELL_CURSOR : CELL_SELECTED);
    }
}

static void draw(struct panel *panel, struct surface surface, bool focused)
{
    struct pending_panel *pending = pending_of(panel);
    bool header = surface.height >= HEADER_HEIGHT_MIN;

    pending->drawn_us = clock_now_us();
    bool detail = surface.height >= DETAIL_HEIGHT_MIN;

    pending->lines = MAX(0, surface.height - header - detail);
    find_selection(pending);
    if (pending->page == PENDING_PAGE_TIMES) {
        pending_draw_times(pending, surface);
        return;
    }
    if (pending->page == PENDING_PAGE_EVENTS) {
        pending_draw_events(pending, surface);
        return;
    }
    if (pending->page == PENDING_PAGE_BREAKS) {
        pending_draw_breaks(pending, surface, focused);
        return;
    }
    if (pending_view_count(pending) == 0) {
        surface_put_fit(surface, 0, 0, surface.width, ROLE_DIM,
                        !pending->blk ? session_why_no_image(panel_session(&pending->panel))
                        : pending->filter == PENDING_ALL ? "no request is pending" : "no such request: f shows others");
        if (pending->blk && pending->filter == PENDING_ALL) { /* what this is for */
            surface_put_fit(surface, 0, 2, surface.width, ROLE_DIM, "aio_read and aio_write start some;");
            surface_put_words(surface, 0, 3, surface.width, MAX(0, surface.height - 3), ROLE_DIM, "break EVENT TAG stops them on their way.");
        }
        return;
    }
    draw_rows(pending, surface, header, focused);
    if (detail) {
        struct pending_row row = pending_view_row(pending, pending->selected_row);

        pending_table_draw_detail(surface_part(surface, 0, surface.height - 1, surface.width, 1), &row);
    }
}

static void title(struct panel *panel, GString *title)
{
    static const char *const pages[] = {[PENDING_PAGE_LIST] = "", [PENDING_PAGE_TIMES] = "times", [PENDING_PAGE_EVENTS] = "events", [PENDING_PAGE_BREAKS] = "breakpoints"};
    struct pending_panel *pending = pending_of(panel);
    bool any = pending->page != PENDING_PAGE_LIST;

    g_string_append(title, pages[pending->page]);
    for (int state = BLK_REQUEST_QUEUED; state < BLK_REQUEST_DONE; state++) {
        size_t count = pending_list_count_state(pending->list, (enum blk_request_state)state);

        if (count > 0) {
            g_string_append_printf(title, "%s%zu %s", any ? " · " : "", count,
                                   blk_request_state_name((enum blk_request_state)state));
            any = true;
        }
    }
    if (pending->filter != PENDING_ALL) {
        g_string_append_printf(title, "%sonly %s", any ? " · " : "", pending_filter_name(pending->filter));
        any = true;
    }
    if (pending->sort != PENDING_BY_AGE) {
        g_string_append_printf(title, "%sby %s", any ? " · " : "", pending_sort_name(pending->sort));
    }
}

static int64_t next_tick_us(struct panel *panel)
{
    struct pending_panel *pending = pending_of(panel);
    size_t live = pending_list_count(pending->list), newest = live;
    int64_t age_us;

    if (pending->sort == PENDING_BY_AGE && pending->filter == PENDING_ALL) { /* else any of them may be in sight */
        newest = pending->top + (size_t)MAX(1, pending->lines) - 1;
    }
    if (live == 0) {
        return -1;
    }
    age_us = pending->drawn_us - pending_list_at(pending->list, MIN(newest, live - 1))->started_us;
    return pending->drawn_us + (age_us < SLOW_AFTER_US ? TICK_FAST_US : TICK_SLOW_US);
}

/* ---- requests ---- */

static enum panel_reaction select_row(struct pending_panel *pending, int64_t row)
{
    int64_t rows = (int64_t)pending_view_count(pending);

    if (rows == 0) {
        return PANEL_IGNORED;
    }
    pending->selected_row = (size_t)CLAMP(row, 0, rows - 1);
    pending->selected = pending_view_row(pending, pending->selected_row).id;
    return PANEL_REDRAW;
}

static const char *why_none(struct pending_panel *pending)
{
    return pending_view_count(pending) > 0 ? "this request is done" : "no request is selected";
}

static bool is_at_breakpoint(const struct blk_request *request)
{
    return request && request->state == BLK_REQUEST_SUSPENDED && request->tag;
}

/* The row of the next one that is, after the selected row and around the end; false: there is none. */
static bool find_at_breakpoint(struct pending_panel *pending, size_t *ret_row)
{
    size_t rows = pending_view_count(pending);

    if (pending_list_count_state(pending->list, BLK_REQUEST_SUSPENDED) == 0) {
        return false;
    }
    for (size_t i = 1; i <= rows; i++) {
        *ret_row = (pending->selected_row + i) % rows;
        if (is_at_breakpoint(pending_view_request(pending, *ret_row))) {
            return true;
        }
    }
    return false;
}

/* The selected request if it is at a breakpoint; else says what is the matter. */
static const struct blk_request *selected_at_breakpoint(struct pending_panel *pending)
{
    const struct blk_request *request = NULL;

    find_selection(pending);
    if (pending->selected_row < pending_view_count(pending)) {
        request = pending_view_request(pending, pending->selected_row);
    }
    if (!is_at_breakpoint(request)) {
        panel_remark(&pending->panel, request ? "this request is not at a breakpoint" : why_none(pending));
        return NULL;
    }
    return request;
}

void pending_run_with(struct pending_panel *pending, const char *command, const char *word)
{
    g_autofree char *quoted = words_quote(word);
    g_autofree char *line = g_strdup_printf("%s %s", command, quoted);

    panel_run(&pending->panel, line);
}

static void run_with_tag(struct pending_panel *pending, const char *command)
{
    const struct blk_request *request = selected_at_breakpoint(pending);

    if (request) {
        pending_run_with(pending, command, request->tag);
    }
}

/* What was resumed is done soon, and who goes on pressing the key means others; what it would let go of is shown before it does. */
static void resume(struct pending_panel *pending)
{
    size_t row;

    find_selection(pending);
    if (pending->selected_row < pending_view_count(pending) && !is_at_breakpoint(pending_view_request(pending, pending->selected_row)) &&
        find_at_breakpoint(pending, &row)) {
        select_row(pending, (int64_t)row);
        panel_remark(&pending->panel, "this is the next request at a breakpoint");
    } else {
        run_with_tag(pending, "resume");
    }
}

static void show_range(struct pending_panel *pending)
{
    struct pending_row row;

    find_selection(pending);
    if (pending_view_count(pending) == 0) {
        panel_remark(&pending->panel, "no request is selected");
        return;
    }
    row = pending_view_row(pending, pending->selected_row);
    if (!pending_has_range(row.op) || !pending->blk || row.offset < 0 || row.offset >= blk_length(pending->blk)) {
        panel_remark(&pending->panel, "this request has no range inside the image");
        return;
    }
    panel_go(&pending->panel, row.offset, row.bytes, NULL);
}

static void cancel_selected(struct pending_panel *pending)
{
    const struct blk_request *request = NULL;
    g_autofree char *line = NULL;

    if (pending->selected_row < pending_view_count(pending)) {
        request = pending_view_request(pending, pending->selected_row);
    }
    if (!request) {
        panel_remark(&pending->panel, why_none(pending));
        return;
    }
    line = g_strdup_printf("cancel %" PRIu64, request->id);
    panel_run(&pending->panel, line);
}

static enum panel_reaction show_page(struct pending_panel *pending, enum pending_page page)
{
    pending->page = pending->page == page ? PENDING_PAGE_LIST : page;
    return PANEL_REDRAW;
}

static enum panel_reaction toggle_trace(struct pending_panel *pending)
{
    panel_remark(&pending->panel, pending->trace ? "events are not kept any more" : "events are kept from now on: e shows those of a request");
    panel_run(&pending->panel, pending->trace ? "trace off" : "trace on");
    return PANEL_REDRAW;
}

static enum panel_reaction request(struct panel *panel, enum request request, int count)
{
    struct pending_panel *pending = pending_of(panel);
    int64_t row, page = (int64_t)MAX(1, pending->lines - 1) * count;

    if (pending->page == PENDING_PAGE_BREAKS) {
        enum panel_reaction reaction = pending_breaks_request(pending, request, count);

        if (reaction != PANEL_IGNORED) {
            return reaction;
        }
    }
    find_selection(pending);
    row = (int64_t)pending->selected_row;
    switch (request) {
    case REQUEST_PENDING_RESUME:
        resume(pending);
        return PANEL_REDRAW;
    case REQUEST_PENDING_REMOVE_BREAK:
        run_with_tag(pending, "remove_break");
        return PANEL_REDRAW;
    case REQUEST_PENDING_SHOW:
        show_range(pending);
        return PANEL_HANDLED;
    case REQUEST_PENDING_CANCEL:
        cancel_selected(pending);
        return PANEL_REDRAW;
    case REQUEST_PENDING_SORT:
        pending->sort = (enum pending_sort)((pending->sort + 1) % PENDING_SORTS);
        pending->order_is_old = true;
        return PANEL_REDRAW;
    case REQUEST_PENDING_FILTER:
        pending->filter = (enum pending_filter)((pending->filter + 1) % PENDING_FILTERS);
        pending->order_is_old = true;
        return PANEL_REDRAW;
    case REQUEST_PENDING_TIMES:
        return show_page(pending, PENDING_PAGE_TIMES);
    case REQUEST_PENDING_EVENTS:
        return show_page(pending, PENDING_PAGE_EVENTS);
    case REQUEST_PENDING_TRACE:
        return toggle_trace(pending);
    case REQUEST_PENDING_BREAKS:
        return show_page(pending, PENDING_PAGE_BREAKS);
    case REQUEST_PENDING_ADD_BREAK:
        return pending_ask_break(pending);
    case REQUEST_PENDING_INJECT:
        return pending_ask_error(pending);
    case REQUEST_UP:
        return select_row(pending, row - count);
    case REQUEST_DOWN:
        return select_row(pending, row + count);
    case REQUEST_PAGE_UP:
        return select_row(pending, row - page);
    case REQUEST_PAGE_DOWN:
        return select_row(pending, row + page);
    case REQUEST_FIRST:
        return select_row(pending, 0);
    case REQUEST_LAST:
        return select_row(pending, INT64_MAX);
    default:
        return PANEL_IGNORED;
    }
}

static void view(struct panel *panel, struct panel_view *ret_view)
{
    struct pending_panel *pending = pending_of(panel);

    find_selection(pending);
    ret_view->cursor = pending_view_count(pending) > 0 ? (int64_t)pending->selected_row : -1;
    ret_view->top = (int64_t)pending->top;
}

static bool set_view(struct panel *panel, const struct panel_view *view)
{
    struct pending_panel *pending = pending_of(panel);
    int64_t rows = (int64_t)pending_view_count(pending);

    if (view->cursor >= rows || view->top >= rows) {
        return false;
    }
    pending->top = (size_t)view->top;
    return select_row(pending, view->cursor) == PANEL_REDRAW;
}

/* ---- what happens in the session ---- */

static void image(struct panel *panel)
{
    struct pending_panel *pending = pending_of(panel);

    struct blk *blk = session_blk(panel_session(panel));

    if (blk != pending->blk || !blk) { /* not when it was only resized */
        pending->blk = blk;
        pending->order_is_old = true;
        pending_list_sync(pending->list, blk);
        memset(pending->times, 0, sizeof(pending->times));
        if (pending->trace) {
            pending_trace_free(pending->trace);
            pending->trace = pending_trace_new();
        }
    }
}

static void io(struct panel *panel, const struct blk_request *request)
{
    struct pending_panel *pending = pending_of(panel);

    pending_list_update(pending->list, request);
    pending->order_is_old = true;
    if (request->state == BLK_REQUEST_DONE) {
        pending_times_add(&pending->times[request->op], request->done_us - request->started_us, request->ret < 0);
    }
    if (pending->trace) {
        pending_trace_update(pending->trace, request);
    }
}

static struct panel *create(struct panel_host *host)
{
    struct pending_panel *pending = g_new0(struct pending_panel, 1);

    pending->panel.ops = &panel_pending;
    pending->panel.host = host;
    pending->list = pending_list_new();
    pending->order = pending_order_new();
    image(&pending->panel);
    return &pending->panel;
}

static void destroy(struct panel *panel)
{
    struct pending_panel *pending = pending_of(panel);

    pending_list_free(pending->list);
    pending_trace_free(pending->trace);
    pending_order_free(pending->order);
    g_free(pending);
}

const struct panel_ops panel_pending = {
    .name = "pending",
    .context = REQUEST_CONTEXT_PENDING,
    .create = create,
    .free = destroy,
    .title = title,
    .hints = pending_hints,
    .draw = draw,
    .request = request,
    .view = view,
    .set_view = set_view,
    .next_tick_us = next_tick_us,
    .image = image,
    .io = io,
};
