/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/wholefile.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/broker.h"
#include "io/fd.h"
#include "io/sandbox.h"

int wholefile_begin(struct wholefile *file, const char *path, bool replace)
{
    struct stat st;
    bool there = lstat(path, &st) == 0;
    if (there && !replace)
        return -EEXIST;
    if (there && (stat(path, &st) < 0 || !S_ISREG(st.st_mode)))
        return -EINVAL;
    if (there && sandbox_is_read_only())
        return -EROFS;
    char *real = there ? realpath(path, NULL) : NULL;
    *file = (struct wholefile){.path = g_strdup(real ? real : path), .replace = there};
    free(real);
    file->temporary = g_strconcat(file->path, ".XXXXXX", NULL);
    file->fd = *path ? broker_make_temporary(file->temporary, 0666, false) : -ENOENT;
    if (file->fd < 0) {
        int ret = file->fd;
        g_free(file->path);
        g_free(file->temporary);
        return ret;
    }
    if (there)
        fchmod(file->fd, st.st_mode & 07777); /* where the file system has permissions */
    return 0;
}

int wholefile_write(struct wholefile *file, const char *text, size_t len)
{
    return fd_write_all(file->fd, text, len);
}

/* Somebody may have taken the name meanwhile. */
static int give_name(const struct wholefile *file)
{
    if (!file->replace)
        return broker_rename_new(file->temporary, file->path);
    return broker_replace(file->temporary, file->path);
}

int wholefile_end(struct wholefile *file, int ret)
{
    /* Else a crash could leave the name, and neither the bytes that were there nor these. */
    if (ret == 0 && file->replace && fdatasync(file->fd) < 0)
        ret = -errno;
    if (close(file->fd) < 0 && ret == 0)
        ret = -errno;
    if (ret == 0)
        ret = give_name(file);
    if (ret < 0)
        broker_remove(file->temporary);
    g_free(file->path);
    g_free(file->temporary);
    return ret;
}
