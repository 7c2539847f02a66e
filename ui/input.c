/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a key to what it does: the key is looked up in the contexts that hold where the user is, the request it stands
 * for goes to its panel, and what no panel wants is the screen's own.
 */
#include <string.h>

#include "engine/session.h"
#include "ui/console/console.h"
#include "ui/desk-private.h"
#include "ui/keymap.h"

/* ---- requests ---- */

void input_focus(struct desk *desk, enum layout_panel panel)
{
    moves_log(desk);
    desk_focus(desk, panel);
    log_focus(desk);
}

static void focus_by(struct desk *desk, int step)
{
    input_focus(desk, (enum layout_panel)((desk->focus + LAYOUT_PANELS + step) % LAYOUT_PANELS));
}

/* The focused panel's work first, then any other's: whether there was some. */
static bool cancel_panels(struct desk *desk)
{
    for (int i = -1; i < LAYOUT_PANELS; i++) {
        struct panel *panel = i < 0 ? desk_focused(desk) : desk->panels[i];
        if (panel->ops->cancel != NULL && panel->ops->cancel(panel)) {
            return true;
        }
    }
    return false;
}

static void cancel(struct desk *desk)
{
    if (session_is_busy(desk->session)) {
        session_cancel(desk->session);
    } else if (cancel_panels(desk)) {
        desk_remark(desk, ROLE_NOTE, "stopped");
    } else if (desk->focus == LAYOUT_CONSOLE) {
        console_clear_line(desk_console(desk));
    } else {
        desk_remark(desk, ROLE_NOTE, "no command runs; q ends the program");
    }
}

static void open_prompt(struct desk *desk)
{
    const char *why = desk_why_empty(desk);
    if (why != NULL) {
        desk_remark(desk, ROLE_NOTE, why);
        return;
    }
    prompt_free(desk->prompt);
    desk->prompt_panel = NULL;
    desk->prompt = prompt_new("go to: ", "64k, +N, -N, N%, $, s:N sector, c:N cluster, h:N in the file");
}

void desk_question(struct desk *desk, struct panel *panel, const struct panel_question *question)
{
    prompt_free(desk->prompt);
    desk->prompt = prompt_new(question->question, question->hint);
    desk->prompt_panel = panel;
    desk->prompt_question = question;
    desk_dirty(desk);
}

/* Before what comes of it is logged. */
static void close_prompt(struct desk *desk)
{
    g_clear_pointer(&desk->prompt, prompt_free);
    modal_log(desk);
}

static void answer_panel(struct desk *desk)
{
    g_autofree char *text = g_strdup(prompt_text(desk->prompt));
    close_prompt(desk);
    if (*text != '\0') {
        desk->prompt_question->answer(desk->prompt_panel, text);
    }
}

bool input_go_to_named(struct desk *desk, const char *text)
{
    struct panel *hex = desk->panels[LAYOUT_HEX];
    g_autofree char *why = NULL;
    if (!hex->ops->place_named(hex, text, &why)) {
        return false;
    }
    if (why != NULL) {
        desk_remark(desk, ROLE_ERROR, why);
    } else {
        g_autofree char *line = g_strdup_printf("goto %s", text);
        desk_focus(desk, LAYOUT_HEX);
        log_command(desk, line);
        log_focus_is_known(desk);
    }
    return true;
}

static void accept_prompt(struct desk *desk)
{
    if (desk->prompt == NULL) {
        return; /* `do` asks for it at any time */
    }
    if (desk->prompt_panel != NULL) {
        answer_panel(desk);
        return;
    }
    g_autofree char *text = g_strstrip(g_strdup(prompt_text(desk->prompt)));
    g_autofree char *why = NULL;
    close_prompt(desk);
    if (*text == '\0') {
        return;
    }
    moves_log(desk);
    if (input_go_to_named(desk, text)) {
        return;
    }
    int64_t offset = desk_parse_offset(desk, text, &why);
    if (offset < 0) {
        desk_remark(desk, ROLE_ERROR, why);
    } else {
        desk_show(desk, offset, 0);
        log_go(desk, offset, 0);
    }
}

/* Movements that a panel has no word for are some of those it has. */
static void move_half_pages(struct desk *desk, enum request request, int count)
{
    struct panel *panel = desk_focused(desk);
    int page = panel->ops->page_rows != NULL ? panel->ops->page_rows(panel) : desk->layout.panels[desk->focus].height - 2;
    int rows = MAX(page / 2, 1);
    desk_request(desk, request == REQUEST_HALF_UP ? REQUEST_UP : REQUEST_DOWN, (int)MIN((int64_t)rows * count, DESK_COUNT_MAX));
}

