/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Protocols without a driver of our own: qemu-nbd opens what the name or the options say, and exports its bytes.
 *
 * They are for names that a user gives.  One that an image names is followed only where every reference is (block/reference.h).
 */
#include "block/remote.h"

#include <errno.h>
#include <string.h>

#include "block/remote_name.h"
#include "block/served.h"

/* Its options are those of qemu-nbd's driver of the same name, and what they may hold is checked there; these are told to people. */
/* clang-format off */
#define CURL_OPTIONS                                                                                                    \
    {.name = "url", .type = DRIVER_OPTION_STRING, .required = true, .help = "what is read"},                            \
    {.name = "readahead", .type = DRIVER_OPTION_STRING, .help = "bytes that are read at once"},                         \
    {.name = "timeout", .type = DRIVER_OPTION_STRING, .help = "seconds that an answer may take"},                       \
    {.name = "username", .type = DRIVER_OPTION_STRING, .help = "who asks"},                                             \
    {.name = "password-secret", .type = DRIVER_OPTION_STRING, .help = "id of a secret object with the password"},       \
    {.name = "proxy-username", .type = DRIVER_OPTION_STRING, .help = "the same for the proxy"},                         \
    {.name = "proxy-password-secret", .type = DRIVER_OPTION_STRING, .help = "the same for the proxy"}
#define COOKIE_OPTIONS                                                                                                  \
    {.name = "cookie", .type = DRIVER_OPTION_STRING, .help = "sent with each request"},                                 \
    {.name = "cookie-secret", .type = DRIVER_OPTION_STRING, .help = "id of a secret object with the same"}
#define TLS_OPTIONS {.name = "sslverify", .type = DRIVER_OPTION_STRING, .help = "off: any certificate will do"}
/* clang-format on */

