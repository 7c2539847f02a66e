/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files of a new image: made beside their places, put there in the end.
 *
 * Where the file system can, they have no name until then, so that nothing is left of them however the program ends.  Elsewhere they have one that
 * says whose they are; the broker (io/broker.h), where there is one, removes such a file when the program has ended before it was put into its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/blk-internal.h"
#include "block/create.h"
#include "block/file-internal.h"
#include "block/locks.h"
#include "io/broker.h"
#include "io/sandbox.h"

enum { NAMES_MAX = 100 };

struct staged {
    char *path;      /* where it goes, a symbolic link followed */
    char *temporary; /* where it is: a path */
    int nameless;    /* a descriptor, and temporary is its path in /proc; -1: temporary is a name of its own */
    bool replaces;   /* a file is there */
    bool exchanged;  /* they have changed places: temporary is what was there */
};

/* What runs where it may block. */
struct file_call {
    const char *path;
    struct staged *staged;
    struct stat st;  /* of what is at path, if anything is */
    bool there;
    bool no_cow;
    int fd;          /* of what is there, for its locks */
};

static int fail(GError **error, int ret, const char *path)
{
    bool sandbox = ret == -EROFS && sandbox_is_read_only();
    g_set_error(error, OPTIONS_ERROR, -ret, "Could not create '%s': %s", path, sandbox ? SANDBOX_ADVICE_WRITE : g_strerror(-ret));
    return ret;
}

static void free_staged(void *data)
{
    struct staged *staged = data;
    if (staged->nameless >= 0)
        close(staged->nameless);
    g_free(staged->path);
    g_free(staged->temporary);
    g_free(staged);
}

/* ---- what is there already ---- */

static int look(void *data)
{
    struct file_call *call = data;
    call->there = stat(call->path, &call->st) == 0;
    if (!call->there)
        return errno == ENOENT ? 0 : -errno;
    if (S_ISDIR(call->st.st_mode))
        return -EISDIR;
    if (!S_ISREG(call->st.st_mode))
        return -EINVAL;
    call->fd = broker_open(call->path, O_RDWR | O_CLOEXEC | O_NONBLOCK, 0);
    return MIN(call->fd, 0);
}

static int close_file(void *data)
{
    struct file_call *call = data;
    return close(call->fd);
}

/* Whether a file is one that the node or one below it has open. */
static bool is_open(const struct node *node, const struct stat *wanted)
{
    struct stat st;
    if (node->driver == &driver_file) {
        const struct file *file = node->opaque;
        return fstat(file->fd, &st) == 0 && st.st_dev == wanted->st_dev && st.st_ino == wanted->st_ino;
    }
    for (unsigned i = 0; i < node->children->len; i++) {
        const struct node_child *child = node->children->pdata[i];
        if (is_open(child->node, wanted))
            return true;
    }
    return false;
}

static int look_at(void *data)
{
    struct file_call *call = data;
    return stat(call->path, &call->st);
}

bool create_needs_co(struct create *create, const char *path)
{
    struct file_call call = {.path = path};
    const struct blk *open = create->how->open;
    return open && aio_call_co(create->how->aio, look_at, &call, true) == 0 && is_open(open->root, &call.st);
}

static int check_there(const struct create *create, const struct file_call *call, GError **error)
{
    if (!create->how->replace)
        return fail(error, -EEXIST, call->path);
    const struct blk *images[] = {create->how->open, create->backing_open};
    for (unsigned i = 0; i < G_N_ELEMENTS(images); i++) {
        if (!images[i] || !is_open(images[i]->root, &call->st))
            continue;
        g_set_error(error, OPTIONS_ERROR, EBUSY, "Could not create '%s': %s", call->path,
                    i ? "the backing file needs it" : "the open image needs it");
        return -EBUSY;
    }
    /* Nobody may have it open, not even who lets others write. */
    return locks_available(call->fd) ? locks_check(call->fd, NODE_PERM_WRITE | NODE_PERM_RESIZE, 0, call->path, error) : 0;
}

