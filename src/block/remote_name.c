/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/remote_name.h"

#include <errno.h>
#include <string.h>

#define SSH_PORT "22"
#define GLUSTER_PORT "24007"

static void set_if(struct options *options, const char *key, const char *value)
{
    if (value)
        options_set(options, key, value);
}

/* ---- SCHEME://[USER@]HOST[:PORT]/PATH[?QUERY] ---- */

/* NULL: not there.  user and query are as they stand in the name, the others decoded; path is without its first slash. */
typedef struct address {
    char *user, *host, *port, *path, *query;
} address;

static void address_clear(address *address)
{
    g_free(address->user);
    g_free(address->host);
    g_free(address->port);
    g_free(address->path);
    g_free(address->query);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(address, address_clear)

static int parse_address(const char *name, address *ret_address, GError **error)
{
    g_autofree char *path = NULL, *host = NULL;
    int port;
    if (!g_uri_split(name, G_URI_FLAGS_ENCODED | G_URI_FLAGS_PARSE_RELAXED, NULL, &ret_address->user, &host, &port, &path, &ret_address->query, NULL, NULL))
        return options_refuse(error, EINVAL, "Failed to parse URL : %s", name);
    ret_address->host = host && *host ? g_uri_unescape_string(host, NULL) : NULL;
    ret_address->port = port >= 0 ? g_strdup_printf("%d", port) : NULL;
    ret_address->path = g_uri_unescape_string(path[0] == '/' ? path + 1 : path, NULL);
    return ret_address->path && (!host || !*host || ret_address->host) ? 0 : options_refuse(error, EINVAL, "Failed to parse URL : %s", name);
}

/* Of a query "KEY=VALUE&...", NULL: not there (g_free). */
static char *query_value(const char *query, const char *key)
{
    g_autoptr(GHashTable) values = query ? g_uri_parse_params(query, -1, "&;", G_URI_PARAMS_NONE, NULL) : NULL;
    return values ? g_strdup(g_hash_table_lookup(values, key)) : NULL;
}

/* Cuts "FIRST/REST" of path: FIRST, whose rest is *ret_rest; NULL if either is empty. */
static char *cut(const char *path, const char **ret_rest)
{
    const char *slash = strchr(path, '/');
    if (!slash || slash == path || !slash[1])
        return NULL;
    *ret_rest = slash + 1;
    return g_strndup(path, slash - path);
}

static int split_ssh(const char *name, struct options *options, GError **error)
{
    static const char *const alone[] = {"user", "path", "host", "port", "host_key_check", NULL};
    g_auto(address) address = {0};
    for (unsigned i = 0; i < options_count(options); i++) {
        const char *key, *unused;
        options_at(options, i, &key, &unused);
        if (g_strv_contains(alone, key) || g_str_has_prefix(key, "server."))
            return options_refuse(error, EINVAL, "Option '%s' cannot be used with a file name", key);
    }
    int ret = parse_address(name, &address, error);
    if (ret < 0)
        return ret;
    if (!address.host)
        return options_refuse(error, EINVAL, "missing hostname in URI");
    if (!*address.path)
        return options_refuse(error, EINVAL, "missing remote path in URI");
    g_autofree char *path = g_strconcat("/", address.path, NULL), *check = query_value(address.query, "host_key_check");
    g_autofree char *user = address.user ? g_uri_unescape_string(address.user, NULL) : NULL;
    options_set(options, "server.host", address.host);
    options_set(options, "server.port", address.port ? address.port : SSH_PORT);
    options_set(options, "path", path);
    set_if(options, "user", user);
    set_if(options, "host_key_check", check);
    return 0;
}

/* USER may have a password behind a '%'. */
static int split_iscsi(const char *name, struct options *options, const char *transport, GError **error)
{
    g_auto(address) address = {0};
    const char *lun;
    int ret = parse_address(name, &address, error);
    if (ret < 0)
        return ret;
    g_autofree char *target = address.host ? cut(address.path, &lun) : NULL;
    if (!target)
        return options_refuse(error, EINVAL, "Failed to parse URL : %s", name);
    g_autofree char *portal = address.port ? g_strdup_printf("%s:%s", address.host, address.port) : g_strdup(address.host);
    options_set(options, "transport", transport);
    options_set(options, "portal", portal);
    options_set(options, "target", target);
    options_set(options, "lun", lun);
    if (address.user) {
        g_auto(GStrv) parts = g_strsplit(address.user, "%", 2);
        options_set(options, "user", parts[0]);
        set_if(options, "password", parts[1]);
    }
    return 0;
}

static int split_gluster(const char *name, struct options *options, GError **error)
{
    g_auto(address) address = {0};
    bool local = g_str_has_prefix(name, "gluster+unix:");
    const char *path;
    int ret = parse_address(name, &address, error);
    if (ret < 0)
        return ret;
    g_autofree char *volume = cut(address.path, &path), *socket = query_value(address.query, "socket");
    if (!volume || (local && !socket))
        return options_refuse(error, EINVAL, "'%s' names no volume, path and %s", name, local ? "socket" : "host");
    options_set(options, "volume", volume);
    options_set(options, "path", path);
    options_set(options, "server.0.type", local ? "unix" : "inet");
    if (local) {
        options_set(options, "server.0.path", socket);
        return 0;
    }
    options_set(options, "server.0.host", address.host ? address.host : "localhost");
    options_set(options, "server.0.port", address.port ? address.port : GLUSTER_PORT);
    return 0;
}

/* ---- names of other shapes ---- */

static int split_nvme(const char *name, struct options *options, GError **error)
{
    const char *device = g_str_has_prefix(name, "nvme://") ? name + strlen("nvme://") : name, *slash = strchr(device, '/');
    if (!slash || slash == device || !slash[1])
        return options_refuse(error, EINVAL, "'%s' names no device and namespace", name);
    g_autofree char *address = g_strndup(device, slash - device);
    options_set(options, "device", address);
    options_set(options, "namespace", slash + 1);
    return 0;
}

/* Up to one of stop, or the end: what a '\' is in front of stands for itself.  *at moves behind it. */
static char *take_word(const char **at, const char *stop, char *ret_stop)
{
    GString *word = g_string_new(NULL);
    const char *p = *at;
    for (; *p && !strchr(stop, *p); p++) {
        if (*p == '\\' && p[1])
            p++;
        g_string_append_c(word, *p);
    }
    *ret_stop = *p;
    *at = *p ? p + 1 : p;
    return g_string_free(word, FALSE);
}

/* "KEY=VALUE" parts between colons: those that there are options for. */
static int take_rbd_settings(const char *at, struct options *options, GError **error)
{
    while (*at) {
        char stop;
        g_autofree char *key = take_word(&at, "=:", &stop), *value = stop == '=' ? take_word(&at, ":", &stop) : NULL;
        if (!value)
            return options_refuse(error, EINVAL, "conf option %s has no value", key);
        if (strcmp(key, "id") != 0 && strcmp(key, "conf") != 0)
            return options_refuse(error, EINVAL, "'%s' in a name of rbd can't be had beside options: write it into a file, and 'conf=FILE'", key);
        options_set(options, strcmp(key, "id") == 0 ? "user" : "conf", value);
    }
    return 0;
}

/* rbd:POOL/[NAMESPACE/]IMAGE[@SNAPSHOT][:KEY=VALUE]... */
static int split_rbd(const char *name, struct options *options, GError **error)
{
    const char *at = g_str_has_prefix(name, "rbd:") ? name + strlen("rbd:") : name;
    char stop;
    g_autofree char *pool = take_word(&at, "/", &stop);
    g_autofree char *image = stop ? take_word(&at, "/@:", &stop) : NULL;
    if (!image || !*pool)
        return options_refuse(error, EINVAL, "Pool name is required");
    options_set(options, "pool", pool);
    if (stop == '/') {
        options_set(options, "namespace", image);
        g_free(image);
        image = take_word(&at, "@:", &stop);
    }
    options_set(options, "image", image);
    if (stop == '@') {
        g_autofree char *snapshot = take_word(&at, ":", &stop);
        options_set(options, "snapshot", snapshot);
    }
    return take_rbd_settings(at, options, error);
}

int remote_name_split(const char *driver, const char *name, struct options *options, GError **error)
{
    if (strcmp(driver, "ssh") == 0)
        return split_ssh(name, options, error);
    if (strcmp(driver, "iscsi") == 0 || strcmp(driver, "iser") == 0)
        return split_iscsi(name, options, strcmp(driver, "iser") == 0 ? "iser" : "tcp", error);
    if (strcmp(driver, "gluster") == 0)
        return split_gluster(name, options, error);
    if (strcmp(driver, "nvme") == 0)
        return split_nvme(name, options, error);
    if (strcmp(driver, "rbd") == 0)
        return split_rbd(name, options, error);
    return options_refuse(error, EINVAL, "'%s' is given by a name or by options, not by both", driver);
}
