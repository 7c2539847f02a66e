/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pending panel's list of breakpoints and injected errors: what strikes where, and how often it did. */
#include <inttypes.h>
#include <string.h>

#include "block/debug.h"
#include "engine/session.h"
#include "engine/words.h"
#include "ui/panels/pending-panel.h"
#include "ui/text.h"

enum { WHAT_COLUMNS = 6, EVENT_COLUMNS = 5, STATE_COLUMNS = 13, HITS_COLUMNS = 5, GAP = 2, TAG_SHARE = 4, TEXT_MAX = 64 };

/* A breakpoint or a rule; one of both is NULL. */
struct row {
    const struct blk_debug_break *point;
    const struct blk_debug_rule *rule;
};

static size_t row_count(const struct blk_debug *debug)
{
    return debug->breaks ? (size_t)debug->breaks->len + debug->rules->len : 0;
}

static struct row row_at(const struct blk_debug *debug, size_t index)
{
    size_t points = debug->breaks->len;

    return index < points ? (struct row){.point = &g_array_index(debug->breaks, struct blk_debug_break, index)}
                          : (struct row){.rule = &g_array_index(debug->rules, struct blk_debug_rule, index - points)};
}

/* ---- a row ---- */

static const char *what_text(struct row row, char text[static TEXT_MAX])
{
    if (row.point) {
        return row.point->tag;
    }
    g_snprintf(text, TEXT_MAX, "#%" PRIu64, row.rule->id);
    return text;
}

static const char *state_text(struct row row, char text[static TEXT_MAX])
{
    if (row.rule) {
        return row.rule->spent ? "used up" : "on";
    }
    if (row.point->held > 0) {
        g_snprintf(text, TEXT_MAX, "%u suspended", row.point->held);
        return text;
    }
    return row.point->armed > 0 ? "waits" : "used up";
}

static enum role state_role(struct row row)
{
    if (row.rule) {
        return row.rule->spent ? ROLE_STATE_DONE : ROLE_STATE_FAILED;
    }
    return row.point->held > 0 ? ROLE_STATE_SUSPENDED : row.point->armed > 0 ? ROLE_STATE_QUEUED : ROLE_STATE_DONE;
}

/* "No space left on device, once=on"; what the other columns say is left out. */
static char *rule_text(const struct blk_debug_rule *rule)
{
    g_auto(GStrv) words = g_strsplit(rule->text, ",", -1);
    GString *text = g_string_new(rule->error > 0 ? g_strerror(rule->error) : NULL);

    for (char **word = words; *word; word++) {
        if (!g_str_has_prefix(*word, "event=") && !(rule->error > 0 && g_str_has_prefix(*word, "errno="))) {
            g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", *word);
        }
    }
    return g_string_free(text, FALSE);
}

static char *about(struct row row)
{
    if (row.rule) {
        return rule_text(row.rule);
    }
    return row.point->held > 0 && row.point->armed > 0 ? g_strdup("and waits for the next") : g_strdup("");
}

/* ---- the table ---- */

struct columns {
    int what, event, state, hits, about; /* where they begin */
    int what_width, event_width;
};

static struct columns lay_out(const struct blk_debug *debug, int width)
{
    struct columns columns = {.what_width = WHAT_COLUMNS, .event_width = EVENT_COLUMNS};
    char text[TEXT_MAX];

    for (size_t i = 0; i < row_count(debug); i++) {
        struct row row = row_at(debug, i);

        columns.what_width = MAX(columns.what_width, text_columns(what_text(row, text), -1));
        columns.event_width = MAX(columns.event_width, text_columns(row.point ? row.point->event : row.rule->event, -1));
    }
    columns.what_width = MIN(columns.what_width, MAX(WHAT_COLUMNS, width / TAG_SHARE));
    columns.event = columns.what + columns.what_width + GAP;
    columns.state = columns.event + columns.event_width + GAP;
    columns.hits = columns.state + STATE_COLUMNS + GAP;
    columns.about = columns.hits + HITS_COLUMNS + GAP;
    return columns;
}

static void draw_row(struct surface surface, const struct columns *columns, int y, struct row row)
{
    g_autofree char *more = about(row);
    uint64_t hits = row.point ? row.point->hits : row.rule->hits;
    bool past = row.point ? row.point->held == 0 && row.point->armed == 0 : row.rule->spent;
    enum role role = past ? ROLE_STATE_DONE : ROLE_TEXT;
    char text[TEXT_MAX];

    surface_put_fit(surface, columns->what, y, columns->what_width, past ? role : ROLE_STRONG, what_text(row, text));
    surface_put_fit(surface, columns->event, y, columns->event_width, role, row.point ? row.point->event : row.rule->event);
    surface_put_fit(surface, columns->state, y, STATE_COLUMNS, state_role(row), state_text(row, text));
    surface_printf(surface, columns->hits, y, role, "%*" PRIu64, HITS_COLUMNS, hits);
    if (columns->about < surface.width) {
        surface_put_fit(surface, columns->about, y, surface.width - columns->about, role, more);
    }
}

