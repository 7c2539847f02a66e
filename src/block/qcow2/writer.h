/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writing to an image: the state that only a writable node has, and what the files of the writer share.
 *
 * Who changes what: writer.c opens, flushes and closes; counts.c counts and grows the refcount structures; alloc.c chooses and frees
 * clusters; table.c L2 tables and L1 entries; flight.c keeps requests apart; overlap.c guards metadata; plan.c says how a range can be
 * written, link.c enters what was written into its L2 table; write.c, compress.c and remap.c are the requests.
 *
 * On disk the order is data, refcounts, L2, L1: an entry is written only when what it names is on stable storage and counted, a
 * count goes down only when no entry on disk names the cluster any more, and a cluster that was freed is not used again before that.  So
 * whatever a crash loses, clusters are at worst leaked.
 *
 * writer->lock is held by who looks at metadata to change it, and by all functions below that say so; never while guest data is read or
 * written.
 */
#pragma once

#include "block/qcow2/cache.h"
#include "block/qcow2/l2.h"

/* What a host cluster holds that no write may hit. */
enum qcow2_role {
    QCOW2_ROLE_HEADER = 1 << 0,
    QCOW2_ROLE_ACTIVE_L1 = 1 << 1,
    QCOW2_ROLE_ACTIVE_L2 = 1 << 2,
    QCOW2_ROLE_REFCOUNT_TABLE = 1 << 3,
    QCOW2_ROLE_REFCOUNT_BLOCK = 1 << 4,
    QCOW2_ROLE_SNAPSHOT_TABLE = 1 << 5,
    QCOW2_ROLE_INACTIVE_L1 = 1 << 6,
    QCOW2_ROLE_INACTIVE_L2 = 1 << 7,
    QCOW2_ROLE_BITMAP_DIRECTORY = 1 << 8,
    QCOW2_ROLE_ALL = (1 << 9) - 1,
};

/* Why a cluster is freed: whether the file gives up its space. */
enum qcow2_discard {
    QCOW2_DISCARD_NEVER,   /* it is going to be used again soon */
    QCOW2_DISCARD_REQUEST, /* the guest asked for it */
    QCOW2_DISCARD_OTHER,
    QCOW2_DISCARD_ALWAYS,  /* the disk gets shorter */
};

/* A guest range that a request works on: whole clusters.  On the stack of the request. */
struct qcow2_flight {
    int64_t start, end;
    bool exclusive; /* changes the mapping: nobody else writes there meanwhile */
    struct co_queue waiters;
    struct qcow2_flight *next;
};

struct qcow2_writer {
    struct co_mutex lock;
    struct qcow2_settings settings; /* snapshot: NULL */
    struct qcow2_cache *refcounts;
    struct qcow2_deflate *deflate;
    uint64_t *table;         /* the refcount table, in the machine's order */
    uint32_t table_count;    /* its entries */
    unsigned block_bits;     /* a refcount block counts 1 << block_bits clusters */
    uint64_t free_hint;      /* where the search for free clusters begins */
    int64_t free_byte;       /* where compressed data can go on in a cluster that has some; 0: nowhere */
    uint64_t freed_first, freed_end; /* clusters freed, which entries on disk may still name; empty: 0, 0 */
    GHashTable *roles;       /* clusters of L2 tables and refcount blocks: enum qcow2_role by cluster number */
    struct qcow2_flight *flights;
    struct qcow2_flight *reads;
    struct co_queue marked;  /* for the end of marking the image corrupt */
    bool marking;
    bool in_doubt;           /* the header or the refcount table: see doubt.c */
    bool bitmaps_settled;    /* those there are say that they are in use; and unknown features are cleared */
};

/* ---- writer.c ---- */

