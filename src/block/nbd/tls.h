/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What makes an encrypted connection one to whom it is meant for.
 *
 * libnbd 1.14 looks at a server's certificate only where it was given both a folder with authorities and the name of a host it looked up itself
 * (CVE-2024-7383): so the folder is always given, and the name also for a Unix socket.  Without either there is no connection.
 */
#pragma once

#include "block/nbd/address.h"
#include "block/nbd/library.h"

/* Whether there is what the server's certificate is checked with: 0, or -EACCES, -ENOENT, -EINVAL and an error.  Reads folders; may not suspend. */
int nbd_tls_check(const struct nbd_address *address, GError **error);
/* Tells a handle that is not connected yet.  False: libnbd's error. */
bool nbd_tls_set_up(const struct nbd_address *address, const struct nbd_library *library, struct nbd_handle *handle);
/* What a person can do where libnbd says no more than that the handshake failed, NULL: nothing special (g_free). */
char *nbd_tls_advice(const struct nbd_address *address, const char *why);
