/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Folding against a plain reading of its rules, over bytes of every state. */
#include "ui/panels/hex-rows.h"

#include <string.h>

#include "ui/panels/hex-cache.h"

struct fake {
    struct hex_source source;
    int64_t size;
    uint8_t *bytes, *states;
};

static int64_t fake_size(const struct hex_source *source)
{
    return ((const struct fake *)source)->size;
}

static void fake_get(struct hex_source *source, int64_t offset, size_t n, uint8_t *bytes, uint8_t *states)
{
    struct fake *fake = (struct fake *)source;

    g_assert_cmpint(offset + (int64_t)n, <=, fake->size);
    memcpy(bytes, fake->bytes + offset, n);
    memcpy(states, fake->states + offset, n);
}

static size_t fake_piece(struct hex_source *source, int64_t offset, const uint8_t **ret_bytes)
{
    struct fake *fake = (struct fake *)source;
    size_t n = 0;

    *ret_bytes = fake->bytes + offset;
    while (offset + (int64_t)n < fake->size && fake->states[offset + (int64_t)n] == HEX_KNOWN) {
        n++;
    }
    return n;
}

static bool fake_hole(struct hex_source *source, int64_t offset, struct hex_source_hole *ret_hole)
{
    struct fake *fake = (struct fake *)source;
    int64_t start = offset, end = offset;

    if (fake->states[offset] != HEX_HOLE) {
        return false;
    }
    while (start > 0 && fake->states[start - 1] == HEX_HOLE) {
        start--;
    }
    while (end < fake->size && fake->states[end] == HEX_HOLE) {
        end++;
    }
    *ret_hole = (struct hex_source_hole){start, end, false};
    return true;
}

static const struct hex_source_ops fake_ops = {.size = fake_size, .get = fake_get, .piece = fake_piece, .hole = fake_hole};

static void fill(struct fake *fake, int64_t size)
{
    fake->source.ops = &fake_ops;
    fake->size = size;
    fake->bytes = g_malloc0((size_t)size);
    fake->states = g_malloc0((size_t)size);
    for (int64_t at = 0; at < size;) {
        int64_t want = g_test_rand_int_range(1, g_test_rand_bit() ? 100 : 40000), n = MIN(want, size - at);
        int state = g_test_rand_int_range(0, 8), byte = g_test_rand_int_range(0, 3);

        memset(fake->states + at, state > HEX_ERROR ? HEX_KNOWN : state, (size_t)n);
        memset(fake->bytes + at, state == HEX_KNOWN || state > HEX_ERROR ? byte : 0, (size_t)n);
        at += n;
    }
}

static bool should_fold(const struct fake *fake, const struct hex_rows *rows, int64_t row)
{
    int64_t before = row - rows->width;
    bool in_hole = true;

    if (before < 0 || row + rows->width >= fake->size || (rows->cursor >= row && rows->cursor < row + rows->width)) {
        return false;
    }
    for (int64_t i = before; i < row + rows->width; i++) {
        if (fake->states[i] == HEX_UNKNOWN || fake->states[i] == HEX_ERROR) {
            return false;
        }
        in_hole = in_hole && fake->states[i] == HEX_HOLE;
    }
    return in_hole || ((rows->source->ops->run || row / HEX_BLOCK == before / HEX_BLOCK) &&
                       memcmp(fake->bytes + before, fake->bytes + row, (size_t)rows->width) == 0);
}

static void check_walk(const struct fake *fake, const struct hex_rows *rows)
{
    struct hex_line line = hex_rows_line(rows, 0), back;
    int64_t row = 0;
    bool more = true;

    while (more) {
        int64_t behind = row;

        while (behind < fake->size && should_fold(fake, rows, behind)) {
            behind += rows->width;
        }
        g_assert_cmpint(line.start, ==, row);
        g_assert_cmpint(line.rows, ==, behind - row > rows->width ? (behind - row) / rows->width : 1);
        for (int64_t inside = row; inside < row + line.rows * rows->width; inside += MAX(1, line.rows / 3) * rows->width) {
            back = hex_rows_line(rows, inside);
            g_assert_cmpint(back.start, ==, line.start);
            g_assert_cmpint(back.rows, ==, line.rows);
        }
        row += line.rows * rows->width;
        back = line;
        more = hex_rows_next(rows, &line);
        g_assert_cmpint(more, ==, row < fake->size);
        if (more) {
            struct hex_line again = line;

            g_assert_true(hex_rows_previous(rows, &again));
            g_assert_cmpint(again.start, ==, back.start);
            g_assert_cmpint(again.rows, ==, back.rows);
        }
    }
}

