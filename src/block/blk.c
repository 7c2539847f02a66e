/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The front door: what a user asks becomes a request in the registry, is checked, and goes to the top node.
 *
 * Every request passes the gate: while someone quiesces the image (reopening it), requests wait there, queued.  Those past it are
 * counted in blk->busy; who quiesces waits for that to be 0.
 */
#include <errno.h>

#include "block/blk-internal.h"
#include "block/iov.h"
#include "util/checked.h"

struct blk *blk_new(const struct blk_open *how)
{
    struct blk *blk = g_new0(struct blk, 1);
    blk->filename = g_strdup(how->filename);
    blk->format = g_strdup(how->format);
    blk->options = how->options ? options_copy(how->options) : NULL;
    blk->refs = how->refs;
    blk->cache = how->cache;
    blk->flags = how->flags;
    blk->left_out = g_ptr_array_new();
    g_queue_init(&blk->registry.requests);
    blk->registry.idle = &blk->idle;
    return blk;
}

void blk_free(struct blk *blk)
{
    if (!blk)
        return;
    g_clear_pointer(&blk->layers, g_ptr_array_unref);
    g_ptr_array_unref(blk->left_out);
    options_free(blk->options);
    g_free(blk->format);
    g_free(blk->filename);
    g_free(blk);
}

/* ---- the gate ---- */

static void open_gate(struct blk *blk)
{
    if (--blk->quiescing > 0)
        return;
    co_queue_wake_all(&blk->gate);
    co_queue_wake_all(&blk->idle);
}

/* A part of an image goes through the image's. */
static struct blk *gate_of(struct blk *blk)
{
    return blk->owner ? blk->owner : blk;
}

static void leave_gate(struct blk *blk)
{
    blk = gate_of(blk);
    if (--blk->busy == 0)
        co_queue_wake_all(&blk->idle);
}

void blk_set_hurry(struct blk *blk, bool hurry)
{
    blk->registry.hurry += hurry ? 1 : -1;
    if (hurry)
        node_hurry(blk->root);
}

/* Who quiesces is busy, too: closing and others who quiesce wait for the end of it. */
static int quiesce_co(struct blk *blk, bool unless_stopped)
{
    int ret = 0;
    blk->quiescing++;
    blk_set_hurry(blk, true);
    while (ret == 0 && blk->busy > 0)
        ret = unless_stopped && registry_has_suspended(&blk->registry) ? -EBUSY : co_queue_wait_co(&blk->idle);
    blk_set_hurry(blk, false);
    if (ret < 0)
        open_gate(blk);
    else
        blk->busy++;
    return ret;
}

int blk_quiesce_begin_co(struct blk *blk)
{
    return quiesce_co(blk, false);
}

int blk_quiesce_unless_stopped_co(struct blk *blk)
{
    return quiesce_co(blk, true);
}

void blk_quiesce_end(struct blk *blk)
{
    leave_gate(blk);
    open_gate(blk);
}

/* Those who wait for idleness look again for themselves whether it is what they wait for. */
static void leave_registry(struct blk *blk, struct blk_request *request, int ret)
{
    registry_leave(&blk->registry, request, ret);
    if (g_queue_is_empty(&blk->registry.requests))
        co_queue_wake_all(&blk->idle);
}

/* -ECANCELED: it was cancelled while the gate was closed. */
static int wait_at_gate_co(struct blk *blk)
{
    int ret = 0;
    blk = gate_of(blk);
    blk->waiting++;
    while (!ret && blk->quiescing > 0)
        ret = co_queue_wait_co(&blk->gate) == -ECANCELED && blk->quiescing > 0 ? -ECANCELED : 0;
    blk->waiting--;
    if (ret < 0)
        co_queue_wake_all(&blk->idle); /* closing waits for those at the gate, too: they look at the handle once more */
    return ret;
}

int blk_enter_co(struct blk *blk)
{
    if (G_UNLIKELY(gate_of(blk)->quiescing > 0) && wait_at_gate_co(blk) < 0)
        return -ECANCELED;
    gate_of(blk)->busy++;
    return 0;
}

