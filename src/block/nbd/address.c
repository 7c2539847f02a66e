/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/nbd/address.h"

#include <errno.h>
#include <string.h>

#include "block/objects.h"

#define DEFAULT_PORT "10809" /* assigned by IANA */

/* ---- names ---- */

static void set_server(struct options *options, const char *path, const char *host, const char *port)
{
    options_set(options, "server.type", path ? "unix" : "inet");
    if (path) {
        options_set(options, "server.path", path);
    } else {
        options_set(options, "server.host", host);
        options_set(options, "server.port", port);
    }
}

/* What stands behind '?': the socket and how TLS is done. */
static bool take_query(const char *query, struct options *options, char **ret_socket)
{
    static const char *const known[] = {"tls-certificates", "tls-psk-file", "tls-username", "tls-verify-peer", "tls-hostname", NULL};
    GUriParamsIter iter;
    char *key, *value;
    bool good = true;

    g_uri_params_iter_init(&iter, query, -1, "&;", G_URI_PARAMS_NONE);
    while (g_uri_params_iter_next(&iter, &key, &value, NULL)) {
        if (strcmp(key, "socket") == 0 && !*ret_socket)
            *ret_socket = g_steal_pointer(&value);
        else if (g_strv_contains(known, key))
            options_set(options, key, value);
        else
            good = false;
        g_free(key);
        g_free(value);
    }
    return good;
}

static int parse_uri(const char *filename, struct options *options, GError **error)
{
    g_autofree char *scheme = NULL, *host = NULL, *path = NULL, *query = NULL, *socket = NULL;
    g_autofree char *port_text = NULL;
    int port;

    if (!g_uri_split(filename, G_URI_FLAGS_ENCODED_QUERY, &scheme, NULL, &host, &port, &path, &query, NULL, NULL))
        return options_refuse(error, EINVAL, "No valid URL specified");
    if (query && !take_query(query, options, &socket))
        return options_refuse(error, EINVAL, "No valid URL specified");
    bool wants_unix = g_str_has_suffix(scheme, "+unix"), has_host = host && *host;
    if (wants_unix ? !socket || has_host || port >= 0 : socket || !has_host)
        return options_refuse(error, EINVAL, "No valid URL specified");
    port_text = port >= 0 ? g_strdup_printf("%d", port) : g_strdup(DEFAULT_PORT);
    set_server(options, socket, host, port_text);
    if (path && path[0] == '/' && path[1])
        options_set(options, "export", path + 1);
    if (g_str_has_prefix(scheme, "nbds"))
        options_set(options, "tls", "on");
    return 0;
}

/* nbd:unix:PATH and nbd:HOST:PORT; an IPv6 address stands in brackets. */
static int parse_old(const char *rest, struct options *options, GError **error)
{
    const char *mark = strstr(rest, ":exportname=");
    g_autofree char *server = mark ? g_strndup(rest, mark - rest) : g_strdup(rest);
    g_autofree char *host = NULL;
    const char *colon;

    if (mark)
        options_set(options, "export", mark + strlen(":exportname="));
    if (!*server || (mark && !mark[strlen(":exportname=")]))
        return options_refuse(error, EINVAL, "NBD server address missing");
    if (g_str_has_prefix(server, "unix:")) {
        set_server(options, server + strlen("unix:"), NULL, NULL);
        return 0;
    }
    colon = strrchr(server, ':');
    if (!colon || !colon[1] || colon == server) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "error parsing address '%s'", server);
        return -EINVAL;
    }
    host = server[0] == '[' && colon[-1] == ']' ? g_strndup(server + 1, colon - server - 2) : g_strndup(server, colon - server);
    set_server(options, NULL, host, colon + 1);
    return 0;
}

int nbd_parse_filename(const char *filename, struct options *options, GError **error)
{
    static const char *const alone[] = {"host", "port", "path", "export", NULL};
    for (unsigned i = 0; i < options_count(options); i++) {
        const char *key, *unused;
        options_at(options, i, &key, &unused);
        if (!g_strv_contains(alone, key) && !g_str_has_prefix(key, "server."))
            continue;
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Option '%s' cannot be used with a file name", key);
        return -EINVAL;
    }
    if (strstr(filename, "://"))
        return parse_uri(filename, options, error);
    return parse_old(g_str_has_prefix(filename, "nbd:") ? filename + strlen("nbd:") : filename, options, error);
}

/* ---- options ---- */

static int missing(GError **error, const char *key)
{
    g_set_error(error, OPTIONS_ERROR, EINVAL, "Parameter '%s' is missing", key);
    return -EINVAL;
}

static int take_new_server(struct options *server, struct nbd_address *address, GError **error)
{
    g_autofree char *type = options_take_string(server, "type");
    const char *key, *unused;

    if (!type)
        return missing(error, "type");
    if (strcmp(type, "unix") == 0) {
        address->path = options_take_string(server, "path");
        if (!address->path)
            return missing(error, "path");
    } else if (strcmp(type, "inet") == 0) {
        address->host = options_take_string(server, "host");
        address->port = options_take_string(server, "port");
        if (!address->host || !address->port)
            return missing(error, address->host ? "port" : "host");
    } else {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Parameter 'type' does not accept value '%s'", type);
        return -EINVAL;
    }
    if (options_count(server)) {
        options_at(server, 0, &key, &unused);
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Parameter '%s' is unexpected", key);
        return -EINVAL;
    }
    return 0;
}

