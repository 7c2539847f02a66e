/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pages of the pending panel beside its list: how long requests took, and what the selected one passed. */
#include <inttypes.h>

#include "ui/panels/pending-panel.h"

enum { TIME_TEXT_MAX = 32, POWERS_SHOWN = 36, POWERS_AT_LEAST = 18 };

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

/* Where there is little room, what matters less is in a second line of its own, if there is room for that. */
struct times_layout {
    int name, fail, first; /* columns where these begin: the name's width, failures, the first time */
    int time;              /* columns a time takes */
    bool brief;
    int histogram;         /* column */
    int powers;            /* of two, a character of the histogram */
};

static struct times_layout lay_out_times(int width)
{
    struct times_layout wide = {.name = 9, .fail = 16, .first = 21, .time = 9, .histogram = 57, .powers = 1};
    struct times_layout brief = {.name = 9, .fail = 15, .first = 20, .time = 9, .brief = true, .histogram = 20, .powers = 1};
    struct times_layout layout = width < wide.histogram + POWERS_AT_LEAST ? brief : wide;

    while (layout.powers < POWERS_SHOWN && layout.histogram + (POWERS_SHOWN - 1) / layout.powers + 1 > width) {
        layout.powers++;
    }
    return layout;
}

static uint64_t count_powers(const struct pending_times *times, int first, int powers)
{
    uint64_t count = 0;

    for (int power = first; power < first + powers && power < POWERS_SHOWN; power++) {
        count += pending_times_power(times, (unsigned)power);
    }
    return count;
}

/* A character for each power of two of microseconds, or for several of them: its share of the most frequent one. */
static void draw_histogram(const struct pending_times *times, const struct times_layout *layout, struct surface surface, int y)
{
    bool utf8 = surface_traits(surface).utf8;
    uint64_t most = 1;

    for (int power = 0; power < POWERS_SHOWN; power += layout->powers) {
        most = MAX(most, count_powers(times, power, layout->powers));
    }
    for (int power = 0; power < POWERS_SHOWN; power += layout->powers) {
        uint64_t count = count_powers(times, power, layout->powers);
        uint32_t level = (uint32_t)((count * (utf8 ? 8 : 9) + most - 1) / most);

        if (count > 0) {
            surface_put_char(surface, layout->histogram + power / layout->powers, y, ROLE_KIND_DATA, utf8 ? 0x2580 + level : '0' + level);
        }
    }
}

static void draw_scale(const struct times_layout *layout, struct surface surface, enum role role, int y)
{
    static const struct {
        int power;
        const char *text;
    } marks[] = {{0, "1us"}, {10, "1ms"}, {20, "1s"}};

    for (size_t i = 0; i < G_N_ELEMENTS(marks); i++) {
        surface_put(surface, layout->histogram + marks[i].power / layout->powers, y, role, marks[i].text);
    }
}

static void draw_operation(const struct pending_times *times, enum blk_op op, const struct times_layout *layout, struct surface surface, int y)
{
    const int64_t median = pending_times_share(times, 0.5), most_of_all = pending_times_share(times, 0.99);
    const int64_t columns[] = {times->least_us, median, most_of_all, times->most_us}, few[] = {median, most_of_all};
    char text[TIME_TEXT_MAX];
    int x = layout->first;

    surface_put_fit(surface, 0, y, layout->name, ROLE_TEXT, blk_op_name(op));
    surface_printf(surface, layout->name, y, ROLE_TEXT, "%*" PRIu64, layout->fail - layout->name - 1, times->count);
    if (times->failed > 0) {
        surface_printf(surface, layout->fail, y, ROLE_STATE_FAILED, "%" PRIu64, times->failed);
    }
    for (size_t i = 0; i < (layout->brief ? G_N_ELEMENTS(few) : G_N_ELEMENTS(columns)); i++, x += layout->time) {
        surface_put_fit(surface, x, y, layout->time - 1, ROLE_TEXT, time_text(layout->brief ? few[i] : columns[i], text));
    }
}

static void draw_rest(const struct pending_times *times, const struct times_layout *layout, struct surface surface, int y)
{
    char least[TIME_TEXT_MAX], most[TIME_TEXT_MAX];
    g_autofree char *range = g_strdup_printf("%s..%s", time_text(times->least_us, least), time_text(times->most_us, most));

    surface_put_fit(surface, 1, y, layout->histogram - 2, ROLE_DIM, range);
    draw_histogram(times, layout, surface, y);
}

void pending_draw_times(const struct pending_panel *pending, struct surface surface)
{
    static const char *const heads[] = {"least", "median", "99%", "most"}, *const few[] = {"median", "99%"};
    const struct times_layout layout = lay_out_times(surface.width);
    int y = 1, operations = 0;

    for (int op = 0; op < BLK_OP_COUNT; op++) {
        operations += pending->times[op].count > 0;
    }
    bool both = layout.brief && 1 + 2 * operations <= surface.height;
    bool scale = both && 2 + 2 * operations <= surface.height;
    surface_repeat(surface, 0, 0, surface.width, ROLE_HEADER, ' ');
    surface_put(surface, 0, 0, ROLE_HEADER, "request");
    surface_put(surface, layout.fail - 5, 0, ROLE_HEADER, "done fail");
    for (size_t i = 0; i < (layout.brief ? G_N_ELEMENTS(few) : G_N_ELEMENTS(heads)); i++) {
        surface_put(surface, layout.first + (int)i * layout.time, 0, ROLE_HEADER, layout.brief ? few[i] : heads[i]);
    }
    if (!layout.brief) {
        draw_scale(&layout, surface, ROLE_HEADER, 0);
    }
    for (int op = 0; op < BLK_OP_COUNT && y < surface.height; op++) {
        if (pending->times[op].count == 0) {
            continue;
        }
        draw_operation(&pending->times[op], (enum blk_op)op, &layout, surface, y++);
        if (both) {
            draw_rest(&pending->times[op], &layout, surface, y++);
        } else if (!layout.brief) {
            draw_histogram(&pending->times[op], &layout, surface, y - 1);
        }
    }
    if (scale && operations > 0) {
        draw_scale(&layout, surface, ROLE_DIM, y);
    }
    if (operations == 0) {
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
        surface_put_words(surface, 0, 0, surface.width, surface.height, ROLE_DIM,
                          !pending->trace ? "events are not kept: T keeps them from now on" : "nothing is known of this request");
        return;
    }
    first = count > (unsigned)MAX(1, surface.height - 1) ? count - (unsigned)MAX(1, surface.height - 1) : 0;
    g_autofree char *last = first > 0 ? g_strdup_printf(", the last %u", count - first) : g_strdup("");
    g_autofree char *head = g_strdup_printf("#%" PRIu64 ", %u steps%s%s", pending->selected, count, last, cut ? ", more are not kept" : "");

    surface_put_fit(surface, 0, 0, surface.width, ROLE_STRONG, head);
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
