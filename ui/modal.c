/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What takes all keys for a while, in the log: an overlay and the question at the bottom, each as one line that says what it shows now
 * and gives way to the next.  One that was opened and closed again leaves no line; what came of it has its own.
 */
#include <errno.h>
#include <string.h>

#include "engine/command.h"
#include "engine/report.h"
#include "io/co.h"
#include "ui/desk-private.h"
#include "util/size.h"

enum { ROW_MAX = 1 << 20 };

/* ---- logging ---- */

static void append_text(GString *line, const char *text, int typed)
{
    if (*text != '\0' || typed >= 0) {
        g_autofree char *quoted = g_shell_quote(text);
        g_string_append_printf(line, " %s", quoted);
    }
    if (typed >= 0) {
        g_string_append_printf(line, " %d", typed);
    }
}

/* "show palette 3 0 'zoo' 3"; NULL: there is none that is named. */
static char *overlay_line(const struct desk *desk)
{
    const struct overlay *overlay = desk->overlay;
    struct overlay_state state;
    const char *name = overlay != NULL ? overlay->ops->name(overlay) : NULL;
    if (name == NULL) {
        return NULL;
    }
    overlay->ops->state(overlay, &state);
    GString *line = g_string_new("show ");
    g_string_append(line, name);
    if (state.row > 0 || state.top > 0 || *state.text != '\0' || state.typed >= 0) {
        g_string_append_printf(line, " %d %d", state.row, state.top);
    }
    append_text(line, state.text, state.typed);
    return g_string_free(line, FALSE);
}

/* "ask go-to '64k' 3"; NULL: nothing is asked. */
static char *question_line(const struct desk *desk)
{
    if (desk->prompt == NULL) {
        return NULL;
    }
    enum request request = desk->prompt_panel != NULL ? desk->prompt_question->request : REQUEST_GO_TO;
    const char *text = prompt_text(desk->prompt);
    GString *line = g_string_new("ask ");
    g_string_append(line, request_info(request)->name);
    append_text(line, text, *text != '\0' ? prompt_typed(desk->prompt) : -1);
    return g_string_free(line, FALSE);
}

static void know(struct modal_log *log, char *line)
{
    g_free(log->now);
    log->now = line;
    g_clear_pointer(&log->before, g_free);
}

/* What the log leads to becomes line (taken over), which is the newest of its kind. */
static void tell(struct desk *desk, struct modal_log *log, const char *prefix, char *line)
{
    g_autofree char *current = line;
    if (g_strcmp0(log->now, current) == 0) {
        return;
    }
    if (log_take_aside(desk, prefix)) {
        know(log, g_steal_pointer(&log->before));
    }
    if (g_strcmp0(log->now, current) != 0) {
        g_autofree char *none = g_strconcat(prefix, "none", NULL);
        moves_log(desk);
        log_aside(desk, current != NULL ? current : none);
        g_free(log->before);
        log->before = g_steal_pointer(&log->now);
        log->now = g_steal_pointer(&current);
    }
}

void modal_log(struct desk *desk)
{
    if (!desk->silent) {
        tell(desk, &desk->logged_overlay, "show ", overlay_line(desk));
        tell(desk, &desk->logged_question, "ask ", question_line(desk));
    }
}

void modal_is_known(struct desk *desk)
{
    know(&desk->logged_overlay, overlay_line(desk));
    know(&desk->logged_question, question_line(desk));
}

void modal_done(struct desk *desk)
{
    know(&desk->logged_overlay, NULL);
    know(&desk->logged_question, NULL);
}

/* ---- `show` ---- */

static const struct {
    const char *name;
    struct overlay *(*create)(struct desk *desk);
} overlays[] = {
    {"approval", approval_new},
    {"chain", chain_view_new},
    {"formats", format_chooser_new},
    {"help", help_new},
    {"palette", palette_new},
    {"themes", theme_chooser_new},
};

static bool parse_row(const char *text, int *ret_row)
{
    int64_t row;
    if (size_parse(text, &row) != 0 || row < 0 || row > ROW_MAX) {
        return false;
    }
    *ret_row = (int)row;
    return true;
}

/* Commands are not logged once more by what they do. */
static void lay_over(struct desk *desk, struct overlay *overlay, const struct overlay_state *state)
{
    desk->silent = true;
    overlay_show(desk, overlay);
    if (overlay != NULL) {
        overlay->ops->set_state(overlay, state);
    }
    desk->silent = false;
    modal_is_known(desk);
}

