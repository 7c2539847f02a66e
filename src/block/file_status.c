/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file drivers: data and holes, asked of the file system in batches on a pool thread. */
#include <errno.h>
#include <unistd.h>

#include "block/file-internal.h"

enum { BATCH = 2048 }; /* runs a call */

/* Runs from offset on, as the file system tells them: ends[i] is where run i ends, data and holes in turn. */
struct seek_call {
    int fd;
    int64_t offset, end; /* the range asked for; offset moves on */
    unsigned max;
    unsigned count;      /* runs found */
    bool first_is_data;
    int64_t *ends;
};

static int add_run(struct seek_call *call, int64_t end)
{
    call->offset = MIN(end, call->end);
    call->ends[call->count++] = call->offset;
    return 0;
}

/* Ends the hole that begins at call->offset. */
static int skip_hole(struct seek_call *call)
{
    off_t data = lseek(call->fd, call->offset, SEEK_DATA);
    if (data < 0)
        return errno == ENXIO ? add_run(call, call->end) : -errno;
    return add_run(call, MAX(data, call->offset + 1));
}

/* Ends the data that begins at call->offset. */
static int skip_data(struct seek_call *call)
{
    off_t hole = lseek(call->fd, call->offset, SEEK_HOLE);
    if (hole < 0) /* the file shrank meanwhile: what was data is past its end */
        return errno == ENXIO ? add_run(call, call->end) : -errno;
    return add_run(call, MAX(hole, call->offset + 1));
}

static int find_runs(void *arg)
{
    struct seek_call *call = arg;
    off_t data = lseek(call->fd, call->offset, SEEK_DATA);
    if (data < 0 && errno != ENXIO)
        return -errno;
    call->first_is_data = data == call->offset;
    if (!call->first_is_data)
        add_run(call, data < 0 ? call->end : data);
    bool is_data = true;
    while (call->count < call->max && call->offset < call->end) {
        int ret = is_data ? skip_data(call) : skip_hole(call);
        if (ret < 0)
            return ret;
        is_data = !is_data;
    }
    return 0;
}

void file_status_forget(struct file *file)
{
    file->data_start = file->data_end = 0;
    file->status_age++;
}

int file_refresh_co(struct node *node)
{
    file_status_forget(node->opaque);
    return 0;
}

static struct node_status run_status(int64_t offset, int64_t end, bool data)
{
    return (struct node_status){
        .bytes = end - offset,
        .kind = data ? BLK_KIND_DATA : BLK_KIND_ZERO_PLAIN,
        .via = data ? NODE_STATUS_HOST : NODE_STATUS_FINAL,
        .child_offset = offset,
    };
}

/* Devices, and file systems that don't know holes: all of it is data. */
static bool is_all_data(const struct file *file)
{
    return file->kind != FILE_REGULAR || file->no_seek_hole;
}

int file_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status)
{
    struct file *file = node->opaque;
    int64_t end;
    struct seek_call call = {.fd = file->fd, .offset = offset, .end = INT64_MAX, .max = 1, .ends = &end};
    if (!(flags & NODE_STATUS_WANT_HOLES) || is_all_data(file)) {
        *ret_status = run_status(offset, offset + bytes, true);
        return 0;
    }
    if (offset >= file->data_start && offset < file->data_end) {
        *ret_status = run_status(offset, MIN(offset + bytes, file->data_end), true);
        return 0;
    }
    unsigned age = file->status_age;
    int ret = aio_call_co(node->aio, find_runs, &call, true);
    if (ret < 0) {
        file->no_seek_hole = ret == -EINVAL || ret == -EOPNOTSUPP;
        *ret_status = run_status(offset, offset + bytes, true);
        return 0;
    }
    if (call.first_is_data && age == file->status_age) {
        file->data_start = offset;
        file->data_end = end;
    }
    *ret_status = run_status(offset, MIN(offset + bytes, end), call.first_is_data);
    return 0;
}

/* Hands the runs of one batch on. */
static int visit_runs(const struct seek_call *call, int64_t offset, node_status_fn *fn, void *data)
{
    bool is_data = call->first_is_data;
    for (unsigned i = 0; i < call->count; i++) {
        if (call->ends[i] > offset) {
            struct node_status status = run_status(offset, call->ends[i], is_data);
            int ret = fn(data, offset, &status);
            if (ret != 0)
                return ret;
        }
        offset = call->ends[i];
        is_data = !is_data;
    }
    return 0;
}

int file_status_bulk_co(struct node *node, int64_t offset, int64_t bytes, node_status_fn *fn, void *data)
{
    struct file *file = node->opaque;
    g_autofree int64_t *ends = g_new(int64_t, BATCH);
    struct seek_call call = {.fd = file->fd, .offset = offset, .end = offset + bytes, .max = BATCH, .ends = ends};
    while (call.offset < call.end) {
        int64_t start = call.offset;
        call.count = 0;
        int ret = is_all_data(file) ? -ENOTSUP : aio_call_co(node->aio, find_runs, &call, false);
        if (co_cancelled())
            return -ECANCELED;
        if (ret < 0) {
            struct node_status status = run_status(start, call.end, true);
            return fn(data, start, &status);
        }
        ret = visit_runs(&call, start, fn, data);
        if (ret != 0)
            return ret;
        co_relax_co();
    }
    return 0;
}
