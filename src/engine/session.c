/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/session.h"

#include <errno.h>
#include <string.h>

#include "block/inspect.h"
#include "engine/report.h"
#include "engine/seal.h"
#include "engine/session-private.h"
#include "engine/watch.h"
#include "io/aio.h"
#include "io/sandbox.h"

struct session *session_new(const struct session_config *config)
{
    struct session *session = g_new0(struct session, 1);
    session->config = *config;
    session->config.prog = g_strdup(config->prog);
    session->queue_tail = &session->queue;
    session->pool = buffer_pool_new(config->misalign);
    session->watchers = g_array_new(FALSE, FALSE, sizeof(struct session_watcher));
    session->recent_sink = sink_null();
    return session;
}

/* ---- observers ---- */

void session_add_observer(struct session *session, const struct session_observer *observer, void *data)
{
    struct session_watcher watcher = {observer, data};
    g_array_append_val(session->watchers, watcher);
}

void session_remove_observer(struct session *session, const struct session_observer *observer, void *data)
{
    for (unsigned i = 0; i < session->watchers->len; i++) {
        struct session_watcher *watcher = &g_array_index(session->watchers, struct session_watcher, i);
        if (watcher->observer == observer && watcher->data == data) {
            g_array_remove_index(session->watchers, i);
            return;
        }
    }
}

/* Backwards: an observer may take itself away. */
#define notify(session, member, ...)                                                                                   \
    for (unsigned i_ = (session)->watchers->len; i_-- > 0;) {                                                          \
        struct session_watcher *w_ = &g_array_index((session)->watchers, struct session_watcher, i_);                  \
        if (w_->observer->member)                                                                                      \
            w_->observer->member(__VA_ARGS__);                                                                         \
    }

void session_notify_image(struct session *session)
{
    session->told_length = session->blk ? blk_length(session->blk) : 0;
    notify(session, image, w_->data);
}

void session_check_length(struct session *session)
{
    if (session->blk && blk_length(session->blk) != session->told_length)
        session_notify_image(session);
}

void session_notify_busy(struct session *session)
{
    notify(session, busy, w_->data);
}

void session_notify_changed(struct session *session, int64_t offset, int64_t bytes)
{
    notify(session, changed, w_->data, offset, bytes);
}

static void on_request(void *data, const struct blk_request *request)
{
    struct session *session = data;
    watch_request(session->watch, request);
    notify(session, request, w_->data, request);
}

static void on_changed(void *data, int64_t offset, int64_t bytes)
{
    session_notify_changed(data, offset, bytes);
}

static void on_message(void *data, const char *line)
{
    struct session *session = data;
    struct command_call call = {.session = session, .sink = session->recent_sink};
    report_say(&call, "%s", line);
}

void session_look(struct session *session)
{
    watch_look(session->watch);
}

bool session_is_looking(const struct session *session)
{
    return watch_is_looking(session->watch);
}

static void on_connection(void *data)
{
    struct session *session = data;
    struct blk_connection connection = {0};
    session_notify_busy(session);
    if (session->watch && blk_connection(session->blk, &connection) && connection.up && !connection.stalled_s)
        watch_look(session->watch);
    blk_connection_clear(&connection);
}

static const struct blk_observer blk_observer = {
    .request = on_request,
    .changed = on_changed,
    .message = on_message,
    .connection = on_connection,
};

/* ---- the image ---- */

/* While the image is opened, and as long as it is open. */
static void on_warning(void *data, const char *line)
{
    struct session *session = data;
    struct command_call call = {.session = session, .sink = session->recent_sink};
    g_autofree char *shown = report_text(&call, line);
    report_warn(&call, "%s", shown);
}

/* Of which qemu-nbd says no more than that an argument is invalid. */
static bool is_dmg(const struct blk_open *how)
{
    return g_strcmp0(how->format, "dmg") == 0 || (!how->format && how->filename && g_str_has_suffix(how->filename, ".dmg"));
}

