/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Formats without a driver of our own: qemu-nbd opens the image, and what it exports is the child.
 *
 * The image's options are handed on as they are.  A file that an image names (a backing file, the extents of a vmdk description) is
 * opened by qemu-nbd without asking us: so it is told to open none, unless references are followed as the reference program does.
 */
#include "block/foreign.h"

#include <errno.h>
#include <string.h>

#include "block/nbd/server.h"
#include "block/node.h"
#include "block/open.h"
#include "util/safetext.h"

struct foreign {
    struct nbd_server *server;
};

/* ---- the image for qemu-nbd ---- */

static void add_json_string(GString *json, const char *text)
{
    g_string_append_c(json, '"');
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20)
            g_string_append_printf(json, "\\u%04x", (unsigned char)*p);
        else if (*p == '"' || *p == '\\')
            g_string_append_printf(json, "\\%c", *p);
        else
            g_string_append_c(json, *p);
    }
    g_string_append_c(json, '"');
}

static void add_member(GString *json, const char *key, const char *value)
{
    g_string_append(json, json->str[json->len - 1] == '{' ? "" : ",");
    add_json_string(json, key);
    g_string_append_c(json, ':');
    if (value)
        add_json_string(json, value);
    else
        g_string_append(json, "null");
}

static void add_switch(GString *json, const char *key, bool on)
{
    add_member(json, key, on ? "on" : "off");
}

static bool has_backing(const char *format)
{
    static const char *const formats[] = {"qcow", "qcow2", "qed", "vmdk", NULL};

    return g_strv_contains(formats, format);
}

/* Absolute, so that nothing in it is taken for a protocol. */
static int take_filename(struct node *node, struct options *options, char **ret_filename, GError **error)
{
    g_autoptr(options) file = options_take_child(options, "file");
    const char *filename = options_get(file, "filename"), *driver = options_get(file, "driver");

    if (driver && strcmp(driver, "file") != 0 && strcmp(driver, "host_device") != 0) {
        g_set_error(error, OPTIONS_ERROR, ENOTSUP, "a %s image is read through qemu-nbd, and has to be in a file or on a device for that",
                    node->driver->name);
        return -ENOTSUP;
    }
    if (!filename) {
        g_set_error_literal(error, OPTIONS_ERROR, EINVAL, "A block device must be specified for \"file\"");
        return -EINVAL;
    }
    *ret_filename = g_canonicalize_filename(filename, NULL);
    return 0;
}

/* The rest of options goes into the JSON; ids of secrets among them into secrets. */
static void add_options(GString *json, struct options *options, GPtrArray *secrets)
{
    while (options_count(options)) {
        g_autofree char *name = NULL;
        const char *key, *value;

        options_at(options, 0, &key, &value);
        add_member(json, key, value);
        if (value && g_str_has_suffix(key, "key-secret"))
            g_ptr_array_add(secrets, g_strdup(value));
        name = g_strdup(key);
        options_remove(options, name);
    }
    g_ptr_array_add(secrets, NULL);
}

static char *describe(const struct node *node, const char *filename, struct options *options, GPtrArray *secrets)
{
    bool writable = node->flags & NODE_WRITABLE;
    bool unlocked = node->flags & NODE_FORCE_SHARE || (node->flags & NODE_QUERY_LOCKS && !writable);
    GString *json = g_string_new("json:{");

    add_member(json, "driver", node->driver->name);
    add_member(json, "file.driver", "file");
    add_member(json, "file.filename", filename);
    add_switch(json, "read-only", !writable);
    add_switch(json, "force-share", unlocked);
    add_switch(json, "cache.direct", node->flags & NODE_DIRECT);
    add_switch(json, "cache.no-flush", node->flags & NODE_NO_FLUSH);
    if (node->refs_policy != BLK_REFS_ALL && has_backing(node->driver->name) && !options_has(options, "backing"))
        add_member(json, "backing", NULL);
    add_options(json, options, secrets);
    g_string_append_c(json, '}');
    return g_string_free(json, FALSE);
}

/* ---- files that a vmdk image names ---- */

/*
 * Whether these first bytes are those of an image whose bytes are all in its own file: COWD, or KDMV with a capacity. Without one, and in an
 * image that is a text, a description names the files (extents), and qemu-nbd would open whatever they are.
 */
