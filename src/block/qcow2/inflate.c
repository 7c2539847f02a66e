/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A read of a part of a compressed cluster decompresses all of it, and the next read is likely to want the rest: the last few clusters
 * read in part are kept.  Whole ones go to the reader's memory directly where that is one piece.
 *
 * The data is a raw deflate stream or zstd frames that give at least one cluster; what follows them in the last sector is
 * another cluster's or nothing ("Compressed Clusters Descriptor").
 */
#include "block/qcow2/inflate.h"

#include <errno.h>
#include <libdeflate.h>
#include <zlib.h>
#include <zstd.h>

#include "block/iov.h"
#include "block/node.h"
#include "block/qcow2/format.h"

enum {
    KEPT_BYTES = 1 << 20, /* of clusters kept, but at least two of them */
    ZSTD_WINDOW_LOG_MAX = 23, /* a frame may ask for this much memory: 8 MiB */
};

/* A decompressor; one for each decompression that runs at the same time. */
struct machine {
    struct libdeflate_decompressor *deflate;
    ZSTD_DCtx *zstd;
};

struct kept {
    int64_t host;
    uint32_t stored;
    bool loading;
    unsigned holders; /* those who wait for it, or copy from it */
    struct co_queue waiters;
    int ret;
    uint8_t *bytes;
};

struct qcow2_inflate {
    unsigned compression;
    int64_t cluster_size;
    unsigned kept_max;
    GQueue kept;         /* struct kept, the most recent first */
    GPtrArray *machines; /* idle ones */
};

static void kept_free(void *data)
{
    struct kept *kept = data;
    g_free(kept->bytes);
    g_free(kept);
}

static void machine_free(void *data)
{
    struct machine *machine = data;
    libdeflate_free_decompressor(machine->deflate);
    ZSTD_freeDCtx(machine->zstd);
    g_free(machine);
}

struct qcow2_inflate *qcow2_inflate_new(unsigned compression, int64_t cluster_size)
{
    struct qcow2_inflate *inflate = g_new0(struct qcow2_inflate, 1);
    inflate->compression = compression;
    inflate->cluster_size = cluster_size;
    inflate->kept_max = MAX(2, KEPT_BYTES / cluster_size);
    inflate->machines = g_ptr_array_new_with_free_func(machine_free);
    return inflate;
}

void qcow2_inflate_free(struct qcow2_inflate *inflate)
{
    if (!inflate)
        return;
    g_queue_clear_full(&inflate->kept, kept_free);
    g_ptr_array_unref(inflate->machines);
    g_free(inflate);
}

/* ---- decompressing ---- */

struct job {
    struct machine *machine;
    unsigned compression;
    const uint8_t *in;
    size_t in_bytes;
    uint8_t *out;
    size_t out_bytes;
};

/* What the fast way does not take: streams that go on behind the cluster, or end with it but without saying so. */
static int inflate_slowly(const struct job *job)
{
    z_stream stream = {.next_in = (Bytef *)job->in, .avail_in = job->in_bytes, .next_out = job->out, .avail_out = job->out_bytes};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return -ENOMEM;
    int ret = inflate(&stream, Z_FINISH);
    bool whole = stream.avail_out == 0 && (ret == Z_STREAM_END || ret == Z_BUF_ERROR || ret == Z_OK);
    inflateEnd(&stream);
    return whole ? 0 : -EIO;
}

static int run_deflate(const struct job *job)
{
    size_t used;
    enum libdeflate_result result =
        libdeflate_deflate_decompress_ex(job->machine->deflate, job->in, job->in_bytes, job->out, job->out_bytes, &used, NULL);
    return result == LIBDEFLATE_SUCCESS ? 0 : inflate_slowly(job);
}

/* Frames are taken until the cluster is full. */
static int zstd_slowly(const struct job *job)
{
    ZSTD_inBuffer in = {job->in, job->in_bytes, 0};
    ZSTD_outBuffer out = {job->out, job->out_bytes, 0};
    ZSTD_DCtx_reset(job->machine->zstd, ZSTD_reset_session_only);
    while (out.pos < out.size) {
        size_t in_before = in.pos, out_before = out.pos;
        size_t ret = ZSTD_decompressStream(job->machine->zstd, &out, &in);
        if (ZSTD_isError(ret) || (in.pos == in_before && out.pos == out_before))
            return -EIO;
    }
    return 0;
}

static int run_zstd(const struct job *job)
{
    size_t frame = ZSTD_findFrameCompressedSize(job->in, job->in_bytes);
    if (!ZSTD_isError(frame) && ZSTD_getFrameContentSize(job->in, frame) == job->out_bytes) {
        size_t ret = ZSTD_decompressDCtx(job->machine->zstd, job->out, job->out_bytes, job->in, frame);
        if (ret == job->out_bytes)
            return 0;
    }
    return zstd_slowly(job);
}

static int run_job(void *data)
{
    const struct job *job = data;
    return job->compression == QCOW2_COMPRESSION_ZSTD ? run_zstd(job) : run_deflate(job);
}

