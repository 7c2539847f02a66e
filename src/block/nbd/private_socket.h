/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A listening Unix socket that nobody else can reach: it has no name any more, and who may connect has done so already.
 *
 * Connections wait in its queue until whoever gets the listener takes them, one after the other.  Those behind the first are for when that is
 * lost: a program that has given up its right to make sockets (doc/sandbox.md) has them still.
 */
#pragma once

#include <stdbool.h>

enum { PRIVATE_SOCKET_CLIENTS = 4 };

struct private_socket {
    char *name;   /* it had; NULL before private_socket_listen() */
    int listener; /* -1: none, or closed here */
    int clients[PRIVATE_SOCKET_CLIENTS]; /* our ends, in the order of the queue; -1: somebody else's by now */
};

void private_socket_init(struct private_socket *socket);
/* Closes what was not claimed. */
void private_socket_done(struct private_socket *socket);

/*
 * Makes it, and the connections.  0, or the negative errno of the first folder that was tried, whose name *ret_folder is then (static, or the
 * environment's).
 */
int private_socket_listen(struct private_socket *socket, const char **ret_folder);
/* The listener has been handed on. */
void private_socket_close_listener(struct private_socket *socket);

/* The next connection, the caller's from now on; -1: there is none left. */
int private_socket_claim(struct private_socket *socket);
bool private_socket_has_spare(const struct private_socket *socket);
