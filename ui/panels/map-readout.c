/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the map says in words: the cell at the cursor, the byte at the cursor, and what there is in all. */
#include <inttypes.h>

#include "ui/panels/map-panel.h"
#include "ui/text.h"
#include "util/size.h"

/* ---- shares of kinds ---- */

struct shares {
    const struct map_space *space;
    struct map_counts counts;
    int64_t bytes;
    bool exact; /* with bytes, not only per cents */
    bool samples; /* with the glyph that stands for it */
};

/* Kinds by how much there is of them, and unknown (space->count) last; those there is nothing of are left out. */
static unsigned sort_kinds(const struct shares *shares, unsigned order[static MAP_KIND_COUNT + 1])
{
    struct map_counts left = shares->counts;
    unsigned count = 0;

    for (;;) {
        unsigned best = 0;

        for (unsigned k = 1; k < shares->space->count; k++) {
            best = left.bytes[k] > left.bytes[best] ? k : best;
        }
        if (left.bytes[best] == 0) {
            break;
        }
        left.bytes[best] = 0;
        order[count++] = best;
    }
    if (map_counts_known(&shares->counts) < shares->bytes) {
        order[count++] = shares->space->count;
    }
    return count;
}

static char *share_text(const struct shares *shares, unsigned kind)
{
    bool known = kind < shares->space->count;
    int64_t part = known ? shares->counts.bytes[kind] : shares->bytes - map_counts_known(&shares->counts);
    char share[SIZE_TEXT_MAX], size[SIZE_TEXT_MAX];
    GString *text = g_string_new(known ? shares->space->kinds[kind].name : "unknown");

    if (shares->exact) {
        g_string_append_printf(text, " %s", size_format_exact(part, size));
    }
    g_string_append_printf(text, " %s", size_share(part, shares->bytes, share));
    return g_string_free(text, FALSE);
}

/* Paints at (x, y) and returns the column behind; only measures where draw is false. */
static int put_share(const struct shares *shares, struct surface surface, int x, int y, enum role role, unsigned kind, bool draw)
{
    g_autofree char *text = share_text(shares, kind);
    struct map_counts all = {0};
    enum role sample_role = ROLE_KIND_UNKNOWN;
    uint32_t sample = '?';

    if (kind < shares->space->count) {
        all.bytes[kind] = 1;
        map_cell_look(shares->space, &all, 1, NULL, surface_traits(surface), &sample, &sample_role);
    }
    if (shares->samples) {
        if (draw) {
            surface_put_char(surface, x, y, sample_role, sample);
        }
        x += 2;
    }
    if (draw) {
        surface_put_fit(surface, x, y, surface.width - x, role, text);
    }
    return x + text_columns(text, -1);
}

/* In as many lines as there are; whether all had room. */
static bool put_shares(const struct shares *shares, struct surface surface, int x, enum role role, bool draw)
{
    unsigned order[MAP_KIND_COUNT + 1];
    unsigned count = sort_kinds(shares, order);
    int left = x, y = 0;

    for (unsigned i = 0; i < count; i++) {
        int end = put_share(shares, surface, x, y, role, order[i], false);

        if (end > surface.width && x > left && y + 1 < surface.height) {
            x = left;
            y++;
            end = put_share(shares, surface, x, y, role, order[i], false);
        }
        if (end > surface.width && !draw) {
            return false;
        }
        put_share(shares, surface, x, y, role, order[i], draw);
        x = end + 2;
    }
    return true;
}

/* What kinds there are matters most; of a cell then how many bytes, of the legend what stands for which. */
static void draw_shares(struct shares shares, struct surface surface, int x, enum role role, bool legend)
{
    const struct {
        bool exact, samples;
    } tries[] = {{true, true}, {!legend, legend}, {legend, !legend}, {false, true}, {false, false}};
    bool fits = false;

    for (size_t i = 0; i < G_N_ELEMENTS(tries) && !fits; i++) {
        shares.exact = tries[i].exact;
        shares.samples = tries[i].samples;
        fits = put_shares(&shares, surface, x, role, false);
    }
    shares.samples = shares.samples || (legend && !fits); /* not all of it is to be seen: then at least what it stands for */
    put_shares(&shares, surface, x, role, true);
}

/* ---- the byte at the cursor ---- */

