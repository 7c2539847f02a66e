/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/foreign_layer.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/iov.h"
#include "block/nbd/nbd.h"

/* ---- life ---- */

/* Whether something that a layer from here down names was left out. */
static bool lacks_any(const struct node *node)
{
    bool lacks = false;

    for (unsigned i = 0; node->references && i < node->references->len; i++)
        lacks = lacks || ((const struct reference *)node->references->pdata[i])->state == REFERENCE_LEFT_OUT;
    for (unsigned i = 0; !lacks && i < node->children->len; i++)
        lacks = lacks_any(((const struct node_child *)node->children->pdata[i])->node);
    return lacks;
}

void foreign_layer_settle(struct node *node)
{
    struct foreign_layer *layer = node->opaque;
    bool writable = node->flags & NODE_WRITABLE;

    layer->hands = writable && layer->below.backing;
    layer->incomplete = writable && (layer->below.left_out || lacks_any(node));
}

int foreign_layer_check(struct node *node, GError **error)
{
    const struct foreign_layer *layer = node->opaque;

    if ((!layer->below.backing && !layer->below.left_out) || nbd_tells_layers(node->file))
        return 0;
    return options_refuse(error, ENOTSUP, "qemu-nbd does not say which bytes are the image's own: its backing file can't be read");
}

static void forget(struct foreign_layer *layer)
{
    g_clear_pointer(&layer->known, intervals_free);
    g_clear_pointer(&layer->own, intervals_free);
    layer->runs = 0;
}

int foreign_layer_close_co(struct node *node)
{
    struct foreign_layer *layer = node->opaque;

    forget(layer);
    if (layer->fd >= 0)
        close(layer->fd);
    layer->fd = -1;
    return served_close_co(node);
}

int foreign_layer_refresh_co(struct node *node)
{
    forget(node->opaque);
    return 0;
}

int64_t foreign_layer_occupied_co(struct node *node)
{
    const struct foreign_layer *layer = node->opaque;
    struct stat st;

    return layer->fd < 0 || fstat(layer->fd, &st) < 0 || !S_ISREG(st.st_mode) ? -ENOTSUP : (int64_t)st.st_blocks * S_BLKSIZE;
}

/* ---- whose bytes these are ---- */

/* Whether each read has to find that out. */
static bool is_mixed(const struct foreign_layer *layer)
{
    return layer->hands ? layer->incomplete : layer->below.backing || layer->below.left_out;
}

/* What qemu-nbd says: depth 0 is the topmost layer that it has. */
static bool is_below(const struct foreign_layer *layer, const struct node_status *status)
{
    return status->kind == BLK_KIND_UNALLOCATED || (layer->hands && status->depth > 0);
}

static int note_run(void *data, int64_t offset, const struct node_status *status)
{
    struct foreign_layer *layer = data;

    if (!layer->known) /* forgotten meanwhile */
        return -EAGAIN;
    intervals_add(layer->known, offset, offset + status->bytes);
    if (!is_below(layer, status))
        intervals_add(layer->own, offset, offset + status->bytes);
    layer->runs++;
    return 0;
}

static bool is_known(const struct foreign_layer *layer, int64_t offset)
{
    int64_t end;

    return layer->known && intervals_at(layer->known, offset, &end);
}

/* Asks about the window around offset. */
static int ask_co(struct node *node, int64_t offset)
{
    enum { RUNS_MAX = 1 << 19 };
    const int64_t window = INT64_C(64) << 20;
    struct foreign_layer *layer = node->opaque;
    int64_t start = offset - offset % window;

    if (layer->runs > RUNS_MAX)
        forget(layer);
    if (!layer->known) {
        layer->known = intervals_new();
        layer->own = intervals_new();
    }
    return nbd_status_bulk_co(node->file, start, MIN(window, node->file->size - start), note_run, layer);
}

/* One asks at a time, the others wait for what that brings: who has asked uses the answer before it can be forgotten again. */
static int learn_co(struct node *node, int64_t offset)
{
    struct foreign_layer *layer = node->opaque;
    int ret = 0;

    while (ret == 0 && layer->asking)
        ret = co_queue_wait_co(&layer->asked);
    if (ret < 0 || is_known(layer, offset))
        return ret;
    layer->asking = true;
    ret = ask_co(node, offset);
    layer->asking = false;
    co_queue_wake_all(&layer->asked);
    return ret;
}

