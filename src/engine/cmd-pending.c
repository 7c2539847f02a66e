/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pending: the requests under way, for who has no screen that lists them. */
#include <inttypes.h>

#include "engine/commands.h"
#include "engine/report-json.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "io/clock.h"
#include "util/size.h"

static void show_json(const struct command_call *call, const struct blk_request *request, int64_t age_us)
{
    const struct report_json_member members[] = {
        report_json_size("request", (int64_t)request->id),
        report_json_text("op", blk_op_name(request->op)),
        report_json_size("offset", request->offset),
        report_json_size("bytes", request->bytes),
        report_json_size("age-us", age_us),
        report_json_text("state", blk_request_state_name(request->state)),
        report_json_text("tag", request->tag),
        report_json_text("event", request->last_event),
        report_json_text("command", request->issuer),
    };
    report_json_members(call, members, G_N_ELEMENTS(members));
}

static void show_text(const struct command_call *call, const struct blk_request *request, int64_t age_us)
{
    char size[SIZE_TEXT_MAX];
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *tag = request->tag ? report_text(call, request->tag) : NULL;
    g_autofree char *issuer = request->issuer ? report_text(call, request->issuer) : NULL;
    g_string_printf(text, "request %" PRIu64 ": %s", request->id, blk_op_name(request->op));
    if (request->op != BLK_OP_FLUSH)
        g_string_append_printf(text, " 0x%" PRIx64 " +%s", request->offset, size_format((double)request->bytes, size));
    g_string_append_printf(text, ", %s", blk_request_state_name(request->state));
    if (tag)
        g_string_append_printf(text, " at %s", tag);
    if (request->last_event)
        g_string_append_printf(text, " (%s)", request->last_event);
    g_string_append_printf(text, ", %.1f s", (double)age_us / G_USEC_PER_SEC);
    if (issuer)
        g_string_append_printf(text, ": %s", issuer);
    report_say(call, "%s", text->str);
}

static int pending_co(const struct command_call *call)
{
    bool json = report_as_json(call);
    const GQueue *requests = blk_requests(call->session->blk);
    for (const GList *link = requests->head; link; link = link->next) {
        const struct blk_request *request = link->data;
        int64_t age_us = MAX(clock_now_us() - request->started_us, 0);
        (json ? show_json : show_text)(call, request, age_us);
    }
    if (!requests->length && json)
        report_json_none(call, "pending");
    else if (!requests->length)
        report_say(call, "No request is pending.");
    return 0;
}

const struct command command_pending = {
    .name = "pending",
    .summary = "lists the requests under way",
    .help = "\n"
            "A line for each, the oldest first: its number, which cancel takes, what it does where, its state with the breakpoint\n"
            "that holds it and the last event it passed, its age, and the command that asked for it.\n"
            "\n"
            "  pending                those that are not done yet\n",
    .flags = COMMAND_OURS | COMMAND_OWN_NAME_ONLY,
    .run_co = pending_co,
};
