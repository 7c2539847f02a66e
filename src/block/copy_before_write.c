/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * copy-before-write: before anything of the image changes, what was there is copied to a target, in whole clusters; snapshot-access above
 * it reads the image as it was when this node was opened.
 *
 *                    | not yet copied        | settled: copied, or nobody is to read it
 *     a write        | copies first          | goes straight on
 *     earlier bytes  | are in `file`         | are in the target
 *
 * A copy is not under way at the same time as another one or a look at earlier bytes in the same place (copying.h).  So while earlier bytes are
 * read from `file`, nobody copies them, and who does not copy does not write.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block/copying.h"
#include "block/described.h"
#include "block/inspect.h"
#include "block/iov.h"
#include "block/named.h"
#include "block/parts.h"
#include "util/checked.h"
#include "util/intervals.h"

enum {
    CLUSTER_MIN = 64 << 10,
    PIECE = 1 << 20,
};

struct copy_before_write {
    struct node *target;
    int64_t length;  /* when it was opened: what is written behind it was not there, and is not copied */
    int64_t cluster; /* what is copied at least */
    int64_t time_us; /* that copying for one request may take; 0: any */
    bool break_snapshot; /* what can't be copied is written all the same */
    bool broken;     /* that has happened: earlier bytes are not known any more */
    struct intervals *settled, *denied; /* of whole clusters; nobody is to read what is denied, which is settled, too */
    struct copying copying;
};

static const struct driver_option copy_before_write_options[] = {
    {.name = "file", .type = DRIVER_OPTION_CHILD, .required = true, .help = "the image"},
    {.name = "target", .type = DRIVER_OPTION_CHILD, .required = true, .help = "where earlier bytes go"},
    {.name = "bitmap", .type = DRIVER_OPTION_GROUP, .help = "node and name of a bitmap: only what it marks is copied"},
    {.name = "on-cbw-error", .type = DRIVER_OPTION_STRING, .help = "break-guest-write or break-snapshot: what fails when copying does"},
    {.name = "cbw-timeout", .type = DRIVER_OPTION_STRING, .help = "seconds that copying may take, 0: any"},
    {},
};

/* ---- opening: options ---- */

static int take_time(struct copy_before_write *cbw, struct options *options, GError **error)
{
    g_autofree char *value = options_take_string(options, "cbw-timeout");
    char *end = value;
    errno = 0;
    gint64 seconds = value ? g_ascii_strtoll(value, &end, 0) : 0;
    if (value && (end == value || *end || errno))
        return options_refuse(error, EINVAL, "Parameter 'cbw-timeout' expects integer");
    if (seconds < 0 || seconds > UINT32_MAX)
        return options_refuse(error, EINVAL, "Parameter 'cbw-timeout' expects uint32_t");
    cbw->time_us = seconds * G_USEC_PER_SEC;
    return 0;
}

static int take_on_error(struct copy_before_write *cbw, struct options *options, GError **error)
{
    static const char *const values[] = {"break-guest-write", "break-snapshot", NULL};
    g_autofree char *value = options_take_string(options, "on-cbw-error");
    int chosen = value ? options_parse_enum(value, values) : 0;
    cbw->break_snapshot = chosen == 1;
    return chosen < 0 ? options_refuse(error, EINVAL, "Parameter 'on-cbw-error' does not accept value '%s'", value) : 0;
}

static int refuse_unexpected(const struct options *options, const char *prefix, GError **error)
{
    for (unsigned i = 0; i < options_count(options); i++) {
        const char *key, *unused;
        options_at(options, i, &key, &unused);
        if (*prefix || (strcmp(key, "target") != 0 && !g_str_has_prefix(key, "target.")))
            return options_refuse(error, EINVAL, "Parameter '%s%s' is unexpected", prefix, key);
    }
    return 0;
}

struct marks {
    char *node, *name; /* of a bitmap, NULL: none is given */
};

