/* SPDX-License-Identifier: GPL-3.0-or-later */
/* breakpoints, inject: what blkdebug has in store for requests. */
#include <errno.h>
#include <inttypes.h>

#include "block/debug.h"
#include "engine/cmd-debug.h"
#include "engine/commands.h"
#include "engine/opts.h"
#include "engine/report-json.h"
#include "engine/report.h"
#include "engine/session-private.h"

/* ---- breakpoints ---- */

static void show_break(const struct command_call *call, const struct blk_debug_break *point)
{
    g_autofree char *tag = report_text(call, point->tag);
    g_autoptr(GString) state = g_string_new(NULL);

    if (report_as_json(call)) {
        report_json_members(call, (struct report_json_member[]){
            {"breakpoint", point->tag, 0}, {"event", point->event, 0}, {"armed", NULL, point->armed},
            {"suspended", NULL, point->held}, {"hits", NULL, point->hits}}, 5);
        return;
    }
    if (point->armed)
        g_string_append(state, "waits for a request");
    if (point->held)
        g_string_append_printf(state, "%s%u suspended", state->len ? ", " : "", point->held);
    report_say(call, "breakpoint %-10s %-20s %" PRIu64 " hit%s, %s", tag, point->event, point->hits, point->hits == 1 ? "" : "s",
               state->len ? state->str : "used up");
}

static void show_rule(const struct command_call *call, const struct blk_debug_rule *rule)
{
    if (report_as_json(call)) {
        report_json_members(call, (struct report_json_member[]){
            {"rule", NULL, rule->id}, {"event", rule->event, 0}, {"text", rule->text, 0}, {"hits", NULL, rule->hits},
            {"spent", NULL, rule->spent}}, 5);
        return;
    }
    report_say(call, "rule %" PRIu64 ": %s: %" PRIu64 " hit%s%s", rule->id, rule->text, rule->hits, rule->hits == 1 ? "" : "s",
               rule->spent ? ", used up" : "");
}

static int breakpoints_co(const struct command_call *call)
{
    struct blk_debug debug = {0};
    int ret = blk_debug_list(call->session->blk, &debug);

    if (ret < 0) {
        report_refuse(call, "Could not list breakpoints: %s", g_strerror(-ret));
        return debug_explain(call, ret);
    }
    for (unsigned i = 0; i < debug.breaks->len; i++)
        show_break(call, &g_array_index(debug.breaks, struct blk_debug_break, i));
    for (unsigned i = 0; i < debug.rules->len; i++)
        show_rule(call, &g_array_index(debug.rules, struct blk_debug_rule, i));
    if (debug.breaks->len == 0 && debug.rules->len == 0 && report_as_json(call))
        report_json_none(call, "breakpoints");
    else if (debug.breaks->len == 0 && debug.rules->len == 0)
        report_say(call, "There are no breakpoints and no rules: 'break' and 'inject' add some.");
    blk_debug_clear(&debug);
    return 0;
}

const struct command command_breakpoints = {
    .name = "breakpoints",
    .summary = "lists breakpoints and injected errors",
    .help = "\nBreakpoints that wait for a request, that hold some, and the last ones that are used up; then the rules of injected\n"
            "errors and states, each with its number and how often it struck. Needs blkdebug in the image's chain\n"
            "(open blkdebug::IMAGE).\n"
            "\n"
            "  breakpoints            which there are, with their hits\n",
    .flags = COMMAND_OURS,
    .run_co = breakpoints_co,
};

/* ---- inject ---- */

static int remove_rule(const struct command_call *call, const char *text)
{
    uint64_t id;
    int ret;

    if (debug_parse_number(text, &id) < 0)
        return command_misused(call, &command_inject);
    ret = blk_remove_rule(call->session->blk, id);
    if (ret < 0)
        report_refuse(call, "Could not remove rule %" PRIu64 ": %s", id, ret == -ENOENT ? "there is none" : g_strerror(-ret));
    return debug_explain(call, ret);
}

static int inject_co(const struct command_call *call)
{
    g_autoptr(GError) error = NULL;
    struct opts opts;
    int option, ret;

    opts_start(&opts, call, command_inject.options);
    option = opts_next(&opts);
    if (option == 'r')
        return remove_rule(call, opts.value);
    if (option != -1 || opts.count != 1)
        return command_misused(call, &command_inject);
    ret = blk_inject(call->session->blk, opts.operand[0], &error);
    if (ret < 0) {
        g_autofree char *why = report_lines(call, error->message);
        report_refuse(call, "Could not inject: %s", why);
        if (ret == -EINVAL)
            report_hint(call, "'help inject' has an example");
    }
    return debug_explain(call, ret);
}

const struct command command_inject = {
    .name = "inject",
    .args = "rule | -r number",
    .options = "r:",
    .summary = "makes requests fail after an event, or no more",
    .help = "\n"
            "A rule is written like blkdebug's options: an event, then errno (5, the default, is an input/output error, 28 no space),\n"
            "sector (only requests that touch it), iotype (read, write, write-zeroes, discard, flush), state, once=on,\n"
            "immediately=on. With new_state instead of an error the event changes the state. 'breakpoints' lists them. Needs blkdebug\n"
            "in the image's chain (open blkdebug::IMAGE).\n"
            "\n"
            "  inject write_aio,errno=28,once=on    the next write finds no space\n"
            "  inject read_aio,sector=2048          every read of that sector fails\n"
            "  inject -r 1                          takes the first rule away\n",
    .min_args = 1,
    .max_args = 2,
    .flags = COMMAND_OURS,
    .complete = COMMAND_COMPLETE_EVENT,
    .run_co = inject_co,
};
