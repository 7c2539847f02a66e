/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The front door of the block layer: an open image, and everything one can ask of it. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "block/options.h"
#include "block/request.h"

struct aio;
struct blk;
struct pins;

/* One request carries at most this many bytes: INT_MAX rounded down to 512. */
#define BLK_REQUEST_MAX INT64_C(2147483136)

enum blk_cache {
    BLK_CACHE_WRITETHROUGH, /* each write is on stable storage before it is reported */
    BLK_CACHE_WRITEBACK,
    BLK_CACHE_NONE,       /* writeback, O_DIRECT */
    BLK_CACHE_DIRECTSYNC, /* writethrough, O_DIRECT */
    BLK_CACHE_UNSAFE,     /* writeback, flushes ignored */
};

enum blk_refs { BLK_REFS_NONE, BLK_REFS_FOLLOW, BLK_REFS_ASK, BLK_REFS_ALL /* as the reference program */ };

enum blk_open_flags {
    BLK_OPEN_WRITABLE = 1 << 0,
    BLK_OPEN_SNAPSHOT = 1 << 1,      /* -s: writes go to a temporary layer */
    BLK_OPEN_COPY_ON_READ = 1 << 2,
    BLK_OPEN_FORCE_SHARE = 1 << 3,   /* -U: take and check no locks */
    BLK_OPEN_DISCARD_UNMAP = 1 << 4, /* -d unmap */
    BLK_OPEN_NO_LOCK_IF_READ_ONLY = 1 << 5, /* own name: a reader only queries locks */
};

struct blk_open {
    const char *filename; /* path, protocol: name or json:{}; NULL when options say it all */
    const char *format;   /* NULL: the driver option, else probed */
    const struct options *options; /* may be NULL */
    unsigned flags;       /* enum blk_open_flags */
    enum blk_cache cache;
    enum blk_refs refs;
    const struct pins *pins;   /* files that are open already, by their names (pins.h); NULL: none.  Valid while opening */
    const GPtrArray *approved; /* struct reference: what is followed although refs would leave it out; NULL: nothing.  Valid while opening */
    struct aio *aio;
    /* Warnings, a line each without newline, as long as the image is open; may be NULL. */
    void (*warn)(void *data, const char *line);
    void *data;
    const char *program; /* name of the program, before warnings that it gives in its own name; NULL: none.  Valid while the image is open */
};

/* "none", "writeback", ... (qemu-io's -t): 0, or -EINVAL. */
int blk_cache_parse(const char *name, enum blk_cache *ret_cache);

/*
 * Opens the chain.  Returns 0 and a handle, or a negative errno and error: the message is what follows
 * "can't open device IMAGE: ".  Nothing stays open or locked on failure.
 */
int blk_open_co(const struct blk_open *how, struct blk **ret_blk, GError **error);
/* true: whatever waits on purpose (throttle) goes on at once, until this is called with false as often. */
void blk_set_hurry(struct blk *blk, bool hurry);
/*
 * true: the image is going to be closed, so that requests at breakpoints go on and none stops there any more; false: it stays open
 * after all.
 */
void blk_set_closing(struct blk *blk, bool closing);
/* Cancels the reads under way that are in the list of requests; each ends in its time. */
void blk_cancel_reads(struct blk *blk);
/*
 * Waits for every request, flushes and frees.  A flush that failed is the return value; the handle is
 * gone all the same.
 */
int blk_close_co(struct blk *blk, GError **error);

enum blk_request_flags {
    BLK_FUA = 1 << 0,
    BLK_MAY_UNMAP = 1 << 1,   /* write_zeroes */
    BLK_NO_FALLBACK = 1 << 2, /* write_zeroes: -ENOTSUP rather than writing zero bytes */
    BLK_INTERNAL = 1 << 3,    /* a panel's own request: not in the registry's list; as a read, unnoticed by blkdebug */
    BLK_ALONE = 1 << 4,       /* write: who asks submits nothing else until it ends; see aio_set_inline_calls() */
};

