/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel says that a file was written, not where.  A moment later, so that writes in a row are one change, the image reads its tables
 * anew; then all of it counts as changed.
 */
#include "engine/watch.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "engine/session-private.h"
#include "io/clock.h"

enum {
    DELAY_US = 200 * 1000,
    REST_SHARE = 4, /* times as long as reading the tables took */
};

struct watch {
    struct session *session; /* NULL: stopped, and the coroutine frees it */
    int fd;
    GSource *source;
    struct co *co; /* NULL: nothing happened */
    bool again;    /* something happened meanwhile */
    bool look;     /* also at an image that is written by us */
};

static void take_notice_co(struct watch *watch)
{
    struct blk *blk = watch->session->blk;
    int64_t length = blk_length(blk);
    if (blk_is_writable(blk)) {
        if (!watch->look)
            return; /* what is changed is changed here */
        blk_length_co(blk);
    } else if (blk_refresh_co(blk) == -ECANCELED) {
        return;
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
        if (watch->session)
            take_notice_co(watch);
        rest_us = MAX(DELAY_US, REST_SHARE * (clock_now_us() - begun_us));
    } while (watch->session && watch->again);
    watch->co = NULL;
    if (!watch->session)
        g_free(watch);
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
    char events[4096];
    while (read(fd, events, sizeof(events)) > 0) {
    }
    wake(watch);
    return G_SOURCE_CONTINUE;
}

void watch_look(struct watch *watch)
{
    if (!watch)
        return;
    watch->look = true;
    wake(watch);
}

struct watch *watch_start(struct session *session)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0)
        return NULL;
    g_auto(GStrv) files = blk_files(session->blk);
    for (char **file = files; *file && !blk_is_writable(session->blk); file++)
        inotify_add_watch(fd, *file, IN_MODIFY);
    struct watch *watch = g_new0(struct watch, 1);
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
        g_free(watch);
}
