/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The temporary layer of an open image, for its user: undone, looked at, written back or dropped.
 *
 * With an error, the message is complete for a person.  Each suspends until requests under way have ended; what comes meanwhile waits.
 */
#pragma once

#include "block/blk.h"

bool blk_has_overlay(const struct blk *blk);

/* Puts one on an image that is open read-only, and makes it writable.  0, or a negative errno and an error. */
int blk_overlay_start_co(struct blk *blk, GError **error);

struct blk_overlay_status {
    int64_t bytes;       /* in the layer */
    unsigned ranges;
    int64_t size, below; /* of the image, and of that below */
    unsigned undo, redo; /* steps */
    const char *undo_label, *redo_label; /* of the next ones; NULL: none; valid until the image changes */
    bool lost;           /* older steps were forgotten */
};
/* 0, or -ENOTSUP: there is none. */
int blk_overlay_status(const struct blk *blk, struct blk_overlay_status *ret_status);

/* From now on, changes are a step of their own that can be undone; label (copied) is what it is called.  Without an overlay nothing. */
void blk_overlay_mark(struct blk *blk, const char *label);
/* Undoes a step, or does the last one undone again (forth): 0 and its label (g_free), or a negative errno, an error, and nothing changed. */
int blk_overlay_move_co(struct blk *blk, bool forth, char **ret_label, GError **error);

/* Drops all that was written, and the steps. */
int blk_overlay_discard_co(struct blk *blk, GError **error);

struct blk_overlay_progress {
    int64_t done, total; /* bytes */
};
/*
 * Writes it to the image below, which is opened once more for that, and goes on with an empty layer.  On failure (-ECANCELED too) the
 * layer stays as it is, so that nothing is lost; progress says how much was written.
 */
int blk_overlay_commit_co(struct blk *blk, struct blk_overlay_progress *progress, GError **error);
