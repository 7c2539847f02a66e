/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "util/pattern.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

static void test_parse(void)
{
    static const struct {
        const char *text;
        int value;
    } cases[] = {
        {"0", 0},
        {"255", 255},
        {"0xff", 255},
        {"0377", 255},
        {" 7", 7},
        {"+7", 7},
        {"-0", 0},
        {"256", -EINVAL},
        {"-1", -EINVAL},
        {"", -EINVAL},
        {"x", -EINVAL},
        {"0x", -EINVAL},
        {"7 ", -EINVAL},
        {"08", -EINVAL},
        {"1k", -EINVAL},
        {"1.0", -EINVAL},
        {"99999999999999999999999", -EINVAL},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(pattern_parse(cases[i].text), ==, cases[i].value);
}

static void test_one_wrong_byte_anywhere(void)
{
    uint8_t bytes[300];
    memset(bytes, 0xab, sizeof bytes);
    g_assert_true(pattern_matches(bytes, 0, 1));
    g_assert_true(pattern_matches(bytes, sizeof bytes, 0xab));
    g_assert_false(pattern_is_zero(bytes, sizeof bytes));
    for (unsigned i = 0; i < sizeof bytes; i++) {
        bytes[i] ^= 0x80;
        g_assert_false(pattern_matches(bytes, sizeof bytes, 0xab));
        g_assert_true(pattern_matches(bytes, i, 0xab));
        g_assert_true(pattern_matches(bytes + i + 1, sizeof bytes - i - 1, 0xab));
        bytes[i] ^= 0x80;
    }
    memset(bytes, 0, sizeof bytes);
    g_assert_true(pattern_is_zero(bytes, sizeof bytes));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pattern/parse", test_parse);
    g_test_add_func("/pattern/one-wrong-byte-anywhere", test_one_wrong_byte_anywhere);
    return g_test_run();
}
