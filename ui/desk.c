/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "engine/session.h"
#include "io/aio.h"
#include "io/clock.h"
#include "io/co.h"
#include "ui/console/console.h"
#include "ui/desk-private.h"
#include "ui/themes.h"

enum { WHEEL_ROWS = 3 };

static const struct panel_ops *const panel_table[LAYOUT_PANELS] = {
    [LAYOUT_MAP] = &panel_map,
    [LAYOUT_HEX] = &panel_hex,
    [LAYOUT_PENDING] = &panel_pending,
    [LAYOUT_CONSOLE] = &panel_console,
};

static struct desk *desk_of(struct panel_host *host)
{
    return (struct desk *)host;
}

void desk_dirty(struct desk *desk)
{
    desk->dirty = true;
    desk->ops->wake(desk->data);
}

void desk_remark(struct desk *desk, enum role role, const char *text)
{
    g_free(desk->remark);
    desk->remark = g_strdup(text);
    desk->remark_role = role;
    desk_dirty(desk);
}

void desk_relayout(struct desk *desk)
{
    struct layout before = desk->layout;
    desk->layout = layout_of(grid_width(desk->grid), grid_height(desk->grid), desk->focus, desk->zoomed, &desk->shares);
    if (desk->layout.shape != before.shape || desk->layout.zoomed != before.zoomed) {
        desk->held_border = -1; /* of another shape it is another one */
    }
    desk->unpainted = true;
    desk_dirty(desk);
}

/* ---- what commands do ---- */

void desk_focus(struct desk *desk, enum layout_panel panel)
{
    if (panel == LAYOUT_CONSOLE && desk->focus != LAYOUT_CONSOLE) {
        desk->before = desk->focus;
    }
    desk->focus = panel;
    desk_relayout(desk);
}

void desk_zoom(struct desk *desk)
{
    desk->zoomed = !desk->zoomed;
    desk_relayout(desk);
}

void desk_use_config(struct desk *desk, bool use_config)
{
    desk->use_config = use_config;
}

bool desk_theme(struct desk *desk, const char *name, GError **error)
{
    g_autoptr(theme) theme = themes_load(name, desk->use_config, error);
    if (theme == NULL) {
        return false;
    }
    g_free(desk->theme);
    desk->theme = g_strdup(name);
    desk->theme_chosen = true;
    desk->ops->dress(desk->data, theme);
    desk_dirty(desk);
    return true;
}

void desk_background(struct desk *desk, bool light)
{
    desk->light = light;
    const char *name = light ? "light" : "default";
    if (desk->follow_background && !desk->theme_chosen && strcmp(desk->theme, name) != 0 && desk_theme(desk, name, NULL)) {
        desk->theme_chosen = false;
    }
}

void desk_try_theme(struct desk *desk, const char *name)
{
    g_autoptr(theme) theme = themes_load(name, desk->use_config, NULL);
    if (theme != NULL) {
        desk->ops->dress(desk->data, theme);
        desk_dirty(desk);
    }
}

void desk_quit(struct desk *desk)
{
    desk->quit = true;
    desk->ops->wake(desk->data);
}

int desk_find_panel(const struct desk *desk, const char *name)
{
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        if (strcmp(desk->panels[i]->ops->name, name) == 0) {
            return i;
        }
    }
    return -1;
}

void desk_show(struct desk *desk, int64_t offset, int64_t bytes)
{
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        if (desk->panels[i]->ops->go != NULL) {
            desk->panels[i]->ops->go(desk->panels[i], offset, bytes);
        }
    }
    desk_dirty(desk);
}

const char *desk_why_empty(const struct desk *desk)
{
    struct blk *blk = session_blk(desk->session);
    return blk == NULL ? session_why_no_image(desk->session) : blk_length(blk) <= 0 ? "the image is empty" : NULL;
}

/* ---- what panels ask ---- */

static struct session *host_session(struct panel_host *host)
{
    return desk_of(host)->session;
}

static void host_redraw(struct panel_host *host, struct panel *panel)
{
    desk_dirty(desk_of(host));
}

static void host_run(struct panel_host *host, const char *line)
{
    struct desk *desk = desk_of(host);
    moves_log(desk);
    log_command(desk, line);
    session_run(desk->session, line, desk_sink(desk), SESSION_RUN_NOW, NULL, NULL);
    desk_dirty(desk);
}

static void host_go(struct panel_host *host, int64_t offset, int64_t bytes, const char *focus)
{
    struct desk *desk = desk_of(host);
    int panel = focus != NULL ? desk_find_panel(desk, focus) : -1;
    moves_log(desk);
    desk_show(desk, offset, bytes);
    if (panel >= 0) {
        desk_focus(desk, (enum layout_panel)panel);
    }
    log_go(desk, offset, bytes);
}

static void host_remark(struct panel_host *host, const char *text)
{
    desk_remark(desk_of(host), ROLE_NOTE, text);
}

