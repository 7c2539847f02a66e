/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an NBD server sends, from its greeting on, whatever it is asked: a handshake, then replies to a read and to a question for block status. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib-unix.h>
#include <glib/gstdio.h>

#include "block/nbd/connection.h"
#include "fuzz.h"

enum { READ_SIZE = 4096 };

static struct sockaddr_un name = {.sun_family = AF_UNIX};
static int listener = -1;

static void clean_up(void)
{
    g_autofree char *folder = g_path_get_dirname(name.sun_path);
    g_unlink(name.sun_path);
    g_rmdir(folder);
}

static void begin(void)
{
    g_autofree char *folder = g_dir_make_tmp("fuzz-nbd-XXXXXX", NULL);
    g_assert_nonnull(folder);
    g_snprintf(name.sun_path, sizeof(name.sun_path), "%s/s", folder);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(listener, (struct sockaddr *)&name, sizeof(name)), ==, 0);
    g_assert_cmpint(listen(listener, 1), ==, 0);
    atexit(clean_up);
}

static int take_extent(void *data, const char *context, uint64_t offset, uint32_t *entries, size_t n, int *error)
{
    for (size_t i = 0; i < n; i++)
        *(uint32_t *)data ^= entries[i];
    return 0;
}

static void ask_co(struct nbd_connection *connection)
{
    uint8_t buf[READ_SIZE];
    uint32_t sum = 0;
    int64_t size = nbd_connection_export(connection)->size;
    struct nbd_request read = {.operation = NBD_READ, .bytes = MIN(size, READ_SIZE), .buf = buf};
    struct nbd_request status = {.operation = NBD_STATUS, .bytes = MIN(size, READ_SIZE), .extent = {.callback = take_extent, .user_data = &sum}};

    if (read.bytes > 0 && nbd_connection_request_co(connection, &read) == 0) {
        for (int64_t i = 0; i < read.bytes; i++)
            sum ^= buf[i]; /* a sanitizer tells what did not arrive */
    }
    if (read.bytes > 0 && nbd_connection_export(connection)->has_allocation)
        nbd_connection_request_co(connection, &status);
}

static void client_co(void)
{
    struct nbd_settings settings = {.request_timeout_s = 1};
    g_autoptr(options) options = options_new();
    g_autoptr(GError) error = NULL;
    const struct nbd_library *library = nbd_library_load(NULL);

    g_assert_nonnull(library);
    options_set(options, "path", name.sun_path);
    g_assert_cmpint(nbd_address_take(options, &settings.address, NULL), ==, 0);
    struct nbd_connection *connection = nbd_connection_new(library, &settings, fuzz_aio(), NULL, NULL);
    int ret = nbd_connection_open_co(connection, &error);
    g_assert_true((ret < 0) == (error != NULL));
    if (ret == 0)
        ask_co(connection);
    nbd_connection_free(connection);
}

/* All at once: nobody reads what the client says.  It is served once; connecting again leads nowhere. */
struct service {
    const uint8_t *data;
    size_t size;
    int fd; /* -1: not connected yet */
};

static gboolean on_client(int fd, GIOCondition condition, void *data)
{
    struct service *service = data;
    int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (client >= 0 && service->fd < 0) {
        service->fd = client;
        if (service->size == 0 || send(client, service->data, service->size, MSG_NOSIGNAL) >= 0)
            shutdown(client, SHUT_WR);
        else
            shutdown(client, SHUT_RDWR);
    } else if (client >= 0) {
        close(client);
    }
    return G_SOURCE_CONTINUE;
}

static void run_co(const uint8_t *data, size_t size)
{
    client_co();
}

void fuzz_one(const uint8_t *data, size_t size)
{
    struct service service = {data, size, -1};
    GSource *source;

    if (listener < 0)
        begin();
    source = g_unix_fd_source_new(listener, G_IO_IN);
    g_source_set_callback(source, G_SOURCE_FUNC(on_client), &service, NULL);
    g_source_attach(source, NULL);
    fuzz_run_co(run_co, data, size);
    g_source_destroy(source);
    g_source_unref(source);
    if (service.fd >= 0)
        close(service.fd);
}
