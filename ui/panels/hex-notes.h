/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of the structure around the hex panel's cursor, found out in the background. */
#pragma once

#include "block/blk.h"
#include "ui/panels/fields.h"
#include "ui/panels/hex-source.h"

struct hex_notes;

/* updated is called from a coroutine when there is more to say. */
struct hex_notes *hex_notes_new(void (*updated)(void *data), void *data);
/* What is under way ends by itself and touches neither the owner nor the image any more. */
void hex_notes_free(struct hex_notes *notes);

/* From now on it is about this (NULL: nothing); layer is what the file holds, NULL: blk is no file of an image. */
void hex_notes_open(struct hex_notes *notes, struct blk *blk, struct blk *layer);
/* Everything may be otherwise now. */
void hex_notes_changed(struct hex_notes *notes);
/* These bytes may be others now. */
void hex_notes_written(struct hex_notes *notes, int64_t offset, int64_t bytes);

/* Finds out about that place unless it is known. */
void hex_notes_want(struct hex_notes *notes, int64_t offset);
/* Of the image or of the format in the file; 0: there are none, or it is not known yet. */
int64_t hex_notes_cluster_size(const struct hex_notes *notes);
/* Whether nothing is under way: what is not known now has no answer. */
bool hex_notes_known(const struct hex_notes *notes);
/* Until that is known: 0, or -ECANCELED.  They may be gone after it. */
int hex_notes_wait_co(struct hex_notes *notes);

/* What the byte belongs to, as far as known, with the bytes the source has; else false.  hit is to be cleared. */
bool hex_notes_find(struct hex_notes *notes, struct hex_source *source, int64_t offset, struct field_hit *ret_hit);
/* "partition 1 + 0x9d5400", of a byte that nothing more is known of; NULL: it is in none.  g_free. */
char *hex_notes_partition(const struct hex_notes *notes, int64_t offset);
/* The guest's offset of a byte of the file, -1: it holds none, or that is not known. */
int64_t hex_notes_guest(struct hex_notes *notes, int64_t offset);
