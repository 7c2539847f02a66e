/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The backing files of an image that qemu-nbd reads: opened here, by the rules for files that an image names, so that it is known what they are.
 *
 * What qemu-nbd gets is a descriptor of each and its format: it looks up no name, guesses no format, and opens nothing that one of them names.
 */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#include "block/handed.h"

struct node;

/* So many below each other. */
enum { PARENTS_MAX = 32 };

struct parents_image {
    const char *format, *path; /* the image's own */
    const uint8_t *bytes;      /* its first, */
    size_t n;                  /* PARENT_NAME_HEAD of them if there are so many */
    int fd;                    /* a descriptor of it, borrowed */
    unsigned first;            /* how many files qemu-nbd is handed before those */
};

/*
 * Opens the backing file that an image names, the one that this names, and so on: from the top; *ret_parents is NULL if it names none.  Plain files and block devices are
 * opened, for reading and without a lock, of formats whose bytes are all in themselves.  0, or a negative errno and error, which names the file.  Suspends.
 */
int parents_open_co(struct node *node, const struct parents_image *image, struct handed **ret_parents, GError **error);
