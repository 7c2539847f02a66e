/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/registry.h"

#include "io/clock.h"
#include "io/co.h"

static void tell(struct registry *registry, const struct blk_request *request)
{
    if (registry->observer && registry->observer->request)
        registry->observer->request(registry->data, request);
}

void registry_enter(struct registry *registry, struct blk_request *request, enum blk_op op, unsigned flags, int64_t offset, int64_t bytes,
                    const char *issuer)
{
    *request = (struct blk_request){
        .link.data = request,
        .id = ++registry->last_id,
        .op = op,
        .state = BLK_REQUEST_QUEUED,
        .flags = flags,
        .offset = offset,
        .bytes = bytes,
        .total = bytes,
        .started_us = clock_now_us(),
        .issuer = g_strdup(issuer),
        .co = co_self(),
        .outer = *co_local(),
    };
    *co_local() = request;
    g_queue_push_tail_link(&registry->requests, &request->link);
    tell(registry, request);
}

void registry_set_state(struct registry *registry, struct blk_request *request, enum blk_request_state state)
{
    request->state = state;
    tell(registry, request);
}

void registry_leave(struct registry *registry, struct blk_request *request, int ret)
{
    request->ret = ret;
    request->state = BLK_REQUEST_DONE;
    g_queue_unlink(&registry->requests, &request->link);
    *co_local() = request->outer;
    if (registry->observer) {
        request->done_us = clock_now_us();
        tell(registry, request);
    }
    g_free(request->issuer);
}

void registry_look_begin(struct registry *registry, struct blk_request *request)
{
    request->link = (GList){.data = co_self()};
    g_queue_push_tail_link(&registry->looks, &request->link);
}

void registry_look_end(struct registry *registry, struct blk_request *request)
{
    g_queue_unlink(&registry->looks, &request->link);
}

bool registry_is_look(const struct registry *registry)
{
    return registry->looks.length > 0 && g_queue_find((GQueue *)&registry->looks, co_self());
}

struct registry_part registry_part(const struct registry *registry)
{
    return (struct registry_part){.request = *co_local(), .look = registry_is_look(registry)};
}

void registry_part_begin(struct registry *registry, struct registry_part *part)
{
    *co_local() = part->request;
    part->link = (GList){.data = co_self()};
    if (part->look)
        g_queue_push_tail_link(&registry->looks, &part->link);
}

void registry_part_end(struct registry *registry, struct registry_part *part)
{
    if (part->look)
        g_queue_unlink(&registry->looks, &part->link);
}

void registry_count(const struct node *node, int64_t bytes)
{
    struct blk_request *request = *co_local();
    if (request && request->counts == node && bytes > 0)
        request->done += bytes;
}

void registry_work(const struct node *node, int64_t bytes)
{
    struct blk_request *request = *co_local();
    if (!request)
        return;
    request->counts = node;
    request->total = bytes;
    request->done = 0;
}

void registry_event(struct registry *registry, enum blk_event event)
{
    struct blk_request *request = *co_local();
    if (!request)
        return;
    request->last_event = blk_event_name(event);
    tell(registry, request);
}

void registry_suspended(struct registry *registry, const char *tag)
{
    struct blk_request *request = *co_local();
    if (!request)
        return;
    request->tag = tag;
    registry_set_state(registry, request, BLK_REQUEST_SUSPENDED);
    co_queue_wake_all(&registry->stopped);
    if (registry->idle)
        co_queue_wake_all(registry->idle);
}

void registry_resumed(struct registry *registry)
{
    struct blk_request *request = *co_local();
    if (!request)
        return;
    request->tag = NULL;
    registry_set_state(registry, request, BLK_REQUEST_IN_FLIGHT);
}

bool registry_has_suspended(const struct registry *registry)
{
    for (const GList *link = registry->requests.head; link; link = link->next) {
        const struct blk_request *request = link->data;

        if (request->state == BLK_REQUEST_SUSPENDED)
            return true;
    }
    return false;
}

void registry_message(struct registry *registry, const char *line)
{
    if (registry->observer && registry->observer->message)
        registry->observer->message(registry->data, line);
}

void registry_connection(struct registry *registry)
{
    if (registry->observer && registry->observer->connection)
        registry->observer->connection(registry->data);
}

void registry_changed(struct registry *registry, int64_t offset, int64_t bytes)
{
    if (registry->observer && registry->observer->changed)
        registry->observer->changed(registry->data, offset, bytes);
}
