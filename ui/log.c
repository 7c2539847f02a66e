/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The log of what keys did, in the console, each as the command it equals: replayed, it leads to the same screen.  What
 * depends on a cursor is logged with the offset it is at, and where cursors were moved in between (moves.c).  Where the focus is follows
 * from the lines alone; to know what they say, the focus they lead to is kept, and the one before the newest line, for
 * when that line gives way to the next of its kind.
 */
#include <inttypes.h>

#include "ui/console/console.h"
#include "ui/desk-private.h"

void log_command(struct desk *desk, const char *line)
{
    if (!desk->silent) {
        desk->logged_before = desk->logged_focus;
        console_log(desk_console(desk), line);
    }
}

bool log_take_back(struct desk *desk, const char *prefix)
{
    bool taken = log_take_aside(desk, prefix);
    if (taken) {
        desk->logged_focus = desk->logged_before;
    }
    return taken;
}

void log_replacing(struct desk *desk, const char *prefix, const char *line)
{
    log_take_back(desk, prefix);
    log_command(desk, line);
}

bool log_take_aside(struct desk *desk, const char *prefix)
{
    return !desk->silent && console_take_back(desk_console(desk), prefix);
}

void log_aside(struct desk *desk, const char *line)
{
    if (!desk->silent) {
        console_log(desk_console(desk), line);
    }
}

void log_focus(struct desk *desk)
{
    log_take_back(desk, "focus ");
    if (desk->focus != desk->logged_focus) {
        g_autofree char *line = g_strconcat("focus ", desk_focused(desk)->ops->name, NULL);
        log_command(desk, line);
        log_focus_is_known(desk);
    }
}

void log_focus_is_known(struct desk *desk)
{
    desk->logged_focus = desk->focus;
}

void log_is_known(struct desk *desk)
{
    log_focus_is_known(desk);
    modal_is_known(desk);
    moves_are_known(desk);
}

void log_go(struct desk *desk, int64_t offset, int64_t bytes)
{
    g_autoptr(GString) line = g_string_new(NULL);
    log_take_back(desk, "goto ");
    g_string_printf(line, "goto %#" PRIx64, (uint64_t)offset);
    if (bytes > 0) {
        g_string_append_printf(line, "..%#" PRIx64, (uint64_t)offset + (uint64_t)bytes - 1);
    }
    if (desk->focus != desk->logged_focus) {
        g_string_append_printf(line, " %s", desk_focused(desk)->ops->name);
    }
    log_command(desk, line->str);
    log_focus_is_known(desk);
}

static char *place_of(struct panel *panel, enum request request)
{
    if (panel->ops->steps_on != NULL && panel->ops->steps_on(panel, request)) {
        return g_strdup("+0"); /* it is not known yet where it will be */
    }
    if (panel->ops->where != NULL) {
        return panel->ops->where(panel);
    }
    int64_t offset = panel->ops->position != NULL ? panel->ops->position(panel) : -1;
    return offset >= 0 ? g_strdup_printf("%#" PRIx64, (uint64_t)offset) : NULL;
}

char *log_line_of(struct panel *panel, enum request request, int count)
{
    if (!request_is_command(request)) {
        return NULL;
    }
    g_autofree char *where = request_wants_offset(request) ? place_of(panel, request) : NULL;
    g_autoptr(GString) line = g_string_new(request_info(request)->name);
    if (where != NULL) {
        g_string_append_printf(line, " %s", where);
    }
    if (count > 1 && (where != NULL || !request_wants_offset(request))) {
        g_string_append_printf(line, " %d", count);
    }
    return g_strdup(line->str);
}
