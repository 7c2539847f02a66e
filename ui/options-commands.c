/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands for what a user likes to have otherwise: options, keys, borders. */
#include <errno.h>
#include <string.h>

#include "engine/command.h"
#include "engine/report-json.h"
#include "engine/report.h"
#include "engine/session.h"
#include "ui/bind.h"
#include "ui/desk-private.h"
#include "ui/keymap.h"

static int refuse(const struct command_call *call, const GError *error)
{
    report_complain(call, "%s: %s", call->argv[0], error->message);
    return -EINVAL;
}

static void show_setting(void *data, const struct setting *setting, const char *value)
{
    const struct command_call *call = data;
    if (report_as_json(call)) {
        const struct report_json_member members[] = {report_json_text("option", setting->name), report_json_text("value", value),
                                                     report_json_text("values", setting->values), report_json_text("help", setting->help)};
        report_json_members(call, members, G_N_ELEMENTS(members));
    } else {
        report_say(call, "%-20s %-16s %s (%s)", setting->name, value, setting->help, setting->values);
    }
}

static int set_co(const struct command_call *call)
{
    struct desk *desk = commands_desk();
    g_autoptr(GError) error = NULL;
    if (call->argc == 3) {
        return settings_set(desk, call->argv[1], call->argv[2], &error) ? 0 : refuse(call, error);
    }
    return settings_each(desk, call->argc > 1 ? call->argv[1] : NULL, show_setting, (void *)call, &error) ? 0 : refuse(call, error);
}

static char **set_names(const char *const *words, unsigned count)
{
    return count == 1 ? settings_complete(commands_desk(), NULL) : count == 2 ? settings_complete(commands_desk(), words[1]) : NULL;
}

const struct command options_command_set = {
    .name = "set",
    .args = "[option [value]]",
    .summary = "shows the screen's options, or sets one",
    .help = "\n"
            "The file blkscope/config of the configuration folder sets them at the start, a line OPTION VALUE each.\n"
            "\n"
            "  set              all of them, with what they may be\n"
            "  set mouse off    leaves the mouse to the terminal, for marking text\n",
    .max_args = 2,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .names_for = set_names,
    .run_co = set_co,
};

static void show_bindings(const struct command_call *call, enum request_context context)
{
    for (int request = 0; request < REQUEST_COUNT; request++) {
        g_autofree char *keys = keymap_keys(context, request);
        const char *of = request_context_name(context), *name = request_info(request)->name;
        if (keys != NULL && report_as_json(call)) {
            const struct report_json_member members[] = {report_json_text("context", of), report_json_text("request", name), report_json_text("keys", keys)};
            report_json_members(call, members, G_N_ELEMENTS(members));
        } else if (keys != NULL) {
            report_say(call, "%-8s %-24s %s", of, name, keys);
        }
    }
}

static int bind_co(const struct command_call *call)
{
    struct desk *desk = commands_desk();
    g_autoptr(GError) error = NULL;
    struct binding_wish wish;
    if (call->argc == 2 && strcmp(call->argv[1], "reset") == 0) {
        keymap_reset();
        desk_dirty(desk);
        return 0;
    }
    if (call->argc < 4) {
        enum request_context context = call->argc > 1 ? request_context_find(call->argv[1]) : REQUEST_CONTEXT_COUNT;
        for (int i = 0; i < REQUEST_CONTEXT_COUNT; i++) {
            if (call->argc == 1 || i == (int)context) {
                show_bindings(call, (enum request_context)i);
            }
        }
        if (call->argc == 1 || (call->argc == 2 && context < REQUEST_CONTEXT_COUNT)) {
            return 0;
        }
        report_complain(call, "bind: type context, key and request; bind alone lists them");
        return -EINVAL;
    }
    if (!bind_parse((const char *const *)call->argv + 1, &wish, &error)) {
        return refuse(call, error);
    }
    g_autofree char *collision = bind_apply(&wish);
    desk_dirty(desk);
    if (collision != NULL) {
        report_complain(call, "bind: %s", collision);
    }
    return 0;
}

