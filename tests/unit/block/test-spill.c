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

/* ---- requests held by hand ---- */

static struct aio *hand;

struct request {
    enum { OPEN, WRITE, READ, ZEROES, CLOSE } what;
    struct node *node;
    int64_t offset, bytes;
    uint8_t *buf;
    int ret;
    bool done;
};

static void request_main(void *data)
{
    struct request *request = data;
    struct node_how how = {.aio = hand, .registry = &registry};
    switch (request->what) {
    case OPEN:
        request->ret = spill_open_co(&how, 8 * CLUSTER, &request->node, NULL);
        break;
    case WRITE:
        request->ret = node_pwrite_co(request->node, request->offset, request->bytes, request->buf, 0);
        break;
    case READ:
        request->ret = node_pread_co(request->node, request->offset, request->bytes, request->buf);
        break;
    case ZEROES:
        request->ret = node_pwrite_zeroes_co(request->node, request->offset, request->bytes, BLK_MAY_UNMAP);
        break;
    case CLOSE:
        node_unref_co(request->node);
        break;
    }
    request->done = true;
}

/* Returns when it waits for the disk, or is done. */
static void begin_co(struct request *request)
{
    unsigned before = aio_manual_count(hand);
    co_start(request_main, request);
    while (!request->done && aio_manual_count(hand) == before)
        co_yield_co();
}

/* Carries out what it waits for, and leaves the oldest requests, so many, waiting. */
static void finish_co(struct request *request, unsigned held)
{
    while (!request->done) {
        while (aio_manual_count(hand) > held)
            aio_manual_complete(hand, held, 0);
        co_yield_co();
    }
}

static void run_co(struct request *request, unsigned held)
{
    begin_co(request);
    finish_co(request, held);
    g_assert_cmpint(request->ret, ==, 0);
}

static void write_byte_co(struct node *node, int64_t offset, uint8_t byte, unsigned held)
{
    run_co(&(struct request){WRITE, node, offset, 1, &byte}, held);
}

/* Zeroes but for that byte at its beginning. */
static void assert_cluster_co(struct node *node, int64_t offset, uint8_t byte)
{
    g_autofree uint8_t *buf = g_malloc(CLUSTER), *expected = g_malloc0(CLUSTER);
    run_co(&(struct request){READ, node, offset, CLUSTER, buf}, 0);
    expected[0] = byte;
    g_assert_cmpmem(buf, CLUSTER, expected, CLUSTER);
}

static struct node *open_by_hand_co(void)
{
    struct request open = {OPEN};
    hand = aio_new("manual", NULL);
    run_co(&open, 0);
    return open.node;
}

static void close_by_hand_co(struct node *node)
{
    run_co(&(struct request){CLOSE, node}, 0);
    aio_free(hand);
}

static void a_slot_that_is_read_is_not_used_again(void)
{
    struct node *node = open_by_hand_co();
    g_autofree uint8_t *buf = g_malloc(CLUSTER), *seen = g_malloc(CLUSTER);
    memset(buf, 7, CLUSTER);
    run_co(&(struct request){WRITE, node, 0, CLUSTER, buf}, 0);
    struct request read = {READ, node, 0, CLUSTER, seen};
    begin_co(&read);
    g_assert_cmpuint(aio_manual_count(hand), ==, 1);
    run_co(&(struct request){ZEROES, node, 0, CLUSTER}, 1);
    write_byte_co(node, CLUSTER, 8, 1);
    finish_co(&read, 0);
    g_assert_cmpmem(seen, CLUSTER, buf, CLUSTER);
    g_assert_cmpint(node->file->size, >, CLUSTER);
    /* Now it is, and nothing is left in it. */
    write_byte_co(node, 2 * CLUSTER, 9, 0);
    g_assert_cmpint(node->file->size, <=, 2 * CLUSTER);
    assert_cluster_co(node, 2 * CLUSTER, 9);
    close_by_hand_co(node);
}

static void a_slot_that_could_not_be_cleaned_is_not_used_again(void)
{
    struct node *node = open_by_hand_co();
    g_autofree uint8_t *buf = g_malloc(CLUSTER);
    memset(buf, 7, CLUSTER);
    run_co(&(struct request){WRITE, node, 0, CLUSTER, buf}, 0);
    struct request zeroes = {ZEROES, node, 0, CLUSTER};
    begin_co(&zeroes);
    while (!zeroes.done) {
        while (aio_manual_count(hand) > 0)
            aio_manual_complete(hand, 0, -EIO);
        co_yield_co();
    }
    g_assert_cmpint(zeroes.ret, ==, 0); /* they are zeroes all the same */
    write_byte_co(node, CLUSTER, 8, 0);
    assert_cluster_co(node, CLUSTER, 8);
    assert_cluster_co(node, 0, 0);
    close_by_hand_co(node);
}

