/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/parents.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/extents.h"
#include "block/name.h"
#include "block/nbd/server.h"
#include "block/node.h"
#include "block/options.h"
#include "block/parent_name.h"
#include "block/probe.h"
#include "block/qcow2/header.h"
#include "block/reference.h"
#include "io/aio.h"
#include "util/safetext.h"

/* ---- a file ---- */

/* The image that was reached: the one that names the next, with what was read of it. */
struct layer {
    char *path, *format;
    uint8_t *head;
    size_t n;
    int fd; /* of parents->files, or borrowed */
    bool device;
};

static void layer_clear(struct layer *layer)
{
    g_free(layer->path);
    g_free(layer->format);
    g_free(layer->head);
}

/* Runs where it may block. */
static int open_layer(void *data)
{
    struct layer *layer = data;
    struct stat st;
    int fd = reference_open_plain(layer->path);

    if (fd < 0)
        return fd;
    ssize_t n = pread(fd, layer->head, PARENT_NAME_HEAD, 0);
    if (n < 0 || fstat(fd, &st) < 0) {
        int ret = -errno;

        close(fd);
        return ret;
    }
    layer->n = n;
    layer->fd = fd;
    layer->device = S_ISBLK(st.st_mode);
    return 0;
}

static int refuse(GError **error, int ret, const char *path, const char *what)
{
    g_autofree char *safe = safetext_escape(path, -1);

    return options_refuse(error, -ret, "The image names the backing file '%s', %s", safe, what);
}

static int fail(GError **error, int ret, const char *path)
{
    g_autofree char *what = g_strdup_printf("which could not be opened: %s", g_strerror(-ret));

    return refuse(error, ret, path, ret == -EPERM ? "which is neither a file nor a block device and is not followed" : what);
}

/* Whether it is one that was passed: following it would never end. */
static int check_loop(const struct handed *parents, int image, const struct layer *layer, GError **error)
{
    struct stat st, other;

    if (fstat(layer->fd, &st) < 0)
        return fail(error, -errno, layer->path);
    for (unsigned i = 0; i <= parents->files->len; i++) {
        int fd = i < parents->files->len ? g_array_index(parents->files, int, i) : image;

        if (fd == layer->fd || fstat(fd, &other) < 0 || other.st_dev != st.st_dev || other.st_ino != st.st_ino)
            continue;
        g_autofree char *safe = safetext_escape(layer->path, -1);
        return options_refuse(error, ELOOP, "Could not open backing file: '%s' is already part of this backing chain", safe);
    }
    return 0;
}

/* Whether all bytes of its disk are in itself and what it names as its backing file. */
static int check_format(const struct layer *layer, GError **error)
{
    static const char *const formats[] = {"raw", "qcow", "qcow2", "qed", "vmdk", "vdi", "vhdx", "vpc", "parallels", NULL};
    struct qcow2_header header = {0};

    if (!g_strv_contains(formats, layer->format)) {
        g_autofree char *safe = safetext_escape(layer->format, -1), *what = g_strdup_printf("which is in %s format and is not followed", safe);

        return refuse(error, -EPERM, layer->path, what);
    }
    if (strcmp(layer->format, "vmdk") == 0 && !extents_is_whole(layer->head, layer->n))
        return refuse(error, -EPERM, layer->path, "which is no vmdk image with its bytes in itself and is not followed");
    if (strcmp(layer->format, "qcow2") != 0)
        return 0;
    if (layer->n < QCOW2_HEADER_V2)
        return refuse(error, -EINVAL, layer->path, "which is no qcow2 image");
    qcow2_header_parse(layer->head, layer->n, &header);
    if (header.incompatible & QCOW2_INCOMPATIBLE_DATA_FILE)
        return refuse(error, -EPERM, layer->path, "which names another file that holds its bytes and is not followed");
    return 0;
}

/* ---- the options ---- */

