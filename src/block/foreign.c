/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Formats without a driver of our own: qemu-nbd opens the image, and what it exports is the child.
 *
 * The image's options are handed on as they are.  A file that an image names (a backing file, the extents of a vmdk description, a data file) is
 * opened by qemu-nbd without asking us: so it is told to open none, or those that were opened here, unless references are followed as the reference
 * program does.  A backing file is opened here, as a node (foreign_layer.h).
 */
#include "block/foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/extents.h"
#include "block/foreign_layer.h"
#include "block/open.h"
#include "block/opened.h"
#include "block/parent_name.h"
#include "block/parents.h"
#include "block/pins.h"
#include "block/qcow2/format.h"
#include "block/vmdk_text.h"
#include "util/safetext.h"

/* ---- the image for qemu-nbd ---- */

/* Protocols whose options qemu-nbd knows by the same names. */
static bool is_remote(const char *driver)
{
    static const char *const protocols[] = {"http", "https", "ftp", "ftps", "nbd", "ssh", NULL};

    return driver && g_strv_contains(protocols, driver);
}

/* A path becomes absolute, so that nothing in it is taken for a protocol; *ret_path (g_free), NULL for a server. */
static int take_file(const struct node *node, struct options *options, struct options **ret_file, char **ret_path, GError **error)
{
    g_autoptr(options) file = options_take_child(options, "file");
    const char *filename = options_get(file, "filename"), *driver = options_get(file, "driver");

    if (is_remote(driver)) {
        *ret_file = g_steal_pointer(&file);
        return 0;
    }
    if (driver && strcmp(driver, "file") != 0 && strcmp(driver, "host_device") != 0) {
        g_set_error(error, OPTIONS_ERROR, ENOTSUP, "a %s image is read through qemu-nbd, and has to be in a file, on a device or on a server (http, "
                    "ftp, ssh, nbd) for that", node->driver->name);
        return -ENOTSUP;
    }
    if (!filename) {
        g_set_error_literal(error, OPTIONS_ERROR, EINVAL, "A block device must be specified for \"file\"");
        return -EINVAL;
    }
    *ret_path = g_canonicalize_filename(filename, NULL);
    *ret_file = options_new();
    options_set(*ret_file, "driver", driver ?: "file");
    options_set(*ret_file, "filename", *ret_path);
    return 0;
}

/* handed: the options say which layers below it has, else it is told that there are none. */
static char *describe(const struct node *node, struct options *file, struct options *options, bool handed, GPtrArray *secrets)
{
    bool local = !is_remote(options_get(file, "driver"));
    bool writable = node->flags & NODE_WRITABLE;
    bool unlocked = node->flags & NODE_FORCE_SHARE || (node->flags & NODE_QUERY_LOCKS && !writable);
    GString *json = g_string_new("json:{");

    served_add_member(json, "driver", node->driver->name);
    served_add_switch(json, "read-only", !writable);
    served_add_switch(json, "force-share", unlocked);
    if (local && !writable && node->flags & NODE_QUERY_LOCKS) /* even so it would lock the byte that says that it reads */
        served_add_switch(json, "file.locking", false);
    served_add_switch(json, "cache.direct", node->flags & NODE_DIRECT);
    served_add_switch(json, "cache.no-flush", node->flags & NODE_NO_FLUSH);
    if (node->refs_policy != BLK_REFS_ALL && parent_is_possible(node->driver->name) && !handed)
        served_add_member(json, "backing", NULL);
    served_add_options(json, "file.", file, secrets);
    served_add_options(json, "", options, secrets);
    g_ptr_array_add(secrets, NULL);
    g_string_append_c(json, '}');
    return g_string_free(json, FALSE);
}

/* ---- files that an image names, which qemu-nbd would open ---- */

/* Whether these first bytes are those of a qcow2 image whose bytes are in an external data file ("Header", incompatible features). */
static bool names_data_file(const uint8_t *bytes)
{
    enum { VERSION_AT = 4, INCOMPATIBLE_AT = 72 };

    return qcow2_be32(bytes + VERSION_AT) >= 3 && (qcow2_be64(bytes + INCOMPATIBLE_AT) & QCOW2_INCOMPATIBLE_DATA_FILE);
}

#define CONVERT_IT "; convert it with 'qemu-img convert' if you trust it"

