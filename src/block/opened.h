/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which files a qemu-nbd of ours has open: those that it was to open, or others. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct aio;
struct nbd_server;

struct opened {
    bool unknown; /* it can't be looked at, or is a script of somebody's that has started qemu-nbd: the rest says nothing */
    bool image;   /* the image's */
    bool others;  /* any that it was not to open */
};

/* files: int, descriptors of the image and of what else it was to open.  0, or a negative errno.  Suspends. */
int opened_check_co(struct aio *aio, const struct nbd_server *server, const GArray *files, struct opened *ret_opened);