static int take_marks(struct options *options, struct marks *ret_marks, GError **error)
{
    g_autoptr(options) bitmap = options_take_child(options, "bitmap");
    if (options_has(options, "bitmap"))
        return options_refuse(error, EINVAL, "Invalid parameter type for 'bitmap', expected: object");
    if (!options_count(bitmap))
        return 0;
    ret_marks->node = options_take_string(bitmap, "node");
    ret_marks->name = options_take_string(bitmap, "name");
    if (!ret_marks->node || !ret_marks->name)
        return options_refuse(error, EINVAL, "Parameter 'bitmap.%s' is missing", ret_marks->node ? "name" : "node");
    return refuse_unexpected(bitmap, "bitmap.", error);
}

static int check_target(const struct options *options, GError **error)
{
    g_autoptr(options) copy = options_copy(options);
    g_autoptr(options) target = options_take_child(copy, "target");
    return options_count(target) ? described_check(target, "target.", error) : 0;
}

static int take_options(struct copy_before_write *cbw, struct options *options, struct marks *ret_marks, GError **error)
{
    int ret = options_has_child(options, "target") ? 0 : options_refuse(error, EINVAL, "Parameter 'target' is missing");
    if (ret == 0)
        ret = check_target(options, error);
    if (ret == 0)
        ret = take_marks(options, ret_marks, error);
    if (ret == 0)
        ret = take_on_error(cbw, options, error);
    if (ret == 0)
        ret = take_time(cbw, options, error);
    return ret < 0 ? ret : refuse_unexpected(options, "", error);
}

/* ---- opening: what is copied ---- */

static int64_t cluster_end(const struct copy_before_write *cbw, int64_t offset)
{
    int64_t end;
    return checked_add(offset, cbw->cluster - 1, &end) ? MIN(end - end % cbw->cluster, cbw->length) : cbw->length;
}

static int64_t cluster_start(const struct copy_before_write *cbw, int64_t offset)
{
    return offset - offset % cbw->cluster;
}

static int mark_dirty(void *data, int64_t offset, int64_t bytes)
{
    struct copy_before_write *cbw = data;
    int64_t start = cluster_start(cbw, offset), end = cluster_end(cbw, offset + bytes);
    intervals_remove(cbw->settled, start, end);
    intervals_remove(cbw->denied, start, end);
    return 0;
}

struct wanted {
    const char *name;
    bool found, in_use;
};

static int find_bitmap(void *data, const struct inspect_bitmap *bitmap)
{
    struct wanted *wanted = data;
    if (strcmp(bitmap->name, wanted->name) != 0)
        return 0;
    wanted->found = true;
    wanted->in_use = bitmap->in_use;
    return 1;
}

/* What the bitmap does not mark is settled from the start, and nobody is to read it. */
static int apply_marks_co(struct node *node, const struct marks *marks, GError **error)
{
    struct copy_before_write *cbw = node->opaque;
    struct node *holder = named_find(node, marks->node);
    struct wanted wanted = {.name = marks->name};
    if (!holder)
        return options_refuse(error, ENOENT, "Node '%s' not found", marks->node);
    const struct inspect_ops *inspect = holder->driver->inspect;
    int ret = inspect && inspect->bitmaps_co ? inspect->bitmaps_co(holder, find_bitmap, &wanted) : 0;
    if (ret >= 0 && !wanted.found)
        return options_refuse(error, ENOENT, "Dirty bitmap '%s' not found", marks->name);
    if (wanted.in_use)
        return options_refuse(error, EINVAL, "Cannot create block-copy-state: Failed to merge bitmap '%s' to internal copy-bitmap: Bitmap '%s' is "
                              "inconsistent and cannot be used\nTry block-dirty-bitmap-remove to delete this bitmap from disk",
                              marks->name, marks->name);
    if (holder->size != cbw->length)
        return options_refuse(error, EINVAL, "Cannot create block-copy-state: Failed to merge bitmap '%s' to internal copy-bitmap: Bitmaps are of "
                              "different sizes (destination size is %" G_GINT64_FORMAT ", source size is %" G_GINT64_FORMAT
                              ") and can't be merged",
                              marks->name, cbw->length, holder->size);
    intervals_add(cbw->settled, 0, cbw->length);
    intervals_add(cbw->denied, 0, cbw->length);
    if (ret >= 0)
        ret = inspect->bitmap_co(holder, marks->name, mark_dirty, cbw);
    return ret < 0 ? options_refuse(error, -ret, "Could not read bitmap '%s': %s", marks->name, g_strerror(-ret)) : 0;
}

