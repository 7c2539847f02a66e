/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Searching from the hex panel: in a buffer at once, in an image or a file in the background. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "engine/words.h"
#include "ui/panels/hex-hunt.h"
#include "ui/panels/hex-panel.h"
#include "util/safetext.h"

enum { BUFFER_COUNT_MAX = 100000 }; /* matches to go over while everybody waits */

bool hex_find_stop(struct hex_panel *hex)
{
    struct hex_hunt *hunt = g_steal_pointer(&hex->hunt);

    if (hunt) {
        hex_hunt_stop(hunt);
        hex_hunt_unref(hunt);
    }
    return hunt != NULL;
}

static void arrive(struct hex_panel *hex, struct hex_view *view, int64_t found, bool wrapped)
{
    if (view == hex_panel_view(hex)) {
        hex_panel_note_jump(hex);
    }
    view->cursor = found;
    if (wrapped) {
        panel_remark(&hex->panel, "the search went on at the other end");
    }
    panel_redraw(&hex->panel);
}

static void say_not_found(struct hex_panel *hex, const char *what, bool backward, int ret, int64_t unreadable)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (ret != -ENOENT) {
        g_string_printf(text, "%s: %s", what, g_strerror(-ret));
    } else if (strcmp(what, "search") == 0) {
        g_autofree char *label = safetext_escape(hex->search_label, -1);

        g_string_printf(text, "not found: %s", label);
    } else {
        g_string_printf(text, "no %s %s", what, backward ? "before" : "behind");
    }
    if (unreadable > 0) {
        g_string_append_printf(text, " (%" PRId64 " bytes could not be read)", unreadable);
    }
    panel_remark(&hex->panel, text->str);
}

static void on_end(void *data)
{
    struct hex_panel *hex = data;
    struct hex_hunt *hunt = g_steal_pointer(&hex->hunt);

    if (hunt->ret == 0 && (hex->hunt_view != hex_panel_view(hex) || hex->hunt_cursor != hex->hunt_view->cursor)) {
        /* Who went elsewhere meanwhile is not to be carried off. */
        g_autofree char *text = g_strdup_printf("found at %#" PRIx64, (uint64_t)hunt->found);

        panel_remark(&hex->panel, text);
    } else if (hunt->ret == 0) {
        arrive(hex, hex->hunt_view, hunt->found, hunt->wrapped);
    } else if (hunt->ret != -ECANCELED) {
        say_not_found(hex, hex->hunt_what, hunt->quarry.backward, hunt->ret, hunt->unreadable);
    }
    panel_redraw(&hex->panel);
    hex_hunt_unref(hunt);
}

/* ---- buffers, which are in memory ---- */

/* The match behind from, or before it; -1: there is none. */
static ptrdiff_t next_in_buffer(const struct search *search, const uint8_t *bytes, size_t size, ptrdiff_t from, bool backward)
{
    size_t behind = (size_t)from + 1;

    if (backward) {
        return search_last(search, bytes, MIN(size, (size_t)from + search->len - 1));
    }
    ptrdiff_t found = search_first(search, bytes + behind, size - behind);

    return found >= 0 ? found + (ptrdiff_t)behind : -1;
}

static void find_in_buffer(struct hex_panel *hex, const struct hex_quarry *quarry)
{
    const struct search *search = &quarry->search;
    size_t size = 0;
    const uint8_t *bytes = g_bytes_get_data(hex->bytes, &size);
    ptrdiff_t from = (ptrdiff_t)quarry->from, found = -1;
    bool wrapped = false;

    for (int64_t i = 0; i < MIN(quarry->count, BUFFER_COUNT_MAX); i++) {
        ptrdiff_t next = next_in_buffer(search, bytes, size, from, quarry->backward);

        if (next < 0 && quarry->wraps) {
            wrapped = true;
            next = quarry->backward ? search_last(search, bytes, size) : search_first(search, bytes, size);
        }
        if (next < 0) {
            break;
        }
        from = found = next;
    }
    if (found >= 0) {
        arrive(hex, &hex->buffer, found, wrapped);
    } else {
        say_not_found(hex, hex->hunt_what, quarry->backward, -ENOENT, 0);
    }
}

/* ---- starting ---- */

static void start(struct hex_panel *hex, const struct hex_quarry *quarry, const char *what)
{
    struct hex_view *view = hex_panel_view(hex);

    hex_find_stop(hex);
    hex->hunt_what = what;
    hex->hunt_view = view;
    hex->hunt_cursor = view->cursor;
    if (hex_view_size(view) == 0) {
        panel_remark(&hex->panel, "there is nothing to search in");
    } else if (hex->shown == HEX_SHOW_BUFFER) {
        find_in_buffer(hex, quarry);
    } else {
        hex->hunt = hex_hunt_new(view->blk, quarry, on_end, hex);
    }
}

