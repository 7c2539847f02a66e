/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that an image names, opened here for a qemu-nbd that is handed their descriptors (block/nbd/server.h): what both kinds of them are told by. */
#pragma once

#include <glib.h>

struct handed {
    GArray *files;      /* int, descriptors, closed with it */
    GPtrArray *names;   /* char *, of each: what people know it by */
    GPtrArray *options; /* char *: the image's options that say so, name and value (NULL: null) in turn */
};

struct handed *handed_new(void);
/* NULL is fine. */
void handed_free(struct handed *handed);
typedef struct handed handed;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(handed, handed_free)

/* fd is taken, name copied. */
void handed_add(struct handed *handed, int fd, const char *name);
/* The option's name is taken (g_free), value copied. */
void handed_add_option(struct handed *handed, char *option, const char *value);
