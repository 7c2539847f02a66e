/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which slot of a file holds which cluster of an image: for images far larger than what is kept of them.  Runs, not clusters, take memory. */
#pragma once

#include <stdint.h>

struct spill_map;

struct spill_map *spill_map_new(void);
void spill_map_free(struct spill_map *map);
/* The slot of cluster, or -1: it has none.  ret_count: as many clusters from it on have the slots that follow, or none either (INT64_MAX: all). */
int64_t spill_map_at(const struct spill_map *map, int64_t cluster, int64_t *ret_count);
/* count clusters without a slot get slot and those that follow. */
void spill_map_set(struct spill_map *map, int64_t cluster, int64_t count, int64_t slot);

typedef void spill_map_fn(void *data, int64_t slot, int64_t count);
/* The clusters from start to end have none any more; fn is told of each run of slots that they had.  It must not change the map. */
void spill_map_remove(struct spill_map *map, int64_t start, int64_t end, spill_map_fn *fn, void *data);