void blk_leave(struct blk *blk)
{
    leave_gate(blk);
}

/* Who tells how far a request is: the first on the way to the data that can. */
static const struct node *counting_node(const struct node *node)
{
    while (node && !(node->driver->flags & DRIVER_COUNTS))
        node = node->file;
    return node;
}

const struct blk_request *blk_request_of(struct co *co)
{
    return *co_local_of(co);
}

/* Enters a request; after it, request_end() comes in any case unless it returns an error. */
static int request_begin_co(struct blk *blk, struct blk_request *request, enum blk_op op, unsigned flags, int64_t offset, int64_t bytes,
                            const char *issuer)
{
    bool internal = flags & BLK_INTERNAL;
    if (!internal)
        registry_enter(&blk->registry, request, op, flags, offset, bytes, issuer);
    if (blk_enter_co(blk) < 0) {
        if (!internal)
            leave_registry(blk, request, -ECANCELED);
        return -ECANCELED;
    }
    if (!internal) {
        request->counts = counting_node(blk->root);
        registry_set_state(&blk->registry, request, BLK_REQUEST_IN_FLIGHT);
    }
    return 0;
}

static int request_end(struct blk *blk, struct blk_request *request, unsigned flags, int ret)
{
    leave_gate(blk);
    if (!(flags & BLK_INTERNAL))
        leave_registry(blk, request, ret);
    return ret;
}

/* ---- checks ---- */

static int check_range(const struct blk *blk, int64_t offset, int64_t bytes)
{
    if (blk->root->dead)
        return -ENOMEDIUM;
    return checked_range(offset, bytes, blk->root->size) ? 0 : -EIO;
}

static int check_write(const struct blk *blk, int64_t offset, int64_t bytes)
{
    int ret = check_range(blk, offset, bytes);
    return ret < 0 ? ret : (blk->root->flags & NODE_WRITABLE) && !blk->owner ? 0 : -EPERM;
}

/* What each write is flushed for: in writethrough modes, or as asked. */
static unsigned fua(const struct blk *blk, unsigned flags)
{
    bool through = blk->cache == BLK_CACHE_WRITETHROUGH || blk->cache == BLK_CACHE_DIRECTSYNC;
    return flags & BLK_FUA || through ? BLK_FUA : 0;
}

/*
 * A write within a cluster allocates all of it, and one within a block of a file system all of that: what lies as near counts as changed, too.
 * Clusters need not begin where those of the node on top do (raw, offset=).
 */
static void changed(struct blk *blk, int64_t offset, int64_t bytes)
{
    enum { BLOCK = 64 << 10 };
    int64_t grain = BLOCK, end;
    for (const struct node *node = blk->root; node; node = node->file)
        grain = MAX(grain, MAX(node->limits.zeroes_alignment, node->limits.discard_alignment));
    int64_t start = MAX(0, offset - (grain - 1));
    if (!checked_add(offset, bytes, &end) || !checked_add(end, grain - 1, &end))
        end = INT64_MAX;
    registry_changed(&blk->registry, start, MAX(end, start) - start);
}

/* ---- requests ---- */

int blk_preadv_co(struct blk *blk, int64_t offset, const struct iovec *iov, int niov, unsigned flags, const char *issuer)
{
    struct blk_request request;
    int64_t bytes = iov_bytes(iov, niov);
    int ret = request_begin_co(blk, &request, BLK_OP_READ, flags, offset, bytes, issuer);
    if (ret < 0)
        return ret;
    if (flags & BLK_INTERNAL)
        registry_look_begin(blk->root->registry, &request);
    ret = bytes > BLK_REQUEST_MAX ? -EIO : check_range(blk, offset, bytes);
    if (ret == 0)
        ret = node_preadv_co(blk->root, offset, bytes, iov, niov, 0);
    if (flags & BLK_INTERNAL)
        registry_look_end(blk->root->registry, &request);
    return request_end(blk, &request, flags, ret);
}

