/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/nbd/private_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

void private_socket_init(struct private_socket *socket)
{
    *socket = (struct private_socket){.listener = -1};
    for (unsigned i = 0; i < PRIVATE_SOCKET_CLIENTS; i++)
        socket->clients[i] = -1;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void private_socket_close_listener(struct private_socket *socket)
{
    close_fd(&socket->listener);
}

void private_socket_done(struct private_socket *socket)
{
    private_socket_close_listener(socket);
    for (unsigned i = 0; i < PRIVATE_SOCKET_CLIENTS; i++)
        close_fd(&socket->clients[i]);
    g_clear_pointer(&socket->name, g_free);
}

/* In a folder of its own, as a folder's rights keep others out from the first moment on. */
static int bind_and_connect(struct private_socket *private)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    strcpy(name.sun_path, private->name);
    private->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (private->listener < 0 || bind(private->listener, (struct sockaddr *)&name, sizeof(name)) < 0 ||
        listen(private->listener, PRIVATE_SOCKET_CLIENTS) < 0)
        return -errno;
    for (unsigned i = 0; i < PRIVATE_SOCKET_CLIENTS; i++) {
        private->clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (private->clients[i] < 0 || connect(private->clients[i], (struct sockaddr *)&name, sizeof(name)) < 0)
            return -errno;
    }
    return 0;
}

/* Before there is a server, so that a crash of ours leaves nothing in the file system but between two calls. */
static int listen_in(struct private_socket *private, const char *parent)
{
    g_autofree char *folder = g_build_filename(parent, "blkscope-nbd-XXXXXX", NULL);
    int ret;

    if (strlen(folder) + strlen("/socket") >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return -ENAMETOOLONG;
    if (!g_mkdtemp(folder)) /* 0700 */
        return -errno;
    private->name = g_build_filename(folder, "socket", NULL);
    ret = bind_and_connect(private);
    unlink(private->name);
    rmdir(folder);
    return ret;
}

/* Where temporary files go; elsewhere if that is full or too long a name for a socket. */
int private_socket_listen(struct private_socket *socket, const char **ret_folder)
{
    const char *const parents[] = {g_get_tmp_dir(), g_get_user_runtime_dir(), "/tmp", "/dev/shm"};
    int first = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(parents); i++) {
        int ret = listen_in(socket, parents[i]);

        if (ret == 0)
            return 0;
        private_socket_done(socket);
        first = first ? first : ret;
    }
    *ret_folder = parents[0];
    return first;
}

int private_socket_claim(struct private_socket *socket)
{
    for (unsigned i = 0; i < PRIVATE_SOCKET_CLIENTS; i++) {
        int client = socket->clients[i];

        if (client < 0)
            continue;
        socket->clients[i] = -1;
        return client;
    }
    return -1;
}

bool private_socket_has_spare(const struct private_socket *socket)
{
    for (unsigned i = 0; i < PRIVATE_SOCKET_CLIENTS; i++) {
        if (socket->clients[i] >= 0)
            return true;
    }
    return false;
}
