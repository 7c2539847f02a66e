/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The life of a line: session_run() -> waiting (foreground lines only) -> running in its own coroutine -> done.
 *
 * Foreground lines run strictly one after the other; session_pump() starts the next one whenever none is running.  It never
 * nests: a line that ends at once is followed by the loop, not by recursion, so that any number of lines may wait.
 *
 * Cancelling makes the waits of the line's coroutine fail.  A request that is in the kernel can't be called back: a moment
 * later such a line is left behind.  It is done for its giver, its coroutine goes on with the null sink, and its buffers
 * live until the request returns.
 */
#include <errno.h>
#include <string.h>

#include "engine/report.h"
#include "engine/session-private.h"
#include "engine/waiting.h"
#include "io/clock.h"
#include "util/source.h"

enum { LARGE_REQUEST = 8 << 20 /* shorter ones have no progress to speak of */ };

enum {
    LEAVE_BEHIND_MS = 50, /* how long a cancelled line may take to end by itself */
    SHOWN_MAX = 100,      /* characters of a line in a message */
    SPARE_TEXT_MAX = 64 << 10,
    DEPTH_MAX = 16, /* texts inside of each other */
};

/* ---- lines ---- */

static struct job *take_job(struct session *session)
{
    struct job *job = session->spare;
    if (job)
        session->spare = job->next;
    else
        job = g_new0(struct job, 1);
    return job;
}

static void set_text(struct job *job, const char *line)
{
    size_t room = strlen(line) + 1;
    if (job->text_room < room) {
        g_free(job->text);
        job->text_room = MAX(room, 256);
        job->text = g_malloc(job->text_room * 2);
        job->line = job->text + job->text_room;
    }
    memcpy(job->text, line, room);
    memcpy(job->line, line, room);
}

static void free_job(struct job *job)
{
    g_free(job->waited_for);
    words_done(&job->words);
    g_free(job->text);
    g_free(job);
}

static void give_job(struct job *job)
{
    struct session *session = job->session;
    if (job->text_room > SPARE_TEXT_MAX) {
        free_job(job);
        return;
    }
    job->co = NULL;
    job->ret = 0;
    job->cancelled = job->left_behind = false;
    g_clear_pointer(&job->waited_for, g_free);
    job->next = session->spare;
    session->spare = job;
}

void session_free_lines(struct session *session)
{
    while (session->spare) {
        struct job *job = session->spare;
        session->spare = job->next;
        free_job(job);
    }
}

static struct job *job_of(const struct command_call *call)
{
    return (struct job *)((char *)call - G_STRUCT_OFFSET(struct job, call));
}

void session_show_progress(const struct command_call *call, const int64_t *done, const int64_t *total)
{
    job_of(call)->done_bytes = done;
    job_of(call)->total_bytes = total;
}

bool session_progress(const struct session *session, struct session_progress *ret_progress)
{
    const struct job *job = session->running;
    if (!job)
        return false;
    if (job->done_bytes) {
        *ret_progress = (struct session_progress){*job->done_bytes, *job->total_bytes};
        return true;
    }
    /* A command that is one request: what is read at once is done before anyone looks. */
    const struct blk_request *request = job->co ? blk_request_of(job->co) : NULL;
    if (!request || !request->counts || request->total < LARGE_REQUEST)
        return false;
    *ret_progress = (struct session_progress){MIN(request->done, request->total), request->total};
    return true;
}

/* ---- one line ---- */

/* What was typed of the command that words just took from text, a copy of line, beginning at from; NULL: all of the line, or nobody looks. */
static char *own_text(const struct job *job, const struct words *words, const char *text, const char *from, const char *line)
{
    static const char between[] = "; \t\r\n";
    if (!job->session->watchers->len || (from == text && !words->next))
        return NULL;
    const char *start = line + (from - text), *end = words->next ? line + (words->next - text) : start + strlen(start);
    start += strspn(start, between);
    while (end > start && strchr(between, end[-1]))
        end--;
    return g_strndup(start, (size_t)(end - start));
}

