/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A node of a chain: a driver, its options and its children; and the door drivers use to reach their children. */
#pragma once

#include "block/driver.h"
#include "block/reference.h"
#include "block/registry.h"
#include "io/aio.h"
#include "io/co.h"

/*
 * A driver may assume what struct driver says because everything passes here: this door checks the range, splits by
 * max_transfer, pads to the alignment by reading what surrounds a write (and then keeps other writers off), bounces
 * memory that is not aligned, emulates zeroes and FUA, announces the events of each step, and counts writes so that a flush with
 * nothing to do does nothing.
 */

enum node_flags {
    NODE_WRITABLE = 1 << 0,
    NODE_FORCE_SHARE = 1 << 1,   /* forbid others nothing; with NODE_QUERY_LOCKS, ask nobody either */
    NODE_QUERY_LOCKS = 1 << 2,   /* check, never take, locks while not writable */
    NODE_DIRECT = 1 << 3,        /* cache.direct: O_DIRECT */
    NODE_NO_FLUSH = 1 << 4,      /* cache.no-flush */
    NODE_DISCARD = 1 << 5,       /* discard=unmap: discards reach the driver */
    NODE_DETECT_ZEROES = 1 << 6, /* detect-zeroes=on: zero writes become pwrite_zeroes */
    NODE_DETECT_UNMAP = 1 << 7,  /* detect-zeroes=unmap: those may unmap */
    NODE_AUTO_READ_ONLY = 1 << 8, /* may be opened read-only when writing is not permitted */
    NODE_GUARDED = 1 << 9,        /* raw that was guessed: refuses writes that make its first sector look like a format */
    NODE_IMPLICIT = 1 << 10,      /* on top of what the user opened, because of a switch: nobody is told of it */
    NODE_ONLY_READS = 1 << 11,    /* while it is opened: by somebody who does not ask for writing, whatever options say */
};

/* What a user does to a node and lets others do; the numbers are those of QEMU's lock bytes. */
enum node_perm {
    NODE_PERM_READ = 1 << 0,
    NODE_PERM_WRITE = 1 << 1,
    NODE_PERM_WRITE_UNCHANGED = 1 << 2,
    NODE_PERM_RESIZE = 1 << 3,
    NODE_PERM_ALL = (1 << 4) - 1,
};

enum node_role {
    NODE_ROLE_TOP,
    NODE_ROLE_FILE,     /* what a filter or raw reads: permissions pass through */
    NODE_ROLE_METADATA, /* the file of a format with tables: nobody else may write or resize it */
    NODE_ROLE_DATA,     /* external data file */
    NODE_ROLE_BACKING,  /* read-only, next layer */
    NODE_ROLE_IMAGE,    /* as DATA, but an image: without a driver its bytes decide */
    NODE_ROLE_COPY,     /* as FILE, but an image, one of several that stay the same: nobody else may write or resize it */
    NODE_ROLE_TARGET,   /* only written to, nobody else may resize it */
    NODE_ROLE_SNAPSHOT, /* the node whose earlier bytes are read: nothing is done to it, and others may do what they like */
};

struct node_limits {
    uint32_t request_alignment; /* power of two, 1 for none: offsets and lengths */
    uint32_t memory_alignment;  /* of buffers; 1 for none, also where only a node below asks for one */
    int64_t max_transfer;       /* 0: BLK_REQUEST_MAX */
    int64_t zeroes_alignment, max_zeroes;   /* 0: request_alignment / no limit */
    int64_t discard_alignment, max_discard; /* 0: as above */
};

struct node_child {
    char *name; /* "file", "backing", "image", "test", "children.0" */
    enum node_role role;
    struct node *node;
};

struct pins;

