/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pages of the map beside its picture: extents as a list, and how many there are of which size. */
#include <inttypes.h>

#include "ui/panels/map-panel.h"
#include "util/size.h"

enum { STEPS_KNOWN = MAP_LIST_ROWS / 3 };
enum { KIND_WORD = 10 /* "unreadable" */, KIND_COLUMNS = 15, SIZE_COLUMNS = 13, WIDE = 64, EXACT_COLUMNS = 19 /* up to a terabyte in bytes */, COUNT_COLUMNS = 30 };

/* ---- what is worth a hint ---- */

const struct panel_hint *map_hints(struct panel *panel)
{
    static const struct panel_hint picture[] = {
        {REQUEST_MAP_SHOW}, {REQUEST_MAP_NEXT_EXTENT}, {REQUEST_MAP_ZOOM_IN}, {REQUEST_MAP_ZOOM_OUT}, {REQUEST_MAP_LIST},
        {REQUEST_MAP_HOST}, {REQUEST_MAP_ZOOM_CELL}, {REQUEST_MAP_CURVE}, {REQUEST_MAP_SIZES}, {REQUEST_MAP_DIFFERENCES},
        {REQUEST_NONE}};
    static const struct panel_hint compared[] = {
        {REQUEST_MAP_NEXT_DIFFERENCE}, {REQUEST_MAP_PREVIOUS_DIFFERENCE}, {REQUEST_MAP_DIFFERENCE_LIST}, {REQUEST_MAP_DIFFERENCES, "end"},
        {REQUEST_MAP_SHOW}, {REQUEST_MAP_ZOOM_IN}, {REQUEST_MAP_ZOOM_OUT}, {REQUEST_MAP_HOST}, {REQUEST_NONE}};
    static const struct panel_hint extents[] = {
        {REQUEST_MAP_SHOW}, {REQUEST_MAP_LIST, "picture"}, {REQUEST_MAP_HOST}, {REQUEST_MAP_SIZES}, {REQUEST_NONE}};
    static const struct panel_hint sizes[] = {
        {REQUEST_MAP_SIZES, "picture"}, {REQUEST_MAP_LIST}, {REQUEST_MAP_HOST}, {REQUEST_NONE}};
    static const struct panel_hint differences[] = {
        {REQUEST_MAP_SHOW}, {REQUEST_MAP_DIFFERENCE_LIST, "picture"}, {REQUEST_MAP_COMPARE_WITH}, {REQUEST_MAP_DIFFERENCES, "end"},
        {REQUEST_NONE}};
    static const struct panel_hint nothing[] = {
        {REQUEST_MAP_DIFFERENCES}, {REQUEST_MAP_COMPARE_WITH}, {REQUEST_MAP_DIFFERENCE_LIST, "picture"}, {REQUEST_NONE}};
    const struct map_panel *map = (const struct map_panel *)panel;
    bool is_compared = map_differences_with(map->differences) != NULL;

    switch (map->page) {
    case MAP_PAGE_LIST:
        return extents;
    case MAP_PAGE_SIZES:
        return sizes;
    case MAP_PAGE_DIFFERENCES:
        return is_compared ? differences : nothing;
    default:
        return is_compared ? compared : picture;
    }
}


/* ---- the list ---- */

/* Exact where there is room for all of the number.  Returns the column behind. */
static int put_size(struct surface surface, int x, int y, int64_t bytes, int room)
{
    char size[SIZE_TEXT_MAX];
    g_autofree char *exact = g_strdup_printf("+%s", size_format_exact(bytes, size));
    g_autofree char *about = g_strdup_printf("+%s", size_format((double)bytes, size));

    return surface_put_fit(surface, x, y, surface.width - x, ROLE_TEXT, text_columns(exact, -1) <= room ? exact : about);
}

