/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/extents.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/name.h"
#include "block/nbd/server.h"
#include "block/node.h"
#include "block/options.h"
#include "block/reference.h"
#include "block/vmdk_text.h"
#include "io/aio.h"
#include "util/safetext.h"

gboolean extents_is_whole(const guint8 *bytes, gsize n)
{
    enum { CAPACITY = 12, CAPACITY_BYTES = 8 };
    gboolean any = FALSE;

    if (n >= 4 && memcmp(bytes, "COWD", 4) == 0)
        return TRUE;
    if (n < CAPACITY + CAPACITY_BYTES || memcmp(bytes, "KDMV", 4) != 0)
        return FALSE;
    for (int i = 0; i < CAPACITY_BYTES; i++)
        any = any || bytes[CAPACITY + i];
    return any;
}

/* ---- the files ---- */

struct open_call {
    const char *path;
    const struct reference *agreed; /* NULL: any file will do */
    bool flat;
    int fd;
};

/* "seSparse", whose header is another one. */
static bool is_se_sparse(const uint8_t *bytes, size_t n)
{
    static const uint8_t magic[8] = {0xbe, 0xba, 0xfe, 0xca};

    return n >= sizeof(magic) && memcmp(bytes, magic, sizeof(magic)) == 0;
}

/* -ESTALE: it is another file than the one that was looked at. */
static int check_agreed(const struct open_call *call, int fd)
{
    struct stat st;

    if (!call->agreed)
        return 0;
    struct reference_expect expect = {.device = call->agreed->device, .inode = call->agreed->inode};
    return fstat(fd, &st) < 0 ? -errno : expect.inode ? reference_check(&expect, &st, fd) : -ESTALE;
}

/* Runs where it may block.  -EMEDIUMTYPE: it would name files itself, or is no part of such an image. */
static int open_extent(void *data)
{
    struct open_call *call = data;
    uint8_t head[512];
    int fd = reference_open_plain(call->path), same = fd < 0 ? 0 : check_agreed(call, fd);

    if (same < 0) {
        close(fd);
        return same;
    }
    if (fd >= 0 && !call->flat) {
        ssize_t n = pread(fd, head, sizeof(head), 0);

        if (n < 0 || !(extents_is_whole(head, n) || is_se_sparse(head, n))) {
            int ret = n < 0 ? -errno : -EMEDIUMTYPE;

            close(fd);
            return ret;
        }
    }
    call->fd = fd;
    return MIN(fd, 0);
}

static int fail(int ret, const char *path, GError **error)
{
    g_autofree char *safe = safetext_escape(path, -1);

    g_set_error(error, OPTIONS_ERROR, -ret, "The image names '%s', %s%s", safe,
                ret == -EPERM ? "which is neither a file nor a block device and is not followed"
                : ret == -ESTALE      ? "which is not the file any more that it was when it was looked at"
                : ret == -EMEDIUMTYPE ? "which is no part of a disk by itself and is not followed" : "which could not be opened: ",
                ret == -EPERM || ret == -ESTALE || ret == -EMEDIUMTYPE ? "" : g_strerror(-ret));
    return ret;
}

/* Its descriptor, and without a lock, as everything that is only read. */
static int add_extent_co(struct node *node, struct handed *handed, const struct vmdk_extent *extent, const char *path, const struct reference *agreed,
                         GError **error)
{
    g_autofree char *beside = name_beside(path, extent->name);
    struct open_call call = {.path = beside, .flat = vmdk_extent_is_flat(extent)};
    unsigned i = handed->files->len - 1;
    call.agreed = agreed && i > 0 ? agreed->more->pdata[i - 1] : agreed;
    int ret = name_is_path(extent->name) ? aio_call_co(node->aio, open_extent, &call, false) : -EPERM;

    if (ret < 0)
        return fail(ret, beside, error);
    handed_add(handed, call.fd, beside);
    handed_add_option(handed, g_strdup_printf("extents.%u.driver", i), "file");
    handed_add_option(handed, g_strdup_printf("extents.%u.locking", i), "off");
    return 0;
}

/* ---- the text ---- */

