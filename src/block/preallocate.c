/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * preallocate: between a format and its file; a write beyond the end makes the file longer by much more at once, so that the file system has
 * little to do for the next ones.  Above it nothing of that is seen, and when the image is closed or not writable any more, the file ends
 * where its data does.
 */
#include <errno.h>

#include "block/node.h"
#include "util/checked.h"

enum { SECTOR = 512 };
#define DEFAULT_ALIGN (INT64_C(1) << 20)
#define DEFAULT_SIZE (INT64_C(1) << 27)

struct preallocate {
    struct amounts { int64_t align, size; } amounts, next; /* next: while it is reopened */
    int64_t data_end; /* where what was written, or is being written, ends; valid while the file is longer than that by our doing */
    int64_t file_end; /* 0: it is not */
    struct co_mutex lock; /* of changes to the file's length */
};

static const struct driver_option preallocate_options[] = {
    {.name = "file", .type = DRIVER_OPTION_CHILD, .required = true, .help = "the file that grows"},
    {.name = "prealloc-align", .type = DRIVER_OPTION_SIZE, .huge = true, .help = "what its length becomes a multiple of, 1M by default", .reopen = true},
    {.name = "prealloc-size", .type = DRIVER_OPTION_SIZE, .huge = true, .help = "how much more than needed it gets, 128M by default", .reopen = true},
    {},
};

static int take_amounts(struct options *options, struct amounts *ret_amounts, GError **error)
{
    uint64_t align = options_take_huge_size(options, "prealloc-align", DEFAULT_ALIGN);
    uint64_t size = options_take_huge_size(options, "prealloc-size", DEFAULT_SIZE);
    /* No file is that long: then there is no room to be made. */
    struct amounts amounts = {.align = (int64_t)MIN(align, INT64_MAX), .size = (int64_t)MIN(size, INT64_MAX)};
    if (align % SECTOR) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "prealloc-align parameter of preallocate filter is not aligned to %d", SECTOR);
        return -EINVAL;
    }
    amounts.align = MAX(amounts.align, 1);
    *ret_amounts = amounts;
    return 0;
}

static int preallocate_open_co(struct node *node, struct options *options, GError **error)
{
    struct preallocate *preallocate = node->opaque;
    int ret = take_amounts(options, &preallocate->amounts, error);
    if (ret == 0)
        ret = node_open_child_co(node, options, "file", NODE_ROLE_FILE, NULL, error);
    if (ret < 0)
        return ret;
    node_follow_file(node);
    return 0;
}

/* ---- the room behind the data ---- */

/* What is about to be written counts as data: room that is given back meanwhile begins behind it. */
static void claim(struct preallocate *preallocate, int64_t end)
{
    if (preallocate->file_end)
        preallocate->data_end = MAX(preallocate->data_end, end);
}

/* Makes room for what ends there and more.  Where that is not possible the write itself says why. */
static void make_room_co(struct node *node, int64_t end)
{
    struct preallocate *preallocate = node->opaque;
    int64_t target;
    claim(preallocate, end);
    if (end <= MAX(preallocate->file_end, node->file->size))
        return;
    co_mutex_lock_co(&preallocate->lock);
    bool needed = end > MAX(preallocate->file_end, node->file->size);
    if (needed && checked_add(end, preallocate->amounts.size, &target) && checked_add(target, preallocate->amounts.align - 1, &target)) {
        target -= target % preallocate->amounts.align;
        if (!preallocate->file_end)
            preallocate->data_end = node->file->size;
        if (node_truncate_co(node->file, target, false, BLK_PREALLOC_FALLOC, NULL) == 0)
            preallocate->file_end = target;
        else
            preallocate->file_end = MAX(preallocate->file_end, node->file->size); /* as far as it came */
    }
    claim(preallocate, end);
    co_mutex_unlock(&preallocate->lock);
}

/* The file ends where the data does. */
static int give_back_co(struct node *node)
{
    struct preallocate *preallocate = node->opaque;
    int ret = 0;
    if (!preallocate->file_end)
        return 0;
    if (preallocate->file_end > preallocate->data_end)
        ret = node_truncate_co(node->file, preallocate->data_end, true, BLK_PREALLOC_OFF, NULL);
    if (ret == 0)
        preallocate->file_end = 0;
    return ret;
}

static int preallocate_close_co(struct node *node)
{
    return node->flags & NODE_WRITABLE ? give_back_co(node) : 0;
}

static int64_t preallocate_length_co(struct node *node)
{
    struct preallocate *preallocate = node->opaque;
    if (preallocate->file_end)
        return preallocate->data_end;
    int ret = node_refresh_size_co(node->file);
    return ret < 0 ? ret : node->file->size;
}

static int drop_room_co(struct node *node, GError **error)
{
    int ret = give_back_co(node);
    if (ret < 0)
        g_set_error(error, OPTIONS_ERROR, -ret, "Failed to drop preallocation: %s", g_strerror(-ret));
    return ret;
}

/* Who looks at the file from outside sees what is written to it, too, once nobody here writes any more. */
static int preallocate_reopen_prepare_co(struct node *node, unsigned flags, struct options *options, GError **error)
{
    struct preallocate *preallocate = node->opaque;
    int ret = take_amounts(options, &preallocate->next, error);
    if (ret < 0 || !(node->flags & NODE_WRITABLE) || (flags & NODE_WRITABLE))
        return ret;
    return drop_room_co(node, error);
}

static void preallocate_reopen_commit_co(struct node *node)
{
    struct preallocate *preallocate = node->opaque;
    preallocate->amounts = preallocate->next;
}

/* ---- requests ---- */

static int preallocate_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    make_room_co(node, offset + bytes);
    return node_pwritev_co(node->file, offset, bytes, iov, niov, flags);
}

static int preallocate_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    make_room_co(node, offset + bytes);
    return node_pwrite_zeroes_co(node->file, offset, bytes, flags);
}

/* Room that is there already is what falloc asks for; any other mode begins behind the data. */
static int resize_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error)
{
    struct preallocate *preallocate = node->opaque;
    if (preallocate->file_end && size > preallocate->data_end && size <= preallocate->file_end && prealloc == BLK_PREALLOC_FALLOC) {
        preallocate->data_end = size;
        return 0;
    }
    /* Who makes it longer does not know yet of what is being written behind its end. */
    if (preallocate->file_end && size >= node->size)
        size = MAX(size, preallocate->data_end);
    int ret = drop_room_co(node, error);
    return ret < 0 ? ret : node_truncate_co(node->file, size, exact, prealloc, error);
}

static int preallocate_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error)
{
    struct preallocate *preallocate = node->opaque;
    co_mutex_lock_co(&preallocate->lock);
    int ret = resize_co(node, size, exact, prealloc, error);
    co_mutex_unlock(&preallocate->lock);
    return ret;
}

const struct driver driver_preallocate = {
    .name = "preallocate",
    .flags = DRIVER_FILTER | DRIVER_BLIND_READS,
    .state_size = sizeof(struct preallocate),
    .options = preallocate_options,
    .open_co = preallocate_open_co,
    .close_co = preallocate_close_co,
    .pwritev_co = preallocate_pwritev_co,
    .pwrite_zeroes_co = preallocate_pwrite_zeroes_co,
    .truncate_co = preallocate_truncate_co,
    .length_co = preallocate_length_co,
    .info_co = node_plain_info_co,
    .reopen_prepare_co = preallocate_reopen_prepare_co,
    .reopen_commit_co = preallocate_reopen_commit_co,
    .file_changed = node_follow_file,
    .leave_file_co = drop_room_co,
};
