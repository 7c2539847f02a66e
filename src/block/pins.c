/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/pins.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/blk-internal.h"
#include "block/node.h"
#include "block/overlay-internal.h"
#include "block/overlay.h"

struct pins {
    GHashTable *files; /* char * -> struct pin, both owned */
    const struct pins *outer;
    bool whole;
};

static void free_pin(void *data)
{
    struct pin *pin = data;
    close(pin->fd);
    g_free(pin);
}

struct pins *pins_new(const struct pins *outer, bool whole)
{
    struct pins *pins = g_new(struct pins, 1);
    *pins = (struct pins){g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_pin), outer, whole};
    return pins;
}

void pins_free(struct pins *pins)
{
    if (!pins)
        return;
    g_hash_table_unref(pins->files);
    g_free(pins);
}

static bool is_same_file(int a, int b)
{
    struct stat one, other;
    return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* What opens the file by its name; a format may have it open without such a node. */
static const struct driver *driver_for(const struct node *node, int fd)
{
    struct stat st;
    if (node->driver->flags & DRIVER_PROTOCOL)
        return node->driver;
    return fstat(fd, &st) == 0 && S_ISBLK(st.st_mode) ? &driver_host_device : &driver_file;
}

static int add_one(struct pins *pins, const struct node *node, GError **error)
{
    int fd = node->driver->descriptor(node);
    if (fd < 0)
        return 0;
    const struct pin *old = g_hash_table_lookup(pins->files, node->filename);
    if (old)
        return is_same_file(old->fd, fd) ? 0 : options_refuse(error, ESTALE, "'%s' was replaced by another file while it was being opened: open it again",
                                                              node->filename);
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return options_refuse(error, errno, "Could not open '%s' once more: %s", node->filename, g_strerror(errno));
    struct pin *pin = g_new(struct pin, 1);
    *pin = (struct pin){copy, driver_for(node, fd)};
    g_hash_table_insert(pins->files, g_strdup(node->filename), pin);
    return 0;
}

/* A node may be reached in many ways: it is looked at once. */
static int add_below(struct pins *pins, const struct node *node, GHashTable *seen, GError **error)
{
    if (!g_hash_table_add(seen, (void *)node))
        return 0;
    int ret = node->driver->descriptor && node->filename ? add_one(pins, node, error) : 0;
    for (unsigned i = 0; ret == 0 && i < node->children->len; i++) {
        const struct node_child *child = g_ptr_array_index(node->children, i);
        if (pins->whole || (child->role != NODE_ROLE_BACKING && child->role != NODE_ROLE_DATA))
            ret = add_below(pins, child->node, seen, error);
    }
    return ret;
}

int pins_add(struct pins *pins, const struct node *node, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    return add_below(pins, node, seen, error);
}

struct pins *pins_of_image(const struct blk *blk, bool whole, GError **error)
{
    struct node *overlay = overlay_of(blk);
    g_autoptr(pins) pins = pins_new(NULL, whole);
    int ret = pins_add(pins, overlay ? ((const struct overlay *)overlay->opaque)->base : blk->root, error);
    return ret == 0 ? g_steal_pointer(&pins) : NULL;
}

const struct pin *pins_find(const struct pins *pins, const char *filename)
{
    const struct pin *pin = NULL;
    for (; pins && !pin; pins = pins->outer)
        pin = g_hash_table_lookup(pins->files, filename);
    return pin;
}

const struct pins *pins_below_image(const struct pins *pins)
{
    while (pins && !pins->whole)
        pins = pins->outer;
    return pins;
}
