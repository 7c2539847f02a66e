/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looking into an image's own structure: checking it, what each cluster of its file is for, and the way from a guest byte to a
 * host byte and back.  All of it only reads.
 *
 * Every function here works on the topmost node that has a structure to look into (through filters), may suspend, gives way to the loop,
 * ends with -ECANCELED when cancelled, and returns -ENOTSUP where no format has one.  Callbacks return 0 to go on; anything else ends the
 * call and is its result.  Text in them is valid during the call.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "block/blk.h"

/*
 * Around calls of these by what is no command, as a panel: blkdebug takes no notice, so that looking changes nothing of an experiment.
 * What is called in between says whether the image is still there.
 */
struct inspect_look {
    struct blk_request request;
};
void inspect_look_begin(struct blk *blk, struct inspect_look *look);
void inspect_look_end(struct blk *blk, struct inspect_look *look);

/* ---- checking ---- */

enum inspect_severity {
    INSPECT_CORRUPTION, /* data may be wrong, or become so with the next write */
    INSPECT_LEAK,       /* space is wasted */
    INSPECT_ERROR,      /* could not be checked */
};

struct inspect_problem {
    enum inspect_severity severity;
    const char *text; /* the reference program's line; names from the image are raw bytes */
    int64_t host;     /* where in the file, for inspect_explain_host_co(); -1: nowhere */
    bool repaired;    /* it is one no more */
};
typedef int inspect_problem_fn(void *data, const struct inspect_problem *problem);

/* As `qemu-img check` counts. */
struct inspect_check {
    int64_t corruptions, leaks, check_errors;
    int64_t total_clusters, allocated_clusters, fragmented_clusters, compressed_clusters; /* of the guest, active state */
    int64_t image_end; /* behind the last host cluster in use, bytes */
    int64_t corruptions_fixed, leaks_fixed; /* by a repair; not counted above */
    int64_t done, total; /* while a check runs: how far it is, in bytes of the guest for each time all is gone through; total 0: not known */
};
/* 0, also when problems were found: they are counted in *ret_check and told to fn (may be NULL). */
int inspect_check_co(struct blk *blk, inspect_problem_fn *fn, void *data, struct inspect_check *ret_check);
enum inspect_fix { INSPECT_FIX_NONE, INSPECT_FIX_LEAKS, INSPECT_FIX_ALL };
/*
 * The same, and repairs: LEAKS refcounts that are too high, and flags where nothing else is wrong; ALL what `qemu-img check -r all` does,
 * up to refcounts made anew.  What is left is counted as above; once something was
 * repaired, another check tells the whole truth.  Waits for the requests under way; others wait for it.  -EROFS: the file
 * is not writable, or a snapshot is open; -EUCLEAN: only ALL can help; -EFBIG: too many clusters to count at once.
 */
int inspect_repair_co(struct blk *blk, enum inspect_fix fix, inspect_problem_fn *fn, void *data, struct inspect_check *ret_check);
/* `qemu-img check`'s exit status for a result: 0, 1 (could not be checked), 2 (corrupt), 3 (leaks). */
int inspect_check_status(const struct inspect_check *check);

/* ---- what clusters of the file are for ---- */

enum inspect_role {
    INSPECT_HEADER,
    INSPECT_REFCOUNT_TABLE,
    INSPECT_REFCOUNT_BLOCK,
    INSPECT_L1,
    INSPECT_L2,
    INSPECT_DATA,
    INSPECT_COMPRESSED,
    INSPECT_SNAPSHOT_TABLE,
    INSPECT_BITMAP_DIRECTORY,
    INSPECT_BITMAP_TABLE,
    INSPECT_BITMAP_DATA,
    INSPECT_CRYPTO,
    INSPECT_ROLE_COUNT,
};
const char *inspect_role_name(enum inspect_role role); /* "refcount block", ... */