static void global_request(struct desk *desk, enum request request, int count)
{
    switch (request) {
    case REQUEST_QUIT:
        desk_quit(desk);
        break;
    case REQUEST_HELP:
        overlay_show(desk, help_new(desk));
        break;
    case REQUEST_PALETTE:
        overlay_show(desk, palette_new(desk));
        break;
    case REQUEST_LAYERS:
        overlay_show(desk, chain_view_new(desk));
        break;
    case REQUEST_FORMATS:
        overlay_show(desk, format_chooser_new(desk));
        break;
    case REQUEST_THEMES:
        overlay_show(desk, theme_chooser_new(desk));
        break;
    case REQUEST_HALF_UP:
    case REQUEST_HALF_DOWN:
        move_half_pages(desk, request, count);
        break;
    case REQUEST_WIDER:
    case REQUEST_NARROWER:
    case REQUEST_TALLER:
    case REQUEST_SHORTER:
        borders_move(desk, request, count);
        break;
    case REQUEST_PROMPT:
        input_focus(desk, LAYOUT_CONSOLE);
        break;
    case REQUEST_FOCUS_NEXT:
        focus_by(desk, 1);
        break;
    case REQUEST_FOCUS_PREVIOUS:
        focus_by(desk, -1);
        break;
    case REQUEST_CONSOLE_LEAVE:
        input_focus(desk, desk->before);
        break;
    case REQUEST_GO_TO:
        open_prompt(desk);
        break;
    case REQUEST_ZOOM:
        moves_log(desk);
        desk_zoom(desk);
        log_command(desk, "zoom");
        break;
    case REQUEST_CANCEL:
        cancel(desk);
        break;
    case REQUEST_SUSPEND:
        desk->ops->suspend(desk->data);
        break;
    case REQUEST_REDRAW:
        desk->ops->repaint(desk->data);
        break;
    case REQUEST_PROMPT_ACCEPT:
        accept_prompt(desk);
        break;
    case REQUEST_PROMPT_CANCEL:
        close_prompt(desk);
        break;
    default:
        return;
    }
    desk_dirty(desk);
}

enum request_context input_typing(struct panel *panel)
{
    bool typing = panel->ops->key != NULL && (panel->ops->typing == NULL || panel->ops->typing(panel));
    return typing ? panel->ops->typing_context : REQUEST_CONTEXT_COUNT;
}

struct panel *desk_panel_of(const struct desk *desk, enum request request)
{
    enum request_context context = request_info(request)->context;
    if (context == REQUEST_CONTEXT_MOVE) {
        return desk_focused(desk);
    }
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        const struct panel_ops *ops = desk->panels[i]->ops;
        if (ops->context == context || (ops->key != NULL && ops->typing_context == context)) {
            return desk->panels[i];
        }
    }
    return NULL;
}

/* Whether the panel took it. */
static bool panel_request(struct desk *desk, struct panel *panel, enum request request, int count)
{
    bool moves = request_info(request)->context == REQUEST_CONTEXT_MOVE || request == REQUEST_PENDING_SHOW || request == REQUEST_PENDING_RESUME ||
                 request == REQUEST_EDIT_UNDO;
    struct panel_view before = moves ? moves_begin(panel) : (struct panel_view){0};
    enum panel_reaction reaction =
        panel->ops->request != NULL ? panel->ops->request(panel, request, count) : PANEL_IGNORED;
    if (moves) {
        moves_end(desk, panel, &before);
    }
    if (request == REQUEST_EDIT_DROP || request == REQUEST_EDIT_WRITE) {
        moves_note(desk, panel); /* what was not folded is again, under what was the top */
    }
    if (reaction == PANEL_REDRAW) {
        desk_dirty(desk);
    }
    return reaction != PANEL_IGNORED;
}

void desk_request(struct desk *desk, enum request request, int count)
{
    struct panel *panel = desk_panel_of(desk, request);
    enum request_context context = request_info(request)->context;
    bool covered = context == REQUEST_CONTEXT_MOVE || context == REQUEST_CONTEXT_OVERLAY || context == REQUEST_CONTEXT_CHOOSER ||
                   context == REQUEST_CONTEXT_APPROVAL || context == REQUEST_CONTEXT_CHAIN;
    if (desk->overlay != NULL && covered) {
        desk->overlay->ops->request(desk->overlay, request, count);
    } else if (panel == NULL || !panel_request(desk, panel, request, count)) {
        global_request(desk, request, count);
    }
}