/* Whether and how the image can be written: 0, or a negative errno and error.  Opens qcow2->writer. */
int qcow2_writer_open_co(struct node *node, const struct qcow2_settings *settings, GError **error);
/* What its header needs before anything is written: 0, or a negative errno and error. */
int qcow2_writer_begin_co(struct node *node, GError **error);
/* Other settings, of a writer that has nothing to write. */
void qcow2_writer_apply_co(struct node *node, const struct qcow2_settings *settings);
/* Writes what is cached; clean: and the image is not dirty any more.  The first error, which the user is told. */
int qcow2_writer_finish_co(struct node *node, bool clean);
/* Until the image is marked, if it is being marked corrupt.  0, or -ECANCELED. */
int qcow2_writer_await_mark_co(struct node *node);
/* Frees the writer, which is not marking the image; what was not written is lost. */
void qcow2_writer_drop(struct node *node);
/* Writes what is cached and frees the writer; the first error. */
int qcow2_writer_close_co(struct node *node);
/* Changes the incompatible features in the header, on stable storage when it returns.  0, or a negative errno: then nothing changed in memory. */
int qcow2_writer_set_incompatible_co(struct node *node, uint64_t features);
/* The file was changed from elsewhere, with nothing cached: what is kept of it is loaded again.  0, or a negative errno.  Lock held. */
int qcow2_writer_reload_co(struct node *node);
/* As the driver's flush_to_os_co. */
int qcow2_writer_flush_co(struct node *node);
/*
 * Everything cached is in the file: refcounts, too, which a lazy writer keeps back otherwise.  For who looks at them there.  While a
 * request stands at a breakpoint in the middle of a change, nothing is done: what is in the file now is what there is to see.  blkdebug
 * doesn't notice it.
 */
int qcow2_writer_settle_co(struct node *node);
/* Everything written so far is on stable storage. */
int qcow2_writer_barrier_co(struct node *node);
/* Before the first change of guest data: persistent bitmaps, which are not kept up, are marked as in use.  Lock held. */
int qcow2_writer_settle_bitmaps_co(struct node *node);
/* Writes caches that have grown large; lock held. */
int qcow2_writer_relieve_co(struct node *node);
/*
 * Metadata is not what it must be: says so, marks the image corrupt (the bit is set by a coroutine of its own) and takes the node out of
 * service.  -EIO.
 */