static void draw_header(struct surface surface, const struct columns *columns)
{
    surface_repeat(surface, 0, 0, surface.width, ROLE_HEADER, ' ');
    surface_put_fit(surface, columns->what, 0, columns->what_width, ROLE_HEADER, "tag, #");
    surface_put(surface, columns->event, 0, ROLE_HEADER, "event");
    surface_put(surface, columns->state, 0, ROLE_HEADER, "state");
    surface_put(surface, columns->hits + 1, 0, ROLE_HEADER, "hits");
    surface_put(surface, columns->about, 0, ROLE_HEADER, "error");
}

static void keep_in_sight(struct pending_panel *pending, size_t rows, size_t lines)
{
    pending->break_row = MIN(pending->break_row, rows - 1);
    pending->break_top = MIN(pending->break_top, pending->break_row);
    pending->break_top = MAX(pending->break_top, pending->break_row + 1 > lines ? pending->break_row + 1 - lines : 0);
    pending->break_top = MIN(pending->break_top, rows > lines ? rows - lines : 0);
}

static bool is_cut(const struct columns *columns, struct row row, int width)
{
    g_autofree char *more = about(row);

    return text_columns(more, -1) > MAX(width - columns->about, 0);
}

/* Rows below the table for what does not fit in the marked one; as many whichever is marked. */
static int detail_rows(const struct blk_debug *debug, const struct columns *columns, int width, int lines)
{
    enum { ROWS = 2, LEAST_LINES = 6 };
    bool any = false;

    for (size_t i = 0; i < row_count(debug); i++) {
        any = any || is_cut(columns, row_at(debug, i), width);
    }
    return any && lines >= LEAST_LINES ? ROWS : any && lines > 2 ? 1 : 0;
}

static void draw_detail(struct surface surface, const struct columns *columns, int rows, struct row row)
{
    g_autofree char *more = about(row);

    if (rows > 0 && is_cut(columns, row, surface.width)) {
        surface_put_words(surface, 0, surface.height - rows, surface.width, rows, ROLE_NOTE, more);
    }
}

void pending_draw_breaks(struct pending_panel *pending, struct surface surface, bool focused)
{
    struct blk_debug debug = {0};
    int header = surface.height > 2, lines = surface.height - header, detail;
    struct columns columns;

    if (lines <= 0) {
        return;
    }
    if (!pending->blk || blk_debug_list(pending->blk, &debug) < 0) {
        surface_put_fit(surface, 0, 0, surface.width, ROLE_DIM,
                        pending->blk ? "breakpoints need blkdebug: open blkdebug::IMAGE" : session_why_no_image(panel_session(&pending->panel)));
        return;
    }
    if (row_count(&debug) == 0) {
        surface_put_words(surface, 0, 0, surface.width, surface.height, ROLE_DIM, "nothing stops requests: a adds a breakpoint, i injects an error");
        blk_debug_clear(&debug);
        return;
    }
    columns = lay_out(&debug, surface.width);
    detail = detail_rows(&debug, &columns, surface.width, lines);
    lines -= detail;
    keep_in_sight(pending, row_count(&debug), (size_t)lines);
    draw_detail(surface, &columns, detail, row_at(&debug, pending->break_row));
    if (header) {
        draw_header(surface, &columns);
    }
    for (int y = 0; y < lines && pending->break_top + (size_t)y < row_count(&debug); y++) {
        draw_row(surface, &columns, header + y, row_at(&debug, pending->break_top + (size_t)y));
    }
    surface_mark(surface, 0, header + (int)(pending->break_row - pending->break_top), surface.width,
                 focused ? CELL_CURSOR : CELL_SELECTED);
    blk_debug_clear(&debug);
}

/* ---- what can be done ---- */

/* Without a tag the event is one. */
static void add_break(struct panel *panel, const char *text)
{
    g_autofree char *typed = g_strstrip(g_strdup(text)), *event = g_strndup(typed, strcspn(typed, " "));
    const char *tag = typed + strlen(event) + strspn(typed + strlen(event), " ");

    if (*typed != '\0') {
        g_autofree char *quoted = words_quote(event), *command = g_strconcat("break ", quoted, NULL);

        pending_run_with((struct pending_panel *)panel, command, *tag != '\0' ? tag : event);
    }
}

