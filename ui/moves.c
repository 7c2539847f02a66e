/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Movements in the log: not each of them, but where they led, told when it begins to matter, which is when something else is
 * done.  A replay needs no more, and the log stays one that people can read.  What the console's output is scrolled to is one of them.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "engine/command.h"
#include "engine/report.h"
#include "io/co.h"
#include "ui/console/recall.h"
#include "ui/desk-private.h"
#include "util/size.h"

/* ---- logging ---- */

struct panel_view moves_begin(struct panel *panel)
{
    struct panel_view view = {.other = -1};
    if (panel->ops->view != NULL) {
        panel->ops->view(panel, &view);
    }
    return view;
}

static bool same(const struct panel_view *a, const struct panel_view *b)
{
    return a->cursor == b->cursor && a->top == b->top && a->range_start == b->range_start && a->range_end == b->range_end &&
           a->growing == b->growing && a->other == b->other;
}

void moves_note(struct desk *desk, const struct panel *panel)
{
    for (int i = 0; i < LAYOUT_PANELS && !desk->silent; i++) {
        desk->moved[i] |= desk->panels[i] == panel;
    }
}

void moves_end(struct desk *desk, struct panel *panel, const struct panel_view *before)
{
    struct panel_view after = moves_begin(panel);
    if (!same(before, &after)) {
        moves_note(desk, panel);
    }
}

static void append_view(GString *line, const struct panel_view *view)
{
    g_string_append_printf(line, " %#" PRIx64 " %#" PRIx64, (uint64_t)view->cursor, (uint64_t)view->top);
    if (view->other >= 0) {
        g_string_append_printf(line, " %#" PRIx64, (uint64_t)view->other);
    } else if (view->growing) {
        g_string_append_printf(line, " %#" PRIx64 "..", (uint64_t)view->range_start);
    } else if (view->range_start < view->range_end) {
        g_string_append_printf(line, " %#" PRIx64 "..%#" PRIx64, (uint64_t)view->range_start, (uint64_t)view->range_end - 1);
    }
}

static void log_scroll(struct desk *desk)
{
    g_autofree char *now = console_scroll_words(desk_console(desk), true);
    if (g_strcmp0(now, desk->logged_scroll) != 0) {
        log_take_aside(desk, "scroll");
        g_autofree char *words = console_scroll_words(desk_console(desk), false);
        g_autofree char *line = g_strconcat("scroll", words, NULL);
        log_aside(desk, line);
        g_free(desk->logged_scroll);
        desk->logged_scroll = g_steal_pointer(&now);
    }
}

/* What is run in a moment needs no line of its own; what stays does, and what was in the line that it leaves empty. */
static void log_typed(struct desk *desk, bool run)
{
    g_autofree char *now = run ? g_strdup("") : console_typed_words(desk_console(desk));
    if (g_strcmp0(now, desk->logged_typed != NULL ? desk->logged_typed : "") != 0) {
        g_autofree char *line = g_strconcat("type", now, NULL);
        log_take_aside(desk, "type");
        log_aside(desk, line);
        g_free(desk->logged_typed);
        desk->logged_typed = g_steal_pointer(&now);
    }
}

static char *unwritten(struct desk *desk)
{
    struct panel *panel = desk->panels[LAYOUT_HEX];
    return panel->ops->unwritten != NULL ? panel->ops->unwritten(panel) : NULL;
}

/* Bytes that were typed over and are not written. */
static void log_unwritten(struct desk *desk)
{
    g_autofree char *now = unwritten(desk);
    if (g_strcmp0(now, desk->logged_unwritten) != 0) {
        log_take_aside(desk, "hex-type");
        log_aside(desk, now != NULL ? now : "hex-type");
        g_free(desk->logged_unwritten);
        desk->logged_unwritten = g_steal_pointer(&now);
    }
}

void moves_are_known(struct desk *desk)
{
    g_free(desk->logged_unwritten);
    desk->logged_unwritten = unwritten(desk);
    g_free(desk->logged_typed);
    desk->logged_typed = console_typed_words(desk_console(desk));
    g_free(desk->logged_scroll);
    desk->logged_scroll = console_scroll_words(desk_console(desk), true);
}

static void log_moves(struct desk *desk, bool run);

void moves_log(struct desk *desk)
{
    log_moves(desk, false);
}

void moves_log_but_typed(struct desk *desk)
{
    log_moves(desk, true);
}

static void log_moves(struct desk *desk, bool run)
{
    if (!desk->silent) {
        log_typed(desk, run);
        log_unwritten(desk);
        log_scroll(desk);
    }
    for (int i = 0; i < LAYOUT_PANELS && !desk->silent; i++) {
        if (!desk->moved[i]) {
            continue;
        }
        desk->moved[i] = false;
        struct panel_view view = moves_begin(desk->panels[i]);
        g_autofree char *prefix = g_strdup_printf("cursor %s", desk->panels[i]->ops->name);
        g_autoptr(GString) line = g_string_new(prefix);
        if (view.cursor >= 0) {
            append_view(line, &view);
            log_replacing(desk, prefix, line->str);
        }
    }
}

