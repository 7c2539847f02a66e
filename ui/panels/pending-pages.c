/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pages of the pending panel beside its list: how long requests took, and what the selected one passed. */
#include <inttypes.h>

#include "ui/panels/pending-panel.h"

enum { TIME_TEXT_MAX = 32, TIME_COLUMNS = 9, FIRST_TIME = 21, POWERS_SHOWN = 36 };

static const char *time_text(int64_t us, char text[static TIME_TEXT_MAX])
{
    if (us < 1000) {
        g_snprintf(text, TIME_TEXT_MAX, "%" PRId64 " us", us);
    } else if (us < 1000000) {
        g_snprintf(text, TIME_TEXT_MAX, "%" PRId64 ".%" PRId64 " ms", us / 1000, us % 1000 / 100);
    } else {
        g_snprintf(text, TIME_TEXT_MAX, "%" PRId64 ".%02" PRId64 " s", us / 1000000, us % 1000000 / 10000);
    }
    return text;
}

/* ---- times ---- */

/* A character for each power of two of microseconds: its share of the most frequent one. */
static void draw_histogram(const struct pending_times *times, struct surface surface, int x, int y)
{
    bool utf8 = surface_traits(surface).utf8;
    uint64_t most = 1;

    for (unsigned power = 0; power < POWERS_SHOWN; power++) {
        most = MAX(most, pending_times_power(times, power));
    }
    for (unsigned power = 0; power < POWERS_SHOWN; power++) {
        uint64_t count = pending_times_power(times, power);
        uint32_t level = (uint32_t)((count * (utf8 ? 8 : 9) + most - 1) / most);

        if (count > 0) {
            surface_put_char(surface, x + (int)power, y, ROLE_KIND_DATA, utf8 ? 0x2580 + level : '0' + level);
        }
    }
}

static void draw_operation(const struct pending_times *times, enum blk_op op, struct surface surface, int y)
{
    const int64_t columns[] = {times->least_us, pending_times_share(times, 0.5), pending_times_share(times, 0.99), times->most_us};
    char text[TIME_TEXT_MAX];
    int x = FIRST_TIME;

    surface_put_fit(surface, 0, y, 9, ROLE_TEXT, blk_op_name(op));
    surface_printf(surface, 9, y, ROLE_TEXT, "%7" PRIu64, times->count);
    if (times->failed > 0) {
        surface_printf(surface, 17, y, ROLE_STATE_FAILED, "%" PRIu64, times->failed);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(columns); i++, x += TIME_COLUMNS) {
        surface_put_fit(surface, x, y, TIME_COLUMNS - 1, ROLE_TEXT, time_text(columns[i], text));
    }
    draw_histogram(times, surface, x, y);
}

void pending_draw_times(const struct pending_panel *pending, struct surface surface)
{
    static const char *const heads[] = {"least", "median", "99%", "most"};
    int y = 1;

    surface_repeat(surface, 0, 0, surface.width, ROLE_HEADER, ' ');
    surface_put(surface, 0, 0, ROLE_HEADER, "request    done fail");
    for (int i = 0; i < (int)G_N_ELEMENTS(heads); i++) {
        surface_put(surface, FIRST_TIME + i * TIME_COLUMNS, 0, ROLE_HEADER, heads[i]);
    }
    surface_put(surface, FIRST_TIME + 4 * TIME_COLUMNS, 0, ROLE_HEADER, "1us       1ms       1s");
    for (int op = 0; op < BLK_OP_COUNT && y < surface.height; op++) {
        if (pending->times[op].count > 0) {
            draw_operation(&pending->times[op], (enum blk_op)op, surface, y++);
        }
    }
    if (y == 1) {
        surface_put_fit(surface, 0, 1, surface.width, ROLE_DIM, "no request is done yet");
    }
}

/* ---- events ---- */

void pending_draw_events(const struct pending_panel *pending, struct surface surface)
{
    const struct pending_trace_event *events = NULL;
    unsigned count = 0, first;
    bool cut = false;
    char text[TIME_TEXT_MAX];

    if (pending->trace) {
        events = pending_trace_events(pending->trace, pending->selected, &count, &cut);
    }
    if (!events) {
        surface_put_fit(surface, 0, 0, surface.width, ROLE_DIM,
                        !pending->trace ? "events are not kept: T keeps them from now on" : "nothing is known of this request");
        return;
    }
    surface_printf(surface, 0, 0, ROLE_STRONG, "#%" PRIu64 ", %u steps%s", pending->selected, count, cut ? ", more are not kept" : "");
    first = count > (unsigned)MAX(1, surface.height - 1) ? count - (unsigned)MAX(1, surface.height - 1) : 0;
    for (unsigned i = first; i < count; i++) {
        int y = 1 + (int)(i - first);

        surface_printf(surface, 0, y, ROLE_OFFSET, "%10s", time_text(events[i].at_us - events[0].at_us, text));
        if (i > 0) {
            surface_printf(surface, 12, y, ROLE_DIM, "+%s", time_text(events[i].at_us - events[i - 1].at_us, text));
        }
        surface_put_fit(surface, 23, y, surface.width - 23, events[i].state ? ROLE_STRONG : ROLE_TEXT, events[i].what);
    }
}

/* ---- what is worth a hint ---- */

const struct panel_hint *pending_hints(struct panel *panel)
{
    static const struct panel_hint list[] = {
        {REQUEST_PENDING_RESUME}, {REQUEST_PENDING_CANCEL}, {REQUEST_PENDING_SHOW}, {REQUEST_PENDING_BREAKS}, {REQUEST_PENDING_EVENTS},
        {REQUEST_PENDING_TIMES}, {REQUEST_PENDING_SORT}, {REQUEST_PENDING_FILTER}, {REQUEST_PENDING_REMOVE_BREAK}, {REQUEST_NONE}};
    static const struct panel_hint nothing[] = {
        {REQUEST_PENDING_BREAKS}, {REQUEST_PENDING_ADD_BREAK}, {REQUEST_PENDING_INJECT}, {REQUEST_PENDING_TIMES}, {REQUEST_NONE}};
    static const struct panel_hint breaks[] = {
        {REQUEST_PENDING_ADD_BREAK}, {REQUEST_PENDING_INJECT}, {REQUEST_PENDING_REMOVE_BREAK, "remove"}, {REQUEST_PENDING_RESUME},
        {REQUEST_PENDING_BREAKS, "requests"}, {REQUEST_NONE}};
    static const struct panel_hint times[] = {{REQUEST_PENDING_TIMES, "requests"}, {REQUEST_PENDING_BREAKS}, {REQUEST_NONE}};
    static const struct panel_hint events[] = {
        {REQUEST_PENDING_EVENTS, "requests"}, {REQUEST_PENDING_RESUME}, {REQUEST_PENDING_CANCEL}, {REQUEST_PENDING_TRACE}, {REQUEST_NONE}};
    struct pending_panel *pending = (struct pending_panel *)panel;

    switch (pending->page) {
    case PENDING_PAGE_TIMES:
        return times;
    case PENDING_PAGE_EVENTS:
        return events;
    case PENDING_PAGE_BREAKS:
        return breaks;
    default:
        return pending_view_count(pending) > 0 ? list : nothing;
    }
}