static void host_ask(struct panel_host *host, enum request request)
{
    struct desk *desk = desk_of(host);
    struct panel *panel = desk_panel_of(desk, request);
    input_request(desk, panel != NULL ? panel : desk_focused(desk), request, 1);
}

static void host_question(struct panel_host *host, struct panel *panel, const struct panel_question *question)
{
    desk_question(desk_of(host), panel, question);
}

static char *host_copy(struct panel_host *host, const char *text, size_t len, const char *what)
{
    struct desk *desk = desk_of(host);
    if (!desk->clipboard) {
        return g_strdup("not copied: 'set clipboard on' lets the terminal's clipboard be used");
    }
    if (len > PANEL_COPY_MAX) {
        return g_strdup_printf("not copied: %s are %zu bytes, a terminal takes %d", what, len, PANEL_COPY_MAX);
    }
    if (!desk->ops->copy(desk->data, text, len)) {
        return g_strdup_printf("not copied: this terminal has no clipboard (%s)", what);
    }
    g_autofree char *remark = g_strdup_printf("copied: %s", what);
    desk_remark(desk, ROLE_NOTE, remark);
    return NULL;
}

static const struct panel_host_ops host_ops = {
    .session = host_session,
    .redraw = host_redraw,
    .run = host_run,
    .go = host_go,
    .remark = host_remark,
    .ask = host_ask,
    .question = host_question,
    .copy = host_copy,
};

/* ---- what the session says ---- */

static void look_at_image(struct desk *desk)
{
    title_image(desk);
    chain_view_image(desk);
    approval_look(desk);
    formats_look(desk);
    if (desk->title.holders != NULL) {
        console_note(desk_console(desk), ROLE_WARNING, desk->title.holders);
    }
}

static void on_image(void *data)
{
    struct desk *desk = data;
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        if (desk->panels[i]->ops->image != NULL) {
            desk->panels[i]->ops->image(desk->panels[i]);
        }
    }
    look_at_image(desk);
    desk->unpainted = true;
    desk_dirty(desk);
}

static void on_buffer(void *data)
{
    struct desk *desk = data;
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        if (desk->panels[i]->ops->buffer != NULL) {
            desk->panels[i]->ops->buffer(desk->panels[i]);
        }
    }
    desk_dirty(desk);
}

static void on_request(void *data, const struct blk_request *request)
{
    struct desk *desk = data;
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        if (desk->panels[i]->ops->io != NULL) {
            desk->panels[i]->ops->io(desk->panels[i], request);
        }
    }
    desk_dirty(desk);
}

static void on_changed(void *data, int64_t offset, int64_t bytes)
{
    struct desk *desk = data;
    title_changed(desk);
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        if (desk->panels[i]->ops->changed != NULL) {
            desk->panels[i]->ops->changed(desk->panels[i], offset, bytes);
        }
    }
    desk_dirty(desk);
}

static void on_busy(void *data)
{
    desk_dirty(data);
}

static const struct session_observer observer = {
    .image = on_image,
    .buffer = on_buffer,
    .request = on_request,
    .changed = on_changed,
    .busy = on_busy,
};

/* ---- life ---- */

struct desk *desk_new(struct session *session, struct grid_traits traits, const struct desk_ops *ops, void *data)
{
    struct desk *desk = g_new0(struct desk, 1);
    desk->host.ops = &host_ops;
    desk->session = session;
    desk->ops = ops;
    desk->data = data;
    desk->mouse = desk->clipboard = desk->usage = desk->follow_background = true;
    desk->wheel_rows = WHEEL_ROWS;
    desk->held = desk->held_border = -1;
    desk->theme = g_strdup("default");
    desk->declined = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    desk->grid = grid_new(1, 1, traits);
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        desk->panels[i] = panel_table[i]->create(&desk->host);
    }
    desk->focus = session_blk(session) != NULL || session_is_busy(session) ? LAYOUT_MAP : LAYOUT_CONSOLE;
    log_focus_is_known(desk);
    session_keep_buffers(session, true);
    session_add_observer(session, &observer, desk);
    commands_add(desk);
    console_note(desk_console(desk), ROLE_NOTE,
                 session_blk(session) != NULL || session_is_busy(session)
                     ? "Type : and a command (help lists them), or F1 for the keys."
                     : "No image is open: type open PATH.  help lists the commands, F1 the keys.");
    look_at_image(desk);
    moves_are_known(desk);
    return desk;
}

void desk_free(struct desk *desk)
{
    if (desk == NULL) {
        return;
    }
    commands_remove();
    session_remove_observer(desk->session, &observer, desk);
    title_done(desk);
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        desk->panels[i]->ops->free(desk->panels[i]);
    }
    prompt_free(desk->prompt);
    desk->silent = true;
    overlay_show(desk, NULL);
    modal_done(desk);
    g_hash_table_unref(desk->declined);
    g_free(desk->remark);
    g_free(desk->theme);
    g_free(desk->logged_scroll);
    g_free(desk->logged_typed);
    g_free(desk->logged_unwritten);
    g_free(desk->guess_told);
    grid_free(desk->grid);
    g_free(desk);
}

