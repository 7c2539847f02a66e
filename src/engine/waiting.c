/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A command that waits for others does so in a queue, wherever that is: before the image is reopened, for asynchronous requests, for the
 * part of the image that another one is writing.  Nothing of that knows why the others take so long; but if one of them is stopped and neither
 * the disk nor a coroutine has anything to do, that is why.  (Servers are not looked at: beside a stopped request, one that does not answer
 * may be the reason.)
 */
#include "engine/waiting.h"

#include <string.h>

#include "engine/commands.h"
#include "engine/session-private.h"
#include "io/aio.h"
#include "util/safetext.h"

static const struct blk_request *first_stopped(const struct session *session)
{
    for (const GList *link = session->blk ? blk_requests(session->blk)->head : NULL; link; link = link->next) {
        const struct blk_request *request = link->data;
        if (request->state == BLK_REQUEST_SUSPENDED && request->tag)
            return request;
    }
    return NULL;
}

/* What it stands at or waits for, whether or not something else goes on; ret_stopped: the request that is, NULL: none (yet). */
static enum session_wait look(const struct session *session, const struct blk_request **ret_stopped)
{
    const struct job *job = session->running;
    *ret_stopped = NULL;
    if (!job || !job->co || job->cancelled)
        return SESSION_WAIT_NONE;
    const struct blk_request *own = blk_request_of(job->co), *stopped = first_stopped(session);
    if (stopped && own && own->state == BLK_REQUEST_SUSPENDED && own->tag) {
        *ret_stopped = own;
        return SESSION_WAIT_OWN;
    }
    if (!co_is_queued(job->co))
        return SESSION_WAIT_NONE;
    if (!job->task && job->call.argc > 0 && command_find(job->call.argv[0]) == &command_wait_break)
        return SESSION_WAIT_BREAK;
    *ret_stopped = stopped;
    return stopped ? SESSION_WAIT_OTHER : SESSION_WAIT_NONE;
}

bool session_waits(const struct session *session, enum session_wait *ret_wait)
{
    const struct blk_request *stopped;
    *ret_wait = look(session, &stopped);
    if (*ret_wait == SESSION_WAIT_OTHER && (aio_in_flight(session->config.aio) > 0 || co_others_ready()))
        *ret_wait = SESSION_WAIT_NONE;
    return *ret_wait != SESSION_WAIT_NONE;
}

char *session_wait_text(const struct session *session, enum session_wait_words words)
{
    const struct blk_request *stopped;
    enum session_wait wait;
    if (!session_waits(session, &wait))
        return NULL;
    look(session, &stopped);
    if (!stopped)
        return g_strdup(words == SESSION_WAIT_BRIEF ? "waits" : "waits until a request stops there");
    g_autofree char *quoted = words_quote(stopped->tag);
    g_autofree char *word = safetext_escape(quoted, -1), *tag = safetext_escape(stopped->tag, -1);
    if (words == SESSION_WAIT_BRIEF)
        return g_strdup_printf("waits: resume %s", word);
    g_autofree char *reason = wait == SESSION_WAIT_OWN ? g_strdup_printf("stopped at breakpoint %s", tag)
                                                       : g_strdup_printf("waits for %s at breakpoint %s", blk_op_name(stopped->op), tag);
    return words == SESSION_WAIT_REASON ? g_steal_pointer(&reason) : g_strdup_printf("%s: resume %s", reason, word);
}

bool session_runs_beside(const struct session *session, const char *line)
{
    const struct blk_request *stopped;
    enum session_wait wait = look(session, &stopped);
    const char *start = line + strspn(line, " \t");
    if (wait == SESSION_WAIT_NONE || strchr(line, ';') || strchr(line, '\n'))
        return false;
    g_autofree char *name = g_strndup(start, strcspn(start, " \t"));
    const struct command *command = command_find(name);
    bool lets_go = command == &command_resume || command == &command_remove_break || command == &command_cancel;
    return command == &command_quit || (lets_go && wait != SESSION_WAIT_BREAK);
}
