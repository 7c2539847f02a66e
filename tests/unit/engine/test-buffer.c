/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/buffer.h"
#include "io/co.h"

#include <glib.h>
#include <string.h>
#include <sys/mman.h>

static void buffers_are_aligned_and_whole(void)
{
    static const size_t sizes[] = {0, 1, 511, 4096, 4097, 65536, (1 << 20) + 1, 80 << 20};
    struct buffer_pool *pool = buffer_pool_new(0);
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        uint8_t *buffer = buffer_get(pool, sizes[i]);
        g_assert_cmpuint((uintptr_t)buffer % 4096, ==, 0);
        memset(buffer, 0xee, sizes[i]);
        buffer_put(pool, buffer);
    }
    buffer_pool_unref(pool);
}

static void misaligned_on_purpose(void)
{
    struct buffer_pool *pool = buffer_pool_new(1);
    uint8_t *buffer = buffer_get(pool, 4096);
    g_assert_cmpuint((uintptr_t)buffer % 512, !=, 0);
    memset(buffer, 1, 4096);
    buffer_put(pool, buffer);
    g_assert_true(buffer_get(pool, 4096) == buffer);
    buffer_put(pool, buffer);
    buffer_pool_unref(pool);
}

static void a_returned_buffer_is_used_again(void)
{
    struct buffer_pool *pool = buffer_pool_new(0);
    uint8_t *first = buffer_get(pool, 4096), *second = buffer_get(pool, 4096);
    g_assert_true(first != second);
    buffer_put(pool, first);
    g_assert_true(buffer_get(pool, 1000) == first);
    buffer_put(pool, first);
    buffer_put(pool, second);
    buffer_pool_unref(pool);
}

/* data: whether misaligned; cleared at the end. */
static void trim_co(void *data)
{
    enum { SIZE = 9 << 20, KEPT = 5000 };
    struct buffer_pool *pool = buffer_pool_new(*(int *)data);
    uint8_t *buffer = buffer_get(pool, SIZE);
    memset(buffer, 1, SIZE);
    buffer_trim_co(pool, buffer, KEPT);
    for (size_t i = 0; i < KEPT; i++)
        g_assert_cmpint(buffer[i], ==, 1);
    g_assert_cmpint(buffer[4 << 20], ==, 0);
    g_assert_cmpint(buffer[SIZE - 1], ==, 0);
    buffer_trim_co(pool, buffer, SIZE);
    buffer_put_co(pool, buffer);
    buffer_put_co(pool, NULL);
    buffer_put_co(pool, buffer_get(pool, 65 << 20)); /* more than is kept for the next one */
    buffer_pool_unref(pool);
    *(int *)data = -1;
}

static void the_end_of_a_buffer_can_be_given_back(void)
{
    co_init();
    for (int misalign = 0; misalign < 2; misalign++) {
        int data = misalign;
        co_start(trim_co, &data);
        while (data >= 0)
            g_main_context_iteration(NULL, TRUE);
    }
    co_done();
}

static void a_buffer_may_outlive_its_owner(void)
{
    struct buffer_pool *pool = buffer_pool_new(0);
    uint8_t *buffer = buffer_get(pool, 4096);
    buffer_pool_unref(pool);
    memset(buffer, 1, 4096);
    buffer_put(pool, buffer);
}

/* How many of the pages are still there. */
static unsigned pages_mapped(uint8_t *buffer, size_t bytes)
{
    unsigned count = 0;
    unsigned char resident;
    for (size_t at = 0; at < bytes; at += 4096)
        count += mincore(buffer + at, 4096, &resident) == 0;
    return count;
}

static void much_memory_leaves_by_and_by(void)
{
    enum { SIZE = 64 << 20, PAGES = SIZE / 4096 };
    struct buffer_pool *pool = buffer_pool_new(0);
    uint8_t *first = buffer_get(pool, SIZE), *second = buffer_get(pool, SIZE), *third = buffer_get(pool, SIZE);
    memset(first, 1, SIZE);
    buffer_put(pool, first);
    buffer_put(pool, second);
    g_assert_cmpuint(pages_mapped(first, SIZE) + pages_mapped(second, SIZE), ==, 2 * PAGES);
    for (unsigned left = 2 * PAGES; left > 0;) {
        g_assert_true(g_main_context_iteration(NULL, FALSE));
        unsigned now = pages_mapped(first, SIZE) + pages_mapped(second, SIZE);
        g_assert_cmpuint(now, <, left);
        g_assert_cmpuint(now + 1024, >=, left);
        left = now;
    }
    g_assert_false(g_main_context_iteration(NULL, FALSE));
    buffer_put(pool, third);
    buffer_pool_unref(pool); /* at once, then */
    g_assert_cmpuint(pages_mapped(third, SIZE), ==, 0);
    g_assert_false(g_main_context_iteration(NULL, FALSE));
}

static void impossible_sizes_are_refused(void)
{
    struct buffer_pool *pool = buffer_pool_new(0);
    g_assert_null(buffer_get(pool, SIZE_MAX));
    g_assert_null(buffer_get(pool, SIZE_MAX / 4));
    buffer_put(pool, NULL);
    buffer_pool_unref(pool);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/buffer/aligned", buffers_are_aligned_and_whole);
    g_test_add_func("/buffer/misaligned", misaligned_on_purpose);
    g_test_add_func("/buffer/reuse", a_returned_buffer_is_used_again);
    g_test_add_func("/buffer/trim", the_end_of_a_buffer_can_be_given_back);
    g_test_add_func("/buffer/outlives", a_buffer_may_outlive_its_owner);
    g_test_add_func("/buffer/leaves", much_memory_leaves_by_and_by);
    g_test_add_func("/buffer/impossible", impossible_sizes_are_refused);
    return g_test_run();
}
