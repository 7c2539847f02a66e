/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A request is one packet, the answer another, with the descriptor if it is about one (unix(7), SCM_RIGHTS).
 *
 * Which files it made the broker knows by device and inode, and looks at what a name means only through a descriptor that opens nothing (O_PATH), so
 * that nobody can slip it another one.  It keeps a descriptor of each, so that no inode is used again meanwhile.
 */
#include "io/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <limits.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/landlock.h"
#include "io/sandbox.h"
#include "io/seccomp.h"
#include "io/unfinished.h"

enum verb { MAKE, OPEN_MADE, RENAME_MADE, REMOVE_MADE };

enum kind {
    TEMPORARY = 1 << 0, /* its name is not to stay */
    NO_COW = 1 << 1,    /* nothing is copied when it is written */
};

struct request {
    enum verb verb;
    int flags; /* MAKE, OPEN_MADE: of open(2); only some count */
    mode_t mode;
    unsigned kind; /* MAKE: enum kind */
    char path[PATH_MAX], to[PATH_MAX];
};

enum {
    MADE_MAX = 512, /* that are there at a time; descriptors are limited */
    KEPT_FLAGS = O_ACCMODE | O_DIRECT | O_NONBLOCK | O_NOATIME,
};

/* ---- packets ---- */

union control {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
};

static ssize_t transfer(int socket, struct msghdr *message, bool send)
{
    ssize_t n;
    do
        n = send ? sendmsg(socket, message, MSG_NOSIGNAL) : recvmsg(socket, message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    return n;
}

/* ret: 0, a negative errno, or a descriptor that goes along and is closed here. */
static bool send_answer(int socket, int ret, bool is_descriptor)
{
    union control control = {0};
    int answer = MIN(ret, 0);
    struct iovec iov = {&answer, sizeof(answer)};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (ret >= 0 && is_descriptor) {
        message.msg_control = &control;
        message.msg_controllen = sizeof(control.room);
        control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(&control.header), &ret, sizeof(int));
    }
    return transfer(socket, &message, true) == sizeof(answer);
}

static int receive_answer(int socket, bool wants_descriptor)
{
    union control control = {0};
    int answer, fd = -1;
    struct iovec iov = {&answer, sizeof(answer)};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control.room)};
    if (transfer(socket, &message, false) != sizeof(answer))
        return -EIO;
    if (message.msg_controllen && control.header.cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(&control.header), sizeof(int));
    if (answer < 0)
        return answer;
    return !wants_descriptor ? 0 : fd >= 0 ? fd : -EIO;
}

/* ---- the broker: only what is safe after fork() where there are threads (signal-safety(7)) ---- */

struct broker {
    int made[MADE_MAX]; /* O_PATH descriptors, n_made of them */
    bool temporary[MADE_MAX]; /* still under the name it was made with, which is not to stay */
    unsigned n_made;
};

static int remember(struct broker *broker, int fd, bool temporary)
{
    char self[64];
    if (broker->n_made == MADE_MAX)
        return -EMFILE;
    snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    int place = open(self, O_PATH | O_CLOEXEC);
    if (place < 0)
        return -errno;
    broker->temporary[broker->n_made] = temporary;
    broker->made[broker->n_made++] = place;
    return 0;
}