static int refuse_named(GError **error, const char *what)
{
    return options_refuse(error, EPERM, "The image names other files that hold its bytes, which are not followed%s", what);
}

/* What was seen of the image. */
struct seen {
    struct handed *extents; /* in place of its file */
    bool left_out;          /* its extents are; */
    int64_t size;           /* then, of the disk */
    char *path;             /* its name */
    char *name, *format;    /* of the backing file that it names; NULL: it names none */
    bool remote;            /* it is on a server: nobody knows what a name in it is relative to */
};

static void seen_clear(struct seen *seen)
{
    handed_free(seen->extents);
    g_free(seen->path);
    g_free(seen->name);
    g_free(seen->format);
}

/* Those that were agreed to are opened, else none, and the question is about all of them. */
static int ask_for_extents_co(struct node *node, struct node *file, struct seen *seen, GError **error)
{
    g_autoptr(reference) reference = NULL;
    int ret = extents_look_co(node, file, file->filename, &reference, &seen->size, error);
    const struct reference *agreed = ret == 0 && reference ? reference_find(node->approved, reference) : NULL;

    if (ret < 0 || agreed || !reference)
        return ret < 0 ? ret : extents_open_co(node, file, file->filename, agreed, &seen->extents, error);
    node_warn(node, "The image names the files that hold its bytes (%u of them), which were not opened: nothing can be read ('follow %sextents' opens them)",
              1 + (reference->more ? reference->more->len : 0), node->layer ? "-l LAYER " : "");
    reference->state = REFERENCE_LEFT_OUT;
    referring_keep(node, g_steal_pointer(&reference));
    seen->left_out = true;
    return 0;
}

/* Those of a text in a file: by the policy. */
static int open_extents_co(struct node *node, struct node *file, struct seen *seen, GError **error)
{
    if (!file->filename || strcmp(file->driver->name, "file") != 0 || node->refs_policy == BLK_REFS_NONE)
        return refuse_named(error, CONVERT_IT);
    if (node->flags & NODE_WRITABLE)
        return refuse_named(error, " to write to them; open it without -w, or with -s");
    if (node->refs_policy == BLK_REFS_ASK)
        return ask_for_extents_co(node, file, seen, error);
    return extents_open_co(node, file, file->filename, NULL, &seen->extents, error);
}

/* Backing files can be forbidden; these can't. */
static int check_bytes_co(struct node *node, struct node *file, struct seen *seen, GError **error)
{
    enum { HEADER = 512 };
    bool vmdk = strcmp(node->driver->name, "vmdk") == 0, qcow2 = strcmp(node->driver->name, "qcow2") == 0;
    g_autofree uint8_t *bytes = g_malloc0(HEADER);
    size_t n = CLAMP(file->size, 0, HEADER);
    int ret = node_pread_co(file, 0, (int64_t)n, bytes);

    if (ret < 0)
        return options_refuse(error, -ret, "Could not read the image's first bytes: %s", g_strerror(-ret));
    if (vmdk && n >= 4 && !extents_is_whole(bytes, n) && memcmp(bytes, "KDMV", 4) != 0)
        return open_extents_co(node, file, seen, error);
    if (vmdk ? !extents_is_whole(bytes, n) : qcow2 && names_data_file(bytes))
        return refuse_named(error, CONVERT_IT);
    return 0;
}

/* given: the user says what its backing file is. */
static int find_backing_co(struct node *node, struct node *file, bool given, struct seen *seen, GError **error)
{
    enum { BYTES_MAX = VMDK_TEXT_MAX + PARENT_NAME_HEAD };
    bool vmdk = strcmp(node->driver->name, "vmdk") == 0;
    size_t n = CLAMP(file->size, 0, vmdk ? (int64_t)BYTES_MAX : (int64_t)PARENT_NAME_HEAD);
    g_autofree uint8_t *bytes = g_malloc0(n + 1);
    int ret = node_pread_co(file, 0, (int64_t)n, bytes);

    if (ret < 0)
        return options_refuse(error, -ret, "Could not read the image's first bytes: %s", g_strerror(-ret));
    ((struct foreign_layer *)node->opaque)->cids = parent_cids(node->driver->name, bytes, n);
    seen->name = parent_name(node->driver->name, bytes, n);
    seen->format = seen->name ? parent_format(node->driver->name, bytes, n) : NULL;
    if (seen->name || given || !parent_is_named(node->driver->name, bytes, n))
        return 0;
    return options_refuse(error, EINVAL, "The image names a backing file where it is not looked for, or by no name that there can be ('relink backing PATH' "
                                         "opens it with one)");
}

