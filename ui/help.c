/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The help overlay, made from the tables: what the keys do here.  A search looks through all there is, everywhere: keys, names
 * and meanings.
 */
#include <limits.h>
#include <string.h>

#include "ui/desk-private.h"
#include "ui/keymap.h"
#include "ui/overlay.h"

enum { WIDTH_MAX = 80, KEYS_COLUMNS = 26, KEYS_SHARE = 3, KEYS_GAP = 5 };

struct help {
    struct overlay overlay;
    enum request_context about; /* the panel it was asked for in */
    struct prompt *search;      /* NULL: not searched */
    bool typing;                /* letters go into the search */
    int top, rows, page;
    struct rectangle box; /* as last drawn */
};

static struct help *help_of(struct overlay *overlay)
{
    return (struct help *)overlay;
}

/* One request's keys and, from column x on, help, in as many rows as its help takes; the row behind. */
static int draw_request(struct surface surface, int x, int y, const char *keys, const char *help)
{
    surface_put_fit(surface, 2, y, x - 3, ROLE_HINT_KEY, keys);
    return surface_put_words(surface, x, y, surface.width - x - 1, INT_MAX, ROLE_OVERLAY, help);
}

static bool has(const char *text, const char *part)
{
    g_autofree char *low = g_utf8_strdown(text, -1);
    return strstr(low, part) != NULL;
}

/* A key is found by its whole name, anything else by a part. */
static bool is_wanted(const struct help *help, const char *keys, const struct request_info *info)
{
    const char *text = help->search != NULL ? prompt_text(help->search) : "";
    g_autofree char *part = g_utf8_strdown(text, -1);
    g_auto(GStrv) names = g_strsplit(keys, ", ", -1);
    bool key = g_strv_contains((const char *const *)names, text);
    for (char **name = names; *name != NULL && !key; name++) {
        key = part[0] != '\0' && part[1] != '\0' && has(*name, part);
    }
    return *part == '\0' || key || (key_parse(text) == KEYCODE_NONE && (has(info->name, part) || has(info->help, part)));
}

/* Where the help begins: behind the longest of the keys. */
static int help_column(const struct help *help, enum request_context context, int width)
{
    int longest = 0;
    for (int request = 0; request < REQUEST_COUNT; request++) {
        g_autofree char *keys = keymap_keys(context, request);
        if (keys != NULL && is_wanted(help, keys, request_info(request))) {
            longest = MAX(longest, text_columns(keys, -1));
        }
    }
    return MIN(MIN(longest + KEYS_GAP, KEYS_COLUMNS), width / KEYS_SHARE);
}

/* Rows of one context from row y on; rows outside of the surface are only counted. */
static int draw_context(const struct help *help, struct surface surface, int y, enum request_context context)
{
    const char *name = request_context_name(context);
    int x = 3 + text_columns(name, -1), header = y++, column = help_column(help, context, surface.width);
    for (int request = 0; request < REQUEST_COUNT; request++) {
        g_autofree char *keys = keymap_keys(context, request);
        if (keys != NULL && is_wanted(help, keys, request_info(request))) {
            y = draw_request(surface, column, y, keys, request_info(request)->help);
        }
    }
    if (y == header + 1) {
        return header; /* nothing of it is wanted */
    }
    surface_put(surface, 1, header, ROLE_STRONG, name);
    surface_put_fit(surface, x, header, surface.width - x - 1, ROLE_DIM, request_context_help(context));
    return y + 1;
}

/* Everything from row y on; the row behind. */
static int draw_all(const struct help *help, struct surface surface, int y)
{
    int first = y;
    y = draw_context(help, surface, y, help->about);
    for (int i = 0; i < REQUEST_CONTEXT_COUNT; i++) {
        bool general = i == REQUEST_CONTEXT_GLOBAL || i == REQUEST_CONTEXT_MOVE;
        bool here = general && !keymap_types_text(help->about);
        if (i != (int)help->about && (here || help->search != NULL)) {
            y = draw_context(help, surface, y, (enum request_context)i);
        }
    }
    if (y == first) {
        surface_put_fit(surface, 1, y, surface.width - 2, ROLE_NOTE, "nothing has that in its keys, name or meaning");
        y += 2;
    }
    return y - 1;
}

static void draw_search(const struct help *help, struct surface row)
{
    if (help->typing) {
        prompt_draw(help->search, row);
    } else {
        int x = surface_put(row, 1, 0, ROLE_DIM, "with ");
        surface_put_fit(row, x, 0, row.width - x, ROLE_STRONG, prompt_text(help->search));
    }
}

