/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The raw driver: the bytes of its file, or a window into them.
 *
 * A format that was guessed to be raw is guarded: a guest could write the header of another format into its first sector, to
 * name any file of the host as its backing file the next time it is opened.  Such writes are refused; padding to whole sectors makes
 * sure that the check sees all of the new sector.  Discarding is not padded, and what it leaves of the sector is checked, too.
 */
#include <errno.h>
#include <inttypes.h>

#include "block/create.h"
#include "block/iov.h"
#include "block/node-internal.h"
#include "block/probe.h"
#include "util/checked.h"

enum { SECTOR = 512 };

struct raw {
    int64_t offset;
    int64_t size; /* of the window, -1: to the end of the file */
    struct raw_window { int64_t offset, size; } next; /* while reopening */
    struct co_mutex first; /* sector of a guarded one: one is checked and written at a time */
};

static const struct driver_option raw_options[] = {
    {.name = "file", .type = DRIVER_OPTION_CHILD, .required = true, .help = "what holds the bytes"},
    {.name = "offset", .type = DRIVER_OPTION_SIZE, .huge = true, .help = "where the window begins", .reopen = true},
    {.name = "size", .type = DRIVER_OPTION_SIZE, .huge = true, .help = "how long it is, a multiple of 512", .reopen = true},
    {},
};

/* ---- the window ---- */

static int take_window(struct node *node, struct options *options, struct raw_window *ret_window, GError **error)
{
    uint64_t file_size = (uint64_t)node->file->size;
    bool sized = options_get(options, "size");
    uint64_t offset = options_take_huge_size(options, "offset", 0), size = options_take_huge_size(options, "size", 0);
    if (offset > file_size) {
        g_set_error(error, OPTIONS_ERROR, EINVAL,
                    "Offset (%" PRIu64 ") cannot be greater than size of the containing file (%" PRIu64 ")", offset, file_size);
        return -EINVAL;
    }
    if (sized && size > file_size - offset) {
        g_set_error(error, OPTIONS_ERROR, EINVAL,
                    "The sum of offset (%" PRIu64 ") and size (%" PRIu64
                    ") has to be smaller or equal to the  actual size of the containing file (%" PRIu64 ")",
                    offset, size, file_size);
        return -EINVAL;
    }
    if (sized && size % SECTOR) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Specified size is not multiple of %d", SECTOR);
        return -EINVAL;
    }
    *ret_window = (struct raw_window){(int64_t)offset, sized ? (int64_t)size : -1};
    return 0;
}

static void follow_abilities(struct node *node)
{
    const struct raw *raw = node->opaque;
    node->limits.max_transfer = node->file->limits.max_transfer;
    node->write_flags = node->file->write_flags;
    node->zero_flags = node->file->zero_flags;
    node->variable_length = raw->size < 0 && node->file->variable_length;
}

static int raw_open_co(struct node *node, struct options *options, GError **error)
{
    struct raw *raw = node->opaque;
    struct raw_window window;
    int ret = node_open_child_co(node, options, "file", NODE_ROLE_FILE, NULL, error);
    if (ret == 0)
        ret = take_window(node, options, &window, error);
    if (ret < 0)
        return ret;
    raw->offset = window.offset;
    raw->size = window.size;
    if (node->flags & NODE_GUARDED)
        node->limits.request_alignment = SECTOR;
    follow_abilities(node);
    return 0;
}

static int raw_reopen_prepare_co(struct node *node, unsigned flags, struct options *options, GError **error)
{
    struct raw *raw = node->opaque;
    return take_window(node, options, &raw->next, error);
}

static void raw_file_changed(struct node *node)
{
    follow_abilities(node);
    g_free(node->filename);
    node->filename = g_strdup(node->file->filename);
}

/* The file's layout is the image's. */
static int raw_info_co(struct node *node, struct blk_info *info)
{
    return node_info_co(node->file, info);
}

static void raw_reopen_commit_co(struct node *node)
{
    struct raw *raw = node->opaque;
    raw->offset = raw->next.offset;
    raw->size = raw->next.size;
}

static int64_t raw_length_co(struct node *node)
{
    struct raw *raw = node->opaque;
    if (raw->size >= 0)
        return raw->size;
    int ret = node_refresh_size_co(node->file);
    return ret < 0 ? ret : MAX(node->file->size - raw->offset, 0);
}

static int raw_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error)
{
    struct raw *raw = node->opaque;
    if (raw->size >= 0) {
        g_set_error(error, OPTIONS_ERROR, ENOTSUP, "Cannot resize fixed-size raw disks");
        return -ENOTSUP;
    }
    if (size > INT64_MAX - raw->offset) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "Disk size too large for the chosen offset");
        return -EINVAL;
    }
    return node_truncate_co(node->file, size + raw->offset, exact, prealloc, error);
}

/* ---- requests ---- */

static int raw_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    struct raw *raw = node->opaque;
    node_debug_event_co(node->file, BLK_EVENT_READ_AIO);
    return node_preadv_co(node->file, offset + raw->offset, bytes, iov, niov, flags);
}

/* Padding at the end of a file, for direct I/O, makes it longer, and the image with it. */
static void follow_file(struct node *node)
{
    struct raw *raw = node->opaque;
    if (raw->size < 0)
        node->size = MAX(node->size, node_round_size(node->file->size - raw->offset));
}

