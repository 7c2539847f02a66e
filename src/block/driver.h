/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a driver is: one constant table of slots.  Drivers are thin; node.c and blk.c do all that is common. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "block/blk.h"
#include "block/driver_option.h"
#include "block/event.h"
#include "block/inspect.h"
#include "block/options.h"

struct blk_debug;
struct create;
struct inspect_ops;
struct node;

enum driver_flags {
    DRIVER_PROTOCOL = 1 << 0, /* a leaf: it has no `file` child and names bytes outside of this program */
    DRIVER_FILTER = 1 << 1,   /* hands its primary child through: same bytes, same size, same layer */
    DRIVER_FORMAT = 1 << 2,   /* gives the bytes of its `file` child a meaning; takes part in probing if .probe is set */
    DRIVER_BLIND_READS = 1 << 3, /* preadv_co hands the vector on and never looks at what arrives in it: see blk_reads_may_overlap() */
    DRIVER_FIXED = 1 << 4, /* can't be reopened with other options or flags */
    DRIVER_COUNTS = 1 << 5, /* tells registry_count() how far a request is; the nodes below it then need not */
};

/* How the answer of one level goes on (struct node_status). */
enum node_status_via {
    NODE_STATUS_FINAL,   /* nothing below knows more: kind is the answer, no host offset */
    NODE_STATUS_HOST,    /* as FINAL, and the bytes lie at child_offset of this very node's own file (leaves) */
    NODE_STATUS_PASS,    /* the child's answer at child_offset is the answer, same layer (filters, raw) */
    NODE_STATUS_STORED,  /* kind is the answer; the bytes lie at child_offset of the child, which is not asked for holes */
    NODE_STATUS_BACKING, /* the child is the next layer and supplies it */
};

/* What one level says of a run of bytes. */
struct node_status {
    int64_t bytes;             /* how far it holds, >= 1 */
    enum blk_kind kind;        /* valid for FINAL, HOST, STORED */
    enum node_status_via via;
    struct node *child;        /* PASS, STORED, BACKING */
    int64_t child_offset;      /* HOST, PASS, STORED, BACKING */
    struct node *reserved_in;  /* kind UNALLOCATED, BACKING: where space is reserved for it, at reserved; NULL: nowhere */
    int64_t reserved;
    bool encrypted;            /* STORED: the child holds it encrypted, so that holes there are no zeroes here */
    int depth;                 /* FINAL, HOST: layers further down that are not nodes of ours (those of a server) */
};
enum node_status_flags {
    NODE_STATUS_WANT_HOLES = 1 << 0, /* without it a leaf may call everything that this layer supplies DATA, and saves the search */
};

/* Runs in order; non-zero ends the visit and is its result.  May suspend: called without locks held. */
typedef int node_status_fn(void *data, int64_t offset, const struct node_status *status);

/*
 * Every int is 0 or a negative errno unless said otherwise.  With a GError the message is complete for a person and
 * error is set exactly when the result is negative.  Offsets, lengths and memory arrive aligned to and not
 * longer than node->limits, inside of [0, node->size]; iov sums up to bytes exactly.  Reads and writes of 0 bytes come, too.  Slots
 * ending in _co may suspend, and several requests run at once.  NULL: the default in the comment.
 */
struct driver {
    const char *name;
    const char *const *protocols; /* "nbd": the "nbd:..." names it takes, NULL-terminated; NULL: none */
    unsigned flags;               /* enum driver_flags */
    size_t state_size;            /* bytes of node->opaque, zeroed before open and freed after close */
    const struct driver_option *options; /* ends with a row without name; NULL: none */

    /* How likely an image that begins with these n bytes (at most 2048) is of this format: 0..100.  NULL: never probed. */
    int (*probe)(const uint8_t *bytes, size_t n, const char *filename);
    /* Protocols: turns what stands after or with "protocol:" into options.  NULL: the rest becomes `filename`. */
    int (*parse_filename)(const char *filename, struct options *options, GError **error);