void session_report_open_error(const struct command_call *call, const struct blk_open *how, int ret,
                               const GError *error)
{
    bool name_has_lines = how->filename && strchr(how->filename, '\n');
    g_autofree char *reason = name_has_lines ? report_text(call, error->message) : report_lines(call, error->message);
    g_autofree char *name = how->filename ? report_text(call, how->filename) : NULL;
    if (name)
        report_error(call, "can't open device %s: %s", name, reason);
    else
        report_error(call, "can't open: %s", reason);
    if (strstr(error->message, "Image is corrupt; cannot") || strstr(error->message, "repair dirty image"))
        report_hint(call, sandbox_is_read_only() ? "'open -w -o repair=on' opens it for 'check -r'; " SANDBOX_ADVICE_WRITE
                                                 : "'open -w -o repair=on' opens it for 'check -r'");
    else if (strstr(error->message, "(sandbox)") || strstr(error->message, "are not followed") || strstr(error->message, "give -w")) /* it says what to do */
        return;
    else if (strcmp(error->message, "Block node is read-only") == 0)
        report_hint(call, "an option says read-only=on: leave out that, or -w");
    else if (ret == -ENOENT && strstr(error->message, "Could not open backing file"))
        report_hint(call, "'relink backing PATH' opens it with another one");
    else if (strstr(error->message, " lock"))
        report_hint(call, how->flags & BLK_OPEN_WRITABLE ? "it is in use; without -w, -U opens it all the same, at the risk of a torn view"
                                                         : "it is in use; -U opens it all the same, at the risk of a torn view");
    else if (strstr(error->message, "is not followed") || strstr(error->message, "names the backing file '"))
        report_hint(call, "'--refs none' opens the image without it");
    else if (strstr(error->message, "is not the file any more"))
        report_hint(call, "another file has taken its name meanwhile: open it again to look at that one");
    else if (strstr(error->message, "'key-secret' is required"))
        report_hint(call, "it needs its key: --object secret,id=k,file=PATH --image-opts driver=luks,key-secret=k,file.filename=IMAGE");
    else if (is_dmg(how) && g_str_has_suffix(error->message, ": Invalid argument"))
        report_hint(call, "its trailer or its block tables are damaged, or of a kind that qemu-nbd can't read; -f raw shows its bytes");
    else if (ret == -EACCES || ret == -EPERM || strcmp(error->message, "Image is read-only") == 0)
        report_hint(call, how->flags & BLK_OPEN_WRITABLE ? "without -w it is opened for reading only"
                                                         : "it needs read permission");
}

static int add_name(void *data, const struct inspect_snapshot *snapshot)
{
    g_ptr_array_add(data, g_strdup(snapshot->name));
    return 0;
}

/* For completion, which may be asked for them when the image is closed again. */
static void keep_snapshots(struct session *session)
{
    GPtrArray *names = g_ptr_array_new();
    inspect_snapshots(session->blk, add_name, names);
    g_ptr_array_add(names, NULL);
    g_strfreev(session->snapshots);
    session->snapshots = (char **)g_ptr_array_free(names, FALSE);
}

char **session_snapshots(const struct session *session)
{
    return session->snapshots ? g_strdupv(session->snapshots) : g_new0(char *, 1);
}

const char *session_why_no_image(const struct session *session)
{
    return session->opening ? "the image is being opened" : "no image is open";
}

/* Only where somebody looks at it all the time. */
static void watch_files(struct session *session)
{
    if (session->keep_buffers && session->blk && !session->watch)
        session->watch = watch_start(session, session->read_since_ns);
}

void session_reopened(struct session *session)
{
    watch_stop(g_steal_pointer(&session->watch));
    watch_files(session); /* those we write are others now */
    session_notify_image(session);
}

int session_open_co(struct session *session, const struct blk_open *how, struct sink *sink)
{
    struct command_call call = {.session = session, .sink = sink};
    struct blk_open complete = *how;
    g_autoptr(GError) error = NULL;
    struct blk *blk;

    if (session->blk || session->opening) {
        report_error(&call, "file open already, try 'help close'");
        return -EBUSY;
    }
    complete.aio = session->config.aio;
    complete.warn = on_warning;
    complete.data = session;
    complete.program = session->config.prog;
    again_note(session, how);
    session->opening = true;
    session->read_since_ns = watch_now_ns();
    session->recent_sink = sink;
    int ret = blk_open_co(&complete, &blk, &error);
    session->opening = false;
    if (ret < 0) {
        session_report_open_error(&call, how, ret, error);
        return ret;
    }
    session->blk = blk;
    seal_close(&call, how);
    keep_snapshots(session);
    blk_set_observer(blk, &blk_observer, session);
    watch_files(session);
    session_notify_image(session);
    return 0;
}

static void forget_buffer(struct session *session)
{
    g_clear_pointer(&session->last.bytes, g_bytes_unref);
    session->last = (struct session_buffer){0};
}

int session_close_co(const struct command_call *call, unsigned own_users)
{
    struct session *session = call->session;
    struct blk *blk = session->blk;
    g_autoptr(GError) error = NULL;
    while (session->aio || session->users > own_users) {
        blk_set_closing(blk, true); /* a request stopped at a breakpoint would keep the image open for ever */
        int ret = co_queue_wait_co(&session->idle);
        if (session->blk != blk)
            return MIN(ret, 0); /* another close was first */
        if (ret < 0) {
            blk_set_closing(blk, false);
            return ret;
        }
    }
    session->blk = NULL;
    session->config.begun = NULL;
    watch_stop(g_steal_pointer(&session->watch));
    blk_set_observer(blk, NULL, NULL);
    forget_buffer(session);
    session_notify_image(session);
    int ret = blk_close_co(blk, &error);
    bool plain = ret < 0 && strcmp(error->message, g_strerror(-ret)) == 0;
    /* The reference program says only what formats tell, not that a plain flush failed. */
    if (ret < 0 && !(plain && session->config.drop_in)) {
        g_autofree char *reason = report_lines(call, error->message);
        report_error(call, "%s%s", plain ? "closing the image: " : "", reason);
    }
    return ret;
}

