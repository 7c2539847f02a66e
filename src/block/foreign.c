/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Formats without a driver of our own: qemu-nbd opens the image, and what it exports is the child.
 *
 * The image's options are handed on as they are.  A file that an image names (a backing file, the extents of a vmdk description, a data file) is
 * opened by qemu-nbd without asking us: so it is told to open none, or those that were opened here, unless references are followed as the reference
 * program does.
 */
#include "block/foreign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "block/extents.h"
#include "block/node.h"
#include "block/open.h"
#include "block/parent_name.h"
#include "block/parents.h"
#include "block/pins.h"
#include "block/qcow2/format.h"
#include "block/served.h"
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

/* backed: the options say what its backing file is. */
static char *describe(const struct node *node, struct options *file, struct options *options, bool backed, GPtrArray *secrets)
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
    if (node->refs_policy != BLK_REFS_ALL && parent_is_possible(node->driver->name) && !backed && !options_has(options, "backing"))
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

/* Those of a text in a file: by the policy. */
static int open_extents_co(struct node *node, struct node *file, struct handed **ret_extents, GError **error)
{
    if (!file->filename || strcmp(file->driver->name, "file") != 0 || node->refs_policy == BLK_REFS_NONE)
        return refuse_named(error, CONVERT_IT);
    if (node->refs_policy == BLK_REFS_ASK)
        return refuse_named(error, " unasked; --refs=follow opens them if you trust it");
    if (node->flags & NODE_WRITABLE)
        return refuse_named(error, " to write to them; open it without -w, or with -s");
    return extents_open_co(node, file, file->filename, ret_extents, error);
}

/* Backing files can be forbidden; these can't.  *ret_extents: what is to be opened in place of the file, else as it was. */
static int check_bytes_co(struct node *node, struct node *file, struct handed **ret_extents, GError **error)
{
    enum { HEADER = 512 };
    bool vmdk = strcmp(node->driver->name, "vmdk") == 0, qcow2 = strcmp(node->driver->name, "qcow2") == 0;
    g_autofree uint8_t *bytes = g_malloc0(HEADER);
    size_t n = CLAMP(file->size, 0, HEADER);
    int ret = node_pread_co(file, 0, (int64_t)n, bytes);

    if (ret < 0)
        return options_refuse(error, -ret, "Could not read the image's first bytes: %s", g_strerror(-ret));
    if (vmdk && n >= 4 && !extents_is_whole(bytes, n) && memcmp(bytes, "KDMV", 4) != 0)
        return open_extents_co(node, file, ret_extents, error);
    if (vmdk ? !extents_is_whole(bytes, n) : qcow2 && names_data_file(bytes))
        return refuse_named(error, CONVERT_IT);
    return 0;
}

/* It reads as if that were empty, which has to be told. */
static void tell_of_backing(struct node *node, const struct node *file, const char *name)
{
    g_autofree char *safe = safetext_escape(name, -1);
    bool followed = file->driver->descriptor && node->refs_policy != BLK_REFS_FOLLOW;

    node_warn(node, "The image names the backing file '%s', which is not opened: what it would supply reads as zeroes (%s, if you trust it)", safe,
              followed ? "--refs=follow opens it" : "'qemu-img convert' puts both into one image");
}

/* By the policy; of an image on a server nobody knows what a name in it is relative to. */
static int follow_backing_co(struct node *node, struct node *file, struct handed **ret_parents, GError **error)
{
    size_t n = CLAMP(file->size, 0, PARENT_NAME_HEAD);
    g_autofree uint8_t *bytes = g_malloc0(PARENT_NAME_HEAD);
    int ret = node_pread_co(file, 0, (int64_t)n, bytes);

    if (ret < 0)
        return options_refuse(error, -ret, "Could not read the image's first bytes: %s", g_strerror(-ret));
    if (node->refs_policy == BLK_REFS_FOLLOW && file->driver->descriptor && file->filename) {
        struct parents_image image = {.format = node->driver->name, .path = file->filename, .bytes = bytes, .n = n, .fd = file->driver->descriptor(file),
                                      .first = 1};
        return parents_open_co(node, &image, ret_parents, error);
    }
    g_autofree char *name = parent_name(node->driver->name, bytes, n);
    if (name)
        tell_of_backing(node, file, name);
    return 0;
}

/* A description's own has no place in the one that takes its place. */
static void tell_of_description_co(struct node *node, struct node *file)
{
    size_t n = CLAMP(file->size, 0, PARENT_NAME_HEAD);
    g_autofree uint8_t *bytes = g_malloc0(PARENT_NAME_HEAD);
    g_autofree char *name = node_pread_co(file, 0, (int64_t)n, bytes) < 0 ? NULL : parent_name(node->driver->name, bytes, n);

    if (name)
        tell_of_backing(node, file, name);
}

/* What the image names, opened here. */
struct named {
    struct handed *extents; /* in place of its file */
    struct handed *parents; /* beside it */
};

static void named_clear(struct named *named)
{
    handed_free(named->extents);
    handed_free(named->parents);
}