static void a_read_that_fails_says_so(void)
{
    struct node *node = open_by_hand_co();
    uint8_t byte;
    write_byte_co(node, 0, 7, 0);
    struct request read = {READ, node, 0, 1, &byte};
    begin_co(&read);
    aio_manual_complete(hand, 0, -EIO);
    finish_co(&read, 0);
    g_assert_cmpint(read.ret, ==, -EIO);
    close_by_hand_co(node);
}

static bool can_punch_holes(int fd)
{
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, CLUSTER) == 0;
}

static void what_is_zeroes_takes_no_room(void)
{
    struct node *node = open_by_hand_co();
    g_autofree uint8_t *buf = g_malloc(2 * CLUSTER);
    memset(buf, 7, 2 * CLUSTER);
    struct request write = {WRITE, node, 0, 2 * CLUSTER, buf};
    struct stat st;
    begin_co(&write);
    int fd = aio_manual_peek(hand, 0).fd;
    bool punches = can_punch_holes(fd);
    finish_co(&write, 0);
    g_assert_cmpint(fstat(fd, &st), ==, 0);
    g_assert_cmpint(st.st_blocks * 512, >=, 2 * CLUSTER);
    run_co(&(struct request){ZEROES, node, 0, 2 * CLUSTER}, 0);
    g_assert_cmpint(fstat(fd, &st), ==, 0);
    if (punches)
        g_assert_cmpint(st.st_blocks * 512, <, CLUSTER);
    else
        g_test_skip("the folder of temporary files is on a file system without holes");
    close_by_hand_co(node);
}

/* ---- the map, against an array ---- */

enum { CLUSTERS = 200, SLOTS = 240 /* few: they come back in any order */ };

static void forget(void *data, int64_t slot, int64_t count)
{
    bool *used = data;
    g_assert_cmpint(count, >, 0);
    for (int64_t i = slot; i < slot + count; i++) {
        g_assert_true(used[i]);
        used[i] = false;
    }
}

/* Slots that nobody has, at most so many, from one drawn by lot on: how many, and the first. */
static int64_t find_unused(const bool *used, int64_t most, int64_t *ret_slot)
{
    int64_t slot, count = 0;
    do
        slot = g_test_rand_int_range(0, SLOTS);
    while (used[slot]);
    while (count < most && slot + count < SLOTS && !used[slot + count])
        count++;
    *ret_slot = slot;
    return count;
}

static void map_is_as_an_array(void)
{
    struct spill_map *map = spill_map_new();
    int64_t model[CLUSTERS], slot = 0, count;
    bool used[SLOTS] = {false};
    for (int i = 0; i < CLUSTERS; i++)
        model[i] = -1;
    for (int round = 0; round < 20000; round++) {
        int64_t start = g_test_rand_int_range(0, CLUSTERS), length = g_test_rand_int_range(0, 5), end = MIN(CLUSTERS, start + length);
        bool set = start < end && g_test_rand_bit();
        for (int64_t i = start; set && i < end; i++)
            set = model[i] < 0;
        if (set) {
            end = start + find_unused(used, end - start, &slot);
            spill_map_set(map, start, end - start, slot);
        } else {
            spill_map_remove(map, start, end, forget, used);
        }
        for (int64_t i = start; i < end; i++) {
            if (!set && model[i] >= 0)
                g_assert_false(used[model[i]]);
            model[i] = set ? slot++ : -1;
            if (set)
                used[model[i]] = true;
        }
        for (int64_t i = 0; i < CLUSTERS; i += count) {
            slot = spill_map_at(map, i, &count);
            count = MIN(count, CLUSTERS - i);
            for (int64_t j = 0; j < count; j++)
                g_assert_cmpint(model[i + j], ==, slot < 0 ? -1 : slot + j);
            /* A run takes memory: it is as long as it can be. */
            if (i + count < CLUSTERS)
                g_assert_cmpint(model[i + count], !=, slot < 0 ? -1 : slot + count);
        }
    }
    spill_map_free(map);
}

static void add_tests(void)
{
    harness_add("/block/spill/slots-are-used-again", slots_are_used_again);
    harness_add("/block/spill/file-is-as-large-as-what-was-written", file_is_as_large_as_what_was_written);
    harness_add("/block/spill/a-slot-that-is-read-is-not-used-again", a_slot_that_is_read_is_not_used_again);
    harness_add("/block/spill/a-slot-that-could-not-be-cleaned-is-not-used-again", a_slot_that_could_not_be_cleaned_is_not_used_again);
    harness_add("/block/spill/a-read-that-fails-says-so", a_read_that_fails_says_so);
    harness_add("/block/spill/what-is-zeroes-takes-no-room", what_is_zeroes_takes_no_room);
    g_test_add_func("/block/spill/map-is-as-an-array", map_is_as_an_array);
}

int main(int argc, char **argv)
{
    return harness_main(&argc, &argv, NULL, add_tests);
}
