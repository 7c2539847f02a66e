/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file drivers: opening, locking, reopening, closing.
 *
 * Files are opened without blocking (a FIFO would wait for its other end for ever) and, for reading only, without a new access
 * time where the kernel allows.  Reopening opens the same inode again through /proc/self/fd, whatever the path means by now.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/file-internal.h"
#include "block/locks.h"
#include "block/pins.h"
#include "io/broker.h"
#include "io/sandbox.h"

static const char *const locking_values[] = {"auto", "on", "off", NULL};
static const char *const aio_values[] = {"threads", "native", "io_uring", NULL};

const struct driver_option file_options[] = {
    {.name = "filename", .type = DRIVER_OPTION_STRING, .required = true, .help = "path of the file or device"},
    {.name = "locking", .type = DRIVER_OPTION_STRING, .help = "on|off|auto: locks against other programs"},
    {.name = "aio", .type = DRIVER_OPTION_STRING, .help = "threads|native|io_uring: the best there is serves all of them"},
    {.name = "pr-manager", .type = DRIVER_OPTION_STRING, .help = "refused: there are none"},
    {.name = "aio-max-batch", .type = DRIVER_OPTION_NUMBER, .help = "accepted, no effect"},
    {.name = "x-check-cache-dropped", .type = DRIVER_OPTION_BOOL, .help = "accepted, no effect", .reopen = true},
    {.name = "drop-cache", .type = DRIVER_OPTION_BOOL, .help = "accepted, no effect", .reopen = true},
    {},
};

/* ---- descriptors ---- */

struct open_call {
    const char *path;
    bool watched;   /* see aio_is_watched() */
    unsigned flags; /* enum node_flags; NODE_WRITABLE is taken off where NODE_AUTO_READ_ONLY allows */
    const struct pin *pin; /* it is open already: this very file; NULL: it is not */
    struct reference_expect expect;
    int unfit; /* it is not what is expected: negative errno of reference_check() */
    int fd;
    struct stat st;
    uint32_t request_alignment, memory_alignment;
};

static int open_with(const char *path, unsigned flags)
{
    int mode = O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (flags & NODE_WRITABLE ? O_RDWR : O_RDONLY) | (flags & NODE_DIRECT ? O_DIRECT : 0);
    int fd = -1;
    if (!(flags & NODE_WRITABLE))
        fd = open(path, mode | O_NOATIME);
    if (fd < 0) /* EPERM: only the owner may ask for that */
        fd = open(path, mode);
    return fd;
}

/*
 * Behind the sandbox a writable descriptor of ours (a temporary file without a name) is not opened again, but doubled; and a file that the broker
 * made may be written.
 */
static int open_behind_sandbox(const char *path, unsigned flags)
{
    int number, end = 0;
    if (sscanf(path, "/proc/self/fd/%d%n", &number, &end) == 1 && !path[end]) {
        int fd = (fcntl(number, F_GETFL) & O_ACCMODE) == O_RDWR ? fcntl(number, F_DUPFD_CLOEXEC, 0) : -1;
        return fd < 0 ? -EROFS : fd;
    }
    return broker_open(path, O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_RDWR | (flags & NODE_DIRECT ? O_DIRECT : 0), 0);
}

/* The descriptor, or a negative errno. */
static int open_as_allowed(const char *path, unsigned *flags)
{
    bool refused = (*flags & NODE_WRITABLE) && sandbox_is_read_only();
    int fd = refused ? open_behind_sandbox(path, *flags) : open_with(path, *flags);
    if (fd < 0 && refused)
        errno = -fd;
    if (fd < 0 && (*flags & NODE_AUTO_READ_ONLY) && (*flags & NODE_WRITABLE) && (*flags & NODE_ONLY_READS) &&
        (errno == EACCES || errno == EROFS || errno == EPERM)) {
        *flags &= ~NODE_WRITABLE;
        return open_as_allowed(path, flags);
    }
    return fd < 0 ? -errno : fd;
}

static void close_place(const struct open_call *call, int place)
{
    if (!call->pin)
        close(place);
}

/*
 * Where an image named the file, or where it was looked at before: what is checked is what is opened, whatever the path has come to mean since
 * somebody looked.  To open some devices is to do something already, so the check is made on a descriptor that opens nothing (O_PATH).
 */