static bool is_whole_vmdk(const uint8_t *bytes, size_t n)
{
    enum { CAPACITY = 12, CAPACITY_BYTES = 8 };
    bool any = false;

    if (n >= 4 && memcmp(bytes, "COWD", 4) == 0)
        return true;
    if (n < CAPACITY + CAPACITY_BYTES || memcmp(bytes, "KDMV", 4) != 0)
        return false;
    for (int i = 0; i < CAPACITY_BYTES; i++)
        any = any || bytes[CAPACITY + i];
    return any;
}

static int check_extents_co(struct node *node, const struct options *options, GError **error)
{
    enum { HEADER = 512 };
    g_autofree uint8_t *bytes = g_malloc0(HEADER);
    g_autoptr(options) copy = NULL;
    struct node *file = node->probed;
    int ret = 0;

    if (node->refs_policy == BLK_REFS_ALL || strcmp(node->driver->name, "vmdk") != 0)
        return 0;
    if (!file) {
        struct node_how how = {.flags = NODE_FORCE_SHARE | NODE_QUERY_LOCKS, .perm = NODE_PERM_READ, .shared = NODE_PERM_ALL, .aio = node->aio,
                               .registry = node->registry, .depth = node->depth};

        copy = options_copy(options);
        ret = open_below_co(copy, &how, "file", NODE_ROLE_FILE, &file, error);
        if (ret < 0)
            return ret;
    }
    ret = node_pread_co(file, 0, MIN(file->size, HEADER), bytes);
    if (ret == 0 && !is_whole_vmdk(bytes, (size_t)CLAMP(file->size, 0, HEADER))) {
        g_set_error_literal(error, OPTIONS_ERROR, EPERM, "The image names other files that hold its bytes, which are not followed; convert it "
                            "with 'qemu-img convert' if you trust it");
        ret = -EPERM;
    }
    if (file != node->probed)
        node_unref_co(file);
    return ret;
}

/* ---- life ---- */

/* What qemu-nbd says of why it could not open the image; ours, if it says nothing. */
static int explain(struct foreign *foreign, int ret, GError **error)
{
    g_autofree char *said = nbd_server_said(foreign->server), *safe = NULL;
    const char *reason = said, *after;

    if (!said || ret == -ECANCELED)
        return ret;
    after = g_str_has_prefix(said, "Failed to blk_new_open ") ? strstr(said, "}': ") : NULL;
    if (after)
        reason = after + strlen("}': ");
    safe = safetext_escape(reason, -1);
    g_clear_error(error);
    g_set_error_literal(error, OPTIONS_ERROR, EIO, safe);
    return ret;
}

static int connect_co(struct node *node, struct foreign *foreign, GError **error)
{
    g_autoptr(options) options = options_new();
    int ret;

    options_set(options, "file.driver", "nbd");
    options_set(options, "file.server.type", "unix");
    options_set(options, "file.server.path", nbd_server_socket(foreign->server));
    ret = node_open_child_co(node, options, "file", NODE_ROLE_FILE, NULL, error);
    return ret < 0 ? explain(foreign, ret, error) : 0;
}

static int foreign_open_co(struct node *node, struct options *options, GError **error)
{
    struct foreign *foreign = node->opaque;
    g_autoptr(GPtrArray) secrets = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *filename = NULL, *image = NULL;
    int ret = check_extents_co(node, options, error);

    if (ret == 0)
        ret = take_filename(node, options, &filename, error);

    /* Its locks would keep qemu-nbd away. */
    node_unref_co(g_steal_pointer(&node->probed));
    if (ret < 0)
        return ret;
    image = describe(node, filename, options, secrets);
    struct nbd_server_how how = {
        .image = image,
        .writable = node->flags & NODE_WRITABLE,
        .secrets = (const char *const *)secrets->pdata,
    };
    ret = nbd_server_start(&how, &foreign->server, error);
    if (ret < 0) {
        g_prefix_error(error, "Image is in %s format: ", node->driver->name);
        return ret;
    }
    ret = connect_co(node, foreign, error);
    nbd_server_hide(foreign->server);
    if (ret < 0) {
        nbd_server_stop_co(foreign->server, node->aio);
        return ret;
    }
    node->filename = g_steal_pointer(&filename);
    return 0;
}

/* The child leaves first: that ends qemu-nbd, which writes back what it holds. */
static int foreign_close_co(struct node *node)
{
    struct foreign *foreign = node->opaque;
    int ret = node_close_file_co(node);

    nbd_server_stop_co(foreign->server, node->aio);
    return ret;
}