bool desk_panel_request(struct desk *desk, enum request request, int64_t offset, int count)
{
    struct panel *panel = desk_panel_of(desk, request);
    if (panel != NULL && offset >= 0 && panel->ops->place != NULL) {
        panel->ops->place(panel, offset);
    }
    return panel != NULL && panel_request(desk, panel, request, count);
}

/* ---- keys ---- */

/* Looks in each context; REQUEST_NONE when the key means nothing in any. */
static enum request find_request(const enum request_context *contexts, int count, keycode key)
{
    enum request request = REQUEST_NONE;
    for (int i = 0; i < count && request == REQUEST_NONE; i++) {
        request = keymap_lookup(contexts[i], key);
    }
    return request;
}

static bool take_digit(struct desk *desk, keycode key, enum request request);
static int take_count(struct desk *desk);

static void key_in_overlay(struct desk *desk, keycode key)
{
    enum request_context context = desk->overlay->ops->context(desk->overlay);
    enum request_context contexts[] = {context, REQUEST_CONTEXT_MOVE};
    bool moves = keymap_has_movements(context);
    enum request request = find_request(contexts, moves ? 2 : 1, key);
    if (moves && !keymap_types_text(context) && take_digit(desk, key, request)) {
        return;
    }
    int count = take_count(desk);
    if (request == REQUEST_LAST && count > 0) {
        desk_request(desk, REQUEST_FIRST, 1);
        desk_request(desk, REQUEST_DOWN, count - 1);
    } else if (request != REQUEST_NONE && request_info(request)->context == context && desk->overlay->ops->asked_by_key != NULL) {
        desk->overlay->ops->asked_by_key(desk->overlay, request, key);
    } else if (request != REQUEST_NONE) {
        desk_request(desk, request, MAX(count, 1));
    } else if (desk->overlay->ops->key != NULL) {
        desk->overlay->ops->key(desk->overlay, key);
    }
}

static void key_in_prompt(struct desk *desk, keycode key)
{
    enum request request = keymap_lookup(REQUEST_CONTEXT_PROMPT, key);
    if (request != REQUEST_NONE) {
        desk_request(desk, request, 1);
    } else if (prompt_key(desk->prompt, key)) {
        if (desk->prompt_panel != NULL && desk->prompt_question->one_key && key_is_text(key)) {
            accept_prompt(desk);
        }
        desk_dirty(desk);
    }
}

/* Whether the panel took it. */
static bool key_of_text(struct desk *desk, struct panel *panel, keycode key)
{
    struct panel_view before = moves_begin(panel);
    enum panel_reaction reaction = panel->ops->key(panel, key);
    if (reaction == PANEL_REDRAW) {
        desk_dirty(desk);
    }
    moves_end(desk, panel, &before);
    return reaction != PANEL_IGNORED;
}

/* Where text is typed: what the panel does not want as a request it gets as a key. */
static void key_in_text(struct desk *desk, struct panel *panel, keycode key)
{
    enum request_context context = panel->ops->typing_context;
    enum request request = keymap_lookup(context, key);
    if (request == REQUEST_CONSOLE_RUN) {
        moves_log_but_typed(desk);
    }
    if (request != REQUEST_NONE && request_info(request)->context != context) {
        desk_request(desk, request, 1);
    } else if (request == REQUEST_NONE || !panel_request(desk, panel, request, 1)) {
        if (request == REQUEST_CONSOLE_LEAVE) {
            global_request(desk, request, 1);
        } else if (!key_of_text(desk, panel, key) && keymap_lookup(REQUEST_CONTEXT_GLOBAL, key) == REQUEST_PROMPT) {
            desk_request(desk, REQUEST_PROMPT, 1);
        }
    }
}

void input_request(struct desk *desk, struct panel *panel, enum request request, int count)
{
    if (request == REQUEST_FIRST || request == REQUEST_LAST) {
        moves_log_end(desk, panel, request, panel->ops->has_row_numbers ? count : 1);
        return;
    }
    if (request_info(request)->context != panel->ops->context) {
        desk_request(desk, request, count);
        return;
    }
    moves_log(desk);
    g_autofree char *line = log_line_of(panel, request, count); /* before it moves the cursor */
    if (!panel_request(desk, panel, request, count)) {
        desk_remark(desk, ROLE_NOTE, desk_why_empty(desk));
    } else if (line != NULL) {
        log_command(desk, line);
    }
}

