/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is where: one level is the driver's answer, the rest is here.
 *
 * A driver says of a run either the final kind, or which child to ask on, and at what offset (enum node_status_via).  Both forms
 * below follow that down and report in offsets of the node that was asked first.
 */
#include <errno.h>

#include "block/node.h"
#include "util/checked.h"

int node_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status)
{
    if (node->dead)
        return -ENOMEDIUM;
    if (!checked_range(offset, bytes, node->size) || bytes == 0)
        return -EIO;
    if (node->driver->status_co) {
        int ret = node->driver->status_co(node, offset, bytes, flags, ret_status);
        if (ret < 0)
            return ret;
        ret_status->bytes = CLAMP(ret_status->bytes, 1, bytes);
        return 0;
    }
    *ret_status = (struct node_status){
        .bytes = bytes,
        .kind = BLK_KIND_DATA,
        .via = node->file ? NODE_STATUS_PASS : NODE_STATUS_HOST,
        .child = node->file,
        .child_offset = offset,
    };
    return 0;
}

static bool same_file(const struct blk_extent *a, const struct blk_extent *b)
{
    return a->host == b->host || g_strcmp0(a->host, b->host) == 0;
}

/* Whether b goes on where a ends, in the image and in the file. */
static bool continues(const struct blk_extent *a, const struct blk_extent *b)
{
    if (a->kind != b->kind || a->depth != b->depth || a->start + a->length != b->start || a->hole != b->hole)
        return false;
    if (a->host_offset < 0 || b->host_offset < 0)
        return a->host_offset < 0 && b->host_offset < 0;
    return same_file(a, b) && a->host_offset + a->length == b->host_offset;
}

/* ---- all of a range ---- */

/* Bytes of a node that lie one after the other in a file. */
struct host_run {
    const struct node *node; /* NULL: nothing known */
    int64_t start, end;      /* in node */
    const char *host;
    int64_t host_offset;     /* of start */
};

/* What is known of a format's file, see struct driver's is_sparse_co. */
struct sparse {
    const struct node *node;
    bool sparse;
};

/* Bytes of a node that are a hole of the file below, or are none. */
struct hole_run {
    const struct node *node; /* NULL: nothing known */
    int64_t start, end;      /* in node */
    bool hole;
};

struct visit {
    blk_extent_fn *fn;
    void *data;
    struct blk_extent held; /* goes out once the next one does not continue it; length 0: none */
    struct host_run known;  /* where the last run was found: a file is asked once for many runs */
    GArray *sparse;         /* struct sparse, of formats visited; NULL: places are not asked for */
    struct hole_run hole;   /* the last one found, likewise */
};

static int emit(struct visit *visit, const struct blk_extent *extent)
{
    int ret = 0;
    if (visit->held.length > 0 && continues(&visit->held, extent)) {
        visit->held.length += extent->length;
        return 0;
    }
    if (visit->held.length > 0)
        ret = visit->fn(visit->data, &visit->held);
    visit->held = *extent;
    return ret;
}

/* One node's part of a visit: shift is added to its offsets to get those of the node that was asked. */
struct level {
    struct visit *visit;
    struct node *node;
    int64_t shift;
    int depth;
    bool sparse;
    const char *reserved_host; /* what lies past its end has space reserved there, the first byte visited at reserved; NULL: none */
    int64_t reserved;
};

/* short_depth: the layer that is said to supply what lies past the end of node. */
static int visit_node_co(const struct level *level, int64_t offset, int64_t bytes, int short_depth);

/* Where the bytes at offset of node are in the end, without looking for holes; as far as that is known at once. */
static void find_host_run_co(struct node *node, int64_t offset, struct host_run *run)
{
    struct node_status status;
    int64_t bytes = node->size - offset;
    *run = (struct host_run){.node = node, .start = offset, .host_offset = -1};
    while (bytes > 0 && node_status_co(node, offset, bytes, 0, &status) == 0) {
        bytes = status.bytes;
        if (status.via == NODE_STATUS_HOST) {
            run->host = node->filename;
            run->host_offset = status.child_offset;
            break;
        }
        if (status.via != NODE_STATUS_PASS && status.via != NODE_STATUS_STORED)
            break;
        node = status.child;
        offset = status.child_offset;
        bytes = MIN(bytes, node->size - offset);
    }
    run->end = run->start + MAX(bytes, 0);
    /* Past the end of a file there is a place, too, where what is written later lies. */
    if (!run->host && offset >= node->size && (node->driver->flags & DRIVER_PROTOCOL)) {
        run->host = node->filename;
        run->host_offset = offset;
        run->end = INT64_MAX;
    }
}