static int show_co(const struct command_call *call)
{
    struct overlay_state state = {.text = call->argc > 4 ? call->argv[4] : "", .typed = -1};
    unsigned i = 0;
    bool none = strcmp(call->argv[1], "none") == 0;
    while (i < G_N_ELEMENTS(overlays) && strcmp(overlays[i].name, call->argv[1]) != 0) {
        i++;
    }
    if (i == G_N_ELEMENTS(overlays) && !none) {
        report_complain(call, "show: type approval, chain, formats, help, palette, themes or none first");
        return -EINVAL;
    }
    if ((call->argc > 2 && !parse_row(call->argv[2], &state.row)) || (call->argc > 3 && !parse_row(call->argv[3], &state.top)) ||
        (call->argc > 5 && !parse_row(call->argv[5], &state.typed))) {
        report_complain(call, "show: rows, and characters before the cursor, are numbers from 0 on");
        return -EINVAL;
    }
    co_yield_co(); /* the line may have come from a key, which ends first */
    struct desk *desk = commands_desk();
    if (desk == NULL) {
        return 0;
    }
    desk_draw(desk);
    struct overlay *overlay = none ? NULL : overlays[i].create(desk);
    if (overlay == NULL && !none) {
        report_complain(call, "show: there is nothing to ask now");
        return -EINVAL;
    }
    lay_over(desk, overlay, &state);
    return 0;
}

static char **overlay_names(const char *const *words, unsigned count)
{
    if (count != 1) {
        return NULL;
    }
    char **names = g_new0(char *, G_N_ELEMENTS(overlays) + 2);
    for (unsigned i = 0; i < G_N_ELEMENTS(overlays); i++) {
        names[i] = g_strdup(overlays[i].name);
    }
    names[G_N_ELEMENTS(overlays)] = g_strdup("none");
    return names;
}

const struct command modal_command_show = {
    .name = "show",
    .args = "name [row [top [text [typed]]]]",
    .summary = "lays help or a list over the panels, or takes it away",
    .help = "\n"
            "What keys open, and where they moved in it, in the log. Names are approval (the question about\n"
            "a file), chain, formats, help, palette, themes, and none for taking away what is there. Row is the marked one\n"
            "of a list or the answer, top the first that is visible; text is what narrows it down, and typed how many\n"
            "characters of it are before the cursor (without it, the text is not being typed).\n"
            "\n"
            "  show palette             everything that can be done\n"
            "  show help 0 0 suspend    the keys that have to do with that\n",
    .min_args = 1,
    .max_args = 5,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .names_for = overlay_names,
    .run_co = show_co,
};

/* ---- `ask` ---- */

static const enum request questions[] = {
    REQUEST_GO_TO,       REQUEST_MAP_COMPARE_WITH,  REQUEST_HEX_SEARCH,     REQUEST_HEX_SEARCH_HEX, REQUEST_HEX_YANK,
    REQUEST_HEX_SET_MARK, REQUEST_HEX_GO_MARK,      REQUEST_PENDING_ADD_BREAK, REQUEST_PENDING_INJECT, REQUEST_CONSOLE_SEARCH,
};

static enum request find_question(const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(questions); i++) {
        if (strcmp(request_info(questions[i])->name, name) == 0) {
            return questions[i];
        }
    }
    return REQUEST_NONE;
}

static int ask_co(const struct command_call *call)
{
    enum request request = find_question(call->argv[1]);
    bool none = strcmp(call->argv[1], "none") == 0;
    int typed = ROW_MAX;
    if (request == REQUEST_NONE && !none) {
        report_complain(call, "ask: type a request that asks something first, or none");
        return -EINVAL;
    }
    if (call->argc > 3 && !parse_row(call->argv[3], &typed)) {
        report_complain(call, "ask: characters before the cursor are a number from 0 on");
        return -EINVAL;
    }
    co_yield_co();
    struct desk *desk = commands_desk();
    if (desk == NULL) {
        return 0;
    }
    desk_draw(desk);
    desk->silent = true;
    desk_request(desk, none ? REQUEST_PROMPT_CANCEL : request, 1);
    desk->silent = false;
    if (desk->prompt != NULL && call->argc > 2) {
        prompt_set(desk->prompt, call->argv[2], typed);
    }
    modal_is_known(desk);
    desk_dirty(desk);
    if (desk->prompt == NULL && !none) {
        report_complain(call, "ask: %s has nothing to ask now", call->argv[1]);
        return -EINVAL;
    }
    return 0;
}

static char **question_names(const char *const *words, unsigned count)
{
    if (count != 1) {
        return NULL;
    }
    char **names = g_new0(char *, G_N_ELEMENTS(questions) + 2);
    for (unsigned i = 0; i < G_N_ELEMENTS(questions); i++) {
        names[i] = g_strdup(request_info(questions[i])->name);
    }
    names[G_N_ELEMENTS(questions)] = g_strdup("none");
    return names;
}

const struct command modal_command_ask = {
    .name = "ask",
    .args = "request [text [typed]]",
    .summary = "asks what a key asks at the bottom of the screen, with an answer begun",
    .help = "\n"
            "What keys that ask come to in the log, until the answer is taken. Text is what was typed so far, and typed how many\n"
            "characters of it are before the cursor (all); none takes the question away.\n"
            "\n"
            "  ask go-to 64k    the question of g, with 64k as the answer that Enter takes\n",
    .min_args = 1,
    .max_args = 3,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .names_for = question_names,
    .run_co = ask_co,
};
