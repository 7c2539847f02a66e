/* SPDX-License-Identifier: GPL-3.0-or-later */
/* help, sleep, abort, sigraise. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/commands.h"
#include "engine/report-json.h"
#include "engine/report.h"
#include "engine/session-private.h"

/* ---- help ---- */

static void list_commands(const struct command_call *call)
{
    const struct session_config *config = session_config(call->session);
    bool hide_ours = config->drop_in && config->dialect == SESSION_DIALECT_7_2;
    for (const struct command *const *command = command_all(); *command; command++) {
        unsigned hidden = hide_ours ? COMMAND_OURS : config->drop_in ? COMMAND_OWN_NAME_ONLY : 0;
        if (!((*command)->flags & hidden))
            report_usage(call, *command, config->drop_in ? (*command)->name : NULL);
    }
    if (!config->json)
        report_say(call, "\n'help COMMAND' tells more about one of them.");
}

static void list_events(const struct command_call *call)
{
    bool json = report_as_json(call);
    if (!json)
        report_say(call, "\nEvents:");
    for (const char *const *event = blk_event_names(); *event; event++) {
        if (json)
            report_json_members(call, &(struct report_json_member){"event", *event, 0}, 1);
        else
            report_say(call, "  %s", *event);
    }
}

static int help_co(const struct command_call *call)
{
    if (call->argc == 1) {
        list_commands(call);
        return 0;
    }
    const struct command *command = command_find(call->argv[1]);
    if (!command || (session_config(call->session)->drop_in && command->flags & COMMAND_OWN_NAME_ONLY)) {
        g_autofree char *name = report_text(call, call->argv[1]);
        report_refuse(call, "command %s not found", name);
        return -EINVAL;
    }
    report_usage(call, command, session_config(call->session)->drop_in ? call->argv[1] : NULL);
    if (command->help)
        report_say(call, "%.*s", (int)strlen(command->help) - 1, command->help);
    if (command == &command_break)
        list_events(call);
    return 0;
}

const struct command command_help = {
    .name = "help",
    .alias = "?",
    .args = "[command]",
    .summary = "lists the commands, or explains one",
    .help = "\n  help read    what read does and which options it has\n",
    .max_args = 1,
    .flags = COMMAND_NO_IMAGE,
    .complete = COMMAND_COMPLETE_COMMAND,
    .run_co = help_co,
};

/* ---- sleep ---- */

static int sleep_co(const struct command_call *call)
{
    char *end;
    errno = 0;
    long ms = strtol(call->argv[1], &end, 0);
    if (errno || end == call->argv[1] || *end || ms < 0 || ms > INT64_MAX / 1000000) {
        g_autofree char *shown = report_text(call, call->argv[1]);
        report_refuse(call, "%s is not a valid number", shown);
        return -EINVAL;
    }
    sink_flush(call->sink);
    return co_sleep_co(ms * INT64_C(1000));
}

/* The reference program's usage line does not tell. */
static const struct command_own sleep_own = {
    .args = "milliseconds",
    .max_args = 1,
};

const struct command command_sleep = {
    .name = "sleep",
    .own = &sleep_own,
    .summary = "waits for a number of milliseconds",
    .help = "\nEverything else goes on meanwhile.\n\n  sleep 1500             a second and a half\n",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_NO_IMAGE,
    .run_co = sleep_co,
};

/* ---- abort, sigraise ---- */

static int abort_co(const struct command_call *call)
{
    /* The reference program loses what it has not flushed: all of -c, and nothing where it prompts. */
    if (session_config(call->session)->drop_in)
        sink_write(call->sink, SINK_ERR, "", 0);
    else
        sink_flush(call->sink);
    errno = 0; /* see util/oom.c */
    abort();
}

const struct command command_abort = {
    .name = "abort",
    .summary = "crashes the program, as abort(3) does",
    .help = "\nThe image is neither flushed nor closed: to see what a crash leaves behind.\n\n  abort                  with a core file, where the system keeps those\n",
    .flags = COMMAND_NO_IMAGE,
    .run_co = abort_co,
};

/* "INT" or "SIGINT": its number, 0 for no such name. */
static int signal_by_name(const char *name)
{
    if (!strncasecmp(name, "SIG", 3))
        name += 3;
    for (int i = 1; i < NSIG; i++) {
        const char *known = sigabbrev_np(i);
        if (known && !strcasecmp(known, name))
            return i;
    }
    return 0;
}

static int sigraise_co(const struct command_call *call)
{
    int64_t number = session_config(call->session)->drop_in ? 0 : signal_by_name(call->argv[1]);
    if (!number) {
        int ret = report_parse_size(call, "signal number", call->argv[1], &number);
        if (ret < 0)
            return ret;
    }
    if (number > NSIG) {
        report_refuse(call, "signal argument '%s' is too large to be a valid signal", call->argv[1]);
        return -EINVAL;
    }
    sink_flush(call->sink);
    errno = 0; /* see util/oom.c */
    raise(number);
    return 0;
}

const struct command command_sigraise = {
    .name = "sigraise",
    .args = "signal",
    .summary = "sends the program a signal",
    .help = "\n"
            "SIGNAL is a number, or (not under the name qemu-io) a name like TERM. What was written so far is\n"
            "shown first.\n"
            "\n"
            "  sigraise 15            ends it\n",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_NO_IMAGE,
    .run_co = sigraise_co,
};