static int read_text_co(struct node *file, struct vmdk_text **ret_text, GError **error)
{
    int64_t size = MIN(file->size, VMDK_TEXT_MAX);
    g_autofree char *bytes = g_malloc0(size + 1);
    int ret = node_pread_co(file, 0, size, (uint8_t *)bytes);

    if (ret < 0) {
        g_set_error(error, OPTIONS_ERROR, -ret, "Could not read the description: %s", g_strerror(-ret));
        return ret;
    }
    *ret_text = vmdk_text_parse(bytes, size, error);
    if (!*ret_text)
        g_prefix_error(error, "The image names other files that hold its bytes, but ");
    return *ret_text ? 0 : -EINVAL;
}

/* In memory, in the first place of handed->files. */
static int write_text(struct handed *handed, const struct vmdk_text *text, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *ours = NULL;
    int fd = g_array_index(handed->files, int, 0);

    for (unsigned i = 1; i < handed->files->len; i++)
        g_ptr_array_add(names, g_strdup_printf("/proc/self/fd/%u", NBD_SERVER_FILES + i));
    ours = vmdk_text_write(text, (const char *const *)names->pdata);
    if (write(fd, ours, strlen(ours)) == (ssize_t)strlen(ours))
        return 0;
    g_set_error_literal(error, OPTIONS_ERROR, ENOMEM, "Could not keep the description in memory");
    return -ENOMEM;
}

int extents_open_co(struct node *node, struct node *file, const char *path, const struct reference *agreed, struct handed **ret_handed, GError **error)
{
    g_autoptr(handed) handed = handed_new();
    g_autoptr(vmdk_text) text = NULL;
    int fd = memfd_create("description", MFD_CLOEXEC), ret = fd < 0 ? -errno : 0;

    if (ret < 0) {
        g_set_error(error, OPTIONS_ERROR, -ret, "Could not keep the description in memory: %s", g_strerror(-ret));
        return ret;
    }
    handed_add(handed, fd, path);
    ret = read_text_co(file, &text, error);
    for (unsigned i = 0; ret == 0 && i < text->extents->len; i++) {
        const struct vmdk_extent *extent = text->extents->pdata[i];

        if (extent->name)
            ret = add_extent_co(node, handed, extent, path, agreed, error);
    }
    if (ret == 0)
        ret = write_text(handed, text, error);
    if (ret == 0)
        *ret_handed = g_steal_pointer(&handed);
    return ret;
}

/* ---- looking ---- */

/* Its size, and as one more reference what it names. */
static int look_at_extent_co(struct node *node, const struct vmdk_extent *extent, const char *path, struct reference **first, int64_t *size)
{
    if (extent->sectors > (uint64_t)(NODE_LENGTH_MAX - *size) / 512)
        return -EFBIG;
    *size += (int64_t)extent->sectors * 512;
    if (!extent->name)
        return 0;
    struct reference *reference = reference_new(REFERENCE_EXTENTS, node->layer, path, extent->name, "vmdk");
    reference_look_co(reference, path, node->aio);
    if (!*first) {
        *first = reference;
        return 0;
    }
    if (!(*first)->more)
        (*first)->more = g_ptr_array_new_with_free_func((GDestroyNotify)reference_free);
    g_ptr_array_add((*first)->more, reference);
    return 0;
}

int extents_look_co(struct node *node, struct node *file, const char *path, struct reference **ret_reference, int64_t *ret_size, GError **error)
{
    g_autoptr(vmdk_text) text = NULL;
    g_autoptr(reference) first = NULL;
    int64_t size = 0;
    int ret = read_text_co(file, &text, error);

    for (unsigned i = 0; ret == 0 && i < text->extents->len; i++) {
        ret = look_at_extent_co(node, text->extents->pdata[i], path, &first, &size);
        if (ret < 0)
            options_refuse(error, -ret, "The image names other files that hold its bytes, but they are too large");
    }
    if (ret < 0)
        return ret;
    *ret_reference = g_steal_pointer(&first); /* NULL: there are only zeroes */
    *ret_size = size;
    return 0;
}
