/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The back end of tests: requests wait until a test completes them, in the order and with the result it wants. */
#include "config.h"

#include "io/aio-backend.h"

static bool manual_open(struct aio *aio, GError **error)
{
    aio->backend = g_ptr_array_new();
    return true;
}

static void manual_close(struct aio *aio)
{
    g_ptr_array_unref(aio->backend);
}

static void manual_submit(struct aio *aio, struct aio_request *request)
{
    g_ptr_array_add(aio->backend, request);
}

const struct aio_ops aio_manual_ops = {
    .name = "manual",
    .literal = true,
    .open = manual_open,
    .close = manual_close,
    .submit = manual_submit,
};

static GPtrArray *waiting(struct aio *aio)
{
    g_assert(aio->ops == &aio_manual_ops);
    return aio->backend;
}

unsigned aio_manual_count(struct aio *aio)
{
    return waiting(aio)->len;
}

struct aio_manual_view aio_manual_peek(struct aio *aio, unsigned index)
{
    g_assert(index < waiting(aio)->len);
    const struct aio_request *request = waiting(aio)->pdata[index];
    struct aio_manual_view view = {request->op, request->fd, request->offset, request->bytes};
    for (int i = 0; i < request->niov; i++)
        view.bytes += request->iov[i].iov_len;
    return view;
}

static struct aio_request *take(struct aio *aio, unsigned index)
{
    g_assert(index < waiting(aio)->len);
    return g_ptr_array_remove_index(waiting(aio), index);
}

void aio_manual_complete(struct aio *aio, unsigned index, int result)
{
    struct aio_request *request = take(aio, index);
    aio_request_complete(request, result < 0 ? result : aio_request_execute(request));
}

void aio_manual_complete_failing(struct aio *aio, unsigned index, int error)
{
    struct aio_request *request = take(aio, index);
    aio_request_execute(request);
    aio_request_complete(request, error);
}

void aio_manual_complete_short(struct aio *aio, unsigned index, int64_t bytes)
{
    struct aio_request *request = take(aio, index);
    g_autofree struct iovec *iov = g_memdup2(request->iov, request->niov * sizeof(struct iovec));
    struct aio_request part = *request;
    part.iov = iov;
    for (part.niov = 0; part.niov < request->niov && bytes > 0; bytes -= iov[part.niov++].iov_len)
        iov[part.niov].iov_len = MIN(iov[part.niov].iov_len, (size_t)bytes);
    aio_request_complete(request, aio_request_execute(&part));
}
