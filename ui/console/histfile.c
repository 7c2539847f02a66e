/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/console/histfile.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <readline/history.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ui/config.h"
#include "util/safetext.h"

enum {
    LINE_BYTES_MAX = 16 << 10,
    FILE_BYTES_MAX = 8 << 20, /* read from the end of the file */
    LOCK_TRIES = 100,
    LOCK_WAIT_US = 10 * 1000,
};

static struct {
    char *path;       /* NULL: nothing is kept */
    GPtrArray *noted; /* of this session */
} current;

char *histfile_path(void)
{
    return config_state_path("history");
}

static bool fail(const char *path, const char *why, GError **ret_error)
{
    g_autofree char *name = safetext_escape(path, -1);
    g_set_error(ret_error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s: %s; the history is not kept", name, why);
    return false;
}

static bool can_be_kept(const char *line)
{
    size_t len = strlen(line);
    if (len == 0 || len > LINE_BYTES_MAX) {
        return false;
    }
    g_autofree char *masked = safetext_mask(line, (ssize_t)len);
    return strcmp(masked, line) == 0;
}

/* ---- reading ---- */

/* -1 and no error: there is no such file.  Anything that is not a plain file is not even opened: opening may act. */
static int open_plain(const char *path, struct stat *ret_st, GError **ret_error)
{
    int fd = -1;
    if (lstat(path, ret_st) == 0) {
        if (!S_ISREG(ret_st->st_mode)) {
            fail(path, "not a regular file", ret_error);
            return -1;
        }
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    }
    if (fd < 0) {
        if (errno != ENOENT) {
            fail(path, g_strerror(errno), ret_error);
        }
        return -1;
    }
    if (fstat(fd, ret_st) < 0 || !S_ISREG(ret_st->st_mode)) {
        close(fd);
        fail(path, "not a regular file", ret_error);
        return -1;
    }
    return fd;
}

/* That many bytes from an offset on, or as many as there are, terminated; NULL: errno says why. */
static char *read_from(int fd, off_t offset, size_t size)
{
    g_autofree char *text = g_malloc(size + 1);
    size_t len = 0;
    while (len < size) {
        ssize_t n = pread(fd, text + len, size - len, offset + (off_t)len);
        if (n == 0) {
            break;
        }
        if (n < 0 && errno != EINTR) {
            return NULL;
        }
        len += n > 0 ? (size_t)n : 0;
    }
    /* A nul ends no line: what it is in has to be seen as something that nobody typed. */
    for (char *nul = text; (nul = memchr(nul, '\0', (size_t)(text + len - nul))) != NULL;) {
        *nul = '\001';
    }
    text[len] = '\0';
    return g_steal_pointer(&text);
}

static void trim(GPtrArray *lines)
{
    if (lines->len > HISTFILE_LINES_MAX) {
        g_ptr_array_remove_range(lines, 0, lines->len - HISTFILE_LINES_MAX);
    }
}

GPtrArray *histfile_read(const char *path, GError **ret_error)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    GError *error = NULL;
    struct stat st;
    int fd = open_plain(path, &st, &error);
    if (fd < 0) {
        if (error != NULL) {
            g_propagate_error(ret_error, error);
            return NULL;
        }
        return g_steal_pointer(&lines);
    }
    off_t start = MAX(st.st_size - FILE_BYTES_MAX, 0);
    g_autofree char *text = read_from(fd, start, (size_t)(st.st_size - start));
    int reason = errno;
    close(fd);
    if (text == NULL) {
        fail(path, g_strerror(reason), ret_error);
        return NULL;
    }
    char *rest = text;
    if (start > 0) {
        strsep(&rest, "\n"); /* the end of a line that began before */
    }
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        if (can_be_kept(line)) {
            g_ptr_array_add(lines, g_strdup(line));
        }
    }
    trim(lines);
    return g_steal_pointer(&lines);
}

/* ---- writing ---- */

/* Another session holds the lock for a moment only; one that hangs must not make this one hang. */
static int take_lock(const char *path, GError **ret_error)
{
    g_autofree char *name = g_strconcat(path, ".lock", NULL);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
    if (fd < 0) {
        fail(name, g_strerror(errno), ret_error);
        return -1;
    }
    for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || i == LOCK_TRIES) {
            fail(name, g_strerror(errno), ret_error);
            close(fd);
            return -1;
        }
        g_usleep(LOCK_WAIT_US);
    }
    return fd;
}

static bool replace(const char *path, const GPtrArray *lines, GError **ret_error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (unsigned i = 0; i < lines->len; i++) {
        g_string_append_printf(text, "%s\n", (const char *)lines->pdata[i]);
    }
    int ret = config_state_write(path, text->str, text->len);
    return ret == 0 || fail(path, g_strerror(-ret), ret_error);
}

bool histfile_append(const char *path, const GPtrArray *lines, GError **ret_error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    if (g_mkdir_with_parents(folder, 0700) < 0) {
        return fail(folder, g_strerror(errno), ret_error);
    }
    int lock = take_lock(path, ret_error);
    if (lock < 0) {
        return false;
    }
    g_autoptr(GPtrArray) all = histfile_read(path, ret_error);
    bool done = false;
    if (all != NULL) {
        for (unsigned i = 0; i < lines->len; i++) {
            g_ptr_array_add(all, g_strdup(lines->pdata[i]));
        }
        trim(all);
        done = replace(path, all, ret_error);
    }
    close(lock);
    return done;
}

/* ---- a session ---- */

bool histfile_begin(GError **ret_error)
{
    g_autofree char *path = histfile_path();
    g_autoptr(GPtrArray) lines = path != NULL ? histfile_read(path, ret_error) : NULL;
    if (lines == NULL) {
        return path == NULL;
    }
    for (unsigned i = 0; i < lines->len; i++) {
        add_history(lines->pdata[i]);
    }
    using_history(); /* what comes before the line that is being typed is all of it */
    current.path = g_steal_pointer(&path);
    current.noted = g_ptr_array_new_with_free_func(g_free);
    return true;
}

void histfile_note(const char *line)
{
    if (current.path != NULL && can_be_kept(line)) {
        g_ptr_array_add(current.noted, g_strdup(line));
        if (current.noted->len == 2 * HISTFILE_LINES_MAX) {
            trim(current.noted);
        }
    }
}

bool histfile_end(GError **ret_error)
{
    bool done = true;
    if (current.path != NULL) {
        done = current.noted->len == 0 || histfile_append(current.path, current.noted, ret_error);
        g_clear_pointer(&current.path, g_free);
        g_clear_pointer(&current.noted, g_ptr_array_unref);
    }
    return done;
}