/* Whether what comes after a command that returned ret is not run any more. */
static bool ends_here(const struct job *job, int ret)
{
    return job->cancelled || job->session->quit || job->too_deep || (ret < 0 && job->session->config.stop_on_error);
}

/*
 * The commands of one line: text is cut in words, line is the same untouched.  0, or what the last one that failed returned.  What call tells of
 * itself is changed in place: when the line is left behind, its sink changes for all that runs in it.
 */
static int run_commands_co(struct job *job, struct words *words, char *text, const char *line)
{
    bool drop_in = job->session->config.drop_in;
    const char *error;
    int ret = 0;
    words_start(words, text);
    for (const char *from = text; words_next(words, drop_in, &error); from = words->next) {
        g_autofree char *own = own_text(job, words, text, from, line);
        job->call.line = own ? own : line;
        job->call.argc = words->argc;
        job->call.argv = words->argv;
        if (!drop_in)
            sink_mark(job->call.sink); /* see write_line() in report.c */
        int failed = session_run_command_co(&job->call);
        job->call.line = line;
        ret = failed < 0 ? failed : ret;
        if (ends_here(job, failed))
            return ret;
    }
    if (!error)
        return ret;
    report_error(&job->call, "%s: this command was not run", error);
    return -EINVAL;
}

/* ---- a text inside of a line ---- */

static int run_text_line_co(struct job *job, char *line)
{
    struct words words = {0};
    g_autofree char *typed = g_strdup(line);
    int ret = run_commands_co(job, &words, line, typed);
    words_done(&words);
    return ret;
}

static int run_text_co(struct job *job, const char *name, char *text)
{
    int ret = 0;
    char *line;
    for (unsigned number = 1; (line = strsep(&text, "\n")); number++) {
        int failed = run_text_line_co(job, line);
        if (failed < 0 && !job->cancelled)
            report_complain(&job->call, "%s:%u: this command failed", name, number);
        ret = failed < 0 ? failed : ret;
        if (ends_here(job, failed))
            break;
        co_relax_co();
    }
    return ret;
}

int session_run_text_co(const struct command_call *call, const char *name, char *text)
{
    struct job *job = job_of(call);
    if (job->cancelled)
        return -ECANCELED;
    if (job->depth == DEPTH_MAX) {
        job->too_deep = true; /* and none of them goes on */
        report_error(call, "%s: more than %d files would run inside of each other", name, DEPTH_MAX);
        return -ELOOP;
    }
    struct command_call before = job->call;
    job->depth++;
    int ret = run_text_co(job, name, text);
    if (--job->depth == 0)
        job->too_deep = false;
    job->call.argc = before.argc;
    job->call.argv = before.argv;
    job->call.line = before.line;
    return ret;
}

static char *shown_line(const struct job *job)
{
    g_autofree char *text = report_text(&job->call, job->line);
    if (g_utf8_strlen(text, -1) <= SHOWN_MAX || !g_utf8_validate(text, -1, NULL))
        return g_steal_pointer(&text);
    g_autofree char *start = g_utf8_substring(text, 0, SHOWN_MAX);
    return g_strconcat(start, "...", NULL);
}

/* Who could not type while it waited can now. */
static void hint_at_wait(const struct job *job)
{
    if (job->waited_for)
        report_hint(&job->call, "it waited%s", job->waited_for + strlen("waits"));
}

/* The line is done for whoever gave it. */
static void finish(struct job *job, int ret)
{
    struct session *session = job->session;
    if (ret < 0 && ret != -EUCLEAN)
        session->failed = true;
    if (session->running == job) {
        session->running = NULL;
        source_clear(&session->cancel_timer);
        session_notify_busy(session);
    }
    if (job->done)
        job->done(job->data, ret);
}

static void session_pump(struct session *session);