/*
 * Offsets and lengths in bytes, any alignment.  0 or a negative errno: -ENOMEDIUM no medium, -EIO outside of the image or
 * beyond BLK_REQUEST_MAX, -EPERM/-EACCES not writable (EPERM also for the guarded first sector of a probed raw image), -ENOTSUP.
 * issuer is copied into the request for display; may be NULL.
 */
int blk_preadv_co(struct blk *blk, int64_t offset, const struct iovec *iov, int niov, unsigned flags, const char *issuer);
int blk_pwritev_co(struct blk *blk, int64_t offset, const struct iovec *iov, int niov, unsigned flags, const char *issuer);
int blk_pwrite_zeroes_co(struct blk *blk, int64_t offset, int64_t bytes, unsigned flags, const char *issuer);
int blk_pwrite_compressed_co(struct blk *blk, int64_t offset, const void *buf, int64_t bytes, const char *issuer);
int blk_pdiscard_co(struct blk *blk, int64_t offset, int64_t bytes, unsigned flags, const char *issuer);
int blk_flush_co(struct blk *blk, const char *issuer);
int blk_load_vmstate_co(struct blk *blk, void *buf, int64_t offset, int64_t bytes, const char *issuer);
int blk_save_vmstate_co(struct blk *blk, const void *buf, int64_t offset, int64_t bytes, const char *issuer);

enum blk_prealloc { BLK_PREALLOC_OFF, BLK_PREALLOC_METADATA, BLK_PREALLOC_FALLOC, BLK_PREALLOC_FULL };
extern const char *const blk_prealloc_names[]; /* "off", ...; NULL-terminated, for options_parse_enum() */
/* Exactly this size, or an error (message without prefix); a device that is at least as long stays as it is. */
int blk_truncate_co(struct blk *blk, int64_t size, enum blk_prealloc prealloc, const char *issuer, GError **error);

/* Current size in bytes (asks the file again where it may have changed), or a negative errno. */
int64_t blk_length_co(struct blk *blk);
/* The size last seen: never suspends. */
int64_t blk_length(const struct blk *blk);

/* ---- what is where ---- */

enum blk_kind {
    BLK_KIND_DATA,
    BLK_KIND_ZERO_PLAIN,     /* reads as zeroes, no space behind it (a hole in a raw file, a zero cluster) */
    BLK_KIND_ZERO_ALLOCATED, /* reads as zeroes, space reserved */
    BLK_KIND_COMPRESSED,
    BLK_KIND_UNALLOCATED,    /* no layer supplies it: reads as zeroes */
    BLK_KIND_MISSING,        /* a layer that is not open (enum blk_refs) would supply it: can't be read */
    BLK_KIND_COUNT,
};

/* "data", "zero", "zero-allocated", ...: for programs. */
const char *blk_kind_name(enum blk_kind kind);
/* What no layer holds bytes for: all but DATA, COMPRESSED and MISSING. */
static inline bool blk_kind_is_zeroes(enum blk_kind kind)
{
    return kind == BLK_KIND_ZERO_PLAIN || kind == BLK_KIND_ZERO_ALLOCATED || kind == BLK_KIND_UNALLOCATED;
}

struct blk_extent {
    int64_t start, length;
    enum blk_kind kind;
    int depth;           /* layer that supplies it: 0 is the top */
    int64_t host_offset; /* in the file that holds it, -1 for none */
    const char *host;    /* name of that file, NULL for none; valid while the image is open */
    bool hole;           /* blk_map_co(), blk_status_or_hole_co(): of DATA, there is a hole in that file */
};
/* Whether no layer holds bytes for it, or only a hole of its file, as of most clusters of a preallocated image: it need not be read. */
static inline bool blk_extent_is_zeroes(const struct blk_extent *extent)
{
    return blk_kind_is_zeroes(extent->kind) || extent->hole;
}

/* What sums tell apart: the kinds, and of what layers below the top have stored, how far below. */
enum {
    BLK_SHARE_BACKING = BLK_KIND_COUNT,
    BLK_SHARE_BACKING_2,
    BLK_SHARE_BACKING_3,
    BLK_SHARE_BACKING_DEEPER,
    BLK_SHARE_COUNT,
};
unsigned blk_share_of(const struct blk_extent *extent);
/* "data", "backing", "backing 2", ... */
const char *blk_share_name(unsigned share);

