/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/parents.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "block/nbd/server.h"
#include "block/node.h"
#include "block/options.h"
#include "block/parent_name.h"
#include "util/safetext.h"

static int refuse(GError **error, const struct node *layer, const char *what)
{
    g_autofree char *safe = safetext_escape(layer->filename ? layer->filename : layer->name, -1);

    return options_refuse(error, ENOTSUP, "qemu-nbd, which writes to the image, can't be handed the backing file '%s': %s; open it without -w, or with -s",
                          safe, what);
}

/* Whether qemu-nbd reads the same bytes in the layer's file as is done here. */
static int check_layer(const struct node *layer, GError **error)
{
    static const char *const formats[] = {"raw", "qcow", "qcow2", "qed", "vmdk", "vdi", "vhdx", "vpc", "parallels", NULL};

    if (!g_strv_contains(formats, layer->driver->name)) {
        g_autofree char *what = g_strdup_printf("it is a %s node", layer->driver->name);

        return refuse(error, layer, what);
    }
    if (node_child_in_role(layer, NODE_ROLE_DATA))
        return refuse(error, layer, "its bytes are in another file");
    if (options_has(layer->options, "offset") || options_has(layer->options, "size"))
        return refuse(error, layer, "it is a part of a file");
    return options_has_child(layer->options, "encrypt") ? refuse(error, layer, "it needs a key") : 0;
}

/* A descriptor of its file, which stays its own; -1: it is in none. */
static int descriptor_of(const struct node *layer)
{
    const struct node *holder = layer->driver->descriptor ? layer : layer->file;

    return holder && holder->driver->descriptor ? holder->driver->descriptor(holder) : -1;
}

/* prefix: "backing.", "backing.backing.", ... */
static void add_options(struct handed *parents, const char *prefix, const struct node *layer, bool device, unsigned number)
{
    g_autofree char *name = g_strdup_printf("/proc/self/fd/%u", number);

    handed_add_option(parents, g_strconcat(prefix, "driver", NULL), layer->driver->name);
    handed_add_option(parents, g_strconcat(prefix, "read-only", NULL), "on");
    handed_add_option(parents, g_strconcat(prefix, "file.driver", NULL), device ? "host_device" : "file");
    handed_add_option(parents, g_strconcat(prefix, "file.filename", NULL), name);
    handed_add_option(parents, g_strconcat(prefix, "file.locking", NULL), "off");
}

static int hand_layer(struct handed *parents, const char *prefix, const struct node *layer, unsigned first, GError **error)
{
    int fd = descriptor_of(layer), copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    struct stat st;

    if (fd < 0)
        return refuse(error, layer, "it is in no file");
    if (copy < 0)
        return refuse(error, layer, g_strerror(errno));
    handed_add(parents, copy, layer->filename ? layer->filename : layer->name);
    add_options(parents, prefix, layer, fstat(fd, &st) == 0 && S_ISBLK(st.st_mode), NBD_SERVER_FILES + first + parents->files->len - 1);
    return 0;
}

int parents_hand(struct node *backing, unsigned first, struct handed **ret_parents, GError **error)
{
    g_autoptr(handed) parents = handed_new();
    g_autoptr(GString) prefix = g_string_new("backing.");
    const struct node *last = NULL;

    for (const struct node *layer = backing; layer; layer = node_child_in_role(layer, NODE_ROLE_BACKING)) {
        int ret = parents->files->len == PARENTS_MAX ? refuse(error, layer, "there are too many") : check_layer(layer, error);

        if (ret == 0)
            ret = hand_layer(parents, prefix->str, layer, first, error);
        if (ret < 0)
            return ret;
        g_string_append(prefix, "backing.");
        last = layer;
    }
    if (last && parent_is_possible(last->driver->name)) { /* whatever it names */
        g_string_truncate(prefix, prefix->len - strlen("backing."));
        handed_add_option(parents, g_strconcat(prefix->str, "backing", NULL), NULL);
    }
    *ret_parents = g_steal_pointer(&parents);
    return 0;
}
