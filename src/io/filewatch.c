/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/filewatch.h"

#include <glib-unix.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "util/source.h"

enum {
    NAME_EVENTS = IN_ATTRIB | IN_MOVE_SELF | IN_CREATE | IN_MOVED_TO, /* the number of links is an attribute */
};

struct filewatch {
    filewatch_fn *fn;
    void *data;
    int fd;
    GSource *source;
};

static gboolean on_event(int fd, GIOCondition condition, void *data)
{
    struct filewatch *watch = data;
    _Alignas(struct inotify_event) char room[4096];
    unsigned events = 0;
    ssize_t n;
    while ((n = read(fd, room, sizeof(room))) > 0) {
        const struct inotify_event *event;
        for (ssize_t at = 0; at < n; at += (ssize_t)(sizeof(*event) + event->len)) {
            event = (const struct inotify_event *)(room + at);
            events |= event->mask & (NAME_EVENTS | IN_Q_OVERFLOW) ? FILEWATCH_RENAMED : 0;
            events |= event->mask & (IN_MODIFY | IN_Q_OVERFLOW) ? FILEWATCH_WRITTEN : 0;
        }
    }
    if (events != 0)
        watch->fn(watch->data, events);
    return G_SOURCE_CONTINUE;
}

struct filewatch *filewatch_new(filewatch_fn *fn, void *data)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct filewatch *watch = g_new0(struct filewatch, 1);
    watch->fn = fn;
    watch->data = data;
    watch->fd = fd;
    watch->source = g_unix_fd_source_new(fd, G_IO_IN);
    g_source_set_callback(watch->source, G_SOURCE_FUNC(on_event), watch, NULL);
    g_source_attach(watch->source, g_main_context_get_thread_default());
    return watch;
}

bool filewatch_add_file(struct filewatch *watch, const char *name)
{
    return inotify_add_watch(watch->fd, name, IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF) >= 0;
}

bool filewatch_add_folder_of(struct filewatch *watch, const char *name)
{
    g_autofree char *folder = g_path_get_dirname(name);
    return inotify_add_watch(watch->fd, folder, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) >= 0;
}

void filewatch_free(struct filewatch *watch)
{
    if (!watch)
        return;
    source_clear(&watch->source);
    close(watch->fd);
    g_free(watch);
}
