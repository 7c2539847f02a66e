/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/fd.h"
#include "util/safetext.h"

enum { SIZE_MAX_BYTES = 1 << 20 };

char *config_path(const char *name)
{
    return g_build_filename(g_get_user_config_dir(), "blkscope", name, NULL);
}

char *config_state_path(const char *name)
{
    const char *state = g_getenv("XDG_STATE_HOME"), *home = g_get_home_dir();
    if (state != NULL && g_path_is_absolute(state)) {
        return g_build_filename(state, "blkscope", name, NULL);
    }
    return home != NULL && g_path_is_absolute(home) ? g_build_filename(home, ".local", "state", "blkscope", name, NULL)
                                                    : NULL;
}

/* Without waiting for what is no file (a pipe, a device); a new string, or NULL and errno. */
static char *read_file(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return NULL;
    }
    g_autofree char *text = g_malloc(SIZE_MAX_BYTES + 1);
    ssize_t len = -1;
    if (fstat(fd, &st) < 0) {
        len = -1;
    } else if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
    } else if (st.st_size > SIZE_MAX_BYTES) {
        errno = EFBIG;
    } else {
        len = read(fd, text, SIZE_MAX_BYTES);
    }
    int reason = errno;
    close(fd);
    errno = reason;
    if (len < 0) {
        return NULL;
    }
    text[len] = '\0';
    return g_steal_pointer(&text);
}

int config_state_write(const char *path, const char *text, size_t len)
{
    struct stat st;
    if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        return -EINVAL;
    }
    g_autofree char *temporary = g_strconcat(path, ".XXXXXX", NULL);
    int fd = g_mkstemp_full(temporary, O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    int ret = fd_write_all(fd, text, len);
    if (close(fd) < 0 && ret == 0) { /* some file systems tell only now that there is no room */
        ret = -errno;
    }
    if (ret == 0 && rename(temporary, path) < 0) {
        ret = -errno;
    }
    if (ret < 0) {
        unlink(temporary);
    }
    return ret;
}

static char **cut(char *line)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    char *rest = line;
    for (char *word; (word = strsep(&rest, " \t\r")) != NULL;) {
        if (*word != '\0') {
            g_ptr_array_add(words, g_strdup(word));
        }
    }
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

static void complain(GPtrArray *complaints, const char *path, unsigned line, const char *why)
{
    g_autofree char *name = safetext_escape(path, -1);
    g_ptr_array_add(complaints, line > 0 ? g_strdup_printf("%s:%u: %s", name, line, why)
                                         : g_strdup_printf("%s: %s", name, why));
}

void config_read(const char *path, config_line_fn *fn, void *data, GPtrArray *complaints)
{
    g_autofree char *text = read_file(path);
    if (text == NULL) {
        if (errno != ENOENT && errno != ENOTDIR) {
            complain(complaints, path, 0, errno == EINVAL ? "not a regular file" : g_strerror(errno));
        }
        return;
    }
    char *rest = text, *line;
    for (unsigned number = 1; (line = strsep(&rest, "\n")) != NULL; number++) {
        g_autoptr(GError) error = NULL;
        g_auto(GStrv) words = cut(line);
        unsigned count = g_strv_length(words), before = complaints->len;
        if (count == 0 || words[0][0] == '#') {
            continue;
        }
        if (!fn(data, words, count, &error)) {
            complain(complaints, path, number, error->message);
        }
        for (unsigned i = before; error == NULL && i < complaints->len; i++) {
            g_autofree char *why = complaints->pdata[i];
            complaints->pdata[i] = NULL;
            g_autofree char *name = safetext_escape(path, -1);
            complaints->pdata[i] = g_strdup_printf("%s:%u: %s", name, number, why);
        }
    }
}
