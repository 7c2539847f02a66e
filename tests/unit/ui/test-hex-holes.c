/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of holes against a flag for each byte. */
#include <glib.h>
#include <string.h>

#include "ui/panels/hex-holes.h"

enum { SIZE = 400, STEPS = 4000 };

static void check(const struct hex_holes *holes, const bool *flags)
{
    for (int i = 0; i < SIZE; i++) {
        const struct hex_hole *hole = hex_holes_at(holes, i);
        int next = i + 1;

        g_assert_cmpint(hole != NULL, ==, flags[i]);
        if (hole) {
            for (int j = (int)hole->start; j < hole->end; j++) {
                g_assert_true(flags[j]);
            }
            g_assert_true(hole->start == 0 || !flags[hole->start - 1]);
            g_assert_true(hole->end == SIZE || !flags[hole->end]);
        }
        while (next < SIZE && !(flags[next] && !flags[next - 1])) {
            next++;
        }
        g_assert_cmpint(hex_holes_next(holes, i), ==, next < SIZE ? next : INT64_MAX);
    }
}

static void test_like_a_flag_for_each_byte(void)
{
    g_autofree struct hex_holes *holes = g_new0(struct hex_holes, 1);
    bool flags[SIZE] = {0};

    for (int i = 0; i < STEPS; i++) {
        int start = g_test_rand_int_range(0, SIZE), end = g_test_rand_int_range(start, MIN(SIZE, start + 30) + 1);
        bool add = g_test_rand_int_range(0, 2) == 0;

        memset(flags + start, add, (size_t)(end - start));
        if (add) {
            hex_holes_add(holes, start, end, 0);
        } else {
            hex_holes_remove(holes, start, end);
        }
        if (i % 10 == 0) {
            check(holes, flags);
        }
    }
    hex_holes_clear(holes);
    g_assert_null(hex_holes_at(holes, 0));
}

/* Patterns 1, 2, 3 against a byte that says which. */
static void test_patterns_stay_apart(void)
{
    g_autofree struct hex_holes *holes = g_new0(struct hex_holes, 1);
    uint8_t is[SIZE] = {0};

    for (int i = 0; i < STEPS; i++) {
        int start = g_test_rand_int_range(0, SIZE), end = g_test_rand_int_range(start, MIN(SIZE, start + 30) + 1);
        uint8_t pattern = (uint8_t)g_test_rand_int_range(0, 4);

        memset(is + start, pattern, (size_t)(end - start));
        if (pattern > 0) {
            hex_holes_add(holes, start, end, pattern);
        } else {
            hex_holes_remove(holes, start, end);
        }
        for (int at = 0; at < SIZE; at += 7) {
            const struct hex_hole *hole = hex_holes_at(holes, at);

            g_assert_cmpint(hole ? hole->pattern : 0, ==, is[at]);
            if (hole) {
                g_assert_true(hole->start == 0 || is[hole->start - 1] != is[at]);
                g_assert_true(hole->end == SIZE || is[hole->end] != is[at]);
            }
        }
    }
}

static void test_too_many_forget_the_farthest(void)
{
    g_autofree struct hex_holes *holes = g_new0(struct hex_holes, 1);
    int64_t last = INT64_C(1) << 40;

    for (int64_t i = 0; i < 2 * HEX_HOLES_MAX; i++) {
        hex_holes_add(holes, i * 1024, i * 1024 + 512, 0);
        g_assert_nonnull(hex_holes_at(holes, i * 1024));
    }
    g_assert_cmpuint(holes->count, ==, HEX_HOLES_MAX);
    g_assert_null(hex_holes_at(holes, 0));
    hex_holes_remove(holes, INT64_C(1024) * HEX_HOLES_MAX + 100, INT64_C(1024) * HEX_HOLES_MAX + 101);
    g_assert_cmpuint(holes->count, ==, HEX_HOLES_MAX);
    hex_holes_add(holes, last, INT64_MAX, 0);
    g_assert_nonnull(hex_holes_at(holes, INT64_MAX - 1));
    hex_holes_add(holes, 0, last, 0);
    g_assert_cmpuint(holes->count, ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hex-holes/random", test_like_a_flag_for_each_byte);
    g_test_add_func("/hex-holes/patterns", test_patterns_stay_apart);
    g_test_add_func("/hex-holes/bounded", test_too_many_forget_the_farthest);
    return g_test_run();
}
