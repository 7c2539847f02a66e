/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The layers below an image that qemu-nbd writes to: it has to copy from them.
 *
 * What it gets is a descriptor of each file that is open here as such a layer, and its format: it looks up no name, guesses no format, and opens nothing
 * that one of them names.
 */
#pragma once

#include <glib.h>

#include "block/handed.h"

struct node;

/* So many below each other. */
enum { PARENTS_MAX = 32 };

/*
 * backing: the topmost of them.  first: how many files qemu-nbd is handed before theirs.  0, or a negative errno and error, which names the file: only files and
 * devices that a format whose bytes are all in itself is in can be handed on.
 */
int parents_hand(struct node *backing, unsigned first, struct handed **ret_parents, GError **error);
