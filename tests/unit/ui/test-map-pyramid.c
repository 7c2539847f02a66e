/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pyramid against a count by hand. */
#include "ui/panels/map-pyramid.h"

#include <string.h>

enum { TRIES = 40 };

/* What a pyramid is to say: the counts of each leaf, kept apart. */
struct model {
    struct map_pyramid pyramid;
    struct map_counts *leaves;
};

static struct map_counts random_counts(int64_t span)
{
    struct map_counts counts = {0};
    int64_t left = span;

    if (g_test_rand_int_range(0, 8) == 0) {
        return counts; /* unknown */
    }
    for (unsigned k = 0; k < MAP_KIND_COUNT - 1; k++) {
        int64_t part = g_test_rand_int_range(0, 3) == 0 ? (int64_t)(g_test_rand_double() * left) : 0;

        counts.bytes[k] = part;
        left -= part;
    }
    counts.bytes[g_test_rand_int_range(0, MAP_KIND_COUNT)] += left;
    return counts;
}

static void set_random(struct model *model, size_t leaf)
{
    struct map_pyramid *pyramid = &model->pyramid;

    model->leaves[leaf] =
        random_counts(map_pyramid_leaf_end(pyramid, leaf) - map_pyramid_leaf_start(pyramid, leaf));
    map_pyramid_set(pyramid, leaf, &model->leaves[leaf]);
}

static void make(struct model *model, int64_t start, int64_t end, unsigned shift)
{
    map_pyramid_init(&model->pyramid, start, end, shift);
    model->leaves = g_new0(struct map_counts, map_pyramid_leaves(&model->pyramid) + 1);
    for (size_t i = 0; i < map_pyramid_leaves(&model->pyramid); i++) {
        set_random(model, i);
    }
}

static void done(struct model *model)
{
    map_pyramid_done(&model->pyramid);
    g_free(model->leaves);
}

static struct map_counts by_hand(const struct model *model, size_t first, size_t behind)
{
    struct map_counts sum = {0};

    for (size_t i = first; i < behind; i++) {
        for (unsigned k = 0; k < MAP_KIND_COUNT; k++) {
            sum.bytes[k] += model->leaves[i].bytes[k];
        }
    }
    return sum;
}

static void check_levels(const struct model *model)
{
    const struct map_pyramid *pyramid = &model->pyramid;
    size_t span = 1;

    for (unsigned l = 0; l < pyramid->levels; l++, span <<= MAP_FAN_SHIFT) {
        for (size_t i = 0; i < pyramid->count[l]; i++) {
            struct map_counts sum = by_hand(model, i * span, MIN((i + 1) * span, pyramid->count[0]));

            g_assert_cmpmem(&sum, sizeof(sum), &pyramid->level[l][i], sizeof(sum));
        }
    }
    g_assert_cmpuint(pyramid->count[pyramid->levels - 1], ==, 1);
}

static void check_range(const struct model *model, size_t first, size_t behind)
{
    const struct map_pyramid *pyramid = &model->pyramid;
    struct map_counts sum = by_hand(model, first, behind), said;

    said = map_pyramid_count(pyramid, map_pyramid_leaf_start(pyramid, first),
                             behind == first ? map_pyramid_leaf_start(pyramid, first) : map_pyramid_leaf_end(pyramid, behind - 1));
    g_assert_cmpmem(&sum, sizeof(sum), &said, sizeof(said));
}

static void test_every_level_is_the_sum_of_its_leaves(void)
{
    for (int i = 0; i < TRIES; i++) {
        struct model model;
        unsigned shift = (unsigned)g_test_rand_int_range(9, 30);
        int64_t leaves = g_test_rand_int_range(1, i % 4 == 0 ? 5000 : 300);
        int64_t end = (leaves << shift) - g_test_rand_int_range(0, 512);

        make(&model, 0, end, shift);
        check_levels(&model);
        for (int j = 0; j < 200; j++) {
            set_random(&model, (size_t)g_test_rand_int_range(0, (int32_t)leaves));
        }
        check_levels(&model);
        done(&model);
    }
}

static void test_any_range_is_the_sum_of_its_leaves(void)
{
    static const int64_t edges[] = {1, 15, 16, 17, 255, 256, 257, 4095, 4096, 4097};

    for (size_t e = 0; e < G_N_ELEMENTS(edges); e++) {
        struct model model;
        size_t leaves;

        make(&model, INT64_C(3) << 20, (INT64_C(3) << 20) + edges[e] * 4096 - 7, 12);
        leaves = map_pyramid_leaves(&model.pyramid);
        g_assert_cmpuint(leaves, ==, edges[e]);
        check_range(&model, 0, leaves);
        for (int j = 0; j < 500; j++) {
            size_t first = (size_t)g_test_rand_int_range(0, (int32_t)leaves);

            check_range(&model, first, first + (size_t)g_test_rand_int_range(0, (int32_t)(leaves - first) + 1));
        }
        done(&model);
    }
}