struct node {
    const struct driver *driver;
    unsigned refs;
    char *name;               /* node-name, never NULL (made up: "#block001") */
    char *filename;           /* for people and for struct blk_extent.host; raw bytes, NULL when there is none */
    struct options *options;  /* as it was opened, without those of its children: reopen compares */
    unsigned flags;           /* enum node_flags */
    unsigned perm, shared;    /* enum node_perm: set by the opener before open_co */
    enum blk_refs refs_policy;
    struct node *file;        /* the primary child, also in children; NULL for leaves */
    GPtrArray *children;      /* struct node_child, owned */
    int64_t size;             /* last seen; node_refresh_size_co() asks again */
    struct node_limits limits;
    unsigned write_flags;     /* flags pwritev_co understands: BLK_FUA (else node.c flushes after it), BLK_ALONE */
    unsigned zero_flags;      /* the same of pwrite_zeroes_co: BLK_FUA, BLK_MAY_UNMAP, BLK_NO_FALLBACK */
    uint64_t write_gen;       /* counts writes that completed; */
    uint64_t flushed_gen;     /* those up to here are on stable storage */
    bool flushing;            /* the driver's flush is under way */
    struct co_queue flush_ended; /* who waits for that */
    unsigned losses;          /* counts when the driver learnt that writes it had reported may be gone; */
    unsigned losses_told;     /* those of which a flush has failed */
    unsigned resizes;         /* truncations so far: who wrote meanwhile does not know where the end is now */
    bool variable_length;     /* the length may change by itself (removable media): blk_length_co() asks again */
    bool for_repair;          /* opened for writing, but only inspect_repair_co() writes, to its file: requests find it read-only */
    bool dead;                /* the driver gave up on it (corrupt): every request -ENOMEDIUM */
    void *opaque;             /* the driver's state */
    void *reopen;             /* the driver's, between prepare and commit */
    unsigned perm_next;       /* what perm will be, at the same time */
    struct aio *aio;
    struct registry *registry;
    void (*warn)(void *data, const char *line); /* may be NULL; node_warn() */
    void *warn_data;
    unsigned depth;           /* nodes above it */
    const struct node *parent; /* the node that opened it; valid while that one is being opened, and it before its first reference goes */
    unsigned layer;           /* backing files above it: 0 is the top */
    ino_t image_inode;        /* with image_device: the file of a format's image, to know it again in a chain; 0: of none, or it names no others */
    dev_t image_device;
    GPtrArray *references;    /* struct reference, owned: the files that the driver found named in the image; NULL: none */
    const GPtrArray *approved; /* struct reference, those the user has agreed to; valid while it is being opened, NULL: none */
    const struct reference_expect *expect; /* what its file has to be, NULL: anything; valid while it is being opened */
    struct reference_expect named; /* the same of the next child, which the image names: set by the driver while it opens that */
    const struct pins *pins;  /* files that are open already by their names (pins.h); valid while it is being opened, NULL: none */
    struct node *probed;      /* open.c, while opening: the `file` child that was opened for probing, not yet a child */
    struct node_pending *pending; /* writes that others may have to wait for, newest first; only kept if request_alignment > 1 */
};

/* ---- life ---- */

/* What the opener passes down; copied and narrowed for each child. */
struct node_how {
    unsigned flags;        /* enum node_flags */
    unsigned perm, shared;
    enum blk_refs refs;
    struct aio *aio;
    struct registry *registry;
    void (*warn)(void *data, const char *line);
    void *warn_data;
    bool probe;            /* without a driver, the bytes of `file` decide (the top, backing files) */
    bool probing;          /* it is the file of such a decision: whose it becomes settles what may be done to it */
    unsigned depth;        /* nodes above this one */
    const struct node *parent; /* the one right above; NULL for the top */
    unsigned layer;        /* of this one; see struct node */
    const GPtrArray *approved;
    const struct reference_expect *expect, *named; /* NULL: anything */
    const struct pins *pins; /* NULL: none */
};

/* open.c: opens what options (driver, filename, ...) and how describe.  options is consumed.  0 and one reference, or an error. */
int node_open_co(struct options *options, const struct node_how *how, struct node **ret_node, GError **error);
/*
 * open.c: opens the child that options has under "NAME." (taken out) and adds it to node; flags and permissions follow
 * from the role.  The first child in the role of the file (NODE_ROLE_FILE, NODE_ROLE_METADATA, NODE_ROLE_SNAPSHOT) becomes node->file.
 * What is given as the name of a node that is open already is that node once more (named.h).
 */
int node_open_child_co(struct node *node, struct options *options, const char *name, enum node_role role, struct node **ret_child,
                       GError **error);

/*
 * The same where the child may also be given as a name of any kind, in the option key.  ret_child may be NULL.
 */
int node_open_named_child_co(struct node *node, struct options *options, const char *key, const char *name, enum node_role role,
                             struct node **ret_child, GError **error);

