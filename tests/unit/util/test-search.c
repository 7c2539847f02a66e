/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "util/search.h"

static struct search text(const char *words, bool ignore_case)
{
    struct search search;
    g_assert_cmpint(search_text(words, ignore_case, &search, NULL), ==, 0);
    return search;
}

static struct search hex(const char *digits)
{
    struct search search;
    g_assert_cmpint(search_hex(digits, &search, NULL), ==, 0);
    return search;
}

static ptrdiff_t first(struct search search, const char *bytes, size_t n)
{
    return search_first(&search, (const uint8_t *)bytes, n);
}

static ptrdiff_t last(struct search search, const char *bytes, size_t n)
{
    return search_last(&search, (const uint8_t *)bytes, n);
}

static void test_finds_text(void)
{
    const char all[] = "one two one Two";
    g_assert_cmpint(first(text("one", false), all, 15), ==, 0);
    g_assert_cmpint(last(text("one", false), all, 15), ==, 8);
    g_assert_cmpint(first(text("two", false), all, 15), ==, 4);
    g_assert_cmpint(last(text("two", false), all, 15), ==, 4);
    g_assert_cmpint(last(text("tWo", true), all, 15), ==, 12);
    g_assert_cmpint(first(text("two one Two", false), all, 15), ==, 4);
    g_assert_cmpint(first(text("two one Two", false), all, 14), ==, -1);
    g_assert_cmpint(first(text("one two one Two!", false), all, 15), ==, -1);
}

static void test_case_is_of_letters_only(void)
{
    g_assert_cmpint(first(text("[", true), "{", 1), ==, -1);
    g_assert_cmpint(first(text("@", true), "`", 1), ==, -1);
    g_assert_cmpint(first(text("z1", true), "xZ1", 3), ==, 1);
}

static void test_finds_hex_with_any_digit(void)
{
    const char all[] = "\x00\x7f\x45\x4c\x46\x00\x7f\x55";
    g_assert_cmpint(first(hex("7f 45"), all, 8), ==, 1);
    g_assert_cmpint(last(hex("7f ?5"), all, 8), ==, 6);
    g_assert_cmpint(first(hex("4C??00"), all, 8), ==, 3);
    g_assert_cmpint(first(hex("0?7f5?"), all, 8), ==, 5);
    g_assert_cmpint(first(hex("?? 7f"), all, 8), ==, 0);
    g_assert_cmpint(first(hex("00 ??"), all + 5, 1), ==, -1);
}

static void check_refused(const char *digits, const char *word)
{
    g_autoptr(GError) error = NULL;
    struct search search;
    g_assert_cmpint(search_hex(digits, &search, &error), ==, -EINVAL);
    g_assert_nonnull(strstr(error->message, word));
}

static void test_refuses_what_is_no_pattern(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *longest = g_strnfill(SEARCH_MAX, 'x'), *longer = g_strnfill(SEARCH_MAX + 1, 'x');
    g_autofree char *digits = g_strnfill(2 * SEARCH_MAX + 2, '1');
    struct search search;
    check_refused("", "nothing");
    check_refused("?? ??", "nothing");
    check_refused("123", "missing");
    check_refused("1 2", "no hex");
    check_refused("xy", "no hex");
    check_refused(digits, "too long");
    g_assert_cmpint(search_text("", false, &search, &error), ==, -EINVAL);
    g_assert_cmpint(search_text(longer, false, &search, NULL), ==, -EINVAL);
    g_assert_cmpint(search_text(longest, false, &search, NULL), ==, 0);
}

static void test_knows_what_zeroes_match(void)
{
    g_assert_cmpint(hex("00").not_zero, ==, -1);
    g_assert_cmpint(hex("00 ?? 0?").not_zero, ==, -1);
    g_assert_cmpint(hex("00 ?1").not_zero, ==, 1);
    g_assert_cmpint(text("a", true).not_zero, ==, 0);
}

static void test_finds_what_is_not_zero(void)
{
    uint8_t bytes[300] = {0};
    struct search search = search_not_zero();
    g_assert_cmpint(search_first(&search, bytes, sizeof bytes), ==, -1);
    g_assert_cmpint(search_last(&search, bytes, sizeof bytes), ==, -1);
    bytes[170] = 1;
    bytes[299] = 0x80;
    g_assert_cmpint(search_first(&search, bytes, sizeof bytes), ==, 170);
    g_assert_cmpint(search_last(&search, bytes, sizeof bytes), ==, 299);
    g_assert_cmpint(search_last(&search, bytes, 299), ==, 170);
}

/* Patterns cut out of random bytes of few values, against trying every place. */
static void test_equals_trying_every_place(void)
{
    for (int round = 0; round < 3000; round++) {
        uint8_t bytes[700];
        struct search search = {0};
        size_t n = (size_t)g_test_rand_int_range(0, sizeof bytes);
        int values = g_test_rand_int_range(1, 5);
        for (size_t i = 0; i < n; i++) {
            bytes[i] = (uint8_t)(g_test_rand_int_range(0, values) * 0x55);
        }
        g_autoptr(GString) digits = g_string_new(NULL);
        int len = g_test_rand_int_range(1, round % 2 ? 6 : 90);
        for (int i = 0; i < len; i++) {
            if (i > 0 && g_test_rand_int_range(0, 4) == 0) {
                g_string_append(digits, g_test_rand_bit() ? "??" : "5?");
            } else {
                g_string_append_printf(digits, "%02x", g_test_rand_int_range(0, values) * 0x55);
            }
        }
        g_assert_cmpint(search_hex(digits->str, &search, NULL), ==, 0);
        ptrdiff_t expect_first = -1, expect_last = -1;
        for (size_t at = 0; at + search.len <= n; at++) {
            if (search_matches(&search, bytes + at)) {
                expect_first = expect_first < 0 ? (ptrdiff_t)at : expect_first;
                expect_last = (ptrdiff_t)at;
            }
        }
        uint8_t *exact = g_memdup2(bytes, n); /* so that a look behind the end is seen */
        g_assert_cmpint(search_first(&search, exact, n), ==, expect_first);
        g_assert_cmpint(search_last(&search, exact, n), ==, expect_last);
        g_free(exact);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/search/text", test_finds_text);
    g_test_add_func("/search/case-is-of-letters-only", test_case_is_of_letters_only);
    g_test_add_func("/search/hex-with-any-digit", test_finds_hex_with_any_digit);
    g_test_add_func("/search/refuses", test_refuses_what_is_no_pattern);
    g_test_add_func("/search/zeroes", test_knows_what_zeroes_match);
    g_test_add_func("/search/not-zero", test_finds_what_is_not_zero);
    g_test_add_func("/search/random", test_equals_trying_every_place);
    return g_test_run();
}
