/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/seal.h"

#include <errno.h>
#include <string.h>

#include "block/chain.h"
#include "block/driver.h"
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

/* ---- while a question is open ---- */

/* Formats that are read through qemu-nbd are filters of what that gives. */
static bool is_foreign(const struct reference *reference)
{
    const struct driver *driver = reference->format ? driver_find(reference->format) : NULL;
    return driver && (driver->flags & DRIVER_FILTER) && (driver->flags & DRIVER_FORMAT);
}

/* Whether the answer may be to start qemu-nbd. */
static bool waits_for_answer(const struct session *session)
{
    g_autoptr(GPtrArray) left_out = chain_left_out(session->blk);
    struct blk_needs needs;
    bool waits;
    if (session_refs(session) != BLK_REFS_ASK || left_out->len == 0)
        return false;
    blk_needs(session->blk, &needs);
    waits = needs.n_helpers > 0;
    for (unsigned i = 0; !waits && i < left_out->len; i++)
        waits = is_foreign(left_out->pdata[i]);
    return waits;
}

/* What can be in force already is. */
static void prepare(const struct session *session, const struct blk_open *how)
{
    if (is_writable(session, how) || sandbox_is_read_only())
        return;
    if (session->config.sandbox.makes_files)
        broker_start();
    sandbox_be_read_only();
}

static bool lacks_extents(const struct blk *blk)
{
    g_autoptr(GPtrArray) left_out = chain_left_out(blk);
    bool lacks = false;
    for (unsigned i = 0; i < left_out->len; i++)
        lacks = lacks || ((const struct reference *)left_out->pdata[i])->role == REFERENCE_EXTENTS;
    return lacks;
}

int seal_check_again(const struct command_call *call)
{
    struct blk_needs needs;
    if (!sandbox_forbids_programs())
        return 0;
    blk_needs(call->session->blk, &needs);
    if (needs.n_helpers == 0 && !lacks_extents(call->session->blk))
        return 0;
    report_error(call, "the image would be closed, and opened again through qemu-nbd, which can't be started any more (sandbox): start once more, "
                       "with --refs=ask and with that as the answer, or with --no-sandbox");
    return -EPERM;
}

/* ---- closing ---- */

void seal_close(const struct command_call *call, const struct blk_open *how)
{
    struct session *session = call->session;
    const struct session_sandbox *wanted = &session->config.sandbox;
    const char *const folders[] = {wanted->folder, NULL};
    struct blk_needs needs;
    if (wanted->mode == SESSION_SANDBOX_NONE || session->sealed)
        return;
    if (wanted->mode == SESSION_SANDBOX_CLOSE && waits_for_answer(session)) {
        prepare(session, how);
        return;
    }
    session->sealed = true;
    if (wanted->mode == SESSION_SANDBOX_CLOSE) {
        blk_needs(session->blk, &needs);
        g_free(blk_lock_holders(session->blk)); /* what can't be found out later is remembered */
        struct sandbox_how sandbox = {
            .writable = is_writable(session, how) && !sandbox_is_read_only(),
            .folders = folders,
            .network = needs.network,
            .tcp_port = needs.tcp_port,
            .helpers = needs.helpers,
        };
        if (wanted->folder)
            g_mkdir_with_parents(wanted->folder, 0700); /* the sandbox knows folders that are there */
        if (!sandbox.writable && wanted->makes_files && !broker_runs())
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
