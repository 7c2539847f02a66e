/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * break, remove_break, resume, wait_break: requests stopped at an event.  What is resumed runs on before the next command, so
 * that a script can rely on the next breakpoint on its way having been reached.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "engine/cmd-debug.h"
#include "block/debug.h"
#include "engine/commands.h"
#include "engine/report.h"
#include "engine/session-private.h"

int debug_explain(const struct command_call *call, int ret)
{
    if (ret == -ENOTSUP)
        report_hint(call, "breakpoints and errors need blkdebug below: open blkdebug::IMAGE");
    return ret;
}

int debug_parse_number(const char *text, uint64_t *ret_number)
{
    return options_parse_number(text[0] == '#' ? text + 1 : text, ret_number);
}

static int break_co(const struct command_call *call)
{
    int ret = blk_break(call->session->blk, call->argv[1], call->argv[2]);
    if (ret < 0) {
        report_refuse(call, "Could not set breakpoint: %s", g_strerror(-ret));
        if (ret == -ENOENT)
            report_hint(call, "'help break' lists the events");
    }
    return debug_explain(call, ret);
}

const struct command command_break = {
    .name = "break",
    .args = "event tag",
    .summary = "stops the next request that reaches an event",
    .help = "\n"
            "The request is suspended there, under the name TAG, until it is resumed. Needs blkdebug in the\n"
            "image's chain (open blkdebug::IMAGE).\n"
            "\n"
            "  break write_aio A      the next write waits before it reaches the disk\n",
    .min_args = 2,
    .max_args = 2,
    .complete = COMMAND_COMPLETE_EVENT,
    .run_co = break_co,
};

/* Whether 'breakpoints' lists one of this tag, be it one that has stopped its request and is none any more for the reference program. */
static bool is_listed(struct blk *blk, const char *tag)
{
    struct blk_debug debug = {0};
    bool found = false;
    if (blk_debug_list(blk, &debug) == 0)
        for (unsigned i = 0; !found && i < debug.breaks->len; i++)
            found = strcmp(g_array_index(debug.breaks, struct blk_debug_break, i).tag, tag) == 0;
    blk_debug_clear(&debug);
    return found;
}

static int remove_break_co(const struct command_call *call)
{
    bool listed = !session_config(call->session)->drop_in && is_listed(call->session->blk, call->argv[1]);
    int ret = blk_remove_break(call->session->blk, call->argv[1]);
    if (ret == -ENOENT && listed)
        ret = 0;
    if (ret < 0) {
        g_autofree char *tag = report_text(call, call->argv[1]);
        report_refuse(call, "Could not remove breakpoint %s: %s", tag, g_strerror(-ret));
    }
    co_yield_co();
    return debug_explain(call, ret);
}

const struct command command_remove_break = {
    .name = "remove_break",
    .args = "tag",
    .summary = "removes a breakpoint and resumes what it holds",
    .help = "\nTakes away the breakpoint named TAG; a request suspended there goes on.\n"
            "\n"
            "  remove_break A\n",
    .min_args = 1,
    .max_args = 1,
    .complete = COMMAND_COMPLETE_TAG,
    .run_co = remove_break_co,
};

static int resume_co(const struct command_call *call)
{
    int ret = blk_resume(call->session->blk, call->argv[1]);
    co_yield_co();
    if (ret < 0)
        report_refuse(call, "Could not resume request: %s", g_strerror(-ret));
    if (ret == -ENOENT)
        report_hint(call, "'pending' lists what is suspended, 'breakpoints' what waits");
    return debug_explain(call, ret);
}

const struct command command_resume = {
    .name = "resume",
    .args = "tag",
    .summary = "lets a suspended request go on",
    .help = "\nLets the request that is suspended under the name TAG go on.\n\n  resume A\n",
    .min_args = 1,
    .max_args = 1,
    .complete = COMMAND_COMPLETE_TAG,
    .run_co = resume_co,
};

static int wait_break_co(const struct command_call *call)
{
    int ret = blk_wait_break_co(call->session->blk, call->argv[1]);
    if (ret < 0 && ret != -ECANCELED && !session_config(call->session)->drop_in)
        report_refuse(call, "Could not wait for breakpoint: %s", g_strerror(-ret));
    return debug_explain(call, ret);
}

const struct command command_wait_break = {
    .name = "wait_break",
    .args = "tag",
    .summary = "waits until a request is suspended",
    .help = "\nReturns as soon as a request is suspended under the name TAG.\n\n  wait_break A\n",
    .min_args = 1,
    .max_args = 1,
    .complete = COMMAND_COMPLETE_TAG,
    .run_co = wait_break_co,
};

static int cancel_co(const struct command_call *call)
{
    uint64_t id;
    if (debug_parse_number(call->argv[1], &id) < 0)
        return command_misused(call, &command_cancel);
    int ret = blk_cancel(call->session->blk, id);
    co_yield_co();
    if (ret < 0)
        report_refuse(call, "Could not cancel request %" PRIu64 ": it is not pending", id);
    return ret;
}

const struct command command_cancel = {
    .name = "cancel",
    .args = "number",
    .summary = "ends a pending request",
    .help = "\nThe request with this number (pending lists them) ends with an error as soon as it waits for a breakpoint or for\n"
            "another request; what the disk is doing is not interrupted.\n"
            "\n"
            "  cancel 12\n",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_OURS,
    .complete = COMMAND_COMPLETE_REQUEST,
    .run_co = cancel_co,
};
