/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/pending-commands.h"

#include <errno.h>
#include <string.h>

#include "engine/report.h"
#include "ui/panels/pending-panel.h"

/* Commands are found by name only, so that the one panel there is has to be found by them. */
static struct pending_panel *pending;

void pending_commands_serve(struct panel *panel)
{
    pending = (struct pending_panel *)panel;
}

void pending_set_trace(struct pending_panel *panel, bool on)
{
    if (on && !panel->trace) {
        panel->trace = pending_trace_new();
    } else if (!on) {
        g_clear_pointer(&panel->trace, pending_trace_free);
    }
    panel_redraw(&panel->panel);
}

static int trace_co(const struct command_call *call)
{
    bool on = call->argc > 1 && strcmp(call->argv[1], "on") == 0;

    if (call->argc == 1) {
        report_say(call, "events of requests are %s", pending->trace ? "kept" : "not kept");
        return 0;
    }
    if (!on && strcmp(call->argv[1], "off") != 0) {
        report_complain(call, "trace: type on or off");
        return -EINVAL;
    }
    pending_set_trace(pending, on);
    return 0;
}

static char **trace_names(void)
{
    return g_strsplit("on off", " ", -1);
}

const struct command pending_command_trace = {
    .name = "trace",
    .args = "[on|off]",
    .summary = "keeps the events that requests pass, for the pending panel",
    .help = "\nWith on, the events and states of each request are kept with their times, those of the last 256 done, too; e in the\n"
            "pending panel shows them for the selected request. off forgets them.\n"
            "\n"
            "  trace on    from now on\n",
    .max_args = 1,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .names = trace_names,
    .run_co = trace_co,
};
