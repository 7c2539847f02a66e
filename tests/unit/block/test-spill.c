/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness.h"

#include "block/spill.h"
#include "block/spill_map.h"

enum { CLUSTER = 64 << 10, ROOM = 40 * CLUSTER, ROUNDS = 3000, AT_ONCE = 12 };

static struct registry registry;

static struct node *open_spill_co(int64_t size)
{
    struct node_how how = {.aio = harness_aio, .registry = &registry};
    g_autoptr(GError) error = NULL;
    struct node *node = NULL;
    g_assert_cmpint(spill_open_co(&how, size, &node, &error), ==, 0);
    return node;
}

/* ---- requests at random, against memory ---- */

struct agent {
    struct node *node;
    GRand *rand;
    uint8_t *model;
    int64_t start, end; /* its own part: nobody else reads or writes there */
    bool done;
};

static void act_co(struct agent *agent)
{
    int64_t start = g_rand_int_range(agent->rand, agent->start, agent->end);
    int64_t most = g_rand_boolean(agent->rand) ? 5000 : 4 * CLUSTER;
    int64_t bytes = g_rand_int_range(agent->rand, 1, 1 + MIN(agent->end - start, most));
    uint8_t pattern = g_rand_int_range(agent->rand, 1, 256);
    g_autofree uint8_t *buf = g_malloc(bytes);
    switch (g_rand_int_range(agent->rand, 0, 4)) {
    case 0:
        g_assert_cmpint(node_pwrite_zeroes_co(agent->node, start, bytes, BLK_MAY_UNMAP), ==, 0);
        memset(agent->model + start, 0, bytes);
        break;
    case 1:
        g_assert_cmpint(node_pread_co(agent->node, start, bytes, buf), ==, 0);
        g_assert_cmpint(memcmp(buf, agent->model + start, bytes), ==, 0);
        break;
    default:
        memset(buf, pattern, bytes);
        g_assert_cmpint(node_pwrite_co(agent->node, start, bytes, buf, 0), ==, 0);
        memset(agent->model + start, pattern, bytes);
    }
}

static void agent_main(void *data)
{
    struct agent *agent = data;
    for (int i = 0; i < ROUNDS / AT_ONCE; i++)
        act_co(agent);
    agent->done = true;
}

/* Slots go from one to the other all the time; none ever shows what another one had in it. */
static void slots_are_used_again(void)
{
    struct node *node = open_spill_co(ROOM);
    g_autofree uint8_t *model = g_malloc0(ROOM), *buf = g_malloc(ROOM);
    struct agent agents[AT_ONCE];
    for (int i = 0; i < AT_ONCE; i++)
        agents[i] = (struct agent){node, g_rand_new_with_seed(i), model, i * (int64_t)ROOM / AT_ONCE, (i + 1) * (int64_t)ROOM / AT_ONCE, false};
    for (int i = 0; i < AT_ONCE; i++)
        co_start(agent_main, &agents[i]);
    for (int i = 0; i < AT_ONCE; i++) {
        while (!agents[i].done)
            co_yield_co();
        g_rand_free(agents[i].rand);
    }
    g_assert_cmpint(node_pread_co(node, 0, ROOM, buf), ==, 0);
    g_assert_cmpint(memcmp(buf, model, ROOM), ==, 0);
    g_assert_cmpint(node->file->size, <=, 3 * ROOM);
    node_unref_co(node);
}

static void file_is_as_large_as_what_was_written(void)
{
    struct node *node = open_spill_co(INT64_C(1) << 62);
    uint8_t byte = 7, seen = 0;
    for (int64_t i = 1; i <= 40; i++)
        g_assert_cmpint(node_pwrite_co(node, i * (INT64_C(1) << 56) - 1, 1, &byte, 0), ==, 0);
    g_assert_cmpint(node->file->size, <=, 40 * CLUSTER);
    for (int64_t i = 1; i <= 40; i++) {
        g_assert_cmpint(node_pread_co(node, i * (INT64_C(1) << 56) - 1, 1, &seen), ==, 0);
        g_assert_cmpint(seen, ==, 7);
    }
    /* The same again and again, somewhere else, takes no more. */
    for (int64_t i = 1; i <= 1000; i++) {
        g_assert_cmpint(node_pwrite_co(node, i * CLUSTER, 1, &byte, 0), ==, 0);
        g_assert_cmpint(node_pwrite_zeroes_co(node, i * CLUSTER, CLUSTER, 0), ==, 0);
    }
    g_assert_cmpint(node->file->size, <=, 44 * CLUSTER);
    g_assert_cmpint(node_truncate_co(node, 0, true, BLK_PREALLOC_OFF, NULL), ==, 0);
    g_assert_cmpint(node_truncate_co(node, INT64_C(1) << 61, true, BLK_PREALLOC_OFF, NULL), ==, 0);
    g_assert_cmpint(node_pread_co(node, (INT64_C(1) << 56) - 1, 1, &seen), ==, 0);
    g_assert_cmpint(seen, ==, 0);
    node_unref_co(node);
}

/* ---- the map, against an array ---- */

enum { CLUSTERS = 200 };

static void forget(void *data, int64_t slot, int64_t count)
{
    int64_t *freed = data;
    for (int64_t i = 0; i < count; i++)
        freed[slot + i]++;
}

static void map_is_as_an_array(void)
{
    struct spill_map *map = spill_map_new();
    int64_t model[CLUSTERS], next = 0, count;
    g_autofree int64_t *freed = g_new0(int64_t, 20000 * 5);
    for (int i = 0; i < CLUSTERS; i++)
        model[i] = -1;
    for (int round = 0; round < 20000; round++) {
        int64_t start = g_test_rand_int_range(0, CLUSTERS), length = g_test_rand_int_range(0, 5), end = MIN(CLUSTERS, start + length);
        bool set = g_test_rand_bit();
        for (int64_t i = start; set && i < end; i++)
            set = model[i] < 0;
        if (set && start < end)
            spill_map_set(map, start, end - start, next);
        else
            spill_map_remove(map, start, end, forget, freed);
        for (int64_t i = start; i < end; i++) {
            if (!set && model[i] >= 0)
                g_assert_cmpint(freed[model[i]], ==, 1);
            model[i] = set ? next++ : -1;
        }
        next += g_test_rand_int_range(0, 2); /* the next ones go on where these end, or not */
        for (int64_t i = 0; i < CLUSTERS; i += count) {
            int64_t slot = spill_map_at(map, i, &count);
            count = MIN(count, CLUSTERS - i);
            for (int64_t j = 0; j < count; j++)
                g_assert_cmpint(model[i + j], ==, slot < 0 ? -1 : slot + j);
        }
    }
    spill_map_free(map);
}

static void add_tests(void)
{
    harness_add("/block/spill/slots-are-used-again", slots_are_used_again);
    harness_add("/block/spill/file-is-as-large-as-what-was-written", file_is_as_large_as_what_was_written);
    g_test_add_func("/block/spill/map-is-as-an-array", map_is_as_an_array);
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, NULL, add_tests);
}
