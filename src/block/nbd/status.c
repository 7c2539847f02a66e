/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is where in an NBD export: base:allocation says data, hole and zero, qemu:allocation-depth which layer of the
 * server's chain supplies it.  Source: NBD protocol, "Metadata querying"; docs/interop/nbd.txt of QEMU for the second.
 * A dirty bitmap in place of base:allocation makes two layers: what is dirty is the upper one's.
 */
#include <errno.h>

#include "block/nbd/nbd.h"

enum {
    STATE_HOLE = 1 << 0, /* of base:allocation */
    STATE_ZERO = 1 << 1,
    STATE_DIRTY = 1 << 0, /* of qemu:dirty-bitmap:NAME */
    RUNS_MAX = 1 << 18,  /* of one reply; the rest is asked for again */
};

#define SPAN_MAX INT64_C(0x40000000) /* of one question */

/* The runs of one context, in order and without gaps from where the question began. */
struct runs {
    GArray *runs; /* struct run */
    int64_t end;
};

struct run {
    int64_t end;
    uint32_t value;
};

struct reply {
    int64_t start, end; /* the question */
    bool dirty;         /* allocation is a dirty bitmap's */
    const char *context; /* and this its name */
    struct runs allocation, depth;
};

static void forget(void *data)
{
    struct reply *reply = data;

    g_array_set_size(reply->allocation.runs, 0);
    g_array_set_size(reply->depth.runs, 0);
    reply->allocation.end = reply->depth.end = reply->start;
}

/* libnbd hands on what the server sent: pairs of length and value, also of contexts that it was not asked for. */
static int take_entries(void *data, const char *context, uint64_t offset, uint32_t *entries, size_t n, int *error)
{
    struct reply *reply = data;
    struct runs *runs = strcmp(context, reply->context) == 0           ? &reply->allocation
                        : strcmp(context, "qemu:allocation-depth") == 0 ? &reply->depth
                                                                        : NULL;

    if (!runs)
        return 0;
    if ((int64_t)offset != reply->start || runs->runs->len) {
        *error = EPROTO;
        return -1;
    }
    for (size_t i = 0; i + 1 < n && runs->end < reply->end && runs->runs->len < RUNS_MAX; i += 2) {
        struct run run = {.end = MIN(runs->end + entries[i], reply->end), .value = entries[i + 1]};

        if (entries[i] == 0) {
            *error = EPROTO;
            return -1;
        }
        g_array_append_val(runs->runs, run);
        runs->end = run.end;
    }
    return 0;
}

static int ask_co(struct node *node, struct reply *reply, unsigned flags)
{
    struct nbd *nbd = node->opaque;
    struct nbd_request request = {
        .operation = NBD_STATUS,
        .offset = reply->start,
        .bytes = reply->end - reply->start,
        .flags = flags,
        .extent = {.callback = take_entries, .user_data = reply},
        .restart = forget,
    };
    int ret;

    forget(reply);
    ret = nbd_connection_request_co(nbd->connection, &request);
    if (ret == 0 && reply->allocation.runs->len == 0)
        ret = -EPROTO; /* an answer without what was asked for */
    return ret;
}

static struct node_status describe_dirty(int64_t offset, int64_t end, uint32_t state)
{
    return (struct node_status){
        .bytes = end - offset,
        .kind = BLK_KIND_DATA,
        .via = NODE_STATUS_HOST,
        .child_offset = offset,
        .depth = state & STATE_DIRTY ? 0 : 1,
    };
}

/* depth: of qemu:allocation-depth, 0 no layer, 1 the top. */
static struct node_status describe(int64_t offset, int64_t end, uint32_t state, uint32_t depth)
{
    bool zero = state & STATE_ZERO, hole = state & STATE_HOLE, none = zero && depth == 0;

    return (struct node_status){
        .bytes = end - offset,
        .kind = none ? BLK_KIND_UNALLOCATED : !zero ? BLK_KIND_DATA : hole ? BLK_KIND_ZERO_PLAIN : BLK_KIND_ZERO_ALLOCATED,
        .via = zero ? NODE_STATUS_FINAL : NODE_STATUS_HOST,
        .child_offset = offset,
        .depth = depth > 0 ? MIN(depth - 1, INT16_MAX) : 0,
    };
}