    /*
     * Opens node->opaque: takes (options_remove) what it understands from options, opens its children with
     * node_open_child_co(), sets node->limits.  What it leaves is an unknown option.  On failure it has undone all but the children, which the caller
     * closes.  NULL: opens the `file` child and nothing else.
     */
    int (*open_co)(struct node *node, struct options *options, GError **error);
    /*
     * Makes a new image (block/create.h) in the file create->file.  What it leaves of create->options does not matter.
     * create_options: every option it takes, `size` among them, in the order in which they are told.  NULL, both: images
     * of this format can't be made.
     */
    int (*create_co)(struct create *create, GError **error);
    const struct driver_option *create_options;
    /* All requests are done.  Writes back what is cached, and frees; the result is for people only.  NULL: nothing. */
    int (*close_co)(struct node *node);

    /* The whole range is read.  NULL: forwards to file. */
    int (*preadv_co)(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags);
    /* flags: BLK_FUA and BLK_ALONE, only if node->write_flags has them.  NULL: forwards to file. */
    int (*pwritev_co)(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags);
    /* flags: BLK_FUA | BLK_MAY_UNMAP | BLK_NO_FALLBACK.  -ENOTSUP: zero bytes are written instead.  NULL: filters forward, others -ENOTSUP. */
    int (*pwrite_zeroes_co)(struct node *node, int64_t offset, int64_t bytes, unsigned flags);
    /* NULL: -ENOTSUP. */
    int (*pwrite_compressed_co)(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov);
    /* -ENOTSUP counts as done.  NULL: filters forward, others do nothing. */
    int (*pdiscard_co)(struct node *node, int64_t offset, int64_t bytes);
    /* Hands cached writes to the child.  node.c announces flush_to_os/flush_to_disk and flushes the children.  NULL: nothing. */
    int (*flush_to_os_co)(struct node *node);
    /* Leaves: on stable storage.  NULL: nothing. */
    int (*flush_to_disk_co)(struct node *node);
    /* Flushes the children.  NULL: all of them, and the first error is the result. */
    int (*flush_children_co)(struct node *node);
    /* exact: this size or an error; without it a device may stay larger.  NULL: filters forward, others -ENOTSUP. */
    int (*truncate_co)(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error);
    /* Bytes now, or negative errno.  NULL: that of file. */
    int64_t (*length_co)(struct node *node);

    /* One level, the run that begins at offset, at most bytes.  NULL: PASS to file; leaves: DATA. */
    int (*status_co)(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status);
    /* Many runs; must give way (co_relax_co) and end with -ECANCELED if co_cancelled().  NULL: status_co in a loop. */
    int (*status_bulk_co)(struct node *node, int64_t offset, int64_t bytes, node_status_fn *fn, void *data);

    /* Bytes its own file occupies.  NULL: formats and filters ask file, others -ENOTSUP. */
    int64_t (*occupied_co)(struct node *node);
    /* Formats: 1 if noticeably more is counted as used than the file occupies, so that data may be holes; 0; negative errno.  NULL: 0. */
    int (*is_sparse_co)(struct node *node);

    /* As blk_kinds_co().  -ENOTSUP, also as NULL: what status_bulk_co tells is added up. */
    int (*kinds_co)(struct node *node, struct blk_kinds *ret_kinds);

    /* A format sets cluster_size and adds keys and values to specific; its name and the file size are known already.  NULL: nothing; filters forward. */
    int (*info_co)(struct node *node, struct blk_info *info);
    /* NULL: filters forward, others -ENOTSUP. */
    int (*load_vmstate_co)(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov);
    int (*save_vmstate_co)(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov);

    /*
     * Reopening, bottom up over the whole chain: prepare may fail and changes nothing that a request sees; then commit
     * for all, or abort for all that were prepared.  how has the flags to be, options the whole set to be.
     * node->reopen holds what prepare keeps.  NULL prepare: only the flags change.
     */
    int (*reopen_prepare_co)(struct node *node, unsigned flags, struct options *options, GError **error);
    void (*reopen_commit_co)(struct node *node);
    void (*reopen_abort_co)(struct node *node);
    /* Its child "backing" is another node from now on, or the first one there is.  Not followed by a failure.  NULL: there is none, or it stays. */
    void (*backing_changed)(struct node *node, struct node *backing);
    /* Likewise of its child "file", which is node->file, or of that one's.  NULL: it stays, as something that the driver keeps is of that file. */
    void (*file_changed)(struct node *node);
    /*
     * That child is about to be another one, or the node about to be left out: what has to be done to the file in the end is done now.  0, or a
     * negative errno.  NULL: nothing has to.
     */
    int (*leave_file_co)(struct node *node, GError **error);