static void draw(struct overlay *overlay, struct surface surface)
{
    struct help *help = help_of(overlay);
    int width = MIN(surface.width, WIDTH_MAX), search = help->search != NULL;
    help->box = (struct rectangle){(surface.width - width) / 2, 0, width, surface.height};
    struct surface box = surface_part(surface, help->box.x, 0, width, surface.height);
    surface_fill(box, ROLE_OVERLAY, ' ');
    surface_frame(box, ROLE_FRAME_FOCUS);
    struct surface inside = surface_part(box, 1, 1 + search, box.width - 2, box.height - 2 - search);
    help->page = inside.height;
    help->rows = draw_all(help, surface_part(inside, 0, 0, inside.width, 0), 0);
    help->top = MIN(help->top, MAX(help->rows - help->page, 0)); /* the screen may have grown */
    draw_all(help, inside, -help->top);
    bool more = help->rows > help->top + help->page;
    surface_title(box, ROLE_TITLE_FOCUS, more ? "keys · Down for more" : "keys");
    if (search) {
        draw_search(help, surface_part(box, 1, 1, box.width - 2, 1));
    }
}

/* ---- what is asked of it ---- */

static enum request_context context(const struct overlay *overlay)
{
    return ((const struct help *)overlay)->typing ? REQUEST_CONTEXT_CHOOSER : REQUEST_CONTEXT_OVERLAY;
}

static void start_search(struct help *help)
{
    if (help->search == NULL) {
        help->search = prompt_new("search: ", "a key (Ctrl-F), or a part of a name or meaning");
    }
    help->typing = true;
    help->top = 0;
}

static void end_search(struct help *help, bool keep)
{
    help->typing = false;
    if (help->search != NULL && (!keep || *prompt_text(help->search) == '\0')) {
        g_clear_pointer(&help->search, prompt_free);
    }
}

static void scroll(struct help *help, int64_t rows)
{
    help->top = (int)CLAMP(help->top + rows, 0, MAX(help->rows - help->page, 0));
}

static void request(struct overlay *overlay, enum request request, int count)
{
    struct help *help = help_of(overlay);
    int64_t rows;
    if (overlay_rows(request, count, help->page - 1, &rows)) {
        scroll(help, rows);
        desk_dirty(overlay->desk);
        return;
    }
    switch (request) {
    case REQUEST_OVERLAY_SEARCH:
        start_search(help);
        break;
    case REQUEST_CHOOSER_ACCEPT:
    case REQUEST_CHOOSER_CANCEL:
        end_search(help, request == REQUEST_CHOOSER_ACCEPT);
        break;
    case REQUEST_OVERLAY_CLOSE:
        overlay_show(overlay->desk, NULL);
        return;
    default:
        break;
    }
    desk_dirty(overlay->desk);
}

static void key(struct overlay *overlay, keycode key)
{
    struct help *help = help_of(overlay);
    if (help->typing && prompt_key(help->search, key)) {
        help->top = 0;
        desk_dirty(overlay->desk);
    }
}

static void paste(struct overlay *overlay, const char *text)
{
    struct help *help = help_of(overlay);
    if (help->typing && prompt_paste(help->search, text)) {
        help->top = 0;
        desk_dirty(overlay->desk);
    }
}

static void press(struct overlay *overlay, int x, int y)
{
    const struct rectangle *box = &help_of(overlay)->box;
    if (!rectangle_has(box, x, y)) {
        overlay_show(overlay->desk, NULL);
    }
}

static void destroy(struct overlay *overlay)
{
    prompt_free(help_of(overlay)->search);
    g_free(overlay);
}

static const char *name(const struct overlay *overlay)
{
    return "help";
}

static void state(const struct overlay *overlay, struct overlay_state *ret_state)
{
    const struct help *help = (const struct help *)overlay;
    *ret_state = (struct overlay_state){.top = help->top, .text = "", .typed = -1};
    if (help->search != NULL) {
        ret_state->text = prompt_text(help->search);
        ret_state->typed = help->typing ? prompt_typed(help->search) : -1;
    }
}

static void set_state(struct overlay *overlay, const struct overlay_state *state)
{
    struct help *help = help_of(overlay);
    if (state->typed >= 0 || *state->text != '\0') {
        start_search(help);
        prompt_set(help->search, state->text, state->typed);
        help->typing = state->typed >= 0;
    }
    help->top = state->top; /* painting bounds it */
}

static const struct overlay_ops overlay_ops = {
    .name = name,
    .context = context,
    .draw = draw,
    .request = request,
    .key = key,
    .paste = paste,
    .press = press,
    .free = destroy,
    .state = state,
    .set_state = set_state,
};

struct overlay *help_new(struct desk *desk)
{
    struct help *help = g_new0(struct help, 1);
    help->overlay = (struct overlay){&overlay_ops, desk};
    enum request_context typing = input_typing(desk_focused(desk));
    help->about = typing != REQUEST_CONTEXT_COUNT ? typing : desk_focused(desk)->ops->context;
    return &help->overlay;
}
