/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/reference.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "block/name.h"
#include "io/aio.h"
#include "util/safetext.h"

struct reference *reference_new(enum reference_role role, unsigned layer, const char *image, const char *name, const char *format)
{
    struct reference *reference = g_new0(struct reference, 1);

    reference->role = role;
    reference->layer = layer;
    reference->name = g_strdup(name);
    reference->format = g_strdup(format);
    reference->path = name_beside(image, name);
    if (g_str_has_prefix(name, "json:"))
        reference->kind = REFERENCE_JSON;
    else if (!name_is_path(name))
        reference->kind = REFERENCE_PROTOCOL;
    return reference;
}

struct reference *reference_copy(const struct reference *reference)
{
    struct reference *copy = g_memdup2(reference, sizeof(*reference));

    copy->name = g_strdup(reference->name);
    copy->path = g_strdup(reference->path);
    copy->format = g_strdup(reference->format);
    copy->target = g_strdup(reference->target);
    copy->beside = g_strdup(reference->beside);
    copy->more = reference->more ? g_ptr_array_new_with_free_func((GDestroyNotify)reference_free) : NULL;
    for (unsigned i = 0; reference->more && i < reference->more->len; i++)
        g_ptr_array_add(copy->more, reference_copy(reference->more->pdata[i]));
    return copy;
}

void reference_free(struct reference *reference)
{
    if (!reference)
        return;
    g_free(reference->name);
    g_free(reference->path);
    g_free(reference->format);
    g_free(reference->target);
    g_free(reference->beside);
    if (reference->more)
        g_ptr_array_unref(reference->more);
    g_free(reference);
}

/* ---- looking ---- */

struct look {
    const char *path, *image;
    struct stat st;
    char *target; /* malloc */
    char *beside;
    bool outside, of_kernel;
};

static bool is_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    if (strcmp(folder, "/") == 0)
        return true;
    return strncmp(path, folder, len) == 0 && path[len] == '/';
}

/* Where files were moved together, the one that is missing lies beside the image. */
static char *find_beside(const char *path, const char *image)
{
    g_autofree char *base = g_path_get_basename(path), *folder = image ? g_path_get_dirname(image) : g_strdup(".");
    g_autofree char *beside = g_build_filename(folder, base, NULL);
    struct stat st;

    return stat(beside, &st) == 0 && S_ISREG(st.st_mode) ? g_steal_pointer(&beside) : NULL;
}

static bool is_of_kernel(const struct statfs *fs)
{
    static const uint32_t magics[] = {PROC_SUPER_MAGIC,   SYSFS_MAGIC,   DEBUGFS_MAGIC,  TRACEFS_MAGIC,  SECURITYFS_MAGIC,   CGROUP_SUPER_MAGIC,
                                      CGROUP2_SUPER_MAGIC, BPF_FS_MAGIC, EFIVARFS_MAGIC, SELINUX_MAGIC,  SMACK_MAGIC,        PSTOREFS_MAGIC,
                                      BINFMTFS_MAGIC,     NSFS_MAGIC,    0x62656570 /* configfs */,      0x65735543 /* fusectl */};

    for (unsigned i = 0; i < G_N_ELEMENTS(magics); i++) {
        if ((uint32_t)fs->f_type == magics[i])
            return true;
    }
    return false;
}

/* Runs where it may block. */
static int look(void *data)
{
    struct look *look = data;
    struct statfs fs;
    char *image;

    if (stat(look->path, &look->st) < 0) {
        int ret = -errno;

        if (ret == -ENOENT || ret == -ENOTDIR)
            look->beside = find_beside(look->path, look->image);
        return ret;
    }
    look->of_kernel = S_ISREG(look->st.st_mode) && statfs(look->path, &fs) == 0 && is_of_kernel(&fs);
    look->target = realpath(look->path, NULL);
    image = look->image ? realpath(look->image, NULL) : NULL;
    if (look->target && image) {
        g_autofree char *folder = g_path_get_dirname(image);

        look->outside = !is_below(look->target, folder);
    }
    free(image);
    return 0;
}

static enum reference_kind kind_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return REFERENCE_REGULAR;
    case S_IFBLK:
        return REFERENCE_BLOCK_DEVICE;
    case S_IFCHR:
        return REFERENCE_CHARACTER_DEVICE;
    case S_IFIFO:
        return REFERENCE_PIPE;
    case S_IFSOCK:
        return REFERENCE_SOCKET;
    case S_IFDIR:
        return REFERENCE_FOLDER;
    default:
        return REFERENCE_UNKNOWN;
    }
}