    /*
     * Of a node that is not written by us, with no request under way: somebody else may have written to its children.  0, or a negative
     * errno: as it was before.  NULL: nothing is kept in memory.
     */
    int (*refresh_co)(struct node *node);

    /*
     * Somebody waits for all requests to end (registry->hurry says how many do): those that wait on purpose go on at once, and while it is so
     * none begins to.  NULL: there are none.
     */
    void (*hurry)(struct node *node);

    /* Breakpoints (blkdebug); the first node from the top that has them answers.  NULL: asks file. */
    void (*debug_event_co)(struct node *node, enum blk_event event);
    int (*debug_break)(struct node *node, enum blk_event event, const char *tag);
    int (*debug_remove_break)(struct node *node, const char *tag);
    int (*debug_resume)(struct node *node, const char *tag);
    bool (*debug_is_suspended)(struct node *node, const char *tag);
    int (*debug_wait_co)(struct node *node, const char *tag);
    /* The image is being closed (registry->closing, nothing stops any more): every request at a breakpoint goes on. */
    void (*debug_release)(struct node *node);
    /* As blk_debug_list(), blk_inject() and blk_remove_rule(). */
    int (*debug_list)(struct node *node, struct blk_debug *ret_debug);
    int (*debug_inject)(struct node *node, const char *text, GError **error);
    int (*debug_remove_rule)(struct node *node, uint64_t id);

    /*
     * What the bytes were when the node was opened, for snapshot-access.  status: as status_co, FINAL or STORED.  pdiscard: nobody will read
     * that any more.  -EACCES: it is not known, or nobody was to read it.  NULL, all of them: -ENOTSUP.
     */
    int64_t (*snapshot_length)(const struct node *node);
    int (*snapshot_preadv_co)(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags);
    int (*snapshot_status_co)(struct node *node, int64_t offset, int64_t bytes, struct node_status *ret_status);
    int (*snapshot_pdiscard_co)(struct node *node, int64_t offset, int64_t bytes);

    /* Looks into its structure (block/inspect.h).  NULL: there is none to look into. */
    const struct inspect_ops *inspect;
    /* As inspect_bitmaps_co() and inspect_bitmap_co(), of a node without .inspect: bitmaps that somebody else keeps.  NULL, both: there are none. */
    int (*bitmaps_co)(struct node *node, inspect_bitmap_fn *fn, void *data);
    int (*bitmap_co)(struct node *node, const char *name, inspect_dirty_fn *fn, void *data);

    /* As blk_connection(), of this node; everything in *ret_connection is owned by the caller.  NULL: asks file. */
    void (*connection)(const struct node *node, struct blk_connection *ret_connection);

    /* Adds what this node has to be able to do while it is open to *needs, not what its children do.  NULL: nothing special. */
    void (*needs)(const struct node *node, struct blk_needs *needs);

    /*
     * It is used once more (named.h): node->perm and node->shared are what they are to be, and may be more and less than before.
     * NULL: no locks are taken here.
     */
    int (*relock)(struct node *node, GError **error);

    /* The descriptor of what it reads and writes, which stays its own; -1: this one has none.  NULL: it has none. */
    int (*descriptor)(const struct node *node);

    /* Who holds QEMU locks on it, added to out as one phrase each.  NULL: asks the children. */
    void (*lock_holders)(struct node *node, GString *out);
};

/* driver.c.  The driver of that name, or NULL. */
const struct driver *driver_find(const char *name);
/* The i-th driver, NULL after the last. */
const struct driver *driver_at(unsigned i);

extern const struct driver driver_file, driver_host_device, driver_host_cdrom;
extern const struct driver driver_raw;
extern const struct driver driver_null_co, driver_null_aio;
extern const struct driver driver_nbd; /* if HAVE_LIBNBD */
extern const struct driver driver_blkdebug, driver_blklogwrites, driver_blkverify, driver_copy_on_read;
extern const struct driver driver_compress, driver_copy_before_write, driver_preallocate, driver_quorum, driver_replication, driver_snapshot_access;
extern const struct driver driver_throttle;
extern const struct driver driver_qcow2;