/* No less than the target has in one piece, or it would have to keep what surrounds a copy. */
static int choose_cluster_co(struct node *node, GError **error)
{
    struct copy_before_write *cbw = node->opaque;
    struct blk_info info = {0};
    int ret = node_info_co(cbw->target, &info);
    if (ret < 0)
        return options_refuse(error, -ret, "%s", g_strerror(-ret));
    if (info.cluster_size < 0 && !node_child_in_role(cbw->target, NODE_ROLE_BACKING))
        node_complain(node, "warning: The target block device doesn't provide information about the block size and it doesn't have a backing "
                            "file. The default block size of %d bytes is used. If the actual block size of the target exceeds this default, "
                            "the backup may be unusable", CLUSTER_MIN);
    cbw->cluster = MAX(info.cluster_size, CLUSTER_MIN);
    blk_info_clear(&info);
    return 0;
}

static int open_target_co(struct node *node, struct options *options, GError **error)
{
    struct copy_before_write *cbw = node->opaque;
    int ret = node_open_child_co(node, options, "target", NODE_ROLE_TARGET, &cbw->target, error);
    if (ret == 0 && !(cbw->target->flags & NODE_WRITABLE))
        ret = options_refuse(error, EACCES, "Block node is read-only");
    if (ret == 0)
        ret = choose_cluster_co(node, error);
    cbw->length = node->file->size;
    return ret;
}

static int copy_before_write_open_co(struct node *node, struct options *options, GError **error)
{
    struct copy_before_write *cbw = node->opaque;
    struct marks marks = {0};
    /* What others wrote to the image would not be copied before. */
    node->shared &= ~(NODE_PERM_WRITE | NODE_PERM_RESIZE);
    int ret = options_has_child(options, "file") ? 0 : options_refuse(error, EINVAL, "Parameter 'file' is missing");
    if (ret == 0)
        ret = node_open_child_co(node, options, "file", NODE_ROLE_FILE, NULL, error);
    if (ret == 0)
        ret = take_options(cbw, options, &marks, error);
    if (ret == 0)
        ret = open_target_co(node, options, error);
    cbw->settled = intervals_new();
    cbw->denied = intervals_new();
    if (ret == 0 && marks.node)
        ret = apply_marks_co(node, &marks, error);
    g_free(marks.node);
    g_free(marks.name);
    if (ret < 0) {
        intervals_free(cbw->settled);
        intervals_free(cbw->denied);
        return ret;
    }
    node->write_flags = node->file->write_flags;
    node->zero_flags = node->file->zero_flags;
    return 0;
}

static int copy_before_write_close_co(struct node *node)
{
    struct copy_before_write *cbw = node->opaque;
    intervals_free(cbw->settled);
    intervals_free(cbw->denied);
    return 0;
}

/* ---- copying ---- */

static int copy_bytes_co(struct node *node, int64_t offset, int64_t bytes)
{
    struct copy_before_write *cbw = node->opaque;
    void *buf = malloc(bytes);
    int ret = buf ? node_pread_co(node->file, offset, bytes, buf) : -ENOMEM;
    if (ret == 0)
        ret = node_pwrite_co(cbw->target, offset, bytes, buf, 0);
    free(buf);
    return ret;
}

/* What begins at offset, a cluster or a few that are alike, none of it copied; *ret_bytes says how much it was. */
static int copy_piece_co(struct node *node, int64_t offset, int64_t bytes, int64_t *ret_bytes)
{
    struct copy_before_write *cbw = node->opaque;
    struct blk_extent extent = {.kind = BLK_KIND_DATA, .length = bytes};
    int64_t inside = MIN(bytes, node->file->size - offset); /* the file may have become shorter without our doing */
    bool zeroes = inside <= 0 || (node_extent_co(node->file, offset, inside, &extent) == 0 && blk_kind_is_zeroes(extent.kind));
    int64_t whole = inside > 0 && extent.length < inside ? cluster_start(cbw, extent.length) : bytes;
    if (whole == 0) { /* both in one cluster */
        whole = MIN(bytes, cbw->cluster);
        zeroes = false;
    }
    if (!zeroes)
        whole = MIN(whole, MAX(PIECE - PIECE % cbw->cluster, cbw->cluster));
    int ret = zeroes ? node_pwrite_zeroes_co(cbw->target, offset, whole, 0) : copy_bytes_co(node, offset, whole);
    *ret_bytes = whole;
    return ret;
}

