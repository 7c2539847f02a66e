/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The layers of the image as a list over the panels: what `chain -s` tells.  The list comes first; what each layer supplies is counted
 * behind it, and counting ends with the overlay.  What is done from here is the command it equals.
 */
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "block/chain.h"
#include "engine/session.h"
#include "io/co.h"
#include "ui/console/console.h"
#include "ui/desk-private.h"
#include "ui/text.h"
#include "util/safetext.h"
#include "util/size.h"

enum { WIDTH_MAX = 100, INDENT = 5, ENTRIES_MAX = 1 << 20 };

struct chain_run {
    struct chain_view *view; /* NULL: nobody wants to know any more */
    struct co *co;
    struct blk *blk;
};

struct chain_view {
    struct overlay overlay;
    struct chain_run *run; /* NULL: all is known */
    GPtrArray *layers;     /* struct chain_layer; NULL: not known yet */
    int marked, top;       /* entry; first row that is visible */
    GArray *starts;        /* int: the row each entry begins in, and the one behind the last */
    int page;
    struct rectangle box; /* as last drawn */
};

static struct chain_view *view_of(struct overlay *overlay)
{
    return (struct chain_view *)overlay;
}

/* ---- what is known ---- */

static void look_co(void *data)
{
    struct chain_run *run = data;
    run->co = co_self();
    g_autoptr(GPtrArray) layers = chain_list_co(run->blk);
    if (layers != NULL && run->view != NULL) {
        run->view->layers = g_ptr_array_ref(layers);
        desk_dirty(run->view->overlay.desk);
        chain_count_supplied_co(run->blk, layers);
    }
    if (run->view != NULL) {
        run->view->run = NULL;
        desk_dirty(run->view->overlay.desk);
    }
    g_free(run);
}

static void forget(struct chain_view *view)
{
    if (view->run != NULL) {
        view->run->view = NULL;
        co_cancel(view->run->co);
        view->run = NULL;
    }
    g_clear_pointer(&view->layers, g_ptr_array_unref);
}

static void look(struct chain_view *view)
{
    struct blk *blk = session_blk(view->overlay.desk->session);
    if (blk != NULL) {
        view->run = g_new0(struct chain_run, 1);
        *view->run = (struct chain_run){.view = view, .blk = blk};
        co_start(look_co, view->run);
    }
}

static const struct chain_layer *marked_layer(const struct chain_view *view)
{
    return view->layers != NULL && view->marked < (int)view->layers->len ? view->layers->pdata[view->marked] : NULL;
}

/* ---- painting ---- */

/* The end of a name says more than its beginning. */
static void put_tail(struct surface row, int x, enum role role, const char *text)
{
    int room = row.width - x - 1, columns = text_columns(text, -1);
    if (columns > room) {
        while (*text != '\0' && columns > room - 1) {
            const char *next = g_utf8_next_char(text);
            columns -= text_columns(text, (int)(next - text));
            text = next;
        }
        x = surface_put(row, x, 0, ROLE_DIM, "…");
    }
    surface_put(row, x, 0, role, text);
}

static char *head_of(const struct chain_view *view, const struct chain_layer *layer)
{
    char size[SIZE_TEXT_MAX];
    g_autofree char *format = layer->format != NULL ? safetext_escape(layer->format, -1) : NULL;
    GString *text = g_string_new(NULL);
    g_string_printf(text, "%u %s · %s%s · %s", layer->layer, chain_layer_role(layer), format != NULL ? format : "format unknown",
                    layer->guessed ? " (guessed)" : "", !layer->open ? "NOT OPEN" : layer->writable ? "writable" : "read-only");
    if (layer->supplied >= 0) {
        int64_t all = MAX(((struct chain_layer *)view->layers->pdata[0])->size, 1);
        g_string_append_printf(text, " · supplies %s (%.3g%%)", size_format_exact(layer->supplied, size),
                               (double)layer->supplied * 100 / (double)all);
    } else if (layer->open && !layer->data_file && view->run != NULL) {
        g_string_append(text, " · counting what it supplies");
    }
    return g_string_free(text, FALSE);
}