static int foreign_reopen_prepare_co(struct node *node, unsigned flags, struct options *options, GError **error)
{
    while (options_count(options)) { /* the same as before */
        const char *key, *value;
        g_autofree char *name = NULL;

        options_at(options, 0, &key, &value);
        name = g_strdup(key);
        options_remove(options, name);
    }
    if ((flags ^ node->flags) & NODE_WRITABLE) {
        g_set_error(error, OPTIONS_ERROR, ENOTSUP, "a %s image can't change between read-only and writable while it is open: "
                    "close it and open it again", node->driver->name);
        return -ENOTSUP;
    }
    return 0;
}

static int foreign_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error)
{
    g_set_error_literal(error, OPTIONS_ERROR, ENOTSUP, "Image format driver does not support resize");
    return -ENOTSUP;
}

static void foreign_connection(const struct node *node, struct blk_connection *ret_connection)
{
    struct foreign *foreign = node->opaque;

    node->file->driver->connection(node->file, ret_connection);
    g_free(ret_connection->server);
    ret_connection->server = g_strdup_printf("qemu-nbd, process %d", nbd_server_process(foreign->server));
}

/* ---- what is where ---- */

/* What qemu-nbd knows; but not where in the image's file the bytes are. */
static void leave_out_place(struct node_status *status)
{
    if (status->via == NODE_STATUS_HOST)
        status->via = NODE_STATUS_FINAL;
}

static int foreign_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status)
{
    int ret = node_status_co(node->file, offset, bytes, flags | NODE_STATUS_WANT_HOLES, ret_status);

    if (ret == 0)
        leave_out_place(ret_status);
    return ret;
}

struct relay {
    node_status_fn *fn;
    void *data;
};

static int pass_on(void *data, int64_t offset, const struct node_status *status)
{
    const struct relay *relay = data;
    struct node_status placeless = *status;

    leave_out_place(&placeless);
    return relay->fn(relay->data, offset, &placeless);
}

static int foreign_status_bulk_co(struct node *node, int64_t offset, int64_t bytes, node_status_fn *fn, void *data)
{
    struct relay relay = {fn, data};

    return node->file->driver->status_bulk_co(node->file, offset, bytes, pass_on, &relay);
}

/* ---- the drivers ---- */

/* The options of every format here; what they may hold is checked by qemu-nbd. */
static const struct driver_option foreign_options[] = {
    {.name = "file", .type = DRIVER_OPTION_CHILD, .help = "where the image is: a file or a device"},
    {.name = "key-secret", .type = DRIVER_OPTION_STRING, .help = "id of a secret object (luks)"},
    {.name = "encrypt", .type = DRIVER_OPTION_GROUP, .help = "encrypt.format and encrypt.key-secret (qcow, qcow2)"},
    {.name = "backing", .type = DRIVER_OPTION_STRING, .help = "as qemu-nbd has it"},
    {},
};

/* clang-format off */
#define FOREIGN(format)                                                                                                 \
    {                                                                                                                   \
        .name = format,                                                                                                 \
        .flags = DRIVER_FILTER | DRIVER_FORMAT,                                                                         \
        .state_size = sizeof(struct foreign),                                                                           \
        .options = foreign_options,                                                                                     \
        .open_co = foreign_open_co,                                                                                     \
        .close_co = foreign_close_co,                                                                                   \
        .reopen_prepare_co = foreign_reopen_prepare_co,                                                                 \
        .truncate_co = foreign_truncate_co,                                                                             \
        .connection = foreign_connection,                                                                               \
        .status_co = foreign_status_co,                                                                                 \
        .status_bulk_co = foreign_status_bulk_co,                                                                       \
    }
/* clang-format on */

static const struct driver drivers[] = {
    FOREIGN("bochs"), FOREIGN("cloop"), FOREIGN("dmg"), FOREIGN("luks"), FOREIGN("parallels"), FOREIGN("qcow"),
    FOREIGN("qed"),   FOREIGN("vdi"),   FOREIGN("vhdx"), FOREIGN("vmdk"), FOREIGN("vpc"),
};

static const struct driver decrypting = FOREIGN("qcow2");

const struct driver *foreign_at(unsigned i)
{
    return i < G_N_ELEMENTS(drivers) ? &drivers[i] : NULL;
}

const struct driver *foreign_find(const char *format)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(drivers); i++) {
        if (strcmp(drivers[i].name, format) == 0)
            return &drivers[i];
    }
    return strcmp(format, "qcow2") == 0 ? &decrypting : NULL;
}

bool foreign_takes_key(const struct driver *driver, const struct options *options)
{
    return driver == &driver_qcow2 && options_has(options, "encrypt.key-secret");
}