/* end: with that of the range in the file. */
static void append_guest_byte(const struct map_link_answer *answer, bool end, GString *text)
{
    const struct blk_extent *extent = &answer->extent;
    char size[SIZE_TEXT_MAX];

    if (extent->length <= 0) {
        return;
    }
    g_string_append_printf(text, "at 0x%" PRIx64 ": %s of %s", answer->question.offset,
                           size_format_exact(extent->length, size), map_kind_name(map_kind_of(extent)));
    if (extent->depth > 0) {
        g_string_append_printf(text, ", layer %d", extent->depth);
    }
    if (extent->host_offset >= 0) {
        g_string_append_printf(text, ", host 0x%" PRIx64, extent->host_offset);
        if (end) {
            g_string_append_printf(text, "..0x%" PRIx64, extent->host_offset + extent->length - 1);
        }
        g_string_append(text, answer->elsewhere ? " of the data file" : "");
    } else if (answer->other >= 0 && extent->depth == 0) {
        bool stored = extent->kind == BLK_KIND_COMPRESSED;

        g_string_append_printf(text, ", %s 0x%" PRIx64, stored ? "host" : "table entry at", answer->other);
    }
}

static void append_host_byte(const struct map_link_answer *answer, GString *text)
{
    if (answer->text) {
        g_string_append_printf(text, "at 0x%" PRIx64 ": %s", answer->question.offset, answer->text);
    }
}

static bool is_answered(const struct map_panel *map)
{
    const struct map_side *side = map_panel_side(map);
    const struct map_link_answer *answer = &map->answer;

    return answer->question.blk && answer->question.source == side->source && answer->question.offset == side->cursor;
}

static void append_cell_runs(const struct map_link_answer *answer, GString *text)
{
    char smallest[SIZE_TEXT_MAX], largest[SIZE_TEXT_MAX];

    if (!answer->known || answer->runs == 0) {
        return;
    }
    g_string_append_printf(text, "%" PRId64 " extent%s of %s", answer->runs, answer->runs > 1 ? "s" : "",
                           size_format_exact(answer->smallest, smallest));
    if (answer->largest > answer->smallest) {
        g_string_append_printf(text, " to %s", size_format_exact(answer->largest, largest));
    }
}

void map_draw_answer(const struct map_panel *map, struct surface surface, int y)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (!is_answered(map)) {
        return;
    }
    if (map->at == MAP_HOST) {
        append_host_byte(&map->answer, text);
    } else {
        append_guest_byte(&map->answer, true, text);
        if (text_columns(text->str, -1) > surface.width) {
            g_string_truncate(text, 0);
            append_guest_byte(&map->answer, false, text);
        }
    }
    surface_put_fit(surface, 0, y, surface.width, ROLE_DIM, text->str);
}

/* ---- all of it ---- */

/* The cell's range; where it has a line for itself with its end, if that fits.  Returns the column behind. */
static int put_range(struct surface surface, int64_t start, int64_t end, bool alone)
{
    char size[SIZE_TEXT_MAX];
    g_autofree char *whole = g_strdup_printf("0x%" PRIx64 "..0x%" PRIx64 "  +%s", start, end - 1, size_format_exact(end - start, size));
    g_autofree char *brief = g_strdup_printf("0x%" PRIx64 " +%s", start, size);

    return surface_put(surface, 0, 0, ROLE_STRONG, alone && text_columns(whole, -1) <= surface.width ? whole : brief);
}

static void draw_cell(const struct map_panel *map, const struct shares *shares, struct surface surface, int64_t start, int64_t end)
{
    bool alone = map_panel_side(map)->view.readout > 1;
    int x = put_range(surface, start, end, alone) + 2;
    g_autoptr(GString) runs = g_string_new(NULL);

    if (!alone) {
        draw_shares(*shares, surface, x, ROLE_TEXT, false);
        return;
    }
    if (is_answered(map)) {
        append_cell_runs(&map->answer, runs);
        surface_put_fit(surface, x, 0, MAX(0, surface.width - x), ROLE_DIM, text_columns(runs->str, -1) <= surface.width - x ? runs->str : "");
    }
    draw_shares(*shares, surface_part(surface, 0, 1, surface.width, 1), 0, ROLE_TEXT, false);
}

void map_draw_readout(const struct map_panel *map, struct surface surface)
{
    const struct map_side *side = map_panel_side(map);
    const struct map_view *view = &side->view;
    struct shares shares = {.space = side->source->space};
    int64_t start, end;

    if (view->readout == 0) {
        return;
    }
    map_side_cell(side, &start, &end);
    shares.counts = map_pyramid_count(map_side_pyramid(side), start, end);
    shares.bytes = end - start;
    draw_cell(map, &shares, surface, start, end);
    if (view->readout >= 3) {
        map_draw_answer(map, surface, 2);
    }
    if (view->legend > 0) {
        struct surface legend = surface_part(surface, 0, view->readout - view->legend, surface.width, view->legend);

        shares.counts = map_pyramid_count(map_side_all(side), 0, side->size);
        shares.bytes = side->size;
        draw_shares(shares, legend, surface_put(legend, 0, 0, ROLE_DIM, "all: "), ROLE_DIM, true);
    }
}