static void find_host_co(struct node *node, int64_t offset, int64_t bytes, struct host_run *known, struct blk_extent *extent)
{
    if (G_UNLIKELY(known->node != node || offset < known->start || offset >= known->end))
        find_host_run_co(node, offset, known);
    extent->host = known->host;
    extent->host_offset = known->host ? known->host_offset + (offset - known->start) : -1;
    if (known->host)
        extent->length = MIN(extent->length, known->end - offset);
}

/* Whether the bytes at offset of node, which is at most a format, are a hole of the file below; and as far as that is known. */
static void find_hole_co(struct node *node, int64_t offset, struct hole_run *run)
{
    struct node_status status;
    *run = (struct hole_run){.node = node, .start = offset, .end = INT64_MAX, .hole = true};
    int64_t bytes = node->size - offset;
    while (bytes > 0) {
        run->hole = false;
        run->end = run->start + bytes;
        if (node_status_co(node, offset, bytes, NODE_STATUS_WANT_HOLES, &status) < 0)
            return;
        bytes = status.bytes;
        run->end = run->start + bytes;
        run->hole = status.via == NODE_STATUS_FINAL && status.kind == BLK_KIND_ZERO_PLAIN;
        if (status.via != NODE_STATUS_PASS)
            return;
        node = status.child;
        offset = status.child_offset;
        bytes = MIN(bytes, node->size - offset);
        run->hole = bytes <= 0;
    }
}

/* A run whose bytes lie in child, in pieces that are data or holes there. */
static int emit_pieces_co(struct visit *visit, struct node *child, int64_t offset, struct blk_extent extent)
{
    int64_t end = extent.start + extent.length;
    while (extent.start < end) {
        struct hole_run *run = &visit->hole;
        if (run->node != child || offset < run->start || offset >= run->end)
            find_hole_co(child, offset, run);
        extent.length = MIN(end - extent.start, run->end - offset);
        extent.hole = run->hole;
        int ret = emit(visit, &extent);
        if (ret == 0 && co_cancelled())
            ret = -ECANCELED;
        if (ret != 0)
            return ret;
        extent.start += extent.length;
        offset += extent.length;
        if (extent.host_offset >= 0)
            extent.host_offset += extent.length;
        co_relax_co();
    }
    return 0;
}

static bool is_sparse_co(struct visit *visit, struct node *node)
{
    if (!visit->sparse || !node->driver->is_sparse_co)
        return false;
    for (unsigned i = 0; i < visit->sparse->len; i++)
        if (g_array_index(visit->sparse, struct sparse, i).node == node)
            return g_array_index(visit->sparse, struct sparse, i).sparse;
    struct sparse sparse = {node, node->driver->is_sparse_co(node) > 0};
    g_array_append_val(visit->sparse, sparse);
    return sparse.sparse;
}

static int take_run(void *data, int64_t offset, const struct node_status *status)
{
    struct level *level = data;
    struct blk_extent extent = {
        .start = offset + level->shift,
        .length = status->bytes,
        .kind = status->kind,
        .depth = level->depth,
        .host_offset = -1,
    };
    switch (status->via) {
    case NODE_STATUS_PASS:
    case NODE_STATUS_BACKING: {
        struct level next = {level->visit, status->child, extent.start - status->child_offset,
                             level->depth + (status->via == NODE_STATUS_BACKING), .reserved = -1};
        if (status->reserved_in && level->visit->sparse) {
            find_host_co(status->reserved_in, status->reserved, status->bytes, &level->visit->known, &extent);
            next.reserved_host = extent.host;
            next.reserved = extent.host_offset;
        }
        return visit_node_co(&next, status->child_offset, status->bytes, level->depth);
    }
    case NODE_STATUS_STORED: {
        int64_t length = extent.length;
        find_host_co(status->child, status->child_offset, length, &level->visit->known, &extent);
        extent.length = length;
        if (level->sparse && extent.kind == BLK_KIND_DATA && !status->encrypted)
            return emit_pieces_co(level->visit, status->child, status->child_offset, extent);
        break;
    }
    case NODE_STATUS_HOST:
        extent.host = level->node->filename;
        extent.host_offset = status->child_offset;
        extent.depth += status->depth;
        break;
    case NODE_STATUS_FINAL:
        extent.depth += status->depth;
        if (!level->visit->sparse)
            break;
        if (status->reserved_in)
            find_host_co(status->reserved_in, status->reserved, status->bytes, &level->visit->known, &extent);
        else if ((level->node->driver->flags & DRIVER_PROTOCOL) && status->kind == BLK_KIND_ZERO_PLAIN)
            extent = (struct blk_extent){extent.start, status->bytes, extent.kind, extent.depth, offset, level->node->filename, false};
        extent.length = status->bytes;
        break;
    }
    return emit(level->visit, &extent);
}

