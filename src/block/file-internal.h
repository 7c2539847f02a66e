/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the file_*.c files share: the state of an open file or device. */
#pragma once

#include "block/node.h"

enum file_kind { FILE_REGULAR, FILE_BLOCK_DEVICE, FILE_CHARACTER_DEVICE };

struct file {
    int fd;
    enum file_kind kind;
    bool locking;        /* takes and checks locks */
    bool locked;         /* holds some */
    bool no_zero_range, no_punch_hole; /* the file system said so */
    bool no_seek_hole;
    /* Of a regular file, see file_resize.c. */
    unsigned writers;        /* who may make it longer by writing, and who sets its length */
    int64_t writers_end;     /* where the furthest of the former ends; 0 while there are none */
    bool resizing;           /* ftruncate(2) is under way, */
    int64_t resizing_to;     /* to this length */
    struct co_queue resized; /* for its end */
    int lost;            /* negative errno of a flush of the page cache that failed: none after it succeeds */
    /* The data extent found last: most questions are about the next bytes of the same one.  Empty: none. */
    int64_t data_start, data_end;
    unsigned status_age; /* how often it was forgotten */
};

/* file_open.c */
int file_open_co(struct node *node, struct options *options, GError **error);
int file_close_co(struct node *node);
int file_reopen_prepare_co(struct node *node, unsigned flags, struct options *options, GError **error);
void file_reopen_commit_co(struct node *node);
void file_reopen_abort_co(struct node *node);
/* Locks that the length may change, from now on: 0, or -EAGAIN where somebody else rules that out. */
int file_lock_resize(struct node *node, GError **error);
int file_relock(struct node *node, GError **error);
int file_descriptor(const struct node *node);
void file_lock_holders(struct node *node, GString *out);
extern const struct driver_option file_options[];

/* file_align.c: what direct I/O on fd asks for.  May block. */
void file_probe_alignment(int fd, uint32_t *ret_request, uint32_t *ret_memory);

/* file_status.c */
int file_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status);
int file_status_bulk_co(struct node *node, int64_t offset, int64_t bytes, node_status_fn *fn, void *data);
/* Bytes have changed in a way that may have made holes, or moved the end: forgets what was found, and what is being looked for. */
void file_status_forget(struct file *file);
/* As struct driver's. */
int file_refresh_co(struct node *node);

/* file_resize.c */
/* Around what writes up to end: waits while the file is being cut off before that. */
void file_write_begin_co(struct file *file, int64_t end);
void file_write_end(struct file *file);
int64_t file_length_co(struct node *node);
int64_t file_occupied_co(struct node *node);
int file_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error);
