/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of extents, from a source that says what the test wants. */
#include <glib.h>

#include "io/co-internal.h"
#include "io/co.h"
#include "ui/panels/map-list.h"

enum { SIZE = 1 << 20 };

static struct map_list *list;
static unsigned visits;
static bool changes; /* while it is looked at */

/* Data the first time; written over before that look ends, where it changes, and zeroes from then on. */
static int visit_co(const struct map_source *source, struct blk *blk, int64_t start, int64_t end, map_run_fn *fn, void *data)
{
    int ret = fn(data, &(struct map_run){start, end - start, visits++ == 0 ? MAP_DATA : MAP_ZERO_PLAIN, 0, -1});

    if (changes && visits == 1)
        map_list_stale(list);
    co_yield_co();
    return ret;
}

static const struct map_source source = {.space = &map_space_guest, .visit_co = visit_co};

static void on_list(void *data)
{
}

static unsigned kind_shown(void)
{
    const struct map_run *runs;
    unsigned count;

    for (int i = 0; i < 3; i++) { /* as often as it is drawn */
        map_list_want(list, 0, 5);
        while (g_main_context_iteration(NULL, FALSE)) {
        }
    }
    runs = map_list_runs(list, &count);
    g_assert_cmpuint(count, ==, 1);
    return runs[0].kind;
}

static void check(bool while_looked_at, unsigned kind, unsigned looks)
{
    static char image; /* is handed on, and not looked into */

    visits = 0;
    changes = while_looked_at;
    list = map_list_new(on_list, NULL);
    map_list_open(list, (struct blk *)&image, &source, SIZE);
    g_assert_cmpuint(kind_shown(), ==, kind);
    g_assert_cmpuint(visits, ==, looks);
    map_list_free(list);
}

static void test_what_changes_while_it_is_looked_at_is_looked_at_again(void)
{
    check(true, MAP_ZERO_PLAIN, 2);
}

static void test_what_did_not_change_is_looked_at_once(void)
{
    check(false, MAP_DATA, 1);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    co_init();
    g_test_add_func("/map-list/changes", test_what_changes_while_it_is_looked_at_is_looked_at_again);
    g_test_add_func("/map-list/once", test_what_did_not_change_is_looked_at_once);
    ret = g_test_run();
    co_done();
    return ret;
}
