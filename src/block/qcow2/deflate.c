/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The window of 12 bits is what the specification says of a reader's ("Compressed Clusters Descriptor").  Level and memory decide which
 * bytes come out: they are those with which the reference program's images are made.
 */
#include "block/qcow2/deflate.h"

#include <errno.h>
#include <zlib.h>
#include <zstd.h>

#include "block/node.h"
#include "block/qcow2/format.h"

enum { WINDOW_BITS = 12, MEMORY_LEVEL = 9 };

/* A compressor; one for each compression that runs at the same time. */
struct machine {
    z_stream zlib;
    ZSTD_CCtx *zstd; /* NULL: zlib it is */
};

struct qcow2_deflate {
    unsigned compression;
    int64_t cluster_size;
    GPtrArray *machines; /* idle ones */
};

static void machine_free(void *data)
{
    struct machine *machine = data;
    if (machine->zstd)
        ZSTD_freeCCtx(machine->zstd);
    else
        deflateEnd(&machine->zlib);
    g_free(machine);
}

struct qcow2_deflate *qcow2_deflate_new(unsigned compression, int64_t cluster_size)
{
    struct qcow2_deflate *deflate = g_new0(struct qcow2_deflate, 1);
    deflate->compression = compression;
    deflate->cluster_size = cluster_size;
    deflate->machines = g_ptr_array_new_with_free_func(machine_free);
    return deflate;
}

void qcow2_deflate_free(struct qcow2_deflate *deflate)
{
    if (!deflate)
        return;
    g_ptr_array_unref(deflate->machines);
    g_free(deflate);
}

static struct machine *take_machine(struct qcow2_deflate *deflate)
{
    if (deflate->machines->len)
        return g_ptr_array_steal_index_fast(deflate->machines, deflate->machines->len - 1);
    struct machine *machine = g_new0(struct machine, 1);
    bool made;
    if (deflate->compression == QCOW2_COMPRESSION_ZSTD)
        made = (machine->zstd = ZSTD_createCCtx()) != NULL;
    else
        made = deflateInit2(&machine->zlib, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
    if (made)
        return machine;
    g_free(machine);
    return NULL;
}

/* ---- on the thread ---- */

struct job {
    struct machine *machine;
    const uint8_t *in;
    uint8_t *out;
    size_t in_bytes, out_bytes;
    size_t used; /* of out; 0: it does not fit */
};

static int run_zlib(struct job *job)
{
    z_stream *stream = &job->machine->zlib;
    if (deflateReset(stream) != Z_OK)
        return -EIO;
    stream->next_in = (Bytef *)job->in;
    stream->avail_in = job->in_bytes;
    stream->next_out = job->out;
    stream->avail_out = job->out_bytes;
    job->used = deflate(stream, Z_FINISH) == Z_STREAM_END ? job->out_bytes - stream->avail_out : 0;
    return 0;
}

static int run_zstd(struct job *job)
{
    ZSTD_inBuffer in = {job->in, job->in_bytes, 0};
    ZSTD_outBuffer out = {job->out, job->out_bytes, 0};
    ZSTD_CCtx_reset(job->machine->zstd, ZSTD_reset_session_only);
    size_t left = ZSTD_compressStream2(job->machine->zstd, &out, &in, ZSTD_e_end);
    if (ZSTD_isError(left))
        return -EIO;
    job->used = left == 0 ? out.pos : 0;
    return 0;
}

static int run_job(void *data)
{
    struct job *job = data;
    return job->machine->zstd ? run_zstd(job) : run_zlib(job);
}

ssize_t qcow2_deflate_co(struct node *node, struct qcow2_deflate *deflate, const uint8_t *in, uint8_t *out, bool alone)
{
    struct job job = {.in = in, .out = out, .in_bytes = deflate->cluster_size, .out_bytes = deflate->cluster_size - 1};
    job.machine = take_machine(deflate);
    if (!job.machine)
        return -ENOMEM;
    int ret = aio_call_co(node->aio, run_job, &job, alone);
    g_ptr_array_add(deflate->machines, job.machine);
    return ret < 0 ? ret : (ssize_t)job.used;
}