static int check_named_files_co(struct node *node, const struct options *options, struct node *file, struct seen *seen, GError **error)
{
    seen->path = g_strdup(file->filename);
    if (node->refs_policy == BLK_REFS_ALL || !parent_is_possible(node->driver->name))
        return 0;
    int ret = check_bytes_co(node, file, seen, error);
    return ret < 0 ? ret : find_backing_co(node, file, options_has_child(options, "backing"), seen, error);
}

/* Its file, to know it again: what is opened below is not to be it, nor what is opened in its place later. */
static void keep_file(struct node *node, const struct node *file, struct seen *seen)
{
    struct foreign_layer *layer = node->opaque;
    struct stat st;

    seen->remote = !file->driver->descriptor;
    layer->fd = seen->remote || seen->extents ? -1 : fcntl(file->driver->descriptor(file), F_DUPFD_CLOEXEC, 0);
    if (!seen->remote && fstat(file->driver->descriptor(file), &st) == 0) {
        node->image_inode = st.st_ino;
        node->image_device = st.st_dev;
    }
}

/* The image's file, to look at what qemu-nbd is to open: it keeps nobody off. */
static int open_file_co(const struct node *node, const struct options *options, struct node **ret_file, GError **error)
{
    g_autoptr(options) copy = options_copy(options);
    struct node_how how = {
        .flags = NODE_FORCE_SHARE | NODE_QUERY_LOCKS,
        .perm = NODE_PERM_READ,
        .shared = NODE_PERM_ALL,
        .aio = node->aio,
        .registry = node->registry,
        .depth = node->depth,
        .expect = node->expect,
        .pins = node->pins,
    };

    return open_below_co(copy, &how, "file", NODE_ROLE_FILE, ret_file, error);
}

/* Whether this is an image whose file nobody has to look at first: it is on a server, and names nothing. */
static bool is_unseen(const struct node *node, const struct options *options)
{
    return is_remote(options_get(options, "file.driver")) && (node->refs_policy == BLK_REFS_ALL || !parent_is_possible(node->driver->name));
}

/* What qemu-nbd will open is what was looked at here: pins gets it, if it is local.  Its locks would keep qemu-nbd away: they are let go. */
static int look_co(struct node *node, const struct options *options, struct pins *pins, struct seen *seen, GError **error)
{
    struct node *file = g_steal_pointer(&node->probed);
    int ret = 0;

    if (!file && is_unseen(node, options))
        return 0;
    if (!file)
        ret = open_file_co(node, options, &file, error);
    if (ret < 0)
        return ret;
    ret = check_named_files_co(node, options, file, seen, error);
    if (ret == 0)
        ret = pins_add(pins, file, error);
    if (ret == 0)
        keep_file(node, file, seen);
    node_unref_co(file);
    return ret;
}

/* What people are told. */
static const char *name_of(const struct options *file)
{
    const char *name = options_get(file, "filename"), *url = options_get(file, "url");

    return name ? name : url ? url : options_get(file, "driver");
}

/* The name that qemu-nbd opened may have come to mean another file, and somebody may have written to the file, since it was looked at here. */
static int check_opened_co(struct node *node, const char *path, const GArray *files, GError **error)
{
    const struct served *served = node->opaque;
    struct opened opened = {0};
    int ret = opened_check_co(node->aio, served->server, files, &opened);

    if (ret == 0 && (opened.unknown || (opened.image && (!opened.others || node->refs_policy == BLK_REFS_ALL))))
        return 0;
    served_close_co(node);
    if (ret == 0 && opened.image)
        return refuse_named(error, CONVERT_IT);
    return options_refuse(error, ESTALE, "'%s' is not the file any more that it was when it was looked at", path);
}

static void put_options(const GPtrArray *list, struct options *options)
{
    for (unsigned i = 0; i < list->len; i += 2)
        options_set(options, list->pdata[i], list->pdata[i + 1]);
}