static char *sizes_of(const struct chain_layer *layer)
{
    char size[SIZE_TEXT_MAX];
    GString *text = g_string_new(NULL);
    if (layer->size >= 0) {
        g_string_append_printf(text, "%s of %s", layer->data_file ? "a file" : "a disk", size_format_exact(layer->size, size));
    }
    if (layer->file_size >= 0 && !layer->data_file) {
        g_string_append_printf(text, " in a file of %s", size_format_exact(layer->file_size, size));
    }
    if (layer->occupied >= 0) {
        g_string_append_printf(text, ", which takes %s", size_format_exact(layer->occupied, size));
    }
    return g_string_free(text, FALSE);
}

/* Rows, which are only counted where the surface ends. */
static int put_row(struct surface inside, int y, enum role role, const char *text)
{
    return surface_put_words(inside, INDENT, y, inside.width - INDENT - 1, INT_MAX, role, text);
}

static int draw_reference(struct surface inside, int y, const struct reference *reference)
{
    if (reference->state == REFERENCE_LEFT_OUT) {
        g_autofree char *what = reference_describe(reference);
        g_autofree char *text = g_strdup_printf("%s%sr names another file%s", what, *what != '\0' ? " · " : "",
                                                reference->kind == REFERENCE_MISSING ? "" : ", f opens it");
        return put_row(inside, y, ROLE_WARNING, text);
    }
    if (reference->state == REFERENCE_REPLACED) {
        g_autofree char *name = safetext_escape(reference->name, -1);
        g_autofree char *text = g_strdup_printf("in place of '%s'", name);
        return put_row(inside, y, ROLE_DIM, text);
    }
    return y;
}

static int draw_layer(const struct chain_view *view, struct surface inside, int y, int i)
{
    const struct chain_layer *layer = view->layers->pdata[i];
    g_autofree char *head = head_of(view, layer), *name = layer->filename != NULL ? safetext_escape(layer->filename, -1) : NULL;
    bool marked = i == view->marked;
    surface_put(inside, 1, y, ROLE_HINT_KEY, marked ? ">" : " ");
    int first = y;
    y = surface_put_words(inside, 3, y, inside.width - 4, INT_MAX, layer->open ? ROLE_STRONG : ROLE_WARNING, head);
    for (int row = first; marked && row < y; row++) {
        surface_mark(inside, 0, row, inside.width, CELL_CURSOR);
    }
    if (name != NULL) {
        put_tail(surface_part(inside, 0, y, inside.width, 1), INDENT, ROLE_OVERLAY, name);
        y++;
    }
    if (layer->open) {
        g_autofree char *sizes = sizes_of(layer);
        y = put_row(inside, y, ROLE_DIM, sizes);
    }
    if (layer->holders != NULL) {
        g_autofree char *holders = safetext_escape(layer->holders, -1), *text = g_strdup_printf("locked: %s", holders);
        y = put_row(inside, y, ROLE_WARNING, text);
    }
    return layer->reference != NULL ? draw_reference(inside, y, layer->reference) : y;
}

/* From row y on; the row behind. */
static int draw_layers(struct chain_view *view, struct surface inside, int y)
{
    int first = y;
    g_array_set_size(view->starts, 0);
    for (unsigned i = 0; view->layers != NULL && i < view->layers->len; i++) {
        int start = y - first;
        g_array_append_val(view->starts, start);
        y = draw_layer(view, inside, y, (int)i);
    }
    int rows = y - first;
    g_array_append_val(view->starts, rows);
    return y;
}

static int row_of(const struct chain_view *view, int i)
{
    return g_array_index(view->starts, int, CLAMP(i, 0, (int)view->starts->len - 1));
}

