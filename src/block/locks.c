/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/locks.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/node.h"
#include "io/sandbox.h"

enum {
    PERM_BYTE = 100,
    UNSHARED_BYTE = 200,
    PERMS = 4,
    PROCESSES_MAX = 4, /* named in a description */
};

static const char *const perm_names[PERMS] = {"consistent read", "write", "write unchanged", "resize"};

static int set_lock(int fd, int byte, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

/* Whether another open file description has locked the byte. */
static bool is_locked(int fd, int byte)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool locks_available(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_GETLK, &lock) == 0;
}

static int conflict(const char *what, int perm, const char *filename, GError **error)
{
    g_set_error(error, OPTIONS_ERROR, EAGAIN, "Failed to get %s\"%s\" lock\nIs another process using the image [%s]?", what,
                perm_names[perm], filename);
    return -EAGAIN;
}

int locks_check(int fd, unsigned perm, unsigned shared, const char *filename, GError **error)
{
    for (int i = 0; i < PERMS; i++) {
        if ((perm & (1u << i)) && is_locked(fd, UNSHARED_BYTE + i))
            return conflict("", i, filename, error);
    }
    for (int i = 0; i < PERMS; i++) {
        if (!(shared & (1u << i)) && is_locked(fd, PERM_BYTE + i))
            return conflict("shared ", i, filename, error);
    }
    return 0;
}

/* Locks what is set in bits from first on. */
static int lock_bits(int fd, int first, unsigned bits)
{
    for (int i = 0; i < PERMS; i++) {
        int ret = bits & (1u << i) ? set_lock(fd, first + i, F_RDLCK) : 0;
        if (ret < 0)
            return ret;
    }
    return 0;
}

/* First locked, then looked: of two who do this at once at least one sees the other. */
int locks_take(int fd, unsigned perm, unsigned shared, const char *filename, GError **error)
{
    unsigned unshared = ~shared & NODE_PERM_ALL;
    int ret = lock_bits(fd, PERM_BYTE, perm);
    if (ret == 0)
        ret = lock_bits(fd, UNSHARED_BYTE, unshared);
    if (ret < 0)
        g_set_error(error, OPTIONS_ERROR, -ret, "Failed to lock byte of '%s': %s", filename, g_strerror(-ret));
    else
        ret = locks_check(fd, perm, shared, filename, error);
    return ret;
}

void locks_set(int fd, unsigned perm, unsigned shared)
{
    for (int i = 0; i < PERMS; i++) {
        set_lock(fd, PERM_BYTE + i, perm & (1u << i) ? F_RDLCK : F_UNLCK);
        set_lock(fd, UNSHARED_BYTE + i, shared & (1u << i) ? F_UNLCK : F_RDLCK);
    }
}

int locks_close(int fd)
{
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = PERM_BYTE, .l_len = UNSHARED_BYTE + PERMS - PERM_BYTE};
    fcntl(fd, F_OFD_SETLK, &lock);
    return close(fd) < 0 ? -errno : 0;
}

void locks_others(int fd, unsigned *ret_perm, unsigned *ret_unshared)
{
    *ret_perm = *ret_unshared = 0;
    for (int i = 0; i < PERMS; i++) {
        *ret_perm |= is_locked(fd, PERM_BYTE + i) ? 1u << i : 0;
        *ret_unshared |= is_locked(fd, UNSHARED_BYTE + i) ? 1u << i : 0;
    }
}

/* ---- names of those who hold them ---- */

/*
 * Whether /proc/PID/fdinfo/FD tells of a lock on that file, as "lock: 1: OFDLCK ADVISORY READ -1 fd:01:INODE 100 100".  The
 * file behind the descriptor is not looked at: it may be on a server that does not answer.
 */
static bool fd_holds_lock(const char *fdinfo, const char *fd, const char *inode)
{
    g_autofree char *path = g_build_filename(fdinfo, fd, NULL);
    g_autofree char *text = NULL;
    return g_file_get_contents(path, &text, NULL, NULL) && strstr(text, "OFDLCK") && strstr(text, inode);
}

