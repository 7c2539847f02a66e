/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What qemu-nbd is started with (block/nbd/server.h): program, arguments, environment, and the descriptors that it is handed. */
#pragma once

#include <glib.h>

#include "block/nbd/server.h"

#define NBD_SERVER_PROGRAM "qemu-nbd"

enum {
    NBD_SERVER_LISTEN_FD = NBD_SERVER_FILES - 1, /* where socket activation has the socket: sd_listen_fds(3) */
    NBD_SERVER_PID_DIGITS = 20,
};

struct nbd_server_command {
    GPtrArray *argv, *env; /* char *, owned, NULL-terminated */
    char *pid_digits;      /* in env: filled in by the child itself */
    GHashTable *given;     /* ids of secrets that are in argv */
    GArray *files;         /* int: descriptors from NBD_SERVER_FILES on in the child, those of secrets last */
};

void nbd_server_command_init(struct nbd_server_command *command);
/* 0, or a negative errno and error; -ENOENT: qemu-nbd is not installed, or a secret isn't defined. */
int nbd_server_command_fill(struct nbd_server_command *command, const struct nbd_server_how *how, GError **error);
/* Closes the files, too. */
void nbd_server_command_done(struct nbd_server_command *command);

/* "Could not start qemu-nbd: WHAT: " and what errno says; the negative errno. */
int nbd_server_not_started(GError **error, const char *what);
