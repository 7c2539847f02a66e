/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where two images differ: what their metadata settles is not read, the rest is compared. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "block/blk.h"

struct session;

enum { COMPARE_GRAIN = 512 }; /* differences are told in whole sectors, but where the longer image ends */

enum compare_kind {
    COMPARE_DIFFERENT,
    COMPARE_PERHAPS,    /* by the metadata: they may differ; only if nothing is read */
    COMPARE_UNREADABLE, /* one of them can't be read there */
};

const char *compare_kind_name(enum compare_kind kind); /* "different", ... */

struct compare {
    struct blk *a, *b; /* the shorter one reads as zeroes past its end */
    bool metadata_only;
    int64_t start, end; /* only this range, widened to whole sectors; end 0: all of it */
    int64_t part; /* a range longer than that is told in parts, so that one hears of it before its end; 0: never */
    bool below; /* b is the layer right below a: where a's top layer has nothing, they are the same, to the byte */
};

/* How far it is; written by compare_co() as it goes. */
struct compare_progress {
    int64_t size;  /* of the longer one */
    int64_t done;  /* what lies before is dealt with, read or not */
    int64_t told;  /* and what lies before this was told, too, if there was something to tell */
    int64_t read;  /* bytes that had to be read, of both */
    int64_t bytes[COMPARE_UNREADABLE + 1]; /* found so far, by kind */
};

/* Ranges in order, adjacent ones of a kind merged.  Non-zero ends it and is the result. */
typedef int compare_fn(void *data, int64_t offset, int64_t bytes, enum compare_kind kind);

/*
 * 0 at the end, what fn returned, -ECANCELED or another negative errno.  Suspends; reads are BLK_INTERNAL.  What is the same place in a
 * file of the same name is the same, and so are zeroes.
 */
int compare_co(const struct compare *compare, struct compare_progress *progress, compare_fn *fn, void *data);

/* How it is opened. */
struct compare_how {
    struct aio *aio;
    enum blk_refs refs;        /* what is done with the files that another image names */
    enum blk_refs own_refs;    /* and with those that this one does, a snapshot of which is opened as it was itself */
    const GPtrArray *approved; /* of the latter, see struct blk_open; valid while it is opened */
};
/* As the session opens images, and opened its own. */
struct compare_how compare_how_in(const struct session *session);

/* What an image is compared with. */
struct compare_other {
    struct blk *blk;
    bool opened; /* to be closed after use */
};

/* What compare_open_co() has for what was typed: "@NAME" is a snapshot where there is no such file.  g_free. */
char *compare_name(const char *typed);

/*
 * Finds it: what NULL is the backing file, "@NAME" an internal snapshot (by id or name), anything else another image, opened read-only, format
 * NULL: probed.  0, or a negative errno and an error.  Must run in a coroutine.
 */
int compare_open_co(struct blk *blk, const struct compare_how *with, const char *what, const char *format, struct compare_other *ret_other,
                    GError **error);
void compare_close_co(struct compare_other *other);
