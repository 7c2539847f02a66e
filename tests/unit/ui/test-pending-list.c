/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of requests against plain counting, with requests that come and go in any order. */
#include "ui/panels/pending-list.h"

#include <string.h>

enum { REQUESTS = 3000 };

static void check(const struct pending_list *list, struct blk_request *const *live, size_t count)
{
    size_t by_state[BLK_REQUEST_DONE + 1] = {0}, row;

    g_assert_cmpuint(pending_list_count(list), ==, count);
    for (size_t i = 0; i < count; i++) {
        g_assert_true(pending_list_at(list, i) == live[i]);
        by_state[live[i]->state]++;
        g_assert_true(pending_list_find(list, live[i]->id, &row));
        g_assert_cmpuint(row, ==, i);
    }
    for (int s = 0; s < BLK_REQUEST_DONE; s++)
        g_assert_cmpuint(pending_list_count_state(list, (enum blk_request_state)s), ==, by_state[s]);
}

static void test_comes_and_goes_in_any_order(void)
{
    struct pending_list *list = pending_list_new();
    g_autofree struct blk_request *requests = g_new0(struct blk_request, REQUESTS + 1);
    g_autofree struct blk_request **live = g_new0(struct blk_request *, REQUESTS);
    size_t count = 0;

    for (size_t step = 1; step <= REQUESTS; step++) {
        struct blk_request *request = &requests[step];
        size_t n;

        *request = (struct blk_request){.id = step, .state = BLK_REQUEST_QUEUED};
        live[count++] = request;
        pending_list_update(list, request);
        for (int i = g_test_rand_int_range(0, 4); i > 0 && count > 0; i--) {
            size_t index = (size_t)g_test_rand_int_range(0, (int32_t)MIN(count, step % 7 ? 5 : count));

            request = live[index];
            request->state = (enum blk_request_state)g_test_rand_int_range(0, BLK_REQUEST_DONE + 1);
            pending_list_update(list, request);
            if (request->state == BLK_REQUEST_DONE) {
                memmove(&live[index], &live[index + 1], (--count - index) * sizeof(*live));
                g_assert_cmpuint(pending_list_done_at(list, 0)->id, ==, request->id);
            }
        }
        n = pending_list_done_count(list);
        g_assert_cmpuint(n, <=, PENDING_RECENT_MAX);
        if (step % 50 == 0)
            check(list, live, count);
    }
    pending_list_sync(list, NULL);
    check(list, live, 0);
    g_assert_cmpuint(pending_list_done_count(list), ==, 0);
    pending_list_free(list);
}

static void take_row(void *data, const struct pending_entry *entry, size_t row)
{
    struct blk_request **requests = data;

    g_assert_true(entry->request == requests[row]);
    g_assert_cmpuint(entry->id, ==, requests[row]->id);
    g_assert_cmpint(entry->offset, ==, requests[row]->offset);
}

/* Which does not happen as long as each is told when it comes. */
static void test_numbers_in_any_order(void)
{
    struct pending_list *list = pending_list_new();
    g_autofree struct blk_request *requests = g_new0(struct blk_request, REQUESTS);
    g_autofree struct blk_request **live = g_new0(struct blk_request *, REQUESTS);

    for (size_t i = 0; i < REQUESTS; i++) {
        requests[i] = (struct blk_request){.id = i + 1, .offset = (int64_t)i * 512, .state = BLK_REQUEST_IN_FLIGHT};
        live[i] = &requests[i];
    }
    for (size_t i = 0; i < REQUESTS; i++) /* 7 and 3000 have no divisor in common: each comes once */
        pending_list_update(list, &requests[(REQUESTS - 1 + 7 * i) % REQUESTS]);
    check(list, live, REQUESTS);
    pending_list_each(list, take_row, live);
    pending_list_free(list);
}

static void test_the_last_ones_done_are_kept(void)
{
    struct pending_list *list = pending_list_new();
    size_t row;

    for (uint64_t id = 1; id <= 100; id++) {
        char issuer[] = "write 0 512";
        struct blk_request request = {.id = id, .state = BLK_REQUEST_IN_FLIGHT, .bytes = 512, .started_us = 10, .issuer = issuer};

        pending_list_update(list, &request);
        request.state = BLK_REQUEST_DONE;
        request.done_us = 25;
        request.ret = -5;
        pending_list_update(list, &request);
    }
    g_assert_cmpuint(pending_list_done_count(list), ==, PENDING_RECENT_MAX);
    g_assert_cmpuint(pending_list_done_at(list, 0)->id, ==, 100);
    g_assert_cmpuint(pending_list_done_at(list, PENDING_RECENT_MAX - 1)->id, ==, 101 - PENDING_RECENT_MAX);
    g_assert_cmpint(pending_list_done_at(list, 3)->took_us, ==, 15);
    g_assert_cmpint(pending_list_done_at(list, 3)->ret, ==, -5);
    g_assert_cmpstr(pending_list_done_at(list, 3)->issuer, ==, "write 0 512");
    g_assert_true(pending_list_find(list, 99, &row));
    g_assert_cmpuint(row, ==, 1);
    g_assert_false(pending_list_find(list, 2, &row));
    pending_list_free(list);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pending-list/random", test_comes_and_goes_in_any_order);
    g_test_add_func("/pending-list/any-order", test_numbers_in_any_order);
    g_test_add_func("/pending-list/done", test_the_last_ones_done_are_kept);
    return g_test_run();
}