/* 1: the bytes at offset are the image's own, 0: a layer below would supply them, or a negative errno; *ret_bytes: how many, at most bytes. */
static int find_own_co(struct node *node, int64_t offset, int64_t bytes, int64_t *ret_bytes)
{
    struct foreign_layer *layer = node->opaque;
    struct node_status status;
    int64_t end;
    int ret;

    if (!nbd_tells_layers(node->file)) /* a connection that was made anew */
        return -EPROTO;
    if (node->flags & NODE_WRITABLE) {
        ret = node_status_co(node->file, offset, bytes, NODE_STATUS_WANT_HOLES, &status);
        *ret_bytes = status.bytes;
        return ret < 0 ? ret : !is_below(layer, &status);
    }
    while (!is_known(layer, offset)) {
        ret = learn_co(node, offset);
        if (ret < 0 && ret != -EAGAIN)
            return ret;
    }
    intervals_at(layer->known, offset, &end);
    bytes = MIN(bytes, end - offset);
    bool own = intervals_at(layer->own, offset, &end);
    *ret_bytes = MIN(bytes, end - offset);
    return own;
}

/* ---- requests ---- */

static int read_run_co(struct node *node, bool own, int64_t offset, int64_t bytes, const struct iovec *iov, int niov)
{
    const struct foreign_layer *layer = node->opaque;

    if (!own && layer->below.left_out)
        return -ENOLINK;
    return node_preadv_co(own ? node->file : layer->below.backing, offset, bytes, iov, niov, 0);
}

/* Which bytes of the stretch are whose: runs of both kinds in turn, the first of them the image's own (it may be empty). */
static int find_runs_co(struct node *node, int64_t offset, int64_t bytes, GArray *runs)
{
    int64_t run;

    for (int64_t done = 0; done < bytes; done += run) {
        int own = find_own_co(node, offset + done, bytes - done, &run);

        if (own < 0)
            return own;
        if ((runs->len & 1) == !own) { /* its turn */
            g_array_append_val(runs, run);
        } else if (runs->len) {
            g_array_index(runs, int64_t, runs->len - 1) += run;
        } else {
            int64_t none = 0;

            g_array_append_val(runs, none);
            g_array_append_val(runs, run);
        }
    }
    return 0;
}

/* Many short runs: the image and the layer below are read in one each, as if all were theirs, and the runs of the second put over the first. */
static int read_stretch_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov)
{
    const struct foreign_layer *layer = node->opaque;
    g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(int64_t));
    g_autofree uint8_t *below = g_malloc(bytes);
    int64_t at = 0;
    int ret = find_runs_co(node, offset, bytes, runs);

    if (ret == 0)
        ret = node_preadv_co(node->file, offset, bytes, iov, niov, 0);
    if (ret == 0)
        ret = node_pread_co(layer->below.backing, offset, bytes, below);
    for (unsigned i = 0; ret == 0 && i < runs->len; i++) {
        int64_t run = g_array_index(runs, int64_t, i);

        if (i & 1)
            iov_copy_in(iov, niov, at, below + at, run);
        at += run;
    }
    return ret;
}

/* What fails in a stretch may be bytes that nobody asked for: that is read run by run. */
int foreign_layer_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    const int64_t stretch = 1 << 20, run_short = 1 << 18;
    const struct foreign_layer *layer = node->opaque;

    if (!is_mixed(layer))
        return node_preadv_co(node->file, offset, bytes, iov, niov, flags);
    bool stretches = layer->below.backing && !(node->flags & NODE_WRITABLE);
    g_autofree struct iovec *slice = g_new(struct iovec, niov);
    int64_t run;
    int ret = 0;

    for (int64_t done = 0; ret == 0 && done < bytes; done += run) {
        int own = find_own_co(node, offset + done, bytes - done, &run);
        int64_t whole = MIN(stretch, bytes - done);

        if (own < 0)
            return own;
        if (stretches && run < MIN(run_short, bytes - done)) {
            stretches = read_stretch_co(node, offset + done, whole, slice, iov_slice(iov, niov, done, whole, slice)) == 0;
            if (stretches) {
                run = whole;
                continue;
            }
        }
        ret = read_run_co(node, own, offset + done, run, slice, iov_slice(iov, niov, done, run, slice));
    }
    return ret;
}