/* The file that was looked at, and its backing files. */
static int start_co(struct node *node, struct options *file, const char *path, const struct pin *pin, const struct handed *parents, struct options *options,
                    GError **error)
{
    g_autoptr(GPtrArray) secrets = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GArray) files = g_array_new(FALSE, FALSE, sizeof(int));
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    bool by_name = !pin || (node->refs_policy == BLK_REFS_ALL && parent_is_possible(node->driver->name)); /* names in it are relative to its own */

    if (pin) {
        options_set(file, "driver", pin->driver->name);
        g_array_append_val(files, pin->fd);
        g_ptr_array_add(names, (char *)path);
    }
    if (parents) {
        g_array_append_vals(files, parents->files->data, parents->files->len);
        g_ptr_array_extend(names, parents->names, NULL, NULL);
        put_options(parents->options, options);
    }
    if (!by_name)
        options_set(file, "filename", NBD_SERVER_FILE);
    g_autofree char *image = describe(node, file, options, parents, secrets);
    struct nbd_server_how how = {.image = image, .secrets = (const char *const *)secrets->pdata};
    if (!by_name) {
        how.files = (const int *)files->data;
        how.names = (const char *const *)names->pdata;
        how.n_files = files->len;
    }
    int ret = served_start_co(node, &how, error);

    return ret == 0 && pin ? check_opened_co(node, path, files, error) : ret;
}

/* Those that its text names, and a text of ours in its place: nothing is opened by a name. */
static int start_extents_co(struct node *node, struct options *file, const struct handed *extents, struct options *options, GError **error)
{
    g_autoptr(GPtrArray) secrets = g_ptr_array_new_with_free_func(g_free);

    options_set(file, "filename", NBD_SERVER_FILE);
    put_options(extents->options, options);
    g_autofree char *image = describe(node, file, options, false, secrets);
    struct nbd_server_how how = {.image = image, .files = (const int *)extents->files->data, .n_files = extents->files->len,
                                 .names = (const char *const *)extents->names->pdata, .secrets = (const char *const *)secrets->pdata};

    return served_start_co(node, &how, error);
}

/* ---- the layers below ---- */

/* Of an image on a server only what was agreed to, or is another one, is opened. */
static void leave_out(struct node *node, const struct seen *seen)
{
    struct foreign_layer *layer = node->opaque;
    g_autofree char *safe = safetext_escape(seen->name, -1);

    referring_add(node, REFERENCE_BACKING, seen->path, seen->name, seen->format)->state = REFERENCE_LEFT_OUT;
    layer->below.left_out = true;
    node_warn(node, "The image names the backing file '%s', which was not opened, as the image is on a server: what it holds can't be read ('follow backing' "
                    "opens it, 'relink backing PATH' another)", safe);
}

/* qemu-nbd by itself would read none of its bytes. */
static void check_cid(struct node *node)
{
    const struct foreign_layer *layer = node->opaque;
    const struct node *backing = layer->below.backing;

    if (!backing || backing->driver->open_co != node->driver->open_co)
        return;
    uint32_t cid = ((const struct foreign_layer *)backing->opaque)->cids.own;
    if (layer->cids.below == PARENT_CID_NONE || cid == PARENT_CID_NONE || cid == layer->cids.below)
        return;
    g_autofree char *safe = safetext_escape(backing->filename ? backing->filename : backing->name, -1);
    node_warn(node, "The backing file '%s' is not what it was when the image was made upon it: its content ID is %08x, and the image says %08x; what is read from "
                    "it may not fit", safe, cid, layer->cids.below);
}

static int open_layers_co(struct node *node, struct options *options, const struct seen *seen, struct handed **ret_parents, GError **error)
{
    struct foreign_layer *layer = node->opaque;
    struct referring_backing named = {seen->path, seen->name, seen->format};
    int ret = 0;

    if (node->refs_policy == BLK_REFS_ALL || !parent_is_possible(node->driver->name))
        return 0;
    if (seen->remote && seen->name && node->refs_policy == BLK_REFS_FOLLOW && !options_has_child(options, "backing"))
        leave_out(node, seen);
    else
        ret = referring_open_backing_co(node, options, &named, &layer->below, error);
    if (ret < 0)
        return ret;
    check_cid(node);
    foreign_layer_settle(node);
    return layer->hands ? parents_hand(layer->below.backing, 1, ret_parents, error) : 0;
}

/* ---- opening ---- */