static int visit_runs_co(struct level *level, int64_t offset, int64_t bytes)
{
    while (bytes > 0) {
        struct node_status status;
        int ret = node_status_co(level->node, offset, bytes, NODE_STATUS_WANT_HOLES, &status);
        if (ret == 0)
            ret = take_run(level, offset, &status);
        if (ret != 0)
            return ret;
        offset += status.bytes;
        bytes -= status.bytes;
        if (co_cancelled())
            return -ECANCELED;
        co_relax_co();
    }
    return 0;
}

static int visit_node_co(const struct level *level, int64_t offset, int64_t bytes, int short_depth)
{
    struct node *node = level->node;
    if (node->dead)
        return -ENOMEDIUM;
    int64_t inside = CLAMP(node->size - offset, 0, bytes);
    struct level here = *level;
    int ret = 0;
    here.sparse = is_sparse_co(level->visit, node);
    if (inside > 0 && node->driver->status_bulk_co)
        ret = node->driver->status_bulk_co(node, offset, inside, take_run, &here);
    else if (inside > 0)
        ret = visit_runs_co(&here, offset, inside);
    if (ret != 0 || inside == bytes)
        return ret;
    /* Past the end of a shorter layer nothing supplies the bytes: they are the zeroes of the layer above. */
    struct blk_extent rest = {
        .start = offset + inside + level->shift,
        .length = bytes - inside,
        .kind = BLK_KIND_UNALLOCATED,
        .depth = short_depth,
        .host_offset = level->reserved_host ? level->reserved + inside : -1,
        .host = level->reserved_host,
    };
    return emit(level->visit, &rest);
}

int node_extents_co(struct node *node, int64_t offset, int64_t bytes, bool places, blk_extent_fn *fn, void *data)
{
    g_autoptr(GArray) sparse = places ? g_array_new(FALSE, FALSE, sizeof(struct sparse)) : NULL;
    struct visit visit = {.fn = fn, .data = data, .sparse = sparse};
    struct level level = {.visit = &visit, .node = node};
    int ret = visit_node_co(&level, offset, bytes, 0);
    if (ret == 0 && visit.held.length > 0)
        ret = fn(data, &visit.held);
    return ret;
}

int64_t node_occupied_co(struct node *node)
{
    while (!node->driver->occupied_co && (node->driver->flags & (DRIVER_FILTER | DRIVER_FORMAT)) && node->file)
        node = node->file;
    return node->driver->occupied_co ? node->driver->occupied_co(node) : -ENOTSUP;
}

/* ---- one extent ---- */

static void look_for_hole_co(struct node *child, int64_t offset, struct blk_extent *extent)
{
    struct hole_run run;
    find_hole_co(child, offset, &run);
    extent->hole = run.hole;
    extent->length = MIN(extent->length, run.end - offset);
}

static int extent_co(struct node *node, int64_t offset, int64_t bytes, bool holes, struct blk_extent *ret_extent)
{
    struct blk_extent extent = {.start = offset, .length = bytes, .host_offset = -1};
    struct node_status status = {0};
    int64_t at = offset;
    for (;;) {
        if (at >= node->size) {
            extent.kind = BLK_KIND_UNALLOCATED;
            extent.depth -= status.via == NODE_STATUS_BACKING;
            break;
        }
        int ret = node_status_co(node, at, MIN(extent.length, node->size - at), NODE_STATUS_WANT_HOLES, &status);
        if (ret < 0)
            return ret;
        extent.length = status.bytes;
        extent.kind = status.kind;
        extent.depth += status.depth;
        if (status.via == NODE_STATUS_FINAL)
            break;
        if (status.via == NODE_STATUS_HOST) {
            extent.host = node->filename;
            extent.host_offset = status.child_offset;
            break;
        }
        if (status.via == NODE_STATUS_STORED) {
            struct host_run known = {0};
            find_host_co(status.child, status.child_offset, status.bytes, &known, &extent);
            if (holes && extent.kind == BLK_KIND_DATA && !status.encrypted)
                look_for_hole_co(status.child, status.child_offset, &extent);
            break;
        }
        extent.depth += status.via == NODE_STATUS_BACKING;
        node = status.child;
        at = status.child_offset;
    }
    *ret_extent = extent;
    return 0;
}