static const struct driver_option http_options[] = {CURL_OPTIONS, COOKIE_OPTIONS, {}};
static const struct driver_option https_options[] = {CURL_OPTIONS, COOKIE_OPTIONS, TLS_OPTIONS, {}};
static const struct driver_option ftp_options[] = {CURL_OPTIONS, {}};
static const struct driver_option ftps_options[] = {CURL_OPTIONS, TLS_OPTIONS, {}};
static const struct driver_option ssh_options[] = {
    {.name = "server", .type = DRIVER_OPTION_GROUP, .required = true, .help = "server.host and server.port"},
    {.name = "path", .type = DRIVER_OPTION_STRING, .required = true, .help = "the file there"},
    {.name = "user", .type = DRIVER_OPTION_STRING, .help = "who logs in, with a key of the agent"},
    {.name = "host-key-check", .type = DRIVER_OPTION_GROUP, .help = "host-key-check.mode and what belongs to it"},
    {},
};
static const struct driver_option vvfat_options[] = {
    {.name = "dir", .type = DRIVER_OPTION_STRING, .required = true, .help = "folder whose files are in the disk"},
    {.name = "fat-type", .type = DRIVER_OPTION_STRING, .help = "12, 16 or 32"},
    {.name = "floppy", .type = DRIVER_OPTION_STRING, .help = "on: a floppy disk"},
    {.name = "label", .type = DRIVER_OPTION_STRING, .help = "name of the volume"},
    {},
};
static const struct driver_option gluster_options[] = {
    {.name = "volume", .type = DRIVER_OPTION_STRING, .required = true, .help = "the volume's name"},
    {.name = "path", .type = DRIVER_OPTION_STRING, .required = true, .help = "the file there"},
    {.name = "server", .type = DRIVER_OPTION_GROUP, .required = true, .help = "server.0.type (inet or unix), .host and .port or .path, and more of them"},
    {.name = "debug", .type = DRIVER_OPTION_STRING, .help = "how much its client tells: 0 to 9, 4 is errors"},
    {.name = "logfile", .type = DRIVER_OPTION_STRING, .help = "where it tells that"},
    {},
};
static const struct driver_option iscsi_options[] = {
    {.name = "transport", .type = DRIVER_OPTION_STRING, .required = true, .help = "tcp or iser"},
    {.name = "portal", .type = DRIVER_OPTION_STRING, .required = true, .help = "host and port of the server"},
    {.name = "target", .type = DRIVER_OPTION_STRING, .required = true, .help = "the target's name, iqn...."},
    {.name = "lun", .type = DRIVER_OPTION_STRING, .help = "number of the disk there, 0 by default"},
    {.name = "user", .type = DRIVER_OPTION_STRING, .help = "who logs in"},
    {.name = "password-secret", .type = DRIVER_OPTION_STRING, .help = "id of a secret object with the password"},
    {.name = "initiator-name", .type = DRIVER_OPTION_STRING, .help = "what it calls itself, iqn...."},
    {.name = "header-digest", .type = DRIVER_OPTION_STRING, .help = "crc32c, none, crc32c-none or none-crc32c"},
    {.name = "timeout", .type = DRIVER_OPTION_STRING, .help = "seconds that an answer may take, 0 (default): any"},
    {},
};
static const struct driver_option nfs_options[] = {
    {.name = "server", .type = DRIVER_OPTION_GROUP, .required = true, .help = "server.type=inet and server.host"},
    {.name = "path", .type = DRIVER_OPTION_STRING, .required = true, .help = "the file there"},
    {.name = "user", .type = DRIVER_OPTION_STRING, .help = "number of the user who asks"},
    {.name = "group", .type = DRIVER_OPTION_STRING, .help = "number of the user's group"},
    {.name = "tcp-syn-count", .type = DRIVER_OPTION_STRING, .help = "how often connecting is tried"},
    {.name = "readahead-size", .type = DRIVER_OPTION_STRING, .help = "bytes that are read ahead"},
    {.name = "page-cache-size", .type = DRIVER_OPTION_STRING, .help = "pages that are kept"},
    {.name = "debug", .type = DRIVER_OPTION_STRING, .help = "how much its client tells: 0 to 2"},
    {},
};
static const struct driver_option nvme_options[] = {
    {.name = "device", .type = DRIVER_OPTION_STRING, .required = true, .help = "address of the controller, 0000:01:00.0"},
    {.name = "namespace", .type = DRIVER_OPTION_STRING, .required = true, .help = "number of the disk there, from 1"},
    {},
};
static const struct driver_option rbd_options[] = {
    {.name = "pool", .type = DRIVER_OPTION_STRING, .required = true, .help = "the pool's name"},
    {.name = "namespace", .type = DRIVER_OPTION_STRING, .help = "a namespace of the pool"},
    {.name = "image", .type = DRIVER_OPTION_STRING, .required = true, .help = "the image's name"},
    {.name = "conf", .type = DRIVER_OPTION_STRING, .help = "file with Ceph's settings"},
    {.name = "snapshot", .type = DRIVER_OPTION_STRING, .help = "a snapshot of the image"},
    {.name = "encrypt", .type = DRIVER_OPTION_GROUP, .help = "encrypt.format and encrypt.key-secret"},
    {.name = "user", .type = DRIVER_OPTION_STRING, .help = "who asks, without client."},
    {.name = "auth-client-required", .type = DRIVER_OPTION_GROUP, .help = "auth-client-required.0=cephx or none"},
    {.name = "key-secret", .type = DRIVER_OPTION_STRING, .help = "id of a secret object with the user's key"},
    {.name = "server", .type = DRIVER_OPTION_GROUP, .help = "server.0.host and server.0.port of the monitors"},
    {},
};

static bool is_vvfat(const struct node *node)
{
    return strcmp(node->driver->name, "vvfat") == 0;
}

/*
 * Its writes change files behind the back of the system that has them open, and are not safe there either.  The folder gets its whole path:
 * qemu-nbd goes to another one before it reads files.
 */
static int check_vvfat(const struct node *node, struct options *options, GError **error)
{
    const char *dir = options_get(options, "dir"), *rw = options_get(options, "rw");
    bool asks = rw && options_parse_bool(rw) > 0;

    if (asks || (node->flags & NODE_WRITABLE)) {
        g_set_error_literal(error, OPTIONS_ERROR, EACCES, asks ? "vvfat is read only here: leave out 'rw'" : "Image is read-only");
        return -EACCES;
    }
    if (dir) {
        g_autofree char *path = g_canonicalize_filename(dir, NULL);

        options_set(options, "dir", path);
    }
    return 0;
}

static char *describe(const struct node *node, struct options *options, GPtrArray *secrets)
{
    bool writable = node->flags & NODE_WRITABLE;
    GString *json = g_string_new("json:{");

    served_add_member(json, "driver", "raw");
    served_add_member(json, "file.driver", node->driver->name);
    served_add_switch(json, "read-only", !writable);
    served_add_switch(json, "cache.direct", node->flags & NODE_DIRECT);
    served_add_switch(json, "cache.no-flush", node->flags & NODE_NO_FLUSH);
    served_add_options(json, "file.", options, secrets);
    g_ptr_array_add(secrets, NULL);
    g_string_append_c(json, '}');
    return g_string_free(json, FALSE);
}