static int check_place_co(struct create *create, struct file_call *call, GError **error)
{
    int ret = aio_call_co(create->how->aio, look, call, true);
    if (ret == -EINVAL) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Could not create '%s': it is there and no regular file", call->path);
        return ret;
    }
    if (ret == -EROFS && !create->how->replace)
        ret = -EEXIST;
    if (ret < 0)
        return fail(error, ret, call->path);
    if (!call->there)
        return 0;
    ret = check_there(create, call, error);
    aio_call_co(create->how->aio, close_file, call, true);
    return ret;
}

/* ---- making ---- */

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? g_strndup(path, MAX(1, slash - path)) : g_strdup(".");
}

static char *beside(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    return g_strdup_printf("%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, name);
}

/* A file without a name in the folder of path, which can be given one later; *ret_file is how to open it.  -ENOTSUP: not here. */
static int make_nameless(const char *path, char **ret_file)
{
    g_autofree char *folder = folder_of(path), *name = NULL;
    if (broker_runs())
        return -ENOTSUP;
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
    if (fd < 0)
        return -ENOTSUP;
    name = g_strdup_printf("/proc/self/fd/%d", fd);
    if (access(name, R_OK | W_OK) < 0) {
        close(fd);
        return -ENOTSUP;
    }
    *ret_file = g_steal_pointer(&name);
    return fd;
}

/* With a name, as long as it takes to put it into a place where something is. */
static int give_name(struct staged *staged)
{
    int ret = -EEXIST;
    for (unsigned tries = 0; ret == -EEXIST && tries < NAMES_MAX; tries++) {
        g_autofree char *last = g_strdup_printf(".blkscope-%08x", g_random_int()), *name = beside(staged->path, last);
        ret = linkat(AT_FDCWD, staged->temporary, AT_FDCWD, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
        if (ret == 0) {
            g_free(staged->temporary);
            staged->temporary = g_steal_pointer(&name);
            close(staged->nameless);
            staged->nameless = -1;
        }
    }
    return ret;
}

static int make(void *data)
{
    struct file_call *call = data;
    struct staged *staged = call->staged;
    char *real = call->there ? realpath(call->path, NULL) : NULL;
    staged->path = g_strdup(real ? real : call->path);
    free(real);
    int fd = *staged->path ? make_nameless(staged->path, &staged->temporary) : -ENOENT;
    if (fd >= 0) {
        staged->nameless = fd;
        if (call->no_cow)
            broker_set_no_cow(fd);
    } else if (fd == -ENOTSUP) {
        staged->temporary = beside(staged->path, ".blkscope-XXXXXX");
        fd = broker_make_temporary(staged->temporary, 0644, call->no_cow);
    }
    if (fd < 0) {
        g_clear_pointer(&staged->temporary, g_free);
        return fd;
    }
    staged->replaces = call->there;
    if (call->there && (fchown(fd, call->st.st_uid, call->st.st_gid) < 0 || fchmod(fd, call->st.st_mode & 07777) < 0))
        errno = 0; /* not ours to give away: it is the maker's then */
    if (staged->nameless < 0)
        close(fd);
    return 0;
}

int create_stage_co(struct create *create, const char *path, const char **ret_file, GError **error)
{
    const char *no_cow = options_get(create->options, "nocow");
    struct file_call call = {.path = path, .staged = g_new0(struct staged, 1), .no_cow = no_cow && options_parse_bool(no_cow) == 1};
    call.staged->nameless = -1;
    if (!create->staged)
        create->staged = g_ptr_array_new_with_free_func(free_staged);
    g_ptr_array_add(create->staged, call.staged);
    int ret = check_place_co(create, &call, error);
    if (ret < 0)
        return ret;
    ret = aio_call_co(create->how->aio, make, &call, true);
    if (ret < 0)
        return fail(error, ret, path);
    *ret_file = call.staged->temporary;
    return 0;
}

/* ---- the end ---- */

static int flush_and_rename(struct staged *staged)
{
    int fd = open(staged->temporary, O_RDONLY | O_CLOEXEC);
    int ret = fd < 0 || fdatasync(fd) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    if (ret < 0)
        return ret;
    if (staged->nameless >= 0 && !staged->replaces)
        return linkat(AT_FDCWD, staged->temporary, AT_FDCWD, staged->path, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
    if (staged->nameless >= 0)
        ret = give_name(staged);
    if (ret < 0)
        return ret;
    if (!staged->replaces)
        return broker_rename_new(staged->temporary, staged->path);
    ret = broker_exchange(staged->temporary, staged->path);
    staged->exchanged = ret == 0;
    return ret == -EINVAL || ret == -ENOSYS ? broker_replace(staged->temporary, staged->path) : ret;
}

/* One of the others could not be put into its place.  What replaced a file without exchanging them stays. */
static void undo(struct staged *staged)
{
    if (!staged->replaces)
        broker_remove(staged->path);
    else if (staged->exchanged && broker_replace(staged->temporary, staged->path) == 0)
        g_clear_pointer(&staged->temporary, g_free);
}

struct publish_call {
    GPtrArray *staged;
    const char *failed; /* the path it failed with */
};

/* The image itself is the first one staged and the last one put into its place: it names the others. */
static int publish(void *data)
{
    struct publish_call *call = data;
    for (unsigned i = call->staged->len; i-- > 0;) {
        struct staged *staged = call->staged->pdata[i];
        int ret = flush_and_rename(staged);
        if (ret == 0) {
            if (!staged->exchanged)
                g_clear_pointer(&staged->temporary, g_free);
            continue;
        }
        call->failed = staged->path;
        for (unsigned done = i + 1; done < call->staged->len; done++)
            undo(call->staged->pdata[done]);
        return ret;
    }
    return 0;
}

static int remove_all(void *data)
{
    GPtrArray *all = data;
    for (unsigned i = 0; i < all->len; i++) {
        struct staged *staged = all->pdata[i];
        if (staged->temporary && staged->nameless < 0)
            broker_remove(staged->temporary);
    }
    return 0;
}

int create_publish_co(struct create *create, GError **error)
{
    struct publish_call call = {.staged = create->staged};
    int ret = aio_call_co(create->how->aio, publish, &call, false);
    if (ret < 0)
        fail(error, ret, call.failed);
    create_discard_co(create);
    return ret;
}

void create_discard_co(struct create *create)
{
    if (create->staged)
        aio_call_co(create->how->aio, remove_all, create->staged, true);
    g_clear_pointer(&create->staged, g_ptr_array_unref);
}

/* ---- filling ---- */

int create_open_co(struct create *create, struct options *options, struct node **ret_node, GError **error)
{
    struct node_how how = {
        .flags = NODE_WRITABLE | NODE_NO_FLUSH,
        .perm = NODE_PERM_READ | NODE_PERM_WRITE | NODE_PERM_RESIZE,
        .shared = NODE_PERM_ALL,
        .refs = BLK_REFS_NONE,
        .aio = create->how->aio,
        .registry = &create->registry,
    };
    return node_open_co(options, &how, ret_node, error);
}

void create_set_child(struct options *options, const char *child, const char *staged)
{
    static const char *const keys[] = {"driver", "filename", "locking"};
    const char *const values[] = {"file", staged, "off"};
    for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *key = child ? g_strconcat(child, ".", keys[i], NULL) : g_strdup(keys[i]);
        options_set(options, key, values[i]);
    }
}

int create_open_file_co(struct create *create, const char *staged, struct node **ret_node, GError **error)
{
    struct options *options = options_new();
    create_set_child(options, NULL, staged);
    return create_open_co(create, options, ret_node, error);
}

int create_resize_co(struct create *create, const char *staged, int64_t size, enum blk_prealloc prealloc, GError **error)
{
    struct node *node;
    int ret = create_open_file_co(create, staged, &node, error);
    if (ret < 0)
        return ret;
    ret = node_truncate_co(node, size, true, prealloc, error);
    int closed = node_unref_co(node);
    if (ret == 0 && closed < 0)
        g_set_error_literal(error, OPTIONS_ERROR, -closed, g_strerror(-closed));
    return ret < 0 ? ret : closed;
}