static void draw_run(const struct map_side *side, struct surface surface, int y, const struct map_run *run, bool marked)
{
    const struct map_kind_info *kind = &side->source->space->kinds[run->kind];
    struct map_counts all = {0};
    enum role role;
    uint32_t ch;
    int x = surface_printf(surface, 0, y, ROLE_OFFSET, "0x%0*" PRIx64, map_view_digits(side->size), run->start) + 1;

    all.bytes[run->kind] = run->length;
    if (marked) {
        map_marked_look(side->source->space, &all, run->length, surface_traits(surface), &ch, &role);
    } else {
        map_cell_look(side->source->space, &all, run->length, NULL, surface_traits(surface), &ch, &role);
    }
    surface_put_char(surface, x, y, role, ch);
    surface_put_fit(surface, x + 2, y, surface.width - x - 2, ROLE_TEXT, kind->name);
    x += 2 + KIND_COLUMNS;
    int columns = surface.width < WIDE ? SIZE_COLUMNS : EXACT_COLUMNS;
    put_size(surface, x, y, run->length, columns - 1);
    x += columns;
    if (run->host >= 0) {
        x = surface_printf(surface, x, y, ROLE_TEXT, "host 0x%" PRIx64, run->host) + 1;
    }
    g_autofree char *layer = run->depth > 0 ? g_strdup_printf("layer %d", run->depth) : NULL;
    if (layer && x + text_columns(layer, -1) <= surface.width) { /* the line below says it, too */
        surface_put(surface, x, y, ROLE_DIM, layer);
    }
}

void map_draw_list(struct map_panel *map, struct surface surface)
{
    const struct map_side *side = map_panel_side(map);
    const struct map_run *runs;
    unsigned count;
    int at, top;

    map->list_rows = MAX(1, surface.height - 1);
    map_list_want(map->list, side->cursor, (unsigned)map->list_rows);
    runs = map_list_runs(map->list, &count);
    at = map_list_find(map->list, side->cursor);
    map->list_top = count; /* nothing, so far */
    if (at < 0) {
        int error = map_list_error(map->list);
        g_autofree char *text = error < 0 ? g_strdup_printf("the extents here can't be told: %s", g_strerror(-error)) : NULL;

        surface_put_fit(surface, 0, 0, surface.width, error < 0 ? ROLE_ERROR : ROLE_DIM, text ? text : "looking for the extents ...");
        return;
    }
    top = MAX(0, MIN(at - map->list_rows / 2, (int)count - map->list_rows));
    map->list_top = (unsigned)top;
    for (int y = 0; y < map->list_rows && top + y < (int)count; y++) {
        draw_run(side, surface, y, &runs[top + y], top + y == at);
        if (top + y == at) {
            surface_mark(surface, 0, y, surface.width, CELL_CURSOR);
        }
    }
    if (surface.height > 1) {
        map_draw_answer(map, surface, surface.height - 1);
    }
}

/* The list may be of before the image shrank. */
static void go_to_run(struct map_panel *map, const struct map_run *run)
{
    struct map_side *side = map_panel_side(map);

    side->cursor = map_side_nearest(side, run->start);
}

void map_list_step(struct map_panel *map, int64_t rows)
{
    unsigned count;
    const struct map_run *runs = map_list_runs(map->list, &count);
    int at = map_list_find(map->list, map_panel_side(map)->cursor);

    if (at >= 0) {
        go_to_run(map, &runs[CLAMP(at + rows, 0, (int64_t)count - 1)]);
    }
}

void map_list_go_on(struct map_panel *map)
{
    struct map_side *side = map_panel_side(map);

    while (map->list_steps != 0) {
        int64_t steps = CLAMP(map->list_steps, -STEPS_KNOWN, STEPS_KNOWN), cursor = side->cursor;

        bool known = map_list_knows(map->list, cursor, (unsigned)ABS(steps) + 1);

        if (!known && !map_list_has_looked(map->list, cursor)) {
            map_list_want(map->list, cursor, (unsigned)ABS(steps) + 1);
            return;
        }
        int at = map_list_find(map->list, cursor);

        map->list_steps -= steps;
        map_list_step(map, steps);
        if (!known || map_list_find(map->list, side->cursor) != at + steps) {
            map->list_steps = 0;
            panel_remark(&map->panel, steps > 0 ? "no next extent" : "no previous extent");
        }
    }
}