/* Hands on what the reply says from offset up to end, as far as both of its contexts go (a server may cut each where it likes); *ret_end is where that is. */
static int visit_reply(const struct reply *reply, int64_t offset, int64_t end, node_status_fn *fn, void *data, int64_t *ret_end)
{
    const struct run *deep = (const struct run *)reply->depth.runs->data;
    const struct run *deep_end = deep + reply->depth.runs->len;

    for (unsigned i = 0; i < reply->allocation.runs->len && offset < end; i++) {
        const struct run *run = &g_array_index(reply->allocation.runs, struct run, i);
        int64_t run_end = MIN(run->end, end);

        while (offset < run_end) {
            while (deep < deep_end && deep->end <= offset)
                deep++;
            if (deep == deep_end && reply->depth.runs->len) {
                *ret_end = offset;
                return 0;
            }
            int64_t part_end = deep < deep_end ? MIN(run_end, deep->end) : run_end;
            struct node_status status = reply->dirty ? describe_dirty(offset, part_end, run->value)
                                                     : describe(offset, part_end, run->value, deep < deep_end ? deep->value : 1);
            int ret = fn(data, offset, &status);

            if (ret != 0)
                return ret;
            offset = part_end;
        }
    }
    *ret_end = offset;
    return 0;
}

static bool has_status(struct node *node)
{
    struct nbd *nbd = node->opaque;

    return nbd_connection_export(nbd->connection)->has_allocation;
}

bool nbd_tells_layers(const struct node *node)
{
    const struct nbd *nbd = node->opaque;
    const struct nbd_export *export = nbd_connection_export(nbd->connection);

    return export->has_allocation && export->has_depth && !export->is_dirty_bitmap;
}

/* Questions are whole blocks; end is not beyond the last one. */
static void frame(struct node *node, int64_t offset, int64_t end, struct reply *reply)
{
    int64_t block = node->limits.request_alignment;

    reply->start = offset & ~(block - 1);
    reply->end = MIN(end, reply->start + SPAN_MAX);
    reply->end = (reply->end + block - 1) & ~(block - 1);
}

/* What the last sector of an odd export lacks reads as zeroes, and is nowhere on the server: no hole, as that would have a place there. */
static struct node_status beyond(int64_t offset, int64_t end)
{
    return describe(offset, end, STATE_ZERO, 1);
}

static void reply_init(struct node *node, struct reply *reply)
{
    struct nbd *nbd = node->opaque;

    reply->dirty = nbd_connection_export(nbd->connection)->is_dirty_bitmap;
    reply->context = nbd_connection_export(nbd->connection)->context;
    reply->allocation.runs = g_array_new(FALSE, FALSE, sizeof(struct run));
    reply->depth.runs = g_array_new(FALSE, FALSE, sizeof(struct run));
}

static void reply_clear(struct reply *reply)
{
    g_array_unref(reply->allocation.runs);
    g_array_unref(reply->depth.runs);
}

static int take_first(void *data, int64_t offset, const struct node_status *status)
{
    *(struct node_status *)data = *status;
    return 1;
}

int nbd_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status)
{
    struct reply reply = {0};
    int64_t size = nbd_length_co(node), inside_end = MIN(offset + bytes, size), end;
    int ret;

    if (offset >= size) {
        *ret_status = beyond(offset, offset + bytes);
        return 0;
    }
    if (!(flags & NODE_STATUS_WANT_HOLES) || !has_status(node)) {
        *ret_status = describe(offset, inside_end, 0, 1);
        return 0;
    }
    reply_init(node, &reply);
    frame(node, offset, inside_end, &reply);
    ret = ask_co(node, &reply, LIBNBD_CMD_FLAG_REQ_ONE);
    if (ret == 0 && visit_reply(&reply, offset, inside_end, take_first, ret_status, &end) == 0)
        ret = -EPROTO;
    reply_clear(&reply);
    return ret;
}

