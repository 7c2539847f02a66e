/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "io/tempfile.h"
#include "ui/console/record.h"

enum { GAP = -1, LINES = 200000 };

static char *line_of(int number)
{
    return g_strdup_printf("goto %d%s", number, number % 10 == 0 ? "\nand on" : "");
}

/* Adds lines [first, end); returns how often it was said that some go missing. */
static int add(struct record *record, int first, int end)
{
    int told = 0;
    for (int i = first; i < end; i++) {
        g_autofree char *line = line_of(i);
        told += !record_add(record, line);
    }
    return told;
}

static int take(void *data, const char *line)
{
    int number = line != NULL ? atoi(line + strlen("goto ")) : GAP;
    g_array_append_val((GArray *)data, number);
    if (line != NULL) {
        g_autofree char *expected = line_of(number);
        g_assert_cmpstr(line, ==, expected);
    }
    return 0;
}

/* The numbers of the lines that it has; checks that it holds no more than it says. */
static GArray *numbers(const struct record *record, uint64_t *ret_missing)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(int));
    struct record_copy copy;
    g_assert_cmpint(record_copy(record, &copy), ==, 0);
    g_assert_cmpuint(copy.held->len, <=, record_reason(record) != 0 ? RECORD_HELD_MAX : 2 * RECORD_KEPT);
    *ret_missing = copy.missing;
    g_assert_cmpint(record_each(&copy, take, all), ==, 0);
    record_copy_done(&copy);
    return all;
}

static void test_all_lines_are_kept_in_bounded_memory(void)
{
    struct record *record = record_new(tempfile_open());
    uint64_t missing;
    g_assert_cmpint(add(record, 0, LINES + 2), ==, 0);
    record_take_back(record);
    record_take_back(record);
    g_autoptr(GArray) all = numbers(record, &missing);
    g_assert_cmpuint(all->len, ==, LINES);
    for (int i = 0; i < LINES; i++) {
        g_assert_cmpint(g_array_index(all, int, i), ==, i);
    }
    g_assert_cmpuint(missing, ==, 0);
    record_free(record);
}

/* The first lines, a gap of as many as it says, the newest ones. */
static void assert_gap(struct record *record, bool any_filed)
{
    uint64_t missing;
    g_assert_cmpint(add(record, 0, LINES), ==, 1);
    g_autoptr(GArray) all = numbers(record, &missing);
    unsigned filed = 0;
    while (g_array_index(all, int, filed) != GAP) {
        g_assert_cmpint(g_array_index(all, int, filed), ==, (int)filed);
        filed++;
    }
    g_assert_cmpint(filed > 0, ==, any_filed);
    g_assert_cmpuint(filed + missing + (all->len - filed - 1), ==, LINES);
    for (unsigned i = 1; i < all->len - filed; i++) {
        g_assert_cmpint(g_array_index(all, int, all->len - i), ==, LINES - (int)i);
    }
    record_free(record);
}

static void test_without_a_file_the_newest_are_kept(void)
{
    assert_gap(record_new(-EACCES), false);
}

static void test_on_a_full_disk_the_newest_are_kept(void)
{
    struct record *record = record_new(open("/dev/full", O_RDWR | O_CLOEXEC));
    assert_gap(record, false);
}

static void test_what_is_in_a_file_that_takes_no_more_stays(void)
{
    struct rlimit before, limit;
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
    limit = (struct rlimit){.rlim_cur = 300000, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    assert_gap(record_new(tempfile_open()), true);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
}

static void test_long_lines_and_none(void)
{
    struct record *record = record_new(tempfile_open());
    struct record_copy copy;
    record_take_back(record);
    g_autofree char *before = g_strnfill(3 * RECORD_KEPT, 'x'), *longest = g_strnfill(3 * RECORD_HELD_MAX, 'y');
    g_assert_true(record_add(record, before));
    g_assert_true(record_add(record, longest));
    g_assert_true(record_add(record, ""));
    g_assert_cmpint(record_copy(record, &copy), ==, 0);
    g_assert_cmpint(copy.filed, ==, (int64_t)strlen(before) + 1);
    record_copy_done(&copy);
    record_take_back(record);
    record_take_back(record);
    g_assert_cmpint(record_copy(record, &copy), ==, 0);
    g_assert_cmpuint(copy.held->len, ==, 0);
    record_copy_done(&copy);
    record_free(record);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/record/complete", test_all_lines_are_kept_in_bounded_memory);
    g_test_add_func("/record/no-file", test_without_a_file_the_newest_are_kept);
    g_test_add_func("/record/full", test_on_a_full_disk_the_newest_are_kept);
    g_test_add_func("/record/full-later", test_what_is_in_a_file_that_takes_no_more_stays);
    g_test_add_func("/record/long", test_long_lines_and_none);
    return g_test_run();
}