/* Padded by node.c: all of the first sector is there. */
static int write_guarded_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    struct raw *raw = node->opaque;
    /* What was checked is what is written, whatever happens to the caller's memory meanwhile. */
    uint8_t sector[SECTOR];
    iov_copy_out(iov, niov, 0, sector, SECTOR);
    if (!g_str_equal(probe_format(sector, SECTOR, NULL), "raw"))
        return -EPERM;
    g_autofree struct iovec *copy = g_new(struct iovec, niov + 1);
    copy[0] = (struct iovec){sector, SECTOR};
    int count = 1 + iov_slice(iov, niov, SECTOR, bytes - SECTOR, copy + 1);
    node_debug_event_co(node->file, BLK_EVENT_WRITE_AIO);
    co_mutex_lock_co(&raw->first);
    int ret = node_pwritev_co(node->file, offset + raw->offset, bytes, copy, count, flags);
    co_mutex_unlock(&raw->first);
    follow_file(node);
    return ret;
}

static int raw_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    struct raw *raw = node->opaque;
    if (G_UNLIKELY((node->flags & NODE_GUARDED) && offset < SECTOR && bytes > 0))
        return write_guarded_co(node, offset, bytes, iov, niov, flags);
    node_debug_event_co(node->file, BLK_EVENT_WRITE_AIO);
    int ret = node_pwritev_co(node->file, offset + raw->offset, bytes, iov, niov, flags);
    follow_file(node);
    return ret;
}

static int raw_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    struct raw *raw = node->opaque;
    int ret = node_pwrite_zeroes_co(node->file, offset + raw->offset, bytes, flags);
    follow_file(node);
    return ret;
}

static int discard_co(struct node *node, int64_t offset, int64_t bytes)
{
    struct raw *raw = node->opaque;
    /* The window's last sector may reach beyond the end of the file. */
    int64_t end = MIN(offset + raw->offset + bytes, node->file->size);
    return end > offset + raw->offset ? node_pdiscard_co(node->file, offset + raw->offset, end - offset - raw->offset) : 0;
}

/* Of a part of the first sector, which reads as zeroes then: node.c cuts what is asked for at the sector's end. */
static int discard_guarded_co(struct node *node, int64_t offset, int64_t bytes)
{
    struct raw *raw = node->opaque;
    uint8_t sector[SECTOR] = {0};
    co_mutex_lock_co(&raw->first);
    int ret = node_pread_co(node->file, raw->offset, MIN(SECTOR, node->file->size - raw->offset), sector);
    if (ret == 0) {
        memset(sector + offset, 0, bytes);
        ret = g_str_equal(probe_format(sector, SECTOR, NULL), "raw") ? discard_co(node, offset, bytes) : -EPERM;
    }
    co_mutex_unlock(&raw->first);
    return ret;
}

static int raw_pdiscard_co(struct node *node, int64_t offset, int64_t bytes)
{
    bool part = offset < SECTOR && offset + bytes <= SECTOR && bytes < SECTOR;
    return G_UNLIKELY((node->flags & NODE_GUARDED) && part) ? discard_guarded_co(node, offset, bytes) : discard_co(node, offset, bytes);
}

static int raw_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status)
{
    struct raw *raw = node->opaque;
    *ret_status = (struct node_status){
        .bytes = bytes,
        .via = NODE_STATUS_PASS,
        .child = node->file,
        .child_offset = offset + raw->offset,
    };
    return 0;
}

/* ---- making ---- */

static const struct driver_option raw_create_options[] = {
    {.name = "size", .type = DRIVER_OPTION_SIZE, .help = "of the disk"},
    {.name = "nocow", .type = DRIVER_OPTION_BOOL, .help = "no copying on write (btrfs)"},
    {.name = "preallocation", .type = DRIVER_OPTION_STRING, .help = "off|falloc|full: what is behind its space"},
    {},
};

static int raw_create_co(struct create *create, GError **error)
{
    const char *mode = options_get(create->options, "preallocation");
    int prealloc = mode ? options_parse_enum(mode, blk_prealloc_names) : BLK_PREALLOC_OFF;
    if (prealloc < 0) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "invalid parameter value: %s", mode);
        return -EINVAL;
    }
    /* A disk has whole sectors. */
    int64_t size;
    if (!checked_add(create->size, SECTOR - 1, &size)) {
        g_set_error_literal(error, OPTIONS_ERROR, EINVAL, "Could not resize file: Invalid argument");
        return -EINVAL;
    }
    return create_resize_co(create, create->file, size - size % SECTOR, prealloc, error);
}

const struct driver driver_raw = {
    .name = "raw",
    .flags = DRIVER_FORMAT | DRIVER_BLIND_READS,
    .state_size = sizeof(struct raw),
    .options = raw_options,
    .open_co = raw_open_co,
    .create_co = raw_create_co,
    .create_options = raw_create_options,
    .preadv_co = raw_preadv_co,
    .pwritev_co = raw_pwritev_co,
    .pwrite_zeroes_co = raw_pwrite_zeroes_co,
    .pdiscard_co = raw_pdiscard_co,
    .truncate_co = raw_truncate_co,
    .length_co = raw_length_co,
    .status_co = raw_status_co,
    .info_co = raw_info_co,
    .reopen_prepare_co = raw_reopen_prepare_co,
    .reopen_commit_co = raw_reopen_commit_co,
    .file_changed = raw_file_changed,
};