bool map_list_pick(struct map_panel *map, int y)
{
    unsigned count, index = (unsigned)y + map->list_top;
    const struct map_run *runs = map_list_runs(map->list, &count);

    if (y >= map->list_rows || index >= count) {
        return false;
    }
    go_to_run(map, &runs[index]);
    return true;
}

/* ---- sizes ---- */

/* A line: runs of 1 << first to 1 << behind, less one byte. */
struct size_line {
    int first, behind;
    int64_t runs, bytes;
};

static struct size_line size_line_of(const struct map_sizes *sizes, int first, int powers)
{
    struct size_line line = {.first = first, .behind = first + powers};

    for (int bucket = first; bucket < line.behind && bucket < MAP_SIZES; bucket++) {
        line.runs += sizes->runs[bucket];
        line.bytes += sizes->bytes[bucket];
    }
    return line;
}

/* Lines from the smallest size there is to the largest, so many powers of two each; empty ones are left out on demand.  Their number. */
static int make_size_lines(const struct map_sizes *sizes, int powers, bool empty, struct size_line lines[static MAP_SIZES])
{
    int first = 0, last = MAP_SIZES - 1, count = 0;

    while (last > 0 && sizes->runs[last] == 0) {
        last--;
    }
    while (first < last && sizes->runs[first] == 0) {
        first++;
    }
    for (int bucket = first - first % powers; bucket <= last; bucket += powers) {
        lines[count] = size_line_of(sizes, bucket, powers);
        count += empty || lines[count].runs > 0;
    }
    return count;
}

static void draw_size(struct surface surface, int y, const struct size_line *line, int64_t most)
{
    char size[SIZE_TEXT_MAX], bytes[SIZE_TEXT_MAX];
    int room = surface.width - SIZE_COLUMNS - COUNT_COLUMNS, bar = 0, x = SIZE_COLUMNS;

    surface_printf(surface, 0, y, ROLE_OFFSET, "%10s", size_format((double)(INT64_C(1) << line->first), size));
    if (room > 0 && line->runs > 0) {
        bar = MAX(1, (int)((__int128)line->runs * room / most));
        surface_repeat(surface, SIZE_COLUMNS, y, bar, ROLE_KIND_DATA, 0x2588);
    }
    x = surface_printf(surface, x + bar + (bar > 0), y, ROLE_TEXT, "%" PRId64 "  ", line->runs);
    bool exact = text_columns(size_format_exact(line->bytes, bytes), -1) <= surface.width - x;
    surface_put(surface, x, y, ROLE_TEXT, exact ? bytes : size_format((double)line->bytes, bytes));
}

void map_draw_sizes(struct map_panel *map, struct surface surface)
{
    const struct map_side *side = map_panel_side(map);
    const struct map_sizes *sizes = map_list_sizes(map->list);
    struct size_line lines[MAP_SIZES];
    int powers = 1, count = make_size_lines(sizes, powers, true, lines), room = MAX(1, surface.height - 1), x;
    int64_t most = 1;

    /* All of them are seen: where there is little room, without what is empty, then several powers of two in a line. */
    while (count > room) {
        count = make_size_lines(sizes, powers, false, lines);
        powers += count > room;
    }
    x = surface_printf(surface, 0, 0, ROLE_STRONG, "%" PRId64 " extents by size", sizes->count);
    if (powers > 1) {
        x = surface_printf(surface, x, 0, ROLE_STRONG, ", steps of %" PRId64, INT64_C(1) << powers);
    }
    if (!sizes->done) {
        surface_printf(surface, x + 2, 0, ROLE_NOTE, "counting %d%%", (int)((__int128)sizes->position * 100 / MAX(1, side->size)));
    }
    if (sizes->done && sizes->error < 0) {
        surface_printf(surface, x + 2, 0, ROLE_ERROR, "up to 0x%" PRIx64 ": %s", sizes->position, g_strerror(-sizes->error));
    }
    for (int i = 0; i < count; i++) {
        most = MAX(most, lines[i].runs);
    }
    for (int i = 0; i < count && sizes->count > 0; i++) {
        draw_size(surface, 1 + i, &lines[i], most);
    }
}

