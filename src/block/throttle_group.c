/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A request that may not go yet waits in its member's queue.  One timer for reads and one for writes let those go whose time has come: the
 * oldest of each member in turn.  The time is that of io/clock.h; a timer that finds it too early is set again.
 */
#include "block/throttle_group.h"

#include <errno.h>
#include <string.h>

#include "block/objects.h"
#include "block/throttle_bucket.h"
#include "io/clock.h"
#include "io/co.h"
#include "util/source.h"

enum { TIMER_MAX_MS = 1000 * 3600, NS_PER_MS = 1000 * 1000 };

struct throttle_group {
    struct throttle throttle;
    struct line {
        struct throttle_group *group;
        bool write;
        GQueue turns;   /* struct throttle_member with somebody waiting; whose turn it is first */
        GSource *timer; /* NULL: nobody waits, or it was stopped */
    } lines[2];
};

/* On the stack of who waits. */
struct pass {
    struct co *co;
    int64_t bytes;
    bool goes; /* and is off the queue */
};

static GHashTable *groups; /* by id */

static struct throttle_group *new_group(const struct options *object)
{
    struct throttle_limits limits;
    if (!throttle_limits_parse(object, &limits, NULL))
        return NULL;
    struct throttle_group *group = g_new0(struct throttle_group, 1);
    throttle_init(&group->throttle, &limits, clock_now_ns());
    for (int i = 0; i < 2; i++)
        group->lines[i] = (struct line){.group = group, .write = i, .turns = G_QUEUE_INIT};
    return group;
}

struct throttle_group *throttle_group_find(const char *id)
{
    const struct options *object = objects_find(id);
    if (!groups)
        groups = g_hash_table_new(g_str_hash, g_str_equal);
    struct throttle_group *group = g_hash_table_lookup(groups, id);
    if (group || !object || g_strcmp0(options_get(object, "qom-type"), "throttle-group") != 0)
        return group;
    group = new_group(object);
    if (group)
        g_hash_table_insert(groups, g_strdup(id), group);
    return group;
}

/* ---- turns ---- */

static void let_go(struct line *line, struct pass *pass)
{
    throttle_account(&line->group->throttle, line->write, pass->bytes);
    pass->goes = true;
    if (pass->co != co_self()) /* one that need not wait */
        co_wake(pass->co, 0);
}

static gboolean time_has_come(void *data);

static void set_timer(struct line *line, int64_t delay_ns)
{
    line->timer = g_timeout_source_new((guint)MIN((delay_ns + NS_PER_MS - 1) / NS_PER_MS, TIMER_MAX_MS));
    g_source_set_callback(line->timer, time_has_come, line, NULL);
    g_source_attach(line->timer, g_main_context_get_thread_default());
}

/* Lets all go whose time has come, and waits for that of the next. */
static void go_on(struct line *line)
{
    struct throttle_member *member;
    source_clear(&line->timer);
    while ((member = g_queue_peek_head(&line->turns))) {
        int64_t delay_ns = throttle_delay_ns(&line->group->throttle, line->write, clock_now_ns());
        if (delay_ns > 0) {
            set_timer(line, delay_ns);
            return;
        }
        g_queue_pop_head(&line->turns);
        let_go(line, g_queue_pop_head(&member->waiting[line->write]));
        if (!g_queue_is_empty(&member->waiting[line->write]))
            g_queue_push_tail(&line->turns, member);
    }
}

static gboolean time_has_come(void *data)
{
    go_on(data);
    return G_SOURCE_REMOVE;
}

static void withdraw(struct throttle_member *member, struct line *line, struct pass *pass)
{
    g_queue_remove(&member->waiting[line->write], pass);
    if (!g_queue_is_empty(&member->waiting[line->write]))
        return;
    g_queue_remove(&line->turns, member);
    if (g_queue_is_empty(&line->turns))
        source_clear(&line->timer);
}

int throttle_group_pass_co(struct throttle_member *member, bool write, int64_t bytes)
{
    struct line *line = &member->group->lines[write];
    struct pass pass = {co_self(), bytes, false};
    if (g_queue_is_empty(&member->waiting[write]))
        g_queue_push_tail(&line->turns, member);
    g_queue_push_tail(&member->waiting[write], &pass);
    if (!line->timer)
        go_on(line);
    while (!pass.goes) {
        if (co_suspend_cancellable_co() == -ECANCELED) {
            withdraw(member, line, &pass);
            return -ECANCELED;
        }
    }
    return 0;
}

void throttle_group_hurry(struct throttle_member *member)
{
    for (int i = 0; i < 2; i++) {
        struct line *line = &member->group->lines[i];
        struct pass *pass;
        g_queue_remove(&line->turns, member);
        while ((pass = g_queue_pop_head(&member->waiting[i])))
            let_go(line, pass);
        if (g_queue_is_empty(&line->turns))
            source_clear(&line->timer);
    }
}
