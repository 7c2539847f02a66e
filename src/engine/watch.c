/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel says that a file was written, not where.  A moment later, so that writes in a row are one change, the image reads its tables
 * anew; then all of it counts as changed.  What is at the file's name after that file was replaced is not followed, but told.
 */
#include "engine/watch.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/report.h"
#include "engine/session-private.h"
#include "io/aio.h"
#include "io/clock.h"

enum {
    DELAY_US = 200 * 1000,
    REST_SHARE = 4, /* times as long as reading the tables took */
    NAME_EVENTS = IN_ATTRIB | IN_MOVE_SELF, /* the number of links is an attribute */
};

struct watched_file {
    char *name;
    dev_t device;
    ino_t inode;
    bool told; /* that another one has its name, or none */
};

struct watch {
    struct session *session; /* NULL: stopped, and the coroutine frees it */
    int fd;
    GSource *source;
    struct co *co; /* NULL: nothing happened */
    bool again;    /* something happened meanwhile */
    bool look;     /* also at an image that is written by us */
    bool written, renamed; /* perhaps */
    bool told_of_layout;
    GArray *files; /* struct watched_file */
};

static void watched_file_clear(void *data)
{
    g_free(((struct watched_file *)data)->name);
}

static void watch_free(struct watch *watch)
{
    g_array_unref(watch->files);
    g_free(watch);
}

static void tell(struct watch *watch, const char *name, const char *what)
{
    struct command_call call = {.session = watch->session, .sink = watch->session->recent_sink};
    g_autofree char *shown = report_text(&call, name);
    report_warn(&call, "%s %s", shown, what);
}

/* Files whose name is another's now, or nobody's. */
static void check_names_co(struct watch *watch)
{
    struct aio *aio = watch->session->config.aio;
    watch->renamed = false;
    for (unsigned i = 0; watch->session && i < watch->files->len; i++) {
        struct watched_file *file = &g_array_index(watch->files, struct watched_file, i);
        struct stat st;
        int ret = aio_stat_co(aio, file->name, &st);
        bool replaced = ret == 0 && (st.st_dev != file->device || st.st_ino != file->inode), gone = ret == -ENOENT;
        if (watch->session && (replaced || gone) && !file->told)
            tell(watch, file->name, replaced ? "has been replaced by another file: this is still the old one; close and open show the new one"
                                             : "has been moved or deleted: this is the file as it was opened");
        file->told = replaced || gone;
    }
}

static void take_notice_co(struct watch *watch)
{
    struct blk *blk = watch->session->blk;
    int64_t length = blk_length(blk);
    watch->written = false;
    if (blk_is_writable(blk)) {
        if (!watch->look)
            return; /* what is changed is changed here */
        blk_length_co(blk);
    } else {
        int ret = blk_refresh_co(blk);
        if (ret == -ECANCELED || !watch->session)
            return;
        if (ret == -ESTALE && !watch->told_of_layout && blk_filename(blk))
            tell(watch, blk_filename(blk), "has been overwritten by an image of another layout: close and open it again");
        watch->told_of_layout = ret == -ESTALE;
    }
    watch->look = false;
    if (!watch->session)
        return;
    if (blk_length(blk) != length)
        session_notify_image(watch->session);
    else
        session_notify_changed(watch->session, 0, length);
}

static void watch_co(void *data)
{
    struct watch *watch = data;
    watch->co = co_self();
    int64_t rest_us = DELAY_US;
    do {
        co_sleep_co(rest_us);
        int64_t begun_us = clock_now_us();
        watch->again = false;
        if (watch->session && watch->renamed)
            check_names_co(watch);
        if (watch->session && watch->written)
            take_notice_co(watch);
        rest_us = MAX(DELAY_US, REST_SHARE * (clock_now_us() - begun_us));
    } while (watch->session && watch->again);
    watch->co = NULL;
    if (!watch->session)
        watch_free(watch);
}

static void wake(struct watch *watch)
{
    watch->again = true;
    if (!watch->co)
        co_start(watch_co, watch);
}

static gboolean on_event(int fd, GIOCondition condition, void *data)
{
    struct watch *watch = data;
    _Alignas(struct inotify_event) char events[4096];
    ssize_t n;
    while ((n = read(fd, events, sizeof(events))) > 0) {
        const struct inotify_event *event;
        for (ssize_t at = 0; at < n; at += (ssize_t)(sizeof(*event) + event->len)) {
            event = (const struct inotify_event *)(events + at);
            watch->renamed = watch->renamed || (event->mask & (NAME_EVENTS | IN_Q_OVERFLOW));
            watch->written = watch->written || (event->mask & (IN_MODIFY | IN_Q_OVERFLOW));
        }
    }
    wake(watch);
    return G_SOURCE_CONTINUE;
}

void watch_look(struct watch *watch)
{
    if (!watch)
        return;
    watch->look = watch->written = true;
    wake(watch);
}

static void add_file(struct watch *watch, int fd, const char *name)
{
    struct stat st;
    if (inotify_add_watch(fd, name, IN_MODIFY | NAME_EVENTS) < 0 || stat(name, &st) < 0)
        return;
    struct watched_file file = {g_strdup(name), st.st_dev, st.st_ino, false};
    g_array_append_val(watch->files, file);
}

struct watch *watch_start(struct session *session)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct watch *watch = g_new0(struct watch, 1);
    watch->files = g_array_new(FALSE, FALSE, sizeof(struct watched_file));
    g_array_set_clear_func(watch->files, watched_file_clear);
    g_auto(GStrv) files = blk_files(session->blk);
    for (char **file = files; *file && !blk_is_writable(session->blk); file++)
        add_file(watch, fd, *file);
    watch->session = session;
    watch->fd = fd;
    watch->source = g_unix_fd_source_new(fd, G_IO_IN);
    g_source_set_callback(watch->source, G_SOURCE_FUNC(on_event), watch, NULL);
    g_source_attach(watch->source, g_main_context_get_thread_default());
    return watch;
}

void watch_stop(struct watch *watch)
{
    if (!watch)
        return;
    g_source_destroy(watch->source);
    g_source_unref(watch->source);
    close(watch->fd);
    watch->session = NULL;
    if (watch->co)
        co_cancel(watch->co);
    else
        watch_free(watch);
}