int blk_pwritev_co(struct blk *blk, int64_t offset, const struct iovec *iov, int niov, unsigned flags, const char *issuer)
{
    struct blk_request request;
    int64_t bytes = iov_bytes(iov, niov);
    int ret = request_begin_co(blk, &request, BLK_OP_WRITE, flags, offset, bytes, issuer);
    if (ret < 0)
        return ret;
    ret = bytes > BLK_REQUEST_MAX ? -EIO : check_write(blk, offset, bytes);
    if (ret == 0) {
        ret = node_pwritev_co(blk->root, offset, bytes, iov, niov, fua(blk, flags) | (flags & BLK_ALONE));
        changed(blk, offset, bytes);
    }
    return request_end(blk, &request, flags, ret);
}

int blk_pwrite_zeroes_co(struct blk *blk, int64_t offset, int64_t bytes, unsigned flags, const char *issuer)
{
    struct blk_request request;
    int ret = request_begin_co(blk, &request, BLK_OP_WRITE_ZEROES, flags, offset, bytes, issuer);
    if (ret < 0)
        return ret;
    ret = check_write(blk, offset, bytes);
    if (ret == 0) {
        ret = node_pwrite_zeroes_co(blk->root, offset, bytes, fua(blk, flags) | (flags & (BLK_MAY_UNMAP | BLK_NO_FALLBACK)));
        changed(blk, offset, bytes);
    }
    return request_end(blk, &request, flags, ret);
}

int blk_pwrite_compressed_co(struct blk *blk, int64_t offset, const void *buf, int64_t bytes, const char *issuer)
{
    struct blk_request request;
    struct iovec iov = {(void *)buf, bytes};
    int ret = request_begin_co(blk, &request, BLK_OP_WRITE_COMPRESSED, 0, offset, bytes, issuer);
    if (ret < 0)
        return ret;
    ret = bytes > BLK_REQUEST_MAX ? -EIO : check_write(blk, offset, bytes);
    if (ret == 0) {
        ret = node_pwrite_compressed_co(blk->root, offset, bytes, &iov, 1);
        if (ret == 0 && fua(blk, 0))
            ret = node_flush_co(blk->root);
        changed(blk, offset, bytes);
    }
    return request_end(blk, &request, 0, ret);
}

int blk_pdiscard_co(struct blk *blk, int64_t offset, int64_t bytes, unsigned flags, const char *issuer)
{
    struct blk_request request;
    int ret = request_begin_co(blk, &request, BLK_OP_DISCARD, flags, offset, bytes, issuer);
    if (ret < 0)
        return ret;
    ret = check_write(blk, offset, bytes);
    if (ret == 0) {
        ret = node_pdiscard_co(blk->root, offset, bytes);
        changed(blk, offset, bytes);
    }
    return request_end(blk, &request, flags, ret);
}

int blk_flush_co(struct blk *blk, const char *issuer)
{
    struct blk_request request;
    int ret = request_begin_co(blk, &request, BLK_OP_FLUSH, 0, 0, 0, issuer);
    if (ret < 0)
        return ret;
    ret = node_is_dead(blk->root) ? -ENOMEDIUM : node_flush_co(blk->root);
    return request_end(blk, &request, 0, ret);
}

/* The VM state has a space of its own: the end of the image does not bound it. */
int blk_load_vmstate_co(struct blk *blk, void *buf, int64_t offset, int64_t bytes, const char *issuer)
{
    struct blk_request request;
    struct iovec iov = {buf, bytes};
    int ret = request_begin_co(blk, &request, BLK_OP_LOAD_VMSTATE, 0, offset, bytes, issuer);
    if (ret < 0)
        return ret;
    ret = checked_range(offset, bytes, INT64_MAX) ? node_load_vmstate_co(blk->root, offset, bytes, &iov, 1) : -EIO;
    return request_end(blk, &request, 0, ret);
}

