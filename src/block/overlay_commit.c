/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The temporary layer as a whole: begun, dropped, written to the image below.
 *
 * That image stays open as it is, for reading, while it is written through a second opening of it; so a failure half-way leaves all that was
 * readable readable, and the layer still has every byte it had.  Cutting it off comes last.
 */
#include <errno.h>
#include <string.h>

#include "block/blk-internal.h"
#include "block/blk_overlay.h"
#include "block/served.h"
#include "block/open.h"
#include "block/overlay-internal.h"
#include "block/pins.h"
#include "config.h"

enum { PIECE = 1 << 20 };

/* ---- begun and dropped ---- */

static int start_quiet_co(struct blk *blk, GError **error)
{
    struct node *root = blk->root;
    unsigned flags = open_top_flags((blk->flags | BLK_OPEN_WRITABLE) & ~BLK_OPEN_FORCE_SHARE, blk->cache);
    struct node_how how = {
        .flags = flags,
        .perm = NODE_PERM_READ | NODE_PERM_WRITE,
        .shared = NODE_PERM_ALL,
        .refs = root->refs_policy,
        .aio = root->aio,
        .registry = root->registry,
        .warn = root->warn,
        .warn_data = root->warn_data,
    };
    struct node *node;
    int ret = overlay_open_co(node_ref(root), &how, &node, error);
    if (ret < 0)
        return ret;
    node_unref_co(root); /* the overlay has one of its own */
    blk->root = node;
    blk->flags |= BLK_OPEN_WRITABLE | BLK_OPEN_SNAPSHOT;
    return 0;
}

int blk_overlay_start_co(struct blk *blk, GError **error)
{
    int ret;
    if (blk_has_overlay(blk))
        return options_refuse(error, EEXIST, "there is an overlay already");
    ret = blk_quiesce_begin_co(blk);
    if (ret < 0)
        return options_refuse(error, -ret, "%s", g_strerror(-ret));
    if (blk->root->flags & NODE_WRITABLE)
        ret = options_refuse(error, EINVAL, "the image is open for writing; 'reopen -r' first, or 'open -s'");
    else
        ret = start_quiet_co(blk, error);
    blk_quiesce_end(blk);
    return ret;
}

/* Drops all that was written, and the journal: the image below shows, as long as it is. */
static int reset_co(struct node *node)
{
    struct overlay *overlay = node->opaque;
    int ret;
    if (overlay->journal)
        overlay_journal_clear_co(overlay->journal);
    intervals_remove(overlay->ours, 0, INT64_MAX);
    overlay->base_end = overlay->size = overlay->base->size;
    ret = node_truncate_co(overlay->file, 0, true, BLK_PREALLOC_OFF, NULL); /* its bytes read as zeroes when it grows again */
    if (ret == 0)
        ret = node_truncate_co(overlay->file, overlay->size, true, BLK_PREALLOC_OFF, NULL);
    return ret < 0 ? ret : node_refresh_size_co(node);
}

/* Of a quiesced image. */
static int reset_quiet_co(struct blk *blk, struct node *node, GError **error)
{
    int64_t size = node->size;
    int ret = reset_co(node);
    if (ret == 0 && node != blk->root)
        ret = node_refresh_size_co(blk->root);
    registry_changed(&blk->registry, 0, MAX(size, node->size));
    return ret < 0 ? options_refuse(error, -ret, "%s", g_strerror(-ret)) : 0;
}

int blk_overlay_discard_co(struct blk *blk, GError **error)
{
    struct node *node = overlay_of(blk);
    if (!node)
        return options_refuse(error, ENOTSUP, "there is no overlay");
    int ret = blk_quiesce_begin_co(blk);
    if (ret < 0)
        return options_refuse(error, -ret, "%s", g_strerror(-ret));
    ret = reset_quiet_co(blk, node, error);
    blk_quiesce_end(blk);
    return ret;
}

/* ---- what is in it ---- */

static void next_label(GQueue *steps, unsigned *ret_count, const char **ret_label)
{
    const struct overlay_step *step = g_queue_peek_tail(steps);
    *ret_count = steps->length;
    *ret_label = step ? step->label : NULL;
}

