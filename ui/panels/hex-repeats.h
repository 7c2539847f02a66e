/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Data that repeats the same eight bytes, as it was found by reading: so that long runs of it are known, and fold, without their bytes being
 * kept.  Holes are not among it.
 */
#pragma once

#include "block/blk.h"
#include "ui/panels/hex-holes.h"

/*
 * A stretch ends where such a window does: nobody reads more than that to know where what is seen begins and ends, of which a screen may
 * have one in every second line.
 */
#define HEX_REPEATS_WINDOW (INT64_C(1) << 26)

struct hex_repeats;

/* updated is called from a coroutine when something became known. */
struct hex_repeats *hex_repeats_new(void (*updated)(void *data), void *data);
/* A read under way ends by itself later and touches neither the owner nor the image any more. */
void hex_repeats_free(struct hex_repeats *repeats);
/* Nothing is known of this image, which is size bytes long; NULL: there is none. */
void hex_repeats_open(struct hex_repeats *repeats, struct blk *blk, int64_t size);
/* These bytes may be others now: nothing is known of their blocks. */
void hex_repeats_changed(struct hex_repeats *repeats, int64_t start, int64_t end);
/* A hole was found there: what was noted while it was not known is no data. */
void hex_repeats_forget(struct hex_repeats *repeats, int64_t start, int64_t end);

/* These n bytes of one block were read there.  Whether that tells something new. */
bool hex_repeats_note(struct hex_repeats *repeats, int64_t offset, const uint8_t *bytes, size_t n);

/* The stretch offset is in: false when none is known. */
bool hex_repeats_at(const struct hex_repeats *repeats, int64_t offset, struct hex_hole *ret_stretch);
/* Where the first one behind offset begins, or INT64_MAX. */
int64_t hex_repeats_next(const struct hex_repeats *repeats, int64_t offset);
/* Fills in the bytes of a stretch. */
void hex_repeats_fill(const struct hex_hole *stretch, int64_t offset, uint8_t *bytes, size_t n);

/*
 * Reads on where the stretch with offset ends (direction 1) or back from where it begins (-1), when it is a long one, until it does
 * end.  One at a time.
 */
void hex_repeats_extend(struct hex_repeats *repeats, int64_t offset, int direction);
/* What is visible: reading on outside of it ends. */
void hex_repeats_show(struct hex_repeats *repeats, int64_t start, int64_t end);