int blk_save_vmstate_co(struct blk *blk, const void *buf, int64_t offset, int64_t bytes, const char *issuer)
{
    struct blk_request request;
    struct iovec iov = {(void *)buf, bytes};
    int ret = request_begin_co(blk, &request, BLK_OP_SAVE_VMSTATE, 0, offset, bytes, issuer);
    if (ret < 0)
        return ret;
    ret = checked_range(offset, bytes, INT64_MAX) ? node_save_vmstate_co(blk->root, offset, bytes, &iov, 1) : -EIO;
    if (ret == 0 && fua(blk, 0))
        ret = node_flush_co(blk->root);
    return request_end(blk, &request, 0, ret);
}

int blk_truncate_co(struct blk *blk, int64_t size, enum blk_prealloc prealloc, const char *issuer, GError **error)
{
    struct blk_request request;
    int ret = request_begin_co(blk, &request, BLK_OP_TRUNCATE, 0, size, 0, issuer);
    if (ret < 0) {
        g_set_error(error, OPTIONS_ERROR, -ret, "%s", g_strerror(-ret));
        return ret;
    }
    int64_t old_size = blk->root->size;
    ret = node_truncate_co(blk->root, size, false, prealloc, error);
    if (ret == 0)
        changed(blk, MIN(old_size, blk->root->size), ABS(blk->root->size - old_size));
    return request_end(blk, &request, 0, ret);
}

/* ---- waiting ---- */

void blk_set_closing(struct blk *blk, bool closing)
{
    bool before = blk->registry.closing;
    blk->registry.closing = closing; /* what is hurried on looks at it */
    if (closing != before)
        blk_set_hurry(blk, closing);
    struct node *debug = closing ? node_debug_node(blk->root) : NULL;
    if (debug && debug->driver->debug_release)
        debug->driver->debug_release(debug);
}

void blk_cancel_reads(struct blk *blk)
{
    for (GList *l = blk->registry.requests.head, *next; l; l = next) {
        const struct blk_request *request = l->data;
        next = l->next;
        if (request->op == BLK_OP_READ && request->co)
            co_cancel(request->co);
    }
}

int blk_close_co(struct blk *blk, GError **error)
{
    blk_set_closing(blk, true);
    while (blk->busy > 0 || blk->quiescing > 0 || blk->waiting > 0 || !g_queue_is_empty(&blk->registry.requests))
        co_queue_wait_uncancellable_co(&blk->idle);
    int ret = node_unref_co(g_steal_pointer(&blk->root));
    for (unsigned i = 0; i < blk->left_out->len; i++) {
        int left_out = node_unref_co(blk->left_out->pdata[i]);
        ret = ret < 0 ? ret : left_out;
    }
    if (ret < 0)
        g_set_error(error, OPTIONS_ERROR, -ret, "%s", g_strerror(-ret));
    blk_free(blk);
    return ret;
}

/* ---- what is where ---- */

/* request_begin_co(), then checks the range and cuts it at the end that the image has by now. */
static int status_begin_co(struct blk *blk, struct blk_request *request, int64_t offset, int64_t *bytes)
{
    int ret = request_begin_co(blk, request, BLK_OP_STATUS, BLK_INTERNAL, offset, *bytes, NULL);
    if (ret < 0)
        return ret;
    if (blk->root->dead)
        return request_end(blk, request, BLK_INTERNAL, -ENOMEDIUM);
    if (offset < 0 || *bytes < 0 || offset > blk->root->size)
        return request_end(blk, request, BLK_INTERNAL, -EIO);
    *bytes = MIN(*bytes, blk->root->size - offset);
    return 0;
}

typedef int node_extent_fn(struct node *node, int64_t offset, int64_t bytes, struct blk_extent *ret_extent);

