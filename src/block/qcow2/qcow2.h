/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An open qcow2 image: what the files of this folder share.
 *
 * Who reads what: header.c and extensions.c the first cluster; snapshot.c and bitmap.c their tables; cache.c keeps pieces of L2 tables
 * (slices) in memory; l2.c finds what a guest offset maps to, for everybody: read.c, status.c, plan.c, remap.c;
 * tables.c reads whole L2 tables for who goes through all of them: status.c, kinds.c, walk.c.
 */
#pragma once

#include "block/inspect.h"
#include "block/node.h"
#include "block/qcow2/header.h"

struct qcow2_cache;
struct qcow2_inflate;
struct qcow2_writer;

/* "Snapshots": an entry of the table. */
struct qcow2_snapshot {
    char *id, *name; /* raw bytes */
    int64_t l1_offset;
    uint32_t l1_size; /* entries */
    uint32_t seconds, nanoseconds;
    uint64_t vm_clock_ns, vm_state_size;
    uint64_t size;       /* of the disk, in bytes */
    uint64_t icount;     /* UINT64_MAX: not kept */
    uint32_t extra_size; /* bytes of extra data; a version 3 image has at least 16 */
};

/* "Bitmap directory": an entry of it. */
struct qcow2_bitmap {
    char *name; /* raw bytes */
    uint64_t table_offset;
    uint32_t table_size; /* entries */
    uint32_t flags;      /* enum qcow2_bitmap_flags */
    int64_t flags_at;    /* where they are in the file */
    uint8_t granularity_bits;
};
enum qcow2_bitmap_flags { QCOW2_BITMAP_IN_USE = 1 << 0, QCOW2_BITMAP_AUTO = 1 << 1 };

/* What the options say. */
struct qcow2_settings {
    uint64_t l2_cache_size, refcount_cache_size; /* bytes */
    size_t l2_piece;         /* bytes of an L2 table that are read and written at once */
    unsigned clean_interval; /* seconds after which tables that nobody used leave memory; 0: never */
    char *snapshot;          /* the one to open, NULL: the active state (g_free) */
    bool repair;             /* opened to be repaired: nothing else is written */
    bool lazy;               /* refcounts are not written before the image is closed */
    bool pass_request;       /* what the guest discards is discarded in the file, */
    bool pass_other;         /* and so is what is freed otherwise */
    unsigned overlap;        /* enum qcow2_role: what writes are checked against */
};

struct qcow2 {
    struct qcow2_header header;
    int64_t cluster_size;
    unsigned cluster_bits;
    unsigned l2_bits;          /* an L2 table has 1 << l2_bits entries */
    unsigned entry_words;      /* 64-bit words of an entry: 2 with extended L2 entries */
    unsigned unit_bits;        /* what an entry tells apart: 1 << unit_bits bytes, a cluster or a subcluster */
    bool extended;             /* L2 entries have subclusters */
    bool data_file;            /* guest clusters lie in an external file */

    /* The L1 table in use, that of the active state or of the snapshot that was asked for. */
    uint64_t *l1;              /* in the machine's order */
    uint32_t l1_count;         /* entries in memory; those after them are 0: the file ends there */
    uint32_t l1_size;
    int64_t l1_offset;
    int64_t size;              /* of the disk, whole sectors */
    int64_t vm_state_offset;   /* guest offset behind the disk at which the VM state begins */

    struct node *data;         /* what holds guest clusters: node->file, or the external file; NULL: not opened */
    struct node *backing;      /* NULL: none, or not opened */
    bool backing_left_out;     /* the image names one that was not opened: what it supplies can't be read */

    struct qcow2_cache *l2_cache;
    GSource *cleaning;         /* every settings.clean_interval seconds; NULL: never */
    struct qcow2_inflate *inflate;
    struct qcow2_writer *writer; /* NULL: opened read-only */
    uint64_t free_hint;        /* of the last writer, for the next one */
    int64_t free_byte;
    GPtrArray *snapshots;      /* struct qcow2_snapshot, owned */
    int64_t snapshot_table_bytes;
    GPtrArray *bitmaps;        /* struct qcow2_bitmap, owned */
    bool corruption_said;      /* of those found while reading only the first is told */
};

/* open.c */
/* Of a reader: the cache of L2 tables, all of which is as on disk. */
void qcow2_settings_apply(struct node *node, const struct qcow2_settings *settings);
int qcow2_open_co(struct node *node, struct options *options, GError **error);
int qcow2_close_co(struct node *node);
/* Somebody else has written to the file: see struct driver. */
int qcow2_refresh_co(struct node *node);
char **qcow2_bitmap_names(struct node *node);

/* reopen.c */
int qcow2_reopen_prepare_co(struct node *node, unsigned flags, struct options *options, GError **error);
void qcow2_reopen_commit_co(struct node *node);
void qcow2_reopen_abort_co(struct node *node);

/* options.c */
extern const struct driver_option qcow2_options[];
/* Takes what is for the driver itself off options; flags: enum node_flags.  0, or a negative errno and error. */
int qcow2_options_take(const struct qcow2 *qcow2, unsigned flags, struct options *options, struct qcow2_settings *ret_settings, GError **error);

/* references.c: the files an image names. */
int qcow2_references_open_data_co(struct node *node, struct options *options, GError **error);
int qcow2_references_open_backing_co(struct node *node, struct options *options, GError **error);
void qcow2_references_backing_changed(struct node *node, struct node *backing);

/* read.c */
int qcow2_read_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags);
int qcow2_read_load_vmstate_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov);

/* status.c */
int qcow2_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status);
int qcow2_status_bulk_co(struct node *node, int64_t offset, int64_t bytes, node_status_fn *fn, void *data);

/* kinds.c: as struct driver's. */
int qcow2_kinds_co(struct node *node, struct blk_kinds *ret_kinds);

/* info.c */
int qcow2_info_co(struct node *node, struct blk_info *info);

/* snapshot.c: fills qcow2->snapshots. */
int qcow2_snapshot_load_co(struct node *node, GError **error);
/* By id, else by name; NULL: none such. */
const struct qcow2_snapshot *qcow2_snapshot_find(const struct qcow2 *qcow2, const char *id_or_name);
/* As inspect_snapshots(). */
int qcow2_snapshot_list(struct node *node, inspect_snapshot_fn *fn, void *data);

/* bitmap.c: fills qcow2->bitmaps. */
int qcow2_bitmap_load_co(struct node *node, GError **error);
