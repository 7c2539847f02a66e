/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What blkdebug has in store, told and changed while the image is open; and how often it struck. */
#include <errno.h>
#include <string.h>

#include "block/blkdebug.h"

/* ---- what is past ---- */

static void point_free(void *data)
{
    struct point *point = data;

    g_free(point->tag);
    g_free(point);
}

static struct point *find_point(const struct blkdebug *debug, const char *tag, enum blk_event event)
{
    for (GList *link = debug->points.head; link; link = link->next) {
        struct point *point = link->data;

        if (point->event == event && strcmp(point->tag, tag) == 0)
            return point;
    }
    return NULL;
}

void blkdebug_count_hit(struct blkdebug *debug, const char *tag, enum blk_event event)
{
    struct point *point = find_point(debug, tag, event);

    if (!point) {
        point = g_new(struct point, 1);
        *point = (struct point){.tag = g_strdup(tag), .event = event};
        g_queue_push_head(&debug->points, point);
    }
    point->hits++;
    if (debug->points.length > BLK_DEBUG_PAST_MAX)
        point_free(g_queue_pop_tail(&debug->points));
}

void blkdebug_forget_hits(struct blkdebug *debug, const char *tag)
{
    for (GList *link = debug->points.head, *next; link; link = next) {
        struct point *point = link->data;

        next = link->next;
        if (strcmp(point->tag, tag) == 0) {
            g_queue_delete_link(&debug->points, link);
            point_free(point);
        }
    }
}

void blkdebug_keep_spent(struct blkdebug *debug, struct blkdebug_rule *rule)
{
    g_queue_push_head(&debug->spent, rule);
    if (debug->spent.length > BLK_DEBUG_PAST_MAX)
        g_free(g_queue_pop_tail(&debug->spent));
}

void blkdebug_clear_past(struct blkdebug *debug)
{
    g_queue_clear_full(&debug->points, point_free);
    g_queue_clear_full(&debug->spent, g_free);
}

/* ---- the list ---- */

struct place {
    const char *tag;
    enum blk_event event;
};

static unsigned place_hash(const void *data)
{
    const struct place *place = data;

    return g_str_hash(place->tag) * 31 + place->event;
}

static gboolean place_equal(const void *a, const void *b)
{
    const struct place *left = a, *right = b;

    return left->event == right->event && strcmp(left->tag, right->tag) == 0;
}

/* Breakpoints by tag and event: an index into breaks each. */
struct listing {
    struct blkdebug *debug;
    GArray *breaks;
    GHashTable *index; /* struct place, owned, to index + 1 */
};

static struct blk_debug_break *entry_for(struct listing *listing, const char *tag, enum blk_event event)
{
    struct place place = {tag, event};
    unsigned index = GPOINTER_TO_UINT(g_hash_table_lookup(listing->index, &place));

    if (!index) {
        const struct point *point = find_point(listing->debug, tag, event);
        struct blk_debug_break entry = {
            .tag = g_strdup(tag), .event = blk_event_name(event), .hits = point ? point->hits : 0,
        };

        place.tag = entry.tag;
        g_array_append_val(listing->breaks, entry);
        index = listing->breaks->len;
        g_hash_table_insert(listing->index, g_memdup2(&place, sizeof(place)), GUINT_TO_POINTER(index));
    }
    return &g_array_index(listing->breaks, struct blk_debug_break, index - 1);
}

static void list_breaks(struct blkdebug *debug, GArray *breaks)
{
    struct listing listing = {debug, breaks, g_hash_table_new_full(place_hash, place_equal, g_free, NULL)};

    for (GList *link = debug->suspensions.head; link; link = link->next) {
        const struct suspension *suspension = link->data;

        entry_for(&listing, suspension->tag, suspension->event)->held++;
    }
    for (GList *link = debug->breakpoints.head; link; link = link->next) {
        const struct breakpoint *breakpoint = link->data;

        entry_for(&listing, breakpoint->tag, breakpoint->event)->armed++;
    }
    for (GList *link = debug->points.head; link; link = link->next) {
        const struct point *point = link->data;

        entry_for(&listing, point->tag, point->event);
    }
    g_hash_table_destroy(listing.index);
}

static void list_rule(void *data, void *user_data)
{
    const struct blkdebug_rule *rule = data;
    struct blk_debug_rule entry = {
        .id = rule->id, .event = blk_event_name(rule->event), .text = blkdebug_rule_text(rule),
        .error = rule->inject ? rule->error : 0, .hits = rule->hits, .spent = rule->once && rule->hits,
    };

    g_array_append_val((GArray *)user_data, entry);
}

static int by_id(const void *a, const void *b)
{
    const struct blk_debug_rule *left = a, *right = b;

    return left->id < right->id ? -1 : left->id > right->id;
}

static void break_clear(void *data)
{
    g_free(((struct blk_debug_break *)data)->tag);
}

static void rule_clear(void *data)
{
    g_free(((struct blk_debug_rule *)data)->text);
}

int blkdebug_list(struct node *node, struct blk_debug *ret_debug)
{
    struct blkdebug *debug = node->opaque;

    *ret_debug = (struct blk_debug){
        .breaks = g_array_new(FALSE, FALSE, sizeof(struct blk_debug_break)),
        .rules = g_array_new(FALSE, FALSE, sizeof(struct blk_debug_rule)),
        .state = debug->state,
    };
    g_array_set_clear_func(ret_debug->breaks, break_clear);
    g_array_set_clear_func(ret_debug->rules, rule_clear);
    list_breaks(debug, ret_debug->breaks);
    for (int i = 0; i < BLK_EVENT_COUNT; i++)
        g_queue_foreach(&debug->rules.by_event[i], list_rule, ret_debug->rules);
    g_queue_foreach(&debug->spent, list_rule, ret_debug->rules);
    g_array_sort(ret_debug->rules, by_id);
    return 0;
}

void blk_debug_clear(struct blk_debug *debug)
{
    g_clear_pointer(&debug->breaks, g_array_unref);
    g_clear_pointer(&debug->rules, g_array_unref);
}

/* ---- rules come and go ---- */

int blkdebug_inject(struct node *node, const char *text, GError **error)
{
    struct blkdebug *debug = node->opaque;
    uint64_t before = debug->rules.last_id;
    g_autoptr(options) options = options_new();
    GQueue *at_once = &debug->rules.by_event[BLK_EVENT_NONE];
    int ret = options_parse(options, text, "event", error) ? blkdebug_rules_add(&debug->rules, options, error) : -EINVAL;

    /* As at the start: what waits for no event holds from now on. */
    for (GList *link = at_once->head; ret == 0 && link; link = link->next) {
        struct blkdebug_rule *rule = link->data;

        if (rule->id > before && rule->inject && (!rule->state || rule->state == debug->state))
            g_queue_push_tail(&debug->active, rule);
    }
    return ret;
}

static bool take_out(GQueue *rules, uint64_t id, GQueue *active)
{
    for (GList *link = rules->head; link; link = link->next) {
        struct blkdebug_rule *rule = link->data;

        if (rule->id == id) {
            g_queue_remove(active, rule);
            g_queue_delete_link(rules, link);
            g_free(rule);
            return true;
        }
    }
    return false;
}

int blkdebug_remove_rule(struct node *node, uint64_t id)
{
    struct blkdebug *debug = node->opaque;
    bool found = take_out(&debug->spent, id, &debug->active);

    for (int i = 0; i < BLK_EVENT_COUNT && !found; i++)
        found = take_out(&debug->rules.by_event[i], id, &debug->active);
    return found ? 0 : -ENOENT;
}