/* All of [start, end) that is not settled yet; no other copy is under way there. */
static int copy_range_co(struct node *node, int64_t start, int64_t end)
{
    struct copy_before_write *cbw = node->opaque;
    int ret = 0;
    for (int64_t at = start, n, run_end; ret == 0 && at < end; at += n) {
        bool settled = intervals_at(cbw->settled, at, &run_end);
        n = MIN(run_end, end) - at;
        if (settled)
            continue;
        ret = co_cancelled() ? -ECANCELED : copy_piece_co(node, at, n, &n);
        if (ret == 0)
            intervals_add(cbw->settled, at, at + n);
        co_relax_co();
    }
    return ret;
}

struct job {
    struct node *node;
    int64_t start, end;
};

static int job_co(void *data, unsigned index)
{
    const struct job *job = data;
    return copy_range_co(job->node, job->start, job->end);
}

/* Before [offset, offset + bytes) changes. */
static int copy_before_co(struct node *node, int64_t offset, int64_t bytes)
{
    struct copy_before_write *cbw = node->opaque;
    int64_t start = cluster_start(cbw, offset), end = cluster_end(cbw, offset + bytes), settled_end;
    struct copying_flight flight;
    int ret;
    if (start >= end || cbw->broken || (intervals_at(cbw->settled, start, &settled_end) && settled_end >= end))
        return 0;
    copying_begin_co(&cbw->copying, &flight, start, end, true);
    struct job job = {node, start, end};
    if (cbw->time_us > 0)
        parts_run_co(node->registry, 1, job_co, &job, cbw->time_us, &ret);
    else
        ret = copy_range_co(node, start, end);
    copying_end(&cbw->copying, &flight);
    if (ret == 0 || ret == -ECANCELED || !cbw->break_snapshot)
        return ret;
    if (!cbw->broken)
        node_complain(node, "warning: copy-before-write: copying failed (%s): what the image was before can't be read any more", g_strerror(-ret));
    cbw->broken = true;
    return 0;
}

static int copy_before_write_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    int ret = copy_before_co(node, offset, bytes);
    return ret < 0 ? ret : node_pwritev_co(node->file, offset, bytes, iov, niov, flags);
}

static int copy_before_write_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    int ret = copy_before_co(node, offset, bytes);
    return ret < 0 ? ret : node_pwrite_zeroes_co(node->file, offset, bytes, flags);
}

static int copy_before_write_pdiscard_co(struct node *node, int64_t offset, int64_t bytes)
{
    int ret = copy_before_co(node, offset, bytes);
    return ret < 0 ? ret : node_pdiscard_co(node->file, offset, bytes);
}

static int copy_before_write_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error)
{
    struct copy_before_write *cbw = node->opaque;
    int ret = size < cbw->length ? copy_before_co(node, size, cbw->length - size) : 0;
    if (ret < 0)
        return options_refuse(error, -ret, "Could not copy what is to be cut off: %s", g_strerror(-ret));
    return node_truncate_co(node->file, size, exact, prealloc, error);
}

/*
 * The target is flushed, too; what it may have lost then is the snapshot's, which ends with this node, and no error of the image.
 */
static int copy_before_write_flush_children_co(struct node *node)
{
    struct copy_before_write *cbw = node->opaque;
    int ret = node_flush_co(node->file);
    node_flush_co(cbw->target);
    return ret;
}

/* ---- what was there before ---- */

static int64_t copy_before_write_snapshot_length(const struct node *node)
{
    return ((const struct copy_before_write *)node->opaque)->length;
}

static int check_allowed(const struct copy_before_write *cbw, int64_t offset, int64_t bytes)
{
    int64_t end;
    if (cbw->broken || intervals_at(cbw->denied, offset, &end))
        return -EACCES;
    return end < offset + bytes ? -EACCES : 0;
}