static int check_named_files_co(struct node *node, const struct options *options, struct node *file, struct named *ret_named, GError **error)
{
    if (node->refs_policy == BLK_REFS_ALL || !parent_is_possible(node->driver->name))
        return 0;
    int ret = check_bytes_co(node, file, &ret_named->extents, error);
    if (ret < 0 || options_has_child(options, "backing"))
        return ret;
    if (!ret_named->extents)
        return follow_backing_co(node, file, &ret_named->parents, error);
    tell_of_description_co(node, file);
    return 0;
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
static int look_co(struct node *node, const struct options *options, struct pins *pins, struct named *ret_named, GError **error)
{
    struct node *file = g_steal_pointer(&node->probed);
    int ret = 0;

    if (!file && is_unseen(node, options))
        return 0;
    if (!file)
        ret = open_file_co(node, options, &file, error);
    if (ret < 0)
        return ret;
    ret = check_named_files_co(node, options, file, ret_named, error);
    if (ret == 0)
        ret = pins_add(pins, file, error);
    node_unref_co(file);
    return ret;
}

/* What people are told. */
static const char *name_of(const struct options *file)
{
    const char *name = options_get(file, "filename"), *url = options_get(file, "url");

    return name ? name : url ? url : options_get(file, "driver");
}

struct search {
    int process, first_own;
    const int *files; /* that it was to open: the image's, then those of its backing files; */
    unsigned n_files; /* so many */
    bool unknown; /* it can't be looked at, or is a script of somebody's that has started qemu-nbd */
    bool found, others; /* the image's; any that it was not to open */
};

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Descriptors that a shell has left open to us are left open to it, too. */
static bool is_inherited(int fd, const struct stat *st)
{
    struct stat ours;

    return fstat(fd, &ours) == 0 && is_same(&ours, st);
}

/* Whether one of the files from the first-th on is that one. */
static bool is_wanted(const struct search *search, unsigned first, const struct stat *st)
{
    struct stat wanted;

    for (unsigned i = first; i < search->n_files; i++) {
        if (fstat(search->files[i], &wanted) == 0 && is_same(&wanted, st))
            return true;
    }
    return false;
}

static void look_at_descriptor(struct search *search, const struct stat *image, const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    struct stat st;

    int fd = atoi(name);

    if (fd < search->first_own || stat(path, &st) < 0)
        return;
    if (is_same(&st, image))
        search->found = true;
    else if ((S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)) && !is_wanted(search, 1, &st) && !is_inherited(fd, &st))
        search->others = true;
}

/* Runs where it may block: whether the process has opened that very file, and any others. */
static int look_at_open(void *data)
{
    struct search *search = data;
    g_autofree char *folder = g_strdup_printf("/proc/%d/fd", search->process), *link = g_strdup_printf("/proc/%d/exe", search->process);
    g_autofree char *program = g_file_read_link(link, NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    struct stat image;
    const char *name;

    if (fstat(search->files[0], &image) < 0)
        return -errno;
    search->unknown = !dir || !g_str_has_suffix(program ?: "", "/qemu-nbd");
    while (dir && (name = g_dir_read_name(dir)))
        look_at_descriptor(search, &image, folder, name);
    return 0;
}

/* The name that qemu-nbd opened may have come to mean another file, and somebody may have written to the file, since it was looked at here. */
static int check_opened_co(struct node *node, const char *path, const GArray *files, GError **error)
{
    const struct served *served = node->opaque;
    struct search search = {.process = nbd_server_process(served->server), .first_own = nbd_server_first_own(served->server),
                            .files = (const int *)files->data, .n_files = files->len};
    int ret = aio_call_co(node->aio, look_at_open, &search, true);

    if (ret == 0 && search.unknown)
        return 0;
    if (ret == 0 && search.found && (!search.others || node->refs_policy == BLK_REFS_ALL))
        return 0;
    served_close_co(node);
    if (ret == 0 && search.found)
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

static int open_named_co(struct node *node, struct options *options, const struct options *given, const struct pins *pins, const struct named *named,
                         GError **error)
{
    g_autoptr(options) file = NULL;
    g_autofree char *path = NULL, *filename = NULL;
    int ret = take_file(node, options, &file, &path, error);

    if (ret < 0)
        return ret;
    filename = g_strdup(name_of(file));
    served_forgets(node, options_get(file, "driver"));
    if (named->extents)
        ret = start_extents_co(node, file, named->extents, options, error);
    else
        ret = start_co(node, file, path, path ? pins_find(pins, options_get(given, "file.filename")) : NULL, named->parents, options, error);
    if (ret == 0)
        node->filename = g_steal_pointer(&filename);
    return ret;
}

static int foreign_open_co(struct node *node, struct options *options, GError **error)
{
    g_autoptr(options) given = options_copy(options);
    g_autoptr(pins) pins = pins_new(NULL, false);
    struct named named = {0};
    int ret = look_co(node, given, pins, &named, error);

    if (ret == 0)
        ret = open_named_co(node, options, given, pins, &named, error);
    named_clear(&named);
    return ret;
}

/* ---- the drivers ---- */

/* The options of every format here; what they may hold is checked by qemu-nbd. */
static const struct driver_option foreign_options[] = {
    {.name = "file", .type = DRIVER_OPTION_CHILD, .required = true, .help = "where the image is: a file or a device"},
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
        .options = foreign_options,                                                                                     \
        .open_co = foreign_open_co,                                                                                     \
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