static struct machine *take_machine(struct qcow2_inflate *inflate)
{
    if (inflate->machines->len)
        return g_ptr_array_steal_index_fast(inflate->machines, inflate->machines->len - 1);
    struct machine *machine = g_new0(struct machine, 1);
    if (inflate->compression == QCOW2_COMPRESSION_ZSTD) {
        machine->zstd = ZSTD_createDCtx();
        if (machine->zstd)
            ZSTD_DCtx_setParameter(machine->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    } else {
        machine->deflate = libdeflate_alloc_decompressor();
    }
    if (machine->zstd || machine->deflate)
        return machine;
    g_free(machine);
    return NULL;
}

/* A whole cluster into out. */
static int load_co(struct node *node, struct qcow2_inflate *inflate, int64_t host, uint32_t stored, uint8_t *out, bool alone)
{
    g_autofree uint8_t *in = g_try_malloc(stored);
    if (!in)
        return -ENOMEM;
    struct job job = {
        .compression = inflate->compression, .in = in, .in_bytes = stored, .out = out, .out_bytes = inflate->cluster_size};
    node_debug_event_co(node->file, BLK_EVENT_READ_COMPRESSED);
    int ret = node_pread_co(node->file, host, stored, in);
    if (ret < 0)
        return ret;
    job.machine = take_machine(inflate);
    if (!job.machine)
        return -ENOMEM;
    ret = aio_call_co(node->aio, run_job, &job, alone);
    g_ptr_array_add(inflate->machines, job.machine);
    return ret;
}

/* ---- keeping ---- */

static struct kept *find_kept(struct qcow2_inflate *inflate, int64_t host, uint32_t stored)
{
    for (GList *link = inflate->kept.head; link; link = link->next) {
        struct kept *kept = link->data;
        if (kept->host != host || kept->stored != stored)
            continue;
        g_queue_unlink(&inflate->kept, link);
        g_queue_push_head_link(&inflate->kept, link);
        return kept;
    }
    return NULL;
}

/* The oldest that nobody uses make room. */
static void make_room(struct qcow2_inflate *inflate)
{
    GList *link = inflate->kept.tail;
    while (link && inflate->kept.length >= inflate->kept_max) {
        GList *newer = link->prev;
        struct kept *kept = link->data;
        if (!kept->loading && kept->holders == 0) {
            g_queue_delete_link(&inflate->kept, link);
            kept_free(kept);
        }
        link = newer;
    }
}

static int fill_kept_co(struct node *node, struct qcow2_inflate *inflate, struct kept *kept, bool alone)
{
    if (!kept->bytes) {
        kept->bytes = g_try_malloc(inflate->cluster_size);
        kept->ret = kept->bytes ? load_co(node, inflate, kept->host, kept->stored, kept->bytes, alone) : -ENOMEM;
        kept->loading = false;
        co_queue_wake_all(&kept->waiters);
    }
    while (kept->loading)
        co_queue_wait_uncancellable_co(&kept->waiters);
    return kept->ret;
}

static int read_kept_co(struct node *node, struct qcow2_inflate *inflate, int64_t host, uint32_t stored, int64_t in_cluster,
                        int64_t bytes, const struct iovec *iov, int niov, bool alone)
{
    struct kept *kept = find_kept(inflate, host, stored);
    if (!kept) {
        make_room(inflate);
        kept = g_new0(struct kept, 1);
        kept->host = host;
        kept->stored = stored;
        kept->loading = true;
        g_queue_push_head(&inflate->kept, kept);
    }
    kept->holders++;
    int ret = fill_kept_co(node, inflate, kept, alone);
    if (ret == 0)
        iov_copy_in(iov, niov, 0, kept->bytes + in_cluster, bytes);
    if (--kept->holders == 0 && ret < 0) {
        g_queue_remove(&inflate->kept, kept);
        kept_free(kept);
    }
    return ret;
}

int qcow2_inflate_read_co(struct node *node, struct qcow2_inflate *inflate, int64_t host, uint32_t stored, int64_t in_cluster,
                          int64_t bytes, const struct iovec *iov, int niov, bool alone)
{
    if (bytes < inflate->cluster_size || find_kept(inflate, host, stored))
        return read_kept_co(node, inflate, host, stored, in_cluster, bytes, iov, niov, alone);
    if (niov == 1)
        return load_co(node, inflate, host, stored, iov[0].iov_base, alone);
    g_autofree uint8_t *whole = g_try_malloc(inflate->cluster_size);
    if (!whole)
        return -ENOMEM;
    int ret = load_co(node, inflate, host, stored, whole, alone);
    if (ret == 0)
        iov_copy_in(iov, niov, 0, whole, bytes);
    return ret;
}

void qcow2_inflate_forget(struct qcow2_inflate *inflate, int64_t host, int64_t bytes)
{
    for (GList *link = inflate->kept.head, *next; link; link = next) {
        struct kept *kept = link->data;
        next = link->next;
        if (kept->host >= host + bytes || host >= kept->host + kept->stored || kept->holders > 0)
            continue;
        g_queue_delete_link(&inflate->kept, link);
        kept_free(kept);
    }
}
