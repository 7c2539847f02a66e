/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Quicksort that goes on only where it is asked.  The keys are divided into runs; each key of a run comes before all of the next run, and
 * the first key of every run but the first is its least.  Who looks for a place, or for a key, divides the run it is in until that is short, and
 * sorts it.
 *
 *     at first   | everything                                   |
 *     place 7    | sorted | unsorted | unsorted                 |
 */
#include "ui/panels/pending-order.h"

#include <stdlib.h>

enum { SHORT_RUN = 256, SAMPLES = 9 };

struct run {
    size_t start;
    bool sorted;
};

struct pending_order {
    GArray *keys; /* struct pending_key */
    GArray *runs; /* struct run, by start; none until somebody looks */
};

struct pending_order *pending_order_new(void)
{
    struct pending_order *order = g_new(struct pending_order, 1);

    order->keys = g_array_new(FALSE, FALSE, sizeof(struct pending_key));
    order->runs = g_array_new(FALSE, FALSE, sizeof(struct run));
    return order;
}

void pending_order_free(struct pending_order *order)
{
    g_array_unref(order->keys);
    g_array_unref(order->runs);
    g_free(order);
}

void pending_order_clear(struct pending_order *order)
{
    g_array_set_size(order->keys, 0);
    g_array_set_size(order->runs, 0);
}

void pending_order_add(struct pending_order *order, struct pending_key key)
{
    g_array_append_val(order->keys, key);
}

size_t pending_order_count(const struct pending_order *order)
{
    return order->keys->len;
}

/* ---- keys ---- */

static struct pending_key *key_at(const struct pending_order *order, size_t index)
{
    return &g_array_index(order->keys, struct pending_key, index);
}

static bool is_less(const struct pending_key *a, const struct pending_key *b)
{
    return (a->value < b->value) | ((a->value == b->value) & (a->row < b->row)); /* without a branch that nobody can foresee */
}

static int compare(const void *a, const void *b)
{
    return is_less(a, b) ? -1 : is_less(b, a);
}

static void swap(struct pending_key *a, struct pending_key *b)
{
    struct pending_key kept = *a;

    *a = *b;
    *b = kept;
}

/* Moves a key that is near the middle of them to the front. */
static void choose(struct pending_key *keys, size_t count)
{
    struct pending_key samples[SAMPLES];

    for (size_t i = 0; i < SAMPLES; i++) {
        samples[i] = keys[count / SAMPLES * i];
    }
    qsort(samples, SAMPLES, sizeof(samples[0]), compare);
    for (size_t i = 0; i < SAMPLES; i++) {
        if (keys[count / SAMPLES * i].row == samples[SAMPLES / 2].row) {
            swap(keys, &keys[count / SAMPLES * i]);
            return;
        }
    }
}

/* Divides them: the number of those that come before the key that is then behind them.  At least SAMPLES. */
static size_t divide(struct pending_key *keys, size_t count)
{
    size_t less = 0;

    choose(keys, count);
    for (size_t i = 1; i < count; i++) {
        struct pending_key key = keys[i];
        bool before = is_less(&key, &keys[0]);

        keys[i] = keys[less + 1];
        keys[less + 1] = key;
        less += before;
    }
    swap(&keys[0], &keys[less]);
    return less;
}

/* ---- runs ---- */

static struct run *run_at(const struct pending_order *order, unsigned index)
{
    return &g_array_index(order->runs, struct run, index);
}

static size_t run_end(const struct pending_order *order, unsigned index)
{
    return index + 1 < order->runs->len ? run_at(order, index + 1)->start : order->keys->len;
}

/* Whether the run begins behind what is looked for: a place or, with key, that. */
static bool begins_behind(const struct pending_order *order, unsigned run, size_t index, const struct pending_key *key)
{
    size_t start = run_at(order, run)->start;

    return key ? is_less(key, key_at(order, start)) : index < start;
}

static unsigned run_of(const struct pending_order *order, size_t index, const struct pending_key *key)
{
    unsigned low = 0, high = order->runs->len;

    while (high - low > 1) {
        unsigned middle = low + (high - low) / 2;

        if (begins_behind(order, middle, index, key)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return low;
}

/* The run that holds it, sorted. */
static unsigned sorted_run(struct pending_order *order, size_t index, const struct pending_key *key)
{
    unsigned run;

    if (order->runs->len == 0) {
        g_array_append_val(order->runs, ((struct run){0, false}));
    }
    for (;;) {
        run = run_of(order, index, key);
        size_t start = run_at(order, run)->start, count = run_end(order, run) - start;

        if (run_at(order, run)->sorted) {
            return run;
        }
        if (count <= SHORT_RUN) {
            qsort(key_at(order, start), count, sizeof(struct pending_key), compare);
            run_at(order, run)->sorted = true;
            return run;
        }
        size_t least = run > 0; /* that key stays in front */
        struct run next = {start + least + divide(key_at(order, start + least), count - least), false};

        g_array_insert_val(order->runs, run + 1, next);
    }
}

size_t pending_order_at(struct pending_order *order, size_t index)
{
    sorted_run(order, index, NULL);
    return key_at(order, index)->row;
}

bool pending_order_find(struct pending_order *order, struct pending_key key, size_t *ret_index)
{
    unsigned run;
    size_t low, high;

    if (order->keys->len == 0) {
        return false;
    }
    run = sorted_run(order, 0, &key);
    low = run_at(order, run)->start;
    high = run_end(order, run);
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (is_less(key_at(order, middle), &key)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_index = low;
    return low < order->keys->len && compare(key_at(order, low), &key) == 0;
}