void session_aio_begin(struct session *session)
{
    if (session->aio++ == 0)
        aio_set_sharing(session->config.aio, true);
}

void session_aio_end(struct session *session)
{
    if (--session->aio == 0)
        aio_set_sharing(session->config.aio, false);
    if (!co_queue_is_empty(&session->idle))
        co_queue_wake_all(&session->idle);
}

int session_wait_aio_co(struct session *session)
{
    struct blk *blk = session->aio ? session->blk : NULL;
    int ret = 0;
    if (blk)
        blk_set_hurry(blk, true);
    while (ret == 0 && session->aio)
        ret = co_queue_wait_co(&session->idle);
    /* Who waits here uses the image, so that nobody closes it meanwhile. */
    if (blk)
        blk_set_hurry(blk, false);
    return ret;
}

/* ---- end ---- */

struct last_rites {
    struct session *session;
    bool done;
};

static void close_for_good(void *data)
{
    struct last_rites *rites = data;
    struct session *session = rites->session;
    struct command_call call = {.session = session, .sink = session->recent_sink};
    if (session->blk && session_close_co(&call, 0) < 0 && !session->config.drop_in)
        session->failed = true;
    rites->done = true;
}

void session_forget_reads(struct session *session)
{
    if (session->blk)
        blk_cancel_reads(session->blk);
}

void session_end(struct session *session)
{
    session_drop_lines(session);
    do { /* once more where an image came to be open in spite of being cancelled */
        struct last_rites rites = {.session = session};
        co_start(close_for_good, &rites);
        while (!rites.done || session->jobs)
            g_main_context_iteration(g_main_context_get_thread_default(), TRUE);
    } while (session->blk);
}

void session_free(struct session *session)
{
    if (!session)
        return;
    session_end(session);
    forget_buffer(session);
    session_free_lines(session);
    again_free(session->again);
    g_strfreev(session->snapshots);
    buffer_pool_unref(session->pool);
    g_array_unref(session->watchers);
    g_free((char *)session->config.prog);
    g_free(session);
}

/* ---- the last buffer ---- */

struct loan {
    struct buffer_pool *pool;
    uint8_t *buffer;
};

static void give_back(void *data)
{
    struct loan *loan = data;
    buffer_put(loan->pool, loan->buffer);
    g_free(loan);
}

void session_take_buffer_co(struct session *session, enum blk_op op, int64_t offset, int64_t length, uint8_t *buffer)
{
    if (!session->keep_buffers) {
        buffer_put_co(session->pool, buffer);
        return;
    }
    if (length > SESSION_BUFFER_MAX)
        buffer_trim_co(session->pool, buffer, SESSION_BUFFER_MAX);
    struct loan *loan = g_new(struct loan, 1);
    *loan = (struct loan){session->pool, buffer};
    g_autoptr(GBytes) all = g_bytes_new_with_free_func(buffer, MIN(length, SESSION_BUFFER_MAX), give_back, loan);
    forget_buffer(session);
    session->last = (struct session_buffer){g_steal_pointer(&all), offset, length, op};
    notify(session, buffer, w_->data);
}

const struct session_buffer *session_last_buffer(const struct session *session)
{
    return &session->last;
}

void session_keep_buffers(struct session *session, bool keep)
{
    session->keep_buffers = keep;
    if (!keep)
        forget_buffer(session);
    watch_files(session);
}

/* ---- what others ask ---- */

struct blk *session_blk(struct session *session)
{
    return session->blk;
}

enum blk_refs session_refs(const struct session *session)
{
    return session->again ? session->again->refs : session->config.refs;
}

const GPtrArray *session_approved(const struct session *session)
{
    return session->again ? session->again->approved : NULL;
}

const struct session_config *session_config(const struct session *session)
{
    return &session->config;
}

bool session_wants_quit(const struct session *session)
{
    return session->quit;
}

void session_note_check(struct session *session, int status)
{
    if (status && (!session->found || status < session->found))
        session->found = status;
}

int session_exit_status(const struct session *session)
{
    if (session->config.dialect == SESSION_DIALECT_2_4)
        return 0;
    return session->failed ? 1 : session->found;
}

unsigned session_outstanding(const struct session *session)
{
    return session->jobs + session->aio;
}

bool session_needs_turns(const struct session *session)
{
    return session->watch || session_outstanding(session) > 0;
}

const char *session_issuer(const struct command_call *call)
{
    return call->session->watchers->len ? call->line : NULL;
}