static int status_inside_co(struct node *node, int64_t offset, int64_t end, node_status_fn *fn, void *data)
{
    struct reply reply = {0};
    int ret = 0;

    if (!has_status(node)) {
        struct node_status status = describe(offset, end, 0, 1);

        return fn(data, offset, &status);
    }
    reply_init(node, &reply);
    while (offset < end && ret == 0) {
        int64_t next = offset;

        frame(node, offset, end, &reply);
        ret = ask_co(node, &reply, 0);
        if (ret == 0)
            ret = visit_reply(&reply, offset, end, fn, data, &next);
        if (ret == 0 && next == offset)
            ret = -EPROTO;
        if (ret == 0 && co_cancelled())
            ret = -ECANCELED;
        offset = next;
        co_relax_co();
    }
    reply_clear(&reply);
    return ret;
}

int nbd_status_bulk_co(struct node *node, int64_t offset, int64_t bytes, node_status_fn *fn, void *data)
{
    int64_t size = nbd_length_co(node), end = offset + bytes, inside_end = MIN(end, size);
    int ret = offset < inside_end ? status_inside_co(node, offset, inside_end, fn, data) : 0;

    if (ret == 0 && inside_end < end) {
        struct node_status status = beyond(MAX(offset, size), end);

        ret = fn(data, MAX(offset, size), &status);
    }
    return ret;
}

/* ---- dirty bitmaps by their names ---- */

/* The dirty runs of the reply in order, one on top of the last if they touch; the last is kept back in *held. */
static int visit_dirty(const struct reply *reply, int64_t offset, int64_t end, struct run *held, int64_t *held_start, inspect_dirty_fn *fn, void *data)
{
    int ret = 0;

    for (unsigned i = 0; ret == 0 && i < reply->allocation.runs->len && offset < end; i++) {
        const struct run *run = &g_array_index(reply->allocation.runs, struct run, i);
        int64_t run_end = MIN(run->end, end);

        if (run_end > offset && (run->value & STATE_DIRTY)) {
            if (held->end != offset || held->end == *held_start) {
                ret = held->end > *held_start ? fn(data, *held_start, held->end - *held_start) : 0;
                *held_start = offset;
            }
            held->end = run_end;
        }
        offset = MAX(offset, run_end);
    }
    return ret;
}

int nbd_bitmap_co(struct node *node, const char *name, inspect_dirty_fn *fn, void *data)
{
    struct nbd *nbd = node->opaque;
    g_autofree char *context = g_strconcat(NBD_BITMAP_PREFIX, name, NULL);
    struct reply reply = {.dirty = true, .context = context};
    struct run held = {0};
    int64_t held_start = 0, size = nbd_length_co(node);
    int ret = 0;

    if (!g_ptr_array_find_with_equal_func(nbd_connection_export(nbd->connection)->bitmaps, name, g_str_equal, NULL))
        return -ENOENT;
    reply.allocation.runs = g_array_new(FALSE, FALSE, sizeof(struct run));
    reply.depth.runs = g_array_new(FALSE, FALSE, sizeof(struct run));
    for (int64_t offset = 0; ret == 0 && offset < size;) {
        frame(node, offset, size, &reply);
        ret = ask_co(node, &reply, 0);
        if (ret == 0)
            ret = visit_dirty(&reply, offset, size, &held, &held_start, fn, data);
        if (ret == 0 && (reply.allocation.end <= offset || co_cancelled()))
            ret = co_cancelled() ? -ECANCELED : -EPROTO;
        offset = MIN(reply.allocation.end, size);
        co_relax_co();
    }
    reply_clear(&reply);
    return ret == 0 && held.end > held_start ? fn(data, held_start, held.end - held_start) : ret;
}

int nbd_bitmaps_co(struct node *node, inspect_bitmap_fn *fn, void *data)
{
    struct nbd *nbd = node->opaque;
    GPtrArray *bitmaps = nbd_connection_export(nbd->connection)->bitmaps;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free); /* a new connection replaces the others */
    int ret = 0;

    for (unsigned i = 0; i < bitmaps->len; i++)
        g_ptr_array_add(names, g_strdup(bitmaps->pdata[i]));
    for (unsigned i = 0; ret == 0 && i < names->len; i++) {
        struct inspect_bitmap bitmap = {.name = names->pdata[i]};
        int sum = nbd_bitmap_co(node, bitmap.name, inspect_add_dirty, &bitmap.dirty);

        if (sum == -ECANCELED)
            return sum;
        bitmap.dirty = sum < 0 ? sum : bitmap.dirty;
        ret = fn(data, &bitmap);
    }
    return ret;
}