void hex_find(struct hex_panel *hex, const struct search *search, const char *label, int64_t from, bool backward, int count)
{
    struct hex_quarry quarry = {
        .search = *search, .from = from >= 0 ? from : hex_panel_view(hex)->cursor, .backward = backward, .wraps = true, .count = count};
    char *copy = g_strdup(label);

    g_free(hex->search_label); /* label may be that */
    hex->search_label = copy;
    hex->search = *search;
    hex->show_matches = true;
    start(hex, &quarry, "search");
}

void hex_find_again(struct hex_panel *hex, bool backward, int count)
{
    if (hex->search_label) {
        hex_find(hex, &hex->search, hex->search_label, -1, backward, count);
    } else {
        panel_remark(&hex->panel, "nothing was searched for yet: / searches for text, \\ for hex");
    }
}

void hex_find_not_zero(struct hex_panel *hex, bool backward, int count)
{
    struct hex_quarry quarry = {.search = search_not_zero(), .from = hex_panel_view(hex)->cursor, .backward = backward, .count = count};

    start(hex, &quarry, "byte that is not zero");
}

void hex_find_difference(struct hex_panel *hex, bool backward, int count)
{
    struct blk *below = hex->shown == HEX_SHOW_IMAGE && hex->blk ? blk_layer(hex->blk, 1, BLK_PART_LAYER) : NULL;
    struct hex_quarry quarry = {
        .search = search_not_zero(), .against = below, .from = hex->image.cursor, .backward = backward, .count = count};

    if (below) {
        start(hex, &quarry, "difference");
    } else {
        panel_remark(&hex->panel, hex->shown == HEX_SHOW_IMAGE ? "the image has no backing file to differ from"
                                                               : "only the image differs from its backing file: press i");
    }
}

/* ---- highlighting ---- */

void hex_find_mark(struct hex_panel *hex, int64_t row, int n, bool *marks)
{
    enum { ROOM = HEX_ROW_MAX + 2 * SEARCH_MAX };
    struct hex_view *view = hex_panel_view(hex);
    uint8_t bytes[ROOM], states[ROOM];
    int64_t len = (int64_t)hex->search.len;

    if (!hex->search_label || !hex->show_matches) {
        return;
    }
    int64_t from = MAX(0, row - len + 1), end = MIN(hex_view_size(view), row + n + len - 1);

    view->source->ops->get(view->source, from, (size_t)(end - from), bytes, states);
    for (int64_t at = from; at + len <= end; at++) {
        ptrdiff_t found = search_first(&hex->search, bytes + (at - from), (size_t)(end - at));
        bool known = true;

        if (found < 0) {
            break;
        }
        at += found;
        for (int64_t i = 0; i < len; i++) {
            uint8_t state = states[at - from + i];

            known = known && (state == HEX_KNOWN || state == HEX_HOLE);
        }
        for (int64_t i = MAX(at, row); known && i < MIN(at + len, row + n); i++) {
            marks[i - row] = true;
        }
    }
}

/* ---- asking ---- */

/* As the command it equals, which is then in the log and begins where the cursor was. */
static void run_find(struct panel *panel, const char *option, const char *text)
{
    g_autofree char *quoted = words_quote(text);
    g_autofree char *where = panel->ops->where(panel);
    g_autofree char *line =
        g_strdup_printf("find%s%s%s%s%s", option, where ? " -o " : "", where ? where : "", *text == '-' ? " -- " : " ", quoted);

    panel_run(panel, line);
}

static void answer_text(struct panel *panel, const char *text)
{
    /* As less does: no capitals, any case. */
    g_autofree char *lower = g_ascii_strdown(text, -1);

    run_find(panel, strcmp(lower, text) == 0 ? " -i" : "", text);
}

static void answer_hex(struct panel *panel, const char *text)
{
    run_find(panel, " -x", text);
}

void hex_find_ask(struct hex_panel *hex, bool as_hex)
{
    static const struct panel_question text_question = {
        REQUEST_HEX_SEARCH, "search: ", "text; with a capital letter in it, in this case only", false, answer_text};
    static const struct panel_question hex_question = {
        REQUEST_HEX_SEARCH_HEX, "search hex: ", "pairs of digits, ? for any digit: 7f 45 ?? 4?", false, answer_hex};

    panel_question(&hex->panel, as_hex ? &hex_question : &text_question);
}
