/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is sorted only where one looks, against plain sorting. */
#include "ui/panels/pending-order.h"

#include <stdlib.h>

enum { KEYS = 5000, LOOKS = 300 };

static int compare(const void *a, const void *b)
{
    const struct pending_key *left = a, *right = b;

    if (left->value != right->value)
        return left->value < right->value ? -1 : 1;
    return left->row < right->row ? -1 : left->row > right->row;
}

/* Looks at places and for keys in any order, and at the end at all of them. */
static void check(struct pending_order *order, struct pending_key *keys, size_t count)
{
    size_t index;

    pending_order_clear(order);
    for (size_t i = 0; i < count; i++)
        pending_order_add(order, keys[i]);
    g_assert_cmpuint(pending_order_count(order), ==, count);
    qsort(keys, count, sizeof(*keys), compare);
    for (int i = 0; i < LOOKS && count > 0; i++) {
        size_t at = (size_t)g_test_rand_int_range(0, (int32_t)count);

        if (g_test_rand_bit()) {
            g_assert_cmpuint(pending_order_at(order, at), ==, keys[at].row);
        } else {
            g_assert_true(pending_order_find(order, keys[at], &index));
            g_assert_cmpuint(index, ==, at);
        }
        g_assert_false(pending_order_find(order, (struct pending_key){keys[at].value, count}, &index));
    }
    for (size_t i = 0; i < count; i++) {
        g_assert_cmpuint(pending_order_at(order, i), ==, keys[i].row);
        g_assert_true(pending_order_find(order, keys[i], &index));
        g_assert_cmpuint(index, ==, i);
    }
}

static void test_every_place_is_that_of_sorting(void)
{
    struct pending_order *order = pending_order_new();
    g_autofree struct pending_key *keys = g_new(struct pending_key, KEYS);
    static const size_t counts[] = {0, 1, 2, 255, 256, 257, 600, KEYS};

    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        for (int kind = 0; kind < 5; kind++) {
            for (size_t j = 0; j < counts[i]; j++) {
                int64_t values[] = {g_test_rand_int(), g_test_rand_int_range(0, 4), 7, (int64_t)j, -(int64_t)j};

                keys[j] = (struct pending_key){values[kind], j};
            }
            check(order, keys, counts[i]);
        }
    }
    pending_order_free(order);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pending-order/sorting", test_every_place_is_that_of_sorting);
    return g_test_run();
}
