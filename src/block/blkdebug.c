/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * blkdebug: a filter that injects errors and stops requests at events.
 *
 * Events are announced to it by the nodes above and by node.c.  An event makes the inject-error rules it has in the current
 * state the active ones, in place of those that were (an event without such rules leaves them be); then the first of its
 * set-state rules that applies sets the state.  Every request is compared with the active rules, and the first that matches decides.
 * Rules for the event "none" are active from the start.
 *
 * A breakpoint is used up by the request it stops.  That request is then suspended once for each breakpoint it ran
 * into, and goes on when it was resumed as many times.  Cancelling a suspended request ends it with -ECANCELED.
 */
#include "block/blkdebug.h"

#include <errno.h>
#include <string.h>

/* ---- rules ---- */

void blkdebug_apply_event(struct blkdebug *debug, enum blk_event event)
{
    int64_t state = debug->state;
    bool activated = false, moved = false;

    for (GList *link = debug->rules.by_event[event].head; link; link = link->next) {
        struct blkdebug_rule *rule = link->data;

        if (rule->state && rule->state != state)
            continue;
        if (rule->inject) {
            if (!activated)
                g_queue_clear(&debug->active);
            activated = true;
            g_queue_push_tail(&debug->active, rule);
        } else if (!moved) {
            moved = true;
            debug->state = rule->new_state;
        }
    }
}

static struct blkdebug_rule *find_rule(const struct blkdebug *debug, enum blkdebug_iotype iotype, int64_t offset, int64_t bytes)
{
    for (GList *link = debug->active.head; link; link = link->next) {
        struct blkdebug_rule *rule = link->data;
        bool touched = rule->offset == -1 || (rule->offset >= offset && rule->offset - offset < bytes);

        if ((rule->iotypes & iotype) && touched)
            return rule;
    }
    return NULL;
}

/* Whether a request may go on: 0, or the error it shall end with. */
static int check_co(struct node *node, enum blkdebug_iotype iotype, int64_t offset, int64_t bytes)
{
    struct blkdebug *debug = node->opaque;
    struct blkdebug_rule *rule;
    bool immediately;
    int error;

    if (co_cancelled())
        return -ECANCELED;
    rule = find_rule(debug, iotype, offset, bytes);
    if (!rule || !rule->error || (rule->once && registry_is_look(node->registry)))
        return 0;
    error = rule->error;
    immediately = rule->immediately;
    rule->hits++;
    if (rule->once) {
        g_queue_remove(&debug->active, rule);
        g_queue_remove(&debug->rules.by_event[rule->event], rule);
        blkdebug_keep_spent(debug, rule);
    }
    if (!immediately)
        co_yield_co();
    return -error;
}

/* ---- breakpoints ---- */

static void breakpoint_free(void *data)
{
    struct breakpoint *breakpoint = data;

    g_free(breakpoint->tag);
    g_free(breakpoint);
}

static void suspension_free(void *data)
{
    struct suspension *suspension = data;

    g_free(suspension->tag);
    g_free(suspension);
}

static void say(struct node *node, const char *what, const char *tag)
{
    g_autofree char *line = g_strdup_printf("blkdebug: %s request '%s'", what, tag);

    registry_message(node->registry, line);
}

/* Uses up the event's breakpoints for the request in stop; the tag of the last, which is new, or NULL if there are none. */
static char *hit_breakpoints(struct node *node, enum blk_event event, struct stop *stop)
{
    struct blkdebug *debug = node->opaque;
    char *last = NULL;

    for (GList *link = debug->breakpoints.head, *next; link; link = next) {
        struct breakpoint *breakpoint = link->data;
        struct suspension *suspension;

        next = link->next;
        if (breakpoint->event != event)
            continue;
        g_queue_delete_link(&debug->breakpoints, link);
        suspension = g_new(struct suspension, 1);
        *suspension = (struct suspension){.tag = g_strdup(breakpoint->tag), .event = event, .stop = stop};
        g_queue_push_head(&debug->suspensions, suspension);
        blkdebug_count_hit(debug, breakpoint->tag, event);
        stop->left++;
        g_free(last);
        last = g_strdup(breakpoint->tag);
        breakpoint_free(breakpoint);
        say(node, "Suspended", last);
    }
    return last;
}

