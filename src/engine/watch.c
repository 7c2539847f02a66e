/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel says that a file was written, not where.  A moment later, so that writes in a row are one change, the image reads its tables
 * anew; then all of it counts as changed.  Of an image that is written by us that is about the files below which are not.  What is at the
 * file's name after that file was replaced is not followed, but told.
 */
#include "engine/watch.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "engine/report.h"
#include "engine/session-private.h"
#include "io/aio.h"
#include "io/clock.h"
#include "io/filewatch.h"

enum {
    DELAY_US = 200 * 1000,
    REST_SHARE = 4, /* times as long as reading the tables took */
};

struct watched_file {
    char *name;
    dev_t device;
    ino_t inode;
    bool told; /* that another one has its name, or none */
};

struct watch {
    struct session *session; /* NULL: stopped, and the coroutine frees it */
    struct filewatch *kernel; /* NULL: there is none */
    struct co *co; /* NULL: nothing happened */
    bool again;    /* something happened meanwhile */
    bool look;     /* also at an image that is written by us */
    bool written, renamed; /* perhaps */
    bool postponed; /* until no request stands at a breakpoint any more */
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
    watch->written = watch->postponed = false;
    int ret = blk_refresh_co(blk);
    if (ret == -ECANCELED || !watch->session)
        return;
    if (ret == -EBUSY) {
        watch->written = watch->postponed = true;
        return;
    }
    if (ret == -ESTALE && !watch->told_of_layout && blk_filename(blk))
        tell(watch, blk_filename(blk), "has been overwritten by an image of another layout, or names other files now: close and open it again");
    watch->told_of_layout = ret == -ESTALE;
    if (watch->look)
        blk_length_co(blk); /* of what we write, too */
    watch->look = false;
    if (!watch->session)
        return;
    int64_t told = watch->session->told_length;
    if (blk_length(blk) != told)
        session_notify_image(watch->session);
    else
        session_notify_changed(watch->session, 0, told);
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

static void on_event(void *data, unsigned events)
{
    struct watch *watch = data;
    watch->renamed = watch->renamed || (events & FILEWATCH_RENAMED);
    watch->written = watch->written || (events & FILEWATCH_WRITTEN);
    wake(watch);
}

void watch_look(struct watch *watch)
{
    if (!watch)
        return;
    watch->look = watch->written = true;
    wake(watch);
}

bool watch_is_looking(const struct watch *watch)
{
    return watch && watch->co && !watch->postponed;
}

void watch_request(struct watch *watch, const struct blk_request *request)
{
    if (!watch || !watch->postponed || request->state == BLK_REQUEST_SUSPENDED)
        return;
    watch->postponed = false;
    wake(watch);
}

static int64_t ns_of(const struct timespec *time)
{
    return time->tv_sec * INT64_C(1000000000) + time->tv_nsec;
}

/* The kernel stamps files with the time of its last tick, which has a clock of its own. */
int64_t watch_now_ns(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return ns_of(&now);
}

/* What happened to a file before it is watched is seen by its times. */
static void add_file(struct watch *watch, const char *name, int64_t since_ns)
{
    struct stat st;
    if (!filewatch_add_file(watch->kernel, name) || stat(name, &st) < 0)
        return;
    watch->written = watch->written || ns_of(&st.st_mtim) >= since_ns || ns_of(&st.st_ctim) >= since_ns;
    struct watched_file file = {g_strdup(name), st.st_dev, st.st_ino, false};
    g_array_append_val(watch->files, file);
}

struct watch *watch_start(struct session *session, int64_t since_ns)
{
    struct watch *watch = g_new0(struct watch, 1);
    watch->files = g_array_new(FALSE, FALSE, sizeof(struct watched_file));
    g_array_set_clear_func(watch->files, watched_file_clear);
    watch->session = session;
    watch->kernel = filewatch_new(on_event, watch);
    g_auto(GStrv) files = blk_files(session->blk, BLK_FILES_NOT_WRITTEN);
    for (char **file = files; *file && watch->kernel; file++)
        add_file(watch, *file, since_ns);
    if (watch->written)
        wake(watch);
    return watch;
}

void watch_stop(struct watch *watch)
{
    if (!watch)
        return;
    filewatch_free(watch->kernel);
    watch->session = NULL;
    if (watch->co)
        co_cancel(watch->co);
    else
        watch_free(watch);
}