/* ---- differences ---- */

static enum role difference_role(enum compare_kind kind)
{
    return kind == COMPARE_UNREADABLE ? ROLE_ERROR : kind == COMPARE_DIFFERENT ? ROLE_WARNING : ROLE_DIM;
}

/* In how many words; each step is shorter than the one before. */
enum words { WORDS_ALL, WORDS_NOT_WITH_WHAT, WORDS_NUMBER, WORDS_FEWEST };

/* How far it is, and whether what is shown is still so. */
static void append_state(struct map_differences *differences, enum words words, GString *text)
{
    bool brief = words == WORDS_FEWEST;
    const struct compare_progress *progress = map_differences_progress(differences);
    bool stopped = map_differences_is_stopped(differences);
    struct map_differences_work work;

    if (map_differences_is_busy(differences) || (stopped && progress->done < progress->size)) {
        g_string_append_printf(text, " · %s %d%%", !stopped ? "compared" : brief ? "stopped" : "stopped at",
                               (int)((__int128)progress->done * 100 / MAX(1, progress->size)));
    } else if (stopped) {
        g_string_append(text, " · stopped");
    } else if (map_differences_work(differences, &work)) {
        g_string_append_printf(text, " · %s %d%%", brief ? "again" : "compared again", (int)((__int128)work.done * 100 / MAX(1, work.total)));
    }
    if (map_differences_is_stale(differences)) {
        g_string_append(text, brief ? " · changed" : " · changed since");
    }
    if (map_differences_is_unseen(differences)) {
        g_string_append(text, brief ? " · not followed" : " · not followed: R compares again");
    }
}

static void append_found(struct map_differences *differences, enum words words, GString *text)
{
    const struct compare_progress *progress = map_differences_progress(differences);
    unsigned count = map_differences_count(differences);
    char size[SIZE_TEXT_MAX];

    if (words == WORDS_ALL) {
        g_string_append_printf(text, "%u range%s from %s", count, count == 1 ? " differs" : "s differ", map_differences_with(differences));
    } else {
        g_string_append_printf(text, "%u%s", count, words == WORDS_FEWEST ? "" : count == 1 ? " differs" : " differ");
    }
    if (words <= WORDS_NOT_WITH_WHAT) {
        g_string_append_printf(text, ", %s", size_format_exact(progress->bytes[COMPARE_DIFFERENT], size));
    }
    if (words <= WORDS_NOT_WITH_WHAT && progress->bytes[COMPARE_UNREADABLE] > 0) {
        g_string_append_printf(text, ", %s unreadable", size_format_exact(progress->bytes[COMPARE_UNREADABLE], size));
    }
    if (map_differences_is_cut(differences)) {
        g_string_append(text, words == WORDS_ALL ? " (more are not kept)" : "+");
    }
}

/* How far it is comes before what it is with, where there is little room. */
static void draw_difference_head(struct map_differences *differences, struct surface surface)
{
    const char *error = map_differences_error(differences);
    g_autoptr(GString) text = g_string_new(error);
    bool fits = false;

    for (enum words words = WORDS_ALL; !fits && words <= WORDS_FEWEST; words++) {
        if (!error) {
            g_string_truncate(text, 0);
            append_found(differences, words, text);
        }
        append_state(differences, words, text);
        fits = error || text_columns(text->str, -1) <= surface.width;
    }
    if (error) {
        surface_put_words(surface, 0, 0, surface.width, surface.height, ROLE_ERROR, text->str);
    } else {
        surface_put_fit(surface, 0, 0, surface.width, ROLE_STRONG, text->str);
    }
}