static int copy_before_write_snapshot_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    struct copy_before_write *cbw = node->opaque;
    g_autofree struct iovec *slice = g_new(struct iovec, MAX(niov, 1));
    struct copying_flight flight;
    copying_begin_co(&cbw->copying, &flight, offset, offset + bytes, false);
    int ret = bytes > 0 ? check_allowed(cbw, offset, bytes) : 0;
    for (int64_t done = 0, n, run_end; ret == 0 && done < bytes; done += n) {
        struct node *holder = intervals_at(cbw->settled, offset + done, &run_end) ? cbw->target : node->file;
        n = MIN(run_end, offset + bytes) - offset - done;
        int count = iov_slice(iov, niov, done, n, slice);
        ret = node_preadv_co(holder, offset + done, n, slice, count, flags);
    }
    /* A write whose copy failed may have come in between. */
    if (ret == 0 && cbw->broken)
        ret = -EACCES;
    copying_end(&cbw->copying, &flight);
    return ret;
}

static int copy_before_write_snapshot_status_co(struct node *node, int64_t offset, int64_t bytes, struct node_status *ret_status)
{
    struct copy_before_write *cbw = node->opaque;
    struct copying_flight flight;
    struct blk_extent extent;
    int64_t end;
    copying_begin_co(&cbw->copying, &flight, offset, offset + bytes, false);
    int ret = cbw->broken || intervals_at(cbw->denied, offset, &end) ? -EACCES : 0;
    bytes = ret == 0 ? MIN(bytes, end - offset) : bytes;
    struct node *holder = intervals_at(cbw->settled, offset, &end) ? cbw->target : node->file;
    bytes = MIN(bytes, end - offset);
    if (ret == 0)
        ret = node_extent_co(holder, offset, bytes, &extent);
    copying_end(&cbw->copying, &flight);
    if (ret < 0)
        return ret;
    bool zeroes = blk_kind_is_zeroes(extent.kind);
    *ret_status = (struct node_status){
        .bytes = extent.length,
        .kind = zeroes ? BLK_KIND_ZERO_PLAIN : BLK_KIND_DATA,
        .via = zeroes ? NODE_STATUS_FINAL : NODE_STATUS_STORED,
        .child = holder,
        .child_offset = offset,
    };
    return 0;
}

/* Whole clusters only: of another, some is still wanted. */
static int copy_before_write_snapshot_pdiscard_co(struct node *node, int64_t offset, int64_t bytes)
{
    struct copy_before_write *cbw = node->opaque;
    int64_t start = cluster_end(cbw, offset), end = offset + bytes == cbw->length ? cbw->length : cluster_start(cbw, offset + bytes);
    struct copying_flight flight;
    if (start >= end)
        return 0;
    copying_begin_co(&cbw->copying, &flight, start, end, true);
    intervals_add(cbw->settled, start, end);
    intervals_add(cbw->denied, start, end);
    int ret = node_pdiscard_co(cbw->target, start, end - start);
    copying_end(&cbw->copying, &flight);
    return ret;
}

const struct driver driver_copy_before_write = {
    .name = "copy-before-write",
    .flags = DRIVER_FILTER | DRIVER_FIXED | DRIVER_BLIND_READS,
    .state_size = sizeof(struct copy_before_write),
    .options = copy_before_write_options,
    .open_co = copy_before_write_open_co,
    .close_co = copy_before_write_close_co,
    .pwritev_co = copy_before_write_pwritev_co,
    .pwrite_zeroes_co = copy_before_write_pwrite_zeroes_co,
    .pdiscard_co = copy_before_write_pdiscard_co,
    .flush_children_co = copy_before_write_flush_children_co,
    .truncate_co = copy_before_write_truncate_co,
    .info_co = node_plain_info_co,
    .snapshot_length = copy_before_write_snapshot_length,
    .snapshot_preadv_co = copy_before_write_snapshot_preadv_co,
    .snapshot_status_co = copy_before_write_snapshot_status_co,
    .snapshot_pdiscard_co = copy_before_write_snapshot_pdiscard_co,
};