enum panel_reaction pending_ask_break(struct pending_panel *pending)
{
    static const struct panel_question question = {
        .request = REQUEST_PENDING_ADD_BREAK, .question = "break at: ", .hint = "an event and a tag; write_aio A, l2_load table", .answer = add_break};

    panel_question(&pending->panel, &question);
    return PANEL_REDRAW;
}

static void add_error(struct panel *panel, const char *text)
{
    g_autofree char *typed = g_strstrip(g_strdup(text));

    if (*typed != '\0') {
        pending_run_with((struct pending_panel *)panel, "inject", typed);
    }
}

enum panel_reaction pending_ask_error(struct pending_panel *pending)
{
    static const struct panel_question question = {
        .request = REQUEST_PENDING_INJECT, .question = "inject: ", .hint = "an event and an error; write_aio,errno=28,once=on", .answer = add_error};

    panel_question(&pending->panel, &question);
    return PANEL_REDRAW;
}

static void remove_row(struct pending_panel *pending, struct row row)
{
    if (row.point) {
        pending_run_with(pending, "remove_break", row.point->tag);
    } else {
        g_autofree char *number = g_strdup_printf("%" PRIu64, row.rule->id);

        pending_run_with(pending, "inject -r", number);
    }
}

static void resume_row(struct pending_panel *pending, struct row row)
{
    if (row.point && row.point->held > 0) {
        pending_run_with(pending, "resume", row.point->tag);
    } else {
        panel_remark(&pending->panel, "no request is suspended here");
    }
}

/* A request that is at several breakpoints of one event at once bears the tag of one of them. */
static bool is_held_by(const struct blk_request *request, const struct blk_debug_break *point, bool same_tag)
{
    return request->state == BLK_REQUEST_SUSPENDED && request->tag &&
           (same_tag ? strcmp(request->tag, point->tag) == 0 : g_strcmp0(request->last_event, point->event) == 0);
}

/* To the first request that is suspended there. */
static void show_row(struct pending_panel *pending, struct row row)
{
    const GList *requests = row.point && row.point->held > 0 ? blk_requests(pending->blk)->head : NULL;

    for (int same_tag = 1; same_tag >= 0; same_tag--) {
        for (const GList *link = requests; link; link = link->next) {
            const struct blk_request *request = link->data;

            if (is_held_by(request, row.point, same_tag)) {
                uint64_t id = request->id;

                panel_run(&pending->panel, "pending-breakpoints"); /* which is the way back to the list */
                pending->page = PENDING_PAGE_LIST;
                pending->selected = id;
                return;
            }
        }
    }
    panel_remark(&pending->panel, "no request is suspended here");
}

static enum panel_reaction act(struct pending_panel *pending, enum request request)
{
    struct blk_debug debug = {0};

    if (!pending->blk || blk_debug_list(pending->blk, &debug) < 0 || row_count(&debug) == 0) {
        panel_remark(&pending->panel, "there is no breakpoint and no error");
        blk_debug_clear(&debug);
        return PANEL_HANDLED;
    }
    pending->break_row = MIN(pending->break_row, row_count(&debug) - 1);
    switch (request) {
    case REQUEST_PENDING_REMOVE_BREAK:
        remove_row(pending, row_at(&debug, pending->break_row));
        break;
    case REQUEST_PENDING_RESUME:
        resume_row(pending, row_at(&debug, pending->break_row));
        break;
    default:
        show_row(pending, row_at(&debug, pending->break_row));
        break;
    }
    blk_debug_clear(&debug);
    return PANEL_REDRAW;
}

static enum panel_reaction go_to_row(struct pending_panel *pending, int64_t row)
{
    pending->break_row = (size_t)CLAMP(row, 0, INT32_MAX); /* drawing knows how many there are */
    return PANEL_REDRAW;
}

enum panel_reaction pending_breaks_request(struct pending_panel *pending, enum request request, int count)
{
    int64_t row = (int64_t)pending->break_row, page = (int64_t)MAX(1, pending->lines - 1) * count;

    switch (request) {
    case REQUEST_PENDING_REMOVE_BREAK:
    case REQUEST_PENDING_RESUME:
    case REQUEST_PENDING_SHOW:
        return act(pending, request);
    case REQUEST_UP:
        return go_to_row(pending, row - count);
    case REQUEST_DOWN:
        return go_to_row(pending, row + count);
    case REQUEST_PAGE_UP:
        return go_to_row(pending, row - page);
    case REQUEST_PAGE_DOWN:
        return go_to_row(pending, row + page);
    case REQUEST_FIRST:
        return go_to_row(pending, 0);
    case REQUEST_LAST:
        return go_to_row(pending, INT32_MAX);
    default:
        return PANEL_IGNORED;
    }
}
