/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A qemu-nbd of our own, for one image and one client, on a socket nobody else can reach.
 *
 * It is handed the listening socket (systemd's socket activation), so that there is nothing to wait for.  It ends when its client
 * leaves, and with this program however that ends: prctl(2), PR_SET_PDEATHSIG.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "io/aio.h"

struct nbd_server;

struct nbd_server_how {
    const char *image;  /* "json:{...}", or a name of any kind */
    const char *format; /* of an image by name; NULL: the JSON says it */
    bool writable;
    const char *const *secrets; /* ids of `secret` objects that image refers to, NULL-terminated; NULL: none */
};

/* Starts it: 0, or a negative errno and error; -ENOENT: qemu-nbd is not installed.  On the thread that lives as long as the program. */
int nbd_server_start(const struct nbd_server_how *how, struct nbd_server **ret_server, GError **error);
/* Path of its socket; valid until nbd_server_hide(). */
const char *nbd_server_socket(const struct nbd_server *server);
int nbd_server_process(const struct nbd_server *server);
/* The client is connected: takes the socket out of the file system. */
void nbd_server_hide(struct nbd_server *server);
/* What it said on stderr since it started, without its name in front, NULL: nothing (g_free).  Reads what is there. */
char *nbd_server_said(struct nbd_server *server);
/* Its client has left, or never came: waits until it ended, by force after some seconds, and frees.  */
void nbd_server_stop_co(struct nbd_server *server, struct aio *aio);