static bool process_holds_lock(const char *pid, const char *inode)
{
    g_autofree char *path = g_strdup_printf("/proc/%s/fdinfo", pid);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *fd;
    while (dir && (fd = g_dir_read_name(dir))) {
        if (fd_holds_lock(path, fd, inode))
            return true;
    }
    return false;
}

static void add_process_name(GString *out, const char *pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%s/comm", pid);
    g_autofree char *comm = NULL;
    if (!g_file_get_contents(path, &comm, NULL, NULL))
        comm = g_strdup("?");
    g_string_append_printf(out, "%s%s (pid %s)", out->len ? ", " : "", g_strchomp(comm), pid);
}

/*
 * Landlock hides from us what other processes have open.  Who held a lock when the sandbox closed (it asks then) is remembered, and is named as long
 * as that process lives.
 */
struct holder {
    dev_t device;
    ino_t inode;
    char pid[16];
};

static GArray *holders_seen(void)
{
    static GArray *seen;
    if (!seen)
        seen = g_array_new(FALSE, FALSE, sizeof(struct holder));
    return seen;
}

static GString *recall_processes(const struct stat *file)
{
    GString *names = g_string_new(NULL);
    for (unsigned i = 0; i < holders_seen()->len; i++) {
        const struct holder *holder = &g_array_index(holders_seen(), struct holder, i);
        g_autofree char *process = g_build_filename("/proc", holder->pid, NULL);
        if (holder->device == file->st_dev && holder->inode == file->st_ino && access(process, F_OK) == 0)
            add_process_name(names, holder->pid);
    }
    return names;
}

static void forget_processes(const struct stat *file)
{
    for (unsigned i = holders_seen()->len; i-- > 0;) {
        const struct holder *holder = &g_array_index(holders_seen(), struct holder, i);
        if (holder->device == file->st_dev && holder->inode == file->st_ino)
            g_array_remove_index_fast(holders_seen(), i);
    }
}

static void remember_process(const struct stat *file, const char *pid)
{
    struct holder holder = {.device = file->st_dev, .inode = file->st_ino};
    g_strlcpy(holder.pid, pid, sizeof(holder.pid));
    g_array_append_val(holders_seen(), holder);
}

static GString *find_processes(const struct stat *file)
{
    g_autofree char *inode = g_strdup_printf(":%" PRIu64 " ", (uint64_t)file->st_ino);
    GString *names = g_string_new(NULL);
    g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
    const char *pid;
    int found = 0;
    forget_processes(file);
    while (proc && found < PROCESSES_MAX && (pid = g_dir_read_name(proc))) {
        if (!g_ascii_isdigit(pid[0]) || strtol(pid, NULL, 10) == getpid() || !process_holds_lock(pid, inode))
            continue;
        add_process_name(names, pid);
        remember_process(file, pid);
        found++;
    }
    return names;
}

void locks_describe(int fd, const char *filename, GString *out)
{
    unsigned perm, unshared;
    struct stat st;
    locks_others(fd, &perm, &unshared);
    if (!(perm | unshared) || fstat(fd, &st) < 0)
        return;
    g_autoptr(GString) names = sandbox_state()->closed ? recall_processes(&st) : find_processes(&st);
    bool several = strstr(names->str, "), ") != NULL; /* "NAME (pid N), NAME (pid N)" */
    const char *does = perm & NODE_PERM_WRITE ? several ? "are writing to" : "is writing to" : several ? "have open" : "has open";
    const char *lets = several ? " and let nobody else write" : " and lets nobody else write";
    g_string_append_printf(out, "%s%s %s %s%s", out->len ? "; " : "", names->len ? names->str : "another process", does, filename,
                           unshared & NODE_PERM_WRITE ? lets : "");
}
