/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/served.h"

#include <errno.h>
#include <string.h>

#include "util/jsontext.h"
#include "util/safetext.h"

/* ---- the image for qemu-nbd ---- */

void served_add_member(GString *json, const char *key, const char *value)
{
    g_string_append(json, json->str[json->len - 1] == '{' ? "" : ",");
    jsontext_append(json, key);
    g_string_append_c(json, ':');
    if (value)
        jsontext_append(json, value);
    else
        g_string_append(json, "null");
}

void served_add_switch(GString *json, const char *key, bool on)
{
    served_add_member(json, key, on ? "on" : "off");
}

void served_add_options(GString *json, const char *prefix, struct options *options, GPtrArray *secrets)
{
    while (options_count(options)) {
        g_autofree char *name = NULL, *full = NULL;
        const char *key, *value;

        options_at(options, 0, &key, &value);
        full = g_strconcat(prefix, key, NULL);
        served_add_member(json, full, value);
        if (value && g_str_has_suffix(key, "-secret"))
            g_ptr_array_add(secrets, g_strdup(value));
        name = g_strdup(key);
        options_remove(options, name);
    }
}

/* ---- life ---- */

/* It may have ended without a word. */
static int explain_silence_co(const struct served *served, int ret, GError **error)
{
    g_autofree char *fate = nbd_server_fate_co(served->server);

    if (!fate)
        return ret;
    g_clear_error(error);
    g_set_error(error, OPTIONS_ERROR, EIO, "qemu-nbd, which was to open it, ended %s and said nothing", fate);
    return -EIO;
}

/* text with the names that people know for those that qemu-nbd was given (g_free). */
static char *with_own_names(const char *text, const struct nbd_server_how *how)
{
    static const char given[] = "/proc/self/fd/";
    GString *own = g_string_new(NULL);
    const char *at;

    while ((at = strstr(text, given)) != NULL) {
        char *end;
        guint64 number = g_ascii_strtoull(at + strlen(given), &end, 10);
        bool known = number >= NBD_SERVER_FILES && number - NBD_SERVER_FILES < how->n_files;

        g_string_append_len(own, text, (known ? at : end) - text);
        if (known)
            g_string_append(own, how->names[number - NBD_SERVER_FILES]);
        text = end;
    }
    g_string_append(own, text);
    return g_string_free(own, FALSE);
}

/* What qemu-nbd says of why it could not open the image; ours, if it says nothing. */
static int explain_co(const struct node *node, const struct nbd_server_how *how, int ret, GError **error)
{
    struct served *served = node->opaque;
    g_autofree char *said = nbd_server_said(served->server), *reason = NULL, *safe = NULL, *before = NULL;
    const char *after;

    if (ret == -ECANCELED)
        return ret;
    if (!said)
        return explain_silence_co(served, ret, error);
    before = g_strdup_printf("Failed to blk_new_open '%s': ", how->image);
    after = strstr(said, before); /* there may be warnings in front */
    reason = with_own_names(after ? after + strlen(before) : said, how);
    g_clear_error(error);
    if (g_str_has_prefix(reason, "Unknown driver ") || g_str_has_prefix(reason, "Unknown protocol ")) { /* a part of qemu-nbd that is packaged on its own */
        g_set_error(error, OPTIONS_ERROR, ENOENT, "'%s' is opened by qemu-nbd, which can't without the package qemu-block-extra",
                    node->driver->name);
        return -ENOENT;
    }
    safe = safetext_mask_lines(reason, strlen(reason));
    if (strstr(reason, "unrecognized option"))
        g_set_error(error, OPTIONS_ERROR, EIO, "qemu-nbd is too old to open it (5.2 is needed): %s", safe);
    else
        g_set_error_literal(error, OPTIONS_ERROR, EIO, safe);
    return ret;
}

void served_forgets(struct node *node, const char *protocol)
{
    static const char *const protocols[] = {"http", "https", "ftp", "ftps", NULL};
    struct served *served = node->opaque;

    served->one_at_a_time = protocol && g_strv_contains(protocols, protocol);
}

static int connect_co(struct node *node, const struct nbd_server_how *how, GError **error)
{
    const struct served *served = node->opaque;
    g_autoptr(options) options = options_new();
    int ret;

    options_set(options, "file.driver", "nbd");
    options_set(options, "file.server.type", "unix");
    options_set(options, "file.server.path", nbd_server_socket(served->server));
    if (served->one_at_a_time)
        options_set(options, "file.one-at-a-time", "on");
    ret = node_open_child_co(node, options, "file", NODE_ROLE_FILE, NULL, error);
    return ret < 0 ? explain_co(node, how, ret, error) : 0;
}

int served_start_co(struct node *node, const struct nbd_server_how *how, GError **error)
{
    struct served *served = node->opaque;
    struct nbd_server_how whole = *how;

    whole.writable = node->flags & NODE_WRITABLE;
    int ret = nbd_server_start(&whole, &served->server, error);
    if (ret < 0) {
        if (g_str_has_prefix((*error)->message, "it is "))
            g_prefix_error(error, node->driver->flags & DRIVER_FORMAT ? "Image is in %s format: " : "Protocol '%s': ", node->driver->name);
        return ret;
    }
    ret = nbd_server_await_co(served->server, node, error);
    if (ret == 0)
        ret = connect_co(node, how, error);
    if (ret == 0)
        nbd_server_is_ready(served->server);
    else
        nbd_server_stop_co(g_steal_pointer(&served->server), node);
    return ret;
}

/* The child leaves first: that ends qemu-nbd, which writes back what it holds. */
int served_close_co(struct node *node)
{
    struct served *served = node->opaque;
    int ret = node_close_file_co(node);

    nbd_server_stop_co(served->server, node);
    return ret;
}

int served_reopen_prepare_co(struct node *node, unsigned flags, struct options *options, GError **error)
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

int served_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error)
{
    g_set_error_literal(error, OPTIONS_ERROR, ENOTSUP, "Image format driver does not support resize");
    return -ENOTSUP;
}

void served_connection(const struct node *node, struct blk_connection *ret_connection)
{
    struct served *served = node->opaque;

    node->file->driver->connection(node->file, ret_connection);
    g_free(ret_connection->server);
    ret_connection->server = g_strdup_printf("qemu-nbd, process %d", nbd_server_process(served->server));
}

/* Closing waits for what it owes: somebody who has stopped it would have stopped that. */
void served_hurry(struct node *node)
{
    const struct served *served = node->opaque;

    if (node->registry->closing)
        nbd_server_go_on(served->server);
}

void served_needs(const struct node *node, struct blk_needs *needs)
{
    const struct served *served = node->opaque;

    if (needs->n_helpers < BLK_HELPERS_MAX)
        needs->helpers[needs->n_helpers++] = nbd_server_process(served->server);
}

/* ---- what is where ---- */

/* What qemu-nbd knows; but not where in the image's file the bytes are. */
static void leave_out_place(struct node_status *status)
{
    if (status->via == NODE_STATUS_HOST)
        status->via = NODE_STATUS_FINAL;
}

int served_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status)
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

int served_status_bulk_co(struct node *node, int64_t offset, int64_t bytes, node_status_fn *fn, void *data)
{
    struct relay relay = {fn, data};

    return node->file->driver->status_bulk_co(node->file, offset, bytes, pass_on, &relay);
}