static void forget_stop(struct blkdebug *debug, const struct stop *stop)
{
    for (GList *link = debug->suspensions.head, *next; link; link = next) {
        struct suspension *suspension = link->data;

        next = link->next;
        if (suspension->stop != stop)
            continue;
        g_queue_delete_link(&debug->suspensions, link);
        suspension_free(suspension);
    }
}

static void blkdebug_debug_event_co(struct node *node, enum blk_event event)
{
    struct blkdebug *debug = node->opaque;
    struct stop stop = {.co = co_self()};
    g_autofree char *tag = NULL;

    if (registry_is_look(node->registry))
        return;
    blkdebug_apply_event(debug, event);
    /* Nobody could resume what closing and repairing do. */
    if (g_queue_is_empty(&debug->breakpoints) || node->registry->closing || node->registry->repairing)
        return;
    tag = hit_breakpoints(node, event, &stop);
    if (!tag)
        return;
    registry_suspended(node->registry, tag);
    co_queue_wake_all(&debug->watchers);
    while (stop.left > 0 && co_suspend_cancellable_co() != -ECANCELED)
        ;
    forget_stop(debug, &stop);
    registry_resumed(node->registry);
}

static int blkdebug_debug_break(struct node *node, enum blk_event event, const char *tag)
{
    struct blkdebug *debug = node->opaque;
    struct breakpoint *breakpoint = g_new(struct breakpoint, 1);

    *breakpoint = (struct breakpoint){.tag = g_strdup(tag), .event = event};
    g_queue_push_head(&debug->breakpoints, breakpoint);
    return 0;
}

static void resume_suspension(struct node *node, GList *link)
{
    struct blkdebug *debug = node->opaque;
    struct suspension *suspension = link->data;

    g_queue_delete_link(&debug->suspensions, link);
    say(node, "Resuming", suspension->tag);
    if (--suspension->stop->left == 0)
        co_wake(suspension->stop->co, 0);
    suspension_free(suspension);
}

/* The request suspended last goes on first, as in the reference program. */
static int blkdebug_debug_resume(struct node *node, const char *tag)
{
    struct blkdebug *debug = node->opaque;

    for (GList *link = debug->suspensions.head; link; link = link->next) {
        const struct suspension *suspension = link->data;

        if (strcmp(suspension->tag, tag) == 0) {
            resume_suspension(node, link);
            return 0;
        }
    }
    return -ENOENT;
}

static int blkdebug_debug_remove_break(struct node *node, const char *tag)
{
    struct blkdebug *debug = node->opaque;
    int ret = -ENOENT;

    for (GList *link = debug->breakpoints.head, *next; link; link = next) {
        struct breakpoint *breakpoint = link->data;

        next = link->next;
        if (strcmp(breakpoint->tag, tag) != 0)
            continue;
        g_queue_delete_link(&debug->breakpoints, link);
        breakpoint_free(breakpoint);
        ret = 0;
    }
    blkdebug_forget_hits(debug, tag);
    /* A breakpoint that stopped a request is used up: what it holds goes on, though there is nothing left to remove. */
    for (GList *link = debug->suspensions.tail, *before; link; link = before) {
        const struct suspension *suspension = link->data;

        before = link->prev;
        if (strcmp(suspension->tag, tag) == 0)
            resume_suspension(node, link);
    }
    return ret;
}

static void blkdebug_debug_release(struct node *node)
{
    struct blkdebug *debug = node->opaque;

    while (debug->suspensions.tail)
        resume_suspension(node, debug->suspensions.tail);
}

