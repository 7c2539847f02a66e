/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first line of the screen: which image, what it is, whether it can be changed, how much is going on. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "engine/session.h"
#include "engine/waiting.h"
#include "io/clock.h"
#include "io/co.h"
#include "io/sandbox.h"
#include "ui/console/console.h"
#include "ui/desk-private.h"
#include "ui/panels/lookup.h"
#include "ui/progress.h"
#include "util/size.h"

enum { GAP = 2, LEAST_NAME = 20 };

struct title_query {
    struct desk *desk; /* NULL: nobody wants to know any more */
    struct co *co;
    struct blk *blk;
};

static void query_co(void *data)
{
    struct title_query *query = data;
    struct blk_info info = {0};
    query->co = co_self();
    int ret = blk_info_co(query->blk, &info);
    if (query->desk != NULL) {
        query->desk->title.query = NULL;
        if (ret >= 0) {
            query->desk->title.format = g_strdup(info.format);
            query->desk->title.cluster_size = info.cluster_size;
            desk_dirty(query->desk);
        }
    }
    if (ret >= 0) {
        blk_info_clear(&info);
    }
    g_free(query);
}

void title_done(struct desk *desk)
{
    struct title_query *query = desk->title.query;
    if (query != NULL) {
        query->desk = NULL;
        co_cancel(query->co);
    }
    g_free(desk->title.format);
    g_free(desk->title.holders);
    lookup_free(desk->title.lookup);
    desk->title = (struct title){.asked = -1};
}

/* ---- the layer ---- */

void title_changed(struct desk *desk)
{
    desk->title.asked = -1;
    desk->title.layer_end = desk->title.layer_start;
}

static void on_layer(void *data, const struct lookup_answer *answer)
{
    struct desk *desk = data;
    const struct blk_extent *extent = &answer->extent;
    if (answer->ret == 0 && extent->length > 0) {
        desk->title.layer_start = extent->start;
        desk->title.layer_end = extent->start + extent->length;
        desk->title.layer = extent->kind == BLK_KIND_UNALLOCATED ? -1 : extent->depth;
        desk_dirty(desk);
    }
}

/* Which one supplies the byte; asks when that is not known, and nothing is said meanwhile. */
static void append_layer(struct desk *desk, int64_t offset, GString *text)
{
    struct title *title = &desk->title;
    struct blk *blk = session_blk(desk->session);
    if (blk_layer(blk, 1, BLK_PART_LAYER) == NULL) {
        return; /* there is but one */
    }
    if (offset < title->layer_start || offset >= title->layer_end) {
        if (title->asked != offset) {
            title->asked = offset;
            title->lookup = title->lookup != NULL ? title->lookup : lookup_new(on_layer, desk);
            lookup_ask(title->lookup, blk, LOOKUP_AT, offset);
        }
        return;
    }
    if (title->layer < 0) {
        g_string_append(text, " no layer");
    } else {
        g_string_append_printf(text, " layer %d", title->layer);
    }
}

void title_image(struct desk *desk)
{
    struct blk *blk = session_blk(desk->session);
    title_done(desk);
    if (blk == NULL) {
        return;
    }
    desk->title.holders = blk_lock_holders(blk);
    struct title_query *query = g_new0(struct title_query, 1);
    query->desk = desk;
    query->blk = blk;
    desk->title.query = query;
    co_start(query_co, query);
}

/* What to call the image: the last part of a path, of a URL's without its parameters, anything else as it was given. */
static char *short_name(const char *name)
{
    size_t length = strstr(name, "://") != NULL ? strcspn(name, "?") : strlen(name);
    const char *slash = g_strrstr_len(name, length, "/");
    bool has_last = slash != NULL && slash + 1 < name + length && name[0] != '{';
    return has_last ? g_strndup(slash + 1, name + length - slash - 1) : g_strdup(name);
}

static char *name_of(struct blk *blk)
{
    const char *name = blk_filename(blk);
    return short_name(name != NULL ? name : "(no name)");
}

/* Puts from the right edge to the left; returns the column where it begins. */
static int put_left_of(struct surface row, int end, enum role role, const char *text)
{
    int x = end - text_columns(text, -1);
    surface_put(row, x, 0, role, text);
    return x - GAP;
}

