/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The back end that works everywhere: each request is a blocking call on the pool that every back end has for calls. */
#include "config.h"

#include "io/aio-backend.h"
#include "io/workers.h"

static void threads_submit(struct aio *aio, struct aio_request *request)
{
    workers_submit(aio_workers(aio), request);
}

const struct aio_ops aio_threads_ops = {
    .name = "threads",
    .submit = threads_submit,
};