/* Host clusters in a row that are alike. */
struct inspect_host_run {
    int64_t start, bytes;
    unsigned roles;      /* 1 << enum inspect_role, of everything that names them; 0: nothing does */
    bool snapshot;       /* something of an internal snapshot names them, */
    bool active;         /* and so does something else */
    uint64_t references; /* how many name each; exact */
    uint64_t refcount;   /* as the image counts; 0 and no role: free, more than references: leaked */
    bool refcount_known; /* false: the refcount could not be read */
};
typedef int inspect_host_fn(void *data, const struct inspect_host_run *run);
/* What counts and pictures of the file tell apart. */
enum inspect_share {
    INSPECT_SHARE_DATA,
    INSPECT_SHARE_COMPRESSED,
    INSPECT_SHARE_SNAPSHOT, /* only internal snapshots name it, or it is their table */
    INSPECT_SHARE_BITMAP,
    INSPECT_SHARE_HEADER,   /* the encryption header, too */
    INSPECT_SHARE_REFCOUNT,
    INSPECT_SHARE_L1,
    INSPECT_SHARE_L2,
    INSPECT_SHARE_FREE,
    INSPECT_SHARE_LEAKED,
    INSPECT_SHARE_CORRUPT,  /* named more often than it is counted, or by things that cannot share */
    INSPECT_SHARE_ERROR,    /* the tables cannot be read */
    INSPECT_SHARE_COUNT,
};
enum inspect_share inspect_share_of(const struct inspect_host_run *run);
const char *inspect_share_name(enum inspect_share share); /* "data", ... */

/* In order, over the whole file, merged. */
int inspect_host_map_co(struct blk *blk, inspect_host_fn *fn, void *data);
/* Bytes of that file as last seen, or -ENOTSUP; never suspends. */
int64_t inspect_host_size(const struct blk *blk);

/* ---- one byte ---- */

/* One thing that names a place in the file. */
struct inspect_owner {
    enum inspect_role role;
    int64_t host, bytes;         /* all of what it names, not only the place asked for */
    int64_t guest;               /* DATA, COMPRESSED: guest offset of its first byte; L2: of what the table covers; else -1 */
    const char *snapshot_id, *snapshot_name; /* of the internal snapshot it belongs to, raw bytes; NULL: the active state, or none */
    const char *bitmap;          /* name of the bitmap it belongs to, raw bytes; NULL: none */
    uint64_t entry;              /* the table's entry that names it; 0: the header does */
    int64_t entry_host;          /* where that entry lies, -1: nowhere */
};
typedef int inspect_owner_fn(void *data, const struct inspect_owner *owner);
/* Every owner of the cluster that holds the host byte; *ret_refcount as the image counts. */
int inspect_explain_host_co(struct blk *blk, int64_t host, inspect_owner_fn *fn, void *data, uint64_t *ret_refcount);
/* The same for many at once, in one pass over the tables: hosts ascend, i is the index of the one whose cluster has this owner. */
typedef int inspect_owners_fn(void *data, unsigned i, const struct inspect_owner *owner);
int inspect_owners_co(struct blk *blk, const int64_t *hosts, unsigned count, inspect_owners_fn *fn, void *data);

/* A step on the way from a guest byte to its host byte. */
struct inspect_step {
    int depth;          /* layer: 0 is the top */
    const char *file;   /* that layer's file, raw bytes; NULL for none */
    const char *what;   /* "L1", "L2", "subcluster", "data", "refcount", ...; static */
    const char *text;   /* for people: the entry, what it says */
    int64_t host;       /* where the step looks at, in that file; -1: nowhere */
};
typedef int inspect_step_fn(void *data, const struct inspect_step *step);
/* The walk from guest offset down the chain to whatever supplies it. */
int inspect_explain_co(struct blk *blk, int64_t offset, inspect_step_fn *fn, void *data);

/* ---- what is kept beside the disk ---- */

/* An internal snapshot. */
struct inspect_snapshot {
    const char *id, *name;           /* raw bytes */
    uint64_t vm_state_size, size;    /* bytes: of the VM state, of the disk then */
    uint32_t seconds, nanoseconds;   /* since 1970 */
    uint64_t vm_clock_ns;
    uint64_t icount;                 /* instructions the guest had run; UINT64_MAX: not kept */
};
typedef int inspect_snapshot_fn(void *data, const struct inspect_snapshot *snapshot);
/* In the image's order.  Does not suspend. */
int inspect_snapshots(struct blk *blk, inspect_snapshot_fn *fn, void *data);