static void draw(struct overlay *overlay, struct surface surface)
{
    struct chain_view *view = view_of(overlay);
    int width = MIN(surface.width, WIDTH_MAX), left = (surface.width - width) / 2;
    int count = view->layers != NULL ? (int)view->layers->len : 0;
    view->marked = count > 0 ? CLAMP(view->marked, 0, count - 1) : view->marked;
    int rows = draw_layers(view, surface_part(surface, left, 0, width - 2, 0), 0);
    view->box = (struct rectangle){left, 0, width, CLAMP(rows + 2, MIN(3, surface.height), surface.height)};
    struct surface box = surface_part(surface, left, 0, width, view->box.height), inside = surface_part(box, 1, 1, width - 2, view->box.height - 2);
    view->page = MAX(inside.height, 1);
    if (count > 0) { /* all of the marked one is visible, its first row at least */
        view->top = MAX(view->top, row_of(view, view->marked + 1) - view->page);
        view->top = CLAMP(MIN(view->top, row_of(view, view->marked)), 0, MAX(rows - view->page, 0));
    }
    surface_fill(box, ROLE_OVERLAY, ' ');
    draw_layers(view, inside, -view->top);
    surface_frame(box, ROLE_FRAME_FOCUS);
    g_autofree char *title = count == 0  ? g_strdup("chain")
                             : count == 1 ? g_strdup("chain · 1 layer")
                                          : g_strdup_printf("chain · %d layers%s", count, rows > view->top + view->page ? " · Down for more" : "");
    surface_title(box, ROLE_TITLE_FOCUS, title);
    if (count == 0) {
        surface_put_fit(inside, 1, 0, inside.width - 2, ROLE_NOTE, view->run != NULL ? "looking" : "no image is open");
    }
}

/* ---- what is asked of it ---- */

static void show_in_hex(struct desk *desk, const struct chain_layer *layer)
{
    g_autofree char *place = g_strdup_printf("h%u:0", layer->layer);
    if (layer->data_file) {
        desk_remark(desk, ROLE_NOTE, "o in hex shows an image's own file; a data file has the guest's bytes, which hex shows as the image");
    } else if (!layer->open) {
        desk_remark(desk, ROLE_NOTE, "it is not open: r names another file in its place");
    } else {
        overlay_show(desk, NULL);
        moves_log(desk);
        input_go_to_named(desk, place);
    }
}

static void show_on_map(struct desk *desk, const struct chain_layer *layer)
{
    g_autofree char *line = g_strdup_printf("map-only %u", layer->layer);
    if (!layer->open) {
        desk_remark(desk, ROLE_NOTE, "it is not open: the map has M or !! where it would supply something");
        return;
    }
    overlay_show(desk, NULL);
    moves_log(desk);
    console_run(desk_console(desk), line);
    input_focus(desk, LAYOUT_MAP);
}

static void relink(struct desk *desk, const struct reference *reference)
{
    if (reference == NULL) {
        desk_remark(desk, ROLE_NOTE, "no layer names this one: open opens another image");
        return;
    }
    if (reference->role == REFERENCE_EXTENTS) {
        desk_remark(desk, ROLE_NOTE, "the text that names these files can't name others: open opens another image");
        return;
    }
    g_autoptr(reference) copy = reference_copy(reference); /* the list goes with the overlay */
    overlay_show(desk, NULL);
    input_focus(desk, LAYOUT_CONSOLE);
    approval_type_relink(desk, copy);
}

static void follow(struct desk *desk, const struct reference *reference)
{
    if (reference == NULL || reference->state != REFERENCE_LEFT_OUT) {
        desk_remark(desk, ROLE_NOTE, "it is open already");
        return;
    }
    g_autofree char *line = g_strdup_printf("follow -l %u %s", reference->layer, reference_role_name(reference->role));
    overlay_show(desk, NULL);
    moves_log(desk);
    console_run(desk_console(desk), line);
}

static void mark(struct chain_view *view, int i)
{
    int last = view->layers != NULL ? (int)view->layers->len - 1 : view->run != NULL ? ENTRIES_MAX : 0; /* whoever is faster than the list */
    view->marked = CLAMP(i, 0, MAX(last, 0));
    desk_dirty(view->overlay.desk);
}