/* The index of the file at path among those it made, or a negative errno. */
static int find_made(const struct broker *broker, const char *path)
{
    struct stat wanted, st;
    if (fstatat(AT_FDCWD, path, &wanted, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    for (unsigned i = 0; i < broker->n_made; i++) {
        if (fstat(broker->made[i], &st) == 0 && st.st_dev == wanted.st_dev && st.st_ino == wanted.st_ino)
            return (int)i;
    }
    return -EROFS;
}

void broker_set_no_cow(int fd)
{
    int flags;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
        flags |= FS_NOCOW_FL;
        ioctl(fd, FS_IOC_SETFLAGS, &flags);
    }
}

static int make(struct broker *broker, const struct request *request)
{
    int fd = open(request->path, (request->flags & KEPT_FLAGS) | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, request->mode & 0777);
    if (fd < 0)
        return -errno;
    int ret = remember(broker, fd, request->kind & TEMPORARY);
    if (ret < 0) {
        close(fd);
        unlink(request->path);
        return ret;
    }
    if (request->kind & NO_COW)
        broker_set_no_cow(fd);
    return fd;
}

static int open_made(const struct broker *broker, const struct request *request)
{
    char self[64];
    int index = find_made(broker, request->path);
    if (index < 0)
        return index;
    snprintf(self, sizeof(self), "/proc/self/fd/%d", broker->made[index]);
    int fd = open(self, (request->flags & KEPT_FLAGS) | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int rename_new(const char *from, const char *to)
{
    if (syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    /* A file system that can't do it in one step. */
    if (link(from, to) < 0)
        return -errno;
    unlink(from);
    return 0;
}

static int rename_made(struct broker *broker, const struct request *request)
{
    int index = find_made(broker, request->path);
    if (index < 0)
        return index;
    int ret = rename_new(request->path, request->to);
    if (ret == 0)
        broker->temporary[index] = false;
    return ret;
}

/* Nobody can open what has no name: then its inode may be used again. */
static void forget_nameless(struct broker *broker, int index)
{
    struct stat st;
    if (fstat(broker->made[index], &st) < 0 || st.st_nlink > 0)
        return;
    close(broker->made[index]);
    broker->made[index] = broker->made[--broker->n_made];
    broker->temporary[index] = broker->temporary[broker->n_made];
}

static int remove_made(struct broker *broker, const struct request *request)
{
    int index = find_made(broker, request->path);
    if (index < 0)
        return index;
    if (unlink(request->path) < 0)
        return -errno;
    forget_nameless(broker, index);
    return 0;
}

static int carry_out(struct broker *broker, const struct request *request)
{
    switch (request->verb) {
    case MAKE:
        return make(broker, request);
    case OPEN_MADE:
        return open_made(broker, request);
    case RENAME_MADE:
        return rename_made(broker, request);
    case REMOVE_MADE:
        return remove_made(broker, request);
    }
    return -EINVAL;
}

static bool is_whole(const struct request *request, ssize_t n)
{
    return n == sizeof(*request) && memchr(request->path, '\0', PATH_MAX) && memchr(request->to, '\0', PATH_MAX);
}

/* The program has ended before it gave the file its name. */
static void remove_unfinished(const struct broker *broker, unsigned index)
{
    char self[64], path[PATH_MAX];
    snprintf(self, sizeof(self), "/proc/self/fd/%d", broker->made[index]);
    ssize_t len = readlink(self, path, sizeof(path) - 1);
    if (len <= 0)
        return;
    path[len] = '\0';
    if (find_made(broker, path) == (int)index)
        unlink(path);
}

/* Until the other end of socket is closed. */
static void serve(int socket)
{
    struct broker broker = {0};
    struct request request;
    struct iovec iov = {&request, sizeof(request)};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    for (ssize_t n; (n = transfer(socket, &message, false)) > 0;) {
        bool whole = is_whole(&request, n), is_descriptor = whole && (request.verb == MAKE || request.verb == OPEN_MADE);
        int ret = whole ? carry_out(&broker, &request) : -EINVAL;
        bool sent = send_answer(socket, ret, is_descriptor);
        if (is_descriptor && ret >= 0)
            close(ret);
        if (!sent)
            break;
    }
    for (unsigned i = 0; i < broker.n_made; i++) {
        if (broker.temporary[i])
            remove_unfinished(&broker, i);
        close(broker.made[i]);
    }
}

/* ---- its process ---- */

static struct {
    int socket; /* 0: it does not run */
    pid_t pid;
    GMutex lock; /* a request and its answer belong together */
} ours;

static void restrict_itself(const struct sock_filter *program, unsigned len)
{
    /* Whether a file may be cut off is settled when it is opened: what it makes may be. */
    struct landlock_rules rules = {.deny = LANDLOCK_EXECUTE | LANDLOCK_REMOVE_DIR | LANDLOCK_MAKE_CHAR | LANDLOCK_MAKE_DIR | LANDLOCK_MAKE_BLOCK |
                                           LANDLOCK_MAKE_SOCK | LANDLOCK_MAKE_FIFO | LANDLOCK_MAKE_SYM};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    landlock_restrict(&rules);
    seccomp_load(program, len);
}

/* A session of its own: neither Ctrl-C nor Ctrl-Z is for it.  Nothing of ours stays open, or locks and pipes would outlive the program. */
static G_NORETURN void become(int socket, const struct sock_filter *program, unsigned len)
{
    sigset_t none;
    setsid();
    for (int number = 1; number < NSIG; number++)
        signal(number, number == SIGPIPE ? SIG_IGN : SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_NAME, "broker", 0, 0, 0);
    if (dup2(socket, 0) < 0)
        _exit(1);
    if (syscall(SYS_close_range, 1, ~0U, 0) < 0) {
        for (int fd = 1; fd < 65536; fd++)
            close(fd);
    }
    /* The numbers of standard streams must never be given to a file. */
    for (int fd = 1; fd <= STDERR_FILENO; fd++)
        dup2(0, fd);
    restrict_itself(program, len);
    serve(0);
    _exit(0);
}

int broker_start(void)
{
    static struct sock_filter program[SECCOMP_PROGRAM_MAX];
    struct seccomp_rules rules = {.broker = true};
    unsigned len = seccomp_program(&rules, program);
    int ends[2];
    if (ours.socket)
        return 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        become(ends[1], program, len);
    }
    int ret = pid < 0 ? -errno : 0;
    close(ends[1]);
    if (ret < 0) {
        close(ends[0]);
        return ret;
    }
    ours.socket = ends[0];
    ours.pid = pid;
    return 0;
}

void broker_stop(void)
{
    if (!ours.socket)
        return;
    close(ours.socket);
    while (waitpid(ours.pid, NULL, 0) < 0 && errno == EINTR)
        ;
    ours.socket = 0;
}

bool broker_runs(void)
{
    return ours.socket != 0;
}

/* ---- asking it ---- */

static int ask(enum verb verb, const char *path, const char *to, int flags, mode_t mode, unsigned kind)
{
    g_autofree struct request *request = g_new0(struct request, 1);
    struct iovec iov = {request, sizeof(*request)};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (!broker_runs())
        return -EROFS;
    *request = (struct request){.verb = verb, .flags = flags, .mode = mode, .kind = kind};
    if (strlen(path) >= PATH_MAX || (to && strlen(to) >= PATH_MAX))
        return -ENAMETOOLONG;
    strcpy(request->path, path);
    if (to)
        strcpy(request->to, to);
    g_mutex_lock(&ours.lock);
    int ret = transfer(ours.socket, &message, true) == sizeof(*request) ? receive_answer(ours.socket, verb == MAKE || verb == OPEN_MADE) : -EIO;
    g_mutex_unlock(&ours.lock);
    return ret;
}

static int open_file(const char *path, int flags, mode_t mode, unsigned kind)
{
    bool writes = flags & (O_ACCMODE | O_CREAT | O_TRUNC);
    if (!writes || !sandbox_is_read_only()) {
        int fd = open(path, flags, mode);
        if (fd >= 0 && kind & NO_COW)
            broker_set_no_cow(fd);
        return fd < 0 ? -errno : fd;
    }
    if (!(flags & O_CREAT))
        return ask(OPEN_MADE, path, NULL, flags, 0, 0);
    int fd = ask(MAKE, path, NULL, flags, mode, kind);
    return fd == -EEXIST && !(flags & O_EXCL) ? -EROFS : fd;
}

int broker_open(const char *path, int flags, mode_t mode)
{
    return open_file(path, flags, mode, 0);
}

int broker_make_temporary(char *path, mode_t mode, bool no_cow)
{
    enum { TRIES = 100, PLACES = 6 };
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char *end = path + strlen(path) - PLACES;
    int ret = -EEXIST;
    for (int i = 0; ret == -EEXIST && i < TRIES; i++) {
        for (int place = 0; place < PLACES; place++)
            end[place] = letters[g_random_int_range(0, sizeof(letters) - 1)];
        ret = open_file(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode, TEMPORARY | (no_cow ? NO_COW : 0));
    }
    if (ret >= 0 && !sandbox_is_read_only())
        unfinished_add(path);
    return ret;
}

static int settle(const char *path, int ret)
{
    if (ret == 0)
        unfinished_drop(path);
    return ret;
}

int broker_rename_new(const char *from, const char *to)
{
    return settle(from, sandbox_is_read_only() ? ask(RENAME_MADE, from, to, 0, 0, 0) : rename_new(from, to));
}

int broker_replace(const char *from, const char *to)
{
    return settle(from, rename(from, to) < 0 ? -errno : 0);
}

int broker_exchange(const char *from, const char *to)
{
    return settle(from, syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) < 0 ? -errno : 0);
}

int broker_remove(const char *path)
{
    if (sandbox_is_read_only())
        return ask(REMOVE_MADE, path, NULL, 0, 0, 0);
    return settle(path, unlink(path) < 0 ? -errno : 0);
}