static void test_folds_as_the_rules_say(void)
{
    static const int widths[] = {8, 16, 24, 32, 5};

    for (int i = 0; i < 60; i++) {
        struct fake fake;
        struct hex_rows rows;

        fill(&fake, g_test_rand_int_range(1, i % 2 ? 2000 : 150000));
        rows = (struct hex_rows){.source = &fake.source, .width = widths[i % 5], .fold = true};
        rows.cursor = g_test_rand_int_range(0, (int32_t)fake.size);
        check_walk(&fake, &rows);
        g_free(fake.bytes);
        g_free(fake.states);
    }
}

static void test_a_buffer_folds_whole_runs(void)
{
    static const int widths[] = {8, 16, 32, 5};

    for (int i = 0; i < 60; i++) {
        struct fake fake;
        struct hex_rows rows = {.width = widths[i % 4], .fold = true};

        fill(&fake, g_test_rand_int_range(1, i % 2 ? 2000 : 300000));
        memset(fake.states, HEX_KNOWN, (size_t)fake.size);
        g_autoptr(GBytes) bytes = g_bytes_new_static(fake.bytes, (gsize)fake.size);
        rows.source = hex_buffer_new(bytes);
        for (int j = 0; j < 3; j++) { /* what is remembered is right for another cursor, too */
            rows.cursor = g_test_rand_int_range(0, (int32_t)fake.size);
            check_walk(&fake, &rows);
        }
        hex_buffer_free(rows.source);
        g_free(fake.bytes);
        g_free(fake.states);
    }
}

static void test_without_folding_every_row_is_a_line(void)
{
    g_autoptr(GBytes) bytes = g_bytes_new_take(g_malloc0(1000), 1000);
    struct hex_source *source = hex_buffer_new(bytes);
    struct hex_rows rows = {.source = source, .width = 16};
    struct hex_line line = hex_rows_line(&rows, 0);
    int lines = 1;

    while (hex_rows_next(&rows, &line)) {
        g_assert_cmpint(line.rows, ==, 1);
        lines++;
    }
    g_assert_cmpint(lines, ==, 63);
    hex_buffer_free(source);
}

/* A hole of 8 EiB: sizes only, no bytes. */
static int64_t huge_size(const struct hex_source *source)
{
    return INT64_MAX;
}

static void huge_get(struct hex_source *source, int64_t offset, size_t n, uint8_t *bytes, uint8_t *states)
{
    memset(bytes, 0, n);
    memset(states, HEX_HOLE, n);
}

static size_t huge_piece(struct hex_source *source, int64_t offset, const uint8_t **ret_bytes)
{
    return 0;
}

static bool huge_hole(struct hex_source *source, int64_t offset, struct hex_source_hole *ret_hole)
{
    *ret_hole = (struct hex_source_hole){0, INT64_MAX, false};
    return true;
}

static void test_the_largest_hole_is_one_line(void)
{
    static const struct hex_source_ops ops = {
        .size = huge_size, .get = huge_get, .piece = huge_piece, .hole = huge_hole};
    struct hex_source source = {&ops};
    struct hex_rows rows = {.source = &source, .width = 16, .fold = true, .cursor = INT64_C(1) << 44};
    struct hex_line line = hex_rows_line(&rows, 0);
    int lines = 1;

    while (hex_rows_next(&rows, &line)) {
        lines++;
    }
    g_assert_cmpint(lines, ==, 5); /* first, fold, the cursor's, fold, last */
    g_assert_cmpint(line.start, ==, hex_rows_last(&rows));
    while (hex_rows_previous(&rows, &line)) {
        lines--;
    }
    g_assert_cmpint(lines, ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hex-rows/rules", test_folds_as_the_rules_say);
    g_test_add_func("/hex-rows/buffer", test_a_buffer_folds_whole_runs);
    g_test_add_func("/hex-rows/unfolded", test_without_folding_every_row_is_a_line);
    g_test_add_func("/hex-rows/huge", test_the_largest_hole_is_one_line);
    return g_test_run();
}