/* What qemu-nbd makes of a name is known of a URL alone: any other is handed on whole. */
static int curl_parse_filename(const char *filename, struct options *options, GError **error)
{
    options_set(options, "url", filename);
    return 0;
}

static bool is_curl(const struct node *node)
{
    return node->driver->parse_filename == curl_parse_filename;
}

static int start_described_co(struct node *node, struct options *options, GError **error)
{
    g_autoptr(GPtrArray) secrets = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *image = describe(node, options, secrets);

    struct nbd_server_how how = {.image = image, .secrets = (const char *const *)secrets->pdata};

    return served_start_co(node, &how, error);
}

/* A name alone is for qemu-nbd to read. */
static int start_named_co(struct node *node, struct options *options, GError **error)
{
    g_autofree char *name = options_take_string(options, "filename");

    if (!options_count(options)) {
        struct nbd_server_how how = {.image = name, .format = "raw"};

        return served_start_co(node, &how, error);
    }
    int ret = remote_name_split(node->driver->name, name, options, error);
    return ret < 0 ? ret : start_described_co(node, options, error);
}

static int remote_open_co(struct node *node, struct options *options, GError **error)
{
    g_autofree char *name = g_strdup(options_get(options, is_curl(node) ? "url" : is_vvfat(node) ? "dir" : "filename"));
    int ret = is_vvfat(node) ? check_vvfat(node, options, error) : 0;

    served_forgets(node, node->driver->name);
    if (ret == 0)
        ret = options_has(options, "filename") ? start_named_co(node, options, error) : start_described_co(node, options, error);
    if (ret == 0)
        node->filename = name ? g_steal_pointer(&name) : g_strdup(node->driver->name);
    return ret;
}

static int name_parse_filename(const char *filename, struct options *options, GError **error)
{
    options_set(options, "filename", filename);
    return 0;
}

/* "fat:[floppy:][12:|16:|32:][rw:]FOLDER", in any order. */
static int vvfat_parse_filename(const char *filename, struct options *options, GError **error)
{
    if (g_str_has_prefix(filename, "fat:"))
        filename += strlen("fat:");
    for (const char *colon; (colon = strchr(filename, ':')); filename = colon + 1) {
        g_autofree char *word = g_strndup(filename, colon - filename);

        if (strcmp(word, "floppy") == 0 || strcmp(word, "rw") == 0)
            options_set(options, word, "on");
        else if (strcmp(word, "12") == 0 || strcmp(word, "16") == 0 || strcmp(word, "32") == 0)
            options_set(options, "fat-type", word);
        else
            break; /* a part of the folder's name */
    }
    options_set(options, "dir", filename);
    return 0;
}

/* clang-format off */
#define REMOTE(driver, table, parse, ...)                                                                                      \
    {                                                                                                                   \
        .name = driver,                                                                                                 \
        .protocols = (const char *const[]){__VA_ARGS__, NULL},                                                          \
        .flags = DRIVER_FILTER,                                                                                         \
        .options = table,                                                                                               \
        .parse_filename = parse,                                                                                        \
        .open_co = remote_open_co,                                                                                      \
        .info_co = node_name_only_info_co,                                                                              \
        .state_size = sizeof(struct served),                                                                            \
        .close_co = served_close_co,                                                                                    \
        .status_co = served_status_co,                                                                                  \
        .status_bulk_co = served_status_bulk_co,                                                                        \
        SERVED_SLOTS,                                                                                                   \
    }
/* clang-format on */

static const struct driver drivers[] = {
    REMOTE("http", http_options, curl_parse_filename, "http"),
    REMOTE("https", https_options, curl_parse_filename, "https"),
    REMOTE("ftp", ftp_options, curl_parse_filename, "ftp"),
    REMOTE("ftps", ftps_options, curl_parse_filename, "ftps"),
    REMOTE("gluster", gluster_options, name_parse_filename, "gluster", "gluster+tcp", "gluster+unix", "gluster+rdma"),
    REMOTE("iscsi", iscsi_options, name_parse_filename, "iscsi"),
    REMOTE("iser", iscsi_options, name_parse_filename, "iser"),
    REMOTE("nfs", nfs_options, name_parse_filename, "nfs"),
    REMOTE("nvme", nvme_options, name_parse_filename, "nvme"),
    REMOTE("rbd", rbd_options, name_parse_filename, "rbd"),
    REMOTE("ssh", ssh_options, name_parse_filename, "ssh"),
    REMOTE("vvfat", vvfat_options, vvfat_parse_filename, "fat"),
};

const struct driver *remote_at(unsigned i)
{
    return i < G_N_ELEMENTS(drivers) ? &drivers[i] : NULL;
}
