/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists over the panels: everything that can be done, and the themes, which the screen tries on. */
#include <string.h>

#include "engine/command.h"
#include "engine/session.h"
#include "engine/words.h"
#include "ui/console/console.h"
#include "ui/desk-private.h"
#include "ui/keymap.h"
#include "ui/overlay.h"
#include "ui/themes.h"

enum { A_COMMAND = -1, A_FORM = -2 };

/* ---- the palette ---- */

/* What only makes sense where the line is that is being typed. */
static bool is_of_line(enum request request)
{
    return request == REQUEST_CONSOLE_RUN || request == REQUEST_CONSOLE_COMPLETE || request == REQUEST_CONSOLE_LEAVE || request == REQUEST_CONSOLE_QUIT;
}

/* The panel whose request it is, which gets the focus with it; LAYOUT_PANELS: the one that has it, or none of them. */
static enum layout_panel elsewhere(const struct desk *desk, enum request request)
{
    for (int i = 0; i < LAYOUT_PANELS && !is_of_line(request); i++) {
        if (i != (int)desk->focus && desk->panels[i]->ops->context == request_info(request)->context) {
            return (enum layout_panel)i;
        }
    }
    return LAYOUT_PANELS;
}

/* Whether it can be asked for where the user is, or in another panel; the palette itself is no choice in it. */
static bool applies(const struct desk *desk, enum request request)
{
    enum request_context context = request_info(request)->context, own = desk_focused(desk)->ops->context;
    if (request == REQUEST_PALETTE) {
        return false;
    }
    return context == own || context == REQUEST_CONTEXT_GLOBAL ||
           (context == REQUEST_CONTEXT_MOVE && keymap_has_movements(own)) || elsewhere(desk, request) < LAYOUT_PANELS;
}

static char *keys_of(const struct desk *desk, enum request request)
{
    char *keys = keymap_keys(desk_focused(desk)->ops->context, request);
    return keys != NULL ? keys : keymap_keys(request_info(request)->context, request);
}

static void add_requests(const struct desk *desk, GPtrArray *choices, enum request_context context)
{
    for (int request = 0; request < REQUEST_COUNT; request++) {
        const struct request_info *info = request_info(request);
        if (applies(desk, request) && info->context == context) {
            g_autofree char *keys = keys_of(desk, request);
            enum layout_panel panel = elsewhere(desk, request);
            struct choice *choice = choice_new(info->name, keys, info->help, request);
            choice->where = panel < LAYOUT_PANELS ? desk->panels[panel]->ops->name : NULL;
            g_ptr_array_add(choices, choice);
        }
    }
}

/* What the command's help says of a word it takes, in a row of its own: "  WORD   TEXT"; NULL: nothing.  g_free. */
static char *help_of_form(const struct command *command, const char *word)
{
    g_autofree char *begins = g_strdup_printf("\n  %s  ", word);
    const char *row = command->help != NULL ? strstr(command->help, begins) : NULL;
    if (row == NULL) {
        return NULL;
    }
    row += strlen(begins);
    row += strspn(row, " ");
    return g_strndup(row, strcspn(row, "\n"));
}

/* The words that its first operand is one of, each as a choice. */
static void add_forms(const struct desk *desk, GPtrArray *choices, const struct command *command)
{
    g_auto(GStrv) words = command_forms(command, session_config(desk->session)->drop_in);
    for (char **word = words; *word != NULL; word++) {
        g_autofree char *name = g_strdup_printf(":%s %s", command->name, *word), *help = help_of_form(command, *word);
        g_ptr_array_add(choices, choice_new(name, NULL, help != NULL ? help : command->summary, A_FORM));
    }
}