static void test_ranges_are_clipped(void)
{
    struct model model;
    struct map_counts whole, said;

    make(&model, 4096, 40960, 12);
    whole = by_hand(&model, 0, 9);
    said = map_pyramid_count(&model.pyramid, 0, INT64_MAX);
    g_assert_cmpmem(&whole, sizeof(whole), &said, sizeof(said));
    said = map_pyramid_count(&model.pyramid, 0, 4096);
    g_assert_cmpint(map_counts_known(&said), ==, 0);
    done(&model);
}

static void test_the_largest_image_fits(void)
{
    static const int64_t sizes[] = {1, 511, 512, 32 << 20, (32 << 20) + 1, INT64_C(15) << 40, INT64_MAX};

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        struct map_pyramid pyramid;
        struct map_counts all = {0};
        unsigned shift = map_pyramid_fit(sizes[i]);
        size_t last;

        map_pyramid_init(&pyramid, 0, sizes[i], shift);
        last = map_pyramid_leaves(&pyramid) - 1;
        g_assert_cmpuint(last, ==, map_pyramid_leaf_at(&pyramid, sizes[i] - 1));
        g_assert_cmpint(map_pyramid_leaf_end(&pyramid, last), ==, sizes[i]);
        g_assert_true(shift == MAP_LEAF_SHIFT_MIN || last >= MAP_LEAVES_MAX / 2);
        for (size_t leaf = 0; leaf <= last; leaf++) {
            all.bytes[MAP_DATA] =
                map_pyramid_leaf_end(&pyramid, leaf) - map_pyramid_leaf_start(&pyramid, leaf);
            map_pyramid_set(&pyramid, leaf, &all);
        }
        all = map_pyramid_count(&pyramid, 0, sizes[i]);
        g_assert_cmpint(all.bytes[MAP_DATA], ==, sizes[i]);
        map_pyramid_done(&pyramid);
    }
}

/* Whole leaves stay; the last one, if it was cut, and new ones are unknown. */
static void test_a_range_may_end_later(void)
{
    for (int i = 0; i < TRIES; i++) {
        struct model model;
        size_t leaves = (size_t)g_test_rand_int_range(0, i % 2 ? 20 : 5000), before;
        int64_t span = 4096, end = (int64_t)leaves * span - (leaves > 0 ? g_test_rand_int_range(0, 2) * 512 : 0);

        make(&model, 0, end, 12);
        for (int k = 0; k < 4; k++) {
            before = map_pyramid_leaves(&model.pyramid);
            bool cut = model.pyramid.end % span != 0;

            end += 512 * g_test_rand_int_range(1, k == 0 ? 8 : 40000);
            map_pyramid_grow(&model.pyramid, end);
            leaves = map_pyramid_leaves(&model.pyramid);
            g_assert_cmpuint(leaves, ==, (size_t)((end + span - 1) / span));
            model.leaves = g_renew(struct map_counts, model.leaves, leaves + 1);
            memset(model.leaves + before - cut, 0, (leaves + 1 - before + cut) * sizeof(*model.leaves));
            check_levels(&model);
            for (size_t leaf = before - cut; leaf < leaves; leaf++)
                set_random(&model, leaf);
            check_levels(&model);
        }
        done(&model);
    }
}

static void test_an_empty_image_has_no_leaves(void)
{
    struct map_pyramid pyramid;
    struct map_counts none;

    map_pyramid_init(&pyramid, 0, 0, map_pyramid_fit(0));
    g_assert_cmpuint(map_pyramid_leaves(&pyramid), ==, 0);
    none = map_pyramid_count(&pyramid, 0, 512);
    g_assert_cmpint(map_counts_known(&none), ==, 0);
    map_pyramid_done(&pyramid);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/map-pyramid/levels", test_every_level_is_the_sum_of_its_leaves);
    g_test_add_func("/map-pyramid/ranges", test_any_range_is_the_sum_of_its_leaves);
    g_test_add_func("/map-pyramid/clipped", test_ranges_are_clipped);
    g_test_add_func("/map-pyramid/largest", test_the_largest_image_fits);
    g_test_add_func("/map-pyramid/grows", test_a_range_may_end_later);
    g_test_add_func("/map-pyramid/empty", test_an_empty_image_has_no_leaves);
    return g_test_run();
}