/* The options of before `server` was. */
static int take_old_server(struct options *options, struct nbd_address *address, GError **error)
{
    address->path = options_take_string(options, "path");
    address->host = options_take_string(options, "host");
    address->port = options_take_string(options, "port");
    if (address->path && address->host)
        return options_refuse(error, EINVAL, "path and host may not be used at the same time");
    if (!address->path && !address->host)
        return options_refuse(error, EINVAL, "NBD server address missing");
    if (address->host && !address->port)
        address->port = g_strdup(DEFAULT_PORT);
    return 0;
}

static int take_server(struct options *options, struct nbd_address *address, GError **error)
{
    g_autoptr(options) server = options_take_child(options, "server");

    if (options_count(server) == 0)
        return take_old_server(options, address, error);
    if (options_has(options, "path") || options_has(options, "host") || options_has(options, "port"))
        return options_refuse(error, EINVAL, "'server' and path/host/port may not be used at the same time");
    return take_new_server(server, address, error);
}

/* An object made with --object: the reference's way of giving credentials. */
static int take_object(struct nbd_address *address, const char *id, GError **error)
{
    const struct options *object = objects_find(id);
    const char *type = object ? options_get(object, "qom-type") : NULL, *dir;

    if (!type || !g_str_has_prefix(type, "tls-creds-")) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, type ? "Object with id '%s' is not TLS credentials" : "No TLS credentials with id '%s'",
                    id);
        return -EINVAL;
    }
    if (g_strcmp0(options_get(object, "endpoint"), "client") != 0)
        return options_refuse(error, EINVAL, "Expecting TLS credentials with a client endpoint");
    dir = options_get(object, "dir");
    address->tls = true;
    if (strcmp(type, "tls-creds-psk") == 0) {
        g_free(address->tls_psk_file);
        address->tls_psk_file = g_build_filename(dir ? dir : ".", "keys.psk", NULL);
        address->tls_username = g_strdup(options_get(object, "username"));
        if (!address->tls_username)
            address->tls_username = g_strdup("qemu"); /* the reference's default */
    } else {
        g_free(address->tls_certificates);
        address->tls_certificates = g_strdup(dir);
        address->tls_verify = options_parse_bool(options_get(object, "verify-peer") ?: "on") != 0;
    }
    return 0;
}

static int take_tls(struct options *options, struct nbd_address *address, GError **error)
{
    g_autofree char *creds = options_take_string(options, "tls-creds");
    bool any;

    address->tls_hostname = options_take_string(options, "tls-hostname");
    address->tls_certificates = options_take_string(options, "tls-certificates");
    address->tls_psk_file = options_take_string(options, "tls-psk-file");
    any = address->tls_certificates || address->tls_psk_file || creds;
    address->tls = options_take_bool(options, "tls", any);
    address->tls_verify = options_take_bool(options, "tls-verify-peer", true);
    if (any && !address->tls)
        return options_refuse(error, EINVAL, "TLS credentials are given, but tls=off");
    if (creds) {
        g_autofree char *username = options_take_string(options, "tls-username");

        return username ? options_refuse(error, EINVAL, "tls-username is part of the TLS credentials") : take_object(address, creds, error);
    }
    address->tls_username = options_take_string(options, "tls-username");
    return 0;
}

/* As the reference shows it, so that reports compare. */
static void make_names(struct nbd_address *address)
{
    g_autofree char *escaped = g_uri_escape_string(address->export_name, "/", FALSE);
    const char *s = address->tls ? "s" : "";
    const char *slash = *escaped ? "/" : "";

    if (address->path) {
        address->name = g_strdup_printf("nbd%s+unix://%s%s?socket=%s", s, slash, escaped, address->path);
        address->peer = g_strdup(address->path);
    } else {
        bool v6 = strchr(address->host, ':') != NULL;

        address->peer = g_strdup_printf(v6 ? "[%s]:%s" : "%s:%s", address->host, address->port);
        address->name = g_strdup_printf("nbd%s://%s%s%s", s, address->peer, slash, escaped);
    }
}

int nbd_address_take(struct options *options, struct nbd_address *address, GError **error)
{
    int ret = take_server(options, address, error);

    if (ret == 0)
        ret = take_tls(options, address, error);
    if (ret < 0)
        return ret;
    address->export_name = options_take_string(options, "export");
    if (!address->export_name)
        address->export_name = g_strdup("");
    if (strlen(address->export_name) > NBD_STRING_MAX)
        return options_refuse(error, EINVAL, "export name too long to send to server");
    make_names(address);
    return 0;
}

void nbd_address_clear(struct nbd_address *address)
{
    g_free(address->path);
    g_free(address->host);
    g_free(address->port);
    g_free(address->export_name);
    g_free(address->name);
    g_free(address->peer);
    g_free(address->tls_certificates);
    g_free(address->tls_psk_file);
    g_free(address->tls_username);
    g_free(address->tls_hostname);
    *address = (struct nbd_address){0};
}
