/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/command.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "engine/commands.h"
#include "engine/report.h"
#include "engine/session.h"

/* Sorted by name, like help shows it. */
static const struct command *const table[] = {
    &command_abort, &command_aio_discard, &command_aio_flush, &command_aio_read, &command_aio_write, &command_alloc, &command_bitmaps,
    &command_break, &command_breakpoints, &command_cancel, &command_chain, &command_check, &command_close, &command_compare,
    &command_create, &command_discard, &command_explain, &command_flush, &command_follow, &command_header, &command_help, &command_info,
    &command_inject, &command_length, &command_map, &command_multiwrite, &command_open, &command_overlay, &command_pending, &command_poke, &command_quit,
    &command_read, &command_read_as, &command_readv, &command_relink, &command_remove_break, &command_reopen, &command_resume,
    &command_sandbox, &command_search, &command_sigraise, &command_sleep, &command_snapshots, &command_source, &command_truncate,
    &command_wait_break, &command_write, &command_writev, &command_zone_append, &command_zone_close, &command_zone_finish,
    &command_zone_open, &command_zone_report, &command_zone_reset, NULL,
};

static const struct command *const *added; /* by command_add() */
static const struct command **merged;      /* table and added, sorted; NULL: the table alone */

static int by_name(const void *a, const void *b)
{
    const struct command *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

void command_add(const struct command *const *commands)
{
    unsigned n = 0;
    while (commands[n])
        n++;
    g_free(merged);
    merged = g_new(const struct command *, n + G_N_ELEMENTS(table));
    memcpy(merged, table, sizeof(table));
    memcpy(merged + G_N_ELEMENTS(table) - 1, commands, (n + 1) * sizeof(*commands));
    qsort(merged, n + G_N_ELEMENTS(table) - 1, sizeof(*merged), by_name);
    added = commands;
}

void command_remove(const struct command *const *commands)
{
    if (added != commands)
        return;
    g_clear_pointer(&merged, g_free);
    added = NULL;
}

const struct command *const *command_all(void)
{
    return merged ?: (const struct command **)table;
}

/*
 * The list is short and scripts repeat themselves: the last one found is tried first, and most others fail on their
 * first letter.
 */
const struct command *command_find(const char *name)
{
    static const struct command *last;
    if (!merged && last && !strcmp(name, last->name))
        return last;
    for (const struct command *const *command = command_all(); *command; command++) {
        if (((*command)->name[0] == name[0] && !strcmp((*command)->name, name)) ||
            ((*command)->alias && !strcmp((*command)->alias, name))) {
            if (!merged)
                last = *command;
            return *command;
        }
    }
    return NULL;
}

const char *command_args(const struct command *command, bool drop_in)
{
    return !drop_in && command->own && command->own->args ? command->own->args : command->args;
}

const char *command_options(const struct command *command, bool drop_in)
{
    return !drop_in && command->own && command->own->options ? command->own->options : command->options;
}

int command_max_args(const struct command *command, bool drop_in)
{
    return !drop_in && command->own ? command->own->max_args : command->max_args;
}

/* "[a|(b|c" without what encloses them. */
static char **alternatives(const char *text)
{
    GPtrArray *words = g_ptr_array_new();
    g_auto(GStrv) all = g_strsplit_set(text && strchr(text, '|') ? text : "", "[]()|", -1);
    for (char **word = all; *word; word++)
        if (**word)
            g_ptr_array_add(words, g_strdup(*word));
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

char **command_forms(const struct command *command, bool drop_in)
{
    const char *args = command_args(command, drop_in);
    g_auto(GStrv) operands = g_strsplit(args ?: "", " ", -1);
    char **operand = operands;
    while (*operand && g_str_has_prefix(*operand, "[-") && !strchr(*operand, '|'))
        operand += !g_str_has_suffix(*operand, "]") && operand[1] ? 2 : 1; /* an option, and its value */
    return alternatives(*operand);
}

char **command_option_words(const struct command *command, bool drop_in, char letter)
{
    const char option[] = {'[', '-', letter, ' ', '\0'}, *args = command_args(command, drop_in);
    const char *found = args ? strstr(args, option) : NULL;
    g_autofree char *value = found ? g_strndup(found + 4, strcspn(found + 4, " ]")) : NULL;
    return alternatives(value);
}

int command_misused(const struct command_call *call, const struct command *command)
{
    const struct session_config *config = session_config(call->session);
    const char *args = command_args(command, config->drop_in);
    if (config->json)
        report_refuse(call, "usage: %s%s%s", command->name, args ? " " : "", args ?: "");
    else
        report_usage(call, command, command->name);
    return -EINVAL;
}
