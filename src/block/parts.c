/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/parts.h"

#include <errno.h>

#include "util/source.h"

struct parts {
    struct registry *registry;
    parts_fn *fn;
    void *data;
    struct registry_part part;
    struct one *ones;
    unsigned count, running;
    bool late; /* the time is over */
    struct co_queue ended;
};

struct one {
    struct parts *parts;
    unsigned index;
    int *ret;
    struct co *co; /* NULL: it has ended */
};

static void one_main(void *data)
{
    struct one *one = data;
    struct parts *parts = one->parts;
    struct registry_part part = parts->part;
    one->co = co_self();
    registry_part_begin(parts->registry, &part);
    *one->ret = parts->fn(parts->data, one->index);
    registry_part_end(parts->registry, &part);
    if (parts->late && *one->ret == -ECANCELED)
        *one->ret = -ETIMEDOUT;
    one->co = NULL;
    parts->running--;
    co_queue_wake_one(&parts->ended);
}

static void cancel_all(struct parts *parts)
{
    for (unsigned i = 0; i < parts->count; i++)
        if (parts->ones[i].co)
            co_cancel(parts->ones[i].co);
}

static gboolean time_is_over(void *data)
{
    struct parts *parts = data;
    parts->late = true;
    cancel_all(parts);
    return G_SOURCE_REMOVE;
}

static GSource *start_timer(struct parts *parts, int64_t time_us)
{
    GSource *timer = g_timeout_source_new((guint)MIN((time_us + 999) / 1000, (int64_t)G_MAXUINT));
    g_source_set_callback(timer, time_is_over, parts, NULL);
    g_source_attach(timer, g_main_context_get_thread_default());
    return timer;
}

void parts_run_co(struct registry *registry, unsigned count, parts_fn *fn, void *data, int64_t time_us, int *ret_rets)
{
    g_autofree struct one *ones = g_new0(struct one, count);
    struct parts parts = {
        .registry = registry, .fn = fn, .data = data, .part = registry_part(registry), .ones = ones, .count = count, .running = count,
    };
    bool cancelled = false;
    for (unsigned i = 0; i < count; i++) {
        ones[i] = (struct one){.parts = &parts, .index = i, .ret = &ret_rets[i]};
        co_start(one_main, &ones[i]);
    }
    GSource *timer = time_us > 0 && parts.running > 0 ? start_timer(&parts, time_us) : NULL;
    while (parts.running > 0) {
        if (cancelled)
            co_queue_wait_uncancellable_co(&parts.ended);
        else
            cancelled = co_queue_wait_co(&parts.ended) < 0;
        if (cancelled)
            cancel_all(&parts);
    }
    source_clear(&timer);
}
