/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a map's counts come from: an image's extents in guest order, or its file's clusters in host order. */
#pragma once

#include "ui/panels/map-kind.h"

/* Bytes of one kind, of one layer, and where they are stored at all, stored in a row. */
struct map_run {
    int64_t start, length;
    unsigned kind;
    int depth;    /* layer; 0 in host order */
    int64_t host; /* where they are in the file that holds them; -1: nowhere, and in host order */
};

/* Whether both are parts of one run, b right behind a. */
bool map_run_goes_on(const struct map_run *a, const struct map_run *b);

/* Non-zero ends the visit and is its result. */
typedef int map_run_fn(void *data, const struct map_run *run);

/* Ranges of the guest that are all that is looked at: what a bitmap marks. */
struct map_marked {
    char *name; /* of it, as it may be shown */
    struct intervals *ranges;
};
/* name is escaped, ranges is taken over; counted. */
struct map_marked *map_marked_new(const char *name, struct intervals *ranges);
struct map_marked *map_marked_ref(struct map_marked *marked);
void map_marked_unref(struct map_marked *marked);

struct map_source {
    const struct map_space *space;
    struct map_marked *marked; /* what else there is is not there; NULL: all of it is looked at.  In guest order */
    int only;   /* 1 + the layer that is looked at, what others supply is not there; 0: all of them.  In guest order */
    bool whole; /* a visit costs as much as one of everything, whatever its range: better not ended early and begun anew */
    /* Runs in order without gaps over [start, end), as far as there is something; may suspend, ends with -ECANCELED when cancelled. */
    int (*visit_co)(const struct map_source *source, struct blk *blk, int64_t start, int64_t end, map_run_fn *fn, void *data);
};

extern const struct map_source map_source_guest, map_source_host;