/* The extent at offset, at most bytes long, at least one byte (length 0 at the end of the image). */
int blk_status_co(struct blk *blk, int64_t offset, int64_t bytes, struct blk_extent *ret_extent);
/* The same; DATA ends where a hole of the file that holds it begins or ends (of a preallocated image, most is one). */
int blk_status_or_hole_co(struct blk *blk, int64_t offset, int64_t bytes, struct blk_extent *ret_extent);

/* Called with runs in order, adjacent like ones merged; non-zero ends the visit and is its result. */
typedef int blk_extent_fn(void *data, const struct blk_extent *extent);
/* Visits a range at the speed of the format's tables; gives way to the loop, and ends with -ECANCELED when cancelled. */
int blk_status_bulk_co(struct blk *blk, int64_t offset, int64_t bytes, blk_extent_fn *fn, void *data);
/*
 * The same with what `qemu-img map` tells beside it: zeroes of a raw file have their place in that file, and so has what is not allocated
 * where space is reserved for it; and where a format counts more than its file occupies, data is told from holes there.
 */
int blk_map_co(struct blk *blk, int64_t offset, int64_t bytes, blk_extent_fn *fn, void *data);

/* How much of the image there is of each share. */
struct blk_kinds {
    int64_t bytes[BLK_SHARE_COUNT];
    int64_t extents; /* as blk_status_bulk_co() would tell */
};
int blk_kinds_co(struct blk *blk, struct blk_kinds *ret_kinds);

/*
 * For `alloc` and `map`: whether the bytes at offset are allocated in the top layer itself (1, 0, or a negative errno), and for
 * how many of at most bytes that holds.
 */
int blk_is_allocated_co(struct blk *blk, int64_t offset, int64_t bytes, int64_t *ret_bytes);

/* Runs of one allocation, in order, adjacent like ones merged; non-zero ends the visit and is its result. */
typedef int blk_allocated_fn(void *data, int64_t offset, int64_t bytes, bool allocated);
/* The same for all of a range, at the speed of the format's tables; what was found before an error is told before it is returned. */
int blk_allocated_co(struct blk *blk, int64_t offset, int64_t bytes, blk_allocated_fn *fn, void *data);

/* ---- properties ---- */

struct blk_info {
    const char *format;          /* driver of the top node */
    int64_t cluster_size;        /* 0: none; -1: the driver tells nothing but its name */
    int64_t vm_state_offset;     /* 0: none */
    GPtrArray *specific;         /* char *: alternating key and value of "Format specific information", NULL for
                                  * none; a heading has no value (NULL), and keys below it four more spaces in front */
};
int blk_info_co(struct blk *blk, struct blk_info *ret_info);
void blk_info_clear(struct blk_info *info);

/* The connection to a server that an image is read through. */
struct blk_connection {
    char *server;        /* a name of it; not escaped for a terminal */
    char *why;           /* it is not up: what went wrong; NULL: nothing is known */
    bool up;
    bool trying;         /* not up, and requests wait for it */
    unsigned stalled_s;  /* up, and for so many seconds it has had requests to answer and said nothing; 0: it has not stalled */
    bool encrypted;
    unsigned reconnects; /* how often it was made again */
};
/* The first that there is from the top node down: whether there is one.  blk may be NULL. */
bool blk_connection(const struct blk *blk, struct blk_connection *ret_connection);
void blk_connection_clear(struct blk_connection *connection);

/* What the process has to be left with as long as the image is open (io/sandbox.h). */
enum { BLK_HELPERS_MAX = 39 };
struct blk_needs {
    bool network;                        /* connections are made again */
    int tcp_port;                        /* to this port; 0: to Unix sockets only, -1: to more than one, or one without a number */
    pid_t helpers[BLK_HELPERS_MAX + 1]; /* processes that are ended with it; terminated by 0, more than that are left out */
    unsigned n_helpers;
};
void blk_needs(const struct blk *blk, struct blk_needs *ret_needs);