/* -ENOLINK: what surrounds the bytes can't be copied from where it is. */
static int check_own_co(struct node *node, int64_t offset, int64_t bytes)
{
    const struct foreign_layer *layer = node->opaque;
    int64_t run;

    for (int64_t end = offset + bytes; layer->incomplete && offset < end; offset += run) {
        int own = find_own_co(node, offset, end - offset, &run);

        if (own <= 0)
            return own < 0 ? own : -ENOLINK;
    }
    return 0;
}

int foreign_layer_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    int ret = check_own_co(node, offset, bytes);

    return ret < 0 ? ret : node_pwritev_co(node->file, offset, bytes, iov, niov, flags);
}

/* What takes bytes out of an image would let those of the layer below be seen, which it may be told there is none of: they are written, or stay. */
int foreign_layer_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    const struct foreign_layer *layer = node->opaque;

    return layer->incomplete ? -ENOTSUP : node_pwrite_zeroes_co(node->file, offset, bytes, flags);
}

int foreign_layer_pdiscard_co(struct node *node, int64_t offset, int64_t bytes)
{
    const struct foreign_layer *layer = node->opaque;

    return layer->incomplete ? -ENOTSUP : node_pdiscard_co(node->file, offset, bytes);
}

/* ---- what is where ---- */

static void tell_layer(const struct foreign_layer *layer, int64_t offset, struct node_status *status)
{
    if (!is_below(layer, status) || (!layer->below.backing && !layer->below.left_out))
        return;
    status->via = layer->below.left_out ? NODE_STATUS_FINAL : NODE_STATUS_BACKING;
    status->kind = layer->below.left_out ? BLK_KIND_MISSING : BLK_KIND_UNALLOCATED;
    status->child = layer->below.backing;
    status->child_offset = offset;
    status->depth = 0;
}

int foreign_layer_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status)
{
    int ret = served_status_co(node, offset, bytes, flags, ret_status);

    if (ret == 0)
        tell_layer(node->opaque, offset, ret_status);
    return ret;
}

struct relay {
    const struct foreign_layer *layer;
    node_status_fn *fn;
    void *data;
};

static int pass_on(void *data, int64_t offset, const struct node_status *status)
{
    const struct relay *relay = data;
    struct node_status ours = *status;

    tell_layer(relay->layer, offset, &ours);
    return relay->fn(relay->data, offset, &ours);
}

int foreign_layer_status_bulk_co(struct node *node, int64_t offset, int64_t bytes, node_status_fn *fn, void *data)
{
    struct relay relay = {node->opaque, fn, data};

    return served_status_bulk_co(node, offset, bytes, pass_on, &relay);
}

/* ---- an image whose bytes are in files that are not open ---- */

static int close_left_out_co(struct node *node)
{
    const struct foreign_layer *layer = node->opaque;

    close(layer->fd);
    return 0;
}

static int read_left_out_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    return bytes ? -ENOLINK : 0;
}

static int64_t left_out_length_co(struct node *node)
{
    return ((const struct foreign_layer *)node->opaque)->size;
}

static int left_out_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status)
{
    *ret_status = (struct node_status){.bytes = bytes, .kind = BLK_KIND_MISSING, .via = NODE_STATUS_FINAL};
    return 0;
}

int foreign_layer_descriptor(const struct node *node)
{
    return ((const struct foreign_layer *)node->opaque)->fd;
}

const struct driver foreign_layer_left_out = {
    .name = "vmdk",
    .flags = DRIVER_FILTER | DRIVER_FORMAT | DRIVER_FIXED,
    .state_size = sizeof(struct foreign_layer),
    .close_co = close_left_out_co,
    .preadv_co = read_left_out_co,
    .length_co = left_out_length_co,
    .status_co = left_out_status_co,
    .occupied_co = foreign_layer_occupied_co,
    .descriptor = foreign_layer_descriptor,
};