static void add_commands(const struct desk *desk, GPtrArray *choices)
{
    for (const struct command *const *command = command_all(); *command != NULL; command++) {
        enum request request = request_find((*command)->name);
        bool is_request = request != REQUEST_NONE && applies(desk, request);
        if (!is_request) {
            g_autofree char *name = g_strconcat(":", (*command)->name, NULL);
            g_ptr_array_add(choices, choice_new(name, (*command)->alias, (*command)->summary, A_COMMAND));
            add_forms(desk, choices, *command);
        }
    }
}

static void type_in_console(struct desk *desk, const char *text)
{
    g_autofree char *typed = g_strconcat(text, " ", NULL);
    input_focus(desk, LAYOUT_CONSOLE);
    console_clear_line(desk_console(desk));
    console_paste(desk_console(desk), typed);
}

/* A command that wants words gets them in the console; others run. */
static void take_command(struct desk *desk, const char *name)
{
    const struct command *command = command_find(name);
    const char *args = command != NULL ? command_args(command, session_config(desk->session)->drop_in) : NULL;
    if (command == NULL) {
        return;
    }
    if (args == NULL || *args == '\0') {
        moves_log(desk);
        console_run(desk_console(desk), name);
        return;
    }
    type_in_console(desk, name);
}

static void accept_palette(struct desk *desk, const struct choice *choice)
{
    if (choice->value == A_COMMAND) {
        take_command(desk, choice->name + 1);
    } else if (choice->value == A_FORM) {
        type_in_console(desk, choice->name + 1);
    } else {
        enum request request = (enum request)choice->value;
        enum layout_panel panel = elsewhere(desk, request);
        if (panel < LAYOUT_PANELS) {
            input_focus(desk, panel);
        }
        input_request(desk, desk_focused(desk), request, 1);
    }
}

struct overlay *palette_new(struct desk *desk)
{
    static const struct chooser_ops ops = {.title = "palette", .question = "do: ", .hint = "a part of its name; its key, or what it is about", .accept = accept_palette};
    GPtrArray *choices = g_ptr_array_new_with_free_func(choice_free);
    add_requests(desk, choices, desk_focused(desk)->ops->context);
    add_requests(desk, choices, REQUEST_CONTEXT_GLOBAL);
    add_commands(desk, choices);
    add_requests(desk, choices, REQUEST_CONTEXT_MOVE);
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        if (i != (int)desk->focus) {
            add_requests(desk, choices, desk->panels[i]->ops->context);
        }
    }
    return chooser_new(desk, &ops, choices, 0);
}

/* ---- themes ---- */

/* Looks like it for the moment; a broken one is told when it is taken. */
static void try_theme(struct desk *desk, const struct choice *choice)
{
    if (choice != NULL) {
        desk_try_theme(desk, choice->name);
    }
}

static void accept_theme(struct desk *desk, const struct choice *choice)
{
    g_autoptr(GError) error = NULL;
    if (desk_theme(desk, choice->name, &error)) {
        g_autofree char *name = words_quote(choice->name), *line = g_strconcat("theme ", name, NULL);
        log_command(desk, line);
    } else {
        desk_remark(desk, ROLE_ERROR, error->message);
    }
}

/* However the list went: what was only tried on is taken off. */
static void take_off(struct desk *desk)
{
    desk_try_theme(desk, desk->theme);
}

struct overlay *theme_chooser_new(struct desk *desk)
{
    static const struct chooser_ops ops = {
        .title = "themes",
        .question = "theme: ",
        .hint = "a part of its name",
        .mark = try_theme,
        .accept = accept_theme,
        .gone = take_off,
    };
    g_auto(GStrv) names = themes_list(desk->use_config);
    GPtrArray *choices = g_ptr_array_new_with_free_func(choice_free);
    unsigned marked = 0;
    for (char **name = names; *name != NULL; name++) {
        marked = strcmp(*name, desk->theme) == 0 ? choices->len : marked;
        g_ptr_array_add(choices, choice_new(*name, NULL, NULL, 0));
    }
    return chooser_new(desk, &ops, choices, marked);
}