static int open_expected(struct open_call *call)
{
    struct stat st, opened;
    int place = call->pin ? call->pin->fd : open(call->path, O_PATH | O_CLOEXEC);
    if (place < 0)
        return -errno;
    int fd = fstat(place, &st) < 0 ? -errno : 0;
    call->unfit = fd == 0 ? reference_check(&call->expect, &st, place) : 0;
    if (fd < 0 || call->unfit < 0) {
        close_place(call, place);
        return fd < 0 ? fd : call->unfit;
    }
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", place);
    fd = open_as_allowed(path, &call->flags);
    if (fd == -ENOENT || (fd == -EROFS && sandbox_is_read_only())) /* no /proc; one that the broker made */
        fd = open_as_allowed(call->path, &call->flags);
    close_place(call, place);
    if (fd >= 0 && (fstat(fd, &opened) < 0 || opened.st_ino != st.st_ino || opened.st_dev != st.st_dev)) {
        close(fd);
        call->unfit = -ESTALE;
    }
    return call->unfit < 0 ? call->unfit : fd;
}

/* Runs where it may block. */
static int open_fd(void *data)
{
    struct open_call *call = data;
    int fd = call->pin || reference_expects(&call->expect) ? open_expected(call) : open_as_allowed(call->path, &call->flags);
    if (fd < 0)
        return fd;
    call->fd = fd;
    int flags = fcntl(call->fd, F_GETFL);
    if (flags < 0 || fcntl(call->fd, F_SETFL, flags & ~O_NONBLOCK) < 0 || fstat(call->fd, &call->st) < 0) {
        int ret = -errno;
        close(call->fd);
        return ret;
    }
    /*
     * Read-ahead of several megabytes, which the kernel does on the thread that reads, would keep a key waiting for tens of milliseconds
     * where it fills holes with zeroes.  Whoever needs much asks for several pieces at once.
     */
    if (call->watched)
        posix_fadvise(call->fd, 0, 0, POSIX_FADV_RANDOM);
    call->request_alignment = call->memory_alignment = 1;
    if (call->flags & NODE_DIRECT)
        file_probe_alignment(call->fd, &call->request_alignment, &call->memory_alignment);
    return 0;
}

static int open_fd_co(struct node *node, struct open_call *call, const char *filename, GError **error)
{
    call->watched = aio_is_watched(node->aio);
    int ret = aio_call_co(node->aio, open_fd, call, true);
    if (ret == -EINVAL && (call->flags & NODE_DIRECT))
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Could not open '%s': filesystem does not support O_DIRECT", filename);
    else if (call->unfit == -EPERM)
        g_set_error(error, OPTIONS_ERROR, EPERM, "The image names '%s', which is neither a file nor a block device and is not followed",
                    filename);
    else if (call->unfit < 0)
        g_set_error(error, OPTIONS_ERROR, ESTALE, "'%s' is not the file any more that it was when it was looked at", filename);
    else if (ret == -EROFS && (call->flags & NODE_WRITABLE) && sandbox_is_read_only())
        g_set_error(error, OPTIONS_ERROR, EROFS, "Could not open '%s': " SANDBOX_ADVICE_WRITE, filename);
    else if (ret < 0)
        g_set_error(error, OPTIONS_ERROR, -ret, "Could not open '%s': %s", filename, g_strerror(-ret));
    return ret;
}

static int check_kind(const struct node *node, const struct stat *st, const char *filename, enum file_kind *ret_kind, GError **error)
{
    bool wants_device = node->driver != &driver_file;
    if (S_ISREG(st->st_mode) && !wants_device) {
        *ret_kind = FILE_REGULAR;
        return 0;
    }
    if ((S_ISBLK(st->st_mode) || S_ISCHR(st->st_mode)) && wants_device) {
        *ret_kind = S_ISBLK(st->st_mode) ? FILE_BLOCK_DEVICE : FILE_CHARACTER_DEVICE;
        return 0;
    }
    g_set_error(error, OPTIONS_ERROR, EINVAL, "'%s' driver requires '%s' to be %s", node->driver->name, filename,
                wants_device ? "either a character or block device" : "a regular file");
    return -EINVAL;
}