/* Where the console, which says more, is not to be seen. */
static int draw_running(const struct desk *desk, struct surface row, int end)
{
    int64_t since;
    bool hidden = desk->layout.panels[LAYOUT_CONSOLE].width == 0;
    if (!hidden || console_busy_line(desk_console(desk), &since) == NULL) {
        return end;
    }
    g_autofree char *wait = session_wait_text(desk->session, SESSION_WAIT_BRIEF);
    return put_left_of(row, end, wait != NULL ? ROLE_STATE_SUSPENDED : ROLE_STATE_IN_FLIGHT, wait != NULL ? wait : "running");
}

static char *text_of(const char *what, int64_t done, int64_t total, int64_t elapsed_us)
{
    GString *text = g_string_new(what);
    if (total > 0) {
        progress_append(text, done, total, elapsed_us);
    }
    return g_string_free(text, FALSE);
}

/* What takes long, a command first: "search  34%  1.2 GiB/s  8 s left"; NULL: nothing does. */
static char *progress_text(const struct desk *desk)
{
    int64_t since;
    struct session_progress progress;
    const char *busy = console_busy_line(desk_console(desk), &since);
    if (busy != NULL && session_progress(desk->session, &progress) && progress.total > 0) {
        g_autofree char *name = g_strndup(busy, strcspn(busy, " "));
        return text_of(name, progress.done, progress.total, clock_now_us() - since);
    }
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        struct panel *panel = desk->panels[i];
        struct panel_progress own;
        if (panel->ops->progress != NULL && panel->ops->progress(panel, &own)) {
            return text_of(own.what, own.done, own.total, clock_now_us() - own.since_us);
        }
    }
    return NULL;
}

/* How much is told of where one is. */
enum place { PLACE_OFFSET, PLACE_SELECTED, PLACE_ALL, PLACES };

/* Offset of the cursor, of the panel that has the focus, then how much is selected, then its layer and where what is selected begins and ends. */
static char *place_text(struct desk *desk, enum place place)
{
    struct panel *panel = desk_focused(desk);
    g_autoptr(GString) text = g_string_new(NULL);
    int64_t offset = panel->ops->position != NULL ? panel->ops->position(panel) : -1;
    if (offset >= 0) {
        g_string_append_printf(text, "0x%" PRIx64, (uint64_t)offset);
    }
    if (place == PLACE_ALL && offset >= 0) {
        append_layer(desk, offset, text);
    }
    if (place >= PLACE_SELECTED && panel->ops->selection != NULL) {
        g_autoptr(GString) selection = g_string_new(NULL);
        panel->ops->selection(panel, selection);
        const char *range_end = place == PLACE_SELECTED ? strchr(selection->str, ' ') : NULL;
        if (selection->len > 0) {
            g_string_append_printf(text, "%s%s", text->len > 0 ? "  selected " : "selected ", range_end != NULL ? range_end + 1 : selection->str);
        }
    }
    return g_strdup(text->str);
}

/* Only that something is wrong with it. */
static int draw_connection(struct surface row, int end, const struct blk *blk)
{
    struct blk_connection connection;
    if (!blk_connection(blk, &connection)) {
        return end;
    }
    if (connection.stalled_s > 0) {
        g_autofree char *badge = g_strdup_printf("[STALLED %u s]", connection.stalled_s);
        end = put_left_of(row, end, ROLE_BADGE_ALERT, badge);
    } else if (!connection.up) {
        end = put_left_of(row, end, ROLE_BADGE_ALERT, connection.trying ? "[LOST, TRYING AGAIN]" : "[CONNECTION LOST]");
    }
    blk_connection_clear(&connection);
    return end;
}

/* Only that there is none, or not all of it. */
static int draw_sandbox(const struct desk *desk, struct surface row, int end)
{
    const struct session_sandbox *wanted = &session_config(desk->session)->sandbox;
    unsigned parts = sandbox_state()->parts;
    if (wanted->mode == SESSION_SANDBOX_NONE || parts == SANDBOX_ALL) {
        return end;
    }
    return put_left_of(row, end, ROLE_BADGE_ALERT, parts != 0 ? "[PART OF SANDBOX]" : "[NO SANDBOX]");
}

/* As much of it as leaves the name its room; returns the column left of it. */
static int draw_place(struct desk *desk, struct surface row, int end, int least)
{
    for (int place = PLACES - 1; place >= 0; place--) {
        g_autofree char *text = place_text(desk, (enum place)place);
        if (*text != '\0' && text_columns(text, -1) + GAP <= end - least) {
            return put_left_of(row, end, ROLE_BAR, text);
        }
    }
    return end;
}