void moves_log_end(struct desk *desk, struct panel *panel, enum request request, int count)
{
    moves_log(desk);
    if (!desk_panel_request(desk, request, -1, count)) {
        return;
    }
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        desk->moved[i] &= desk->panels[i] != panel;
    }
    g_autoptr(GString) line = g_string_new("do ");
    g_string_append(line, request_info(request)->name);
    if (count > 1) {
        g_string_append_printf(line, " %d", count);
    }
    log_command(desk, line->str);
}

/* ---- `cursor` ---- */

static bool parse_range(const char *text, struct panel_view *view)
{
    const char *dots = strstr(text, "..");
    if (dots == NULL) {
        return size_parse(text, &view->other) == 0;
    }
    g_autofree char *first = g_strndup(text, dots != NULL ? (gsize)(dots - text) : 0);
    int64_t last;
    if (size_parse(first, &view->range_start) != 0) {
        return false;
    }
    view->growing = dots[2] == '\0';
    if (view->growing) {
        return true;
    }
    if (size_parse(dots + 2, &last) != 0 || last < view->range_start || last == INT64_MAX) {
        return false;
    }
    view->range_end = last + 1;
    return true;
}

static int cursor_co(const struct command_call *call)
{
    struct desk *desk = commands_desk();
    struct panel_view view = {.other = -1};
    int panel = desk_find_panel(desk, call->argv[1]);
    if (panel < 0 || desk->panels[panel]->ops->set_view == NULL) {
        report_complain(call, "cursor: type map, hex or pending first");
        return -EINVAL;
    }
    if (size_parse(call->argv[2], &view.cursor) != 0 || (call->argc > 3 && size_parse(call->argv[3], &view.top) != 0) ||
        (call->argc > 4 && !parse_range(call->argv[4], &view))) {
        report_complain(call, "cursor: type an offset, the first that is visible, and what is marked (0x1000..0x1fff)");
        return -EINVAL;
    }
    desk_draw(desk); /* what comes first may not have been painted, and then did not scroll yet */
    view.top = call->argc > 3 ? view.top : moves_begin(desk->panels[panel]).top;
    if (!desk->panels[panel]->ops->set_view(desk->panels[panel], &view)) {
        report_complain(call, "cursor: there is no such place in what the panel shows");
        return -EINVAL;
    }
    desk_dirty(desk);
    return 0;
}

static char **panel_names(const char *const *words, unsigned count)
{
    const char *const names[] = {"map", "hex", "pending", NULL};
    return count == 1 ? g_strdupv((char **)names) : NULL;
}

const struct command moves_command_cursor = {
    .name = "cursor",
    .args = "panel offset [top [first..[last]|other]]",
    .summary = "puts a panel's cursor somewhere in what it shows",
    .help = "\n"
            "What movements by key and mouse come to, in the log. Offsets are those of what the panel shows: of the disk, of the\n"
            "file, of the buffer; in pending they are rows. Top is the first that is to be visible; with first..last that is\n"
            "marked, with first.. all from there to the cursor, also when it moves on. Other is, in the map, where the cursor of the\n"
            "other order is when it is not at the same byte: nothing of the guest is in a header.\n"
            "\n"
            "  cursor hex 0x1200 0x1000    byte 0x1200, with 0x1000 in the first row\n",
    .min_args = 2,
    .max_args = 4,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .names_for = panel_names,
    .run_co = cursor_co,
};

/* ---- `do` ---- */

/* The line that this is in may have come from a key, which comes first. */
static int do_co(const struct command_call *call)
{
    enum request request = request_find(call->argv[1]);
    int64_t count = 1;
    if (request == REQUEST_NONE) {
        report_complain(call, "do: there is no such request; 'bind' lists them");
        return -EINVAL;
    }
    if (call->argc > 2 && (size_parse(call->argv[2], &count) != 0 || count < 1 || count > DESK_COUNT_MAX)) {
        report_complain(call, "do: type how often as a number from 1 on");
        return -EINVAL;
    }
    co_yield_co();
    struct desk *desk = commands_desk();
    if (desk == NULL) {
        return 0;
    }
    desk_draw(desk);
    desk->silent = true;
    desk_request(desk, request, (int)count);
    desk->silent = false;
    log_is_known(desk);
    return desk_wait_co(desk);
}

static char **request_names(const char *const *words, unsigned count)
{
    if (count != 1) {
        return NULL;
    }
    char **names = g_new0(char *, REQUEST_COUNT + 1);
    for (int request = 0; request < REQUEST_COUNT; request++) {
        names[request] = g_strdup(request_info(request)->name);
    }
    return names;
}

const struct command moves_command_do = {
    .name = "do",
    .args = "request [count]",
    .summary = "does what a key does, by the name of what it asks for",
    .help = "\n"
            "bind lists the names and which keys ask for them. What depends on the focus goes to the panel that has it.\n"
            "\n"
            "  do page-down 3    three pages down\n"
            "  do half-page-up   half a page up\n",
    .min_args = 1,
    .max_args = 2,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .names_for = request_names,
    .run_co = do_co,
};
