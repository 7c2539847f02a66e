/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pending panel: a row for each request under way, oldest first, and below them the last few that are done.  Only visible rows are
 * looked at, and nothing ticks unless a request is pending.
 */
#include <inttypes.h>
#include <string.h>

#include "engine/session.h"
#include "io/clock.h"
#include "ui/panel.h"
#include "ui/panels/pending-list.h"
#include "ui/panels/pending-table.h"

enum {
    TICK_FAST_US = 100 * 1000,
    TICK_SLOW_US = 1000 * 1000,
    SLOW_AFTER_US = 10 * 1000 * 1000, /* tenths of seconds are not shown then */
    HEADER_HEIGHT_MIN = 4,
};

struct pending_panel {
    struct panel panel;
    struct blk *blk; /* NULL: no image */
    struct pending_list *list;
    uint64_t selected; /* id; 0: nothing */
    size_t selected_row, top;
    int lines; /* rows of requests, as last drawn */
    int64_t drawn_us;
};

static struct pending_panel *pending_of(struct panel *panel)
{
    return (struct pending_panel *)panel;
}

static size_t row_count(const struct pending_panel *pending)
{
    return pending_list_count(pending->list) + pending_list_done_count(pending->list);
}

/* ---- rows ---- */

static enum role role_of(enum blk_request_state state)
{
    static const enum role roles[] = {
        [BLK_REQUEST_QUEUED] = ROLE_STATE_QUEUED,
        [BLK_REQUEST_IN_FLIGHT] = ROLE_STATE_IN_FLIGHT,
        [BLK_REQUEST_SUSPENDED] = ROLE_STATE_SUSPENDED,
        [BLK_REQUEST_DONE] = ROLE_STATE_DONE,
    };

    return roles[state];
}

static struct pending_row row_at(const struct pending_panel *pending, size_t index)
{
    size_t live = pending_list_count(pending->list);

    if (index < live) {
        const struct blk_request *request = pending_list_at(pending->list, index);

        return (struct pending_row){
            .id = request->id,
            .op = request->op,
            .offset = request->offset,
            .bytes = request->bytes,
            .age_us = MAX(0, pending->drawn_us - request->started_us),
            .role = role_of(request->state),
            .state = blk_request_state_name(request->state),
            .tag = request->tag,
            .event = request->last_event,
            .issuer = request->issuer,
        };
    } else {
        const struct pending_done *done = pending_list_done_at(pending->list, index - live);

        return (struct pending_row){
            .id = done->id,
            .op = done->op,
            .offset = done->offset,
            .bytes = done->bytes,
            .age_us = MAX(0, done->took_us),
            .role = done->ret < 0 ? ROLE_STATE_FAILED : ROLE_STATE_DONE,
            .state = done->ret < 0 ? "failed" : "done",
            .event = done->ret < 0 ? g_strerror(-done->ret) : NULL,
            .issuer = done->issuer,
        };
    }
}

/* ---- drawing ---- */

/* The selection follows its request; when that is gone for good, it stays where it is. */
static void find_selection(struct pending_panel *pending)
{
    size_t rows = row_count(pending);

    if (rows == 0) {
        pending->selected = 0;
        pending->selected_row = pending->top = 0;
        return;
    }
    if (pending->selected == 0 || !pending_list_find(pending->list, pending->selected, &pending->selected_row)) {
        pending->selected_row = MIN(pending->selected_row, rows - 1);
        pending->selected = row_at(pending, pending->selected_row).id;
    }
    if (pending->lines > 0) {
        size_t lines = (size_t)pending->lines;

        pending->top = MIN(pending->top, pending->selected_row);
        pending->top = MAX(pending->top, pending->selected_row + 1 > lines ? pending->selected_row + 1 - lines : 0);
        pending->top = MIN(pending->top, rows > lines ? rows - lines : 0);
    }
}