/* A persistent bitmap, or one of an NBD server. */
struct inspect_bitmap {
    const char *name; /* raw bytes */
    int64_t granularity; /* bytes; 0: it is not known */
    bool in_use;      /* it was not written back: what it holds is not up to date */
    bool automatic;   /* it records writes from the moment the image is opened */
    int64_t dirty;    /* bytes of the disk, or the negative errno with which reading it ended */
};
typedef int inspect_bitmap_fn(void *data, const struct inspect_bitmap *bitmap);
/* Of an image that has no structure these are the bitmaps of the NBD export that it is. */
int inspect_bitmaps_co(struct blk *blk, inspect_bitmap_fn *fn, void *data);

/* Only their names, raw bytes, in the image's order: a new list (g_strfreev), empty where there are none.  Does not suspend. */
char **inspect_bitmap_names(struct blk *blk);

typedef int inspect_dirty_fn(void *data, int64_t offset, int64_t bytes);
/* One of these: data is the int64_t that all bytes are added to. */
int inspect_add_dirty(void *data, int64_t offset, int64_t bytes);
/* The dirty ranges of the bitmap called name, in order, merged, within the disk.  -ENOENT: none such; -EIO: its table is broken. */
int inspect_bitmap_co(struct blk *blk, const char *name, inspect_dirty_fn *fn, void *data);

/* ---- the header, also of a broken image ---- */

struct inspect_field {
    int64_t offset, bytes;  /* where in the file it lies */
    const char *name;       /* "cluster_bits", "extension bitmaps", "L1 table", ... */
    const char *value;      /* for people */
    const char *problem;    /* what is wrong with it, NULL: nothing */
};
typedef int inspect_field_fn(void *data, const struct inspect_field *field);
/*
 * Every field of the header at the beginning of the image's file, whether or not it would open: an image that does not is opened as raw for
 * this.  -ENOTSUP: it does not begin like a format that can be looked into.
 */
int inspect_header_co(struct blk *blk, inspect_field_fn *fn, void *data);

/*
 * What is kept back of the image's structure is in the file, for who looks at it there.  Where a request stands at a breakpoint in the middle
 * of a change, nothing is done.  0, also for an image without a structure, or a negative errno.
 */
int inspect_settle_co(struct blk *blk);

/* ---- for drivers ---- */

struct node;
struct inspect_ops {
    int (*check_co)(struct node *node, inspect_problem_fn *fn, void *data, struct inspect_check *ret_check);
    int (*repair_co)(struct node *node, enum inspect_fix fix, inspect_problem_fn *fn, void *data, struct inspect_check *ret_check);
    int (*host_map_co)(struct node *node, inspect_host_fn *fn, void *data);
    int (*explain_host_co)(struct node *node, int64_t host, inspect_owner_fn *fn, void *data, uint64_t *ret_refcount);
    int (*owners_co)(struct node *node, const int64_t *hosts, unsigned count, inspect_owners_fn *fn, void *data);
    /* Its own layer only: ret_next and ret_offset are the layer that goes on, NULL if it ends here. */
    int (*explain_co)(struct node *node, int64_t offset, int depth, inspect_step_fn *fn, void *data, struct node **ret_next,
                      int64_t *ret_offset);
    int (*snapshots)(struct node *node, inspect_snapshot_fn *fn, void *data);
    char **(*bitmap_names)(struct node *node);
    int (*bitmaps_co)(struct node *node, inspect_bitmap_fn *fn, void *data);
    int (*bitmap_co)(struct node *node, const char *name, inspect_dirty_fn *fn, void *data);
    /* file: the bytes; -ENOTSUP if they are another format's. */
    int (*header_co)(struct node *file, inspect_field_fn *fn, void *data);
    int (*settle_co)(struct node *node);
};
