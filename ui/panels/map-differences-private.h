/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of a comparison on the map: what is known of it, and the coroutine that finds it out. */
#pragma once

#include <glib.h>

#include "engine/compare.h"
#include "io/co.h"
#include "ui/panels/map-differences.h"
#include "ui/panels/updates.h"

struct map_other;

#define MAP_DIFFERENCES_ALL_BYTES (INT64_MAX - COMPARE_GRAIN)

/* A comparison under way. */
struct differences_run {
    struct map_differences *owner; /* NULL: let go, or done */
    unsigned refs;                 /* its own, and those who wait */
    struct co *co;
    struct co_queue waiters;
    struct blk *blk;
    struct compare_how how;
    GPtrArray *approved; /* of it */
    char *what;
    struct compare_progress progress;
    GArray *into;
    bool again;       /* only what changed */
    bool reads_other; /* by the tables that it has now */
    int64_t delay_us, begun_us;
    int64_t again_done, again_total;
};

struct map_differences {
    struct updates updates;
    struct differences_run *run;
    char *with, *error;
    struct session *session;
    struct map_other *other; /* is watched */
    char *what;
    GArray *found, *perhaps; /* struct map_range */
    GArray *changed;         /* struct map_range, to be compared again */
    GArray *unreadable;      /* struct map_range, those of found that are */
    GArray *hosts;           /* struct map_range in the file, sorted, none touching the next */
    unsigned perhaps_first;  /* those before are behind the comparison */
    struct compare_progress progress;
    bool cut, stale;
    bool unseen;  /* what others write to one of the images is not noticed */
    bool other_changed; /* behind the run that reads it: it is opened anew for the next */
    bool stopped; /* as it was asked for: what changes is not followed any more */
    int64_t view_start, view_end; /* compared again first */
    int64_t since_us, ended_us, took_us; /* of the last time something was compared again */
};

/* What was compared needs no guess any more. */
void map_differences_advance(struct map_differences *differences, const struct compare_progress *progress);
/* Nothing was compared. */
void map_differences_forget_found(struct map_differences *differences);
/* What changed; all of it, where there is nothing it could be put into. */
void map_differences_compare_again(struct map_differences *differences);

/* map-differences-run.c: a run begins, a little later; it ends by itself, or once it has no owner any more. */
void differences_run_start(struct map_differences *differences, bool again, int64_t delay_us);
void differences_run_unref(struct differences_run *run);