/* Right of the name, which begins at left; returns the column left of everything. */
static int draw_state(struct desk *desk, struct surface row, struct blk *blk, int left)
{
    int end = draw_running(desk, row, row.width - 1);
    unsigned pending = blk_requests(blk)->length;
    if (pending > 0) {
        g_autofree char *text = g_strdup_printf("%u pending", pending);
        end = put_left_of(row, end, ROLE_STATE_IN_FLIGHT, text);
    }
    end = blk_is_writable(blk) ? put_left_of(row, end, ROLE_BADGE_WRITABLE, "[WRITABLE]")
                               : put_left_of(row, end, ROLE_BADGE_READ_ONLY, "[READ-ONLY]");
    end = draw_sandbox(desk, row, end);
    end = draw_connection(row, end, blk);
    if (desk->title.holders != NULL) {
        end = put_left_of(row, end, ROLE_BADGE_ALERT, "[IN USE]");
    }
    g_autofree char *name = name_of(blk);
    int least = left + MIN(text_columns(name, -1), LEAST_NAME);
    g_autofree char *progress = progress_text(desk);
    if (progress != NULL && text_columns(progress, -1) + GAP <= end - least) {
        end = put_left_of(row, end, ROLE_STATE_IN_FLIGHT, progress);
    }
    return draw_place(desk, row, end, least);
}

/* The first most of them, as many as fit; what it is matters more than how large, and that more than its clusters. */
static char *properties(const struct desk *desk, struct blk *blk, int columns)
{
    char size[SIZE_TEXT_MAX];
    GString *text = g_string_new(NULL);
    gsize fits = 0;
    if (desk->title.format != NULL) {
        g_string_append_printf(text, " · %s%s", desk->title.format, blk_is_guessed_raw(blk) ? " (guessed)" : "");
        fits = text_columns(text->str, -1) <= columns ? text->len : 0;
    }
    g_string_append_printf(text, " · %s", size_format_exact(blk_length(blk), size));
    fits = text_columns(text->str, -1) <= columns ? text->len : fits;
    if (desk->title.cluster_size > 0) {
        g_string_append_printf(text, " · %s clusters", size_format((double)desk->title.cluster_size, size));
        fits = text_columns(text->str, -1) <= columns ? text->len : fits;
    }
    g_string_truncate(text, fits);
    return g_string_free(text, FALSE);
}

/* What keys do now, and the count typed before one. */
static int draw_mode(const struct desk *desk, struct surface row)
{
    enum request_context typing = input_typing(desk_focused(desk));
    enum request_context over = desk->overlay != NULL ? desk->overlay->ops->context(desk->overlay) : REQUEST_CONTEXT_COUNT;
    const char *mode = desk->prompt != NULL || over == REQUEST_CONTEXT_APPROVAL ? "ASK"
                       : over == REQUEST_CONTEXT_OVERLAY          ? "HELP"
                       : desk->overlay != NULL                    ? "LIST"
                       : typing == REQUEST_CONTEXT_EDIT           ? "EDIT"
                       : typing != REQUEST_CONTEXT_COUNT          ? "TYPE"
                                                                  : "MOVE";
    int x = surface_put(row, 1, 0, ROLE_TAB_FOCUS, mode);
    return desk->count > 0 ? surface_printf(row, x + 1, 0, ROLE_STRONG, "%d", desk->count) + 1 : x + 1;
}

void title_draw(struct desk *desk, struct surface row)
{
    surface_fill(row, ROLE_BAR, ' ');
    int left = draw_mode(desk, row);
    struct blk *blk = session_blk(desk->session);
    if (blk == NULL) {
        int end = draw_running(desk, row, row.width - 1);
        surface_put_fit(row, left, 0, MAX(end - left, 0), ROLE_BAR_IMAGE, "no image open");
        return;
    }
    g_autofree char *name = name_of(blk);
    int room = draw_state(desk, row, blk, left) - left, columns = text_columns(name, -1);
    /* The name is worth more than what it is, up to a point. */
    g_autofree char *rest = properties(desk, blk, room - MIN(columns, LEAST_NAME));
    int x = surface_put_fit(row, left, 0, room - text_columns(rest, -1), ROLE_BAR_IMAGE, name);
    surface_put(row, x, 0, ROLE_BAR, rest);
}
