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

static bool is_stopped(const struct blk_request *request)
{
    return request->state == BLK_REQUEST_SUSPENDED && request->tag;
}

/* The oldest of them, NULL: there are none; ret_more: how many others. */
static const struct blk_request *first_stopped(const struct session *session, unsigned *ret_more)
{
    const struct blk_request *first = NULL;
    *ret_more = 0;
    for (const GList *link = session->blk ? blk_requests(session->blk)->head : NULL; link; link = link->next) {
        if (!is_stopped(link->data))
            continue;
        *ret_more += first != NULL;
        first = first ?: link->data;
    }
    return first;
}

struct wait {
    enum session_wait kind;
    const struct blk_request *stopped; /* the request that is; NULL: none (yet) */
    unsigned more;                     /* others that are, too */
};

/* What it stands at or waits for, whether or not something else goes on. */
static struct wait look(const struct session *session)
{
    const struct job *job = session->running;
    if (!job || !job->co || job->cancelled)
        return (struct wait){SESSION_WAIT_NONE};
    unsigned more;
    const struct blk_request *own = blk_request_of(job->co), *stopped = first_stopped(session, &more);
    if (own && is_stopped(own))
        return (struct wait){SESSION_WAIT_OWN, own};
    if (!co_is_queued(job->co))
        return (struct wait){SESSION_WAIT_NONE};
    if (!job->task && job->call.argc > 0 && command_find(job->call.argv[0]) == &command_wait_break)
        return (struct wait){SESSION_WAIT_BREAK};
    return (struct wait){stopped ? SESSION_WAIT_OTHER : SESSION_WAIT_NONE, stopped, more};
}

static struct wait waits(const struct session *session)
{
    struct wait wait = look(session);
    if (wait.kind == SESSION_WAIT_OTHER && (aio_in_flight(session->config.aio) > 0 || co_others_ready()))
        wait.kind = SESSION_WAIT_NONE;
    return wait;
}

bool session_waits(const struct session *session, enum session_wait *ret_wait)
{
    *ret_wait = waits(session).kind;
    return *ret_wait != SESSION_WAIT_NONE;
}

/* What it waits for, where it is stopped. */
static char *reason_of(const struct wait *wait)
{
    g_autofree char *tag = safetext_escape(wait->stopped->tag, -1);
    g_autofree char *others = wait->more ? g_strdup_printf(" and %u more", wait->more) : g_strdup("");
    return wait->kind == SESSION_WAIT_OWN ? g_strdup_printf("stopped at breakpoint %s", tag)
                                          : g_strdup_printf("waits for %s at breakpoint %s%s", blk_op_name(wait->stopped->op), tag, others);
}

char *session_wait_text(const struct session *session, enum session_wait_words words)
{
    struct wait wait = waits(session);
    if (wait.kind == SESSION_WAIT_NONE)
        return NULL;
    if (!wait.stopped)
        return g_strdup(words == SESSION_WAIT_BRIEF ? "waits" : "waits until a request stops there");
    g_autofree char *quoted = words_quote(wait.stopped->tag);
    g_autofree char *word = safetext_escape(quoted, -1);
    if (words == SESSION_WAIT_BRIEF)
        return wait.more ? g_strdup_printf("waits: resume %s, %u more", word, wait.more) : g_strdup_printf("waits: resume %s", word);
    g_autofree char *reason = reason_of(&wait);
    return words == SESSION_WAIT_REASON ? g_steal_pointer(&reason) : g_strdup_printf("%s: resume %s", reason, word);
}

bool session_runs_beside(const struct session *session, const char *line)
{
    enum session_wait wait = look(session).kind;
    const char *start = line + strspn(line, " \t");
    if (wait == SESSION_WAIT_NONE || strchr(line, ';') || strchr(line, '\n'))
        return false;
    g_autofree char *name = g_strndup(start, strcspn(start, " \t"));
    const struct command *command = command_find(name);
    bool lets_go = command == &command_resume || command == &command_remove_break || command == &command_cancel;
    return command == &command_quit || (lets_go && wait != SESSION_WAIT_BREAK);
}
