/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be done with the console's output: looked through, marked, copied. */
#include <inttypes.h>
#include <string.h>

#include "ui/console/console-private.h"

/* ---- search ---- */

/* The next line that has the text, other than those that log a search for it. */
static bool find_line(const struct console *console, bool up, uint64_t *ret_line)
{
    uint64_t line = console->found;
    while (scrollback_find(console->scrollback, console->wanted, line, up, &line)) {
        g_autofree char *text = scrollback_text(console->scrollback, line, line, LINESTORE_LINE_MAX + 1);
        if (!g_str_has_prefix(text, "> scroll ")) {
            *ret_line = line;
            return true;
        }
    }
    return false;
}

static void find(struct console *console, bool up)
{
    struct scrollback *scrollback = console->scrollback;
    uint64_t line;
    if (find_line(console, up, &line)) {
        console->found = line;
        scrollback_show(scrollback, line);
    } else {
        g_autofree char *text = g_strdup_printf("no '%s' further %s in the output", console->wanted, up ? "up" : "down");
        panel_remark(&console->panel, text);
    }
    panel_redraw(&console->panel);
}

static void answer(struct panel *panel, const char *text)
{
    struct console *console = (struct console *)panel;
    g_free(console->wanted);
    console->wanted = g_strdup(text);
    console->found = scrollback_view_end(console->scrollback);
    scrollback_mark_text(console->scrollback, text);
    find(console, true);
}

static const struct panel_question question = {
    .request = REQUEST_CONSOLE_SEARCH,
    .question = "look in the output for: ",
    .hint = "a text; capitals count when it has some",
    .answer = answer,
};

static enum panel_reaction search(struct console *console, enum request request)
{
    if (request == REQUEST_CONSOLE_SEARCH || console->wanted == NULL) {
        panel_question(&console->panel, &question);
    } else {
        find(console, request == REQUEST_CONSOLE_SEARCH_UP);
    }
    return PANEL_REDRAW;
}

/* ---- copying ---- */

/* From the newest command on, its line not included; all there is without one.  Keys that are logged at the end are no commands that say something. */
static void last_output(struct console *console, uint64_t *ret_first, uint64_t *ret_last)
{
    struct scrollback *scrollback = console->scrollback;
    uint64_t typed, logged;
    uint64_t end = scrollback_end(scrollback);
    while (scrollback_find_role(scrollback, ROLE_ECHO, end, &logged) && logged + 1 == end) {
        end = logged;
    }
    bool any_typed = scrollback_find_role(scrollback, ROLE_INPUT, end, &typed);
    bool any_logged = scrollback_find_role(scrollback, ROLE_ECHO, end, &logged);
    uint64_t from = any_typed && any_logged ? MAX(typed, logged) : any_typed ? typed : any_logged ? logged : 0;
    *ret_first = any_typed || any_logged || end == 0 ? from + 1 : 0;
    *ret_last = end > 0 ? end - 1 : 0;
}

static void copy_lines(struct console *console, uint64_t first, uint64_t last)
{
    g_autofree char *text = scrollback_text(console->scrollback, first, last, PANEL_COPY_MAX);
    if (text == NULL) {
        g_autofree char *remark = g_strdup_printf("not copied: more than the %d bytes a terminal takes", PANEL_COPY_MAX);
        panel_remark(&console->panel, remark);
        return;
    }
    uint64_t lines = 0;
    for (const char *at = text; *at != '\0'; at++) {
        lines += *at == '\n';
    }
    g_autofree char *what = g_strdup_printf("%" PRIu64 " line%s", lines, lines == 1 ? "" : "s");
    if (lines == 0) {
        panel_remark(&console->panel, "the last command said nothing");
    } else {
        g_autofree char *why = panel_copy(&console->panel, text, strlen(text), what);
        if (why != NULL) {
            panel_remark(&console->panel, why);
        }
    }
}

static enum panel_reaction copy(struct console *console)
{
    uint64_t first, last;
    if (!scrollback_marked_lines(console->scrollback, &first, &last)) {
        last_output(console, &first, &last);
    }
    copy_lines(console, first, last);
    scrollback_mark_lines(console->scrollback, 1, 0);
    return PANEL_REDRAW;
}

enum panel_reaction output_request(struct console *console, enum request request)
{
    switch (request) {
    case REQUEST_CONSOLE_SEARCH:
    case REQUEST_CONSOLE_SEARCH_UP:
    case REQUEST_CONSOLE_SEARCH_DOWN:
        return search(console, request);
    case REQUEST_CONSOLE_COPY:
        return copy(console);
    default:
        return PANEL_IGNORED;
    }
}

/* ---- the mouse ---- */

enum panel_reaction output_mouse(struct panel *panel, const struct mouse *mouse)
{
    struct console *console = (struct console *)panel;
    int y = CLAMP(mouse->y, 0, MAX(console->height - 1, 0));
    uint64_t line;
    bool on_line = scrollback_line_at(console->scrollback, mouse->what == MOUSE_PRESS ? mouse->y : y, &line);
    if (mouse->button != 1) {
        return PANEL_IGNORED;
    }
    if (mouse->what == MOUSE_PRESS) {
        scrollback_mark_lines(console->scrollback, 1, 0);
        console->dragging = on_line;
        console->pressed = on_line ? line : 0;
    } else if (mouse->what == MOUSE_DRAG && console->dragging && on_line) {
        scrollback_mark_lines(console->scrollback, MIN(line, console->pressed), MAX(line, console->pressed));
    } else if (mouse->what == MOUSE_RELEASE) {
        uint64_t first, last;
        if (console->dragging && scrollback_marked_lines(console->scrollback, &first, &last)) {
            copy_lines(console, first, last); /* the mark stays, so that one sees what */
        }
        console->dragging = false;
    }
    return PANEL_REDRAW;
}
