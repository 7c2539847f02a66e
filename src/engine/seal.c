/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/seal.h"

#include <string.h>

#include "engine/report.h"
#include "engine/session-private.h"
#include "io/aio.h"
#include "io/broker.h"
#include "io/sandbox.h"

/* Writing was asked for; what is written to a temporary layer does not count, that file is open already. */
static bool is_writable(const struct session *session, const struct blk_open *how)
{
    return session->config.writable || ((how->flags & BLK_OPEN_WRITABLE) && !(how->flags & BLK_OPEN_SNAPSHOT));
}

static void tell(const struct command_call *call)
{
    const struct session_sandbox *wanted = &call->session->config.sandbox;
    const struct sandbox_state *state = sandbox_state();
    if (!wanted->tells)
        return;
    if (wanted->mode == SESSION_SANDBOX_REFUSED)
        report_warn(call, "no sandbox, as --no-sandbox says");
    else if (state->reason)
        report_warn(call, "%s sandbox: %s", state->parts ? "only part of the" : "no", state->reason);
}

void seal_close(const struct command_call *call, const struct blk_open *how)
{
    struct session *session = call->session;
    const struct session_sandbox *wanted = &session->config.sandbox;
    const char *const folders[] = {wanted->folder, NULL};
    struct blk_needs needs;
    if (wanted->mode == SESSION_SANDBOX_NONE || session->sealed)
        return;
    session->sealed = true;
    if (wanted->mode == SESSION_SANDBOX_CLOSE) {
        blk_needs(session->blk, &needs);
        g_free(blk_lock_holders(session->blk)); /* what can't be found out later is remembered */
        struct sandbox_how sandbox = {
            .writable = is_writable(session, how),
            .folders = folders,
            .network = needs.network,
            .tcp_port = needs.tcp_port,
            .helpers = needs.helpers,
        };
        if (wanted->folder)
            g_mkdir_with_parents(wanted->folder, 0700); /* the sandbox knows folders that are there */
        if (!sandbox.writable && wanted->makes_files)
            broker_start(); /* without it new files are refused, with their reason */
        aio_retire(session->config.aio, wanted->many_requests);
        sandbox_close(&sandbox);
    }
    tell(call);
}

bool seal_makes_files(const char *line)
{
    static const char *const words[] = {"create", "export", "overlay", "save", "source", "-s"};
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strstr(line, words[i]))
            return true;
    }
    return false;
}