static char **bind_names(const char *const *words, unsigned count)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (int i = 0; count == 1 && i < REQUEST_CONTEXT_COUNT; i++) {
        g_ptr_array_add(names, g_strdup(request_context_name((enum request_context)i)));
    }
    for (int i = 0; count == 3 && i < REQUEST_COUNT; i++) {
        g_ptr_array_add(names, g_strdup(request_info(i)->name));
    }
    if (count == 1 || count == 3) {
        g_ptr_array_add(names, g_strdup(count == 1 ? "reset" : "none"));
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

const struct command options_command_bind = {
    .name = "bind",
    .args = "[context [key request]]",
    .summary = "lists the keys, or makes one ask for something",
    .help = "\n"
            "Contexts are where a key is pressed: global, move, map, hex, edit, pending, console, prompt, overlay, chooser, chain,\n"
            "approval. A request is a name of the list, or none. What then collides is said. The file blkscope/keys of the\n"
            "configuration folder has such lines, without the word bind.\n"
            "\n"
            "  bind hex               the keys of the hex panel\n"
            "  bind hex Ctrl-G go-to  asks for an offset with Ctrl-G, too\n"
            "  bind reset             back to what is built in\n",
    .max_args = 3,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .names_for = bind_names,
    .run_co = bind_co,
};

static void show_borders(const struct command_call *call, const struct desk *desk)
{
    g_autofree char *text = borders_text(desk);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL && **line != '\0'; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 3);
        const struct report_json_member members[] = {report_json_text("shape", words[0]), report_json_text("border", words[1]),
                                                     report_json_text("share", words[2])};
        if (report_as_json(call)) {
            report_json_members(call, members, G_N_ELEMENTS(members));
        } else {
            report_say(call, "%s", *line);
        }
    }
    if (report_as_json(call) && *text == '\0') {
        report_json_none(call, "borders");
    }
}

static char **layout_names(const char *const *words, unsigned count)
{
    GPtrArray *names = g_ptr_array_new();
    for (int shape = 0; shape < LAYOUT_SHAPES; shape++) {
        const char *name = layout_shape_name((enum layout_shape)shape);
        bool has_borders = layout_border_name((enum layout_shape)shape, 0) != NULL;
        if (count == 1 && has_borders) {
            g_ptr_array_add(names, g_strdup(name));
        }
        for (int i = 0; count == 2 && has_borders && strcmp(words[1], name) == 0 && i < LAYOUT_BORDERS; i++) {
            g_ptr_array_add(names, g_strdup(layout_border_name((enum layout_shape)shape, i)));
        }
    }
    if (count == 1) {
        g_ptr_array_add(names, g_strdup("reset"));
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

static int layout_co(const struct command_call *call)
{
    struct desk *desk = commands_desk();
    if (call->argc == 1) {
        show_borders(call, desk);
        return 0;
    }
    if (call->argc == 2 && strcmp(call->argv[1], "reset") == 0) {
        borders_reset(desk);
        return 0;
    }
    if (call->argc != 4 || !borders_set(desk, call->argv[1], call->argv[2], call->argv[3])) {
        report_complain(call, "layout: type stacked (columns, upper or lower) or wide (columns, left or right), and a share from 0 to 100%%");
        return -EINVAL;
    }
    return 0;
}

const struct command options_command_layout = {
    .name = "layout",
    .args = "[reset | shape border share]",
    .summary = "shows or moves the borders between the panels",
    .help = "\n"
            "Small screens are stacked (borders columns, upper, lower), large ones wide (columns, left, right); each remembers its\n"
            "own for later runs. A share is where the border is, in per cent of what it divides; 0 is where it is best.\n"
            "\n"
            "  layout wide columns 40%    the left half gets 40 per cent\n"
            "  layout reset               all where they are best\n",
    .max_args = 3,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .names_for = layout_names,
    .run_co = layout_co,
};