void reference_look_co(struct reference *reference, const char *image, struct aio *aio)
{
    struct look call = {.path = reference->path, .image = image};
    int ret;

    if (reference->kind == REFERENCE_JSON || reference->kind == REFERENCE_PROTOCOL)
        return;
    ret = aio_call_co(aio, look, &call, true);
    if (ret < 0) {
        reference->kind = ret == -ENOENT || ret == -ENOTDIR ? REFERENCE_MISSING : REFERENCE_UNKNOWN;
        reference->error = ret;
        reference->beside = call.beside;
        return;
    }
    reference->kind = call.of_kernel ? REFERENCE_KERNEL : kind_of(call.st.st_mode);
    reference->owner = call.st.st_uid;
    reference->device = call.st.st_dev;
    reference->inode = call.st.st_ino;
    reference->target = g_strdup(call.target);
    reference->outside = call.outside;
    free(call.target);
}

/* ---- agreement ---- */

static bool is_same(const struct reference *a, const struct reference *b)
{
    unsigned n = a->more ? a->more->len : 0;
    bool same = a->role == b->role && a->layer == b->layer && strcmp(a->name, b->name) == 0 && g_strcmp0(a->format, b->format) == 0 &&
                n == (b->more ? b->more->len : 0);

    for (unsigned i = 0; same && i < n; i++)
        same = is_same(a->more->pdata[i], b->more->pdata[i]);
    return same;
}

const struct reference *reference_find(const GPtrArray *approved, const struct reference *wanted)
{
    for (unsigned i = 0; approved && i < approved->len; i++) {
        const struct reference *one = approved->pdata[i];

        if (is_same(one, wanted))
            return one;
    }
    return NULL;
}

int reference_check(const struct reference_expect *expect, const struct stat *st, int fd)
{
    struct statfs fs;

    if (expect->plain && !S_ISBLK(st->st_mode) && (!S_ISREG(st->st_mode) || fstatfs(fd, &fs) < 0 || is_of_kernel(&fs)))
        return -EPERM;
    if (expect->inode && (st->st_ino != expect->inode || st->st_dev != expect->device))
        return -ESTALE;
    return 0;
}

int reference_open_plain(const char *path)
{
    struct reference_expect plain = {.plain = true};
    struct stat st;
    int place = open(path, O_PATH | O_CLOEXEC), fd;

    if (place < 0)
        return -errno;
    fd = fstat(place, &st) < 0 ? -errno : reference_check(&plain, &st, place);
    if (fd == 0) {
        g_autofree char *same = g_strdup_printf("/proc/self/fd/%d", place);

        fd = open(same, O_RDONLY | O_CLOEXEC);
        fd = fd < 0 ? -errno : fd;
    }
    close(place);
    return fd;
}

static void add(GString *text, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void add(GString *text, const char *format, ...)
{
    va_list args;

    if (text->len)
        g_string_append(text, ", ");
    va_start(args, format);
    g_string_append_vprintf(text, format, args);
    va_end(args);
}

static void add_owner(GString *text, uid_t owner)
{
    if (owner == getuid())
        add(text, "yours");
    else if (owner == 0)
        add(text, "of root");
    else
        add(text, "of user %u", (unsigned)owner);
}

char *reference_describe(const struct reference *reference)
{
    GString *text = g_string_new(reference->kind != REFERENCE_UNKNOWN ? reference_kind_name(reference->kind) : "");

    if (reference->inode)
        add_owner(text, reference->owner);
    if (reference->outside)
        add(text, "outside the image's folder");
    if (reference->loop)
        add(text, "already part of this chain");
    g_autofree char *whole = g_canonicalize_filename(reference->path, NULL);

    if (reference->target && strcmp(reference->target, whole) != 0) {
        g_autofree char *safe = safetext_escape(reference->target, -1);

        add(text, "is '%s'", safe);
    }
    if (reference->error && reference->kind == REFERENCE_UNKNOWN)
        add(text, "can't be looked at: %s", g_strerror(-reference->error));
    if (reference->beside) {
        g_autofree char *safe = safetext_escape(reference->beside, -1);

        add(text, "but there is '%s'", safe);
    }
    return g_string_free(text, FALSE);
}

const char *reference_role_name(enum reference_role role)
{
    static const char *const names[] = {[REFERENCE_BACKING] = "backing", [REFERENCE_DATA] = "data-file", [REFERENCE_EXTENTS] = "extents"};

    return names[role];
}

const char *reference_kind_name(enum reference_kind kind)
{
    static const char *const names[] = {
        [REFERENCE_UNKNOWN] = "unknown",
        [REFERENCE_REGULAR] = "regular file",
        [REFERENCE_KERNEL] = "file that the kernel makes up",
        [REFERENCE_BLOCK_DEVICE] = "block device",
        [REFERENCE_CHARACTER_DEVICE] = "character device",
        [REFERENCE_PIPE] = "pipe",
        [REFERENCE_SOCKET] = "socket",
        [REFERENCE_FOLDER] = "folder",
        [REFERENCE_MISSING] = "missing",
        [REFERENCE_PROTOCOL] = "protocol",
        [REFERENCE_JSON] = "json",
    };

    return names[kind];
}
