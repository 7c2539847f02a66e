/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sandbox: what is left to the process. */
#include "engine/commands.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "io/broker.h"
#include "io/sandbox.h"

static const char *summary(const struct session_sandbox *wanted, const struct sandbox_state *state)
{
    if (wanted->mode != SESSION_SANDBOX_CLOSE)
        return wanted->mode == SESSION_SANDBOX_REFUSED ? "off (--no-sandbox)" : "off";
    if (!state->closed)
        return state->read_only ? "not closed yet: it is when you have said which files that the image names are to be opened ('follow none': none)"
                                : "not closed yet: it is when the first image is open";
    return state->parts == SANDBOX_ALL ? "closed" : state->parts ? "closed in part" : "off";
}

static void show_json(const struct command_call *call, const struct sandbox_state *state)
{
    sink_printf(call->sink, SINK_OUT,
                "{\"closed\": %s, \"files\": %s, \"calls\": %s, \"landlock-abi\": %d, \"read-only\": %s, \"network\": %s, \"any-server\": %s, \"broker\": %s}\n",
                state->closed ? "true" : "false", state->parts & SANDBOX_FILES ? "true" : "false", state->parts & SANDBOX_CALLS ? "true" : "false",
                state->landlock_abi, state->read_only ? "true" : "false", sandbox_forbids_network() ? "false" : "true", state->any_server ? "true" : "false",
                broker_runs() ? "true" : "false");
}

static void show_files(const struct command_call *call, const struct sandbox_state *state)
{
    const char *folder = call->session->config.sandbox.folder;
    g_autofree char *shown = folder ? report_text(call, folder) : NULL;
    if (!state->read_only)
        report_say(call, "files: opened for writing, too");
    else if (shown)
        report_say(call, "files: opened for reading only, but beneath %s", shown);
    else
        report_say(call, "files: opened for reading only");
    if (state->read_only)
        report_say(call, "new files: %s", broker_runs() ? "made by a process that can do nothing else" : "none");
}

static int run_sandbox_co(const struct command_call *call)
{
    const struct sandbox_state *state = sandbox_state();
    if (report_as_json(call)) {
        show_json(call, state);
        return 0;
    }
    report_say(call, "sandbox: %s", summary(&call->session->config.sandbox, state));
    if (state->reason)
        report_say(call, "missing: %s", state->reason);
    if (!state->closed)
        return 0;
    show_files(call, state);
    report_say(call, "programs: none can be started");
    report_say(call, "network: %s", !state->network     ? "no new connections"
                                    : state->any_server ? "connections to the image's server; the kernel does not keep it from others"
                                                        : "connections to the image's server");
    if (state->parts & SANDBOX_FILES)
        report_say(call, "enforced by: Landlock, ABI %d%s", state->landlock_abi, state->parts & SANDBOX_CALLS ? ", and seccomp" : "");
    else
        report_say(call, "enforced by: %s", state->parts ? "seccomp" : "nothing but the program itself");
    return 0;
}

const struct command command_sandbox = {
    .name = "sandbox",
    .summary = "shows what the program may still do",
    .help = "\n"
            "When the first image is open the program gives up what it does not need: to start programs, to make connections,\n"
            "and, without -w, to open any file for writing. Nothing brings that back; --no-sandbox keeps it.\n"
            "\n"
            "  sandbox                what is closed, and what the kernel enforces\n",
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS | COMMAND_OWN_NAME_ONLY,
    .run_co = run_sandbox_co,
};
