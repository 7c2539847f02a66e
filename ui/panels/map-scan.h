/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fills a pyramid from a source (extents of the guest, clusters of the file) in the background, and keeps it true when the image changes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ui/panels/map-pyramid.h"
#include "ui/panels/map-source.h"

struct map_scan;

/* updated is called outside and inside of coroutines when counts changed or the scan ended; not for every leaf. */
struct map_scan *map_scan_new(void (*updated)(void *data), void *data);
/* A scan that runs ends by itself later and touches neither the owner nor the image any more. */
void map_scan_free(struct map_scan *scan);

/*
 * From now on the scan is about [start, end) of this image, in leaves of 1 << shift bytes, all unknown to begin with; it runs as
 * coroutines that first give way once.  blk NULL: nothing to scan, and the old image is left alone.
 */
void map_scan_start(struct map_scan *scan, struct blk *blk, const struct map_source *source, int64_t start, int64_t end,
                    unsigned shift);

/* It is about more now, as far as end, in leaves of the same size: what is known stays, the rest is scanned. */
void map_scan_grow(struct map_scan *scan, int64_t end);

/* What is seen, and to be known first. */
void map_scan_prefer(struct map_scan *scan, int64_t start, int64_t end);

/*
 * Bytes changed, or their allocation did: their leaves are scanned again, a little later when that happens often.  Until then
 * the last counts stand and map_scan_is_busy().
 */
void map_scan_changed(struct map_scan *scan, int64_t offset, int64_t bytes);

/* Whether leaves wait for their (first or next) scan. */
bool map_scan_is_busy(const struct map_scan *scan);
const struct map_pyramid *map_scan_pyramid(const struct map_scan *scan);