const char *blk_filename(const struct blk *blk); /* as given; raw bytes, escape before showing */
bool blk_is_writable(const struct blk *blk);
bool blk_is_guessed_raw(const struct blk *blk);  /* probing guessed: its first sector is guarded */
enum blk_cache blk_cache(const struct blk *blk);
/*
 * Whether the pieces of a read's vector may lie over each other, where nobody wants the data: true when no driver of the chain
 * looks at what it has read.
 */
bool blk_reads_may_overlap(const struct blk *blk);
/* Who else holds QEMU locks on the files of the chain, or NULL (g_free).  Names in it are raw: escape it before showing. */
char *blk_lock_holders(struct blk *blk);

/* ---- the layers it is made of ---- */

enum blk_part {
    BLK_PART_LAYER, /* what the guest would see if this layer were the top */
    BLK_PART_FILE,  /* the bytes of the file the layer is in */
};
/*
 * A part of the image, as an image that can only be read, with BLK_INTERNAL, and looked into; it belongs to blk and is valid as long as
 * that, nobody closes it.  layer is 0 for the top; NULL: there is no such layer, or it is in no file.
 */
struct blk *blk_layer(struct blk *blk, unsigned layer, enum blk_part part);

/*
 * Takes notice of what others wrote to those files of the image that are open read-only; the layers that we write are left alone.  0, or a
 * negative errno: some of it is as it was before; -EBUSY: all of it, since a request stands at a breakpoint and others must not wait for
 * that.  The length may be another after it.
 */
int blk_refresh_co(struct blk *blk);
enum blk_files {
    BLK_FILES_ALL,
    BLK_FILES_NOT_WRITTEN, /* by us: those that blk_refresh_co() is about */
};
/* Paths of the files the image is in, those of its backing files too: a new list (g_strfreev), raw bytes. */
char **blk_files(const struct blk *blk, enum blk_files which);

/*
 * Changes an open image; all of it or nothing, but for a last look at its size: an error of that comes after the change.  writable: 1, 0, or -1 to keep; cache:
 * -1 to keep.
 */
int blk_reopen_co(struct blk *blk, int writable, int cache, const struct options *options, GError **error);

/* ---- breakpoints (blkdebug somewhere in the chain; -ENOTSUP without) ---- */

int blk_break(struct blk *blk, const char *event, const char *tag); /* -ENOENT: no such event */
int blk_remove_break(struct blk *blk, const char *tag);             /* resumes what it holds; -ENOENT */
int blk_resume(struct blk *blk, const char *tag);                   /* -ENOENT: nothing is suspended there */
bool blk_is_suspended(const struct blk *blk, const char *tag);
/* Until a request is suspended at tag: 0 or -ECANCELED. */
int blk_wait_break_co(struct blk *blk, const char *tag);
/* Every event name there is, NULL-terminated, static. */
const char *const *blk_event_names(void);

/* ---- the registry ---- */

/*
 * Ends a request where that is possible: its next wait that can be cancelled (at a breakpoint, for another request) returns -ECANCELED; what
 * the disk is doing is not interrupted.  -ENOENT: no such request is pending.
 */
int blk_cancel(struct blk *blk, uint64_t id);

/* Requests not yet done, oldest first: a list of struct blk_request, owned by the image. */
const GQueue *blk_requests(const struct blk *blk);
/* The one that a coroutine carries out right now, NULL: none. */
const struct blk_request *blk_request_of(struct co *co);

struct blk_observer {
    /* A request entered, changed state, passed an event, or is done (last call; it is freed after). */
    void (*request)(void *data, const struct blk_request *request);
    /* Bytes of the image changed, or their allocation did; what shares a cluster or a block of the file system with them is in the range. */
    void (*changed)(void *data, int64_t offset, int64_t bytes);
    /* A line blkdebug says ("blkdebug: Suspended request 'A'"), without newline. */
    void (*message)(void *data, const char *line);
    /* What blk_connection() says changed; where it is up again the length may be another (blk_length_co()), and any byte. */
    void (*connection)(void *data);
};
/* At most one; NULL takes it away.  Callbacks don't suspend. */
void blk_set_observer(struct blk *blk, const struct blk_observer *observer, void *data);

/* Names of all drivers, sorted, NULL-terminated, static (completion). */
const char *const *blk_driver_names(void);
