/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where an NBD export is: names and options, and how it is reached. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "block/options.h"

/* Longest name of an export or a metadata context (NBD protocol, "Strings": 4096 bytes). */
enum { NBD_STRING_MAX = 4096 };

struct nbd_address {
    char *path;         /* of a Unix socket, else NULL: */
    char *host, *port;  /* numbers or names */
    char *export_name;  /* "" for the default export */
    char *name;         /* for people and for struct blk_extent.host: "nbd://HOST:PORT/EXPORT", escaped as URIs are */
    char *peer;         /* for messages: "HOST:PORT" or the path */
    bool tls;
    char *tls_certificates; /* folder, NULL: one of libnbd's */
    char *tls_psk_file;     /* NULL: certificates */
    char *tls_username;     /* NULL: that of the user */
    char *tls_hostname;     /* in the server's certificate; NULL: host */
    bool tls_verify;
};

/*
 * Turns a name into options: nbd://, nbd+tcp://, nbd+unix://, the same with nbds, nbd:HOST:PORT and nbd:unix:PATH, with an
 * `:exportname=NAME` behind.  Sources: the NBD URI specification (doc/uri.md of NBD), qemu(1) for the last two.  0, or -EINVAL.
 */
int nbd_parse_filename(const char *filename, struct options *options, GError **error);

/* Takes what says where the server is (server.*, host, port, path, export, tls-*) out of options.  0, or -EINVAL. */
int nbd_address_take(struct options *options, struct nbd_address *address, GError **error);
void nbd_address_clear(struct nbd_address *address);