int node_extent_co(struct node *node, int64_t offset, int64_t bytes, struct blk_extent *ret_extent)
{
    return extent_co(node, offset, bytes, false, ret_extent);
}

int node_extent_or_hole_co(struct node *node, int64_t offset, int64_t bytes, struct blk_extent *ret_extent)
{
    return extent_co(node, offset, bytes, true, ret_extent);
}

/* ---- allocation ---- */

static bool is_own(const struct node_status *status)
{
    bool below = status->kind == BLK_KIND_UNALLOCATED || status->kind == BLK_KIND_MISSING;
    return status->via != NODE_STATUS_BACKING && !(status->via == NODE_STATUS_FINAL && below);
}

/* One answer of this layer, through nodes that only pass on. */
static int is_run_allocated_co(struct node *node, int64_t offset, int64_t bytes, int64_t *ret_bytes)
{
    struct node_status status;
    for (;;) {
        if (offset >= node->size) { /* the last sector's rest, behind a window */
            *ret_bytes = bytes;
            return 1;
        }
        int ret = node_status_co(node, offset, MIN(bytes, node->size - offset), 0, &status);
        if (ret < 0)
            return ret;
        bytes = status.bytes;
        if (status.via != NODE_STATUS_PASS)
            break;
        node = status.child;
        offset = status.child_offset;
    }
    *ret_bytes = bytes;
    return is_own(&status);
}

int node_is_allocated_co(struct node *node, int64_t offset, int64_t bytes, int64_t *ret_bytes)
{
    if (bytes == 0) {
        *ret_bytes = 0;
        return 0;
    }
    if (!checked_range(offset, bytes, node->size))
        return -EIO;
    int64_t n;
    int first = is_run_allocated_co(node, offset, bytes, &n);
    if (first < 0)
        return first;
    int64_t total = n;
    while (total < bytes) {
        int ret = is_run_allocated_co(node, offset + total, bytes - total, &n);
        if (ret != first) /* an error, too: it is that of the next question */
            break;
        total += n;
        if (co_cancelled())
            return -ECANCELED;
        co_relax_co();
    }
    *ret_bytes = total;
    return first;
}

/* ---- allocation of a range ---- */

struct allocated_visit {
    node_allocated_fn *fn;
    void *data;
    int64_t start, bytes; /* held back until the next run differs; bytes 0: none */
    bool allocated;
    bool ended; /* fn does not want more */
};

static int end_allocated(struct allocated_visit *visit)
{
    int ret = visit->bytes ? visit->fn(visit->data, visit->start, visit->bytes, visit->allocated) : 0;
    visit->bytes = 0;
    visit->ended = ret != 0;
    return ret;
}

static int add_allocated(struct allocated_visit *visit, int64_t offset, int64_t bytes, bool allocated)
{
    if (visit->bytes && visit->allocated == allocated) {
        visit->bytes += bytes;
        return 0;
    }
    int ret = end_allocated(visit);
    visit->start = offset;
    visit->bytes = bytes;
    visit->allocated = allocated;
    return ret;
}

static int take_allocated(void *data, int64_t offset, const struct node_status *status)
{
    return add_allocated(data, offset, status->bytes, is_own(status));
}

static int ask_allocated_co(struct allocated_visit *visit, struct node *node, int64_t offset, int64_t bytes)
{
    int ret = 0;
    for (int64_t n; bytes > 0 && ret == 0; offset += n, bytes -= n) {
        int allocated = node_is_allocated_co(node, offset, bytes, &n);
        if (allocated < 0)
            return allocated;
        ret = add_allocated(visit, offset, n, allocated);
        if (ret == 0 && co_cancelled())
            ret = -ECANCELED;
        co_relax_co();
    }
    return ret;
}

int node_allocated_co(struct node *node, int64_t offset, int64_t bytes, node_allocated_fn *fn, void *data)
{
    struct allocated_visit visit = {.fn = fn, .data = data};
    if (node->dead)
        return -ENOMEDIUM;
    if (!checked_range(offset, bytes, node->size))
        return -EIO;
    /* A format answers from its own tables; a leaf would look for holes, which nobody asked about here. */
    bool tables = (node->driver->flags & DRIVER_FORMAT) && node->driver->status_bulk_co;
    int ret = tables && bytes > 0 ? node->driver->status_bulk_co(node, offset, bytes, take_allocated, &visit)
                                  : ask_allocated_co(&visit, node, offset, bytes);
    int end_ret = visit.ended || ret == -ECANCELED ? 0 : end_allocated(&visit);
    return ret ? ret : end_ret;
}