static void apply_alignment(struct node *node, const struct open_call *call)
{
    node->limits.request_alignment = call->request_alignment;
    node->limits.memory_alignment = call->memory_alignment;
}

/* ---- locks ---- */

static bool only_queries(const struct node *node, unsigned flags)
{
    return (flags & NODE_QUERY_LOCKS) && !(flags & NODE_WRITABLE);
}

static void restore_locks(struct node *node)
{
    struct file *file = node->opaque;
    locks_set(file->fd, file->locked ? node->perm : 0, file->locked ? node->shared : NODE_PERM_ALL);
}

static int lock_opened(struct node *node, int fd, const char *filename, GError **error)
{
    struct file *file = node->opaque;
    if (!file->locking)
        return 0;
    if (only_queries(node, node->flags))
        return node->flags & NODE_FORCE_SHARE ? 0 : locks_check(fd, node->perm, node->shared, filename, error);
    int ret = locks_take(fd, node->perm, node->shared, filename, error);
    file->locked = ret == 0;
    return ret;
}

int file_lock_resize(struct node *node, GError **error)
{
    struct file *file = node->opaque;
    if (!file->locked || (node->perm & NODE_PERM_RESIZE))
        return 0;
    int ret = locks_take(file->fd, node->perm | NODE_PERM_RESIZE, node->shared, node->filename, error);
    if (ret < 0)
        restore_locks(node);
    else
        node->perm |= NODE_PERM_RESIZE;
    return ret;
}

int file_relock(struct node *node, GError **error)
{
    struct file *file = node->opaque;
    int ret = file->locked ? locks_take(file->fd, node->perm, node->shared, node->filename, error) : 0;
    if (ret == 0)
        restore_locks(node); /* what is not needed any more is let go */
    return ret;
}

static bool wants_locks(int locking, int fd)
{
    return strcmp(locking_values[locking], "on") == 0 || (strcmp(locking_values[locking], "auto") == 0 && locks_available(fd));
}

int file_descriptor(const struct node *node)
{
    const struct file *file = node->opaque;
    return file->fd;
}

void file_lock_holders(struct node *node, GString *out)
{
    struct file *file = node->opaque;
    locks_describe(file->fd, node->filename, out);
}

/* ---- opening and closing ---- */

static int take_word(struct options *options, const char *key, const char *const *values, int *ret_value, GError **error)
{
    g_autofree char *text = options_take_string(options, key);
    int value = text ? options_parse_enum(text, values) : 0;
    if (value < 0) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "invalid parameter value: %s", text);
        return -EINVAL;
    }
    *ret_value = value;
    return 0;
}

static int take_options(struct node *node, struct options *options, char **ret_filename, int *ret_locking, GError **error)
{
    g_autofree char *filename = options_take_string(options, "filename"), *manager = options_take_string(options, "pr-manager");
    int aio;
    int ret = take_word(options, "locking", locking_values, ret_locking, error);
    if (ret == 0)
        ret = take_word(options, "aio", aio_values, &aio, error);
    if (ret < 0)
        return ret;
    if (manager) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "No persistent reservation manager with id '%s'", manager);
        return -EINVAL;
    }
    options_take_number(options, "aio-max-batch", 0);
    options_take_bool(options, "x-check-cache-dropped", false);
    options_take_bool(options, "drop-cache", false);
    if (strcmp(aio_values[aio], "native") == 0 && !(node->flags & NODE_DIRECT)) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "aio=native was specified, but it requires cache.direct=on, which was not specified.");
        return -EINVAL;
    }
    if (!filename || !*filename) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "The '%s' block driver requires a file name", node->driver->name);
        return -EINVAL;
    }
    *ret_filename = g_steal_pointer(&filename);
    return 0;
}