void desk_note(struct desk *desk, enum role role, const char *text)
{
    console_note(desk_console(desk), role, text);
}

void desk_replay(struct desk *desk, const char *line)
{
    console_log(desk_console(desk), line);
}

struct sink *desk_sink(struct desk *desk)
{
    return console_sink(desk_console(desk));
}

void desk_resize(struct desk *desk, int width, int height)
{
    if (width != grid_width(desk->grid) || height != grid_height(desk->grid)) {
        grid_resize(desk->grid, width, height);
        desk_relayout(desk);
    }
}

bool desk_is_dirty(const struct desk *desk)
{
    return desk->dirty;
}

static void paint_panels(struct desk *desk)
{
    desk->unpainted = false;
    grid_clear(desk->grid);
    frame_draw_panels(desk);
}

void desk_lay_out_panels(struct desk *desk)
{
    if (desk->unpainted) {
        paint_panels(desk);
    }
}

const struct grid *desk_draw(struct desk *desk)
{
    approval_look_again(desk);
    desk->dirty = false;
    desk->unpainted = false;
    grid_clear(desk->grid);
    frame_draw(desk);
    return desk->grid;
}

int desk_wait_co(struct desk *desk)
{
    int ret = 0;
    for (int i = 0; i < LAYOUT_PANELS && ret == 0; i++) {
        ret = desk->panels[i]->ops->wait_co != NULL ? desk->panels[i]->ops->wait_co(desk->panels[i]) : 0;
    }
    return ret;
}

enum { REST_US = 1000 }; /* between looks at what goes on */

enum still { READING, UNFINISHED, SETTLING };

static bool some_panel_is(const struct desk *desk, enum still still)
{
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        struct panel *panel = desk->panels[i];
        const struct panel_ops *ops = panel->ops;
        bool (*ask)(struct panel *panel) = still == READING ? ops->reading : still == UNFINISHED ? ops->unfinished : ops->settling;
        if (ask != NULL && ask(panel)) {
            return true;
        }
    }
    return false;
}

/* Whether to rest: until what was written is looked at again, too, where all is to be finished. */
static bool goes_on(const struct desk *desk, bool patient, bool finished)
{
    bool settles = finished && patient && (some_panel_is(desk, SETTLING) || session_is_looking(desk->session));
    return settles || (patient && some_panel_is(desk, READING)) || (finished && some_panel_is(desk, UNFINISHED));
}

int desk_settle_co(struct desk *desk, int64_t patience_us)
{
    int64_t since_us = clock_now_us();
    while (true) {
        paint_panels(desk);
        if (!some_panel_is(desk, READING) || clock_now_us() - since_us >= patience_us) {
            return 0;
        }
        co_sleep_co(REST_US);
        if (co_cancelled()) {
            return -ECANCELED;
        }
    }
}

const struct grid *desk_picture_co(struct desk *desk, bool finished)
{
    enum { QUIET_TURNS = 3, PATIENCE_US = 10 * 1000 * 1000 }; /* what was read is painted by the next turn, which may read on */
    const struct aio *aio = session_config(desk->session)->aio;
    if (desk_wait_co(desk) < 0) {
        return NULL;
    }
    int64_t since_us = clock_now_us(); /* what goes on for hours is shown as far as it is */
    for (int quiet = 0; quiet < QUIET_TURNS;) {
        bool patient = clock_now_us() - since_us < PATIENCE_US;
        if (!patient && !finished) {
            break;
        }
        desk_draw(desk);
        bool rests = goes_on(desk, patient, finished);
        if (rests) {
            co_sleep_co(REST_US);
        } else {
            co_yield_co();
        }
        if (co_cancelled()) {
            return NULL;
        }
        bool others = patient && co_others_ready(); /* a scan on a slow machine lets the loop turn after each step */
        quiet = rests || others || desk->dirty || aio_in_flight(aio) > 0 ? 0 : quiet + 1;
    }
    return desk_draw(desk);
}

int64_t desk_next_tick_us(const struct desk *desk)
{
    int64_t next = -1;
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        struct panel *panel = desk->panels[i];
        bool seen = desk->layout.panels[i].width > 0 || i == LAYOUT_CONSOLE; /* the title stands in for that one */
        if (seen && panel->ops->next_tick_us != NULL) {
            int64_t tick = panel->ops->next_tick_us(panel);
            next = tick >= 0 && (next < 0 || tick < next) ? tick : next;
        }
    }
    return next;
}

bool desk_wants_quit(const struct desk *desk)
{
    return desk->quit || session_wants_quit(desk->session);
}