static void act(struct desk *desk, enum request request, const struct chain_layer *layer)
{
    switch (request) {
    case REQUEST_CHAIN_SHOW:
        show_in_hex(desk, layer);
        break;
    case REQUEST_CHAIN_MAP:
        show_on_map(desk, layer);
        break;
    case REQUEST_CHAIN_RELINK:
        relink(desk, layer->reference);
        break;
    case REQUEST_CHAIN_FOLLOW:
        follow(desk, layer->reference);
        break;
    default:
        break;
    }
}

/* As many layers on as fill that many rows; one at least. */
static void mark_rows_on(struct chain_view *view, int64_t rows)
{
    bool painted = view->layers != NULL && view->starts->len > view->layers->len;
    int last = painted ? (int)view->layers->len - 1 : 0, to = view->marked, step = rows < 0 ? -1 : 1;
    do {
        to += step;
    } while (to > 0 && to < last && ABS(row_of(view, to + step) - row_of(view, view->marked)) <= ABS(rows));
    mark(view, to);
}

static void request(struct overlay *overlay, enum request request, int count)
{
    struct chain_view *view = view_of(overlay);
    const struct chain_layer *layer = marked_layer(view);
    struct desk *desk = overlay->desk;
    if (request == REQUEST_CHAIN_CLOSE) {
        overlay_show(desk, NULL);
        return;
    }
    int64_t rows;
    if (request == REQUEST_UP || request == REQUEST_DOWN) {
        mark(view, view->marked + (request == REQUEST_UP ? -count : count));
    } else if (request == REQUEST_FIRST || request == REQUEST_LAST) {
        mark(view, request == REQUEST_FIRST ? 0 : ENTRIES_MAX);
    } else if (overlay_rows(request, count, view->page, &rows)) {
        mark_rows_on(view, rows);
    } else if (layer != NULL) {
        act(desk, request, layer);
    }
}

static void press(struct overlay *overlay, int x, int y)
{
    struct chain_view *view = view_of(overlay);
    const struct rectangle *box = &view->box;
    if (!rectangle_has(box, x, y)) {
        overlay_show(overlay->desk, NULL);
        return;
    }
    int row = view->top + y - box->y - 1;
    for (int i = 0; view->layers != NULL && i < (int)view->layers->len; i++) {
        if (row >= row_of(view, i) && row < row_of(view, i + 1)) {
            mark(view, i);
        }
    }
}

/* ---- the overlay ---- */

static enum request_context context(const struct overlay *overlay)
{
    return REQUEST_CONTEXT_CHAIN;
}

static const char *name(const struct overlay *overlay)
{
    return "chain";
}

static void state(const struct overlay *overlay, struct overlay_state *ret_state)
{
    const struct chain_view *view = (const struct chain_view *)overlay;
    *ret_state = (struct overlay_state){view->marked, view->top, "", -1};
}

static void set_state(struct overlay *overlay, const struct overlay_state *state)
{
    view_of(overlay)->marked = state->row; /* painting bounds it, once the list is there */
    view_of(overlay)->top = state->top;
}

static void destroy(struct overlay *overlay)
{
    struct chain_view *view = view_of(overlay);
    forget(view);
    g_array_unref(view->starts);
    g_free(view);
}

static const struct overlay_ops overlay_ops = {
    .name = name,
    .context = context,
    .draw = draw,
    .request = request,
    .press = press,
    .free = destroy,
    .state = state,
    .set_state = set_state,
};

struct overlay *chain_view_new(struct desk *desk)
{
    struct chain_view *view = g_new0(struct chain_view, 1);
    view->overlay = (struct overlay){&overlay_ops, desk};
    view->starts = g_array_new(FALSE, TRUE, sizeof(int));
    look(view);
    return &view->overlay;
}

void chain_view_image(struct desk *desk)
{
    if (desk->overlay != NULL && desk->overlay->ops == &overlay_ops) {
        forget(view_of(desk->overlay));
        look(view_of(desk->overlay));
        desk_dirty(desk);
    }
}