/* node.c: an empty node with one reference, state allocated; the opener fills it and calls driver->open_co. */
struct node *node_new(const struct driver *driver, const struct node_how *how);
/* Adds child (its reference is taken over). */
void node_add_child(struct node *node, const char *name, enum node_role role, struct node *child);
/* The child that users call so, or NULL: "file" is node->file, whatever name it has there. */
struct node_child *node_child_named(const struct node *node, const char *name);
/* A filter whose `file` is another node now: its name and abilities are that one's. */
void node_follow_file(struct node *node);
/* The first child in that role, or NULL; node may be NULL. */
struct node *node_child_in_role(const struct node *node, enum node_role role);
struct node *node_ref(struct node *node);
/* The last one flushes, closes and frees it, then its children.  The first error; NULL is fine. */
int node_unref_co(struct node *node);
/* For a driver that closes: closes its `file` child before the others, and before itself.  The first error. */
int node_close_file_co(struct node *node);
/* Frees a node whose open_co failed: its children are closed, close_co is not called. */
void node_abandon_co(struct node *node);

/* Whether the node, or one below it, was taken out of service: nothing of what it keeps in memory gets onto the disk any more. */
bool node_is_dead(const struct node *node);

/* No image is longer, so that offsets rounded up to any alignment still fit. */
#define NODE_LENGTH_MAX (INT64_MAX - ((INT64_C(1) << 30) - 1))
/* Asks the driver for its length and keeps it, rounded up to whole sectors, in node->size (0 or negative errno; -EFBIG above NODE_LENGTH_MAX). */
int node_refresh_size_co(struct node *node);
void node_warn(struct node *node, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* The same with the name of the program in front. */
void node_complain(struct node *node, const char *format, ...) G_GNUC_PRINTF(2, 3);

/*
 * ---- requests on a child; any alignment and length ----
 *
 * A read past the end of the node gives zeroes there.  A write past it is for nodes opened with NODE_PERM_RESIZE (else -EIO).
 */

int node_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags);
int node_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags);
int node_pread_co(struct node *node, int64_t offset, int64_t bytes, void *buf);
int node_pwrite_co(struct node *node, int64_t offset, int64_t bytes, const void *buf, unsigned flags);
int node_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags);
int node_pwrite_compressed_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov);
int node_pdiscard_co(struct node *node, int64_t offset, int64_t bytes);
int node_flush_co(struct node *node);
int node_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error);
int node_load_vmstate_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov);
int node_save_vmstate_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov);

/* One level, as the driver says; flags: enum node_status_flags. */
int node_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status);
/* Down to the file that holds it. */
int node_extent_co(struct node *node, int64_t offset, int64_t bytes, struct blk_extent *ret_extent);
/* As blk_status_or_hole_co(). */
int node_extent_or_hole_co(struct node *node, int64_t offset, int64_t bytes, struct blk_extent *ret_extent);
/* places: as blk_map_co(). */
int node_extents_co(struct node *node, int64_t offset, int64_t bytes, bool places, blk_extent_fn *fn, void *data);
/* Bytes that the node's files occupy, without those of layers below; -ENOTSUP if that can't be known, or another negative errno. */
int64_t node_occupied_co(struct node *node);
/* 1, 0 or negative errno: whether this layer itself (through its filters) supplies the bytes; for how many. */
int node_is_allocated_co(struct node *node, int64_t offset, int64_t bytes, int64_t *ret_bytes);

/* Runs of one allocation, in order, adjacent like ones merged; non-zero ends the visit and is its result. */
typedef int node_allocated_fn(void *data, int64_t offset, int64_t bytes, bool allocated);
/* As node_is_allocated_co() for a whole range; what was found before an error is told before it is returned. */
int node_allocated_co(struct node *node, int64_t offset, int64_t bytes, node_allocated_fn *fn, void *data);

/*
 * Announces a step: a driver says so of the child it is about to use (node_debug_event_co(node->file, ...)).  May suspend at a
 * breakpoint.  Costs a comparison when nothing below has breakpoints.
 */
void node_debug_event_co(struct node *node, enum blk_event event);
/* Adds what the node, through its filters, has to say of itself: see struct driver. */
int node_info_co(struct node *node, struct blk_info *info);
/* For filters that users name: what the file says, but nothing that belongs to its format. */
int node_plain_info_co(struct node *node, struct blk_info *info);
/* For what tells nothing but its name, nor lets what is below tell: see blk_info.cluster_size. */
int node_name_only_info_co(struct node *node, struct blk_info *info);
/* Whatever waits on purpose in the node and below goes on at once. */
void node_hurry(struct node *node);
/* The node from here down that has breakpoints, or NULL. */
struct node *node_debug_node(struct node *node);