static void draw_rows(const struct pending_panel *pending, struct surface surface, bool header, bool focused)
{
    size_t count = MIN((size_t)pending->lines, row_count(pending) - pending->top);
    g_autofree struct pending_row *rows = g_new(struct pending_row, count);

    for (size_t i = 0; i < count; i++) {
        rows[i] = row_at(pending, pending->top + i);
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
    pending->lines = MAX(0, surface.height - header);
    find_selection(pending);
    if (row_count(pending) == 0) {
        surface_put_fit(surface, 0, 0, surface.width, ROLE_DIM,
                        pending->blk ? "no request is pending" : "no image is open");
        return;
    }
    draw_rows(pending, surface, header, focused);
}

static void title(struct panel *panel, GString *title)
{
    struct pending_panel *pending = pending_of(panel);
    bool any = false;

    for (int state = BLK_REQUEST_QUEUED; state < BLK_REQUEST_DONE; state++) {
        size_t count = pending_list_count_state(pending->list, (enum blk_request_state)state);

        if (count > 0) {
            g_string_append_printf(title, "%s%zu %s", any ? " · " : "", count,
                                   blk_request_state_name((enum blk_request_state)state));
            any = true;
        }
    }
}

static int64_t next_tick_us(struct panel *panel)
{
    struct pending_panel *pending = pending_of(panel);
    size_t live = pending_list_count(pending->list), newest = pending->top + (size_t)MAX(1, pending->lines) - 1;
    int64_t age_us;

    if (live == 0) {
        return -1;
    }
    age_us = pending->drawn_us - pending_list_at(pending->list, MIN(newest, live - 1))->started_us;
    return pending->drawn_us + (age_us < SLOW_AFTER_US ? TICK_FAST_US : TICK_SLOW_US);
}

/* ---- requests ---- */

static enum panel_reaction select_row(struct pending_panel *pending, int64_t row)
{
    int64_t rows = (int64_t)row_count(pending);

    if (rows == 0) {
        return PANEL_IGNORED;
    }
    pending->selected_row = (size_t)CLAMP(row, 0, rows - 1);
    pending->selected = row_at(pending, pending->selected_row).id;
    return PANEL_REDRAW;
}

/* The selected request if it is at a breakpoint; else says what is the matter. */
static const struct blk_request *selected_at_breakpoint(struct pending_panel *pending)
{
    const struct blk_request *request = NULL;

    find_selection(pending);
    if (pending->selected_row < pending_list_count(pending->list)) {
        request = pending_list_at(pending->list, pending->selected_row);
    }
    if (!request || request->state != BLK_REQUEST_SUSPENDED || !request->tag) {
        panel_remark(&pending->panel, request ? "this request is not at a breakpoint" : "no request is selected");
        return NULL;
    }
    return request;
}

/* "resume TAG", with the tag quoted where it has to be. */
static void run_with_tag(struct pending_panel *pending, const char *command)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-+/@%,=";
    const struct blk_request *request = selected_at_breakpoint(pending);
    g_autofree char *quoted = NULL, *line = NULL;

    if (!request) {
        return;
    }
    quoted = *request->tag && request->tag[strspn(request->tag, plain)] == '\0' ? g_strdup(request->tag)
                                                                               : g_shell_quote(request->tag);
    line = g_strdup_printf("%s %s", command, quoted);
    panel_run(&pending->panel, line);
}

static void show_range(struct pending_panel *pending)
{
    struct pending_row row;

    find_selection(pending);
    if (row_count(pending) == 0) {
        panel_remark(&pending->panel, "no request is selected");
        return;
    }
    row = row_at(pending, pending->selected_row);
    if (!pending_has_range(row.op) || !pending->blk || row.offset < 0 || row.offset >= blk_length(pending->blk)) {
        panel_remark(&pending->panel, "this request has no range inside the image");
        return;
    }
    panel_go(&pending->panel, row.offset, row.bytes, NULL);
}

static enum panel_reaction request(struct panel *panel, enum request request, int count)
{
    struct pending_panel *pending = pending_of(panel);
    int64_t row, page = (int64_t)MAX(1, pending->lines - 1) * count;

    find_selection(pending);
    row = (int64_t)pending->selected_row;
    switch (request) {
    case REQUEST_PENDING_RESUME:
        run_with_tag(pending, "resume");
        return PANEL_REDRAW;
    case REQUEST_PENDING_REMOVE_BREAK:
        run_with_tag(pending, "remove_break");
        return PANEL_REDRAW;
    case REQUEST_PENDING_SHOW:
        show_range(pending);
        return PANEL_HANDLED;
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

/* ---- what happens in the session ---- */

static void image(struct panel *panel)
{
    struct pending_panel *pending = pending_of(panel);

    struct blk *blk = session_blk(panel_session(panel));

    if (blk != pending->blk || !blk) { /* not when it was only resized */
        pending->blk = blk;
        pending_list_sync(pending->list, blk);
    }
}

static void io(struct panel *panel, const struct blk_request *request)
{
    pending_list_update(pending_of(panel)->list, request);
}

static struct panel *create(struct panel_host *host)
{
    struct pending_panel *pending = g_new0(struct pending_panel, 1);

    pending->panel.ops = &panel_pending;
    pending->panel.host = host;
    pending->list = pending_list_new();
    image(&pending->panel);
    return &pending->panel;
}

static void destroy(struct panel *panel)
{
    struct pending_panel *pending = pending_of(panel);

    pending_list_free(pending->list);
    g_free(pending);
}

const struct panel_ops panel_pending = {
    .name = "pending",
    .context = REQUEST_CONTEXT_PENDING,
    .create = create,
    .free = destroy,
    .title = title,
    .draw = draw,
    .request = request,
    .next_tick_us = next_tick_us,
    .image = image,
    .io = io,
};