static int open_seen_co(struct node *node, struct options *options, const struct options *given, const struct pins *pins, const struct seen *seen,
                        GError **error)
{
    g_autoptr(options) file = NULL;
    g_autoptr(handed) parents = NULL;
    g_autofree char *path = NULL, *filename = NULL;
    struct foreign_layer *layer = node->opaque;
    int ret = take_file(node, options, &file, &path, error);

    if (ret == 0)
        ret = open_layers_co(node, options, seen, &parents, error);
    layer->size = seen->size;
    if (ret < 0)
        return ret;
    if (seen->left_out) {
        node->filename = g_strdup(seen->path);
        node->driver = &foreign_layer_left_out; /* there is nothing to serve */
        return 0;
    }
    filename = g_strdup(seen->path && !seen->remote ? seen->path : name_of(file)); /* by that it is found again (pins.h) */
    served_forgets(node, options_get(file, "driver"));
    if (seen->extents)
        ret = start_extents_co(node, file, seen->extents, options, error);
    else
        ret = start_co(node, file, path, path ? pins_find(pins, options_get(given, "file.filename")) : NULL, parents, options, error);
    if (ret == 0)
        node->filename = g_steal_pointer(&filename);
    return ret;
}

/* A program for each of them. */
static int check_depth(const struct node *node, GError **error)
{
    unsigned above = 0;

    for (const struct node *parent = node->parent; parent; parent = parent->parent)
        above += parent->driver->open_co == node->driver->open_co;
    if (above < PARENTS_MAX)
        return 0;
    return options_refuse(error, ELOOP, "More than %d images below each other are not read through qemu-nbd", PARENTS_MAX);
}

static int foreign_open_co(struct node *node, struct options *options, GError **error)
{
    struct foreign_layer *layer = node->opaque;
    g_autoptr(options) given = options_copy(options);
    g_autoptr(pins) pins = pins_new(NULL, false);
    struct seen seen = {0};

    layer->fd = -1;
    layer->cids = (struct parent_cids){PARENT_CID_NONE, PARENT_CID_NONE};
    int ret = check_depth(node, error);
    if (ret == 0)
        ret = look_co(node, given, pins, &seen, error);
    if (ret == 0)
        ret = open_seen_co(node, options, given, pins, &seen, error);
    bool served = !seen.left_out;
    seen_clear(&seen);
    if (ret < 0) {
        if (layer->fd >= 0)
            close(layer->fd);
        return ret;
    }
    ret = served ? foreign_layer_check(node, error) : 0;
    if (ret < 0)
        foreign_layer_close_co(node);
    return ret;
}

/* ---- the drivers ---- */

/* The options of every format here; what they may hold is checked by qemu-nbd. */
static const struct driver_option foreign_options[] = {
    {.name = "file", .type = DRIVER_OPTION_CHILD, .required = true, .help = "where the image is: a file or a device"},
    {.name = "key-secret", .type = DRIVER_OPTION_STRING, .help = "id of a secret object (luks)"},
    {.name = "encrypt", .type = DRIVER_OPTION_GROUP, .help = "encrypt.format and encrypt.key-secret (qcow, qcow2)"},
    {.name = "backing", .type = DRIVER_OPTION_CHILD, .help = "the backing file; backing=null for none"},
    {},
};

/* clang-format off */
#define FOREIGN(format)                                                                                                 \
    {                                                                                                                   \
        .name = format,                                                                                                 \
        .flags = DRIVER_FILTER | DRIVER_FORMAT,                                                                         \
        .options = foreign_options,                                                                                     \
        .state_size = sizeof(struct foreign_layer),                                                                     \
        .open_co = foreign_open_co,                                                                                     \
        .close_co = foreign_layer_close_co,                                                                             \
        .preadv_co = foreign_layer_preadv_co,                                                                           \
        .pwritev_co = foreign_layer_pwritev_co,                                                                         \
        .pwrite_zeroes_co = foreign_layer_pwrite_zeroes_co,                                                             \
        .pdiscard_co = foreign_layer_pdiscard_co,                                                                       \
        .status_co = foreign_layer_status_co,                                                                           \
        .status_bulk_co = foreign_layer_status_bulk_co,                                                                 \
        .refresh_co = foreign_layer_refresh_co,                                                                         \
        .occupied_co = foreign_layer_occupied_co,                                                                       \
        .descriptor = foreign_layer_descriptor,                                                                         \
        SERVED_SLOTS,                                                                                                   \
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