int qcow2_writer_corrupt(struct node *node, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* ---- doubt.c; lock held ---- */

/* A write to the header or to the refcount table failed: what the file has there is not known. */
void qcow2_doubt_note(struct node *node);
/* Writes them as they are in memory if need be.  0: the file has them; or a negative errno. */
int qcow2_doubt_settle_co(struct node *node);

/* ---- lazy.c; lock held, or no request runs ---- */

/* Whether refcounts on disk mean nothing. */
bool qcow2_lazy_is_dirty(const struct qcow2 *qcow2);
/* Before an entry changes that names clusters: 0, or a negative errno. */
int qcow2_lazy_begin_co(struct node *node);
/* L2 entries name new clusters: these are counted on disk before, if that matters.  0, or a negative errno. */
int qcow2_lazy_depend_co(struct node *node);
/* Writes all, and then the image is clean.  0, or a negative errno. */
int qcow2_lazy_end_co(struct node *node);

/* ---- overlap.c ---- */

/* Also for other settings. */
void qcow2_overlap_open_co(struct node *node);
void qcow2_overlap_add(struct node *node, enum qcow2_role role, int64_t offset);
void qcow2_overlap_remove(struct node *node, int64_t offset);
/* Whether [offset, offset + bytes) of the file may be written: 0, or -EIO with the image marked corrupt.  ignored: roles it may have. */
int qcow2_overlap_check(struct node *node, unsigned ignored, int64_t offset, int64_t bytes);

/* ---- counts.c; lock held ---- */

int qcow2_counts_open_co(struct node *node, GError **error);
/* The largest that a refcount can be. */
uint64_t qcow2_counts_max(const struct qcow2 *qcow2);
int qcow2_counts_get_co(struct node *node, uint64_t cluster, uint64_t *ret_count);
/* The first n free clusters in a row from `from` on: 0, or a negative errno (-EFBIG: beyond what an image can have). */
int qcow2_counts_find_free_co(struct node *node, uint64_t from, uint64_t n, uint64_t *ret_first);
/* Adds 1 or -1 to those of n clusters; all or, on an error, none.  The blocks exist when adding. */
int qcow2_counts_add_co(struct node *node, uint64_t first, uint64_t n, int delta);
/*
 * Makes the blocks that count [first, first + n), new ones from cluster `from` on.  0: they exist; 1: some were made, and what was free
 * may be not; or a negative errno.
 */
int qcow2_counts_cover_co(struct node *node, uint64_t first, uint64_t n, uint64_t from);

/* ---- alloc.c; lock held ---- */

/* n clusters in a row, counted once: offset of the first, or a negative errno. */
int64_t qcow2_alloc_co(struct node *node, uint64_t n);
/*
 * At most n clusters from offset on, as many as are free in a row: how many, 0 too, or a negative errno.  So what a request writes goes on where
 * the part before it ended.
 */
int64_t qcow2_alloc_at_co(struct node *node, int64_t offset, uint64_t n);
/*
 * Before a free cluster is used for anything: entries on disk may still name it, and what it holds next must not reach them.  0, or a negative
 * errno.
 */
int qcow2_alloc_settle_reuse_co(struct node *node, uint64_t first, uint64_t n);
/*
 * Room for stored bytes of compressed data, less than a cluster, behind the last if it can be: each cluster that it touches is counted once
 * more.  Its offset, or a negative errno.
 */
int64_t qcow2_alloc_bytes_co(struct node *node, int64_t stored);
/* Gives such room back, that no entry ever named. */
void qcow2_alloc_abort_bytes_co(struct node *node, int64_t offset, int64_t stored);
/* Gives back n clusters that no entry ever named. */
void qcow2_alloc_abort_co(struct node *node, int64_t offset, uint64_t n);
/*
 * Takes one count from each cluster that [offset, offset + bytes) touches: an entry that was changed named them.  discard:
 * those that are free then are discarded in the file.
 */
void qcow2_alloc_free_co(struct node *node, int64_t offset, int64_t bytes, enum qcow2_discard discard);
/* The same for many (struct qcow2_extent); those that lie behind each other are discarded in one. */
void qcow2_alloc_free_extents_co(struct node *node, const GArray *extents, enum qcow2_discard discard);

/* Whether what is given back for that reason is to be discarded below. */
bool qcow2_alloc_passes_on(const struct qcow2 *qcow2, enum qcow2_discard discard);

/* ---- table.c; lock held ---- */

/* Offset of the L2 table for l1_index, which is there and nobody else's after it; or a negative errno. */
int64_t qcow2_table_ensure_co(struct node *node, uint64_t l1_index);
/* The entries around guest offset that are kept together in memory, held until qcow2_cache_put(qcow2->l2_cache, words). */
int qcow2_table_get_co(struct node *node, int64_t table, int64_t offset, struct qcow2_entries *ret_entries);

/* ---- truncate.c ---- */

/* L1 entries that a disk of size takes. */
int64_t qcow2_truncate_l1_entries(const struct qcow2 *qcow2, uint64_t size);
/* An L1 table of at least so many entries, in place of the present one.  0, or a negative errno; -EFBIG: no image has as many.  Lock held. */
int qcow2_truncate_grow_l1_co(struct node *node, int64_t entries);

/* ---- flight.c ---- */

/* The flight that [start, end) has to wait for (the one that begins first), or NULL.  An exclusive one waits for all. */
struct qcow2_flight *qcow2_flight_conflict(const struct qcow2_writer *writer, int64_t start, int64_t end, bool exclusive);
void qcow2_flight_begin(struct qcow2_writer *writer, struct qcow2_flight *flight);
void qcow2_flight_end(struct qcow2_writer *writer, struct qcow2_flight *flight);
void qcow2_flight_read_begin(struct qcow2_writer *writer, struct qcow2_flight *flight, int64_t start, int64_t end);
void qcow2_flight_read_end(struct qcow2_writer *writer, struct qcow2_flight *flight);
/* Until reads of [start, end) that are under way now have ended: then nobody looks at what was mapped there before.  No lock held. */
void qcow2_flight_wait_reads_co(struct qcow2_writer *writer, int64_t start, int64_t end);

/* ---- read.c ---- */

/* Guest bytes as they are mapped now, for one whose flight keeps them so. */
int qcow2_read_range_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov);

static inline bool qcow2_is_copied(uint64_t entry)
{
    return entry & QCOW2_ENTRY_COPIED;
}