int blk_overlay_status(const struct blk *blk, struct blk_overlay_status *ret_status)
{
    struct node *node = overlay_of(blk);
    if (!node)
        return -ENOTSUP;
    const struct overlay *overlay = node->opaque;
    struct blk_overlay_status status = {.size = overlay->size, .below = overlay->base->size};
    for (int64_t at = 0, end; at < overlay->size; at = end) {
        bool ours = intervals_at(overlay->ours, at, &end);
        end = MIN(end, overlay->size);
        status.bytes += ours ? end - at : 0;
        status.ranges += ours;
    }
    if (overlay->journal) {
        next_label(&overlay->journal->undo, &status.undo, &status.undo_label);
        next_label(&overlay->journal->redo, &status.redo, &status.redo_label);
        status.lost = overlay->journal->lost;
    }
    *ret_status = status;
    return 0;
}

/* ---- written back ---- */

struct commit {
    struct overlay *overlay;
    struct blk *target;
    struct blk_overlay_progress *progress;
    uint8_t *buf;
};

/* The files that are open, whatever their names mean by now: what is in the layer was written over these. */
static int open_target_co(const struct blk *blk, struct blk **ret_blk, GError **error)
{
    const struct node *root = blk->root;
    g_autoptr(pins) pins = pins_of_image(blk, true, error);
    if (!pins)
        return -(*error)->code;
    struct blk_open how = {
        .filename = blk->filename,
        .format = blk->format,
        .options = blk->options,
        .flags = (blk->flags & ~(BLK_OPEN_SNAPSHOT | BLK_OPEN_COPY_ON_READ | BLK_OPEN_FORCE_SHARE)) | BLK_OPEN_WRITABLE,
        .cache = blk->cache == BLK_CACHE_UNSAFE ? BLK_CACHE_WRITEBACK : blk->cache,
        .refs = blk->refs,
        .pins = pins,
        .aio = root->aio,
        .program = blk->registry.program,
    };
    return blk_open_co(&how, ret_blk, error);
}

/* A run of one kind of ours, or of what was cut off and is to be zeroes. */
static int write_run_co(struct commit *commit, int64_t offset, int64_t bytes, bool zeroes)
{
    struct iovec iov = {commit->buf, bytes};
    if (zeroes)
        return blk_pwrite_zeroes_co(commit->target, offset, bytes, BLK_MAY_UNMAP, NULL);
    int ret = node_pread_co(commit->overlay->file, offset, bytes, commit->buf);
    return ret < 0 ? ret : blk_pwritev_co(commit->target, offset, &iov, 1, 0, NULL);
}

/* The next run at offset, as far as it is the same: how long, and whether it has to be written, as zeroes. */
static int find_run_co(struct commit *commit, int64_t offset, int64_t *ret_bytes, bool *ret_write, bool *ret_zeroes)
{
    struct overlay *overlay = commit->overlay;
    int64_t bytes;
    enum overlay_source source = overlay_source(overlay, offset, overlay->size - offset, &bytes);
    *ret_zeroes = source == OVERLAY_NOBODY && offset < overlay->base->size;
    *ret_write = source == OVERLAY_OURS || *ret_zeroes;
    if (*ret_zeroes)
        bytes = MIN(bytes, overlay->base->size - offset);
    if (source == OVERLAY_OURS) {
        int ret = overlay_run_co(overlay, offset, bytes, &bytes, ret_zeroes);
        if (ret < 0)
            return ret;
        bytes = *ret_zeroes ? bytes : MIN(bytes, PIECE);
    }
    *ret_bytes = bytes;
    return 0;
}

static int write_all_co(struct commit *commit)
{
    int ret = 0;
    for (int64_t at = 0, n; ret == 0 && at < commit->overlay->size; at += n) {
        bool write, zeroes;
        ret = find_run_co(commit, at, &n, &write, &zeroes);
        if (ret == 0 && write) {
            ret = write_run_co(commit, at, n, zeroes);
            commit->progress->done += ret == 0 ? n : 0;
        }
        co_relax_co();
        if (ret == 0 && co_cancelled())
            ret = -ECANCELED;
    }
    return ret;
}