static int status_co(struct blk *blk, int64_t offset, int64_t bytes, node_extent_fn *extent_co, struct blk_extent *ret_extent)
{
    struct blk_request request;
    int ret = status_begin_co(blk, &request, offset, &bytes);
    if (ret < 0)
        return ret;
    if (bytes > 0)
        ret = extent_co(blk->root, offset, bytes, ret_extent);
    else
        *ret_extent = (struct blk_extent){.start = offset, .kind = BLK_KIND_UNALLOCATED, .host_offset = -1};
    return request_end(blk, &request, BLK_INTERNAL, ret);
}

int blk_status_co(struct blk *blk, int64_t offset, int64_t bytes, struct blk_extent *ret_extent)
{
    return status_co(blk, offset, bytes, node_extent_co, ret_extent);
}

int blk_status_or_hole_co(struct blk *blk, int64_t offset, int64_t bytes, struct blk_extent *ret_extent)
{
    return status_co(blk, offset, bytes, node_extent_or_hole_co, ret_extent);
}

int blk_status_bulk_co(struct blk *blk, int64_t offset, int64_t bytes, blk_extent_fn *fn, void *data)
{
    struct blk_request request;
    int ret = status_begin_co(blk, &request, offset, &bytes);
    if (ret < 0)
        return ret;
    ret = node_extents_co(blk->root, offset, bytes, false, fn, data);
    return request_end(blk, &request, BLK_INTERNAL, ret);
}

int blk_map_co(struct blk *blk, int64_t offset, int64_t bytes, blk_extent_fn *fn, void *data)
{
    struct blk_request request;
    int ret = status_begin_co(blk, &request, offset, &bytes);
    if (ret < 0)
        return ret;
    ret = node_extents_co(blk->root, offset, bytes, true, fn, data);
    return request_end(blk, &request, BLK_INTERNAL, ret);
}

static int add_kind(void *data, const struct blk_extent *extent)
{
    struct blk_kinds *kinds = data;
    kinds->bytes[blk_share_of(extent)] += extent->length;
    kinds->extents++;
    return 0;
}

int blk_kinds_co(struct blk *blk, struct blk_kinds *ret_kinds)
{
    struct blk_request request;
    struct blk_kinds kinds = {0};
    int64_t bytes = INT64_MAX;
    int ret = status_begin_co(blk, &request, 0, &bytes);
    if (ret < 0)
        return ret;
    struct node *root = blk->root;
    ret = root->driver->kinds_co ? root->driver->kinds_co(root, &kinds) : -ENOTSUP;
    if (ret == -ENOTSUP) {
        kinds = (struct blk_kinds){0};
        ret = node_extents_co(root, 0, bytes, false, add_kind, &kinds);
    }
    if (ret == 0)
        *ret_kinds = kinds;
    return request_end(blk, &request, BLK_INTERNAL, ret);
}

int blk_is_allocated_co(struct blk *blk, int64_t offset, int64_t bytes, int64_t *ret_bytes)
{
    struct blk_request request;
    int ret = request_begin_co(blk, &request, BLK_OP_STATUS, BLK_INTERNAL, offset, bytes, NULL);
    if (ret < 0)
        return ret;
    ret = blk->root->dead ? -ENOMEDIUM : offset < 0 || bytes < 0 ? -EIO : 0;
    if (ret == 0)
        ret = node_is_allocated_co(blk->root, offset, CLAMP(blk->root->size - offset, 0, bytes), ret_bytes);
    return request_end(blk, &request, BLK_INTERNAL, ret);
}

int blk_allocated_co(struct blk *blk, int64_t offset, int64_t bytes, blk_allocated_fn *fn, void *data)
{
    struct blk_request request;
    int ret = status_begin_co(blk, &request, offset, &bytes);
    if (ret < 0)
        return ret;
    ret = node_allocated_co(blk->root, offset, bytes, fn, data);
    return request_end(blk, &request, BLK_INTERNAL, ret);
}

int blk_cancel(struct blk *blk, uint64_t id)
{
    for (GList *link = blk->registry.requests.head; link; link = link->next) {
        struct blk_request *request = link->data;
        if (request->id == id) {
            co_cancel(request->co);
            return 0;
        }
    }
    return -ENOENT;
}
