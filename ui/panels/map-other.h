/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Watches the files of what an image is compared with, while that is not open. */
#pragma once

#include <stdbool.h>

struct blk;
struct map_other;

/* changed is called from the loop: all of it may be other than it was. */
struct map_other *map_other_new(void (*changed)(void *data), void *data);
void map_other_free(struct map_other *other);
/* From now on it is about this one's files, by their names.  false: there is none that can be watched. */
bool map_other_watch(struct map_other *other, const struct blk *blk);
/* The files can't be opened any more: something with such a name, in their folders, is a change, too. */
void map_other_await(struct map_other *other);
/* Whether its files are known. */
bool map_other_was_open(const struct map_other *other);
/* Nothing is watched any more. */
void map_other_forget(struct map_other *other);