/* prefix: "backing.", "backing.backing.", ... */
static void add_options(struct handed *parents, const char *prefix, const struct layer *layer, unsigned number)
{
    g_autofree char *name = g_strdup_printf("/proc/self/fd/%u", number);

    handed_add_option(parents, g_strconcat(prefix, "driver", NULL), layer->format);
    handed_add_option(parents, g_strconcat(prefix, "read-only", NULL), "on");
    handed_add_option(parents, g_strconcat(prefix, "file.driver", NULL), layer->device ? "host_device" : "file");
    handed_add_option(parents, g_strconcat(prefix, "file.filename", NULL), name);
    handed_add_option(parents, g_strconcat(prefix, "file.locking", NULL), "off");
}

/* ---- all ---- */

static int open_next_co(struct node *node, struct handed *parents, int image, struct layer *layer, const char *name, GError **error)
{
    struct layer next = {.head = g_malloc0(PARENT_NAME_HEAD), .path = name_beside(layer->path, name),
                         .format = parent_format(layer->format, layer->head, layer->n)};
    int ret = 0;

    if (!name_is_path(name))
        ret = refuse(error, -EPERM, name, "which is not a plain path and is not followed");
    else if (parents->files->len == PARENTS_MAX)
        ret = options_refuse(error, ELOOP, "Could not open backing file: More than %d of them below each other are not followed through qemu-nbd", PARENTS_MAX);
    else if ((ret = aio_call_co(node->aio, open_layer, &next, false)) < 0)
        ret = fail(error, ret, next.path);
    if (ret == 0)
        handed_add(parents, next.fd, next.path);
    if (ret == 0 && !next.format)
        next.format = g_strdup(probe_format(next.head, MIN(next.n, PROBE_BYTES), next.path));
    if (ret == 0)
        ret = check_loop(parents, image, &next, error);
    if (ret == 0)
        ret = check_format(&next, error);
    layer_clear(layer);
    *layer = next;
    return ret;
}

/* The layer's backing file's name: 1, 0 if it names none, or a negative errno. */
static int next_name(const struct layer *layer, char **ret_name, GError **error)
{
    if (!parent_is_possible(layer->format) || !parent_is_named(layer->format, layer->head, layer->n))
        return 0;
    *ret_name = parent_name(layer->format, layer->head, layer->n);
    if (*ret_name)
        return 1;
    g_autofree char *safe = safetext_escape(layer->path, -1);
    return options_refuse(error, EINVAL, "'%s' names a backing file where it is not looked for, or by no name that there can be", safe);
}

static int walk_co(struct node *node, struct handed *parents, const struct parents_image *image, struct layer *layer, GError **error)
{
    g_autoptr(GString) prefix = g_string_new("backing.");
    int ret;

    for (;;) {
        g_autofree char *name = NULL;

        ret = next_name(layer, &name, error);
        if (ret <= 0)
            break;
        ret = open_next_co(node, parents, image->fd, layer, name, error);
        if (ret < 0)
            break;
        add_options(parents, prefix->str, layer, NBD_SERVER_FILES + image->first + parents->files->len - 1);
        g_string_append(prefix, "backing.");
    }
    if (ret == 0 && parents->files->len && parent_is_possible(layer->format)) {
        g_string_truncate(prefix, prefix->len - strlen("backing."));
        handed_add_option(parents, g_strconcat(prefix->str, "backing", NULL), NULL);
    }
    return ret;
}

int parents_open_co(struct node *node, const struct parents_image *image, struct handed **ret_parents, GError **error)
{
    g_autoptr(handed) parents = handed_new();
    struct layer layer = {.path = g_strdup(image->path), .format = g_strdup(image->format), .head = g_memdup2(image->bytes, image->n), .n = image->n,
                          .fd = image->fd};
    int ret = walk_co(node, parents, image, &layer, error);

    layer_clear(&layer);
    if (ret == 0 && parents->files->len)
        *ret_parents = g_steal_pointer(&parents);
    return ret;
}