void map_draw_differences(struct map_panel *map, struct surface surface)
{
    struct map_differences *differences = map->differences;
    const struct map_side *side = &map->sides[MAP_GUEST];
    unsigned count, at, top;

    map->list_rows = MAX(1, surface.height - 1);
    if (!map_differences_with(differences)) {
        surface_put_words(surface, 0, 0, surface.width, surface.height, ROLE_DIM, "nothing is compared: x compares with the backing file, X with what you name");
        return;
    }
    draw_difference_head(differences, surface);
    count = map_differences_count(differences); /* counted last: to ask how far it is may have shortened it */
    at = map_differences_find(differences, side->cursor);
    top = at > (unsigned)map->list_rows / 2 ? at - (unsigned)map->list_rows / 2 : 0;
    top = map->list_top = MIN(top, count > (unsigned)map->list_rows ? count - (unsigned)map->list_rows : 0);
    for (int y = 1; y < surface.height && top + (unsigned)y - 1 < count; y++) {
        struct map_range range = map_differences_at(differences, top + (unsigned)y - 1);
        int x = surface_printf(surface, 0, y, ROLE_OFFSET, "0x%0*" PRIx64, map_view_digits(side->size), range.start) + 1;

        int size_end = put_size(surface, x, y, range.end - range.start, surface.width - x - 1 - KIND_WORD);

        /* In whole, where there is room for that. */
        surface_put(surface, CLAMP(surface.width - KIND_WORD, size_end + 1, MAX(size_end + 1, x + SIZE_COLUMNS)), y, difference_role(range.kind), compare_kind_name(range.kind));
        if (top + (unsigned)y - 1 == at && range.start <= side->cursor) {
            surface_mark(surface, 0, y, surface.width, CELL_CURSOR);
        }
    }
}

/* What differs may lie behind the image's end, where the other one is longer. */
static void go_to_difference(struct map_panel *map, unsigned index)
{
    struct map_side *side = &map->sides[MAP_GUEST];

    side->cursor = map_side_nearest(side, map_differences_at(map->differences, index).start);
}

bool map_difference_step(struct map_panel *map, int64_t steps)
{
    const struct map_side *side = &map->sides[MAP_GUEST];
    int64_t count = map_differences_count(map->differences), at = map_differences_find(map->differences, side->cursor), to;
    bool inside = at < count && map_differences_at(map->differences, (unsigned)at).start <= side->cursor;

    if (steps < 0 && inside && map_differences_at(map->differences, (unsigned)at).start < side->cursor) {
        steps++; /* its own beginning comes first */
    }
    to = steps > 0 && !inside ? at + steps - 1 : at + steps;
    if (to >= count || to < 0) {
        return false;
    }
    go_to_difference(map, (unsigned)to);
    return true;
}

void map_difference_move(struct map_panel *map, int64_t rows)
{
    struct map_side *side = &map->sides[MAP_GUEST];
    unsigned count = map_differences_count(map->differences);
    int64_t before = side->cursor;

    if (count > 0 && !map_difference_step(map, rows)) {
        go_to_difference(map, rows < 0 ? 0 : count - 1);
        side->cursor = rows < 0 ? MIN(before, side->cursor) : MAX(before, side->cursor); /* never the other way */
    }
}

bool map_difference_pick(struct map_panel *map, int y)
{
    unsigned index = (unsigned)y - 1 + map->list_top;

    if (y < 1 || y > map->list_rows || index >= map_differences_count(map->differences)) {
        return false;
    }
    go_to_difference(map, index);
    return true;
}