/* Digits before a key, unless they have a meaning of their own, say how often: whether this was one. */
static bool take_digit(struct desk *desk, keycode key, enum request request)
{
    if (key < '0' || key > '9' || (desk->count == 0 && (key == '0' || request != REQUEST_NONE))) {
        return false;
    }
    desk->count = (int)MIN((int64_t)desk->count * 10 + (key - '0'), DESK_COUNT_MAX);
    desk_dirty(desk);
    return true;
}

/* The last row with a number before it is the row of that number, as in vi. */
static void go_to_row(struct desk *desk, int row)
{
    if (desk_focused(desk)->ops->has_row_numbers) {
        input_request(desk, desk_focused(desk), REQUEST_FIRST, row);
        return;
    }
    input_request(desk, desk_focused(desk), REQUEST_FIRST, 1);
    if (row > 1) {
        desk_request(desk, REQUEST_DOWN, row - 1);
    }
}

/* What was typed before a key; 0: nothing was. */
static int take_count(struct desk *desk)
{
    int count = desk->count;
    if (count > 0) {
        desk->count = 0;
        desk_dirty(desk);
    }
    return count;
}

static void key_in_panel(struct desk *desk, struct panel *panel, keycode key)
{
    const enum request_context contexts[] = {panel->ops->context, REQUEST_CONTEXT_MOVE, REQUEST_CONTEXT_GLOBAL};
    enum request request = find_request(contexts, G_N_ELEMENTS(contexts), key);
    if (take_digit(desk, key, request)) {
        return;
    }
    int count = take_count(desk);
    if (request == REQUEST_LAST && count > 0) {
        go_to_row(desk, count);
    } else if (request != REQUEST_NONE) {
        input_request(desk, panel, request, MAX(count, 1));
    }
}

static void take_key(struct desk *desk, keycode key)
{
    if (desk->remark != NULL) {
        g_clear_pointer(&desk->remark, g_free);
        desk_dirty(desk);
    }
    desk_lay_out_panels(desk); /* keys may be faster than the screen */
    struct panel *panel = desk_focused(desk);
    bool text = desk->prompt == NULL && desk->overlay == NULL && input_typing(panel) != REQUEST_CONTEXT_COUNT;
    if ((key & KEYCODE_ALT) &&
        !text) { /* Escape and a key typed fast look the same, and nothing here is bound to Alt */
        take_key(desk, KEYCODE_ESCAPE);
        take_key(desk, key & ~(keycode)KEYCODE_ALT);
    } else if (desk->prompt != NULL) {
        key_in_prompt(desk, key);
    } else if (desk->overlay != NULL) {
        key_in_overlay(desk, key);
    } else if (text) {
        key_in_text(desk, panel, key);
    } else {
        key_in_panel(desk, panel, key);
    }
}

void desk_key(struct desk *desk, keycode key)
{
    take_key(desk, key);
    modal_log(desk);
}

void desk_type(struct desk *desk, const char *word)
{
    keycode key = key_parse(word);
    if (key != KEYCODE_NONE) {
        desk_key(desk, key);
        return;
    }
    for (; *word != '\0' && g_utf8_get_char_validated(word, -1) < KEYCODE_NONE; word = g_utf8_next_char(word)) {
        desk_key(desk, g_utf8_get_char(word));
    }
}

/* As far as the panel has nothing to say about it: what comes behind something that can't be typed would get into its place. */
static void type_pasted(struct desk *desk, struct panel *panel, const char *text)
{
    g_clear_pointer(&desk->remark, g_free);
    for (; *text != '\0' && desk->remark == NULL; text = g_utf8_next_char(text)) {
        if (key_is_text(g_utf8_get_char(text))) {
            key_of_text(desk, panel, g_utf8_get_char(text));
        }
    }
}

void desk_paste(struct desk *desk, const char *text)
{
    struct panel *panel = desk_focused(desk);
    if (desk->prompt != NULL) {
        if (prompt_paste(desk->prompt, text)) {
            desk_dirty(desk);
        }
    } else if (desk->overlay != NULL) {
        if (desk->overlay->ops->paste != NULL) {
            desk->overlay->ops->paste(desk->overlay, text);
        }
    } else if (panel == desk_console(desk)) {
        console_paste(panel, text);
    } else if (input_typing(panel) != REQUEST_CONTEXT_COUNT) {
        type_pasted(desk, panel, text);
    } else {
        desk_remark(desk, ROLE_NOTE, "text is pasted into the console: press : first");
    }
    modal_log(desk);
}