int file_open_co(struct node *node, struct options *options, GError **error)
{
    struct file *file = node->opaque;
    g_autofree char *filename = NULL;
    int locking;
    int ret = take_options(node, options, &filename, &locking, error);
    if (ret < 0)
        return ret;
    struct open_call call = {.path = filename, .flags = node->flags, .expect = node->expect ? *node->expect : (struct reference_expect){0},
                             .pin = pins_find(node->pins, filename)};
    ret = open_fd_co(node, &call, filename, error);
    if (ret < 0)
        return ret;
    if (!(call.flags & NODE_WRITABLE))
        node->perm &= ~(NODE_PERM_WRITE | NODE_PERM_RESIZE);
    node->flags = call.flags;
    ret = check_kind(node, &call.st, filename, &file->kind, error);
    if (ret == 0) {
        if (node->flags & NODE_FORCE_SHARE)
            node->shared = NODE_PERM_ALL; /* forbids nothing, but still tells that it reads */
        file->locking = wants_locks(locking, call.fd);
        ret = lock_opened(node, call.fd, filename, error);
    }
    if (ret < 0) {
        locks_close(call.fd);
        return ret;
    }
    file->fd = call.fd;
    apply_alignment(node, &call);
    node->filename = g_steal_pointer(&filename);
    node->write_flags = BLK_FUA | BLK_ALONE;
    node->zero_flags = BLK_MAY_UNMAP | BLK_NO_FALLBACK;
    node->variable_length = file->kind != FILE_REGULAR;
    return 0;
}

int file_close_co(struct node *node)
{
    struct file *file = node->opaque;
    return locks_close(file->fd);
}

/* ---- reopening ---- */

/* What prepare got ready. */
struct reopening {
    struct open_call call; /* fd is -1 if the old one does */
    const struct file *file;
    unsigned perm;
    bool locked;
};

/* As when it is opened: what its users are to do, the size included. */
static unsigned perm_with(const struct node *node, unsigned flags)
{
    return flags & NODE_WRITABLE ? node->perm_next | NODE_PERM_WRITE : node->perm_next & ~(NODE_PERM_WRITE | NODE_PERM_RESIZE);
}

/*
 * The new locks are taken on the old descriptor first, which tells others' locks from our own, and then set on the new one as
 * well: at no time are there none.
 */
static int relock(struct node *node, unsigned flags, struct reopening *new, GError **error)
{
    struct file *file = node->opaque;
    if (!file->locking || only_queries(node, flags))
        return 0;
    int ret = locks_take(file->fd, new->perm, node->shared, node->filename, error);
    if (ret < 0) {
        restore_locks(node);
        return ret;
    }
    locks_set(new->call.fd, new->perm, node->shared);
    new->locked = true;
    return 0;
}

static int probe_alignment(void *data)
{
    struct reopening *new = data;
    file_probe_alignment(new->file->fd, &new->call.request_alignment, &new->call.memory_alignment);
    return 0;
}

/* The same descriptor: only what it takes is asked again, as where there was a hole there may be data now. */
static void prepare_same_co(struct node *node)
{
    struct reopening *new = g_new0(struct reopening, 1);
    new->file = node->opaque;
    new->call.fd = -1;
    aio_call_co(node->aio, probe_alignment, new, true);
    node->reopen = new;
}

int file_reopen_prepare_co(struct node *node, unsigned flags, struct options *options, GError **error)
{
    struct file *file = node->opaque;
    unsigned ours = NODE_WRITABLE | NODE_DIRECT;
    if ((flags & ours) == (node->flags & ours)) {
        if (flags & NODE_DIRECT)
            prepare_same_co(node);
        return 0;
    }
    g_autofree struct reopening *new = g_new0(struct reopening, 1);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", file->fd);
    new->call = (struct open_call){.path = path, .flags = flags & ~NODE_AUTO_READ_ONLY};
    new->perm = perm_with(node, flags);
    int ret = open_fd_co(node, &new->call, node->filename, error);
    if (ret < 0)
        return ret;
    ret = relock(node, flags, new, error);
    if (ret < 0) {
        locks_close(new->call.fd);
        return ret;
    }
    new->call.path = NULL;
    node->reopen = g_steal_pointer(&new);
    return 0;
}

void file_reopen_commit_co(struct node *node)
{
    struct file *file = node->opaque;
    g_autofree struct reopening *new = g_steal_pointer(&node->reopen);
    if (!new)
        return;
    if (new->call.fd >= 0) {
        locks_close(file->fd);
        file->fd = new->call.fd;
        file->locked = new->locked;
        node->perm = new->perm;
    }
    apply_alignment(node, &new->call);
}

void file_reopen_abort_co(struct node *node)
{
    g_autofree struct reopening *new = g_steal_pointer(&node->reopen);
    if (!new || new->call.fd < 0)
        return;
    locks_close(new->call.fd);
    restore_locks(node);
}