static void job_co(void *data)
{
    struct job *job = data;
    struct session *session = job->session;
    job->co = co_self();
    if (job->cancelled) /* by who was told that it is about to begin */
        job->ret = -ECANCELED;
    else if (job->task)
        job->ret = job->task(job->task_data, session, job->call.sink);
    else
        job->ret = run_commands_co(job, &job->words, job->text, job->line);
    session->jobs--;
    if (!job->left_behind) {
        if (job->cancelled) {
            g_autofree char *line = shown_line(job);
            report_error(&job->call, "cancelled: %s", line);
            hint_at_wait(job);
            job->ret = -ECANCELED;
        }
        finish(job, job->ret);
        session_pump(session);
    }
    give_job(job);
}

static void start(struct job *job)
{
    job->session->jobs++;
    job->session->recent_sink = job->call.sink;
    co_start(job_co, job);
}

static void session_pump(struct session *session)
{
    if (session->pumping)
        return;
    session->pumping = true;
    while (session->queue && !session->running) {
        struct job *job = session->queue;
        session->queue = job->next;
        if (!session->queue)
            session->queue_tail = &session->queue;
        session->running = job;
        job->since_us = clock_now_us();
        session_notify_busy(session);
        start(job);
    }
    session->pumping = false;
}

static struct job *new_job(struct session *session, const char *line, struct sink *sink, session_done_fn *done, void *data)
{
    struct job *job = take_job(session);
    job->session = session;
    job->done = done;
    job->data = data;
    set_text(job, line);
    job->call = (struct command_call){.session = session, .sink = sink, .line = job->line};
    job->task = NULL;
    job->next = NULL;
    return job;
}

static void enqueue(struct job *job)
{
    struct session *session = job->session;
    *session->queue_tail = job;
    session->queue_tail = &job->next;
    session_pump(session);
}

void session_run(struct session *session, const char *line, struct sink *sink, unsigned flags, session_done_fn *done,
                 void *data)
{
    struct job *job = new_job(session, line, sink, done, data);
    if (flags & SESSION_RUN_NOW)
        start(job);
    else
        enqueue(job);
}

void session_run_task(struct session *session, const char *line, session_task_co *task, void *task_data, struct sink *sink,
                      session_done_fn *done, void *data)
{
    struct job *job = new_job(session, line, sink, done, data);
    job->task = task;
    job->task_data = task_data;
    enqueue(job);
}

/* ---- cancelling ---- */

static gboolean leave_behind(void *data)
{
    struct session *session = data;
    struct job *job = session->running;
    source_clear(&session->cancel_timer);
    g_autofree char *line = shown_line(job);
    report_error(&job->call, "cancelled: %s (a request of it can't be stopped and goes on in the background)", line);
    hint_at_wait(job);
    job->left_behind = true;
    job->call.sink = sink_null();
    finish(job, -ECANCELED);
    session_pump(session);
    return G_SOURCE_REMOVE;
}

static void cancel(struct session *session)
{
    struct job *job = session->running;
    if (!job || job->cancelled)
        return;
    job->cancelled = true;
    if (job->co)
        co_cancel(job->co);
    session->cancel_timer = g_timeout_source_new(LEAVE_BEHIND_MS);
    g_source_set_callback(session->cancel_timer, leave_behind, session, NULL);
    g_source_attach(session->cancel_timer, g_main_context_get_thread_default());
}

void session_cancel(struct session *session)
{
    enum session_wait wait;
    if (session_waits(session, &wait) && wait == SESSION_WAIT_OTHER)
        session->running->waited_for = session_wait_text(session, SESSION_WAIT_ADVICE);
    cancel(session);
}

void session_drop_lines(struct session *session)
{
    struct job *job = session->queue;
    session->queue = NULL;
    session->queue_tail = &session->queue;
    cancel(session);
    while (job) {
        struct job *next = job->next;
        if (job->done)
            job->done(job->data, -ECANCELED);
        give_job(job);
        job = next;
    }
}

/* ---- what others ask ---- */

bool session_is_busy(const struct session *session)
{
    return session->running;
}

const char *session_busy_line(const struct session *session, int64_t *ret_since_us)
{
    if (!session->running)
        return NULL;
    *ret_since_us = session->running->since_us;
    return session->running->line;
}