static bool blkdebug_debug_is_suspended(struct node *node, const char *tag)
{
    struct blkdebug *debug = node->opaque;

    for (GList *link = debug->suspensions.head; link; link = link->next) {
        const struct suspension *suspension = link->data;

        if (strcmp(suspension->tag, tag) == 0)
            return true;
    }
    return false;
}

static int blkdebug_debug_wait_co(struct node *node, const char *tag)
{
    struct blkdebug *debug = node->opaque;
    int ret = 0;

    while (ret == 0 && !blkdebug_debug_is_suspended(node, tag))
        ret = co_queue_wait_co(&debug->watchers);
    return ret;
}

void blkdebug_clear(struct blkdebug *debug)
{
    g_queue_clear(&debug->active);
    blkdebug_rules_clear(&debug->rules);
    blkdebug_clear_past(debug);
    g_queue_clear_full(&debug->breakpoints, breakpoint_free);
}

static int blkdebug_close_co(struct node *node)
{
    blkdebug_clear(node->opaque);
    return 0;
}

/* ---- requests ---- */

static int blkdebug_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    int ret = check_co(node, BLKDEBUG_READ, offset, bytes);

    return ret < 0 ? ret : node_preadv_co(node->file, offset, bytes, iov, niov, flags);
}

static int blkdebug_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    int ret = check_co(node, BLKDEBUG_WRITE, offset, bytes);

    return ret < 0 ? ret : node_pwritev_co(node->file, offset, bytes, iov, niov, flags);
}

static int blkdebug_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    int ret;

    /* What is less than a unit was told apart by node.c; a real device with this limit would not take it. */
    if (bytes < node->limits.zeroes_alignment)
        return -ENOTSUP;
    ret = check_co(node, BLKDEBUG_WRITE_ZEROES, offset, bytes);
    return ret < 0 ? ret : node_pwrite_zeroes_co(node->file, offset, bytes, flags);
}

static int blkdebug_pdiscard_co(struct node *node, int64_t offset, int64_t bytes)
{
    int ret;

    if (bytes < node->limits.discard_alignment)
        return -ENOTSUP;
    ret = check_co(node, BLKDEBUG_DISCARD, offset, bytes);
    return ret < 0 ? ret : node_pdiscard_co(node->file, offset, bytes);
}

static int blkdebug_flush_to_disk_co(struct node *node)
{
    return check_co(node, BLKDEBUG_FLUSH, 0, 0);
}

static int blkdebug_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status)
{
    int ret = check_co(node, BLKDEBUG_BLOCK_STATUS, offset, bytes);

    if (ret < 0)
        return ret;
    *ret_status = (struct node_status){
        .bytes = bytes, .via = NODE_STATUS_PASS, .child = node->file, .child_offset = offset,
    };
    return 0;
}

const struct driver driver_blkdebug = {
    .name = "blkdebug",
    .protocols = blkdebug_protocols,
    .flags = DRIVER_FILTER,
    .state_size = sizeof(struct blkdebug),
    .options = blkdebug_options,
    .parse_filename = blkdebug_parse_filename,
    .open_co = blkdebug_open_co,
    .close_co = blkdebug_close_co,
    .file_changed = blkdebug_file_changed,
    .preadv_co = blkdebug_preadv_co,
    .pwritev_co = blkdebug_pwritev_co,
    .pwrite_zeroes_co = blkdebug_pwrite_zeroes_co,
    .pdiscard_co = blkdebug_pdiscard_co,
    .flush_to_disk_co = blkdebug_flush_to_disk_co,
    .status_co = blkdebug_status_co,
    .debug_event_co = blkdebug_debug_event_co,
    .debug_break = blkdebug_debug_break,
    .debug_remove_break = blkdebug_debug_remove_break,
    .debug_resume = blkdebug_debug_resume,
    .debug_is_suspended = blkdebug_debug_is_suspended,
    .debug_wait_co = blkdebug_debug_wait_co,
    .debug_release = blkdebug_debug_release,
    .debug_list = blkdebug_list,
    .debug_inject = blkdebug_inject,
    .debug_remove_rule = blkdebug_remove_rule,
};
