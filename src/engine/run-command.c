/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One command of a line: is there one of that name, may it run, and what is kept of how it went. */
#include <errno.h>
#include <string.h>

#include "block/blk_overlay.h"
#include "engine/commands.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "io/sandbox.h"

static bool arguments_fit(const struct command_call *call, const struct command *command)
{
    int n = call->argc - 1, min = command->min_args;
    int max = command_max_args(command, session_config(call->session)->drop_in);
    if (n >= min && (max < 0 || n <= max))
        return true;
    g_autofree char *name = report_text(call, call->argv[0]);
    if (max < 0)
        report_complain(call, "bad argument count %d to %s, expected at least %d arguments", n, name, min);
    else if (min == max)
        report_complain(call, "bad argument count %d to %s, expected %d arguments", n, name, min);
    else
        report_complain(call, "bad argument count %d to %s, expected between %d and %d arguments", n, name, min, max);
    const char *args = command_args(command, session_config(call->session)->drop_in);
    report_hint(call, "%s%s%s", command->name, args && *args ? " " : "", args ?: "");
    return false;
}

enum { NAME_MAX_BYTES = 32 };

/* How many letters are wrong, missing, too many, or in the other order than their neighbour. */
static unsigned typing_errors(const char *typed, const char *name)
{
    unsigned rows[3][NAME_MAX_BYTES + 1], *before = rows[0], *last = rows[1], *row = rows[2];
    size_t n = strlen(name);
    for (size_t j = 0; j <= n; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; typed[i - 1]; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++) {
            row[j] = MIN(MIN(last[j], row[j - 1]) + 1, last[j - 1] + (typed[i - 1] != name[j - 1]));
            if (i > 1 && j > 1 && typed[i - 1] == name[j - 2] && typed[i - 2] == name[j - 1])
                row[j] = MIN(row[j], before[j - 2] + 1);
        }
        unsigned *free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[n];
}

/* The one command that was meant, as far as one can tell: at most a third of it is wrong, and no other is as near.  NULL: none. */
static const char *likely_name(const char *typed)
{
    unsigned least = (unsigned)strlen(typed) / 3, near = 0;
    const char *found = NULL;
    if (least == 0 || strlen(typed) > NAME_MAX_BYTES)
        return NULL;
    for (const struct command *const *command = command_all(); *command; command++) {
        const char *name = (*command)->name;
        unsigned errors = strlen(name) <= NAME_MAX_BYTES ? typing_errors(typed, name) : least + 1;
        if (errors > least)
            continue;
        near = errors < least ? 1 : near + 1;
        least = errors;
        found = name;
    }
    return near == 1 ? found : NULL;
}

static int refuse_unknown(const struct command_call *call)
{
    g_autofree char *name = report_text(call, call->argv[0]);
    const char *likely = likely_name(call->argv[0]);
    report_complain(call, "command \"%s\" not found", name);
    if (likely)
        report_hint(call, "perhaps '%s'; 'help' lists all commands", likely);
    else
        report_hint(call, "'help' lists all commands");
    return -EINVAL;
}

/* Each command is a step that can be undone. */
static void mark_step(const struct command_call *call)
{
    struct session *session = call->session;
    if (session->config.drop_in || !session->blk || !blk_has_overlay(session->blk))
        return;
    g_autofree char *label = g_strjoinv(" ", call->argv);
    blk_overlay_mark(session->blk, label);
}

static int carry_out_co(const struct command_call *call)
{
    struct session *session = call->session;
    const struct command *command = command_find(call->argv[0]);
    if (!command || (session->config.drop_in && command->flags & COMMAND_OWN_NAME_ONLY))
        return refuse_unknown(call);
    bool needs_image = !(command->flags & COMMAND_NO_IMAGE);
    if (needs_image && !session->blk) {
        report_complain(call, "no file open, try 'help open'");
        return -EINVAL;
    }
    if (!arguments_fit(call, command))
        return -EINVAL;
    if (command->flags & COMMAND_WRITES && !blk_is_writable(session->blk)) {
        report_error(call, "Block node is read-only");
        report_hint(call, sandbox_is_read_only() ? SANDBOX_ADVICE_WRITE : "'reopen -w' opens it for writing");
        return -EACCES;
    }
    mark_step(call);
    bool uses_image = needs_image || (session->blk && command->flags & COMMAND_HOLDS_IMAGE);
    session->users += uses_image;
    int ret = command->run_co(call);
    session_show_progress(call, NULL, NULL); /* they were the command's own */
    session->users -= uses_image;
    session_check_length(session);
    if (uses_image && !co_queue_is_empty(&session->idle))
        co_queue_wake_all(&session->idle);
    return ret;
}

int session_run_command_co(const struct command_call *call)
{
    int ret = carry_out_co(call);
    /* A check that found something has not failed for the exit status, which is what it found. */
    if (ret < 0 && !(ret == -EUCLEAN && command_find(call->argv[0]) == &command_check))
        call->session->failed = true;
    return ret;
}