static int resize_target_co(struct commit *commit, GError **error)
{
    return blk_truncate_co(commit->target, commit->overlay->size, BLK_PREALLOC_OFF, NULL, error);
}

/* Made longer, a format may show again what was cut off within its last cluster before. */
static int clear_tail_co(struct commit *commit, int64_t old_length)
{
    struct blk_info info = {0};
    int ret = blk_info_co(commit->target, &info);
    int64_t cluster = MAX(info.cluster_size, 1), tail = old_length % cluster;
    blk_info_clear(&info);
    if (ret < 0 || tail == 0)
        return ret;
    return blk_pwrite_zeroes_co(commit->target, old_length, MIN(cluster - tail, commit->overlay->size - old_length), 0, NULL);
}

static int transfer_co(struct commit *commit, GError **error)
{
    int64_t length = blk_length(commit->target), size = commit->overlay->size;
    if (length != commit->overlay->base->size)
        return options_refuse(error, ESTALE, "the image has another size than when it was opened: somebody else changed it");
    int ret = size > length ? resize_target_co(commit, error) : 0;
    if (ret < 0)
        return ret;
    ret = size > length ? clear_tail_co(commit, length) : 0;
    if (ret == 0)
        ret = write_all_co(commit);
    if (ret < 0)
        return options_refuse(error, -ret, "%s", g_strerror(-ret));
    if (size < length && (ret = resize_target_co(commit, error)) < 0)
        return ret;
    ret = blk_flush_co(commit->target, NULL);
    return ret < 0 ? options_refuse(error, -ret, "%s", g_strerror(-ret)) : 0;
}

static int64_t count_bytes(const struct overlay *overlay)
{
    int64_t sum = 0;
    for (int64_t at = 0, n; at < overlay->size; at += n) {
        enum overlay_source source = overlay_source(overlay, at, overlay->size - at, &n);
        sum += source == OVERLAY_OURS ? n : source == OVERLAY_NOBODY ? CLAMP(overlay->base->size - at, 0, n) : 0;
    }
    return sum;
}

/* A second qemu-nbd would write what the first one, for reading, keeps its own idea of. */
static bool is_served(const struct node *node)
{
#if HAVE_LIBNBD
    if (node->driver->close_co == served_close_co)
        return true;
#endif
    for (guint i = 0; i < node->children->len; i++) {
        const struct node_child *child = g_ptr_array_index(node->children, i);
        if (child->role != NODE_ROLE_BACKING && is_served(child->node))
            return true;
    }
    return false;
}

static int commit_quiet_co(struct blk *blk, struct node *node, struct blk_overlay_progress *progress, GError **error)
{
    struct overlay *overlay = node->opaque;
    struct commit commit = {.overlay = overlay, .progress = progress};
    int ret, close_ret, refresh;
    if (is_served(overlay->base))
        return options_refuse(error, ENOTSUP, "an image that is read through qemu-nbd can't be written back to; open it with -w instead");
    ret = open_target_co(blk, &commit.target, error);
    if (ret < 0)
        return ret;
    progress->total = count_bytes(overlay);
    commit.buf = g_malloc(PIECE);
    ret = transfer_co(&commit, error);
    g_free(commit.buf);
    close_ret = blk_close_co(commit.target, ret < 0 ? NULL : error);
    ret = ret < 0 ? ret : close_ret;
    refresh = blk_refresh_node_co(overlay->base);
    if (ret == 0 && refresh < 0)
        ret = options_refuse(error, -refresh, "it is written, but can't be read anew; close it and open it again");
    if (ret == 0)
        ret = reset_quiet_co(blk, node, error);
    return ret;
}

int blk_overlay_commit_co(struct blk *blk, struct blk_overlay_progress *progress, GError **error)
{
    struct node *node = overlay_of(blk);
    *progress = (struct blk_overlay_progress){0};
    if (!node)
        return options_refuse(error, ENOTSUP, "there is no overlay");
    int ret = blk_quiesce_begin_co(blk);
    if (ret < 0)
        return options_refuse(error, -ret, "%s", g_strerror(-ret));
    ret = commit_quiet_co(blk, node, progress, error);
    blk_quiesce_end(blk);
    return ret;
}
