/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the image differs from another one, found in the background: what may differ by the tables at once, then what does by
 * its content, and what writers of either change, again.  What was found stays when the other image has been closed again; its files are
 * watched.  A file that is put in its place is what it is compared with from then on.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ui/panels/map-ranges.h"

struct session;

enum { MAP_DIFFERENCES_MAX = 1 << 20 }; /* ranges kept; bounds the memory */

struct map_differences;

/* updated is called from a coroutine when there is something new. */
struct map_differences *map_differences_new(void (*updated)(void *data), void *data);
/* What is under way ends by itself and nobody hears of it. */
void map_differences_free(struct map_differences *differences);
/* Compares the session's image with what (see compare_open_co()); what was known is forgotten. */
void map_differences_start(struct map_differences *differences, struct session *session, const char *what);
/* Stops what is under way, keeps what was found so far, and follows no change any more. */
void map_differences_stop(struct map_differences *differences);
/* Forgets everything: there is no comparison any more. */
void map_differences_clear(struct map_differences *differences);

/* Until it is done or stopped: 0 or -ECANCELED.  All of it may be gone after that. */
int map_differences_wait_co(struct map_differences *differences);
bool map_differences_is_busy(const struct map_differences *differences);
/* The same, or what changed is being compared again, or is about to be. */
bool map_differences_is_unfinished(const struct map_differences *differences);
/* NULL: there is no comparison; else what it is with, safe to show.  Valid until it changes. */
const char *map_differences_with(const struct map_differences *differences);
/* Why it came to nothing, safe to show; NULL: it did not. */
const char *map_differences_error(const struct map_differences *differences);
/* Of what is compared by content. */
const struct compare_progress *map_differences_progress(struct map_differences *differences);
/* What is under way and worth to be told: the comparison, or that what changed is compared again, if this takes its time. */
struct map_differences_work {
    int64_t done, total, since_us; /* bytes; clock_now_us() */
};
bool map_differences_work(struct map_differences *differences, struct map_differences_work *ret_work);
bool map_differences_is_stopped(const struct map_differences *differences);
/* Whether what others write to the image that it is compared with goes unnoticed, since that has no file here. */
bool map_differences_is_unseen(const struct map_differences *differences);
/* The image is of another size, and all of it may be other than it was.  No comparison: nothing happens. */
void map_differences_resized(struct map_differences *differences);
/*
 * These bytes of the image have changed: they are compared again, a little later.  Until then, and for good when the comparison was stopped,
 * what was found may be no longer so.  The other image's are noticed here.
 */
void map_differences_changed(struct map_differences *differences, int64_t offset, int64_t bytes);
bool map_differences_is_stale(const struct map_differences *differences);
/* What is seen, compared again first. */
void map_differences_prefer(struct map_differences *differences, int64_t start, int64_t end);

/* In order: ranges compared, then what the tables say of the rest.  Valid until the next turn of the loop. */
unsigned map_differences_count(const struct map_differences *differences);
struct map_range map_differences_at(const struct map_differences *differences, unsigned index);
/* Index of the first range that ends behind offset; the count: none. */
unsigned map_differences_find(const struct map_differences *differences, int64_t offset);
/* Whether there is one in this part of the image's file, as far as that holds the bytes as they are; only for a format with a file of its own. */
bool map_differences_touch_host(const struct map_differences *differences, int64_t start, int64_t end);
/* Whether something in this part of the image could not be compared, since one of the two can't be read there. */
bool map_differences_unreadable(const struct map_differences *differences, int64_t start, int64_t end);
/* There were more ranges than are kept. */
bool map_differences_is_cut(const struct map_differences *differences);
