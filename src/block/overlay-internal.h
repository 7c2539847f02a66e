/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the overlay_*.c files share: the layer's state. */
#pragma once

#include "block/overlay.h"
#include "block/overlay_journal.h"

struct overlay {
    struct node *base, *file; /* both children */
    struct intervals *ours;   /* bytes that are in file */
    int64_t base_end;         /* bytes of base behind this don't show */
    int64_t size;
    struct co_mutex lock;     /* while journalling: who changes something */
    struct overlay_journal *journal; /* NULL: nothing is kept */
};

extern const struct driver driver_overlay;

enum overlay_source { OVERLAY_OURS, OVERLAY_BASE, OVERLAY_NOBODY };

/* Who supplies the byte at offset, and for how many of at most bytes that holds. */
enum overlay_source overlay_source(const struct overlay *overlay, int64_t offset, int64_t bytes, int64_t *ret_bytes);

/* Of bytes that are ours: whether the first ones are zeroes as far as the layer knows without reading, and how many.  0, or a negative errno. */
int overlay_run_co(struct overlay *overlay, int64_t offset, int64_t bytes, int64_t *ret_bytes, bool *ret_zeroes);

/* Makes the layer that size; prealloc as of a truncation.  Keeps nothing of what is cut off. */
int overlay_resize_co(struct overlay *overlay, int64_t size, enum blk_prealloc prealloc, GError **error);

/* Keep what a change of [start, end), or of the size by a truncation, is about to replace: a journal that can't keep it forgets all. */
void overlay_keep_write_co(struct node *node, int64_t start, int64_t end);
void overlay_keep_resize_co(struct node *node, int64_t new_size, enum blk_prealloc prealloc);
